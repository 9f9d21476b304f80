"""Running ordinary code on unknown numbers: every way its comparisons can come out.

The lock table is plain Python: it compares ends of runs and branches on what it finds. Here it is
run once for each sequence of answers that its comparisons could get; the answers taken together
are the condition of that way. With Python numbers there is just one way, so a counterexample is
replayed by the same call.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from attrs import define, field, frozen

from flashcopy.model.choice import Condition
from flashcopy.proofs.protocol_logic import conj, neg

Value = TypeVar("Value")


@define
class _Oracle:
    """Answers comparisons: first as told, then no, and takes notes."""

    told: list[bool]
    asked: list[Any] = field(factory=list)

    def decide(self, condition: Any) -> bool:
        if isinstance(condition, bool):
            return condition
        if len(self.asked) == len(self.told):
            self.told.append(False)
        self.asked.append(condition)
        return self.told[len(self.asked) - 1]


@frozen(eq=False)
class End:
    """An end of a run, known or not; `<` is answered by the oracle."""

    value: Any
    oracle: _Oracle

    def __lt__(self, other: "End") -> bool:
        return self.oracle.decide(self.value < other.value)


@frozen(eq=False)
class Run:
    """A run of grains as the lock table looks at one."""

    start: End
    stop: End


Make = Callable[[Any, Any], Run]


def every_way(work: Callable[[Make], Value]) -> Iterator[tuple[Condition, Value]]:
    """What `work` gives on each way through it, with that way's condition.

    `work` makes its runs with the function it is given, from two numbers each.
    """
    told: list[bool] = []
    while True:
        oracle = _Oracle(told)

        def make(start: Any, stop: Any, oracle: _Oracle = oracle) -> Run:
            return Run(End(start, oracle), End(stop, oracle))

        value = work(make)
        ways = zip(oracle.asked, oracle.told, strict=True)
        yield conj(*(asked if answer else neg(asked) for asked, answer in ways)), value
        while told and told[-1]:
            told.pop()
        if not told:
            return
        told[-1] = True
