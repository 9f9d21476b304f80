"""Shorter and simpler lists of asks that still show the same.

Three ways, which know nothing of IUTs: leaving out halves, quarters and so on, which takes few
attempts; Hypothesis, which takes hundreds and simplifies the numbers too; and leaving out one ask
after the other, which makes sure that none is there for nothing.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, choices_to_bytes

from flashcopy.conformance.checks.asks import Alphabet, Ask

_T = TypeVar("_T")

# Whether a list of asks shows what is looked for.
Shows = Callable[[list[_T]], bool]


def halved(asks: list[_T], shows: Shows[_T]) -> list[_T]:
    """Leave out what can be left out in large pieces, then in smaller ones, down to single asks.

    The last ask stays: it is the one that showed it.
    """
    *asks, last = asks
    size = max(1, len(asks) // 2)
    while True:
        at = 0
        while at < len(asks):
            fewer = asks[:at] + asks[at + size :]
            if shows([*fewer, last]):
                asks = fewer
            else:
                at += size
        if size == 1:
            return [*asks, last]
        size //= 2


def one_by_one(asks: list[_T], shows: Shows[_T]) -> list[_T]:
    """Leave out single asks, from the first on, until none can be."""
    at = 0
    while at < len(asks):
        fewer = asks[:at] + asks[at + 1 :]
        if fewer and shows(fewer):
            asks, at = fewer, 0
        else:
            at += 1
    return asks


def by_hypothesis(alphabet: Alphabet, asks: list[Ask], shows: Shows[Ask]) -> None:
    """Let Hypothesis shrink these asks; `shows` sees all its attempts, the best among them.

    Hypothesis is told that a test failed with them before, and reuses that example.
    """

    @st.composite
    def one(draw: st.DrawFn) -> Ask | None:
        if not draw(st.booleans()):
            return None
        return alphabet.draw(lambda least, most: draw(st.integers(least, most)))

    @st.composite
    def all_of_them(draw: st.DrawFn) -> list[Ask]:
        return list(iter(lambda: draw(one()), None))

    def attempt(drawn: list[Ask]) -> None:
        if drawn and shows(drawn):
            raise _ShownError

    test: Any = settings(
        database=_Recorded(alphabet, asks),
        phases=[Phase.reuse, Phase.shrink],
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
    )(seed(0)(given(all_of_them())(attempt)))
    # What it says in the end is about Python, and of an IUT that is not deterministic that it is
    # flaky. `shows` has seen all there is to know.
    with suppress(Exception):
        test()


class _ShownError(Exception):
    """Tells Hypothesis that an attempt shows what is looked for."""


class _Recorded(ExampleDatabase):
    """A database that knows one example, for every test."""

    def __init__(self, alphabet: Alphabet, asks: list[Ask]) -> None:
        super().__init__()
        choices: list[bool | int] = []
        for ask in asks:
            choices += [True, *alphabet.numbers(ask)]
        # One choice more than is drawn: else it would be taken for an example already shrunk.
        self._example = choices_to_bytes([*choices, False, False])

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """The example."""
        del key
        yield self._example

    def save(self, key: bytes, value: bytes) -> None:
        """Nothing is kept."""

    def delete(self, key: bytes, value: bytes) -> None:
        """Nothing was kept."""
