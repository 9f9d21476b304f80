"""What the two images hold in one block, as far as it is known from outside."""

from collections.abc import Sequence

import attrs
from attrs import frozen

from flashcopy.conformance.oracle.history import Request
from flashcopy.conformance.report.known import Span, concerns, is_write, joined, states
from flashcopy.model.geometry import Geometry, blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    Contents,
    Done,
    Flush,
    Operation,
    Read,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.volume import ZERO


@frozen
class _Block:
    """One block's images, and whether a loss of power would leave them."""

    source: int | None = ZERO
    target: int | None = ZERO
    source_is_durable: bool = True
    target_is_durable: bool = True


def contents_known(
    requests: Sequence[Request], kills: Sequence[int], geometry: Geometry, block: int
) -> dict[Volume, list[Span[int]]]:
    """The content of one block of both volumes' images, from tick 0 on."""
    blocks = range(block, block + 1)
    concern = [
        each
        for each in requests
        if concerns(each, geometry, blocks) or _seen(each, geometry, block) is not None
    ]

    def apply(state: _Block, request: Request, beside: Sequence[Request]) -> _Block:
        seen = _seen(request, geometry, block)
        if seen is None:
            return _apply_to_block(state, request, beside)
        # What a kill left on the source nobody knew until somebody looked.
        if state.source is None and not any(is_write(each.operation) for each in beside):
            return attrs.evolve(state, source=seen, source_is_durable=True)
        return state

    spans: dict[Volume, list[Span[int]]] = {volume: [] for volume in Volume}
    for begin, end, state, in_flight in states(concern, kills, _Block(), apply, _kill):
        for volume in Volume:
            moving = any(_changes(each.operation, volume) for each in in_flight)
            known = state.source if volume is Volume.SOURCE else state.target
            spans[volume].append(Span(begin, end, None if moving else known))
    return {volume: joined(spans[volume]) for volume in Volume}


def _apply_to_block(block: _Block, request: Request, beside: Sequence[Request]) -> _Block:
    operations = [each.operation for each in beside]
    certain = request.outcome == Done()
    match request.operation:
        case Write(volume) | WriteZeroes(volume):
            content = request.operation.content if isinstance(request.operation, Write) else ZERO
            if volume is Volume.SOURCE:
                known = content if certain else None
                return attrs.evolve(block, source=known, source_is_durable=False)
            certain = certain and not any(map(_is_cut, operations))
            known = content if certain else None
            return attrs.evolve(block, target=known, target_is_durable=False)
        case Start() | Sync():
            certain = certain and not any(map(is_write, operations))
            return _Block(block.source, block.source if certain else None)
        case Stop():
            return attrs.evolve(block, target=None)  # usable or not: that depends on the copy
        case Flush(volume) if certain and not any(map(is_write, operations)):
            if volume is Volume.SOURCE:
                return attrs.evolve(block, source_is_durable=True)
            return attrs.evolve(block, target_is_durable=True)
    return block


def _kill(block: _Block) -> _Block:
    return _Block(
        block.source if block.source_is_durable else None,
        block.target if block.target_is_durable else None,
    )


def _seen(request: Request, geometry: Geometry, block: int) -> int | None:
    """What a read of the source saw in a block; None for whatever is none."""
    operation, outcome = request.operation, request.outcome
    if not isinstance(operation, Read) or not isinstance(outcome, Contents):
        return None
    blocks = blocks_of_request(geometry, operation.offset, operation.length)
    if operation.volume is not Volume.SOURCE or block not in blocks:
        return None
    return outcome.contents[block - blocks.start]


def _changes(operation: Operation, volume: Volume) -> bool:
    if isinstance(operation, Write | WriteZeroes):
        return operation.volume is volume
    return volume is Volume.TARGET and isinstance(operation, Start | Sync | Stop)


def _is_cut(operation: Operation) -> bool:
    return isinstance(operation, Start | Sync)
