"""Every order of effects tried: the meaning of a history, without any cleverness.

A history is right if its effects can be put in some order in which the two images answer as it
says: one effect for each block of each read and write, one for each start and sync, every effect
between its request's submission and its answer. Here all of these orders are gone through, over
whole images, with none of the ideas of the cut (blocks apart, intervals, evidence). So it is only
fit for a few requests on a few blocks.
"""

from collections.abc import Iterator

from flashcopy.conformance.oracle.history import History, Request
from flashcopy.model import images as machine
from flashcopy.model.geometry import Geometry, blocks_of_request
from flashcopy.model.images import Images
from flashcopy.model.operation import (
    Contents,
    Done,
    Read,
    Refusal,
    Refused,
    Start,
    Sync,
    Write,
    WriteZeroes,
)

# An effect still to come: a request, and the block it is on (of a start or sync, None).
Effect = tuple[Request, int | None]
State = tuple[Images, frozenset[Effect]]


def is_right(history: History) -> bool:
    """Whether any order of effects gives these answers."""
    zeros = (0,) * history.geometry.blocks
    states: set[State] = {(Images(zeros, zeros), frozenset())}
    for _, begins, request in _events(history):
        effects = frozenset(_effects(history.geometry, request))
        if begins:
            states = {(images, to_come | effects) for images, to_come in states}
            continue
        states = _all_orders(history.geometry, states)
        if isinstance(request.outcome, Done | Contents):
            states = {state for state in states if not state[1] & effects}
        states = {(images, to_come - effects) for images, to_come in states}
    return bool(states)


def _events(history: History) -> list[tuple[int, bool, Request]]:
    events = [(request.begin, True, request) for request in history.requests]
    events += [(request.end, False, request) for request in history.requests]
    return sorted(events, key=lambda event: event[0])


def _effects(geometry: Geometry, request: Request) -> Iterator[Effect]:
    operation, outcome = request.operation, request.outcome
    if isinstance(outcome, Refused) and outcome.kind is not Refusal.IO_ERROR:
        return
    if isinstance(operation, Start | Sync):
        yield request, None
    elif isinstance(operation, Write | WriteZeroes) or (
        isinstance(operation, Read) and isinstance(outcome, Contents)
    ):
        for block in blocks_of_request(geometry, operation.offset, operation.length):
            yield request, block


def _all_orders(geometry: Geometry, states: set[State]) -> set[State]:
    reached, new = set(states), list(states)
    while new:
        images, to_come = new.pop()
        for effect in to_come:
            after = _take_effect(geometry, images, effect)
            if after is None:
                continue
            state = (after, to_come - {effect})
            if state not in reached:
                reached.add(state)
                new.append(state)
    return reached


def _take_effect(geometry: Geometry, images: Images, effect: Effect) -> Images | None:
    """The images afterwards, or None if a read would have seen something else."""
    request, block = effect
    operation = request.operation
    if block is None:
        return machine.move_point_in_time(images)
    assert isinstance(operation, Read | Write | WriteZeroes)
    image = machine.read(images, operation.volume)
    if isinstance(operation, Read):
        assert isinstance(request.outcome, Contents)
        first = blocks_of_request(geometry, operation.offset, operation.length).start
        return images if image[block] == request.outcome.contents[block - first] else None
    content = operation.content if isinstance(operation, Write) else 0
    written = image[:block] + (content,) + image[block + 1 :]
    return machine.write(images, operation.volume, written)
