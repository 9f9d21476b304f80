"""The sorts of variables: what an obligation ranges over, symbolically and concretely.

A variable has two faces. To prove, it is a solver's constant or function; to replay a
counterexample, it is a Python value that can be used in the same expressions: a bool, an int, a
table that can be called like a function. `OneOf` is the exception: its values are always concrete,
and a theorem over it is asked once for each, so that code which needs a concrete value there (a
state to look up in a table, say) can take part.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import z3
from attrs import field, frozen

Scalar = bool | int


@frozen
class Table:
    """A function as a solver's model gives it: its value at some arguments, and everywhere else."""

    entries: Mapping[tuple[Scalar, ...], Scalar]
    otherwise: Scalar

    def __call__(self, *arguments: Scalar) -> Scalar:
        return self.entries.get(arguments, self.otherwise)


@frozen
class Bit:
    """A condition."""

    def symbol(self, name: str) -> Any:
        return z3.Bool(name)

    def default(self) -> Any:
        return False

    def sort(self) -> Any:
        return z3.BoolSort()


@frozen
class Number:
    """An integer of any size: a grain's number, a count, or data, which is only ever compared."""

    def symbol(self, name: str) -> Any:
        return z3.Int(name)

    def default(self) -> Any:
        return 0

    def sort(self) -> Any:
        return z3.IntSort()


@frozen
class Word:
    """A machine word of that many bits; concretely an int from 0."""

    bits: int

    def symbol(self, name: str) -> Any:
        return z3.BitVec(name, self.bits)

    def default(self) -> Any:
        return 0


@frozen
class Function:
    """Any function from these arguments to that result; concretely a Table."""

    arguments: tuple[Bit | Number, ...]
    result: Bit | Number

    def symbol(self, name: str) -> Any:
        return z3.Function(name, *(a.sort() for a in self.arguments), self.result.sort())

    def default(self) -> Any:
        return Table({}, self.result.default())


def _as_tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(values)


@frozen
class OneOf:
    """One of these Python values, whatever they are."""

    values: tuple[Any, ...] = field(converter=_as_tuple)


Sort = Bit | Number | Word | Function | OneOf

BIT = Bit()
NUMBER = Number()
# A map of any length: a bit for each grain number.
MAP = Function((NUMBER,), BIT)
# One side of a volume of any length: the data of each grain.
SIDE = Function((NUMBER,), NUMBER)
# What a write does to the data of a grain: anything.
CHANGE = Function((NUMBER,), NUMBER)
# The same where the write may do something else to each grain.
CHANGES = Function((NUMBER, NUMBER), NUMBER)
