"""The IUT is killed, or loses power, with requests in flight; what it recovers is judged.

A life begins small, with one request at a time, and grows: more requests between two crashes, more
of them in flight. The crash comes at a chosen moment, right after a request of one kind is handed
over or is answered, or at a random one. What may be there afterwards is for `recovery` to say;
after a kill no more is relied on than after a loss of power.
"""

import itertools
import random
from collections.abc import Callable, Sequence

from attrs import define, field, frozen

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import Job
from flashcopy.conformance.checks.life import Life
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import is_tracking
from flashcopy.model.operation import (
    BackgroundCopy,
    Flush,
    Operation,
    Read,
    Start,
    Stop,
    Sync,
    Write,
)

BLOCK = 512
# Two blocks to a grain, for requests that share one; maps of one byte, and of several to be torn.
GEOMETRIES = (Geometry(15 * BLOCK, BLOCK, 2 * BLOCK), Geometry(33 * BLOCK, BLOCK, 2 * BLOCK))
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
_KINDS: tuple[type[Operation], ...] = (Start, Sync, Sync, Flush, Write, Write, BackgroundCopy)
# How many are in flight at most, one life after the other.
_AT_ONCE = (1, 6, 3, 12)
_KILLS, _LOSSES = 5, 20
# Seconds between a request's being handed over and the crash: the IUT is somewhere in it. A loss of
# power is a request itself, and may be handed over in one piece with what it cuts off (None).
_BEFORE_KILL = (0.0, 0.0, 0.0003, 0.001)
_BEFORE_LOSS = (None, None, None, 0.0, 0.0005)


@frozen
class Moment:
    """When the crash comes: once the `count`th request of a kind is handed over, or answered."""

    kind: type[Operation]
    answered: bool
    count: int


@define
class Load:
    """What is asked between two crashes. Requests overlap as far as they may be judged then."""

    life: Life
    job: Job
    chance: random.Random
    at_once: int
    geometry: Geometry
    delays: Sequence[float | None]
    contents: "itertools.count[int]" = field(factory=lambda: itertools.count(1))

    def until_crash(self, requests: int) -> None:
        """Ask until the moment of the crash; what is in flight then stays so."""
        kind = self.chance.random()
        if kind < 0.25:
            self.first_touches()
        elif kind < 0.5:
            self.cut_off_sync()
        elif kind < 0.65:
            self.flushed_writes()
        else:
            self.anything(requests)

    def anything(self, requests: int) -> None:
        """So many requests at most, until one of a kind is handed over, or answered."""
        chance, life = self.chance, self.life
        moment = Moment(chance.choice(_KINDS), chance.random() < 0.5, chance.randint(1, 3))
        left = moment.count
        for _ in range(requests):
            full = len(life.in_flight) >= self.at_once
            # Most requests are handed over several at a time, and so arrive together.
            if full or chance.random() < 0.3:
                for answered in life.collect(None if full else 0):
                    left -= moment.answered and isinstance(answered, moment.kind)
                if left <= 0:
                    return
            operation = self.draw()
            life.begin(operation)
            left -= not moment.answered and isinstance(operation, moment.kind)
            if left <= 0:
                self.pause()
            if left <= 0:
                return

    def pause(self) -> None:
        """What was handed over last is given so much time."""
        delay = self.chance.choice(self.delays)
        if delay is not None:
            self.life.collect(delay)

    def draw(self) -> Operation:
        """The next request; no two of those in flight may be in each other's way."""
        chance = self.chance
        moving = any(isinstance(each, Start | Sync) for each in self.life.in_flight)
        if not moving and chance.random() < 0.2:
            return Start() if chance.random() < 0.1 else Sync()
        if chance.random() < 0.15:
            return Flush(chance.choice([SOURCE, TARGET]))
        if chance.random() < 0.15 and self.job.has(Capability.BACKGROUND_COPY):
            return BackgroundCopy(chance.choice([1, 3, None]))
        if chance.random() < 0.15:
            return Read(chance.choice([TARGET, TARGET, SOURCE]), 0, self.geometry.size)
        return self._draw_write() or Read(TARGET, 0, self.geometry.size)

    def _draw_write(self) -> Operation | None:
        """A write that overlaps none in flight, if chance finds one."""
        chance = self.chance
        volumes = [SOURCE, SOURCE] + [TARGET] * self._target_too()
        for _ in range(5):
            volume, first = chance.choice(volumes), chance.randrange(self.geometry.blocks)
            blocks = chance.randint(1, min(4, self.geometry.blocks - first))
            write = self._write(volume, first, blocks)
            if not any(_overlap(write, each) for each in self.life.in_flight):
                return write
        return None

    def _write(self, volume: Volume, first: int, blocks: int) -> Write:
        return Write(volume, first * BLOCK, blocks * BLOCK, next(self.contents))

    def first_touches(self) -> None:
        """Right after a point in time, writes to grains that none has touched, two of them to each.

        So the second comes while the first prepares the grain, or is the first that does not.
        """
        self._at_a_point_in_time()
        geometry, chance = self.geometry, self.chance
        for grain in chance.sample(range(geometry.grains), chance.randint(1, 3)):
            volume = TARGET if self._target_too() and chance.random() < 0.2 else SOURCE
            for block in blocks_of_grain(geometry, grain):
                if len(self.life.in_flight) >= self.at_once:
                    self.life.collect()
                self.life.begin(self._write(volume, block, 1))
        self.pause()

    def cut_off_sync(self) -> None:
        """A sync that has something to do, and the crash."""
        self._at_a_point_in_time()
        for _ in range(self.chance.randint(1, 4)):
            write = self._draw_write()
            if write is not None:
                self.life.ask(write)
        self.life.begin(Sync())
        self.pause()

    def flushed_writes(self) -> None:
        """What was written before a flush that was answered is there; the rest may be."""
        volume = TARGET if self._target_too() and self.chance.random() < 0.4 else SOURCE
        for flushed in (True, False):
            for first in self.chance.sample(range(self.geometry.blocks), 3):
                self.life.ask(self._write(volume, first, 1))
            if flushed:
                self.life.ask(Flush(volume))

    def _at_a_point_in_time(self) -> None:
        if self.job.has(Capability.BACKGROUND_COPY) and self.chance.random() < 0.7:
            self.life.ask(BackgroundCopy(None))
        self.life.ask(Sync())
        self.life.ask(Read(TARGET, 0, self.geometry.size))

    def _target_too(self) -> bool:
        return self.job.has(Capability.TARGET_WRITE)

    def stop(self) -> None:
        """STOP-1, by itself, so that nothing else in flight is refused for it."""
        self.life.drain()
        self.life.begin(Stop())
        if self.chance.random() < 0.5:
            self.life.drain()

    def settle(self) -> None:
        """What a wrong bit does shows after the next copy or sync."""
        life, chance = self.life, self.chance
        if not is_tracking(life.state):
            life.ask(Start())
        if chance.random() < 0.5 and self.job.has(Capability.BACKGROUND_COPY):
            life.ask(BackgroundCopy(None))
            life.ask(Read(TARGET, 0, self.geometry.size))
        if chance.random() < 0.7:
            life.ask(Sync())
            life.ask(Read(TARGET, 0, self.geometry.size))


def restart(job: Job) -> None:
    """CRASH-1, CRASH-2, CRASH-3, REC-1: killed with requests in flight, and opened again."""
    _live(
        job, "restart", job.effort.examples // 10, _KILLS, _BEFORE_KILL, lambda life, _: life.kill()
    )


def power_loss(job: Job) -> None:
    """CRASH-1, CRASH-2, CRASH-3, REC-1: what is not flushed is lost in part, and recovered from."""

    def lose(life: Life, chance: random.Random) -> None:
        life.lose_power(chance.randrange(1 << 32))

    _live(job, "power-loss", job.effort.examples // 5, _LOSSES, _BEFORE_LOSS, lose)


def _live(
    job: Job,
    name: str,
    lives: int,
    crashes: int,
    delays: Sequence[float | None],
    crash: Callable[[Life, random.Random], None],
) -> None:
    for number in range(lives):
        chance = random.Random(f"{job.seed} {name} {number}")
        at_once = _AT_ONCE[number % len(_AT_ONCE)] if job.has(Capability.CONCURRENT) else 1
        geometry = GEOMETRIES[(number + number // len(_AT_ONCE)) % len(GEOMETRIES)]
        with job.session(geometry) as session:
            life = Life(session, sequential=not job.has(Capability.CONCURRENT))
            load = Load(life, job, chance, at_once, geometry, delays)
            life.ask(Write(SOURCE, 0, geometry.size, next(load.contents)))
            for _ in range(crashes):
                load.settle()
                load.until_crash(chance.randint(2, 4 + 2 * at_once))
                if job.has(Capability.STOP) and chance.random() < 0.08:
                    load.stop()
                crash(life, chance)
                if job.is_over():
                    return


def _overlap(write: Write, other: Operation) -> bool:
    return (
        isinstance(other, Write)
        and other.volume is write.volume
        and other.offset < write.offset + write.length
        and write.offset < other.offset + other.length
    )
