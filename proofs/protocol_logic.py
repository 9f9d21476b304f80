"""Conditions of the protocol proofs: and, or, not, choice, on Python's bools and on Z3's terms.

The state of one block has some fifty fields and a request some fifty paths, so a formula has
many thousand parts, most of which are constants on a given path. These functions drop constants
before Z3 sees them and build what is left by the shortest way through Z3's own interface.
"""

from functools import cache
from typing import Any

import z3
from z3 import z3core

from flashcopy.model.choice import Condition


def conj(*conditions: Condition) -> Condition:
    """All of them hold."""
    kept = []
    for condition in conditions:
        if condition is False:
            return False
        if condition is not True:
            kept.append(_term(condition))
    if len(kept) < 2:
        return kept[0] if kept else True
    return _many(z3core.Z3_mk_and, kept)


def disj(*conditions: Condition) -> Condition:
    """At least one of them holds."""
    kept = []
    for condition in conditions:
        if condition is True:
            return True
        if condition is not False:
            kept.append(_term(condition))
    if len(kept) < 2:
        return kept[0] if kept else False
    return _many(z3core.Z3_mk_or, kept)


def neg(condition: Condition) -> Condition:
    """It does not hold."""
    if isinstance(condition, bool):
        return not condition
    term = _term(condition)
    return z3.BoolRef(z3core.Z3_mk_not(term.ctx_ref(), term.as_ast()), term.ctx)


def imp(premise: Condition, conclusion: Condition) -> Condition:
    """The second holds wherever the first does."""
    return disj(neg(premise), conclusion)


def ite(condition: Condition, then: Any, otherwise: Any) -> Any:
    """One of two values, conditions or numbers, by a condition."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    if then is otherwise:
        return then
    if isinstance(then, bool) or isinstance(otherwise, bool):
        return disj(conj(condition, then), conj(neg(condition), otherwise))
    if isinstance(then, int) or isinstance(otherwise, int):
        return z3.If(condition, then, otherwise)
    made = z3core.Z3_mk_ite(
        condition.ctx_ref(), condition.as_ast(), then.as_ast(), otherwise.as_ast()
    )
    return type(then)(made, then.ctx)


def same(first: Any, second: Any) -> Condition:
    """Two conditions or two numbers are equal."""
    if first is second:
        return True
    if isinstance(first, bool):
        return second if first else neg(second)
    if isinstance(second, bool):
        return first if second else neg(first)
    return first == second


@cache
def _ast_array(length: int) -> Any:
    return z3core.Ast * length


def _many(make: Any, terms: list[Any]) -> Any:
    context = terms[0].ctx
    arguments = _ast_array(len(terms))(*(term.as_ast() for term in terms))
    return z3.BoolRef(make(context.ref(), len(terms), arguments), context)


def _term(condition: Any) -> Any:
    if not isinstance(condition, z3.BoolRef):
        raise TypeError(f"a condition was expected, not a {type(condition).__name__}")
    return condition
