"""Every mutant against every method: who catches it, after how much, and with which trace.

A mutant of the protocol (`harness.mutants`) is given to the interleaved harness, which draws
runs until one goes wrong; to the explorer, which tries all schedules of a few requests; and to the
protocol proofs, which look for an obligation that the mutant breaks. What each of them misses is
no shame, and says what it is for; what all of them miss would be a hole.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator

from attrs import field, frozen

from flashcopy.harness import interleaved, scripted
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.mutants import MUTANTS
from flashcopy.harness.result import Finding
from flashcopy.harness.trial import ORACLE_ALONE, Watch
from flashcopy.model.trace import Trace
from flashcopy.proofs.counterparts import WITHOUT, counterpart
from flashcopy.proofs.explorer import efforts, runs
from flashcopy.proofs.explorer.beyond import BEYOND
from flashcopy.proofs.explorer.trace import show
from flashcopy.proofs.runner import Options, Verdict, judge_mutant


@frozen
class Catch:
    """How a method caught a mutant: by which clause, after so many of its units, in seconds."""

    clause: str
    amount: int
    unit: str
    seconds: float
    trace: Trace | None = None


@frozen
class Row:
    """A mutant and, by method, who caught it; None, and in `misses` why, where nobody did."""

    mutant: Mutant
    catches: dict[str, Catch | None] = field(factory=dict)
    misses: dict[str, str] = field(factory=dict)

    @property
    def caught(self) -> bool:
        """Whether anybody did."""
        return any(self.catches.values())

    @property
    def shortest(self) -> Trace | None:
        """The shortest of the traces that show it."""
        traces = [c.trace for c in self.catches.values() if c is not None and c.trace is not None]
        return min(traces, key=lambda trace: len(trace.entries), default=None)


@frozen
class Budget:
    """How long each method looks: runs of the harness, the explorer's effort.

    With `traces` the proofs look for a trace as well, which takes longer than the refutation.
    """

    runs: int = 6000
    seed: int = 1
    explorer: str = "quick"
    traces: bool = False


Method = Callable[[Mutant, Budget], Catch | None]


def by_harness(mutant: Mutant, budget: Budget) -> Catch | None:
    """Drawn runs, judged by the oracle alone; waste, which it cannot see, by its monitor."""
    began = time.perf_counter()
    if mutant.name == scripted.CATCHES:
        found, steps = scripted.unrecorded_stop(mutant.name)
        return _catch(found, steps, "steps", began)
    wasteful = mutant.clauses[0].startswith("MIN")
    watch = Watch(rules=False, minimality=True) if wasteful else ORACLE_ALONE
    counts: Counter[str] = Counter()
    finding = interleaved.run_plainly(
        budget.runs, budget.seed, counts, lambda: None, mutant=mutant.name, watch=watch
    )
    return _catch(finding, counts["steps"], "steps", began)


def by_explorer(mutant: Mutant, budget: Budget) -> Catch | None:
    """Every schedule of a few requests; the trace is the shortest there is in its part."""
    began = time.perf_counter()
    if mutant.name in BEYOND:  # known beforehand, so not tried
        return None
    settings = runs.Settings(mutant=mutant.name)
    reports = runs.explore_all(efforts.plans(budget.explorer), settings)
    last = reports[-1]
    if last.violation is None or last.scope is None:
        return None
    shown = show(last.plan, last.scope, last.violation, mutant.name, waste=True)
    states = sum(report.tally.states for report in reports)
    return _catch(shown.finding, states, "states", began)


def by_proofs(mutant: Mutant, budget: Budget) -> Catch | None:
    """The obligation that has this mutant, or its like, and is broken by it."""
    began = time.perf_counter()
    found = counterpart(mutant)
    if found is None:
        return None
    obligation, listed = found
    options = Options(seeds=(0,), traces=budget.traces)
    finding = judge_mutant(obligation, listed, options)
    if finding.verdict is not Verdict.REFUTED:
        return None
    seconds = time.perf_counter() - began
    picture = finding.counterexample and finding.counterexample.picture
    trace = picture.trace if picture and mutant.name == listed.name else None
    return Catch(obligation.clauses[0], 1, obligation.name, seconds, trace)


def why_not(how: str, mutant: Mutant, budget: Budget) -> str:
    """Why a method did not catch a mutant."""
    if how == "harness":
        return f"not in {budget.runs} drawn runs"
    if how == "explorer":
        return BEYOND.get(mutant.name, f"nothing wrong in the scope {budget.explorer}")
    return WITHOUT.get(mutant.name, "no obligation has it")


METHODS: dict[str, Method] = {
    "harness": by_harness,
    "explorer": by_explorer,
    "proofs": by_proofs,
}


def matrix(names: list[str], budget: Budget) -> Iterator[Row]:
    """A row for each mutant of these names, as soon as it is there."""
    for name in names:
        mutant = MUTANTS[name]
        catches = {how: method(mutant, budget) for how, method in METHODS.items()}
        missed = {how: why_not(how, mutant, budget) for how, c in catches.items() if c is None}
        yield Row(mutant, catches, missed)


def _catch(finding: Finding | None, amount: int, unit: str, began: float) -> Catch | None:
    if finding is None:
        return None
    return Catch(finding.clause, amount, unit, time.perf_counter() - began, finding.trace)
