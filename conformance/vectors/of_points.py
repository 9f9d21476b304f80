"""Vectors of start and sync: the merge, what is tracked, and what is left alone."""

from functools import partial

from flashcopy.conformance.vectors.draft import BLOCK, SMALL, Draft, drafted
from flashcopy.conformance.vectors.of_requests import started
from flashcopy.conformance.vectors.recorder import Recorder
from flashcopy.conformance.vectors.vector import Kind
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
ALL = SMALL.blocks
# Twenty grains of one block: three bytes of a map.
THREE_BYTES = Geometry(20 * BLOCK, BLOCK, BLOCK)
DRAFTS: list[Draft] = []
draft = partial(drafted, DRAFTS)


@draft(
    "start-again",
    "START-1",
    Kind.STALE,
    "a second start keeps the copied map of the first",
    "a full refresh of the copy refreshes nothing that was copied before",
)
def _(r: Recorder) -> None:
    """A start while copying, and one after it, make the target the source of now."""
    started(r)
    r.write(SOURCE, 0, 3)
    r.write(TARGET, 6)
    r.start()
    r.look()
    r.copy()
    r.write(SOURCE, 4, 3)
    r.start()
    r.look()
    r.copy()
    r.look()


@draft(
    "sync-shows-source-writes",
    "SYNC-1 IMG-1",
    Kind.STALE,
    "modified is cleared before it is merged, or merged with the wrong operator",
    "the copy is reported as refreshed and is not",
    fault="8",
)
def _(r: Recorder) -> None:
    """After a sync the target shows what was written to the source since the start."""
    started(r)
    r.copy()
    r.write(SOURCE, 2, 2)
    r.sync()
    r.look()
    r.copy()
    r.look()


@draft(
    "sync-undoes-target-writes",
    "SYNC-1 WRITE-3",
    Kind.TOO_NEW,
    "writes to the target are not tracked",
    "what somebody wrote to the copy survives its refresh, among newer data",
    fault="24",
)
def _(r: Recorder) -> None:
    """A sync undoes what was written to the target, in copied and in uncopied grains."""
    started(r)
    r.write(TARGET, 1, 2)
    r.sync()
    r.look()
    r.copy()
    r.write(TARGET, 5, 2)
    r.sync()
    r.look()


@draft(
    "sync-before-all-is-copied",
    "SYNC-2",
    Kind.STALE,
    "copied becomes not modified, so grains never copied count as copied",
    "the copy shows what the target held before the start",
    fault="4",
)
def _(r: Recorder) -> None:
    """A sync does not make an uncopied grain copied."""
    started(r)
    r.write(SOURCE, 2)
    r.sync()
    r.look()
    r.copy()
    r.look()


@draft(
    "sync-without-writes",
    "SYNC-1 SYNC-2",
    Kind.STALE,
    "a sync with nothing to merge takes the maps for empty and everything for copied",
    "the copy shows what the target held before the start",
)
def _(r: Recorder) -> None:
    """A sync with nothing written since changes nothing that is seen."""
    started(r)
    r.sync()
    r.look()
    r.copy(2)
    r.sync()
    r.look()
    r.copy()
    r.sync()
    r.look()
    r.status()


@draft(
    "writes-to-copied-grains-are-tracked",
    "WRITE-1 SYNC-1",
    Kind.STALE,
    "modified is set only by a write that has copied",
    "what is written after the background copy came by is never refreshed",
    fault="16",
)
def _(r: Recorder) -> None:
    """A write to a grain that was copied in the background is tracked."""
    started(r)
    r.copy()
    r.write(SOURCE, 0)
    r.write(SOURCE, 6)
    r.sync()
    r.look()


@draft(
    "writes-to-uncopied-grains-are-tracked",
    "WRITE-1 SYNC-1",
    Kind.STALE,
    "modified is set only where the grain was copied already",
    "what a write itself had to copy is never refreshed",
    fault="16",
)
def _(r: Recorder) -> None:
    """A write that copied its grain is tracked."""
    started(r)
    r.write(SOURCE, 0)
    r.write(SOURCE, 6)
    r.sync()
    r.look()


@draft(
    "every-grain-of-a-write-is-tracked",
    "WRITE-1 SYNC-1",
    Kind.STALE,
    "of a request over several grains only the first is marked modified",
    "large writes are refreshed in part",
    fault="15",
)
def _(r: Recorder) -> None:
    """Each grain of a write over several is tracked, copied or not."""
    started(r)
    r.write(SOURCE, 1, 5)
    r.sync()
    r.look()
    r.copy()
    r.write(SOURCE, 0, 3)
    r.sync()
    r.look()


@draft(
    "marks-are-set-anew",
    "SYNC-1 WRITE-1",
    Kind.STALE,
    "what remembers that a grain is marked survives the sync that takes the mark away",
    "every refresh but the first misses the blocks that are written most",
    fault="9",
)
def _(r: Recorder) -> None:
    """A grain written in each of several periods shows after each sync."""
    started(r)
    for _ in range(3):
        r.write(SOURCE, 2, 2)
        r.sync()
        r.read(TARGET, 0, 4)
    r.copy()
    r.look()


@draft(
    "marks-of-neighbours-stay",
    "SYNC-2 COPY-1",
    Kind.STALE,
    "bits are cleared by the byte, so a copy takes a neighbour's mark along",
    "of grains close together one is refreshed and the others are not",
    fault="18",
    geometry=THREE_BYTES,
)
def _(r: Recorder) -> None:
    """Copying a grain keeps what was said of the others in its byte of the map."""
    r.write(SOURCE, 0, 20)
    r.start()
    r.write(SOURCE, 9)
    r.write(SOURCE, 11)
    r.copy(3)
    r.write(SOURCE, 15)
    r.sync()
    r.look()


@draft(
    "merge-goes-on-after-a-zero-byte",
    "SYNC-2",
    Kind.STALE,
    "the merge ends at the first byte of the map in which nothing is modified",
    "a refresh misses everything after the first untouched stretch of the volume",
    fault="8",
    geometry=THREE_BYTES,
)
def _(r: Recorder) -> None:
    """The merge covers the whole map, wherever in it nothing is modified."""
    r.write(SOURCE, 0, 20)
    r.start()
    r.write(SOURCE, 1)
    r.write(SOURCE, 18)
    r.sync()
    r.look()


@draft(
    "maps-after-sync",
    "SYNC-1 SYNC-2 INV-1",
    Kind.WRONG_MAP,
    "modified is not cleared, or a modified grain stays copied",
    "later refreshes go by marks that mean nothing",
    geometry=THREE_BYTES,
)
def _(r: Recorder) -> None:
    """After a sync no grain is modified, and none that was is copied."""
    r.write(SOURCE, 0, 20)
    r.start()
    r.copy()
    r.bitmaps()
    r.write(SOURCE, 6, 3)
    r.write(TARGET, 19)
    r.bitmaps()
    r.sync()
    r.bitmaps()
    r.status()
    r.copy()
    r.bitmaps()


@draft(
    "refused-sync-forgets-nothing",
    "SYNC-3 STOP-1 START-1",
    Kind.TOO_NEW,
    "a sync that is refused has moved the point in time, or cleared the marks, before it looked",
    "a failed refresh leaves a copy of no point in time",
    fault="7",
)
def _(r: Recorder) -> None:
    """A sync of an idle relationship is refused, and neither volume changes."""
    r.write(TARGET, 0, ALL)
    r.write(SOURCE, 0, ALL)
    r.sync()
    r.look()
    r.status()
    r.start()
    r.copy()
    r.stop()
    r.write(SOURCE, 0, 2)
    r.sync()
    r.look()


@draft(
    "many-points-in-time",
    "SYNC-1 START-1 MIN-2",
    Kind.STALE,
    "what one point in time leaves behind in the maps falsifies a later one",
    "the copy is right the first time and wrong the third",
)
def _(r: Recorder) -> None:
    """Start, syncs, writes to both sides and copies in turn: each read shows the right point."""
    started(r)
    for at in range(5):
        r.write(SOURCE, at, 2)
        r.copy(1)
        r.write(TARGET, 6 - at)
        r.look()
        r.sync()
        r.write(SOURCE, 6 - at)
        r.look()
    r.copy()
    r.look()
