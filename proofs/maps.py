"""Maps on which the shipped merge can be run symbolically.

The merge takes whatever has `|=` and `^=`. Here are three such things: a map of any length, as a
function from grain to bit; a map that remembers every state it passed through, so that a merge
can be cut off after any of its steps, at each grain a different one; and a map in one machine
word that can count, for what is said of padding.
"""

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from flashcopy.model.choice import Condition, choose, either, negate

Index = Any


@frozen
class AnyMap:
    """A map of any length: the bit at each grain."""

    at: Callable[[Index], Condition]

    def __or__(self, other: "AnyMap") -> "AnyMap":
        return AnyMap(lambda grain: either(self.at(grain), other.at(grain)))

    def __and__(self, other: "AnyMap") -> "AnyMap":
        return AnyMap(lambda grain: choose(self.at(grain), other.at(grain), False))

    def __xor__(self, other: "AnyMap") -> "AnyMap":
        return AnyMap(
            lambda grain: choose(self.at(grain), negate(other.at(grain)), other.at(grain))
        )

    def __invert__(self) -> "AnyMap":
        return AnyMap(lambda grain: negate(self.at(grain)))


# The states of the copied and the modified map, from before the first step to after the last.
History = list[tuple[AnyMap, AnyMap]]
_COPIED, _MODIFIED = 0, 1


class RecordedMap:
    """One of a pair of maps that are changed in place, step by step, and remember each state."""

    def __init__(self, history: History, which: int) -> None:
        self._history = history
        self._which = which

    def __ior__(self, other: Any) -> "RecordedMap":
        return self._become(self.now() | _now(other))

    def __iand__(self, other: Any) -> "RecordedMap":
        return self._become(self.now() & _now(other))

    def __ixor__(self, other: Any) -> "RecordedMap":
        return self._become(self.now() ^ _now(other))

    def __or__(self, other: Any) -> AnyMap:
        return self.now() | _now(other)

    def __and__(self, other: Any) -> AnyMap:
        return self.now() & _now(other)

    def __xor__(self, other: Any) -> AnyMap:
        return self.now() ^ _now(other)

    def __invert__(self) -> AnyMap:
        return ~self.now()

    def now(self) -> AnyMap:
        """The map as it is now, whatever becomes of this one."""
        return self._history[-1][self._which]

    def _become(self, state: AnyMap) -> "RecordedMap":
        now = self._history[-1]
        self._history.append(
            (state, now[_MODIFIED]) if self._which == _COPIED else (now[_COPIED], state)
        )
        return self


def _now(map_: AnyMap | RecordedMap) -> AnyMap:
    return map_.now() if isinstance(map_, RecordedMap) else map_


def steps_of(merge: Callable[[Any, Any], Any], copied: AnyMap, modified: AnyMap) -> History:
    """Every state the two maps pass through while the merge works on them in place."""
    history: History = [(copied, modified)]
    merge(RecordedMap(history, _COPIED), RecordedMap(history, _MODIFIED))
    return history


def cut_off(history: History, steps: Callable[[Index], Any]) -> tuple[AnyMap, AnyMap]:
    """The maps when power or patience ran out: at each grain after `steps` of the steps.

    Steps below 0 count as none, steps beyond the last as all.
    """

    def torn(which: int) -> AnyMap:
        def at(grain: Index) -> Condition:
            bit = history[-1][which].at(grain)
            for done in reversed(range(len(history) - 1)):
                bit = choose(steps(grain) <= done, history[done][which].at(grain), bit)
            return bit

        return AnyMap(at)

    return torn(_COPIED), torn(_MODIFIED)


@frozen
class CountingMap:
    """A map in one machine word, grain 0 its lowest bit, that counts as a bitarray does."""

    word: Any
    length: int = field(kw_only=True)

    def __or__(self, other: "CountingMap") -> "CountingMap":
        return CountingMap(self.word | other.word, length=self.length)

    def __and__(self, other: "CountingMap") -> "CountingMap":
        return CountingMap(self.word & other.word, length=self.length)

    def __xor__(self, other: "CountingMap") -> "CountingMap":
        return CountingMap(self.word ^ other.word, length=self.length)

    def bit(self, grain: int) -> Condition:
        """The bit of a grain."""
        return self.word & (1 << grain) != 0

    def count(self, value: int, start: int = 0, stop: int | None = None) -> Any:
        """How many bits from `start` to before `stop` are `value`."""
        stop = self.length if stop is None else stop
        wanted = [choose(self.bit(g), value, 1 - value) for g in range(start, stop)]
        return sum(wanted, 0)
