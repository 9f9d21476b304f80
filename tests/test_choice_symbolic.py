"""The model run on Python values and on a solver's terms is one and the same model.

Both interpretations of `choose`, of everything said with it, of every function of the grain
machine (READ-1, READ-2, COPY-1, WRITE-1 to WRITE-3, SYNC-1, START-1, INV-1, INV-2) and of the
merge (SYNC-2) are held together on all small inputs.
"""

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import z3
from bitarray import bitarray

from flashcopy.impl import bitmap
from flashcopy.model import choice
from flashcopy.model import grain as grain_machine
from flashcopy.model.grain import Grain
from flashcopy.proofs.maps import AnyMap
from flashcopy.proofs.symbolic import all_of, as_formula

BITS = (False, True)
DATA = (0, 1, 2)
SYMBOLS = Grain(z3.Int("source"), z3.Int("target"), z3.Bool("copied"), z3.Bool("modified"))

OBSERVED = (
    grain_machine.invariant,
    grain_machine.clean_copy_is_equal,
    grain_machine.modified_is_copied,
    grain_machine.is_diverged,
    grain_machine.read_source,
    grain_machine.read_target,
)
OPERATED = (
    grain_machine.copy,
    grain_machine.diverge,
    grain_machine.sync,
    grain_machine.start,
    grain_machine.mark_modified,
)
WRITTEN = (grain_machine.write_source, grain_machine.write_target)


def value(term: Any, inputs: dict[Any, Any]) -> Any:
    """What a term comes to when its symbols have these values."""
    if not z3.is_expr(term):
        return term
    constants = [
        (symbol, z3.BoolVal(v) if isinstance(v, bool) else z3.IntVal(v))
        for symbol, v in inputs.items()
    ]
    simple = z3.simplify(z3.substitute(term, *constants))
    if z3.is_bool(simple):
        assert z3.is_true(simple) or z3.is_false(simple)
        return z3.is_true(simple)
    return simple.as_long()


def parts(grain: Grain) -> tuple[Any, ...]:
    return grain.source, grain.target, grain.copied, grain.modified


def small_grains() -> list[Grain]:
    return [Grain(*fields) for fields in itertools.product(DATA, DATA, BITS, BITS)]


@pytest.mark.parametrize("function", OBSERVED, ids=lambda f: str(f.__name__))
def test_observations_agree(function: Callable[[Grain], Any]) -> None:
    term = function(SYMBOLS)
    for grain in small_grains():
        inputs = dict(zip(parts(SYMBOLS), parts(grain), strict=True))
        assert value(term, inputs) == function(grain), grain


@pytest.mark.parametrize("function", OPERATED, ids=lambda f: str(f.__name__))
def test_operations_agree(function: Callable[[Grain], Grain]) -> None:
    terms = parts(function(SYMBOLS))
    for grain in small_grains():
        inputs = dict(zip(parts(SYMBOLS), parts(grain), strict=True))
        assert tuple(value(term, inputs) for term in terms) == parts(function(grain)), grain


@pytest.mark.parametrize("function", WRITTEN, ids=lambda f: str(f.__name__))
def test_writes_agree(function: Callable[[Grain, Any], Grain]) -> None:
    terms = parts(function(SYMBOLS, lambda old: 2 * old + 1))
    for grain in small_grains():
        inputs = dict(zip(parts(SYMBOLS), parts(grain), strict=True))
        must_be = parts(function(grain, lambda old: 2 * old + 1))
        assert tuple(value(term, inputs) for term in terms) == must_be, grain


def test_no_function_of_the_grain_machine_is_left_out() -> None:
    public = {
        name
        for name, function in inspect.getmembers(grain_machine, inspect.isfunction)
        if function.__module__ == grain_machine.__name__ and not name.startswith("_")
    }
    compared = {function.__name__ for function in OBSERVED + OPERATED + WRITTEN}
    assert public == compared | {"idle_grain"}


@pytest.mark.parametrize("function", [choice.both, choice.either, choice.implies, choice.choose])
def test_conditions_agree(function: Callable[..., Any]) -> None:
    names = [z3.Bool(name) for name in "abc"[: len(inspect.signature(function).parameters)]]
    term = function(*names)
    for values in itertools.product(BITS, repeat=len(names)):
        assert value(term, dict(zip(names, values, strict=True))) == function(*values)


def test_negation_agrees() -> None:
    a = z3.Bool("a")
    for bit in BITS:
        assert value(choice.negate(a), {a: bit}) == choice.negate(bit)


def test_all_of_is_every_one() -> None:
    a, b = z3.Bool("a"), z3.Bool("b")
    for first, second in itertools.product(BITS, BITS):
        assert value(all_of([a, b, True]), {a: first, b: second}) == (first and second)
    assert all_of([]) is True


def test_merge_agrees_with_the_bitarrays_that_ship() -> None:
    for copied, modified in itertools.product(itertools.product(BITS, repeat=3), repeat=2):
        shipped = bitmap.merge(bitarray(copied), bitarray(modified))
        ours = bitmap.merge(AnyMap(copied.__getitem__), AnyMap(modified.__getitem__))
        assert [ours.at(grain) for grain in range(3)] == [bool(bit) for bit in shipped]


def test_what_is_no_condition_is_refused() -> None:
    with pytest.raises(TypeError, match="no case for a condition of type int"):
        choice.choose(1, "then", "otherwise")
    with pytest.raises(TypeError, match="a condition was expected, not a int"):
        as_formula(1)
    with pytest.raises(z3.Z3Exception):
        bool(z3.Bool("a"))  # or Python's own `if` would take a symbol for a value
