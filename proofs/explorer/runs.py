"""An exploration from its plan to its report: batches of scopes, workers, and where it stops.

Scopes have no states in common, so they are searched in batches, small ones first, by one process
or several, and nothing is kept of a batch but counts. The counts do not depend on batches or
workers as long as nothing is wrong. After a violation only shorter ones are looked for.
"""

import contextlib
import multiprocessing
import resource
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define, evolve, field, frozen

from flashcopy.harness import mutants
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.result import Progress, silent
from flashcopy.proofs.explorer.crash import Recovered
from flashcopy.proofs.explorer.explorer import MOST_SCOPES, Explorer
from flashcopy.proofs.explorer.layout import TooLargeError
from flashcopy.proofs.explorer.program import Program
from flashcopy.proofs.explorer.requests import Plan, Scope
from flashcopy.proofs.explorer.search import NO_LIMIT, Tally, Violation
from flashcopy.proofs.explorer.starts import all_starts

# States in a batch, about: enough to fill the arrays, few enough to be told of progress.
_BATCH_STATES = 1_000_000
# An estimate looks at so many scopes, and at so many states of each.
_SAMPLES, _SAMPLE_STATES = 24, 100_000
# Fewer scopes are done before a second process has begun.
_WORTH_WORKERS = 1000
# Bytes for each state of the largest batch: ways to it are kept, and rows until their turn.
_STATE_BYTES = 60
_TABLE_BYTES = 120 << 20
# With many grains tables grow with the states, up to where a worker begins them anew.
_MANY_GRAINS, _TABLE_STATE_BYTES, _MOST_TABLE_BYTES = 5, 300, 1 << 30


@frozen
class Settings:
    """How to explore: which protocol, whether waste counts, processes, bytes for each of them."""

    mutant: str = ""
    waste: bool = True
    workers: int = 1
    memory: int = 4 << 30


@frozen
class Estimate:
    """What an exploration will come to, extrapolated from some of its scopes."""

    scopes: int
    states: int
    bytes: int


@define
class Report:
    """What was explored and what came of it. `scope` is that of the violation.

    `seen` counts by program point and result; `stopped` says why it ended before its end.
    `foreign` is what crashes lead to and is not among the initial states.
    """

    plan: Plan
    scopes: int
    covered: int = 0
    tally: Tally = field(factory=Tally)
    violation: Violation | None = None
    scope: Scope | None = None
    seen: npt.NDArray[np.bool_] | None = None
    recovered: set[Recovered] = field(factory=set)
    bytes: int = 0
    seconds: float = 0.0
    stopped: str = ""

    @property
    def holds(self) -> bool:
        """Whether everything was covered and nothing is wrong."""
        return self.violation is None and not self.stopped

    @property
    def foreign(self) -> set[Recovered]:
        """Empty if one crash stands for any number: what it leaves is explored as well."""
        return self.recovered - {start.recovered for start in self.plan.starts}

    def seen_of(self, program: Program) -> npt.NDArray[np.bool_]:
        """What was seen, nothing if nothing was finished."""
        return np.zeros(program.follow.shape, np.bool_) if self.seen is None else self.seen


@frozen
class _Job:
    """A batch: its first scope's number, the scopes, and what is short enough to matter."""

    first: int
    scopes: list[Scope]
    shorter_than: int


@frozen
class _Done:
    """What came of a batch."""

    job: _Job
    tally: Tally
    violation: Violation | None
    seen: npt.NDArray[np.bool_]
    recovered: set[Recovered]
    bytes: int
    stopped: str


class _FullError(Exception):
    """The memory bound is reached, or a sample is large enough."""


def protocol_of(settings: Settings) -> Mutant:
    """The protocol of that name. Raises UnknownMutantError."""
    return mutants.by_name(settings.mutant)


def estimate(plan: Plan, settings: Settings) -> Estimate:
    """What an exploration will come to. Raises TooLargeError if no state fits at all."""
    scopes = list(plan.scopes())
    explorer = Explorer(plan, protocol_of(settings), waste=settings.waste)
    largest = [s for s in scopes if len(s.kinds) == len(scopes[-1].kinds)]
    sample = largest[:: max(1, len(largest) // _SAMPLES)]
    counts = [_states_of(explorer, scope) for scope in sample]
    states = round(sum(counts) / len(counts) * len(largest))
    in_batch = max(*counts, min(states, _BATCH_STATES))
    tables = 0
    if plan.grains >= _MANY_GRAINS:
        tables = min(states * _TABLE_STATE_BYTES, _MOST_TABLE_BYTES)
    return Estimate(len(scopes), states, settings.workers * (_bytes_for(in_batch) + tables))


def refuse_too_large(plan: Plan, settings: Settings) -> Estimate:
    """The estimate. Raises TooLargeError, with it, for what will not fit the memory."""
    expected = estimate(plan, settings)
    each = expected.bytes // settings.workers
    if each > settings.memory:
        raise TooLargeError(
            f"too large: about {expected.states:,} states in {expected.scopes:,} scopes, the"
            f" largest scope needs about {each >> 20:,} MiB a worker and the bound is"
            f" {settings.memory >> 20:,} MiB; take fewer requests in flight, grains or blocks,"
            " or raise --memory"
        )
    return expected


def explore(plan: Plan, settings: Settings, progress: Progress = silent) -> Report:
    """Explore every scope. An interrupt ends it with what was covered so far."""
    began = time.monotonic()
    scopes = list(plan.scopes())
    report = Report(plan, len(scopes))
    try:
        if len(scopes) < _WORTH_WORKERS:
            settings = evolve(settings, workers=1)
        with _working(plan, settings) as work:
            for done in work(_jobs(settings, scopes, report)):
                _add(report, done, scopes)
                progress(report.covered / len(scopes), f"{report.tally.states:,} states")
                if report.stopped:
                    break
    except KeyboardInterrupt:
        report.stopped = "interrupted"
    report.seconds = time.monotonic() - began
    return report


def explore_all(
    plans: tuple[Plan, ...], settings: Settings, progress: Progress = silent
) -> list[Report]:
    """Explore plans one after the other, up to the first that does not hold."""
    reports: list[Report] = []
    for at, plan in enumerate(plans):
        report = explore(plan, settings, _nth(progress, at, len(plans)))
        reports.append(report)
        if not report.holds:
            break
    return reports


def _nth(progress: Progress, at: int, parts: int) -> Progress:
    """The progress of one of several parts."""
    return lambda fraction, what: progress((at + fraction) / parts, what)


def explore_crashes(
    plan: Plan, settings: Settings, crashes: int, progress: Progress = silent
) -> list[Report]:
    """One report for each crash in a row, the next from what the last one led to that is new.

    Ends earlier where nothing is: then any number of further crashes has been explored.
    """
    reports: list[Report] = []
    known = {start.recovered for start in plan.starts}
    while len(reports) < crashes and plan.starts:
        report = explore(plan, settings, progress)
        reports.append(report)
        if not report.holds:
            break
        new = report.recovered - known
        known |= new
        rested = [s for s in all_starts(plan.grains) if not s.used]
        plan = evolve(plan, starts=tuple(s for s in rested if s.recovered in new))
    return reports


def _jobs(settings: Settings, scopes: list[Scope], report: Report) -> Iterator[_Job]:
    """Batches of about as many states, made when their turn comes."""
    first = 0
    while first < len(scopes):
        size = _batch_size(report, len(scopes), settings.workers)
        shorter = len(report.violation.moves) if report.violation else NO_LIMIT
        yield _Job(first, scopes[first : first + size], shorter)
        first += size


def _batch_size(report: Report, scopes: int, workers: int) -> int:
    """Scopes in the next batch: by what the last ones came to, and so that every worker has one."""
    if not report.covered:
        return max(1, min(200, scopes // workers))
    mean = max(1.0, report.tally.states / report.covered)
    return int(max(1, min(_BATCH_STATES / mean, MOST_SCOPES, report.covered * 4)))


def _add(report: Report, done: _Done, scopes: list[Scope]) -> None:
    report.tally.add(done.tally)
    report.recovered |= done.recovered
    report.seen = done.seen if report.seen is None else report.seen | done.seen
    report.bytes = max(report.bytes, done.bytes)
    report.stopped = report.stopped or done.stopped
    if not done.stopped:
        report.covered += len(done.job.scopes)
    found = done.violation
    if found is None:
        return
    if report.violation is None or len(found.moves) < len(report.violation.moves):
        number = done.job.first + found.scope
        report.violation = evolve(found, scope=number)
        report.scope = scopes[number]


_Work = Callable[[Iterator[_Job]], Iterator[_Done]]


@contextlib.contextmanager
def _working(plan: Plan, settings: Settings) -> Iterator[_Work]:
    """Something that does jobs: this process, or several of its own."""
    if settings.workers == 1:
        _begin(plan, settings)
        yield lambda jobs: map(_do, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(settings.workers, _begin_worker, (plan, settings)) as pool:
        yield lambda jobs: _in_parallel(pool, jobs, settings.workers)


def _in_parallel(pool: Any, jobs: Iterator[_Job], workers: int) -> Iterator[_Done]:
    """One job more than there are workers at a time, so that later ones know of earlier ones."""
    running: list[Any] = []
    for job in jobs:
        running.append(pool.apply_async(_do, (job,)))
        if len(running) > workers:
            yield running.pop(0).get()
    for result in running:
        yield result.get()


# A worker's explorer: its tables are worth keeping from batch to batch, until they are large. With
# many grains scopes have little in common.
_explorer: Explorer | None = None
_memory = 0
_MOST_ENTRIES = 1_000_000


def _begin_worker(plan: Plan, settings: Settings) -> None:
    """An interrupt is for who started us; we are ended by it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _begin(plan, settings)


def _begin(plan: Plan, settings: Settings) -> None:
    global _explorer, _memory  # noqa: PLW0603  # what a worker process is set up with
    _explorer = Explorer(plan, protocol_of(settings), waste=settings.waste)
    _memory = settings.memory


def _do(job: _Job) -> _Done:
    """Search a batch, and stop cleanly where memory ends."""
    global _explorer  # noqa: PLW0603
    explorer = _explorer
    assert explorer is not None, "a worker begins before it works"
    if explorer.parts.entries > _MOST_ENTRIES:
        explorer = _explorer = Explorer(
            explorer.plan, explorer.protocol, waste=explorer.parts.waste
        )
    search = explorer.search(job.scopes, job.shorter_than, _check_memory)
    stopped = ""
    try:
        search.run(explorer.roots(job.scopes))
    except _FullError:
        stopped = f"the memory bound of {_memory >> 20:,} MiB a worker is reached"
    except TooLargeError as error:
        stopped = str(error)
    return _Done(
        job,
        search.tally,
        search.violation,
        explorer.stepper.seen,
        explorer.parts.recovered,
        _bytes_used(),
        stopped,
    )


def _check_memory(_: int) -> None:
    if _bytes_used() > _memory:
        raise _FullError


def _bytes_used() -> int:
    """The most memory this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _states_of(explorer: Explorer, scope: Scope) -> int:
    """The states of one scope, or where there are very many how many there can be."""

    def check(states: int) -> None:
        if states > _SAMPLE_STATES:
            raise _FullError

    search = explorer.search([scope], check=check)
    try:
        search.run(explorer.roots([scope]))
    except _FullError:
        ranks = explorer.program.rank
        steps = [int(ranks.max() - ranks[explorer.program.starts[k.asked()]]) for k in scope.kinds]
        return max(search.tally.states, int(np.prod(steps, dtype=np.float64)))
    return search.tally.states


def _bytes_for(states: int) -> int:
    return _TABLE_BYTES + _STATE_BYTES * states
