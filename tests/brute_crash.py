"""Every order of effects and every loss tried: the meaning of an epoch, without any cleverness.

Whole images and whole logs are played with: one effect for each block of each read and write, one
for each start and sync, which may be recorded at that instant or not; then the power fails, and
each block is any of what its log still holds. None of the ideas of `recovery` (blocks apart, one
choice at a time, evidence) is used, so it is only fit for a few requests on a few blocks.
"""

from attrs import evolve, frozen

from flashcopy.conformance.oracle.history import Request
from flashcopy.conformance.oracle.recovery import Epoch
from flashcopy.model.geometry import Geometry, blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    Contents,
    Done,
    Flush,
    Read,
    Refusal,
    Refused,
    Start,
    Sync,
    Write,
    WriteZeroes,
)

Effect = tuple[Request, int | None]
# For each block what a crash may leave of it.
Log = tuple[tuple[int, ...], ...]


@frozen
class State:
    """What readers see, what a crash may leave, what is still to come, and which are recorded."""

    source: tuple[int, ...]
    target: tuple[int, ...]
    source_log: Log
    target_log: Log
    to_come: frozenset[Effect]
    recorded: frozenset[int]


def is_right(epoch: Epoch) -> bool:
    """Whether any order of effects, and any loss, gives these answers and leaves what was found."""
    source, target = epoch.before.source, epoch.before.target
    logs = tuple((content,) for content in source), tuple((content,) for content in target)
    states = {State(source, target, *logs, frozenset(), frozenset())}
    geometry = epoch.history.geometry
    requests = epoch.history.requests
    events = [(each.begin, True, each) for each in requests]
    events += [(each.end, False, each) for each in requests]
    for _, begins, request in sorted(events, key=lambda event: event[0]):
        effects = frozenset(_effects(geometry, request))
        if begins:
            states = {evolve(state, to_come=state.to_come | effects) for state in states}
            continue
        states = _all_orders(epoch, states)
        if isinstance(request.outcome, Done | Contents):
            states = {state for state in states if not state.to_come & effects}
            if isinstance(request.operation, Start | Sync):
                states = {state for state in states if request.number in state.recorded}
        states = {evolve(state, to_come=state.to_come - effects) for state in states}
    return any(_leaves(state, epoch) for state in states)


def _leaves(state: State, epoch: Epoch) -> bool:
    sides = ((state.source_log, epoch.after.source), (state.target_log, epoch.after.target))
    return all(
        found is None or all(content in log for content, log in zip(found, logs, strict=True))
        for logs, found in sides
    )


def _effects(geometry: Geometry, request: Request) -> list[Effect]:
    operation, outcome = request.operation, request.outcome
    if isinstance(outcome, Refused) and outcome.kind is not Refusal.IO_ERROR:
        return []
    if isinstance(operation, Start | Sync):
        return [(request, None)]
    if isinstance(operation, Write | WriteZeroes) or (
        isinstance(operation, Read) and isinstance(outcome, Contents)
    ):
        blocks = blocks_of_request(geometry, operation.offset, operation.length)
        return [(request, block) for block in blocks]
    return []


def _all_orders(epoch: Epoch, states: set[State]) -> set[State]:
    reached, new = set(states), list(states)
    while new:
        state = new.pop()
        for effect in state.to_come:
            for after in _take_effect(epoch, state, effect):
                if after not in reached:
                    reached.add(after)
                    new.append(after)
    return reached


def _take_effect(epoch: Epoch, state: State, effect: Effect) -> list[State]:
    """The states afterwards; none if a read would have seen something else."""
    request, block = effect
    operation = request.operation
    rest = state.to_come - {effect}
    if block is None:
        seen = evolve(state, target=state.source, to_come=rest)
        logs: Log = tuple((content,) for content in state.source)
        recorded = state.recorded | {request.number}
        return [seen, evolve(seen, target_log=logs, recorded=recorded)]
    assert isinstance(operation, Read | Write | WriteZeroes)
    of_source = operation.volume is Volume.SOURCE
    image = state.source if of_source else state.target
    if isinstance(operation, Read):
        assert isinstance(request.outcome, Contents)
        first = operation.offset // epoch.history.geometry.block_size
        right = image[block] == request.outcome.contents[block - first]
        return [evolve(state, to_come=rest)] if right else []
    content = operation.content if isinstance(operation, Write) else 0
    logs = state.source_log if of_source else state.target_log
    kept = () if _is_flushed(epoch, request) else logs[block]
    log = (*kept, content)
    image = (*image[:block], content, *image[block + 1 :])
    logs = (*logs[:block], log, *logs[block + 1 :])
    if of_source:
        return [evolve(state, source=image, source_log=logs, to_come=rest)]
    return [evolve(state, target=image, target_log=logs, to_come=rest)]


def _is_flushed(epoch: Epoch, write: Request) -> bool:
    """CRASH-1, word by word."""
    operation = write.operation
    assert isinstance(operation, Write | WriteZeroes)
    return write.outcome == Done() and any(
        each.outcome == Done()
        and write.end < each.begin
        and (
            each.operation == Flush(operation.volume)
            or (operation.volume is Volume.SOURCE and isinstance(each.operation, Start | Sync))
        )
        for each in epoch.history.requests
    )
