"""Plain Python, run once per distinct argument: the one trick that makes the explorer fast.

A state is a row of small numbers, each standing for a value of one part of it: what memory holds,
what the map file holds, what one block holds. What an effect does to a part, and whether a
combination of parts is right, is said in plain Python on plain values. It is run once for each
pair of numbers that comes up, however many million states share that pair; from then on it is a
look-up in a table, done for all rows at once.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

Value = TypeVar("Value", bound=Hashable)


class Values(Generic[Value]):
    """The distinct values of one part of a state, numbered as they come up."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._numbers: dict[Value, int] = {}

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, number: int) -> Value:
        return self.values[number]

    def number(self, value: Value) -> int:
        """The value's number; a new one if it never came up."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class Column:
    """A function from a value's number to a number, as an array that grows with the values."""

    def __init__(self, function: Callable[[int], int]) -> None:
        self._function = function
        self._known: Numbers = np.zeros(0, np.int64)

    def __call__(self, numbers: Numbers) -> Numbers:
        """The function of each of the numbers."""
        if not len(numbers):
            return numbers
        most = int(numbers.max())
        if most >= len(self._known):
            more = [self._function(at) for at in range(len(self._known), most + 1)]
            self._known = np.concatenate([self._known, np.array(more, np.int64)])
        return self._known.take(numbers)


# A table of pairs is kept as an array up to so many places, and as a dictionary beyond.
_MOST_PLACES = 1 << 25


class Pairs:
    """A function of two small numbers, computed once for each pair that comes up."""

    def __init__(self, function: Callable[[int, int], int]) -> None:
        self._function = function
        self._rows, self._columns = 16, 16
        self._known = np.full(self._rows * self._columns, -1, np.int32)
        self._sparse: dict[int, int] | None = None
        # How many pairs have come up.
        self.filled = 0

    def __call__(self, first: Numbers, second: Numbers | int) -> Numbers:
        """The function of each pair; `second` may be one number for all."""
        if not len(first):
            return first
        if self._sparse is None:
            self._make_room(int(first.max()), int(np.max(second)))
        if self._sparse is not None:
            return self._look_up(self._sparse, first << 32 | second)
        at = first * self._columns + second
        found = self._known.take(at)
        if int(found.min()) < 0:
            for missing in np.unique(at[found < 0]).tolist():
                self.filled += 1
                self._known[missing] = self._function(*divmod(missing, self._columns))
            found = self._known.take(at)
        return found.astype(np.int64)

    def _look_up(self, known: dict[int, int], pairs: Numbers) -> Numbers:
        """The same where the pairs that come up are few of those that could."""
        each, where = np.unique(pairs, return_inverse=True)
        found = np.empty(len(each), np.int64)
        for at, pair in enumerate(each.tolist()):
            number = known.get(pair)
            if number is None:
                self.filled += 1
                number = known[pair] = self._function(pair >> 32, pair & (1 << 32) - 1)
            found[at] = number
        return found.take(where)

    def _make_room(self, row: int, column: int) -> None:
        rows, columns = self._rows, self._columns
        while rows <= row:
            rows *= 2
        while columns <= column:
            columns *= 2
        if rows * columns > _MOST_PLACES:
            at = np.flatnonzero(self._known >= 0)
            pairs = (at // self._columns) << 32 | at % self._columns
            self._sparse = dict(zip(pairs.tolist(), self._known[at].tolist(), strict=True))
            self._known = np.zeros(0, np.int32)
        elif (rows, columns) != (self._rows, self._columns):
            known = np.full((rows, columns), -1, np.int32)
            known[: self._rows, : self._columns] = self._known.reshape(self._rows, -1)
            self._rows, self._columns, self._known = rows, columns, known.reshape(-1)
