"""What can be asked of a relationship, and what can be answered.

Offsets, lengths and sizes are bytes, as on the wire (`docs/protocol.md`). Block data is not
bytes here but a number, its *content* (`content`): 0 is a block of zeros, any other number is
the write that made it. One write gives one content to every block it covers.
"""

from enum import Enum

from attrs import frozen

from flashcopy.model.images import Volume


class Refusal(Enum):
    """Why a request was refused; the wire protocol's `data.kind`. Nothing has changed then."""

    INVALID_ARGUMENT = "invalid_argument"
    INVALID_STATE = "invalid_state"
    READ_ONLY = "read_only"
    IO_ERROR = "io_error"


@frozen
class Read:
    """Read `length` bytes at `offset` of a volume."""

    volume: Volume
    offset: int
    length: int


@frozen
class Write:
    """Write `content` to every block of `length` bytes at `offset` of a volume."""

    volume: Volume
    offset: int
    length: int
    content: int


@frozen
class WriteZeroes:
    """Write zeroes to every block of `length` bytes at `offset` of a volume.

    To the model a write like any other, with content 0. It is an operation of its own because
    implementations give it a path of their own, and that path its own faults.
    """

    volume: Volume
    offset: int
    length: int


@frozen
class Flush:
    """Make every answered write to a volume durable."""

    volume: Volume


@frozen
class Start:
    """The target becomes the source, now; copying starts over."""


@frozen
class Sync:
    """The target becomes the source, now; only what differs is copied again."""


@frozen
class Stop:
    """End the relationship: to `idle` if all is copied, else the target becomes unusable."""


@frozen
class BackgroundCopy:
    """Copy up to `grains` grains that are not copied yet, or all of them if None."""

    grains: int | None


Operation = Read | Write | WriteZeroes | Flush | Start | Sync | Stop | BackgroundCopy


@frozen
class Done:
    """The request was carried out."""


@frozen
class Contents:
    """What a read saw, a content for each block."""

    contents: tuple[int, ...]


@frozen
class Copied:
    """How many grains a background copy copied."""

    grains: int


@frozen
class Refused:
    """The request was refused and nothing has changed."""

    kind: Refusal


Outcome = Done | Contents | Copied | Refused

# A device failed under the request (ERR-5, ERR-6), or the state does not allow it (ERR-2).
FAILED = Refused(Refusal.IO_ERROR)
UNUSABLE = Refused(Refusal.INVALID_STATE)
