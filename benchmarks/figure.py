"""What a benchmark gives, and how two things are timed against each other.

The machine's speed drifts, so a thing and its peer are timed in turn, and the ratio is the median
of the ratios pair by pair.
"""

import statistics
import time
from collections.abc import Callable

from attrs import frozen


@frozen
class Figure:
    """One line of the table. `value` and `goal` are text with their units."""

    name: str
    value: str
    peer: str = ""
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes, once."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def in_turn(
    ours: Callable[[], object], peers: Callable[[], object], times: int
) -> tuple[float, float, float]:
    """Median seconds of ours and of the peer's, and the median of peer / ours: our speed."""
    ours(), peers()
    pairs = [(seconds(ours), seconds(peers)) for _ in range(times)]
    return (
        statistics.median(mine for mine, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(theirs / mine for mine, theirs in pairs),
    )


def at_least(name: str, value: str, peer: str, ratio: float, goal: float | None = None) -> Figure:
    """A figure whose ratio is a speed: the larger the better."""
    met = None if goal is None else ratio >= goal
    return Figure(name, value, peer, ratio, "" if goal is None else f"≥ {goal}", met)


def at_most(name: str, value: str, peer: str, ratio: float, goal: float) -> Figure:
    """A figure whose ratio is a cost: the smaller the better."""
    return Figure(name, value, peer, ratio, f"≤ {goal}", ratio <= goal)


def micro(value: float) -> str:
    """Seconds as text in a unit that fits."""
    if value < 1e-3:
        return f"{value * 1e6:.1f} µs"
    if value < 1:
        return f"{value * 1e3:.1f} ms"
    return f"{value:.2f} s"


def rate(amount: float, taken: float, unit: str) -> str:
    """So much of a unit a second, as text."""
    per_second = amount / taken
    return f"{per_second:,.0f} {unit}/s"
