"""The map file on its disk: the header, the bits of both areas, and what a crash may leave.

In the explorer every bit of a map is a word of its own: a crash keeps or loses it by itself.
That is finer than any disk, so whatever a disk can do to a torn map is among what is explored.
The header is one sector and survives whole or not at all (DISK-2). Beside it stands which
headers are right after a crash, in the world where a start or sync in flight happened and in the
one where it did not (CRASH-3).
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
    """A bit of a map as written; `doubtful` if a crash may leave the other value."""

    bit: bool
    doubtful: bool = False

    @property
    def after_crash(self) -> tuple[bool, ...]:
        """What a crash may leave."""
        return (self.bit, not self.bit) if self.doubtful else (self.bit,)


@frozen
class MapDisk:
    """The map file's blocks. `words` holds, area by area, the copied bits, then the modified.

    `old` and `new` are the standings that are right after a crash without and with the start or
    sync in flight; `new` is empty if none is.
    """

    heading: Heading
    headings: frozenset[Heading]
    words: tuple[Word, ...]
    old: frozenset[Standing]
    new: frozenset[Standing] = frozenset()

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
class OfferStanding:
    """A stop is about to reach the disk: a crash may find it happened, or not."""

    standing: Standing


@frozen
class MoveMapPoint:
    """A start or sync is about to reach the disk, or was answered; or a stop was answered."""

    how: Literal["offered", "answered", "stopped"]


Change = PutWords | PutHeading | FlushMap | OfferStanding | MoveMapPoint


def change(disk: MapDisk, done: Change) -> MapDisk:
    """The map file after something was done."""
    match done:
        case PutWords(bits):
            words = list(disk.words)
            for at, bit in bits:
                if words[at].bit != bit:
                    words[at] = Word(bit, doubtful=True)
            return evolve(disk, words=tuple(words))
        case PutHeading(heading):
            return evolve(disk, heading=heading, headings=disk.headings | {heading})
        case FlushMap():
            sure = tuple(Word(word.bit) for word in disk.words)
            return evolve(disk, headings=frozenset({disk.heading}), words=sure)
        case OfferStanding(standing):
            new = disk.new and disk.new | {standing}
            return evolve(disk, old=disk.old | {standing}, new=new)
        case MoveMapPoint("offered"):
            return evolve(disk, new=disk.new or frozenset({Standing.TRACKING}))
        case MoveMapPoint("answered"):
            return evolve(disk, old=disk.new or disk.old, new=frozenset())
        case MoveMapPoint():
            sure_standing = frozenset({disk.heading.standing})
            return evolve(disk, old=sure_standing, new=disk.new and sure_standing)
