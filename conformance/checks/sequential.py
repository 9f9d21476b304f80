"""Requests one after the other, thousands of them, beside the model.

A plain driver: it keeps one IUT for each geometry and asks it one episode after the other, drawn
from the seed. A full write of the source and a start keep an episode from those before it. Volumes
are small, so that requests meet: a handful of blocks, two in a grain, often a short last grain. An
episode ends by looking at both volumes again after a complete copy and after one more sync, which
is when a wrong bit comes to light. What is found is shrunk elsewhere (`shortest`).
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import Job
from flashcopy.conformance.checks.asks import Ask, AskStatus, beginning
from flashcopy.conformance.checks.comparison import Comparison
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    BackgroundCopy,
    Flush,
    Read,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)

BLOCK = 512
GEOMETRIES = (
    *(Geometry(blocks * BLOCK, BLOCK, 2 * BLOCK) for blocks in (4, 7, 1, 18)),
    # Larger blocks; and as many grains as there are blocks, more than a word of the map has bits.
    Geometry(9 * 4096, 4096, 4 * 4096),
    Geometry(70 * BLOCK, BLOCK, BLOCK),
)
# After so many requests an IUT is replaced: what it is convicted of must be replayable.
_LIFETIME = 20_000

# Draws one ask for volumes of a geometry.
Draw = Callable[[random.Random, Geometry], Ask]
# What every episode on volumes of a geometry ends with.
End = Callable[[Geometry], list[Ask]]


def data(job: Job) -> None:
    """READ-1, READ-2, WRITE-1 to WRITE-4, SYNC-1, START-1: every read shows what it must."""
    kinds = [_read] * 3 + [_always(Sync())] * 2 + [_always(Start())]
    _drive(job, "data", kinds, _look_twice(job))


def lifecycle(job: Job) -> None:
    """LIFE-1, LIFE-3, STOP-1, COPY-4: each request in each state, and the state that follows.

    An IUT that is new is asked in idle first, for what holds before the first start.
    """
    kinds = [_read, _always(Start()), _always(Sync())] + [_always(AskStatus())] * 2
    kinds += [_always(Stop())] * job.has(Capability.STOP)
    _drive(job, "lifecycle", kinds, lambda geometry: [AskStatus(), *_look(geometry)], idle=True)


def _drive(job: Job, name: str, kinds: list[Draw], end: End, *, idle: bool = False) -> None:
    """All episodes, or as many as there is time for. Raises ViolationError."""
    kinds, geometries = [*kinds, *_writes(job), _flush], GEOMETRIES[: job.effort.geometries]
    if job.has(Capability.BACKGROUND_COPY):
        kinds += [_copy] * 2
    with _kept(job) as comparison_for:
        for number in range(job.effort.episodes):
            if job.is_over():
                return
            geometry = geometries[number % len(geometries)]
            chance = random.Random(f"{job.seed} {name} {number}")
            comparison = comparison_for(geometry)
            if comparison.asked or not idle:
                _ask_all(comparison, beginning(geometry))
            for _ in range(chance.randint(job.effort.requests // 2, job.effort.requests)):
                comparison.ask(chance.choice(kinds)(chance, geometry))
            _ask_all(comparison, end(geometry))


@contextmanager
def _kept(job: Job) -> Iterator[Callable[[Geometry], Comparison]]:
    """Gives the IUT for a geometry, the same one until it is worn out."""
    comparisons: dict[Geometry, Comparison] = {}
    with ExitStack() as all_:
        sessions = {geometry: all_.enter_context(ExitStack()) for geometry in GEOMETRIES}

        def comparison_for(geometry: Geometry) -> Comparison:
            if geometry in comparisons and comparisons[geometry].asked > _LIFETIME:
                sessions[geometry].close()
                del comparisons[geometry]
            if geometry not in comparisons:
                session = sessions[geometry].enter_context(job.session(geometry))
                comparisons[geometry] = Comparison(session)
            return comparisons[geometry]

        yield comparison_for


def _ask_all(comparison: Comparison, asks: Sequence[Ask]) -> None:
    for ask in asks:
        comparison.ask(ask)


def _always(ask: Ask) -> Draw:
    def draw(chance: random.Random, geometry: Geometry) -> Ask:
        del chance, geometry
        return ask

    return draw


def _writes(job: Job) -> list[Draw]:
    """Writes to what may be written, mostly to the source."""
    volumes = [Volume.SOURCE] * 3 + [Volume.TARGET] * job.has(Capability.TARGET_WRITE)

    def write(chance: random.Random, geometry: Geometry) -> Ask:
        offset, length = _extent(chance, geometry)
        return Write(chance.choice(volumes), offset, length, 0)

    def zeroes(chance: random.Random, geometry: Geometry) -> Ask:
        return WriteZeroes(chance.choice(volumes), *_extent(chance, geometry))

    draws: list[Draw] = [write] * 5
    return draws + [zeroes] * 2 * job.has(Capability.WRITE_ZEROES)


def _read(chance: random.Random, geometry: Geometry) -> Ask:
    volume = chance.choice(list(Volume))
    if chance.random() < 0.4:
        return Read(volume, 0, geometry.size)
    return Read(volume, *_extent(chance, geometry))


def _flush(chance: random.Random, geometry: Geometry) -> Ask:
    del geometry
    return Flush(chance.choice(list(Volume)))


def _copy(chance: random.Random, geometry: Geometry) -> Ask:
    del geometry
    return BackgroundCopy(chance.choice([1, 1, 2, 3, 5, None, None]))


def _extent(chance: random.Random, geometry: Geometry) -> tuple[int, int]:
    """Up to six blocks anywhere."""
    first = chance.randrange(geometry.blocks)
    blocks = min(chance.randint(1, 6), geometry.blocks - first)
    return first * geometry.block_size, blocks * geometry.block_size


def _look(geometry: Geometry) -> list[Ask]:
    return [Read(volume, 0, geometry.size) for volume in Volume]


def _look_twice(job: Job) -> End:
    """What is wrong in the maps now is wrong on the volumes after a copy or a sync."""
    moves: list[Ask] = [BackgroundCopy(None), Sync(), BackgroundCopy(None)]
    if not job.has(Capability.BACKGROUND_COPY):
        moves = [Sync()]

    def end(geometry: Geometry) -> list[Ask]:
        return _look(geometry) + [ask for move in moves for ask in (move, *_look(geometry))]

    return end
