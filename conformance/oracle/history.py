"""Histories: what was asked of a flashcopy, what it answered, and when.

Requests overlap. Of each one is known when it was submitted and when it was answered, and that
it took effect at some moment in between. Time here is a count of such events, not seconds: only
their order says anything. A request that was never answered, because the implementation was
killed, say, took effect before that or never; its interval ends with the implementation.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field, fields, frozen

from flashcopy.model.geometry import Geometry
from flashcopy.model.operation import Operation, Outcome
from flashcopy.model.trace import (
    Answer,
    Crash,
    Entry,
    Kill,
    PowerLoss,
    Reopen,
    Submit,
    Trace,
)


@frozen
class Request:
    """One request: its interval, and its outcome. `number` is its place in the history.

    The outcome is None if it was never answered; `end` is then when the implementation was
    killed, or the end of the history.
    """

    number: int
    operation: Operation
    begin: int
    end: int
    outcome: Outcome | None


_FIELDS = len(fields(Request))


@frozen
class History:
    """Requests on one pair of volumes that read as zeros at first, in any order.

    No two requests begin or end at the same time, but for those that one kill ended.
    """

    geometry: Geometry
    requests: tuple[Request, ...]


@define
class Recorder:
    """Records a history while many threads make it.

    It takes no lock: each of its steps is one call of a count, a dict or a list, which no other
    thread comes into. `killed` and `history` are for when no answer is about to come.
    """

    geometry: Geometry
    _ticks: Iterator[int] = field(factory=itertools.count, init=False)
    _numbers: Iterator[int] = field(factory=itertools.count, init=False)
    # What Requests are made of, one after the other: it takes longer to make one than to note an
    # answer, and so long a list of small things takes the garbage collector longer still.
    _ended: list[Any] = field(factory=list, init=False)
    _in_flight: dict[int, tuple[Operation, int]] = field(factory=dict, init=False)

    def record(self, operation: Operation, carry_out: Callable[[Operation], Outcome]) -> Outcome:
        """Carry out an operation and note when it began and when it was answered.

        If `carry_out` raises, the request stays unanswered.
        """
        number = self.submitted(operation)
        outcome = carry_out(operation)
        self.was_answered(number, outcome)
        return outcome

    def submitted(self, operation: Operation) -> int:
        """Note that a request is about to be handed over; the number to answer it with."""
        number = next(self._numbers)
        self._in_flight[number] = (operation, next(self._ticks))
        return number

    def was_answered(self, number: int, outcome: Outcome) -> None:
        """Note a request's answer."""
        operation, begin = self._in_flight.pop(number)
        self._ended += (number, operation, begin, next(self._ticks), outcome)

    def killed(self) -> None:
        """Note that the implementation is dead: what is in flight will never be answered."""
        self._ended += self._unanswered(next(self._ticks))
        self._in_flight.clear()

    def answered(self) -> int:
        """How many requests were answered so far, or will never be."""
        return len(self._ended) // _FIELDS

    def history(self) -> History:
        """What was recorded so far; what is in flight counts as unanswered."""
        each = [iter(self._ended + self._unanswered(next(self._ticks)))] * _FIELDS
        return History(self.geometry, tuple(map(Request, *each)))

    def _unanswered(self, now: int) -> list[Any]:
        unanswered: list[Any] = []
        for number, (operation, begin) in self._in_flight.items():
            unanswered += (number, operation, begin, now, None)
        return unanswered


def to_trace(history: History, *, origin: str, clause: str = "", finding: str = "") -> Trace:
    """The history as a trace: submissions and answers in their order, and openings after kills."""
    entries: list[tuple[int, Entry]] = []
    killed: set[int] = set()
    for request in history.requests:
        entries.append((request.begin, Submit(request.number, request.operation)))
        if request.outcome is None:
            killed.add(request.end)
        else:
            entries.append((request.end, Answer(request.number, request.outcome)))
    last = max((tick for tick, _ in entries), default=0)
    for tick in killed:
        if tick < last:
            entries += [(tick, Kill()), (tick, Reopen())]
    entries.sort(key=lambda timed: timed[0])
    return Trace(
        geometry=history.geometry,
        entries=tuple(entry for _, entry in entries),
        origin=origin,
        clause=clause,
        finding=finding,
    )


def from_trace(trace: Trace) -> History:
    """The history a trace holds, timed by the places in it."""
    in_flight: dict[int, tuple[int, Operation]] = {}
    requests: list[Request] = []

    def end_unanswered(tick: int) -> None:
        for number, (begin, operation) in in_flight.items():
            requests.append(Request(number, operation, begin, tick, None))
        in_flight.clear()

    for tick, entry in enumerate(trace.entries):
        if isinstance(entry, Submit):
            in_flight[entry.request] = (tick, entry.operation)
        elif isinstance(entry, Answer):
            begin, operation = in_flight.pop(entry.request)
            requests.append(Request(entry.request, operation, begin, tick, entry.outcome))
        elif isinstance(entry, Crash | Kill | PowerLoss | Reopen):
            end_unanswered(tick)
    end_unanswered(len(trace.entries))
    return History(trace.geometry, tuple(requests))
