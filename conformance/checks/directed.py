"""Checks that go where a fault is likely: edges of volumes and maps, refusals, the end of a copy.

Nothing here is drawn at random; each scenario runs beside the model.
"""

import time
from itertools import pairwise

from attrs import evolve

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import EFFORTS, Job, ViolationError
from flashcopy.conformance.checks.comparison import Comparison
from flashcopy.conformance.wrong import Kind, Wrong
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import (
    BackgroundCopy,
    Copied,
    Operation,
    Read,
    Start,
    Sync,
    Write,
)

BLOCK = 512
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
# A short last grain; grain and block the same, and more of them than a word of a map has bits; one
# grain, short and whole; a few; a short last grain behind the second word. The first two tell most.
SMALL = (
    Geometry(11 * BLOCK, BLOCK, 4 * BLOCK),
    Geometry(67 * BLOCK, BLOCK, BLOCK),
    Geometry(BLOCK, BLOCK, 4 * BLOCK),
    Geometry(4 * BLOCK, BLOCK, 4 * BLOCK),
    Geometry(3 * BLOCK, BLOCK, BLOCK),
    Geometry(267 * BLOCK, BLOCK, 4 * BLOCK),
)
# A map of more than one page of 4096 bytes.
LARGE = Geometry(32801 * BLOCK, BLOCK, BLOCK)
# What is soon done: more than most words and cache lines hold.
SOON = Geometry(4099 * BLOCK, BLOCK, BLOCK)
_EDGES = (0, 7, 8, 31, 32, 63, 64)


def boundaries(job: Job) -> None:
    """GEO-1, SYNC-2, COPY-1: grains at the edges of volumes and of the words of a map."""
    for geometry in SMALL[: job.effort.geometries]:
        with job.session(geometry) as session:
            _at_the_edges(Comparison(session), job)


def many_grains(job: Job) -> None:
    """SYNC-2: a map of many pages; what is written at its end is tracked."""
    geometry = SOON if job.effort.seconds <= EFFORTS["quick"].seconds else LARGE
    with job.session(geometry) as session:
        comparison = Comparison(session)
        last = geometry.blocks - 1
        comparison.step(Start())
        try:
            _written_and_synced(comparison, job, [last])
        except ViolationError as error:
            # Half a dozen requests are soon read, and fewer are not soon found on such volumes.
            raise ViolationError(evolve(error.finding, is_short=True)) from None
        for _ in range(2):
            _written_and_synced(comparison, job, [0, last // 2, last - 1, last])


def _written_and_synced(comparison: Comparison, job: Job, blocks: list[int]) -> None:
    """What is written to these blocks, once all are copied, is in the next point in time."""
    if job.has(Capability.BACKGROUND_COPY):
        comparison.copy_all()
    for block in blocks:
        comparison.write(SOURCE, block, 1)
    for block in blocks:
        comparison.read(TARGET, block, 1)
    comparison.step(Sync())
    for block in blocks:
        comparison.read(TARGET, block, 1)


def _at_the_edges(comparison: Comparison, job: Job) -> None:
    """Each grain of interest by itself, then runs across them, copied before and not."""
    geometry = comparison.session.geometry
    grains = sorted({g for g in (*_EDGES, geometry.grains - 1) if g < geometry.grains})
    comparison.write(SOURCE, 0, geometry.blocks)
    comparison.step(Start())
    for turn in range(2):
        _write_each(comparison, grains, turn, _written_in_turn(job))
        comparison.look()
        comparison.step(Sync())
        comparison.look()
    for first, run in _runs(geometry, grains):
        comparison.step(Sync())
        _write_run(comparison, job, first, run)
        if job.has(Capability.BACKGROUND_COPY):
            comparison.step(Sync())
            comparison.copy_all()
            _write_run(comparison, job, first, run)
    comparison.write(SOURCE, 0, geometry.blocks)
    comparison.look()
    comparison.step(Sync())
    comparison.look()


def _written_in_turn(job: Job) -> list[Volume]:
    return [SOURCE, TARGET] if job.has(Capability.TARGET_WRITE) else [SOURCE, SOURCE]


def _write_each(
    comparison: Comparison, grains: list[int], turn: int, volumes: list[Volume]
) -> None:
    """A write to one block of each uncopied grain: the rest of it stays, on both volumes.

    To another block in each turn, or what the target held before would pass for the rest.
    """
    for at, grain in enumerate(grains):
        blocks = blocks_of_grain(comparison.session.geometry, grain)
        comparison.write(volumes[(at + turn) % 2], blocks[turn - 1], 1)
        comparison.read(TARGET, blocks[0], len(blocks))


def _runs(geometry: Geometry, grains: list[int]) -> list[tuple[int, int]]:
    """First blocks and lengths: from the end of each grain across one or two, and to the next."""
    ends = [blocks_of_grain(geometry, grain) for grain in grains]
    runs = [
        (blocks[-1], min(geometry.blocks - blocks[-1], 2 * geometry.grain_blocks + 1))
        for blocks in ends
    ]
    runs += [(a[-1], b[0] + 1 - a[-1]) for a, b in pairwise(ends)]
    return list(dict.fromkeys(runs))


def _write_run(comparison: Comparison, job: Job, first: int, run: int) -> None:
    """Write a run of the source, then of the target, and zero it; all the others stay."""
    comparison.write(SOURCE, first, run)
    comparison.read(TARGET, first, run)
    if job.has(Capability.TARGET_WRITE):
        comparison.write(TARGET, first, run)
        comparison.write(TARGET, first, 1)
    if job.has(Capability.WRITE_ZEROES):
        comparison.write_zeroes(SOURCE, first, run)
    comparison.look()


def errors(job: Job) -> None:
    """ERR-1, ERR-3, ERR-4: what must be refused is, with the right kind, and changes nothing."""
    geometry = Geometry(7 * BLOCK, BLOCK, 2 * BLOCK)
    size = geometry.size
    wrong = [(1, BLOCK), (0, 1), (-BLOCK, BLOCK), (size, BLOCK), (size - BLOCK, 2 * BLOCK)]
    wrong += [(0, -BLOCK), (1 << 62, BLOCK), (0, size + BLOCK)]
    empty = [(0, 0), (size, 0)]
    for writable in (True, False):
        with job.session(geometry, target_writable=writable) as session:
            comparison = Comparison(session)
            comparison.step(Sync())
            comparison.write(SOURCE, 0, 5)
            comparison.step(Start())
            comparison.write(SOURCE, 2, 2)
            for volume in Volume:
                for offset, length in wrong + empty:
                    comparison.step(Read(volume, offset, length))
                if volume is SOURCE or not writable or job.has(Capability.TARGET_WRITE):
                    _write_wrongly(comparison, volume, wrong + empty)
            if job.has(Capability.BACKGROUND_COPY):
                comparison.step(BackgroundCopy(-1))
                comparison.step(BackgroundCopy(0))
            comparison.status()
            comparison.look()
            comparison.step(Sync())
            comparison.look()


def _write_wrongly(comparison: Comparison, volume: Volume, extents: list[tuple[int, int]]) -> None:
    for offset, length in extents:
        if 0 <= length <= 2 * comparison.session.geometry.size:
            comparison.step(Write(volume, offset, length, 0))


def liveness(job: Job) -> None:
    """COPY-3, COPY-5: the background copy ends, with hosts writing, and again after a sync."""
    geometry = Geometry(19 * BLOCK, BLOCK, 2 * BLOCK)
    with job.session(geometry) as session:
        comparison = Comparison(session)
        comparison.write(SOURCE, 0, geometry.blocks)
        comparison.step(Start())
        for block in (0, 9, 18):
            _let_copy(comparison, job, BackgroundCopy(3))
            comparison.write(SOURCE, block, 1)
            comparison.step(Sync())
        for write in (False, True):
            if write:
                comparison.write(SOURCE, 1, 3)
                comparison.step(Sync())
            _wait_until_copied(comparison, job)
            comparison.look()


def _let_copy(comparison: Comparison, job: Job, operation: Operation) -> None:
    if job.has(Capability.BACKGROUND_COPY):
        comparison.step(operation)


def _wait_until_copied(comparison: Comparison, job: Job) -> None:
    """By being told to, or by itself within the time of one request."""
    if job.has(Capability.BACKGROUND_COPY):
        comparison.copy_all()
        return
    deadline = job.deadline()
    while comparison.session.status().state is not State.COPIED:
        if time.monotonic() > deadline:
            status = comparison.status()
            says = f"{status.copied} of {status.grains} grains copied after {job.timeout:g} s"
            raise comparison.violation("COPY-5", says, Wrong(Kind.NOT_COPIED))
        time.sleep(0.005)


def minimality(job: Job) -> None:
    """MIN-1, MIN-2: what need not be copied, or was copied already. More is waste, not wrong."""
    geometry = Geometry(32 * BLOCK, BLOCK, 2 * BLOCK)
    with job.session(geometry) as session:
        comparison = Comparison(session)
        comparison.step(Start())
        _write_some(comparison)
        _copy_the_rest(comparison, job, "3 grains were written and so copied after a start")
        _write_some(comparison)
        comparison.step(Sync())
        status = comparison.status()
        if status.grains - status.copied > _SOME:
            left = status.grains - status.copied
            says = f"{_SOME} grains were written, and a sync leaves {left} to be copied again"
            job.waste.append(f"MIN-1: {says}{_which(comparison, job)}")
        comparison.write(SOURCE, 3, 1)
        _copy_the_rest(comparison, job, "1 grain was written and so copied after a sync")
        comparison.look()


# The grains that `_write_some` writes, in two requests.
_SOME = 3


def _write_some(comparison: Comparison) -> None:
    for block, blocks in ((3, 1), (8, 4)):
        comparison.write(SOURCE, block, blocks)


def _copy_the_rest(comparison: Comparison, job: Job, after: str) -> None:
    """MIN-2: a background copy has only what is not copied; and once more, it has nothing."""
    status = comparison.status()
    for left in (status.grains - status.copied, 0):
        outcome = comparison.step(BackgroundCopy(None))
        if isinstance(outcome, Copied) and outcome.grains > left:
            says = f"{after}, {left} were left, and a background copy copied {outcome.grains}"
            job.waste.append(f"MIN-2: {says}")
            return
    comparison.status()


def _which(comparison: Comparison, job: Job) -> str:
    """Which grains are to be copied that need not, if the IUT shows its maps."""
    if not job.has(Capability.BITMAPS):
        return ""
    copied = comparison.session.bitmaps().copied
    wasted = [g for g in range(16) if g not in (1, 4, 5) and not copied[g // 8] >> g % 8 & 1]
    return f", grains {', '.join(map(str, wasted))} for nothing"
