"""The protocol under every schedule and every crash that Hypothesis can think of.

Hypothesis draws each choice of a run: sizes, state, requests, which request takes its next step,
which device is sick, when the power fails and what survives (`schedule`). A trial carries it out
on the simulated disks and judges it (`trial`). A run that fails is shrunk, and its trace replays
it step for step.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from functools import cache

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from flashcopy.harness import coverage
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.mutants import by_name
from flashcopy.harness.result import Finding, Progress, Result, ViolationError, silent
from flashcopy.harness.schedule import Draw, Driver, draw_head
from flashcopy.harness.trial import ALL, ORACLE_ALONE, Trial, Watch

# So many runs are drawn plainly for each that Hypothesis draws.
PLAIN_RUNS = 2
# Contents below this one are those that volumes hold at first.
FIRST_CONTENT = 1000


def run_once(
    draw: Draw,
    counts: Counter[str],
    mutant: str = "",
    watch: Watch = ALL,
    find: Callable[[str], Mutant] = by_name,
) -> None:
    """One run; what it went through is added to `counts`. Raises ViolationError."""
    head = draw_head(draw, {"mutant": mutant} if mutant else {})
    trial = Trial(head, watch, find)
    try:
        Driver(draw, trial, FIRST_CONTENT).run()
    finally:
        counts["runs"] += 1
        counts["steps"] += trial.steps
        counts.update(trial.counts)


def run(
    runs: int,
    random_seed: int,
    progress: Progress = silent,
    *,
    mutant: str = "",
    watch: Watch = ALL,
) -> Result:
    """That many runs drawn by Hypothesis, and before them several times as many drawn plainly.

    The same seed gives the same runs. A finding is shrunk if Hypothesis comes upon it too.
    """
    began = time.monotonic()
    counts: Counter[str] = Counter()

    def tell() -> None:
        part = counts["runs"] / (runs * (1 + PLAIN_RUNS))
        progress(min(1.0, part), f"{counts['crashes']} crashes")

    first = run_plainly(PLAIN_RUNS * runs, random_seed, counts, tell, mutant=mutant, watch=watch)
    finding = _search(runs, random_seed, mutant, watch, counts, tell) or first
    if finding and finding.clause.startswith("ORDER"):
        # The rule is broken; better is a run in which that does harm, and it names the rule too.
        finding = _search(runs, random_seed, mutant, ORACLE_ALONE, counts, tell) or finding
    return Result(
        part="interleaved",
        amount=f"{counts['runs']} runs, {counts['steps']} steps, {counts['crashes']} crashes",
        seconds=time.monotonic() - began,
        finding=finding,
        counts=dict(counts),
        repeat=f"flashcopy check --seed {random_seed}",
    )


def run_plainly(
    runs: int,
    random_seed: int,
    counts: Counter[str],
    tell: Callable[[], None],
    *,
    mutant: str = "",
    watch: Watch = ALL,
) -> Finding | None:
    """Such runs drawn by a plain random generator: several times as fast, and nothing shrunk.

    Stops at the first finding.
    """
    for number in range(runs):
        draw = random.Random(f"{random_seed} {number}").randrange
        try:
            run_once(draw, counts, mutant, watch)
        except ViolationError as error:
            return error.finding
        tell()
    return None


def missing(counts: dict[str, int]) -> list[str]:
    """What a validation of any size must have been through and was not."""
    return coverage.missing(Counter(counts))


@cache
def _below(limit: int) -> st.SearchStrategy[int]:
    return st.integers(0, limit - 1)


def _search(
    runs: int,
    random_seed: int,
    mutant: str,
    watch: Watch,
    counts: Counter[str],
    tell: Callable[[], None],
) -> Finding | None:
    @seed(random_seed)
    @settings(
        max_examples=runs,
        deadline=None,
        database=None,
        print_blob=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(st.data())
    def one(data: st.DataObject) -> None:
        run_once(lambda n: data.draw(_below(n)), counts, mutant, watch)
        tell()

    try:
        one()
    except ViolationError as error:  # of the smallest run that fails
        return error.finding
    return None
