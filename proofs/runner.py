"""Judging obligations: three checks each, under every seed, within a time budget.

An obligation holds if its hypotheses can be met, its claim cannot be broken, and every mutant
breaks it with a counterexample that does the same once more on Python values. Whatever else
comes out is red, `unknown` included: a proof that was not found is no proof.

The runner does not know what an obligation is about. `prove` takes any, yields a `Result` for
each as soon as it is there, and everything a report needs is in the result.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from flashcopy.proofs import query
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Subject
from flashcopy.proofs.solvers import SOLVERS, Satisfiable, as_smt2, deadline_in
from flashcopy.proofs.sorts import OneOf, Table


class Verdict(Enum):
    """What became of an obligation, or of one of its mutants."""

    PROVED = "proved"
    REFUTED = "refuted"
    # No values meet the hypotheses, so the theorem says nothing.
    VACUOUS = "vacuous"
    # A mutant that breaks nothing: the theorem does not see the fault.
    SURVIVED = "survived"
    # The solver gave up, or the time budget is spent.
    UNKNOWN = "unknown"
    # The statement could not be made, or a counterexample is none on Python values.
    BROKEN = "broken"


@frozen
class Options:
    """How to judge. `seeds` must not be empty; `budget` is in seconds for each obligation.

    With `smt2`, a folder that exists, every question is also written there as a file. With
    `traces`, counterexamples get their traces also where that takes a search.
    """

    seeds: tuple[int, ...] = tuple(range(5))
    solver: str = "z3"
    budget: float = 60.0
    smt2: Path | None = None
    traces: bool = False


@frozen
class Counterexample:
    """Values under which the hypotheses hold and the claim does not, and what they look like."""

    values: Mapping[str, str]
    picture: Picture


@frozen
class Finding:
    """The verdict on one subject. `why` explains all but the expected verdicts."""

    verdict: Verdict
    why: str = ""
    counterexample: Counterexample | None = None


@frozen
class MutantResult:
    """What became of a mutant: REFUTED, as it must be, or something else."""

    name: str
    finding: Finding


@frozen
class Result:
    """What became of an obligation. `seconds` is the time it took, all seeds together."""

    obligation: Obligation
    finding: Finding
    mutants: tuple[MutantResult, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Proved, and every mutant refuted."""
        return self.finding.verdict is Verdict.PROVED and self.refuted == len(self.mutants)

    @property
    def refuted(self) -> int:
        """How many mutants were refuted."""
        return sum(m.finding.verdict is Verdict.REFUTED for m in self.mutants)


def prove(obligations: Iterable[Obligation], options: Options) -> Iterator[Result]:
    """The result of each obligation, in order, as soon as it is there."""
    return (_judge(obligation, options) for obligation in obligations)


def judge_mutant(obligation: Obligation, mutant: Mutant, options: Options) -> Finding:
    """What becomes of one mutant of an obligation."""
    bench = _Bench(obligation, options, deadline_in(options.budget))
    return _guard(_judge_mutant, bench, mutant)


@frozen
class _Bench:
    """One obligation on the bench: whom to ask, and the time left to answer."""

    obligation: Obligation
    options: Options
    seconds_left: Callable[[], float] = field(repr=False)


def _judge(obligation: Obligation, options: Options) -> Result:
    bench = _Bench(obligation, options, deadline_in(options.budget))
    finding = _guard(_judge_subject, bench)
    mutants = tuple(
        MutantResult(mutant.name, _guard(_judge_mutant, bench, mutant))
        for mutant in obligation.mutants
    )
    seconds = options.budget - bench.seconds_left()
    return Result(obligation, finding, mutants, seconds)


def _guard(judge: Callable[..., Finding], *arguments: Any) -> Finding:
    """Code that cannot be run on a solver's terms is a finding, not a crash of the prover."""
    try:
        return judge(*arguments)
    except Exception as error:
        return Finding(Verdict.BROKEN, why=f"{type(error).__name__}: {error}")


def _judge_subject(bench: _Bench) -> Finding:
    """Can the hypotheses be met, and does the claim hold?"""
    subject = bench.obligation.subject
    meaning = _ask(bench, subject, "hypotheses")
    if meaning.verdict is not Verdict.REFUTED:
        vacuous = Finding(Verdict.VACUOUS, why="nothing meets the hypotheses")
        return vacuous if meaning.verdict is Verdict.PROVED else meaning
    return _ask(bench, subject, "claim")


def _judge_mutant(bench: _Bench, mutant: Mutant) -> Finding:
    """Does the fault break the claim?"""
    found = _refute_shortly(bench, mutant)
    if found:
        return found
    finding = _ask(bench, mutant.subject, f"mutant {mutant.name}")
    if finding.verdict is Verdict.PROVED:
        return Finding(Verdict.SURVIVED, why="the claim holds in spite of the fault")
    return finding


def _refute_shortly(bench: _Bench, mutant: Mutant) -> Finding | None:
    """The obligation's own way to a counterexample, under the first seed, if it has one."""
    options, obligation = bench.options, bench.obligation
    if obligation.refute is None or options.smt2:
        return None
    (choices,) = (sort for sort in obligation.variables.values() if isinstance(sort, OneOf))
    values = obligation.refute(
        mutant.subject,
        choices.values,
        lambda formula: SOLVERS[options.solver](formula, options.seeds[0], bench.seconds_left()),
    )
    return _replay(bench, mutant.subject, values, mutant.name) if values else None


def _ask(bench: _Bench, subject: Subject, about: str) -> Finding:
    """PROVED if no values satisfy the question, under every seed; REFUTED with some that do."""
    options, obligation = bench.options, bench.obligation
    asks_for_meaning = about == "hypotheses"
    make = query.can_be_met if asks_for_meaning else query.can_be_broken
    question = make(obligation, subject)
    if options.smt2:
        _write_smt2(options.smt2, obligation, question.formula, about)
    findings = []
    for seed in options.seeds:
        left = bench.seconds_left()
        if not left:
            return Finding(
                Verdict.UNKNOWN,
                why=f"{about}: the time budget of {options.budget:g} s is spent",
            )
        answer = SOLVERS[options.solver](question.formula, seed, left)
        if answer.verdict is Satisfiable.UNKNOWN:
            why = f"{about}: {options.solver} with seed {seed}: {answer.reason}"
            return Finding(Verdict.UNKNOWN, why=why)
        if answer.verdict is Satisfiable.NO:
            findings.append(Finding(Verdict.PROVED))
            continue
        values = query.values_of(obligation, question, answer.values)
        findings.append(
            Finding(Verdict.REFUTED) if asks_for_meaning else _replay(bench, subject, values, about)
        )
    if len({finding.verdict for finding in findings}) > 1:
        return Finding(Verdict.BROKEN, why=f"{about}: the seeds {options.seeds} do not agree")
    return findings[0]


def _replay(bench: _Bench, subject: Subject, values: Mapping[str, Any], about: str) -> Finding:
    obligation = bench.obligation
    if not query.is_counterexample(obligation, subject, values):
        shown = ", ".join(f"{name} = {value}" for name, value in values.items())
        return Finding(Verdict.BROKEN, why=f"the counterexample is none on Python values: {shown}")
    picture = obligation.picture(subject, **values) if obligation.picture else Picture(())
    if obligation.trace and (bench.options.traces or subject is obligation.subject):
        name = "" if subject is obligation.subject else about.removeprefix("mutant ")
        picture = evolve(picture, trace=obligation.trace(name, subject, **values))
    if picture.trace:
        trace = evolve(
            picture.trace,
            origin="flashcopy prove",
            clause=picture.trace.clause or ", ".join(obligation.clauses),
            finding=picture.trace.finding or f"not so here: {obligation.says}",
            settings=picture.trace.settings | {"obligation": obligation.name},
        )
        picture = evolve(picture, trace=trace)
    texts = {name: _text(value) for name, value in values.items()}
    return Finding(Verdict.REFUTED, counterexample=Counterexample(texts, picture))


def _text(value: Any) -> str:
    if isinstance(value, Table):
        points = [
            f"{', '.join(map(str, point))}: {image}" for point, image in value.entries.items()
        ]
        return "{" + "; ".join([*points, f"else: {value.otherwise}"]) + "}"
    return str(value)


def _write_smt2(folder: Path, obligation: Obligation, formula: Any, about: str) -> None:
    expected = "unsat" if about == "claim" else "sat"
    comment = (
        f"{obligation.name} ({', '.join(obligation.clauses)}): {about}",
        obligation.says,
        f"expected: {expected}",
    )
    name = f"{obligation.name}.{about}".replace(" ", "-")
    path = folder / f"{name}.smt2"
    path.write_text(as_smt2(formula, comment), encoding="utf-8")
