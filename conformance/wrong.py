"""What is wrong, for machines: the kind of it, and the blocks, requests and contents that show it.

Whoever finds something says it twice: in words for people, and like this for reports to sort by and
for drawings to point at.
"""

from enum import Enum

from attrs import evolve, frozen

from flashcopy.model.content import UnreadableBlockError


class Kind(Enum):
    """What is wrong with a block, and at the end what else can be wrong (docs/reports.md)."""

    STALE = "stale"
    TOO_NEW = "too new"
    TORN = "torn"
    MISPLACED = "misplaced"
    FOREIGN = "foreign"
    NEVER_WRITTEN = "never written"
    CHANGED = "changed without a write"
    NOT_UNDONE = "not undone"
    LOST_TARGET_WRITE = "lost target write"
    NO_SINGLE_POINT = "no single point in time"
    HALF_HAPPENED = "half happened"
    REFUSED = "refused"
    NOT_REFUSED = "not refused"
    WRONG_STATE = "wrong state"
    WRONG_MAP = "wrong map"
    NOT_COPIED = "not copied"
    WRONG_LENGTH = "wrong length"
    INTERNAL = "internal error"


@frozen
class Wrong:
    """The kind, None if it has no name; blocks, requests (by number) and contents in question.

    `blocks` begin with the one that is seen to be wrong. Contents are what blocks show or must
    show, 0 for zeros.
    """

    kind: Kind | None = None
    blocks: tuple[int, ...] = ()
    requests: tuple[int, ...] = ()
    contents: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The kind in words, empty if it has none."""
        return self.kind.value if self.kind else ""

    def seen_by(self, *requests: int) -> "Wrong":
        """The same, with requests that come first."""
        return evolve(self, requests=tuple(dict.fromkeys((*requests, *self.requests))))


NOT_SAID = Wrong()


def of_unreadable(error: Exception) -> Wrong:
    """What is wrong with an answer of which no content can be said."""
    if not isinstance(error, UnreadableBlockError):
        return NOT_SAID
    return Wrong(Kind(error.what), () if error.block is None else (error.block,))
