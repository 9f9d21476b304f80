"""What a state allows, judged from outside: against every order of effects, both ways.

LIFE-1, LIFE-3, STOP-1, SYNC-1, ERR-2.
"""

import random
from collections.abc import Iterator
from itertools import count

import pytest

from flashcopy.conformance.oracle import lifecycle
from flashcopy.conformance.oracle.history import History, Request
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    Contents,
    Done,
    Operation,
    Outcome,
    Read,
    Refusal,
    Refused,
    Start,
    Stop,
    Sync,
)

BLOCK = 512
GEOMETRY = Geometry(BLOCK, BLOCK, BLOCK)
READ = Read(Volume.TARGET, 0, BLOCK)
UNUSABLE = Refused(Refusal.INVALID_STATE)
ZEROS = Contents((0,))
HISTORIES = 3000

Asked = list[tuple[Operation, Outcome]]


def one_after_the_other(*asked: tuple[Operation, Outcome]) -> History:
    """A history in which nothing overlaps."""
    return History(
        GEOMETRY,
        tuple(
            Request(number, operation, 2 * number, 2 * number + 1, outcome)
            for number, (operation, outcome) in enumerate(asked)
        ),
    )


def test_stop_leads_to_idle_or_stopped() -> None:
    """STOP-1: which of the two, only the target can tell."""
    for outcome in (ZEROS, UNUSABLE):
        asked: Asked = [(Start(), Done()), (Stop(), Done()), (READ, outcome), (Sync(), UNUSABLE)]
        assert lifecycle.check_states(one_after_the_other(*asked)) is None


@pytest.mark.parametrize("outcomes", [(ZEROS, UNUSABLE), (UNUSABLE, ZEROS)])
def test_never_both(outcomes: tuple[Outcome, Outcome]) -> None:
    """LIFE-3: after a stop the target is an image or it is none, until the next start."""
    asked: Asked = [(Start(), Done()), (Stop(), Done())]
    asked += [(READ, outcome) for outcome in outcomes]
    violation = lifecycle.check_states(one_after_the_other(*asked))
    assert violation is not None
    assert violation.clause == "LIFE-3"
    assert "read of the target #2 (4 to 5" in violation.explanation
    assert "read of the target #3 (6 to 7" in violation.explanation


def test_sync_needs_a_start() -> None:
    """SYNC-1: not before the first start, not after a stop."""
    none: Asked = []
    ended: Asked = [(Start(), Done()), (Stop(), Done())]
    for asked in (none, ended):
        violation = lifecycle.check_states(one_after_the_other(*asked, (Sync(), Done())))
        assert violation is not None
        assert violation.clause == "SYNC-1"


def draw(chance: random.Random) -> History:
    """Up to eight requests, a few in flight, answered at random."""
    ticks, numbers = count(), count()
    left = chance.randint(2, 8)
    in_flight: list[tuple[int, Operation, int]] = []
    requests: list[Request] = []
    while left or in_flight:
        if left and len(in_flight) < 3 and chance.random() < 0.6:
            choices: tuple[Operation, ...] = (Start(), Stop(), Sync(), READ, READ)
            operation = chance.choice(choices)
            in_flight.append((next(numbers), operation, next(ticks)))
            left -= 1
        elif in_flight:
            number, operation, begin = in_flight.pop(chance.randrange(len(in_flight)))
            done: Outcome = ZEROS if isinstance(operation, Read) else Done()
            if isinstance(operation, Read | Sync) and chance.random() < 0.4:
                done = UNUSABLE
            requests.append(Request(number, operation, begin, next(ticks), done))
    return History(GEOMETRY, tuple(requests))


def is_right(history: History) -> bool:
    """All orders of effects tried one by one, failures of a device at any moment."""
    events = [(request.begin, request, True) for request in history.requests]
    events += [(request.end, request, False) for request in history.requests]
    events.sort(key=lambda event: event[0])
    return _goes_on("idle", frozenset(), [(request, begins) for _, request, begins in events])


def _goes_on(state: str, to_come: frozenset[Request], events: list[tuple[Request, bool]]) -> bool:
    if not events:
        return True
    (request, begins), *others = events
    if begins:
        return _goes_on(state, to_come | {request}, others)
    if request not in to_come and _goes_on(state, to_come, others):
        return True
    if state == "tracking" and _goes_on("stopped", to_come, events):
        return True
    return any(
        _goes_on(after, to_come - {each}, events)
        for each in to_come
        for after in _after(state, each)
    )


def _after(state: str, request: Request) -> Iterator[str]:
    refused = request.outcome == UNUSABLE
    if isinstance(request.operation, Start):
        yield "tracking"
    elif isinstance(request.operation, Stop):
        yield from ("idle", "stopped") if state == "tracking" else (state,)
    elif isinstance(request.operation, Sync):
        if refused != (state == "tracking"):
            yield state
    elif refused == (state == "stopped"):
        yield state


def test_agrees_with_every_order_tried() -> None:
    """Neither is a right history convicted nor a wrong one acquitted; both kinds are plenty."""
    wrong = 0
    for number in range(HISTORIES):
        history = draw(random.Random(number))
        right = is_right(history)
        violation = lifecycle.check_states(history)
        assert (violation is None) == right, (number, history, violation)
        wrong += not right
    assert HISTORIES // 10 < wrong < HISTORIES * 9 // 10
