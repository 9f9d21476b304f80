"""The model's conditions as Z3 terms: the one case of `choose` that makes it symbolic.

Importing this module is all it takes. `both`, `either`, `negate` and `implies` are said with
`choose`, values are compared with `==`, and from there on every function of the model, and the
implementation's merge, computes a term instead of a value. Nothing of Z3 is patched, and the
model knows nothing of it.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import z3

from flashcopy.model.choice import Condition, both, choose


@choose.register
def _(condition: z3.BoolRef, then: Any, otherwise: Any) -> Any:
    return z3.If(condition, then, otherwise)


def all_of(conditions: Iterable[Condition]) -> Condition:
    """All of the conditions hold."""
    return reduce(both, conditions, True)


def as_formula(condition: Any) -> z3.BoolRef:
    """A condition, concrete or symbolic, as a formula.

    Raises TypeError for what is no condition: a theorem must not hold because of a misprint.
    """
    if isinstance(condition, bool | z3.BoolRef):
        return z3.BoolVal(condition) if isinstance(condition, bool) else condition
    raise TypeError(f"a condition was expected, not a {type(condition).__name__}")
