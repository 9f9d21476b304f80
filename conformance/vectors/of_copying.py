"""Vectors of the background copy: its order, its count, its end, and that nobody sees it."""

from functools import partial

from flashcopy.conformance.vectors.draft import BLOCK, SMALL, Draft, drafted
from flashcopy.conformance.vectors.of_requests import started
from flashcopy.conformance.vectors.recorder import Recorder
from flashcopy.conformance.vectors.vector import Kind
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
TEN = Geometry(10 * BLOCK, BLOCK, BLOCK)
DRAFTS: list[Draft] = []
draft = partial(drafted, DRAFTS)


@draft(
    "copying-is-not-seen",
    "COPY-1 IMG-2",
    Kind.TOO_NEW,
    "the background copy copies grains that are copied already",
    "the copy takes on data written after the point in time, grain by grain",
    fault="17",
)
def _(r: Recorder) -> None:
    """Whatever is copied in the background, both images stay as they are."""
    started(r)
    r.write(SOURCE, 0, 3)
    r.write(TARGET, 4)
    for _ in range(4):
        r.copy(1)
        r.look()
    r.write(SOURCE, 0, SMALL.blocks)
    r.look()


@draft(
    "copying-does-not-mark-the-neighbour",
    "COPY-1 COPY-4",
    Kind.STALE,
    "the background copy marks the grain after the one it copied, too",
    "a grain is left out, and shows what the target held before the start",
    fault="17",
)
def _(r: Recorder) -> None:
    """A grain counts as copied when it is copied, and no other does."""
    started(r)
    r.copy(2)
    r.read(TARGET)
    r.status()
    r.write(SOURCE, 4, 2)
    r.read(TARGET)


@draft(
    "copying-counts",
    "COPY-2",
    Kind.WRONG_COUNT,
    "the count includes grains that were copied already, or copies that failed",
    "an operator believes that a copy has come further than it has",
    fault="32",
    geometry=TEN,
)
def _(r: Recorder) -> None:
    """Asked for so many grains it copies so many, or what is left; written ones do not count."""
    started_with(r, TEN.blocks)
    r.copy(0)
    r.copy(3)
    r.status()
    r.write(SOURCE, 3, 3)
    r.status()
    r.copy(2)
    r.status()
    r.copy(100)
    r.status()
    r.copy(1)
    r.copy()


@draft(
    "copying-goes-upwards",
    "COPY-2",
    Kind.WRONG_MAP,
    "grains are copied in another order than from the cursor upwards",
    "progress says nothing about which part of the copy stands by itself",
    geometry=TEN,
)
def _(r: Recorder) -> None:
    """The first uncopied grains are copied first, past those that a write copied."""
    started_with(r, TEN.blocks)
    r.write(SOURCE, 1)
    r.copy(2)
    r.bitmaps()
    r.copy(1)
    r.bitmaps()


@draft(
    "copying-ends-with-the-last-grain",
    "COPY-4 COPY-5",
    Kind.STALE,
    "the copy ends one grain early, or counts a grain whose copy failed",
    "the copy is reported complete and its last grain shows old data",
    fault="32",
)
def _(r: Recorder) -> None:
    """A copy of all grains copies all, also the short last one."""
    started(r)
    r.copy()
    r.status()
    r.look()
    r.write(SOURCE, 5, 2)
    r.look()


@draft(
    "copying-in-pieces-ends",
    "COPY-5 COPY-4",
    Kind.WRONG_STATE,
    "the last piece is never copied, or the end is not noticed",
    "a copy never completes, and is never safe to detach",
    geometry=TEN,
)
def _(r: Recorder) -> None:
    """Copied in pieces, with writes between them, it is complete when nothing is left."""
    started_with(r, TEN.blocks)
    for first in (8, 1, 5):
        r.copy(2)
        r.write(SOURCE, first)
        r.status()
    r.copy(2)
    r.status()
    r.copy(2)
    r.status()
    r.look()


@draft(
    "copying-restarts-after-sync",
    "COPY-3",
    Kind.WRONG_COUNT,
    "a sync does not put the cursor back to grain 0",
    "grains behind the cursor are never copied again, and no copy completes",
    fault="5",
)
def _(r: Recorder) -> None:
    """After a sync the background copy comes by every uncopied grain, the first among them."""
    started(r)
    r.copy()
    r.write(SOURCE, 0)
    r.write(SOURCE, 4)
    r.sync()
    r.status()
    r.copy()
    r.status()
    r.look()
    r.write(SOURCE, 0, SMALL.blocks)
    r.look()


@draft(
    "copying-restarts-half-way",
    "COPY-3",
    Kind.WRONG_COUNT,
    "a sync in the middle of a copy leaves the cursor where it is",
    "grains behind the cursor are never copied again, and no copy completes",
    fault="5",
    geometry=TEN,
)
def _(r: Recorder) -> None:
    """So it does after a sync that came half way."""
    started_with(r, TEN.blocks)
    r.copy(6)
    r.write(SOURCE, 2)
    r.sync()
    r.copy()
    r.status()
    r.look()


@draft(
    "nothing-to-copy",
    "LIFE-2 COPY-2",
    Kind.WRONG_COUNT,
    "the background copy runs though nothing ties the volumes",
    "one of two independent volumes is overwritten with the other",
)
def _(r: Recorder) -> None:
    """In idle and stopped there is nothing to copy, and nothing is copied."""
    r.write(SOURCE, 0, 4)
    r.write(TARGET, 2, 4)
    r.copy()
    r.look()
    r.status()
    r.start()
    r.stop()
    r.copy(3)
    r.status()
    r.read(SOURCE)


@draft(
    "sync-copies-what-was-written",
    "MIN-1 SYNC-1",
    Kind.WRONG_STATE,
    "after a sync grains that were written are not among those copied again",
    "the refreshed copy is complete, and holds old data",
)
def _(r: Recorder) -> None:
    """After a sync what was written is copied again; that more is, would be waste only."""
    started(r)
    r.copy()
    r.write(SOURCE, 2)
    r.sync()
    r.status()
    r.copy()
    r.write(SOURCE, 2, 2)
    r.look()


def started_with(r: Recorder, blocks: int) -> None:
    """As `started`, of a volume of so many blocks."""
    r.write(TARGET, 0, blocks)
    r.write(SOURCE, 0, blocks)
    r.start()
