"""Choosing between two values by a condition that may be symbolic.

The model is ordinary Python, yet the same functions are run on Z3 terms by `proofs/`. Python's
`if`, `and` and `not` insist on a concrete bool, so the model never uses them on a condition of
its own: it asks `choose`, which dispatches on the type of the condition. `proofs/` registers the
case for Z3's terms; nothing else differs between executing the model and proving it.

`negate`, `both`, `either` and `implies` are all said with `choose`, so there is one thing to
register. Values are compared with `==`, which Z3's terms overload themselves.
"""

from functools import singledispatch
from typing import Any

# A condition: a bool, or whatever a registered case of `choose` takes in its place.
Condition = Any


@singledispatch
def choose(condition: Condition, then: Any, otherwise: Any) -> Any:
    """`then` if the condition holds, else `otherwise`; both are already computed.

    Raises TypeError for a condition of a type nobody registered: a silent fall back to
    truthiness is how a symbolic term would become "always true".
    """
    raise TypeError(f"choose() has no case for a condition of type {type(condition).__name__}")


@choose.register
def _(condition: bool, then: Any, otherwise: Any) -> Any:
    return then if condition else otherwise


def negate(condition: Condition) -> Condition:
    """The condition does not hold."""
    return choose(condition, False, True)


def both(first: Condition, second: Condition) -> Condition:
    """The two conditions hold."""
    return choose(first, second, False)


def either(first: Condition, second: Condition) -> Condition:
    """At least one of the two conditions holds."""
    return choose(first, True, second)


def implies(premise: Condition, conclusion: Condition) -> Condition:
    """The conclusion holds wherever the premise does."""
    return choose(premise, conclusion, True)
