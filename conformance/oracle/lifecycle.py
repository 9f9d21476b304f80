"""Was each answer allowed in the state the relationship was in?

Nobody outside knows the state for certain: a stop leaves idle or stopped, by whether the copy was
complete, and a device that fails unasked leaves stopped, too (ERR-5). So all states it can be in
are followed, as starts, syncs and stops take effect at one moment each between request and answer,
in any order. A request to the target that was carried out needs a moment in which the target was
an image, one that was refused as unusable a moment in which it was none (LIFE-1, LIFE-3), and a
sync a moment in which writes were tracked (SYNC-1).

Histories in which a request failed in a device are not judged, and neither is whether one and the
same moment of a start suits both the states and the data (`cut`).
"""

from collections.abc import Iterable, Sequence

from flashcopy.conformance.oracle.explain import Violation
from flashcopy.conformance.oracle.history import History, Request
from flashcopy.conformance.wrong import Kind, Wrong
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import (
    FAILED,
    UNUSABLE,
    Flush,
    Operation,
    Read,
    Refused,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)

# COPYING stands for copied as well: writes are tracked, and a stop may lead to idle or stopped.
_States = set[tuple[State, frozenset[int]]]


def check_states(history: History) -> Violation | None:
    """An answer that no state allows, or None. Takes linear time but for the sorting."""
    requests = [request for request in history.requests if _counts(request)]
    if any(request.outcome == FAILED for request in history.requests):
        return None
    if not any(_can_stop(request) for request in requests):
        requests = [each for each in requests if isinstance(each.operation, Start | Sync)]
    found = _first_impossible(requests)
    if found is None:
        return None
    core = _fewest([request for request in requests if request.begin < found.end])
    said = ", ".join(_say(request) for request in core)
    if isinstance(found.operation, Sync):
        clause = "SYNC-1"
    else:
        clause = "LIFE-3" if _volume_of(found.operation) is Volume.TARGET else "LIFE-1"
    return Violation(
        clause,
        f"no order of starts and stops allows all of: {said}",
        Wrong(Kind.WRONG_STATE, requests=tuple(request.number for request in core)),
    )


def _counts(request: Request) -> bool:
    """Whether a request depends on the state or changes it."""
    if request.outcome == UNUSABLE:
        return True
    if isinstance(request.outcome, Refused):
        return False
    if isinstance(request.operation, Start | Stop | Sync):
        return True
    return request.outcome is not None and is_target_io(request.operation)


def is_target_io(operation: Operation) -> bool:
    """Whether an operation reads, writes or flushes the target, so that it wants an image there."""
    if isinstance(operation, Read | Write | WriteZeroes) and operation.length == 0:
        return False
    return _volume_of(operation) is Volume.TARGET


def _volume_of(operation: Operation) -> Volume | None:
    """The volume that an operation reads, writes or flushes."""
    if isinstance(operation, Flush | Read | Write | WriteZeroes):
        return operation.volume
    return None


def _can_stop(request: Request) -> bool:
    return request.outcome == UNUSABLE or isinstance(request.operation, Stop)


def _first_impossible(requests: Sequence[Request]) -> Request | None:
    """The first request whose answer leaves no state to be in."""
    events = [(request.begin, True, request) for request in requests]
    events += [(request.end, False, request) for request in requests]
    events.sort(key=lambda event: (event[0], event[1]))
    states: _States = {(State.IDLE, frozenset())}
    in_flight: dict[int, Request] = {}
    for _, begins, request in events:
        if begins:
            in_flight[request.number] = request
            continue
        states = _closure(states, in_flight.values())
        number = request.number
        if request.outcome is not None:
            states = {state for state in states if number in state[1]}
        states = {(state, done - {number}) for state, done in states}
        if not states:
            return request
        del in_flight[number]
    return None


def _closure(states: _States, in_flight: Iterable[Request]) -> _States:
    """Wherever requests in flight, and failures, can lead."""
    moves = [each for each in in_flight if _moves(each)]
    asks = [each for each in in_flight if not _moves(each)]
    reached: _States = set()
    new = list(states)
    while new:
        state, done = new.pop()
        # What finds the state it needs is done at once: that keeps nothing else from happening.
        done = done.union(each.number for each in asks if state in _allowed(each))
        if (state, done) in reached:
            continue
        reached.add((state, done))
        if state is State.COPYING:
            new.append((State.STOPPED, done))
        for each in moves:
            if each.number not in done:
                after = done | {each.number}
                new += [(following, after) for following in _following(state, each)]
    return reached


def _moves(request: Request) -> bool:
    return isinstance(request.operation, Start | Stop) and request.outcome != UNUSABLE


def _following(state: State, request: Request) -> tuple[State, ...]:
    if isinstance(request.operation, Start):
        return (State.COPYING,)
    return (State.IDLE, State.STOPPED) if state is State.COPYING else (state,)


def _allowed(request: Request) -> tuple[State, ...]:
    """The states in which a request can be answered as it was."""
    if isinstance(request.operation, Sync):
        if request.outcome == UNUSABLE:
            return State.IDLE, State.STOPPED
        return (State.COPYING,)
    if isinstance(request.operation, Start | Stop):
        return ()  # these are never refused for their state
    if request.outcome != UNUSABLE:
        return State.IDLE, State.COPYING
    # With nothing to read or to write it may be refused, too.
    return (State.STOPPED,) if _volume_of(request.operation) is Volume.TARGET else ()


def _fewest(requests: list[Request]) -> list[Request]:
    """Leave out what can be left out; starts and stops only bring more states, so they stay."""
    kept = [each for each in requests if not _moves(each)]
    moves = [each for each in requests if _moves(each)]
    chunk = len(kept) // 2 or 1
    while True:
        at = 0
        while at < len(kept):
            fewer = kept[:at] + kept[at + chunk :]
            if fewer and _first_impossible(moves + fewer) is not None:
                kept = fewer
            else:
                at += chunk
        if chunk == 1:
            break
        chunk //= 2
    near = [each for each in moves if each.begin < max(one.end for one in kept)][-2:]
    return sorted(near + kept, key=lambda request: request.begin)


def _say(request: Request) -> str:
    name = type(request.operation).__name__.lower()
    volume = _volume_of(request.operation)
    where = f" of the {volume.value}" if volume else ""
    how = "refused for the state" if request.outcome == UNUSABLE else "carried out"
    return f"{name}{where} #{request.number} ({request.begin} to {request.end}, {how})"
