"""Vectors of reads, writes, zeroes and flushes: copy on write, fake reads, marking."""

from functools import partial

from flashcopy.conformance.vectors.draft import SMALL, Draft, drafted
from flashcopy.conformance.vectors.recorder import Recorder
from flashcopy.conformance.vectors.vector import Kind
from flashcopy.model.images import Volume

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
ALL = SMALL.blocks
DRAFTS: list[Draft] = []
draft = partial(drafted, DRAFTS)


def started(r: Recorder) -> None:
    """Old data on the target, other data on the source, and a start."""
    r.write(TARGET, 0, ALL)
    r.write(SOURCE, 0, ALL)
    r.start()


@draft(
    "zeros-at-first",
    "IMG-1 GEO-1",
    Kind.FOREIGN,
    "the volumes show what the storage held before",
    "one user reads another's deleted data",
)
def _(r: Recorder) -> None:
    """After create both volumes read as zeros."""
    r.look()
    r.read(SOURCE, ALL - 1, 1)


@draft(
    "idle-volumes-are-independent",
    "LIFE-2 READ-1",
    Kind.TOO_NEW,
    "the target of a relationship that was never started reads from the source",
    "two volumes that nothing ties show each other's data",
)
def _(r: Recorder) -> None:
    """Before the first start each volume shows what was written to it and nothing else."""
    r.write(SOURCE, 0, 3)
    r.look()
    r.write(TARGET, 2, 3)
    r.look()
    r.status()


@draft(
    "fake-read",
    "READ-2 START-1",
    Kind.STALE,
    "reads of the target go to the target side though the grain is not copied",
    "the copy shows what the target held before the start",
)
def _(r: Recorder) -> None:
    """Right after a start the target reads as the source, whatever it held."""
    started(r)
    r.look()
    r.read(TARGET, 3, 1)


@draft(
    "copy-on-write",
    "WRITE-1 WRITE-2",
    Kind.TOO_NEW,
    "the write lands before its copy has read, or there is no copy",
    "the copy shows data written after the point in time",
    fault="11",
)
def _(r: Recorder) -> None:
    """A write to the source of an uncopied grain does not show on the target."""
    started(r)
    r.write(SOURCE, 2, 2)
    r.read(TARGET, 2, 2)
    r.look()


@draft(
    "copy-on-write-of-a-part",
    "WRITE-1 COPY-1",
    Kind.STALE,
    "only the blocks of the request are copied, yet the grain counts as copied",
    "the rest of the grain shows what the target held before the start",
)
def _(r: Recorder) -> None:
    """A write to a part of a grain copies all of the grain."""
    started(r)
    r.write(SOURCE, 1)
    r.read(TARGET, 0, 2)
    r.write(SOURCE, 4)
    r.look()


@draft(
    "copy-on-write-over-grains",
    "WRITE-1",
    Kind.TOO_NEW,
    "of a request over several grains only the first is copied before",
    "the copy shows new data from the second grain of a write on",
    fault="15",
)
def _(r: Recorder) -> None:
    """A write over several grains copies each of them, also those it touches in part."""
    started(r)
    r.write(SOURCE, 1, 4)
    r.look()


@draft(
    "copy-on-write-not-the-last-grain",
    "WRITE-1",
    Kind.TOO_NEW,
    "of a request over several grains the last, touched in part, is not copied before",
    "the copy shows new data where a write ends inside a grain",
    fault="15",
)
def _(r: Recorder) -> None:
    """A write that ends inside a grain copies that grain, too."""
    started(r)
    r.write(SOURCE, 0, 3)
    r.read(TARGET, 2, 2)
    r.read(TARGET, 0, 4)


@draft(
    "copied-once-only",
    "WRITE-2 MIN-2",
    Kind.TOO_NEW,
    "a second write to the same grain copies it again, the first write's data with it",
    "the copy shows data written after the point in time",
    fault="12",
)
def _(r: Recorder) -> None:
    """A later write to a grain that a write has copied leaves the target as it is."""
    started(r)
    r.write(SOURCE, 0)
    r.write(SOURCE, 1)
    r.look()
    r.write(SOURCE, 0, 2)
    r.read(TARGET, 0, 2)


@draft(
    "read-over-copied-and-uncopied",
    "READ-2",
    Kind.TOO_NEW,
    "a read of the target over several grains goes by the bit of the first",
    "a backup that reads in large requests mixes two points in time",
    fault="15",
)
def _(r: Recorder) -> None:
    """A read of the target takes each grain from the side its own bit says."""
    started(r)
    r.write(SOURCE, 2, 2)
    r.read(TARGET, 0, 6)
    r.write(SOURCE, 6)
    r.read(TARGET, 1, 6)


@draft(
    "target-write-of-a-part",
    "WRITE-3 COPY-1",
    Kind.STALE,
    "a write to part of an uncopied grain of the target does not fill the rest",
    "the blocks beside a target write show what the target held before the start",
    fault="19",
)
def _(r: Recorder) -> None:
    """A write to part of an uncopied grain of the target leaves the rest of it as it read."""
    started(r)
    r.write(TARGET, 3)
    r.read(TARGET, 2, 2)
    r.write(TARGET, 5, 2)
    r.look()


@draft(
    "target-write-then-source-write",
    "WRITE-2 WRITE-3",
    Kind.STALE,
    "a grain that a target write has copied is copied once more by a source write",
    "data written to the copy is lost",
)
def _(r: Recorder) -> None:
    """A write to the source leaves what was written to the target alone."""
    started(r)
    r.write(TARGET, 2)
    r.write(SOURCE, 2, 2)
    r.look()


@draft(
    "large-before-small",
    "WRITE-2",
    Kind.STALE,
    "a large write is deferred, and a small one asked later lands before it",
    "the newer of two writes is overwritten by the older",
    fault="14",
)
def _(r: Recorder) -> None:
    """Of two writes to a block, one answered before the other was asked, the later one stays."""
    started(r)
    r.write(SOURCE, 0, 6)
    r.write(SOURCE, 3)
    r.read(SOURCE, 0, 6)
    r.write(SOURCE, 0, 5)
    r.write(SOURCE, 1)
    r.look()


@draft(
    "reads-change-nothing",
    "READ-1 READ-2 IMG-2",
    Kind.STALE,
    "a read of the target marks the grain as copied without copying it",
    "what was read once from the copy reads differently the next time",
)
def _(r: Recorder) -> None:
    """Reading does not change what is read next, on either volume."""
    started(r)
    r.look()
    r.write(SOURCE, 0, 2)
    r.look()
    r.look()


@draft(
    "flush-changes-nothing",
    "FLUSH-1 IMG-2",
    Kind.TOO_NEW,
    "a flush of the source moves the point in time, as one that commits everything would",
    "every flush of the source refreshes the copy unasked",
)
def _(r: Recorder) -> None:
    """A flush changes neither image, in any state that allows it."""
    for volume in Volume:
        r.flush(volume)
    started(r)
    r.write(SOURCE, 1, 3)
    for volume in Volume:
        r.flush(volume)
    r.look()


@draft(
    "zeroes-copy-first",
    "WRITE-4 WRITE-1",
    Kind.NEVER_WRITTEN,
    "zeroing has a path of its own, which does not copy",
    "a discard on the source erases the copy, too",
    fault="21",
)
def _(r: Recorder) -> None:
    """Zeroing blocks of the source copies their grains first, as any write does."""
    started(r)
    r.zero(SOURCE, 1, 3)
    r.look()


@draft(
    "zeroes-are-tracked",
    "WRITE-4 SYNC-1",
    Kind.STALE,
    "zeroes are taken for no change",
    "after a sync the copy shows data that was erased on the source",
    fault="21",
)
def _(r: Recorder) -> None:
    """A sync shows what was zeroed on the source, and undoes what was zeroed on the target."""
    started(r)
    r.copy()
    r.zero(SOURCE, 1, 2)
    r.zero(TARGET, 6)
    r.look()
    r.sync()
    r.look()


@draft(
    "zeroes-inside-a-grain",
    "WRITE-4",
    Kind.NEVER_WRITTEN,
    "zeroing is rounded outwards to whole grains",
    "a discard erases blocks beside those it names",
    fault="21",
)
def _(r: Recorder) -> None:
    """Zeroing a part of a grain leaves the other blocks of it."""
    started(r)
    r.zero(SOURCE, 3)
    r.read(SOURCE, 2, 2)
    r.zero(TARGET, 4)
    r.look()


@draft(
    "zeroes-of-the-target",
    "WRITE-4 WRITE-3",
    Kind.STALE,
    "zeroing an uncopied grain of the target is skipped, or drops the rest of it",
    "a discard on the copy shows the source's data, or old data beside it",
    fault="21",
)
def _(r: Recorder) -> None:
    """Zeroing a part of an uncopied grain of the target zeroes that part and keeps the rest."""
    started(r)
    r.zero(TARGET, 3, 2)
    r.look()
    r.zero(TARGET, 6)
    r.read(TARGET, 5, 2)


@draft(
    "zeroes-over-old-data",
    "COPY-1",
    Kind.STALE,
    "zeros of the source are not copied, for the target is thought to hold zeros",
    "the copy shows old data where the source has none",
    fault="22",
)
def _(r: Recorder) -> None:
    """A grain of zeros is copied like any other when the target held data."""
    r.write(TARGET, 0, ALL)
    r.write(SOURCE, 0, 2)
    r.start()
    r.look()
    r.copy()
    r.look()
    r.write(SOURCE, 4, 2)
    r.read(TARGET, 4, 2)


@draft(
    "maps-after-writes",
    "WRITE-1 INV-2 LIFE-2",
    Kind.WRONG_MAP,
    "a write marks a grain other than the one it changes, or only one of the two maps",
    "the next sync leaves a grain as it was, or copies the wrong one",
)
def _(r: Recorder) -> None:
    """Each grain written on either side is copied and modified, and no other is modified."""
    started(r)
    r.copy(0)
    r.bitmaps()
    r.write(SOURCE, 3)
    r.bitmaps()
    r.write(TARGET, 6)
    r.bitmaps()
    r.zero(SOURCE, 0)
    r.bitmaps()
    r.status()
