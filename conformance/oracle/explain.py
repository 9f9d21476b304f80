"""Saying what is wrong: two requests, or two blocks, with times.

Whoever reads it knows storage, and not how the cut is found. So a block that cannot be explained
is first reduced to the fewest reads that cannot, one or two as a rule, and points in time that
have no moment to two blocks; then it is said what they show, and when what they show was written.
"""

from collections.abc import Callable, Sequence

from attrs import evolve, frozen

from flashcopy.conformance.oracle import causes
from flashcopy.conformance.oracle.block import bursts_of, judge_block
from flashcopy.conformance.oracle.causes import name_of, point_of, request_of
from flashcopy.conformance.oracle.evidence import NEVER, Evidence
from flashcopy.conformance.oracle.paths import NoPathError
from flashcopy.conformance.oracle.touches import (
    READ_SOURCE,
    READ_TARGET,
    WRITE_SOURCE,
    WRITE_TARGET,
    Touch,
    Touches,
)
from flashcopy.conformance.wrong import Kind, Wrong
from flashcopy.model.volume import ZERO

_READS = (READ_SOURCE, READ_TARGET)


@frozen
class Violation:
    """What is wrong with a history: the clause it breaks, and why no moment can explain it.

    `wrong` is the same for machines. If it is one block that one read shows wrongly, `block` is
    that, and `until` is when the read ended.
    """

    clause: str
    explanation: str
    wrong: Wrong
    block: int = -1
    until: int = 0

    @property
    def requests(self) -> tuple[int, ...]:
        """The requests that show it, by number."""
        return self.wrong.requests


def of_block(touches: Touches, block: int, found_at: Touch) -> Violation:
    """READ-1, READ-2, IMG-1: a block that nothing explains."""
    until = [touch for touch in touches.blocks[block] if touch[0] <= found_at[1]]
    core = _fewest_reads(until, touches.cuts)
    reads = [touch for touch in core if touch[2] in _READS]
    if len(reads) == 1:
        writes = [touch for touch in touches.blocks[block] if touch[2] not in _READS]
        return _of_one_read(touches, block, writes, reads[0])
    kinds = {touch[2] for touch in reads}
    numbers, contents = tuple(touch[5] for touch in reads), tuple(touch[3] for touch in reads)
    changed = Wrong(Kind.CHANGED, (block,), numbers, contents)
    said = " and ".join(_saw(touch) for touch in reads)
    if kinds == {READ_TARGET}:
        why = _how_it_changed(touches.blocks[block], reads)
        said = f"target block {block} changed without a write: {said}; {why}"
        return Violation("IMG-1", said, changed)
    if kinds == {READ_SOURCE}:
        return Violation("READ-1", f"source block {block} changed without a write: {said}", changed)
    why = causes.of_two_sides(touches, block, reads)
    says = f"block {block}: no moment of any start or sync explains both {said}{why}"
    return Violation("CONC-2", says, evolve(changed, kind=Kind.NO_SINGLE_POINT))


def of_moments(touches: Touches, told: list[Evidence]) -> Violation:
    """CONC-2: points in time for which no moment suits all blocks."""
    cuts = sorted({fact[0] for each in told for account in each.accounts for fact in account})
    numbers = tuple(touches.cuts[cut][5] for cut in cuts) + tuple(each.by for each in told)
    wrong = Wrong(Kind.NO_SINGLE_POINT, tuple(each.block for each in told), numbers)
    if len(told) == 2 and len(cuts) == 1:
        late, early = sorted(told, key=_lowest, reverse=True)
        name = f"the {point_of(touches.cuts[cuts[0]]).removeprefix('the ')}"
        after, before = _lowest(late), _highest(early)
        if before <= after < NEVER:
            bounds = [
                _touch_at(touches.blocks[late.block], 0, after),
                _touch_at(touches.blocks[early.block], 1, before),
            ]
            wrong = Wrong(
                Kind.NO_SINGLE_POINT,
                (late.block, early.block),
                tuple(dict.fromkeys((*numbers, *(each[5] for each in bounds if each)))),
                tuple(each[3] for each in bounds if each),
            )
            return Violation(
                "CONC-2",
                f"{name} has no single moment:"
                f" {_because_after(touches.blocks[late.block], late.block, after)},"
                f" but {_because_before(touches.blocks[early.block], early.block, before)}"
                f"{causes.of_moments(late.block, early.block)}",
                wrong,
            )
    names = " and ".join(f"#{touches.cuts[cut][5]}" for cut in cuts)
    said = "; ".join(_needs(touches, each) for each in told)
    return Violation(
        "CONC-2", f"no moments of the starts and syncs {names} suit all: {said}", wrong
    )


def _needs(touches: Touches, evidence: Evidence) -> str:
    """When the points in time must have been for a block to be as it was seen."""
    ways = [
        " and ".join(
            f"#{touches.cuts[cut][5]} never"
            if low == NEVER
            else f"#{touches.cuts[cut][5]} between {low} and {high}"
            for cut, low, high in account
        )
        for account in evidence.accounts
    ]
    return f"block {evidence.block}, up to request #{evidence.by}, needs {', or '.join(ways)}"


def _fewest_reads(touches: Sequence[Touch], cuts: Sequence[Touch]) -> list[Touch]:
    """Leave out reads as long as what is left still cannot be explained."""
    kept = list(touches)
    chunk = len(kept) // 2 or 1
    while True:
        at = 0
        while at < len(kept):
            part = kept[at : at + chunk]
            fewer = (
                kept[:at] + [touch for touch in part if touch[2] not in _READS] + kept[at + chunk :]
            )
            if len(fewer) < len(kept) and not _can_be_explained(fewer, cuts):
                at += len(part) - (len(kept) - len(fewer))
                kept = fewer
            else:
                at += chunk
        if chunk == 1:
            return kept
        chunk //= 2


def _can_be_explained(touches: Sequence[Touch], cuts: Sequence[Touch]) -> bool:
    try:
        judge_block(0, touches, bursts_of(cuts), lambda _: None)
    except NoPathError:
        return False
    return True


def _of_one_read(touches: Touches, block: int, writes: list[Touch], read: Touch) -> Violation:
    content = read[3]
    own = [touch for touch in writes if touch[3] == content]
    on_source = [touch for touch in own if touch[2] == WRITE_SOURCE]
    on_target = [touch for touch in own if touch[2] == WRITE_TARGET]
    numbers = (*(touch[5] for touch in own), read[5])
    kind: Kind | None
    if read[2] == READ_SOURCE:
        kind, why = _why_not(touches, on_source, content, lambda write: write[0] > read[1])
        wrong = Wrong(kind, (block,), numbers, (content,))
        return Violation("READ-1", f"source block {block}: {_saw(read)}, {why}", wrong)
    begun = [cut for cut in touches.cuts if cut[0] < read[1]]
    lost = _lost(writes, touches.cuts, read)
    if lost and not on_target:
        kind = Kind.LOST_TARGET_WRITE
        why = f"but the target's own {lost} came after it: a target write is lost, never stored or"
        why += " overwritten by a copy of the grain that had read the source before"
    elif on_target and not on_source:
        kind, why = _why_not(touches, on_target, content, lambda write: write[0] > read[1])
        if kind is Kind.STALE:
            why = "which had been overwritten, or undone by a start or sync, before: stale"
    elif not begun:
        kind, why = None, "but no start or sync nor any write can have put it there"
    else:
        last = max(cut[1] for cut in begun)
        kind, why = _why_not(touches, on_source, content, lambda write: write[0] > last)
        point = max(begun, key=lambda cut: cut[1])
        points = f"the last {point_of(point).removeprefix('the last ').replace(' #', ', #')}"
        if kind is Kind.TOO_NEW:
            why = f"which was begun only after {points}, was answered: too new; "
            why += _how_it_got_there(touches, block, read)
        elif kind is Kind.STALE:
            why = (
                f"though it had been written before {points}, began: never copied, or stale"
                if content == ZERO
                else f"which had been overwritten before {points}, began, or was undone: stale"
            ) + causes.of_stale(touches, block, point)
    says = f"target block {block}: {_saw(read)}, {why}"
    return Violation("READ-2", says, Wrong(kind, (block,), numbers, (content,)), block, read[1])


def _how_it_changed(touches: Sequence[Touch], reads: Sequence[Touch]) -> str:
    """Whether the target went back to older data of the source or took newer data over."""
    first, last = reads[0], reads[-1]
    written = {each[3]: each[0] for each in touches if each[2] == WRITE_SOURCE}
    if written.get(first[3], -1) > written.get(last[3], -1):
        return (
            f"read #{first[5]} was sent to the source (fake read), where {name_of(first[3])}"
            " overtook it, or an older copy of the grain has landed late"
        )
    return (
        f"{name_of(last[3])} came to the target between the two: its grain was copied again, or"
        f" read #{last[5]} was sent to the source"
    )


def _how_it_got_there(touches: Touches, block: int, read: Touch) -> str:
    """What later reads of the same point in time say of a read that was too new."""
    end = min((cut[0] for cut in touches.cuts if cut[1] > read[0]), default=NEVER)
    end = min((each[0] for each in touches.blocks[block] if _overwrites(each, read)), default=end)
    later = [
        each
        for each in touches.blocks[block]
        if each[2] == READ_TARGET and each[0] > read[1] and each[1] < end
    ]
    overtaken = "the read was sent to the source (fake read), where the write overtook it"
    copied = "the old data was not copied to the target before the write, or copied again after it"
    for each in later:
        if each[3] != read[3]:
            return f"as read #{each[5]} shows {name_of(each[3])} later, {overtaken}"
    if later:
        return f"as read #{later[-1][5]} still shows it later, {copied}"
    return f"{overtaken}, or {copied}"


def _overwrites(touch: Touch, read: Touch) -> bool:
    return touch[2] == WRITE_TARGET and touch[1] > read[0]


def _lost(writes: list[Touch], cuts: Sequence[Touch], read: Touch) -> str:
    """The target write that must have been seen, or one after it, if there is such a one."""
    certain = [
        touch
        for touch in writes
        if touch[2] == WRITE_TARGET and touch[1] < read[0] and not touch[4] and touch[3] != read[3]
    ]
    if not certain:
        return ""
    last = max(certain, key=lambda touch: touch[1])
    if any(cut[0] < read[1] and cut[1] > last[0] for cut in cuts):
        return ""
    return f"{name_of(last[3])} ({request_of(last)}, {last[0]} to {last[1]})"


def _why_not(
    touches: Touches, writers: list[Touch], content: int, is_later: Callable[[Touch], bool]
) -> tuple[Kind, str]:
    if not writers and content != ZERO:
        return _whence(touches, content)
    if writers and content != ZERO and all(map(is_later, writers)):
        return Kind.TOO_NEW, "which was begun only after the read was answered: too new"
    return Kind.STALE, "which had been overwritten before the read began: stale"


def _whence(touches: Touches, content: int) -> tuple[Kind, str]:
    for block, of_block_ in enumerate(touches.blocks):
        for touch in of_block_:
            if touch[3] == content and touch[2] in (WRITE_SOURCE, WRITE_TARGET):
                side = "source" if touch[2] == WRITE_SOURCE else "target"
                return Kind.MISPLACED, (
                    f"which request #{touch[5]} wrote to block {block} of the {side}: foreign or"
                    " misplaced data"
                )
    return Kind.NEVER_WRITTEN, (
        "which was never written by these requests: what was there before them, or foreign or"
        " misplaced data"
    )


def _touch_at(touches: Sequence[Touch], which: int, tick: int) -> Touch | None:
    """What began (0) or ended (1) at a tick."""
    return next((each for each in touches if each[which] == tick), None)


def _because_after(touches: Sequence[Touch], block: int, tick: int) -> str:
    """Why the moment lies after a tick: what was submitted then."""
    touch = _touch_at(touches, 0, tick)
    if touch is None:
        return f"block {block} puts it after {tick}"
    content, number, by = name_of(touch[3]), touch[5], request_of(touch)
    return {
        WRITE_SOURCE: f"block {block} shows {content} ({by}), begun only at {tick}",
        READ_SOURCE: f"block {block} shows a write that source read #{number}, begun at {tick},"
        " did not see yet",
        WRITE_TARGET: f"the target's own {content} of block {block} ({by}), begun only"
        f" at {tick}, was undone",
        READ_TARGET: f"target read #{number}, begun only at {tick}, saw block {block} as it was"
        " before",
    }[touch[2]]


def _because_before(touches: Sequence[Touch], block: int, tick: int) -> str:
    """Why the moment lies before a tick: what had been answered by then."""
    touch = _touch_at(touches, 1, tick)
    if touch is None:
        return f"block {block} puts it before {tick}"
    content, number, by = name_of(touch[3]), touch[5], request_of(touch)
    return {
        WRITE_SOURCE: f"block {block} is missing {content} ({by}), which had been"
        f" answered at {tick}",
        READ_SOURCE: f"block {block} is missing a write that source read #{number}, answered at"
        f" {tick}, had seen",
        WRITE_TARGET: f"the target's own {content} of block {block} ({by}), answered"
        f" at {tick}, was not undone",
        READ_TARGET: f"target read #{number}, answered at {tick}, saw block {block} as it was"
        " after",
    }[touch[2]]


def _lowest(evidence: Evidence) -> int:
    return min(account[0][1] for account in evidence.accounts)


def _highest(evidence: Evidence) -> int:
    return max(account[0][2] for account in evidence.accounts)


def _saw(read: Touch) -> str:
    side = "source" if read[2] == READ_SOURCE else "target"
    return f"{side} read #{read[5]} ({read[0]} to {read[1]}) saw {name_of(read[3])}"
