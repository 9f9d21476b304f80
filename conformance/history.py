"""Histories: what was asked of a flashcopy, what it answered, and when.

Requests overlap. Of each one is known when it was submitted and when it was answered, and that
it took effect at some moment in between. Time here is a count of such events, not seconds: only
their order says anything.
"""

import itertools
import threading
from collections.abc import Callable, Iterator

from attrs import define, field, frozen

from flashcopy.model.geometry import Geometry
from flashcopy.model.operation import Operation, Outcome
from flashcopy.model.trace import Answer, Entry, Submit, Trace


@frozen
class Request:
    """One request: its interval, and its outcome. `number` is its place in the history."""

    number: int
    operation: Operation
    begin: int
    end: int
    outcome: Outcome


@frozen
class History:
    """Answered requests on one pair of volumes that read as zeros at first, in any order."""

    geometry: Geometry
    requests: tuple[Request, ...]


@define
class Recorder:
    """Records a history while many threads make it."""

    geometry: Geometry
    _ticks: Iterator[int] = field(factory=itertools.count, init=False)
    _numbers: Iterator[int] = field(factory=itertools.count, init=False)
    _requests: list[Request] = field(factory=list, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def record(self, operation: Operation, carry_out: Callable[[Operation], Outcome]) -> Outcome:
        """Carry out an operation and note when it began and when it was answered."""
        with self._lock:
            number, begin = next(self._numbers), next(self._ticks)
        outcome = carry_out(operation)
        with self._lock:
            self._requests.append(Request(number, operation, begin, next(self._ticks), outcome))
        return outcome

    def answered(self) -> int:
        """How many requests were answered so far."""
        return len(self._requests)

    def history(self) -> History:
        """What was recorded so far."""
        with self._lock:
            return History(self.geometry, tuple(self._requests))


def to_trace(history: History, *, origin: str, clause: str = "", finding: str = "") -> Trace:
    """The history as a trace: submissions and answers in their order."""
    entries: list[tuple[int, Entry]] = []
    for request in history.requests:
        entries.append((request.begin, Submit(request.number, request.operation)))
        entries.append((request.end, Answer(request.number, request.outcome)))
    entries.sort(key=lambda timed: timed[0])
    return Trace(
        geometry=history.geometry,
        entries=tuple(entry for _, entry in entries),
        origin=origin,
        clause=clause,
        finding=finding,
    )


def from_trace(trace: Trace) -> History:
    """The history a trace holds: its answered requests, timed by their place in it."""
    submitted: dict[int, tuple[int, Operation]] = {}
    requests = []
    for tick, entry in enumerate(trace.entries):
        if isinstance(entry, Submit):
            submitted[entry.request] = (tick, entry.operation)
        elif isinstance(entry, Answer):
            begin, operation = submitted[entry.request]
            requests.append(Request(entry.request, operation, begin, tick, entry.outcome))
    return History(trace.geometry, tuple(requests))
