"""From an obligation to the questions a solver is asked.

Two questions decide a subject: can the hypotheses be met at all (they must), and can they be met
while the claim is false (it must not)? The second, asked of a mutant, must have an answer. Each
is one formula. Variables that are `OneOf` some values are unrolled: the statement is made once for
each combination, and a number named `case` says which one an answer belongs to.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import z3
from attrs import frozen

from flashcopy.model.choice import Condition, both, negate
from flashcopy.proofs.obligation import Obligation, Statement, Subject
from flashcopy.proofs.sorts import OneOf
from flashcopy.proofs.symbolic import as_formula

_CASE = "case"


@frozen
class Question:
    """A formula to satisfy. `cases` are the values of the unrolled variables, case by case."""

    formula: z3.BoolRef
    cases: Sequence[Mapping[str, Any]]


def can_be_met(obligation: Obligation, subject: Subject) -> Question:
    """Is there anything the theorem speaks of?"""
    return _ask(obligation, subject, lambda statement: statement.given)


def can_be_broken(obligation: Obligation, subject: Subject) -> Question:
    """Is there a case in which the hypotheses hold and the claim does not?"""
    return _ask(obligation, subject, lambda s: both(s.given, negate(s.claim)))


def values_of(
    obligation: Obligation, question: Question, found: Mapping[str, Any]
) -> dict[str, Any]:
    """The concrete value of every variable, from what a solver found."""
    unrolled = question.cases[found.get(_CASE, 0)]
    return {
        name: unrolled[name] if isinstance(sort, OneOf) else found.get(name, sort.default())
        for name, sort in obligation.variables.items()
    }


def is_counterexample(obligation: Obligation, subject: Subject, values: Mapping[str, Any]) -> bool:
    """Replay: the statement on Python values, hypotheses true and claim false.

    Raises TypeError if the statement does not come out concrete.
    """
    statement = obligation.state(subject, **values)
    for condition in (statement.given, statement.claim):
        if not isinstance(condition, bool):
            raise TypeError(f"replaying {obligation.name} gave {condition!r}, which is no bool")
    return statement.given and not statement.claim


def _ask(
    obligation: Obligation, subject: Subject, condition_of: Callable[[Statement], Condition]
) -> Question:
    """One formula that says which case, and that the condition holds there.

    Where it holds whatever the other variables are, that case answers the question, and the
    remaining ones are not even made.
    """
    cases = list(_cases(obligation))
    symbols = {
        name: sort.symbol(name)
        for name, sort in obligation.variables.items()
        if not isinstance(sort, OneOf)
    }
    formulas = []
    for number, case in enumerate(cases):
        condition = condition_of(obligation.state(subject, **symbols, **case))
        if condition is False:
            continue
        here = z3.BoolVal(True) if len(cases) == 1 else z3.Int(_CASE) == number
        if condition is True:
            return Question(here, cases)
        formulas.append(z3.And(here, as_formula(condition)))
    return Question(z3.Or(formulas), cases)


def _cases(obligation: Obligation) -> Iterator[dict[str, Any]]:
    """Every combination of the values of the unrolled variables."""
    finite = {n: s.values for n, s in obligation.variables.items() if isinstance(s, OneOf)}
    for combination in itertools.product(*finite.values()):
        yield dict(zip(finite, combination, strict=True))
