"""What bits one grain has, as far as they are known from outside.

They are those of the model's grain: an implementation may copy more than it was asked to.
"""

from collections.abc import Sequence
from itertools import pairwise

from flashcopy.conformance.oracle.history import Request
from flashcopy.conformance.report.known import (
    END,
    Span,
    concerns,
    is_write,
    joined,
    states,
)
from flashcopy.model import grain as grain_machine
from flashcopy.model import volume as model
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.grain import Grain
from flashcopy.model.operation import (
    FAILED,
    BackgroundCopy,
    Flush,
    Operation,
    Read,
    Start,
    Stop,
    Sync,
)

Bits = tuple[bool, bool]


def bits_known(
    requests: Sequence[Request], kills: Sequence[int], geometry: Geometry, grain: int
) -> list[Span[Bits]]:
    """The bits of one grain, copied and modified, from tick 0 on. Requests by submission."""
    if not kills and all(one.end < other.begin for one, other in pairwise(requests)):
        return joined(_bits_of_model(requests, geometry, grain))
    blocks = blocks_of_grain(geometry, grain)
    concern = [each for each in requests if concerns(each, geometry, blocks)]
    concern += [each for each in requests if isinstance(each.operation, BackgroundCopy)]
    idle: Bits | None = (True, True)
    spans = [
        Span(begin, end, None if _may_move_bits(bits, in_flight) else bits)
        for begin, end, bits, in_flight in states(
            concern, kills, idle, _apply_to_bits, lambda _: None
        )
    ]
    return joined(spans)


def _bits_of_model(requests: Sequence[Request], geometry: Geometry, grain: int) -> list[Span[Bits]]:
    """One request after the other: then the model knows the bits after each."""
    machine = model.create(geometry)
    spans: list[Span[Bits]] = []
    before, bits = 0, (True, True)
    for request in requests:
        machine, _ = model.apply(machine, request.operation)
        after = bool(machine.grains[grain].copied), bool(machine.grains[grain].modified)
        spans.append(Span(before, request.begin, bits))
        spans.append(Span(request.begin, request.end, bits if bits == after else None))
        before, bits = request.end, after
    return [*spans, Span(before, END, bits)]


def _apply_to_bits(bits: Bits | None, request: Request, beside: Sequence[Request]) -> Bits | None:
    operation = request.operation
    others = [each.operation for each in beside]
    if request.outcome is None or request.outcome == FAILED:
        return None
    if isinstance(operation, Start | Stop | Sync):
        if any(_moves_bits(other) and type(other) is not type(operation) for other in others):
            return None
    elif any(isinstance(other, Start | Stop | Sync) for other in others):
        return None
    if isinstance(operation, Stop):
        return True, True
    if isinstance(operation, Start):
        return False, False
    if bits is None:
        return (True, True) if is_write(operation) else None
    grain = Grain(None, None, *bits)
    if is_write(operation):
        grain = grain_machine.diverge(grain)
    elif isinstance(operation, Sync):
        grain = grain_machine.sync(grain)
    elif isinstance(operation, BackgroundCopy):
        if operation.grains is not None and not grain.copied:
            return None  # which grains a limited copy takes is the implementation's affair
        grain = grain_machine.copy(grain)
    return bool(grain.copied), bool(grain.modified)


def _may_move_bits(bits: Bits | None, in_flight: Sequence[Request]) -> bool:
    """Nothing but a start, sync or stop moves the bits of a diverged grain."""
    moving = [each.operation for each in in_flight if _moves_bits(each.operation)]
    return any(bits != (True, True) or isinstance(each, Start | Stop | Sync) for each in moving)


def _moves_bits(operation: Operation) -> bool:
    return not isinstance(operation, Flush | Read)
