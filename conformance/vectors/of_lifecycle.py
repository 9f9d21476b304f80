"""Vectors of the lifecycle: every request of its table in every state, and what a stop leaves.

The cells of the table are written down one by one, so that each says which mistake it is after.
"""

from collections.abc import Callable
from functools import partial

from flashcopy.conformance.vectors.draft import SMALL, Draft, drafted
from flashcopy.conformance.vectors.of_requests import started
from flashcopy.conformance.vectors.recorder import Recorder
from flashcopy.conformance.vectors.vector import Kind
from flashcopy.model.images import Volume
from flashcopy.model.operation import Operation, Start, Stop, Sync

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
DRAFTS: list[Draft] = []
draft = partial(drafted, DRAFTS)


def _idle(r: Recorder) -> None:
    r.write(TARGET, 0, SMALL.blocks)
    r.write(SOURCE, 0, SMALL.blocks)
    r.copy(0)


def _copying(r: Recorder) -> None:
    started(r)
    r.copy(1)
    r.write(SOURCE, 2)


def _copied(r: Recorder) -> None:
    started(r)
    r.copy()


def _modified(r: Recorder) -> None:
    _copied(r)
    r.write(SOURCE, 2)


def _stopped(r: Recorder) -> None:
    _copying(r)
    r.stop()


_STATES = {
    "idle": _idle,
    "copying": _copying,
    "copied": _copied,
    "copied and modified": _modified,
    "stopped": _stopped,
}
_EVENTS: dict[str, Operation] = {"start": Start(), "sync": Sync(), "stop": Stop()}
_REFUSED, _WRONG = Kind.NOT_REFUSED, Kind.WRONG_STATE
# A row a cell: event, state, how it shows, what is done wrongly, what that would let happen.
_CELLS = (
    ("start", "idle", _WRONG, "the first start takes the maps of idle for its own",
     "everything counts as copied, and the copy shows old data"),
    ("start", "copying", Kind.WRONG_COUNT, "a start while copying is ignored",
     "the copy is of an earlier moment than was asked for"),
    ("start", "copied", _WRONG, "a start after the copy is complete has nothing to do",
     "the copy is of an earlier moment than was asked for"),
    ("start", "stopped", Kind.WRONGLY_REFUSED, "a stopped relationship stays stopped",
     "a copy that failed once can never be made again"),
    ("sync", "idle", _REFUSED, "a sync before the first start is taken for one",
     "a script that forgets to start overwrites the target"),
    ("sync", "copying", Kind.WRONGLY_REFUSED, "a sync is refused until the copy is complete",
     "a copy of a busy volume can never be refreshed"),
    ("sync", "copied", _WRONG, "a sync of nothing ends the relationship or loses its state",
     "what is complete is reported as something else"),
    ("sync", "copied and modified", _WRONG, "the state stays copied though there is more to copy",
     "the target is detached before it holds what it shows"),
    ("sync", "stopped", _REFUSED, "a sync revives a stopped target by maps that mean nothing",
     "the target becomes readable with a mixture of old and new data"),
    ("stop", "idle", _WRONG, "a stop of nothing makes the target unusable",
     "a volume that is its owner's alone refuses I/O"),
    ("stop", "copying", _WRONG, "a stop leaves a half copied target readable",
     "data of before the start and of after it are taken for a copy"),
    ("stop", "copied", _WRONG, "a stop of a complete copy makes it unusable",
     "a backup that is complete is lost"),
    ("stop", "copied and modified", _WRONG, "a stop takes modified for uncopied",
     "a backup that is complete is lost"),
    ("stop", "stopped", _WRONG, "a second stop makes the target usable again",
     "data of before the start and of after it are taken for a copy"),
)  # fmt: skip


def _cell(event: str, state: str) -> Callable[[Recorder], None]:
    def ask(r: Recorder) -> None:
        _STATES[state](r)
        r.status()
        r.ask(_EVENTS[event])
        r.status()
        r.look()
        r.write(SOURCE, 4)
        r.look()

    ask.__doc__ = f"A {event} in state {state} does what the lifecycle says, and nothing else."
    return ask


for _event, _state, _kind, _mechanism, _harm in _CELLS:
    _id = f"{_event}-when-{_state.replace(' ', '-')}"
    draft(_id, f"LIFE-1 {_event.upper()}-1", _kind, _mechanism, _harm)(_cell(_event, _state))


@draft(
    "last-grain-copied-by-a-write",
    "COPY-4 LIFE-1",
    Kind.WRONG_STATE,
    "only the background copy notices that the last grain is copied",
    "a copy that is complete is never reported so, and its target is lost by a stop",
)
def _(r: Recorder) -> None:
    """A write that copies the last uncopied grain makes the relationship copied."""
    started(r)
    r.copy(3)
    r.status()
    r.write(SOURCE, 6)
    r.status()
    r.stop()
    r.status()
    r.look()


@draft(
    "last-grain-copied-by-a-target-write",
    "COPY-4 WRITE-3",
    Kind.WRONG_STATE,
    "a grain that a write to the target fills does not count",
    "a copy that is complete is never reported so, and its target is lost by a stop",
)
def _(r: Recorder) -> None:
    """So does a write to the target."""
    started(r)
    r.copy(3)
    r.write(TARGET, 6)
    r.status()
    r.stop()
    r.look()


@draft(
    "stopped-target-is-no-image",
    "LIFE-3 ERR-2",
    Kind.NOT_REFUSED,
    "requests to a stopped target go through",
    "a mixture of two moments is read as data, or written to and believed",
    fault="stop",
)
def _(r: Recorder) -> None:
    """A stopped target refuses reads, writes, zeroes and flushes; the source works."""
    started(r)
    r.copy(1)
    r.write(SOURCE, 6)
    r.stop()
    r.read(TARGET)
    r.read(TARGET, 0, 1)
    r.write(TARGET, 0)
    r.zero(TARGET, 2)
    r.flush(TARGET)
    r.write(SOURCE, 3)
    r.zero(SOURCE, 0)
    r.flush(SOURCE)
    r.read(SOURCE)
    r.start()
    r.look()


@draft(
    "stop-of-a-complete-copy-unties",
    "STOP-1 LIFE-2",
    Kind.TOO_NEW,
    "after a stop target reads or writes still go by the source",
    "a detached backup goes on changing with the original",
)
def _(r: Recorder) -> None:
    """After a stop of a complete copy each volume keeps its image and has its own writes."""
    started(r)
    r.write(SOURCE, 0, 2)
    r.copy()
    r.stop()
    r.look()
    r.write(SOURCE, 2, 2)
    r.write(TARGET, 5, 2)
    r.look()
    r.status()
    r.sync()
    r.start()
    r.look()


@draft(
    "stop-ends-tracking",
    "STOP-1 ERR-2 SYNC-3",
    Kind.NOT_REFUSED,
    "a sync after a stop goes by marks that nobody kept up",
    "writes made after the stop are missing from the refreshed copy",
)
def _(r: Recorder) -> None:
    """After a stop, from copied or from copying, a sync is refused and changes nothing."""
    _copied(r)
    r.write(SOURCE, 1)
    r.stop()
    r.write(SOURCE, 3)
    r.sync()
    r.look()
    r.start()
    r.copy(1)
    r.stop()
    r.sync()
    r.status()
    r.read(SOURCE)
    r.read(TARGET)
