"""Vectors of requests that must be refused, of which kind, and that they change nothing."""

import base64
from collections.abc import Callable
from functools import partial

from flashcopy.conformance.vectors.draft import BLOCK, SMALL, Draft, drafted
from flashcopy.conformance.vectors.of_requests import started
from flashcopy.conformance.vectors.recorder import Recorder
from flashcopy.conformance.vectors.vector import Kind
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import BackgroundCopy, Read, Write, WriteZeroes

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
SIZE = SMALL.size
LARGE_BLOCKS = Geometry(5 * 4096, 4096, 2 * 4096)
REFUSED = Kind.NOT_REFUSED
DRAFTS: list[Draft] = []
draft = partial(drafted, DRAFTS)


def everywhere(r: Recorder, offset: int, length: int) -> None:
    """A read, a write and a zeroing of these bytes, of both volumes; and all is as it was."""
    for volume in Volume:
        r.ask(Read(volume, offset, length))
        if length >= 0:
            r.ask(Write(volume, offset, length, content=0))
        r.ask(WriteZeroes(volume, offset, length))
    r.look()


# What is wrong with a range, and what comes of carrying it out. The offset and length are bytes.
_RANGES = (
    ("misaligned-offset", 1, BLOCK, "an offset inside a block is rounded",
     "a host's data lands beside where it belongs"),
    ("misaligned-length", 0, BLOCK - 1, "a length inside a block is rounded",
     "a host's neighbours are overwritten, or part of its data is dropped"),
    ("one-byte", BLOCK, 1, "a request of one byte is carried out",
     "blocks are torn, for half a block is no unit of I/O"),
    ("negative-offset", -BLOCK, BLOCK, "an offset below zero wraps around",
     "the end of the volume is overwritten by who meant its beginning"),
    ("negative-length", 2 * BLOCK, -BLOCK, "a length below zero is taken for none",
     "a host that computed a wrong length is told that all is well"),
    ("beyond-the-end", SIZE, BLOCK, "the block past a short last grain is taken for one",
     "memory or a volume that is not the user's is read or overwritten"),
    ("across-the-end", SIZE - BLOCK, 2 * BLOCK, "what sticks out is cut off in silence",
     "a write is answered of which the tail is lost"),
    ("longer-than-the-volume", 0, SIZE + BLOCK, "what sticks out is cut off in silence",
     "a write is answered of which the tail is lost"),
    ("far-away", 1 << 50, BLOCK, "the end of the range is computed in 32 bits",
     "a request far beyond the end overwrites the beginning"),
)  # fmt: skip


def _range(offset: int, length: int) -> Callable[[Recorder], None]:
    def ask(r: Recorder) -> None:
        started(r)
        r.write(SOURCE, 2)
        everywhere(r, offset, length)

    ask.__doc__ = (
        f"A range of {length} bytes at {offset} of a volume of {SIZE} in blocks of {BLOCK} is "
        "refused as an invalid argument, and nothing changes."
    )
    return ask


for _name, _offset, _length, _mechanism, _harm in _RANGES:
    draft(_name, "ERR-1", REFUSED, _mechanism, _harm, fault="boundary")(_range(_offset, _length))


@draft(
    "misaligned-in-large-blocks",
    "ERR-1 GEO-1",
    REFUSED,
    "alignment is checked against 512 bytes, whatever the block size",
    "parts of blocks are written, though a block is the atomic unit of I/O",
    geometry=LARGE_BLOCKS,
)
def _(r: Recorder) -> None:
    """What is aligned to 512 bytes is misaligned in blocks of 4096."""
    r.write(SOURCE, 0, 5)
    r.start()
    everywhere(r, 512, 4096)
    everywhere(r, 4096, 512)
    r.write(SOURCE, 4)
    r.look()


@draft(
    "zero-length",
    "ERR-4",
    Kind.WRONGLY_REFUSED,
    "an empty range is refused, or one block of it is touched",
    "hosts that send empty requests fail, or lose a block",
)
def _(r: Recorder) -> None:
    """A request of length zero does nothing and succeeds, at the very end as well."""
    started(r)
    for offset in (0, 3 * BLOCK, SIZE):
        everywhere(r, offset, 0)
    r.copy(0)
    r.bitmaps()


@draft(
    "zero-length-refused",
    "ERR-4 ERR-1",
    REFUSED,
    "an empty range is accepted before anything else is looked at",
    "a host that computed a wrong offset is told that all is well",
)
def _(r: Recorder) -> None:
    """A request of length zero is refused where one with a length would be."""
    started(r)
    for offset in (1, -BLOCK, SIZE + BLOCK):
        everywhere(r, offset, 0)


@draft(
    "zero-length-of-a-stopped-target",
    "ERR-4 ERR-2 LIFE-3",
    REFUSED,
    "an empty request to a stopped target is accepted",
    "a host that tries whether the target is usable is told that it is",
)
def _(r: Recorder) -> None:
    """A stopped target refuses requests of length zero, too."""
    started(r)
    r.copy(1)
    r.stop()
    r.read(TARGET, 0, 0)
    r.write(TARGET, 0, 0)
    r.zero(TARGET, 7, 0)
    r.read(SOURCE, 7, 0)


@draft(
    "read-only-target",
    "ERR-3",
    REFUSED,
    "a target that was created read-only is written",
    "a copy kept as evidence or for recovery is changed",
    target_writable=False,
)
def _(r: Recorder) -> None:
    """A read-only target refuses writes in every state; reads and flushes go on."""
    r.write(TARGET, 0)
    r.write(SOURCE, 0, 7)
    r.start()
    r.write(TARGET, 2)
    r.zero(TARGET, 2, 2)
    r.flush(TARGET)
    r.look()
    r.copy()
    r.write(TARGET, 6)
    r.write(SOURCE, 1)
    r.look()
    r.sync()
    r.look()


@draft(
    "read-only-comes-first",
    "ERR-3 ERR-1 ERR-2",
    REFUSED,
    "of several reasons to refuse another one is given",
    "tools that go by the kind of an error do the wrong thing",
    target_writable=False,
)
def _(r: Recorder) -> None:
    """Of several reasons the kind is the first of read-only, invalid argument, invalid state."""
    r.write(SOURCE, 0, 7)
    r.start()
    r.ask(Write(TARGET, SIZE, BLOCK, content=0))
    r.ask(Write(TARGET, 0, 0, content=0))
    r.copy(1)
    r.stop()
    r.write(TARGET, 0)
    r.ask(Read(TARGET, SIZE, BLOCK))
    r.read(TARGET)


@draft(
    "invalid-argument-before-state",
    "ERR-1 ERR-2",
    REFUSED,
    "the state is looked at before the range is",
    "tools that go by the kind of an error do the wrong thing",
)
def _(r: Recorder) -> None:
    """A wrong range of a stopped target is an invalid argument."""
    started(r)
    r.copy(1)
    r.stop()
    for offset, length in ((1, BLOCK), (SIZE, BLOCK)):
        r.ask(Read(TARGET, offset, length))
        r.ask(Write(TARGET, offset, length, content=0))
    r.read(TARGET, 0, 1)
    r.read(SOURCE)


@draft(
    "negative-count",
    "ERR-1 COPY-2",
    REFUSED,
    "a count below zero is taken for all, or for none",
    "a limit that was computed wrongly becomes no limit",
)
def _(r: Recorder) -> None:
    """A background copy of fewer than no grains is refused and copies nothing."""
    started(r)
    r.ask(BackgroundCopy(-1))
    r.status()
    r.copy(1)
    r.status()


@draft(
    "refused-changes-no-map",
    "ERR-1 INV-2",
    Kind.WRONG_MAP,
    "a request is refused after its first grains were copied and marked",
    "requests that fail wear out the incremental copy bit by bit",
)
def _(r: Recorder) -> None:
    """What is refused copies and marks no grain, also where it began inside the volume."""
    started(r)
    r.copy(0)
    r.write(SOURCE, 0)
    r.ask(Write(SOURCE, SIZE - 3 * BLOCK, 4 * BLOCK, content=0))
    r.ask(WriteZeroes(TARGET, 0, SIZE + BLOCK))
    r.bitmaps()
    r.status()


@draft(
    "unknown-volume",
    "ERR-1",
    REFUSED,
    "whatever is not called source is taken for the target",
    "a misspelt name overwrites the wrong volume",
)
def _(r: Recorder) -> None:
    """A request for a volume that is neither source nor target is an invalid argument."""
    started(r)
    one = base64.b64encode(bytes(BLOCK)).decode()
    r.unknown_volume("read", {"volume": "Target", "offset": 0, "length": BLOCK})
    r.unknown_volume("write", {"volume": "backup", "offset": 0, "data": one})
    r.unknown_volume("flush", {"volume": ""})
    r.look()


# Sizes that make no volume: size, block size, grain size.
_SIZES = (
    ("no-size", 0, 512, 1024, "a volume of no blocks is created"),
    ("size-of-no-whole-blocks", 1000, 512, 1024, "the last, partial block is dropped in silence"),
    ("block-size-too-small", 2560, 256, 1024, "blocks below 512 bytes are accepted"),
    ("block-size-too-large", 262144, 131072, 131072, "blocks above 65536 bytes are accepted"),
    ("block-size-no-power-of-two", 3072, 1536, 3072, "blocks of 1536 bytes are accepted"),
    ("grain-size-no-power-of-two", 3072, 512, 1536, "grains of three blocks are accepted"),
    ("grain-smaller-than-block", 8192, 4096, 2048, "grains of half a block are accepted"),
)  # fmt: skip


def _sizes(size: int, block_size: int, grain_size: int) -> Callable[[Recorder], None]:
    def ask(r: Recorder) -> None:
        r.creation_refused(size, block_size, grain_size)

    ask.__doc__ = (
        f"Volumes of {size} bytes in blocks of {block_size} and grains of {grain_size} are refused."
    )
    return ask


for _name, _size, _block, _grain, _mechanism in _SIZES:
    draft(
        _name,
        "GEO-1 ERR-9",
        REFUSED,
        _mechanism,
        "what is tracked and what is stored do not fit each other, and the end of it is lost",
    )(_sizes(_size, _block, _grain))
