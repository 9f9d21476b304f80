"""Of a convicted history the requests that convict it, and as few others as possible.

Nothing is asked again: what is left was asked and answered just so, but that of a read only the
blocks that matter are left, each being evidence by itself (CONC-1). Not everything may be left
out. Without a write, a read that saw it would seem to have seen what was never written; without a
start or sync, the target would seem to have changed by itself. So a write goes only if no read
that is left saw it, and a start or sync only if no read of the target that is left can tell it
from the one before. Then a right history stays right whatever is left out, and one that is still
wrong was wrong from the beginning. (A start between a stop and a sync in flight would have to stay,
too; loads have none.)
"""

from collections.abc import Callable

from attrs import evolve

from flashcopy.conformance.oracle.cut import check
from flashcopy.conformance.oracle.history import History, Request
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    UNUSABLE,
    Contents,
    Done,
    Read,
    Start,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.volume import ZERO

_May = Callable[[Request, list[Request]], bool]


def trimmed(history: History, is_over: Callable[[], bool]) -> History:
    """A history of some of these requests that the cut still convicts, itself if it is right.

    Nothing more is left out once `is_over`.
    """
    violation = check(history)
    if violation is None:
        return history
    geometry = history.geometry
    kept = sorted(history.requests, key=lambda request: request.begin)

    def convicts(requests: list[Request]) -> bool:
        return not is_over() and check(History(geometry, tuple(requests))) is not None

    kept = [each for each in kept if isinstance(each.operation, Read) or not _is_evidence(each, [])]
    named = [each for each in kept if not _is_read(each) or each.number in violation.requests]
    if convicts(named):
        kept = named
    kept = _fewer(kept, _is_evidence, convicts, len(kept))
    for number in [each.number for each in kept if _is_read(each)]:
        kept = _narrow(geometry, kept, number, convicts)
    kept = _fewer(kept, lambda each, left: _is_unseen(geometry, each, left), convicts, len(kept))
    # Each of two may be told by the other that it can go, so they go one by one.
    kept = _fewer(kept, _is_indistinct, convicts, 1)
    return History(geometry, tuple(kept))


def _fewer(
    kept: list[Request], may_go: _May, convicts: Callable[[list[Request]], bool], size: int
) -> list[Request]:
    """Leave out what may go: so many at a time, then half as many, down to single requests."""
    while size:
        at = 0
        while at < len(kept):
            going = {each.number for each in kept[at : at + size] if may_go(each, kept)}
            fewer = [each for each in kept if each.number not in going]
            if going and convicts(fewer):
                kept = fewer
                at += size - len(going)
            else:
                at += size
        size //= 2
    return kept


def _narrow(
    geometry: Geometry,
    kept: list[Request],
    number: int,
    convicts: Callable[[list[Request]], bool],
) -> list[Request]:
    """Halve what a read has seen as long as one half of it is enough."""
    while True:
        at = next(at for at, each in enumerate(kept) if each.number == number)
        for half in _halves(geometry, kept[at]):
            fewer = [*kept[:at], half, *kept[at + 1 :]]
            if convicts(fewer):
                kept = fewer
                break
        else:
            return kept


def _halves(geometry: Geometry, request: Request) -> list[Request]:
    read, outcome = request.operation, request.outcome
    if not isinstance(read, Read) or not isinstance(outcome, Contents):
        return []
    blocks = len(outcome.contents) // 2
    length = blocks * geometry.block_size
    if not blocks:
        return []
    return [
        evolve(
            request,
            operation=Read(read.volume, read.offset, length),
            outcome=Contents(outcome.contents[:blocks]),
        ),
        evolve(
            request,
            operation=Read(read.volume, read.offset + length, read.length - length),
            outcome=Contents(outcome.contents[blocks:]),
        ),
    ]


def _is_read(request: Request) -> bool:
    return isinstance(request.operation, Read)


def _is_evidence(request: Request, _: list[Request]) -> bool:
    """Whether it changes nothing that a volume shows; what was refused for its state is such."""
    changes = isinstance(request.operation, Write | WriteZeroes | Start | Sync)
    return not changes or request.outcome == UNUSABLE


def _is_unseen(geometry: Geometry, request: Request, left: list[Request]) -> bool:
    """Whether it is a write of which no read shows anything."""
    write = request.operation
    if not isinstance(write, Write | WriteZeroes):
        return False
    content = write.content if isinstance(write, Write) else ZERO
    for read in left:
        if isinstance(read.operation, Read) and isinstance(read.outcome, Contents):
            first = (write.offset - read.operation.offset) // geometry.block_size
            until = first + write.length // geometry.block_size
            if content in read.outcome.contents[max(0, first) : max(0, until)]:
                return False
    return True


def _is_indistinct(cut: Request, left: list[Request]) -> bool:
    """Whether it is a start or sync, and each read of the target is before it or after another.

    The start that allows the syncs after it stays, for without it they had to be refused (LIFE-1).
    """
    if not isinstance(cut.operation, Start | Sync) or _allows_a_sync(cut, left):
        return False
    later = [
        each
        for each in left
        if isinstance(each.operation, Start | Sync)
        and each.outcome == Done()
        and each.begin > cut.end
    ]
    return all(
        read.end < cut.begin or any(each.end < read.begin for each in later)
        for read in left
        if isinstance(read.operation, Read) and read.operation.volume is Volume.TARGET
    )


def _allows_a_sync(start: Request, left: list[Request]) -> bool:
    """Whether it is a start that was answered before a sync, and before any other start was."""
    answered = [each for each in left if isinstance(each.operation, Start) and each.outcome]
    return start == min(answered, key=lambda each: each.end, default=None) and any(
        isinstance(each.operation, Sync) and each.outcome == Done() for each in left
    )
