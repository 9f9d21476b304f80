"""A history taken apart: what touched each block, and the starts and syncs that touched them all.

Each block of a request takes effect at an instant of its own (CONC-1), so blocks have nothing to
do with each other but the points in time. What was refused changed nothing and is left out, with
one exception: after a write that failed in a device each block reads as it was or as it was to
be (ERR-5, ERR-6). So such a write *may* have happened, and so may one that was never answered; of
a start or sync the same holds, for all blocks alike (CRASH-3).
"""

from collections.abc import Sequence
from operator import attrgetter

from attrs import frozen

from flashcopy.conformance.oracle.ended import ended_by, starts_of, witnesses_of
from flashcopy.conformance.oracle.history import History, Request
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    FAILED,
    Contents,
    Done,
    Read,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.volume import ZERO

# What a touch does. Plain numbers, for there are millions of them.
WRITE_SOURCE, READ_SOURCE, WRITE_TARGET, READ_TARGET, CUT = range(5)

# Begin, end, what it does, the content written or seen (of a cut: its number), whether it may
# have not happened at all, and the number of the request.
Touch = tuple[int, int, int, int, bool, int]


@frozen
class Touches:
    """For each block what touched it, and the cuts, all in order of submission."""

    blocks: Sequence[Sequence[Touch]]
    cuts: Sequence[Touch]


def touches_of(history: History) -> Touches:
    """Take a history apart."""
    blocks: list[list[Touch]] = [[] for _ in range(history.geometry.blocks)]
    cuts: list[Touch] = []
    syncs: list[Request] = []
    ends_tracking = False
    for request in sorted(history.requests, key=attrgetter("begin")):
        kind = request.operation.__class__
        if kind is Read:
            _add_read(history.geometry, request, blocks)
        elif kind is Write or kind is WriteZeroes:
            _add_write(history.geometry, request, blocks)
        elif (kind is Start or kind is Sync) and _may_have_happened(request):
            unsure = request.outcome.__class__ is not Done
            cuts.append((request.begin, request.end, CUT, len(cuts), unsure, request.number))
            syncs.append(request)
        elif kind is Stop:
            ends_tracking = True
    return Touches(blocks, _ended(history, cuts, syncs) if ends_tracking else cuts)


def _ended(history: History, cuts: list[Touch], requests: list[Request]) -> list[Touch]:
    """The cuts, of which the syncs that were carried out had happened before a stop did."""
    witnesses, starts = witnesses_of(history.requests), starts_of(history.requests)
    return [
        (cut[0], ended_by(request, witnesses, starts), *cut[2:])
        if isinstance(request.operation, Sync) and not cut[4]
        else cut
        for cut, request in zip(cuts, requests, strict=True)
    ]


def _add_read(geometry: Geometry, request: Request, blocks: list[list[Touch]]) -> None:
    operation, outcome = request.operation, request.outcome
    if not isinstance(operation, Read) or not isinstance(outcome, Contents):
        return
    does = READ_SOURCE if operation.volume is Volume.SOURCE else READ_TARGET
    begin, end, number = request.begin, request.end, request.number
    block = operation.offset // geometry.block_size
    for content in outcome.contents:
        blocks[block].append((begin, end, does, content, False, number))
        block += 1


def _add_write(geometry: Geometry, request: Request, blocks: list[list[Touch]]) -> None:
    operation = request.operation
    if not isinstance(operation, Write | WriteZeroes) or not _may_have_happened(request):
        return
    does = WRITE_SOURCE if operation.volume is Volume.SOURCE else WRITE_TARGET
    content = operation.content if isinstance(operation, Write) else ZERO
    unsure = request.outcome.__class__ is not Done
    touch = (request.begin, request.end, does, content, unsure, request.number)
    first = operation.offset // geometry.block_size
    for block in range(first, first + operation.length // geometry.block_size):
        blocks[block].append(touch)


def _may_have_happened(request: Request) -> bool:
    outcome = request.outcome
    return outcome is None or outcome.__class__ is Done or outcome == FAILED
