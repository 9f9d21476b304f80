"""What one request of a sequential check can be, and how Hypothesis sees it: as a few numbers.

A check, a driver and a shrinker deal in asks: an operation of the model, or the question what the
relationship is at. The content of a write is chosen when it is carried out, so that asks can be
left out and simplified and still make sense together.
"""

from collections.abc import Callable, Sequence

from attrs import frozen

from flashcopy.model.geometry import Geometry, is_within
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    FAILED,
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
from flashcopy.model.trace import Answer, Entry, Status, Submit


@frozen
class AskStatus:
    """The question what the relationship is at."""


Ask = Operation | AskStatus
# Gives a number from the first to the second, both included.
Draw = Callable[[int, int], int]

# The simplest first: that is where shrinking leads to.
_PLAIN: tuple[Ask, ...] = (Sync(), Start(), AskStatus(), Stop())
_EXTENTS: tuple[type[Write] | type[Read] | type[WriteZeroes], ...] = (Write, Read, WriteZeroes)
_VOLUMES = (Volume.SOURCE, Volume.TARGET)


def beginning(geometry: Geometry) -> tuple[Write, Start]:
    """What keeps all that was before from what comes after: a full write of the source, a start.

    Zeros would hide what is stale.
    """
    return Write(Volume.SOURCE, 0, geometry.size, 1), Start()


def asks_of(entries: Sequence[Entry]) -> list[Ask] | None:
    """What was asked in a trace; None if that was not one request after the other.

    What failed in a device was asked again, and after a failed write it was read what had landed
    (`failing`). Both happen by themselves wherever these are asked, so neither is among them.
    """
    asks: list[Ask] = []
    in_flight = False
    # What is asked until it works, after this failed.
    until_it_works: Operation | None = None
    for entry in entries:
        match entry:
            case Submit(_, operation) if not in_flight:
                if operation != until_it_works:
                    until_it_works = None
                    asks.append(operation)
                in_flight = True
            case Answer(_, outcome):
                in_flight = False
                if outcome != FAILED:
                    until_it_works = None
                elif until_it_works is None:
                    until_it_works = _asked_by_itself(asks[-1])
            case Status() if not in_flight:
                asks.append(AskStatus())
            case _:
                return None
    return asks


def _asked_by_itself(failed: Ask) -> Operation | None:
    """What follows a request that has failed."""
    if isinstance(failed, Write | WriteZeroes):
        return Read(failed.volume, failed.offset, failed.length)
    return None if isinstance(failed, AskStatus) else failed


@frozen
class Alphabet:
    """Asks on volumes of one geometry as numbers, and back.

    `others` are those that have no numbers of their own, such as misaligned ones: they are
    numbered as they stand.
    """

    geometry: Geometry
    others: tuple[Ask, ...] = ()

    @classmethod
    def of(cls, geometry: Geometry, asks: Sequence[Ask]) -> "Alphabet":
        """One in which all of these can be said."""
        plain = cls(geometry)
        return cls(geometry, tuple(dict.fromkeys(a for a in asks if not plain.has_numbers(a))))

    def has_numbers(self, ask: Ask) -> bool:
        """Whether an ask is one of the ordinary ones."""
        if isinstance(ask, Write | Read | WriteZeroes):
            return ask.length > 0 and is_within(self.geometry, ask.offset, ask.length)
        return not isinstance(ask, BackgroundCopy) or ask.grains is None or ask.grains > 0

    def draw(self, draw: Draw) -> Ask:
        """The ask that these numbers say."""
        kind = draw(0, len(_EXTENTS) + 2 + len(_PLAIN) + len(self.others) - 1)
        if kind < len(_EXTENTS):
            return self._extent(_EXTENTS[kind], draw)
        kind -= len(_EXTENTS)
        if kind == 0:
            return BackgroundCopy(draw(0, self.geometry.grains) or None)
        if kind == 1:
            return Flush(_VOLUMES[draw(0, 1)])
        return (*_PLAIN, *self.others)[kind - 2]

    def numbers(self, ask: Ask) -> tuple[int, ...]:
        """What to draw to get this ask."""
        first_plain = len(_EXTENTS) + 2
        if not self.has_numbers(ask):
            return (first_plain + len(_PLAIN) + self.others.index(ask),)
        match ask:
            case Write(volume, offset, length) | Read(volume, offset, length):
                kind = _EXTENTS.index(type(ask))
            case WriteZeroes(volume, offset, length):
                kind = _EXTENTS.index(WriteZeroes)
            case BackgroundCopy(grains):
                return len(_EXTENTS), min(grains or 0, self.geometry.grains)
            case Flush(volume):
                return len(_EXTENTS) + 1, _VOLUMES.index(volume)
            case _:
                return (first_plain + _PLAIN.index(ask),)
        size = self.geometry.block_size
        return kind, _VOLUMES.index(volume), offset // size, length // size

    def _extent(self, kind: type[Write] | type[Read] | type[WriteZeroes], draw: Draw) -> Ask:
        volume = _VOLUMES[draw(0, 1)]
        # One more than there is, so that there is always something to draw.
        first = min(draw(0, self.geometry.blocks), self.geometry.blocks - 1)
        blocks = min(max(1, draw(0, self.geometry.blocks)), self.geometry.blocks - first)
        size = self.geometry.block_size
        if kind is Write:
            return Write(volume, first * size, blocks * size, 0)
        return kind(volume, first * size, blocks * size)  # type: ignore[call-arg]
