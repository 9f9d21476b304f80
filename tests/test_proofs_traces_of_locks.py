"""Counterexamples of the map file and of the locks are traces too: a crash that tears the maps, a
deadlock, a lock that excludes nobody (CRASH-2, CRASH-3, INV-1, CONC-1, CONC-3, CONC-4).
"""

from collections.abc import Iterator

import pytest

from flashcopy.harness.replay import replay
from flashcopy.model.trace import Crash, dumps, loads
from flashcopy.proofs.lock_faults import NO_RUN
from flashcopy.proofs.obligation import Mutant, Obligation
from flashcopy.proofs.protocol_mutants import by_name
from flashcopy.proofs.registry import obligations_of
from flashcopy.proofs.runner import Options, Verdict, judge_mutant

pytestmark = pytest.mark.mutation

# Of relations between waiters and of a header without DISK-2: no code of ours that could run.
NO_CODE = ("locks.no-circle", "mapfile.torn-header")


def cases() -> Iterator[tuple[Obligation, Mutant, int]]:
    """With each seed of the solver that the trace depends on."""
    for family in ("mapfile", "locks"):
        for obligation in obligations_of(family):
            for mutant in obligation.mutants:
                if obligation.name not in NO_CODE:
                    for seed in (0, 1, 2) if family == "mapfile" else (0,):
                        yield obligation, mutant, seed


@pytest.mark.parametrize(
    ("obligation", "mutant", "seed"),
    list(cases()),
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_its_trace_replays(obligation: Obligation, mutant: Mutant, seed: int) -> None:
    finding = judge_mutant(obligation, mutant, Options(seeds=(seed,), traces=True))
    assert finding.verdict is Verdict.REFUTED
    assert finding.counterexample is not None
    trace = finding.counterexample.picture.trace
    if mutant.name in NO_RUN:
        assert trace is None
        return
    assert trace is not None
    (again,) = replay(loads(dumps(trace)), by_name)
    assert again.finding is not None
    assert (again.finding.clause, again.finding.explanation) == (trace.clause, trace.finding)
    if obligation.family == "mapfile":
        assert isinstance(trace.entries[-2], Crash)


def test_those_without_are_there() -> None:
    names = {
        obligation.name for family in ("mapfile", "locks") for obligation in obligations_of(family)
    }
    assert set(NO_CODE) <= names
    assert set(NO_RUN) <= {mutant.name for _, mutant, _ in cases()}
