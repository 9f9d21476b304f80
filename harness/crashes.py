"""Of all the crashes that could come now, one that would do harm, if there is one.

A crash keeps any subset of the unflushed writes (DISK-4), so a block may be left with any of its
unflushed contents, whatever is left of the others. To learn whether one of all those crashes
leaves something that must not be, they need not be tried one by one: for each map file that may
be left it is enough to look at every block by itself, which takes linear time. So a run need not
be lucky enough to lose just the write that matters, at just the right moment. A crash found here
is carried out, and then it is judged like any other.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, product
from typing import Any, Final

from attrs import frozen

from flashcopy.harness import mapdisk
from flashcopy.harness.images_oracle import Histories, standing
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.simulation import BLOCK_BYTES
from flashcopy.harness.trial import Trial
from flashcopy.impl.effect import MAP, SOURCE, TARGET
from flashcopy.impl.mapfile import Header, Identity, decode_first_page
from flashcopy.model.disk import Disk
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State, is_tracking

# Of more map files that may be left, so many are looked at; and so many of the harms to a world, to
# find one to each that come together.
MOST_MAPS: Final = 16
MOST_HARMS: Final = 4

# The unflushed writes that must survive for something to be left.
Survivors = frozenset[int]
NOTHING: Final[Survivors] = frozenset()
# What would be wrong with blocks, by number, and what must survive for it.
Harms = dict[int, Survivors]


@frozen
class Left:
    """What may be left of a volume: durable contents, and others by block with their survivors."""

    durable: tuple[int, ...]
    unflushed: dict[int, dict[int, Survivors]]

    def of(self, block: int) -> dict[int, Survivors]:
        """What may be left of a block."""
        return {self.durable[block]: NOTHING} | self.unflushed.get(block, {})


@frozen
class Opened:
    """What a relationship opens with: its state, and the copied and modified bit of each grain."""

    state: State
    copied: tuple[int, ...]
    modified: tuple[int, ...]


@frozen
class Harmed:
    """What would be wrong in one world: on the source, and on the target by the copied bit."""

    source: Harms
    target: tuple[Harms, Harms]


def harmful(trial: Trial) -> Survivors | None:
    """The writes that survive a crash which leaves what must not be; None if there is none.

    Looked for are CRASH-1 to CRASH-3, as the oracle has them, and a breach of INV-1 in what is
    left, which would make the next sync go wrong.
    """
    devices = trial.simulation.devices
    source, target = (_left(devices[device].disk) for device in (SOURCE, TARGET))
    unequal = _unequal(source, target)
    harmed = [
        Harmed(
            _strange(source, world.sides[Volume.SOURCE]),
            (
                _strange(source, world.sides[Volume.TARGET]),
                _strange(target, world.sides[Volume.TARGET]),
            ),
        )
        for world in trial.oracle.worlds
    ]
    for survivors, blocks in _map_files(devices[MAP].disk):
        opened = open_with(trial.mutant, blocks)
        grain_blocks = trial.head.geometry.grain_blocks
        if is_tracking(opened.state):
            for block, kept in unequal.items():
                grain = block // grain_blocks
                if opened.copied[grain] and not opened.modified[grain]:
                    return survivors | kept
        harms = []
        for world, harm in zip(trial.oracle.worlds, harmed, strict=True):
            if standing(opened.state) in world.standings:
                harms.append(_harms(opened, harm, grain_blocks))
            else:
                harms.append([NOTHING])
        for combined in product(*harms):
            kept = survivors.union(*combined)
            if len(harms) == 1 or not _may_be(trial, opened, (source, target), kept):
                return kept
    return None


def _left(disk: Disk) -> Left:
    unflushed: dict[int, dict[int, Survivors]] = {}
    for write in disk.pending:
        contents = unflushed.setdefault(write.number, {})
        contents.setdefault(_content(write.block), frozenset((write.serial,)))
    return Left(_contents(disk.durable), unflushed)


def _content(block: bytes) -> int:
    return int.from_bytes(block[:BLOCK_BYTES], "little")


@lru_cache(maxsize=1024)
def _contents(blocks: tuple[bytes, ...]) -> tuple[int, ...]:
    return tuple(map(_content, blocks))


def _unequal(source: Left, target: Left) -> Harms:
    """Blocks whose two sides may differ."""
    harms = {
        block: NOTHING
        for block, (one, other) in enumerate(zip(source.durable, target.durable, strict=True))
        if one != other
    }
    for block in (*source.unflushed, *target.unflushed):
        for (one, kept), (other, too) in product(
            source.of(block).items(), target.of(block).items()
        ):
            if one != other:
                harms.setdefault(block, kept | too)
    return harms


def _strange(left: Left, histories: Histories) -> Harms:
    """Blocks that may be left with what a crash must not leave in them."""
    harms = {
        block: NOTHING
        for block, (content, history) in enumerate(zip(left.durable, histories, strict=True))
        if content != history[-1].content and all(content != r.content for r in history)
    }
    for block, contents in left.unflushed.items():
        known = [record.content for record in histories[block]]
        for content, survivors in contents.items():
            if content not in known:
                harms.setdefault(block, survivors)
    return harms


def _map_files(disk: Disk) -> Iterator[tuple[Survivors, tuple[bytes, ...]]]:
    """The map files that a crash may leave: all mixtures of their words, up to a number of them."""
    words: dict[int, dict[bytes, Survivors]] = {}
    for write in disk.pending:
        choices = words.setdefault(write.number, {disk.durable[write.number]: NOTHING})
        choices.setdefault(write.block, frozenset((write.serial,)))
    for mixture in islice(product(*(choices.items() for choices in words.values())), MOST_MAPS):
        blocks = list(disk.durable)
        for number, (word, _) in zip(words, mixture, strict=True):
            blocks[number] = word
        yield NOTHING.union(*(survivors for _, survivors in mixture)), tuple(blocks)


def open_with(mutant: Mutant, blocks: tuple[bytes, ...]) -> Opened:
    """What a relationship of a mutant opens with, with these blocks of the map file."""
    classes: Any = mutant  # for a type is no Hashable to mypy
    return _open(classes.mapfile, classes.memory, blocks)


@lru_cache(maxsize=4096)
def _open(mapfile: Any, memory: Any, blocks: tuple[bytes, ...]) -> Opened:
    loaded = mapfile(*_first_page(blocks[:2])).load(mapdisk.areas(blocks))
    loaded.__class__ = memory
    return Opened(State(loaded.state.value), tuple(loaded.copied), tuple(loaded.modified))


@lru_cache(maxsize=1024)
def _first_page(blocks: tuple[bytes, ...]) -> tuple[Identity, Header]:
    return decode_first_page(mapdisk.first_page(blocks))


def _harms(opened: Opened, harmed: Harmed, grain_blocks: int) -> list[Survivors]:
    """What must survive beside this map file, for each of a few harms to one world."""
    harms = list(harmed.source.values())
    if opened.state is not State.STOPPED:
        for bit in (0, 1):
            for block, kept in harmed.target[bit].items():
                if opened.copied[block // grain_blocks] == bit:
                    harms.append(kept)
    return harms[:MOST_HARMS]


def _may_be(trial: Trial, opened: Opened, sides: tuple[Left, Left], survivors: Survivors) -> bool:
    """The oracle's word on this map file with the data that these survivors leave."""
    source, target = (_leaving(side, survivors) for side in sides)
    grain_blocks = trial.head.geometry.grain_blocks
    image = [
        after if opened.copied[block // grain_blocks] else before
        for block, (before, after) in enumerate(zip(source, target, strict=True))
    ]
    return trial.oracle.may_be(
        opened.state, source, None if opened.state is State.STOPPED else image
    )


def _leaving(left: Left, survivors: Survivors) -> list[int]:
    """The contents of a volume after a crash with these survivors."""
    contents = list(left.durable)
    for block, unflushed in left.unflushed.items():
        kept = [(max(k & survivors), c) for c, k in unflushed.items() if k & survivors]
        if kept:
            contents[block] = max(kept)[1]
    return contents
