"""The map file on its disk: the header, the bits of both areas, and what a crash may leave.

In the explorer every bit of a map is a word of its own: a crash keeps or loses it by itself.
That is finer than any disk, so whatever a disk can do to a torn map is among what is explored.
The header is one sector and survives whole or not at all (DISK-2). What a failed flush was to make
durable stays *doubtful* until it is written anew. Beside it stands which headers are right after a
crash, in each of the worlds that a crash may lead to (CRASH-3, and see `block`).
"""

from typing import Literal

from attrs import evolve, frozen

from flashcopy.impl.effect import Standing


@frozen
class Heading:
    """A header: what it says of the relationship, and which area holds the maps."""

    standing: Standing
    area: int


@frozen
class Word:
    """A bit of a map as written; `unsure` if a crash may leave the other value.

    If it is `doubtful` too, no flush makes it sure.
    """

    bit: bool
    unsure: bool = False
    doubtful: bool = False

    @property
    def after_crash(self) -> tuple[bool, ...]:
        """What a crash may leave."""
        return (self.bit, not self.bit) if self.unsure else (self.bit,)


@frozen
class MapDisk:
    """The map file's blocks. `words` holds, area by area, the copied bits, then the modified.

    `worlds` are the standings that are right after a crash, world by world; while a start or sync
    in flight has reached the disk, `moving`, the last of them is its.
    """

    heading: Heading
    headings: frozenset[Heading]
    words: tuple[Word, ...]
    worlds: tuple[frozenset[Standing], ...]
    moving: bool = False
    heading_doubtful: bool = False

    @property
    def left(self) -> int:
        """How many worlds there are where no start or sync in flight has happened."""
        return len(self.worlds) - self.moving

    def bits(self, area: int, which: int) -> tuple[Word, ...]:
        """An area's copied (0) or modified (1) map, a word for each grain."""
        grains = len(self.words) // 4
        first = (2 * area + which) * grains
        return self.words[first : first + grains]


@frozen
class PutWords:
    """Bits are written: pairs of a word's position and its bit."""

    bits: tuple[tuple[int, bool], ...]


@frozen
class PutHeading:
    """The header is written."""

    heading: Heading


@frozen
class FlushMap:
    """The map file is flushed."""


@frozen
class FailFlushOfMap:
    """A flush of the map file failed."""


@frozen
class OfferStanding:
    """A stop is about to reach the disk: a crash may find it happened, or not."""

    standing: Standing


@frozen
class TakeStanding:
    """LIFE-2, ERR-5: memory goes by a stop from now on, so it is durable."""

    standing: Standing


@frozen
class MoveMapPoint:
    """As `block.MovePoint`."""

    how: Literal["offered", "taken", "answered", "refused"]


Change = (
    PutWords | PutHeading | FlushMap | FailFlushOfMap | OfferStanding | TakeStanding | MoveMapPoint
)


def change(disk: MapDisk, done: Change) -> MapDisk:
    """The map file after something was done."""
    match done:
        case PutWords(bits):
            words = list(disk.words)
            for at, bit in bits:
                differs = words[at].bit != bit
                if differs or words[at].doubtful:
                    words[at] = Word(bit, unsure=differs or words[at].unsure)
            return evolve(disk, words=tuple(words))
        case PutHeading(heading):
            headings = disk.headings | {heading}
            return evolve(disk, heading=heading, headings=headings, heading_doubtful=False)
        case FlushMap():
            words = [word if word.doubtful else Word(word.bit) for word in disk.words]
            headings = disk.headings if disk.heading_doubtful else frozenset({disk.heading})
            return evolve(disk, headings=headings, words=tuple(words))
        case FailFlushOfMap():
            words = [evolve(word, doubtful=word.unsure) for word in disk.words]
            doubtful = len(disk.headings) > 1
            return evolve(disk, words=tuple(words), heading_doubtful=doubtful)
        case OfferStanding(standing):
            return evolve(disk, worlds=tuple(right | {standing} for right in disk.worlds))
        case TakeStanding(standing):
            return evolve(disk, worlds=(frozenset({standing}),) * len(disk.worlds))
        case MoveMapPoint(how):
            return _move(disk, how)


def _move(disk: MapDisk, how: str) -> MapDisk:
    match how:
        case "offered" | "taken":
            if disk.moving:
                return disk
            worlds = (*disk.worlds, frozenset({Standing.TRACKING}))
            return evolve(disk, worlds=worlds, moving=True)
        case "answered" if disk.moving:
            return evolve(disk, worlds=disk.worlds[-1:], moving=False)
    return evolve(disk, moving=False)
