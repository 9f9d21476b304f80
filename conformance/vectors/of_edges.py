"""Vectors at the edges: grains where bytes and words of a map meet, short ones, few and many.

A map is kept in bytes and worked on in words of 32 or 64 bits, or in pages; the last grain may be
short, a volume may have but one, or thousands. Each vector writes at one such edge and looks
whether the copy on write, the mark and the merge came by, there and beside it.
"""

from collections.abc import Callable
from functools import partial

from flashcopy.conformance.vectors.draft import BLOCK, Draft, drafted
from flashcopy.conformance.vectors.of_requests import started
from flashcopy.conformance.vectors.recorder import Recorder
from flashcopy.conformance.vectors.vector import Kind
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
# Seventy grains of two blocks, and a short one of one: past the second word of 64 bits.
WORDS = Geometry(141 * BLOCK, BLOCK, 2 * BLOCK)
ONE_SHORT = Geometry(BLOCK, BLOCK, 8 * BLOCK)
ONE = Geometry(4 * BLOCK, BLOCK, 4 * BLOCK)
EQUAL = Geometry(9 * BLOCK, BLOCK, BLOCK)
LARGEST_BLOCKS = Geometry(3 * 65536, 65536, 2 * 65536)
# A map of more than 512 bytes, and one of more than a page of 4096.
THOUSANDS = Geometry(4099 * BLOCK, BLOCK, BLOCK)
PAGES = Geometry(32771 * BLOCK, BLOCK, BLOCK)
DRAFTS: list[Draft] = []
draft = partial(drafted, DRAFTS)

_EDGES = (
    (0, "", "loops over the map begin with bit 1"),
    (7, "", "the highest bit of a byte is lost, as a sign or by rounding"),
    (8, "", "only the first byte of the map is merged"),
    (31, "", "the highest bit of a word of 32 bits is lost, as a sign"),
    (32, "8", "only the first 32 bits of the map are merged"),
    (63, "", "the highest bit of a word of 64 bits is lost, as a sign"),
    (64, "8", "only the first 64 bits of the map are merged"),
    (70, "20", "the number of grains is rounded down, so the short last one is nobody's"),
)


def _edge(grain: int) -> Callable[[Recorder], None]:
    def ask(r: Recorder) -> None:
        first = grain * 2
        r.write(TARGET, 0, WORDS.blocks)
        r.write(SOURCE, 0, WORDS.blocks)
        r.start()
        r.write(SOURCE, first)
        beside = range(max(0, first - 4), min(WORDS.blocks, first + 6))
        r.read(TARGET, beside.start, len(beside))
        r.sync()
        r.read(TARGET, beside.start, len(beside))
        r.copy()
        r.look()
        r.write(SOURCE, min(first + 1, WORDS.blocks - 1))
        r.sync()
        r.read(TARGET, beside.start, len(beside))
        r.copy()
        r.look()

    ask.__doc__ = f"Of 71 grains, grain {grain} is copied, marked and merged like any other."
    return ask


for _grain, _fault, _mechanism in _EDGES:
    draft(
        f"grain-{_grain}",
        "SYNC-2 WRITE-1",
        Kind.STALE,
        _mechanism,
        "one grain of a volume is not refreshed, or shows new data",
        fault=_fault,
        geometry=WORDS,
    )(_edge(_grain))


@draft(
    "runs-across-the-edges",
    "WRITE-1 SYNC-2",
    Kind.STALE,
    "runs of grains are marked by the byte or word, and the first or last part of one is left out",
    "of large writes the ends are not refreshed",
    fault="15",
    geometry=WORDS,
)
def _(r: Recorder) -> None:
    """A write across the edges of bytes and words is tracked from its first grain to its last."""
    started_of(r, WORDS)
    for first, last in ((13, 18), (61, 66), (125, 130), (137, 140)):
        r.write(SOURCE, first, last - first + 1)
        r.read(TARGET, first - 3, min(last + 4, WORDS.blocks) - first + 3)
        r.sync()
        r.read(TARGET, first - 3, min(last + 4, WORDS.blocks) - first + 3)
    r.copy()
    r.write(SOURCE, 1, 139)
    r.look()
    r.sync()
    r.look()


@draft(
    "short-last-grain",
    "GEO-1 COPY-1",
    Kind.STALE,
    "a short last grain is marked as copied and not copied, for it is no whole one",
    "the end of the copy shows what the target held before the start",
    fault="20",
)
def _(r: Recorder) -> None:
    """The short last grain is copied by the background copy and by writes, as far as it goes."""
    started(r)
    r.write(SOURCE, 6)
    r.read(TARGET, 4, 3)
    r.sync()
    r.copy()
    r.write(SOURCE, 5, 2)
    r.look()
    r.write(TARGET, 6)
    r.sync()
    r.look()


@draft(
    "one-short-grain",
    "GEO-1",
    Kind.WRONG_STATE,
    "a volume smaller than a grain has no grains, by rounding down",
    "a small volume is never copied, and its copy changes with it",
    geometry=ONE_SHORT,
)
def _(r: Recorder) -> None:
    """A volume of one block in grains of eight has one grain."""
    _few(r, ONE_SHORT)


@draft(
    "one-grain",
    "GEO-1 COPY-4",
    Kind.WRONG_STATE,
    "the end of the copy is looked for only when the cursor moves on from a grain",
    "a copy of one grain never completes",
    geometry=ONE,
)
def _(r: Recorder) -> None:
    """A volume of one grain is copied, synced and completed like any other."""
    _few(r, ONE)


@draft(
    "grain-is-block",
    "GEO-1 WRITE-1",
    Kind.WRONG_COUNT,
    "grains are taken for larger than a block, so that one bit stands for several",
    "the copy shows new data beside what was copied",
    geometry=EQUAL,
)
def _(r: Recorder) -> None:
    """With grains of one block each block is tracked by itself."""
    started_of(r, EQUAL)
    r.write(SOURCE, 8)
    r.write(SOURCE, 3)
    r.copy(4)
    r.status()
    r.write(SOURCE, 2, 5)
    r.look()
    r.sync()
    r.look()
    r.copy()
    r.status()


@draft(
    "largest-blocks",
    "GEO-1",
    Kind.TORN,
    "blocks are copied in parts, or as far as a buffer of 64 KiB less something reaches",
    "the end of every grain of the copy is old or zeros",
    geometry=LARGEST_BLOCKS,
)
def _(r: Recorder) -> None:
    """Blocks of 65536 bytes are copied and shown whole."""
    started_of(r, LARGEST_BLOCKS)
    r.write(SOURCE, 1)
    r.read(TARGET, 0, 3)
    r.copy()
    r.write(SOURCE, 2)
    r.read(TARGET, 0, 3)


@draft(
    "thousands-of-grains",
    "SYNC-2 COPY-5",
    Kind.NEVER_WRITTEN,
    "what is past the 2048th or the 4096th grain is never marked: the map was truncated",
    "on large volumes everything past a point is never refreshed",
    fault="23",
    geometry=THOUSANDS,
)
def _(r: Recorder) -> None:
    """Of 4099 grains those at the ends of the first two sectors of a map are tracked."""
    r.start()
    for _ in range(2):
        for grain in (0, 2047, 2048, 4095, 4096, 4098):
            r.write(SOURCE, grain)
            r.read(TARGET, max(0, grain - 1), 2 if grain == 4098 else 3)
        r.sync()
        for grain in (0, 2047, 2048, 4095, 4096, 4098):
            r.read(TARGET, grain, 1)
    r.copy()
    r.status()


@draft(
    "maps-of-several-pages",
    "SYNC-2",
    Kind.NEVER_WRITTEN,
    "only the first page of the map is merged, or kept at all",
    "on large volumes everything past a point is never refreshed",
    fault="8",
    geometry=PAGES,
)
def _(r: Recorder) -> None:
    """Of 32771 grains those past the first 4096 bytes of a map are tracked."""
    r.start()
    r.copy(3)
    for _ in range(2):
        for grain in (4, 32767, 32768, 32770):
            r.write(SOURCE, grain)
            r.read(TARGET, grain, 1)
        r.sync()
        for grain in (4, 32767, 32768, 32770):
            r.read(TARGET, grain, 1)


def started_of(r: Recorder, geometry: Geometry) -> None:
    """As `started`, of a volume of these sizes."""
    r.write(TARGET, 0, geometry.blocks)
    r.write(SOURCE, 0, geometry.blocks)
    r.start()


def _few(r: Recorder, geometry: Geometry) -> None:
    """A whole life of a volume of one grain."""
    started_of(r, geometry)
    r.status()
    r.write(SOURCE, geometry.blocks - 1)
    r.look()
    r.status()
    r.sync()
    r.look()
    r.copy()
    r.status()
    r.write(TARGET, 0)
    r.look()
    r.sync()
    r.look()
    r.copy()
    r.stop()
    r.look()
