"""A load: what is asked while much is in flight, drawn from a seed before anything is asked.

A load is a row of bursts, a burst a set of lanes, a lane a row of requests. A lane has one request
in flight at a time, the lanes of a burst run beside each other, and a burst begins when all of the
one before is answered. So whatever is left out of a load leaves a load, which is what makes it
possible to look for a smaller one.

Each writing lane has blocks of its own, so that no two writes to one block are in flight together,
but lanes share grains, so that they get in each other's way. What convicts the planted races,
found by trying: many writes around a sync and writes one after the other while it is in flight,
the whole target read again and again within one point in time, the source read as soon as a sync is
answered, and writes handed over together with the copy of the very grain they write. Beside them,
where they are claimed: writes of zeroes, flushes, and stops with a sync in flight.
"""

import itertools
import random
from collections.abc import Callable, Iterator

from attrs import define

from flashcopy.conformance.adapter import Capability
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    BackgroundCopy,
    Flush,
    Operation,
    Read,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)

Lane = tuple[Operation, ...]
Burst = tuple[Lane, ...]
Load = tuple[Burst, ...]

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
_WRITERS = 4
_BURSTS = 16
# How many grains the copier is met at.
_MEETINGS = 8
# In how many bursts there are writes of zeroes, and flushes. Of zeroes nobody can say whose they
# are, so in most bursts every write is to be known again.
_ZEROES, _FLUSHES = 0.2, 0.3
# Writes of one lane: many cover each other's traces, few leave a wrong bit as it is.
_WRITES = (1, 1, 2, 3, 12)


@define
class _Draw:
    """A load in the making."""

    chance: random.Random
    geometry: Geometry
    capabilities: frozenset[Capability]
    contents: Iterator[int]

    def write(self, volume: Volume, first: int, blocks: int) -> Write:
        """A write of a content that is new."""
        size = self.geometry.block_size
        return Write(volume, first * size, blocks * size, next(self.contents))

    def read(self, volume: Volume) -> Read:
        """The whole of a volume."""
        return Read(volume, 0, self.geometry.size)

    def copy(self) -> list[Lane]:
        """The background copy beside all that, where it must be told to."""
        if Capability.BACKGROUND_COPY not in self.capabilities:
            return []
        return [(BackgroundCopy(self.chance.choice([1, 3, None])),)]

    def writer(self, number: int, writes: int) -> Lane:
        """Every fourth block of the source, and of the target."""
        on_target = Capability.TARGET_WRITE in self.capabilities and self.chance.random() < 0.2
        lane = []
        for _ in range(writes):
            block = self.chance.randrange(number, self.geometry.blocks, _WRITERS)
            volume = TARGET if on_target and self.chance.random() < 0.5 else SOURCE
            lane.append(self.write(volume, block, 1))
        return tuple(lane)

    def wide_writer(self, number: int) -> Lane:
        """A quarter of the source, in requests that cross grains."""
        first, last = (self.geometry.blocks * each // _WRITERS for each in (number, number + 1))
        lane = []
        for _ in range(self.chance.choice((1, 2))):
            begin = self.chance.randrange(first, last)
            lane.append(self.write(SOURCE, begin, self.chance.randint(1, last - begin)))
        return tuple(lane)

    def point_in_time(self) -> Operation:
        """A sync as a rule, or a start."""
        return Start() if self.chance.random() < 0.1 else Sync()

    def everything(self) -> list[Lane]:
        """All at once, each lane as it likes."""
        lanes = [self.writer(number, self.chance.choice(_WRITES)) for number in range(_WRITERS)]
        for _ in range(2):
            volumes = self.chance.choices([TARGET, TARGET, SOURCE], k=self.chance.randint(1, 3))
            lanes.append(tuple(self.read(volume) for volume in volumes))
        looks = (self.read(SOURCE), self.read(TARGET))
        syncs = [(self.point_in_time(), *looks) for _ in range(self.chance.randint(0, 2))]
        return lanes + syncs

    def around_a_sync(self) -> list[Lane]:
        """One write of each, large or small, and a sync among them."""
        wide = self.chance.random() < 0.5
        lanes = [
            self.wide_writer(number) if wide else self.writer(number, 1)
            for number in range(_WRITERS)
        ]
        return [*lanes, (self.point_in_time(), self.read(SOURCE), self.read(TARGET))]

    def one_after_the_other(self) -> list[Lane]:
        """Writes, none begun before the last is answered, while a sync is in flight."""
        lane = tuple(
            self.write(SOURCE, self.chance.randrange(self.geometry.blocks), 1) for _ in range(12)
        )
        return [lane, (self.point_in_time(), self.read(TARGET), self.read(TARGET))]

    def every_block_at_once(self) -> list[Lane]:
        """A write to each block, all of them in flight with a sync and reads of the target."""
        lanes: list[Lane] = [
            (self.write(SOURCE, block, 1),) for block in range(self.geometry.blocks)
        ]
        reads = (self.read(TARGET), self.read(TARGET))
        return [*lanes, (self.point_in_time(), self.read(SOURCE), self.read(TARGET)), reads]

    def meet_the_copier(self) -> list[Burst]:
        """Behind a start the copier takes one grain at a time, and writes the same ones with it.

        All of a burst are handed over together, so the writes come while it has the grain in hand:
        what it does to a grain that it does not hold is seen by nothing else.
        """
        if Capability.BACKGROUND_COPY not in self.capabilities:
            return []
        geometry, chance = self.geometry, self.chance
        bursts: list[Burst] = [((Start(),),)]
        other = TARGET if Capability.TARGET_WRITE in self.capabilities else SOURCE
        for grain in range(min(geometry.grains, _MEETINGS)):
            blocks = list(blocks_of_grain(geometry, grain))
            chance.shuffle(blocks)
            writes = [self.write(*each, 1) for each in zip((SOURCE, other), blocks, strict=False)]
            chance.shuffle(writes)
            bursts.append(((BackgroundCopy(1),), *((write,) for write in writes)))
        return [*bursts, ((self.read(TARGET),),)]

    def around_a_stop(self) -> list[Burst]:
        """Writes, reads and a sync beside a stop, what is left of the target, and a new start."""
        if Capability.STOP not in self.capabilities:
            return []
        lanes = [self.writer(number, self.chance.choice((1, 2, 3))) for number in range(_WRITERS)]
        lanes += [(Sync(), self.read(TARGET)), (self.read(TARGET), self.read(SOURCE))]
        lanes += [(Stop(), self.read(TARGET)), *self.copy()]
        self.chance.shuffle(lanes)
        copied: list[Burst] = []
        if Capability.BACKGROUND_COPY in self.capabilities and self.chance.random() < 0.5:
            copied.append(((BackgroundCopy(None),),))
        return [*copied, tuple(lanes), ((self.read(TARGET),),), ((Start(),),)]

    def with_flushes(self, burst: Burst) -> Burst:
        """The same, and beside it a flush or two."""
        volumes = self.chance.choices((SOURCE, TARGET), k=self.chance.choice((1, 2)))
        flushes = tuple(Flush(volume) for volume in volumes)
        at = self.chance.randint(0, len(burst))
        return (*burst[:at], flushes, *burst[at:])

    def with_zeroes(self, burst: Burst) -> Burst:
        """The same, but half of the writes are of zeroes, which have a path of their own."""
        if Capability.WRITE_ZEROES not in self.capabilities:
            return burst
        return tuple(tuple(map(self._maybe_zeroes, lane)) for lane in burst)

    def _maybe_zeroes(self, operation: Operation) -> Operation:
        if not isinstance(operation, Write) or self.chance.random() < 0.5:
            return operation
        return WriteZeroes(operation.volume, operation.offset, operation.length)

    def look(self) -> list[Burst]:
        """With nothing else in flight: what a wrong bit does shows after the next sync."""
        bursts: list[Burst] = []
        if self.chance.random() < 0.5:
            if Capability.BACKGROUND_COPY in self.capabilities and self.chance.random() < 0.5:
                bursts.append(((BackgroundCopy(None),),))
            bursts += [((self.read(TARGET), Sync()),)]
        return [*bursts, ((self.read(TARGET),),)]


def draw(
    seed: str, geometry: Geometry, capabilities: frozenset[Capability], first_content: int
) -> Load:
    """A load for two volumes in any state: it begins with a known source, and a start.

    The contents it writes are numbered from `first_content` on, fewer than CONTENTS of them.
    """
    chance = random.Random(seed)
    contents = itertools.count(first_content)
    all_ = _Draw(chance, geometry, capabilities, contents)
    seldom = _Draw(random.Random(f"{seed} seldom"), geometry, capabilities, contents)
    load: list[Burst] = [((all_.write(SOURCE, 0, geometry.blocks), Start()),)]
    kinds: list[Callable[[], list[Lane]]] = [
        all_.everything,
        all_.around_a_sync,
        all_.one_after_the_other,
        all_.every_block_at_once,
    ]
    for number in range(_BURSTS):
        if number % 8 == 4:
            load += all_.meet_the_copier()
        if number % 4 == 2:
            load += seldom.around_a_stop()
        lanes = chance.choices(kinds, (4, 2, 2, 1))[0]() + all_.copy()
        chance.shuffle(lanes)
        burst: Burst = tuple(lanes)
        if seldom.chance.random() < _ZEROES:
            burst = seldom.with_zeroes(burst)
        if seldom.chance.random() < _FLUSHES:
            burst = seldom.with_flushes(burst)
        load += [burst, *all_.look()]
    return (*load, (tuple(all_.read(volume) for volume in Volume),))


# More than one load writes.
CONTENTS = 10_000
