"""Which part of a history is drawn: what bears on what is wrong, as a person would cut it down.

Of a short history everything is. Of a long one: the requests in question, which are those that the
explanation names and those that wrote what it names; the starts, syncs and stops next to them; and
of what touched a block in question the writes, and then the reads, that came last.
"""

from attrs import frozen

from flashcopy.conformance.oracle.history import History, Request, from_trace
from flashcopy.conformance.report.pointed import pointed_at
from flashcopy.conformance.wrong import Wrong
from flashcopy.model.geometry import Geometry, blocks_of_request, is_within
from flashcopy.model.operation import Read, Start, Stop, Sync, Write, WriteZeroes
from flashcopy.model.trace import Crash, Kill, PowerLoss, Reopen, Trace

_SHORT = 16
_MOST = 18
_MOST_BLOCKS = 4


@frozen
class Scene:
    """What is drawn: requests by submission, ticks of kills; blocks, grains, contents in question.

    `all_requests` and `all_kills` are those of the whole history: what is known comes from them.
    """

    geometry: Geometry
    requests: tuple[Request, ...]
    kills: tuple[int, ...]
    blocks: tuple[int, ...]
    grains: tuple[int, ...]
    contents: tuple[int, ...]
    in_question: frozenset[int]
    all_requests: tuple[Request, ...]
    all_kills: tuple[int, ...]

    @property
    def left_out(self) -> int:
        """How many requests are not drawn."""
        return len(self.all_requests) - len(self.requests)


def scene_of(trace: Trace, wrong: Wrong) -> Scene:
    """Cut a trace down."""
    pointed = pointed_at(trace, wrong)
    history = from_trace(trace)
    requests = sorted(history.requests, key=lambda request: request.begin)
    kills = _kills(trace)
    in_question = frozenset(pointed.requests + pointed.writers)
    blocks = tuple(
        sorted(block for block in pointed.blocks if block < trace.geometry.blocks)[:_MOST_BLOCKS]
    )
    drawn = _drawn(history, requests, blocks, in_question)
    first, last = drawn[0].begin, max(each.end for each in drawn)
    return Scene(
        trace.geometry,
        tuple(drawn),
        tuple(tick for tick in kills if first <= tick <= last),
        blocks,
        tuple(dict.fromkeys(block // trace.geometry.grain_blocks for block in blocks)),
        pointed.contents,
        in_question,
        tuple(requests),
        kills,
    )


def _kills(trace: Trace) -> tuple[int, ...]:
    """Where memory was lost; older traces say only that it was opened again."""
    kills = [
        tick
        for tick, entry in enumerate(trace.entries)
        if isinstance(entry, Crash | Kill | PowerLoss)
    ]
    reopened = [tick for tick, entry in enumerate(trace.entries) if isinstance(entry, Reopen)]
    return tuple(sorted([*kills, *(tick for tick in reopened if tick - 1 not in kills)]))


def _drawn(
    history: History, requests: list[Request], blocks: tuple[int, ...], in_question: frozenset[int]
) -> list[Request]:
    if len(requests) <= _SHORT:
        return requests
    asked = [each for each in requests if each.number in in_question] or requests[-1:]
    first, last = min(each.begin for each in asked), max(each.end for each in asked)
    by_then = [each for each in requests if each.begin < last]
    cuts = [each for each in by_then if isinstance(each.operation, Start | Sync | Stop)]
    touching = [each for each in by_then if _touches(each, history.geometry, blocks)]
    writes = [each for each in touching if not isinstance(each.operation, Read)]
    # What was first to overwrite what the first in question wrote, and what was there at last.
    following = [each for each in writes if each.begin > first][:1]
    wanted = [*asked, *cuts[-2:], *writes[-3:], *following]
    wanted += [each for each in reversed(touching) if each.end > first]
    kept = set(list(dict.fromkeys(each.number for each in wanted))[: max(_MOST, len(asked))])
    return [each for each in requests if each.number in kept]


def _touches(request: Request, geometry: Geometry, blocks: tuple[int, ...]) -> bool:
    operation = request.operation
    if not isinstance(operation, Read | Write | WriteZeroes):
        return False
    if not is_within(geometry, operation.offset, operation.length):
        return False
    touched = blocks_of_request(geometry, operation.offset, operation.length)
    return any(block in touched for block in blocks)
