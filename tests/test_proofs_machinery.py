"""The prover notices its own faults: nothing is green that was not proved.

Each test gives it an obligation with a fault in it (about no clause in particular: LIFE-1 stands
for any) and requires a red verdict.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import cvc5
import pytest
import z3
from attrs import evolve

from flashcopy.model.choice import both, implies, negate
from flashcopy.proofs import runner, solvers
from flashcopy.proofs.obligation import Mutant, Obligation, Statement
from flashcopy.proofs.runner import Options, Result, Verdict, prove
from flashcopy.proofs.solvers import Answer, Satisfiable, as_smt2, ask_cvc5, ask_z3
from flashcopy.proofs.sorts import BIT, MAP, NUMBER, OneOf, Table

SOLVERS = ("z3", "cvc5")


def is_monotonic(step: int, number: Any) -> Statement:
    return Statement(given=number >= 0, claim=number + step > number)


GOOD = Obligation(
    name="machinery.good",
    clauses=("LIFE-1",),
    says="A step forward is a step forward.",
    variables={"number": NUMBER},
    subject=1,
    state=is_monotonic,
    mutants=(Mutant("backwards", -1), Mutant("standing still", 0)),
)


def judged(obligation: Obligation, **options: Any) -> Result:
    (result,) = prove([obligation], Options(**({"seeds": (0, 1)} | options)))
    return result


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_good_one_holds(solver: str) -> None:
    result = judged(GOOD, solver=solver)
    assert result.holds
    assert result.refuted == 2
    found = result.mutants[0].finding.counterexample
    assert found is not None
    assert int(found.values["number"]) >= 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_contradictory_hypotheses_are_vacuous(solver: str) -> None:
    def nothing(_: int, number: Any) -> Statement:
        return Statement(given=both(number > 0, number < 0), claim=False)

    result = judged(evolve(GOOD, state=nothing), solver=solver)
    assert result.finding.verdict is Verdict.VACUOUS
    assert not result.holds


def test_hypotheses_that_no_unrolled_case_meets_are_vacuous() -> None:
    obligation = evolve(
        GOOD,
        variables={"number": OneOf((1, 2))},
        state=lambda _, number: Statement(given=number > 2, claim=False),
    )
    assert judged(obligation).finding.verdict is Verdict.VACUOUS


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_false_claim_is_refuted_with_its_values(solver: str) -> None:
    result = judged(evolve(GOOD, subject=-1), solver=solver)
    assert result.finding.verdict is Verdict.REFUTED
    assert result.finding.counterexample is not None
    assert not result.holds


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_mutant_equal_to_the_subject_survives(solver: str) -> None:
    obligation = evolve(GOOD, mutants=(*GOOD.mutants, Mutant("no fault at all", 1)))
    result = judged(obligation, solver=solver)
    assert result.finding.verdict is Verdict.PROVED
    assert result.mutants[-1].finding.verdict is Verdict.SURVIVED
    assert result.refuted == 2
    assert not result.holds


def is_hard(_: int, x: Any, y: Any, z: Any) -> Statement:
    """Fermat's theorem for cubes: true, and out of reach."""
    positive = both(both(x > 0, y > 0), z > 0)
    return Statement(given=positive, claim=negate(x * x * x + y * y * y == z * z * z))


HARD = evolve(GOOD, state=is_hard, variables=dict.fromkeys("xyz", NUMBER))


@pytest.mark.parametrize("solver", SOLVERS)
def test_running_out_of_time_is_red(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Time enough for the hypotheses on any machine, and then hardly any.
    left = iter((60.0, 60.0))
    monkeypatch.setattr(runner, "deadline_in", lambda _: lambda: next(left, 0.3))
    result = judged(HARD, solver=solver)
    assert result.finding.verdict is Verdict.UNKNOWN
    assert "claim" in result.finding.why
    assert not result.holds


def test_a_spent_budget_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "deadline_in", lambda _: lambda: 0.0)
    result = judged(GOOD)
    assert result.finding.verdict is Verdict.UNKNOWN
    assert "time budget" in result.finding.why
    assert all(m.finding.verdict is Verdict.UNKNOWN for m in result.mutants)


# Mutable underneath, so that a test can put a solver of its own there.
SOLVER_TABLE = cast(dict[str, Any], solvers.SOLVERS)


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], Answer]) -> None:
    monkeypatch.setitem(SOLVER_TABLE, "z3", lambda _formula, seed, _seconds: answer(seed))


def test_a_solver_that_does_not_know_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda _: Answer(Satisfiable.UNKNOWN, reason="too deep"))
    result = judged(GOOD)
    assert result.finding.verdict is Verdict.UNKNOWN
    assert "too deep" in result.finding.why


def test_seeds_that_disagree_are_red(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = (Satisfiable.YES, Satisfiable.NO)
    answering(monkeypatch, lambda seed: Answer(verdicts[seed], {"number": 3}))
    result = judged(GOOD)
    assert result.finding.verdict is Verdict.BROKEN
    assert "do not agree" in result.finding.why


def test_a_counterexample_that_is_none_on_python_values_is_red(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, lambda _: Answer(Satisfiable.YES, {"number": 3}))
    result = judged(GOOD)
    assert result.finding.verdict is Verdict.BROKEN
    assert "none on Python values" in result.finding.why


def test_code_that_does_not_run_on_symbols_is_red_and_not_a_crash() -> None:
    def decides(_: int, bit: Any) -> Statement:
        return Statement(given=True, claim=True if bit else False)  # noqa: SIM210

    result = judged(evolve(GOOD, variables={"bit": BIT}, state=decides))
    assert result.finding.verdict is Verdict.BROKEN
    assert "Z3Exception" in result.finding.why


def test_a_claim_that_is_no_condition_is_red() -> None:
    result = judged(evolve(GOOD, state=lambda step, number: Statement(True, number + step)))
    assert result.finding.verdict is Verdict.BROKEN


def test_an_obligation_needs_a_clause_and_a_mutant() -> None:
    with pytest.raises(ValueError, match="clauses"):
        evolve(GOOD, clauses=())
    with pytest.raises(ValueError, match="mutants"):
        evolve(GOOD, mutants=())


@pytest.mark.parametrize("solver", SOLVERS)
def test_functions_come_back_as_tables_that_replay(solver: str) -> None:
    def all_alike(shift: int, bits: Any, number: Any) -> Statement:
        return Statement(
            given=both(number > 5, bits(number)), claim=implies(number > 7, bits(number + shift))
        )

    obligation = evolve(
        GOOD,
        variables={"bits": MAP, "number": NUMBER},
        subject=0,
        state=all_alike,
        mutants=(Mutant("the neighbour", 1),),
    )
    result = judged(obligation, solver=solver)
    assert result.holds
    found = result.mutants[0].finding.counterexample
    assert found is not None
    assert "else: " in found.values["bits"]


def test_tables_are_functions() -> None:
    table = Table({(1,): True}, otherwise=False)
    assert table(1)
    assert not table(2)


@pytest.mark.parametrize("ask", [ask_z3, ask_cvc5])
def test_solvers_give_negative_numbers_and_words(ask: Any) -> None:
    number, word = z3.Int("number"), z3.BitVec("word", 8)
    answer = ask(z3.And(number == -7, word == 0xF0), 0, 10.0)
    assert answer.verdict is Satisfiable.YES
    assert answer.values == {"number": -7, "word": 0xF0}


def riddle(order: Iterable[int]) -> z3.BoolRef:
    """A formula of many solutions; `order` is in which order its terms are made."""
    made = {n: (z3.Bool(f"b{n}"), z3.Int(f"x{n}"), z3.Int(f"x{n}") + 1) for n in order}
    count = len(made)
    return z3.And(
        *(
            z3.Or(
                z3.And(made[n][0], made[n][1] != made[(n + 1) % count][2]),
                z3.And(z3.Not(made[n][0]), made[n][1] == made[(n + 5) % count][2] + 1),
            )
            for n in range(count)
        ),
        made[0][1] != made[3][1],
    )


def test_an_answer_depends_on_nothing_that_was_asked_before() -> None:
    """The same seed gives the same counterexample, whatever other terms were made, and when."""
    answers = []
    for order in (range(12), reversed(range(12))):
        formula = riddle(order)
        answers.append((ask_z3(formula, 0, 60.0), as_smt2(formula)))
        # Terms are made anew only once nobody has them.
        del formula
    assert answers[0][0].verdict is Satisfiable.YES
    assert answers[0] == answers[1]


def test_questions_are_written_as_complete_scripts(tmp_path: Path) -> None:
    judged(GOOD, smt2=tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "machinery.good.hypotheses.smt2",
        "machinery.good.claim.smt2",
        "machinery.good.mutant-backwards.smt2",
        "machinery.good.mutant-standing-still.smt2",
    }
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        (expected,) = [line for line in text.splitlines() if line.startswith("; expected")]
        solver = cvc5.Solver()
        parser = cvc5.InputParser(solver)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, path.name)
        symbols, said = parser.getSymbolManager(), ""
        while not (command := parser.nextCommand()).isNull():
            said += command.invoke(solver, symbols)
        assert said.strip() == expected.removeprefix("; expected: ")


def test_scripts_name_the_clause() -> None:
    script = as_smt2(z3.BoolVal(True), ("machinery.good (LIFE-1)",))
    assert script.startswith("; machinery.good (LIFE-1)\n(set-logic ALL)\n")
    assert script.endswith("(check-sat)\n")
