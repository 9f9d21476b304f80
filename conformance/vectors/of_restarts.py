"""Vectors in which the implementation is ended, by a kill or cleanly, and opened again.

A kill comes between two requests, so it is the same each time. What it finds flushed and what not
is up to the requests before it; after it no more is relied on than after a loss of power.
"""

from functools import partial

from flashcopy.conformance.vectors.draft import SMALL, Draft, drafted
from flashcopy.conformance.vectors.of_requests import started
from flashcopy.conformance.vectors.recorder import Recorder
from flashcopy.conformance.vectors.vector import Kind
from flashcopy.model.images import Volume

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
DRAFTS: list[Draft] = []
draft = partial(drafted, DRAFTS)


@draft(
    "flushed-source-survives",
    "CRASH-1 FLUSH-1",
    Kind.NEVER_WRITTEN,
    "a flush is answered and does nothing",
    "a database that committed finds its transaction gone",
    fault="flush",
)
def _(r: Recorder) -> None:
    """What was written to the source and flushed is there after a kill."""
    r.write(SOURCE, 0, SMALL.blocks)
    r.flush(SOURCE)
    r.write(SOURCE, 2, 2)
    r.flush(SOURCE)
    r.kill()
    r.look()


@draft(
    "flushed-target-survives",
    "CRASH-1 FLUSH-1",
    Kind.STALE,
    "a flush of the target flushes something else",
    "work done on the copy is gone though it was committed",
    fault="flush",
)
def _(r: Recorder) -> None:
    """What was written to the target since the point in time and flushed is there after a kill."""
    started(r)
    r.write(TARGET, 1, 2)
    r.flush(TARGET)
    r.write(TARGET, 5, 2)
    r.kill()
    r.look()


@draft(
    "unflushed-writes-may-go",
    "CRASH-1 CRASH-2",
    Kind.FOREIGN,
    "what was not flushed comes back as something that nobody wrote there",
    "after a crash a volume holds another's data",
)
def _(r: Recorder) -> None:
    """A block that was not flushed holds its last flushed content or a later one, nothing else."""
    started(r)
    r.flush(SOURCE)
    r.write(SOURCE, 0, 4)
    r.write(SOURCE, 2, 3)
    r.write(TARGET, 6)
    r.kill()
    r.look()
    r.write(SOURCE, 0, SMALL.blocks)
    r.read(SOURCE)


@draft(
    "point-in-time-survives",
    "CRASH-2 REC-1",
    Kind.TOO_NEW,
    "a flush makes the source durable, and not the map that says where the copies are",
    "after a crash the copy shows data written after the point in time",
    fault="30",
)
def _(r: Recorder) -> None:
    """After a kill the target shows the point in time, whatever became of writes to the source."""
    started(r)
    r.write(SOURCE, 1, 4)
    r.flush(SOURCE)
    r.kill()
    r.look()
    r.copy()
    r.look()


@draft(
    "point-in-time-survives-unflushed",
    "CRASH-2 ORDER-1",
    Kind.TOO_NEW,
    "a write to the source reaches the disk before the map says that its grain is copied",
    "after a crash the copy shows data written after the point in time",
    fault="30",
)
def _(r: Recorder) -> None:
    """So it does if the writes were not flushed, and may have reached the disk or not."""
    started(r)
    r.write(SOURCE, 0, 3)
    r.write(SOURCE, 6)
    r.kill()
    r.read(TARGET)
    r.copy()
    r.read(TARGET)


@draft(
    "copied-means-durable",
    "CRASH-2 ORDER-2",
    Kind.STALE,
    "copied bits are durable before the data they vouch for",
    "after a crash the copy shows what the target held before the start",
    fault="25",
)
def _(r: Recorder) -> None:
    """What counts as copied after a kill has been copied."""
    started(r)
    r.copy(2)
    r.write(SOURCE, 4)
    r.kill()
    r.read(TARGET)
    r.copy()
    r.status()
    r.read(TARGET)


@draft(
    "uncopied-stays-uncopied",
    "REC-1 CRASH-2",
    Kind.STALE,
    "after an unclean end the map is dropped, and everything counts as copied",
    "after a crash the copy shows what the target held before the start",
    fault="27",
)
def _(r: Recorder) -> None:
    """What was not copied before a kill is not taken for copied after it."""
    started(r)
    r.kill()
    r.look()
    r.write(SOURCE, 2, 3)
    r.look()
    r.copy()
    r.look()


@draft(
    "marks-survive",
    "REC-1 CRASH-1 SYNC-1",
    Kind.STALE,
    "after an unclean end nothing counts as modified",
    "the first refresh after a crash misses what was written before it",
    fault="27",
)
def _(r: Recorder) -> None:
    """What was written and flushed before a kill is merged by the sync after it."""
    started(r)
    r.copy()
    r.write(SOURCE, 2, 2)
    r.write(TARGET, 6)
    r.flush(SOURCE)
    r.flush(TARGET)
    r.kill()
    r.sync()
    r.look()
    r.copy()
    r.look()


@draft(
    "marks-made-after-a-kill",
    "ORDER-3 REC-1",
    Kind.STALE,
    "after opening, grains are taken for marked that are not",
    "the first refresh after a crash misses what was written after it",
    fault="26",
)
def _(r: Recorder) -> None:
    """What is written after a kill is tracked, to grains written before it and to others."""
    started(r)
    r.copy()
    r.write(SOURCE, 0)
    r.flush(SOURCE)
    r.kill()
    r.write(SOURCE, 0, 4)
    r.write(SOURCE, 6)
    r.sync()
    r.look()


@draft(
    "answered-start-has-happened",
    "CRASH-3 START-1",
    Kind.WRONG_STATE,
    "a start is answered before it is durable",
    "after a crash there is no copy, though its start was reported",
)
def _(r: Recorder) -> None:
    """A start that was answered has happened, and so have the writes before it."""
    r.write(TARGET, 0, SMALL.blocks)
    r.flush(TARGET)
    r.write(SOURCE, 0, SMALL.blocks)
    r.start()
    r.kill()
    r.status()
    r.look()


@draft(
    "answered-sync-has-happened",
    "CRASH-3 SYNC-1",
    Kind.STALE,
    "on disk a sync clears the modified map and leaves the copied one as it was",
    "after a crash the copy is of an earlier moment than was reported",
    fault="31",
)
def _(r: Recorder) -> None:
    """A sync that was answered has happened, for every grain."""
    started(r)
    r.copy()
    r.write(SOURCE, 0, 3)
    r.write(TARGET, 6)
    r.sync()
    r.kill()
    r.look()
    r.copy()
    r.look()


@draft(
    "answered-stop-has-happened",
    "CRASH-3 STOP-1 LIFE-3",
    Kind.WRONG_STATE,
    "a stop is kept in memory only",
    "after a crash an unusable target is readable again",
)
def _(r: Recorder) -> None:
    """A stop that was answered has happened: the target is no image after a kill either."""
    started(r)
    r.copy(1)
    r.stop()
    r.kill()
    r.status()
    r.read(TARGET)
    r.sync()
    r.read(SOURCE)


@draft(
    "idle-survives",
    "CRASH-3 LIFE-2",
    Kind.WRONG_STATE,
    "opening takes every relationship for one that is tracking",
    "a detached volume is tied again, and overwritten by a copy",
)
def _(r: Recorder) -> None:
    """A complete copy that was stopped stays a volume of its own."""
    started(r)
    r.copy()
    r.stop()
    r.write(SOURCE, 0, 3)
    r.flush(SOURCE)
    r.kill()
    r.status()
    r.copy()
    r.look()


@draft(
    "copying-restarts-after-a-kill",
    "COPY-3 COPY-5 REC-1",
    Kind.WRONG_STATE,
    "opening takes the cursor for where it was, though less is copied",
    "after a crash a copy never completes",
)
def _(r: Recorder) -> None:
    """After a kill the background copy comes by every uncopied grain and completes."""
    started(r)
    r.copy(2)
    r.kill()
    r.status()
    r.copy()
    r.status()
    r.look()
    r.write(SOURCE, 0, SMALL.blocks)
    r.read(TARGET)


@draft(
    "killed-twice",
    "REC-1 CRASH-2",
    Kind.STALE,
    "what a recovery itself has to write is not written in an order that can be cut off",
    "the second of two crashes destroys what survived the first",
)
def _(r: Recorder) -> None:
    """A recovery may be cut off by the next kill, and begun again."""
    started(r)
    r.write(SOURCE, 0, 3)
    r.flush(SOURCE)
    r.kill()
    r.kill()
    r.write(SOURCE, 4, 2)
    r.kill()
    r.read(TARGET)
    r.sync()
    r.copy()
    r.kill()
    r.read(TARGET, 0, 3)


@draft(
    "closing-changes-nothing",
    "IMG-2 REC-1",
    Kind.STALE,
    "a clean end forgets what was not flushed, or the maps",
    "a planned restart loses data or the copy",
)
def _(r: Recorder) -> None:
    """A clean end and an opening change neither image and lose nothing."""
    started(r)
    r.copy(1)
    r.write(SOURCE, 0, 3)
    r.write(TARGET, 5, 2)
    r.close()
    r.look()
    r.status()
    r.sync()
    r.write(SOURCE, 3)
    r.close()
    r.look()
    r.copy()
    r.look()
