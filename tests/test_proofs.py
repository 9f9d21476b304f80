"""Every obligation is proved and every mutant of it refuted, by two solvers.

The clauses are those that each obligation cites; a failure names the obligation, its clauses and
what the solver found.
"""

import re

import pytest
from attrs import evolve

from flashcopy.model import volume
from flashcopy.model.trace import Answer, Submit, Trace, dumps, loads
from flashcopy.model.volume import Machine
from flashcopy.proofs.obligation import Obligation
from flashcopy.proofs.registry import FAMILIES, all_obligations
from flashcopy.proofs.runner import Options, Result, Verdict, prove
from tests.saying import IS_DEEP

OBLIGATIONS = all_obligations()
# These run generators symbolically, with failing devices at every effect: the ci profile asks
# them once, of one solver. `flashcopy prove` asks as often as it is told.
LONG = [o for o in OBLIGATIONS if o.family == "protocol"]
SHORT = [o for o in OBLIGATIONS if o.family != "protocol"]
# A busy machine takes long, and is none of the questions here.
GENEROUS = Options(budget=600.0)
ONCE = evolve(GENEROUS, seeds=(0,))
CVC5 = evolve(ONCE, solver="cvc5")
QUESTIONS = [
    *((o, "z3", GENEROUS) for o in SHORT),
    *((o, "z3", ONCE) for o in LONG),
    *((o, "cvc5", CVC5) for o in (OBLIGATIONS if IS_DEEP else SHORT)),
]


def explain(result: Result) -> str:
    """What to read when it is red."""
    obligation = result.obligation
    lines = [f"{obligation.name} ({', '.join(obligation.clauses)}): {obligation.says}"]
    findings = {"shipped": result.finding} | {m.name: m.finding for m in result.mutants}
    for name, finding in findings.items():
        lines.append(f"{name}: {finding.verdict.value} {finding.why}")
        if finding.counterexample and name == "shipped":
            lines += finding.counterexample.picture.lines
            lines += [f"{n} = {v}" for n, v in finding.counterexample.values.items()]
    return "\n".join([*lines, f"again: flashcopy prove --obligation {obligation.name}"])


@pytest.mark.parametrize(
    ("obligation", "solver", "options"), QUESTIONS, ids=lambda v: getattr(v, "name", str(v)[:6])
)
def test_holds(obligation: Obligation, solver: str, options: Options) -> None:
    """Proved, every mutant refuted, with a picture and, where there are requests, a trace."""
    (result,) = prove([obligation], options)
    assert result.holds, f"{explain(result)} --solver {solver}"
    for mutant in result.mutants:
        found = mutant.finding.counterexample
        assert found is not None
        assert found.picture.lines, mutant.name
        if found.picture.trace:
            trace = found.picture.trace
            assert loads(dumps(trace)) == trace
            assert trace.clause == ", ".join(obligation.clauses)
            assert trace.finding


def test_a_trace_shows_the_fault_to_the_model() -> None:
    """Replayed on the model, a mutant's trace has an answer that the model does not give."""
    shown = 0
    for result in prove(SHORT, ONCE):
        for mutant in result.mutants:
            found = mutant.finding.counterexample
            trace = found and found.picture.trace
            if not trace or not re.match("request [0-9]", trace.finding):
                continue
            machine = beginning(trace)
            # A fault that is in the state itself is no fault of an answer.
            if volume.invariant(machine):
                name = f"{result.obligation.name}, {mutant.name}"
                assert differs(machine, trace), f"{name}: {trace.finding}"
                shown += 1
    assert shown >= 70


def beginning(trace: Trace) -> Machine:
    """The volumes as the trace begins."""
    initial = trace.initial
    assert initial is not None
    return Machine(
        trace.geometry, trace.target_writable, initial.state, initial.grains, initial.cursor
    )


def differs(machine: Machine, trace: Trace) -> bool:
    """Whether the model, from there on, answers anything else."""
    answers = {}
    for entry in trace.entries:
        if isinstance(entry, Submit):
            machine, answers[entry.request] = volume.apply(machine, entry.operation)
        elif isinstance(entry, Answer) and answers[entry.request] != entry.outcome:
            return True
    return False


def test_names_are_unique_and_begin_with_their_family() -> None:
    names = [obligation.name for obligation in OBLIGATIONS]
    assert len(names) == len(set(names))
    assert {obligation.family for obligation in OBLIGATIONS} == set(FAMILIES)


def test_obligations_say_what_they_support_in_a_sentence() -> None:
    for obligation in OBLIGATIONS:
        assert all(re.fullmatch("[A-Z]+-[0-9]+", clause) for clause in obligation.clauses)
        assert obligation.says.endswith("."), obligation.name
        mutants = [mutant.name for mutant in obligation.mutants]
        assert len(mutants) == len(set(mutants)), obligation.name


def test_seeds_agree_on_another_five() -> None:
    results = list(prove(OBLIGATIONS[:9], evolve(GENEROUS, seeds=(7, 77, 777))))
    assert all(result.finding.verdict is Verdict.PROVED for result in results)
