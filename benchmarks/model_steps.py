"""Steps a second of the model, and requests a second of the stateful harness."""

from collections.abc import Callable, Iterator

from benchmarks.figure import Figure, rate, seconds
from flashcopy.harness import stateful
from flashcopy.model import grain as grain_machine
from flashcopy.model import volume
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import BackgroundCopy, Operation, Read, Start, Sync, Write

GOAL = 200_000
ROUNDS = 5000


def run() -> Iterator[Figure]:
    """One grain; a volume of four grains; Hypothesis driving real files beside the model."""
    yield _steps("model, one grain", _grain_steps, 5 * ROUNDS)
    yield _steps("model, volume of four grains", _volume_steps, len(_REQUESTS) * ROUNDS)
    result = stateful.run(runs=60, steps=50, random_seed=1)
    yield Figure(
        "stateful harness on real files",
        rate(result.counts["requests"], result.seconds, "requests"),
    )


def _steps(name: str, action: Callable[[], None], steps: int) -> Figure:
    best = min(seconds(action) for _ in range(5))
    per_second = steps / best
    return Figure(
        name,
        rate(steps, best, "steps"),
        f"limit {GOAL:,} steps/s",
        per_second / GOAL,
        "≥ 1",
        per_second >= GOAL,
    )


def _grain_steps() -> None:
    grain = grain_machine.idle_grain(1, 2)
    for content in range(ROUNDS):
        grain = grain_machine.start(grain)
        grain = grain_machine.write_source(grain, content.__add__)
        grain = grain_machine.sync(grain)
        grain = grain_machine.copy(grain)
        grain = grain_machine.write_target(grain, content.__sub__)


_REQUESTS: tuple[Operation, ...] = (
    Start(),
    Write(Volume.SOURCE, 0, 512, 1),
    Write(Volume.TARGET, 1024, 1024, 2),
    Read(Volume.TARGET, 0, 4096),
    BackgroundCopy(2),
    Sync(),
    Read(Volume.SOURCE, 512, 512),
    Write(Volume.SOURCE, 512, 1024, 3),
)


def _volume_steps() -> None:
    machine = volume.create(Geometry(4096, 512, 1024))
    for _ in range(ROUNDS):
        for request in _REQUESTS:
            machine, _ = volume.apply(machine, request)
