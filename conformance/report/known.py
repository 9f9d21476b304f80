"""What is known from outside at each moment of a history, and what is not.

While a request is in flight nobody knows whether it has taken effect; once it is answered it has.
Where two overlap that do not commute, what they left is unknown until something comes that does not
depend on it. So every value is certain, or None. `known_contents` says it of a block, `known_bits`
of a grain.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from attrs import frozen

from flashcopy.conformance.oracle.history import Request
from flashcopy.model.geometry import Geometry, blocks_of_request, is_within
from flashcopy.model.operation import (
    FAILED,
    BackgroundCopy,
    Operation,
    Read,
    Refused,
    Write,
    WriteZeroes,
)

_T = TypeVar("_T")
# Later than any tick: what is known last stays so.
END = 1 << 62


@frozen
class Span(Generic[_T]):
    """Between two ticks a value; None if nobody knows it."""

    begin: int
    end: int
    value: _T | None


# The state after a request, given which others overlapped it.
Apply = Callable[[_T, Request, Sequence[Request]], _T]


def states(
    requests: Sequence[Request],
    kills: Sequence[int],
    state: _T,
    apply: "Apply[_T]",
    kill: Callable[[_T], _T],
) -> Iterator[tuple[int, int, _T, list[Request]]]:
    """From tick to tick: the state, and what is in flight."""
    events: list[tuple[int, int, Request | None]] = [(tick, 1, None) for tick in kills]
    events += [(each.begin, 2, each) for each in requests]
    events += [(each.end, 0, each) for each in requests]
    events.sort(key=lambda event: event[:2])
    in_flight: list[Request] = []
    before = 0
    for tick, kind, request in events:
        if tick > before:
            yield before, tick, state, in_flight
        before = tick
        if request is None:
            state = kill(state)
        elif kind == 2:
            in_flight = [*in_flight, request]
        else:
            in_flight = [each for each in in_flight if each is not request]
            beside = [
                each for each in requests if each.begin < request.end and request.begin < each.end
            ]
            state = apply(state, request, [each for each in beside if each is not request])
    yield before, END, state, in_flight


def concerns(request: Request, geometry: Geometry, blocks: range) -> bool:
    """Whether a request may have changed these blocks, or what is durable of them."""
    operation = request.operation
    if isinstance(request.outcome, Refused) and request.outcome != FAILED:
        return False
    if isinstance(operation, Write | WriteZeroes):
        if not is_within(geometry, operation.offset, operation.length):
            return False
        written = blocks_of_request(geometry, operation.offset, operation.length)
        return written.start < blocks.stop and blocks.start < written.stop
    return not isinstance(operation, Read | BackgroundCopy)


def is_write(operation: Operation) -> bool:
    return isinstance(operation, Write | WriteZeroes)


def joined(spans: list[Span[_T]]) -> list[Span[_T]]:
    """Neighbours that say the same made one."""
    joined: list[Span[_T]] = []
    for span in spans:
        if joined and joined[-1].value == span.value:
            joined[-1] = Span(joined[-1].begin, span.end, span.value)
        else:
            joined.append(span)
    return joined
