"""Requests one after the other, drawn and shrunk by Hypothesis, beside the model.

Volumes are small, so that requests meet: a handful of blocks, two in a grain, often a short last
grain. Each example has an IUT and volumes of its own; it ends by looking at both volumes again
after a complete copy and after one more sync, which is when a wrong bit comes to light.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import Finding, Job, ViolationError
from flashcopy.conformance.comparison import Comparison
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import BackgroundCopy, Flush, Operation, Start, Stop, Sync

BLOCK = 512
GRAIN_BLOCKS = 2
GEOMETRIES = [Geometry(n * BLOCK, BLOCK, GRAIN_BLOCKS * BLOCK) for n in (4, 7, 1, 18)]

# A step is drawn without the geometry and fitted to it later: so it survives shrinking.
Step = Callable[[Comparison], object]


class _AbortError(BaseException):
    """Carries a breakdown past Hypothesis, which would take it for a failure to shrink."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


@define
class _Shortest:
    """The shortest violation seen so far, and when the first was."""

    finding: Finding | None = None
    first: float = 0.0

    def note(self, finding: Finding) -> None:
        """A violation was found, again or for the first time."""
        if self.finding is None:
            self.first = time.monotonic()
        if self.finding is None or _entries(finding) <= _entries(self.finding):
            self.finding = finding


def data(job: Job) -> None:
    """READ-1, READ-2, WRITE-1 to WRITE-4, SYNC-1, START-1: every read shows what it must."""
    _search(job, _steps(job, ["write"] * 5 + ["read"] * 3 + ["sync"] * 2 + ["start"]), _look_twice)


def lifecycle(job: Job) -> None:
    """LIFE-1, LIFE-3, STOP-1, COPY-4: each request in each state, and the state that follows."""
    moves = ["start", "sync", "status", "status", "write", "read"]
    moves += ["stop"] * job.has(Capability.STOP)
    _search(job, _steps(job, moves), _look_once)


def _steps(job: Job, kinds: list[str]) -> st.SearchStrategy[Step]:
    """What may be asked, as often as its kind is listed, and as far as the IUT claims it."""
    if job.has(Capability.BACKGROUND_COPY):
        kinds = kinds + ["copy", "copy"]
    if job.has(Capability.WRITE_ZEROES):
        kinds = kinds + ["zeroes", "zeroes"]
    volumes = [Volume.SOURCE] * 3 + [Volume.TARGET] * job.has(Capability.TARGET_WRITE)
    return st.builds(
        _make_step,
        # The simplest step is none, so that a long list shrinks to the few that matter.
        st.sampled_from(["nothing", *kinds, "flush"]),
        st.sampled_from(volumes),
        st.sampled_from([Volume.TARGET, Volume.SOURCE]),
        st.integers(0, 17),
        st.integers(1, 6),
    )


def _make_step(kind: str, written: Volume, read: Volume, first: int, blocks: int) -> Step:
    def step(comparison: Comparison) -> object:
        geometry = comparison.session.geometry
        at = first % geometry.blocks
        run = min(blocks, geometry.blocks - at)
        match kind:
            case "write":
                return comparison.write(written, at, run)
            case "zeroes":
                return comparison.write_zeroes(written, at, run)
            case "read":
                return comparison.read(read) if first > 9 else comparison.read(read, at, run)
            case "status":
                return comparison.status()
            case "nothing":
                return None
        return comparison.step(_others(kind, blocks, read))

    return step


def _others(kind: str, grains: int, volume: Volume) -> Operation:
    others: dict[str, Operation] = {
        "start": Start(),
        "sync": Sync(),
        "stop": Stop(),
        "copy": BackgroundCopy(grains if grains < 5 else None),
        "flush": Flush(volume),
    }
    return others[kind]


def _look_once(comparison: Comparison, job: Job) -> None:
    del job
    comparison.status()
    comparison.look()


def _look_twice(comparison: Comparison, job: Job) -> None:
    """What is wrong in the maps now is wrong on the volumes after a copy or a sync."""
    comparison.look()
    for move in (BackgroundCopy(None), Sync(), BackgroundCopy(None)):
        if isinstance(move, Sync) or job.has(Capability.BACKGROUND_COPY):
            comparison.step(move)
            comparison.look()


def _search(
    job: Job, steps: st.SearchStrategy[Step], end: Callable[[Comparison, Job], None]
) -> None:
    """Run examples until one is wrong, shrink that for a while, and raise the shortest."""
    shortest = _Shortest()

    def run(geometry: Geometry, sequence: Sequence[Step]) -> None:
        shrinking = shortest.finding is not None
        if shrinking and time.monotonic() - shortest.first > job.effort.shrink_seconds:
            return
        try:
            with job.session(geometry) as session:
                comparison = Comparison(session)
                comparison.write(Volume.SOURCE, 0, geometry.blocks)  # zeros hide what is stale
                comparison.step(Start())
                for step in sequence:
                    step(comparison)
                end(comparison, job)
        except ViolationError as error:
            shortest.note(error.finding)
            raise
        except Exception as error:
            raise _AbortError(error) from error

    lists = st.lists(steps, min_size=job.effort.requests // 2, max_size=job.effort.requests)
    test: Any = given(st.sampled_from(GEOMETRIES), lists)(run)
    test = settings(
        max_examples=job.effort.examples,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )(test)
    try:
        seed(job.seed)(test)()
    except _AbortError as abort:
        raise abort.cause from None
    except Exception:
        # Hypothesis's own words are about Python; and an IUT that is not deterministic makes it
        # doubt what was seen. What was seen once is a violation all the same.
        if shortest.finding is None:
            raise
    if shortest.finding is not None:
        raise ViolationError(shortest.finding)


def _entries(finding: Finding) -> int:
    return len(finding.trace.entries) if finding.trace else 0
