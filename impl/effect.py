"""The effects a protocol generator can ask for: everything it does to the world, by name.

The protocol (`protocol`) is written once, as generators that yield these and receive their
results. Who carries them out differs: the threaded engine on real files, a deterministic
scheduler on a simulated disk, an explorer, a solver. *Every `yield` is a point where another
request may run or the power may fail.* Each effect by itself happens at one instant, except
that a Read or Write is atomic only block by block.

A request holds what it has acquired until it ends, by return or by exception; there is nothing
to release and nothing to forget. If an effect fails, its error is raised at its `yield`.

The classes are `define`d, not `frozen`: nobody changes one, and creating one is on the path of
every I/O, where a frozen one would cost three times as much.
"""

from enum import Enum
from typing import Final

from attrs import define


class Device(Enum):
    """The three devices of a relationship."""

    SOURCE = "source"
    TARGET = "target"
    MAP = "map"


SOURCE: Final = Device.SOURCE
TARGET: Final = Device.TARGET
MAP: Final = Device.MAP


class State(Enum):
    """The lifecycle state; `copying` and `copied` differ only in whether a grain is uncopied."""

    IDLE = "idle"
    COPYING = "copying"
    COPIED = "copied"
    STOPPED = "stopped"


class Standing(Enum):
    """What the map file's header records; of `copying` and `copied` the maps know which."""

    IDLE = 0
    TRACKING = 1
    STOPPED = 2


class Mode(Enum):
    """How grains are held: by any number of readers, or by one alone."""

    SHARED = "shared"
    EXCLUSIVE = "exclusive"


# An enumeration's member costs a look-up in Python on some versions, a name does not, and these
# are on the way of every I/O.
SHARED: Final = Mode.SHARED
EXCLUSIVE: Final = Mode.EXCLUSIVE
STOPPED: Final = State.STOPPED


class Point(Enum):
    """Which grains must look uncopied at a new point in time: all, or the modified ones."""

    START = "start"
    SYNC = "sync"


Runs = tuple[range, ...]


# Locks: first come, first served, so nobody is starved.


@define
class AcquireCopier:
    """Wait to be the only one of background copy, start, sync and stop. Gives the State."""


@define
class AcquireGrains:
    """Wait for a run of grains; at most one such run a request. Gives the State.

    Shared holders exclude exclusive ones and nobody else; whoever conflicts with an earlier
    waiter waits behind it. The state given cannot leave idle or tracking while the run is held,
    except to `stopped` when a device fails.
    """

    grains: range
    mode: Mode


# Devices.


@define
class Read:
    """Read a run of blocks of source or target. Gives the data."""

    device: Device
    blocks: range


@define
class Write:
    """Write data to a run of blocks of source or target; it need not be durable."""

    device: Device
    blocks: range
    data: bytes


@define
class Flush:
    """Make all that was written to these devices durable, in no order among them."""

    devices: tuple[Device, ...]


# Memory: the bits, the cursor and the state; all of it is lost when the power fails.


@define
class Unsettled:
    """Which of these grains are not *settled*, that is, known to be durably diverged? Runs."""

    grains: range


@define
class Uncopied:
    """Which of these grains are not copied? Runs."""

    grains: range


@define
class NextUncopied:
    """The first run of uncopied grains from the cursor on, cut to `limit`; empty if none is left.

    The cursor moves to its first grain: over copied grains only, so none is left behind.
    """

    limit: int


@define
class MarkCopied:
    """Set these grains' copied bits in memory."""

    runs: Runs


@define
class MarkDiverged:
    """Set these grains' copied and modified bits in memory."""

    runs: Runs


@define
class Settle:
    """Remember that these grains are durably diverged: writes to them need no preparation."""

    runs: Runs


@define
class Distrust:
    """The devices may no longer hold what the bits say: stopped, and no grain settled.

    So every write to the source comes back to record that we stopped, until that succeeds.
    """


@define
class Adopt:
    """Let memory follow the header just committed.

    TRACKING: the prepared maps, the cursor at grain 0, nothing settled. IDLE and STOPPED: every
    grain settled, for nothing ties the volumes. STOPPED leaves the copied and modified maps to
    the requests in flight.
    """

    standing: Standing


# The map file. Its writes need a Flush like any other.


@define
class Save:
    """Write the parts of the current map area that hold these grains' bits, as memory has them."""

    runs: Runs


@define
class Prepare:
    """Write what the maps will be at a new point in time, as of now, to the other map area.

    Only what differs from what is there already. Gives whether anything did.
    """

    point: Point


@define
class Commit:
    """Write the header block: the next generation, this standing.

    For TRACKING it names the other map area; else the current one stays.
    """

    standing: Standing


Effect = (
    AcquireCopier
    | AcquireGrains
    | Read
    | Write
    | Flush
    | Unsettled
    | Uncopied
    | NextUncopied
    | MarkCopied
    | MarkDiverged
    | Settle
    | Distrust
    | Adopt
    | Save
    | Prepare
    | Commit
)
