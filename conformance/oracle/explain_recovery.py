"""Saying what is wrong with what was found after a crash, to people who know storage.

Most often one block suffices: it shows what no crash can have left, and it is said what it must
show and which request makes that so. Where each block by itself could be, two of them contradict
each other about one start or sync: it has happened by the one and not by the other, or at two
different moments.
"""

from attrs import evolve

from flashcopy.conformance.oracle.evidence import Evidence
from flashcopy.conformance.oracle.explain import Violation, of_block, of_moments
from flashcopy.conformance.oracle.paths import NoPathError
from flashcopy.conformance.oracle.recovery import NONE, Epoch, Failure, Parts, flushes, judge
from flashcopy.conformance.oracle.survival import LostError
from flashcopy.conformance.oracle.touches import CUT, WRITE_SOURCE, WRITE_TARGET, Touch, Touches
from flashcopy.model.geometry import blocks_of_grain
from flashcopy.model.images import Images, Volume
from flashcopy.model.operation import Done
from flashcopy.model.volume import ZERO

_NOTHING_FOUND = Images(None, None)
# Said of what `_is_left_over`.
_LEFT_OVER = (
    "; nobody wrote to its grain since that crash: its two sides differed already, and the maps did"
    " not say so any more (a mark dropped or not durable, a copied bit believed without its copy, a"
    " start or sync half recorded)"
)
_WRITES = {Volume.SOURCE: WRITE_SOURCE, Volume.TARGET: WRITE_TARGET}


def explain(
    epoch: Epoch, failures: list[Failure], crash: str, earlier: str = ""
) -> tuple[str, str]:
    """The clause that is broken, and how.

    `crash` is what ended the epoch, in words, and `earlier` what came before it, empty if nothing
    did. What is wrong though no crash came after it may still be the work of the one before.
    """
    before = judge(evolve(epoch, after=_NOTHING_FOUND))
    parts = Parts.of(epoch)
    if before:
        violation = _of_reads(parts, before[0])
        if earlier and _is_left_over(epoch, parts, violation):
            return "CRASH-2", f"after the {earlier} {violation.explanation}{_LEFT_OVER}"
        return violation.clause, f"{violation.explanation} (before the {crash})"
    for block in range(epoch.history.geometry.blocks):
        if not any(_fits(parts, block, choice, epoch.after) for choice in parts.choices()):
            clause, why = _of_one_block(epoch, parts, block)
            return clause, f"after the {crash} {why}"
    if len(failures) == 1:
        violation = _of_reads(parts, failures[0])
        return violation.clause, f"after the {crash} {violation.explanation}"
    return "CRASH-3", f"after the {crash} {_half_happened(epoch, parts, failures)}"


def _is_left_over(epoch: Epoch, parts: Parts, violation: Violation) -> bool:
    """Whether a target block is wrong whose grain nobody has written to since the crash before.

    Its two sides differed when it came back, and what said so was gone.
    """
    if violation.clause != "READ-2" or violation.block < 0:
        return False
    geometry = epoch.history.geometry
    blocks = blocks_of_grain(geometry, violation.block // geometry.grain_blocks)
    return not any(
        touch[2] in _WRITES.values() and touch[0] < violation.until
        for block in blocks
        for touch in parts.touches.blocks[block]
    )


def _fits(parts: Parts, block: int, committed: int, after: Images) -> bool:
    """Whether one block by itself can have survived so."""
    try:
        cuts = parts.cuts_with(committed)
        parts.follow(block, cuts, committed, parts.found(block, after), [])
    except (NoPathError, LostError):
        return False
    return True


def _of_one_block(epoch: Epoch, parts: Parts, block: int) -> tuple[str, str]:
    after = epoch.after
    of_source = evolve(after, target=None)
    volume = Volume.TARGET
    if not any(_fits(parts, block, choice, of_source) for choice in parts.choices()):
        volume = Volume.SOURCE
    shows = _shows(epoch, parts, block, volume, parts.choices())
    durable = _durable(parts, block, volume)
    if volume is Volume.SOURCE:
        return "CRASH-1", shows + (f", for {_covered(epoch, durable, volume)}" if durable else "")
    last = parts.choices()[0]
    point = f"start or sync #{parts.touches.cuts[last][5]}" if last != NONE else "the last crash"
    if durable and (last == NONE or durable[0] > parts.touches.cuts[last][1]):
        return "CRASH-1", f"{shows}, for {_covered(epoch, durable, volume)}"
    seen = after.target[block]
    newer = [
        touch
        for touch in parts.touches.blocks[block]
        if touch[2] == WRITE_SOURCE and touch[3] == seen
        if last == NONE or touch[0] > parts.touches.cuts[last][1]
    ]
    if newer:
        why = f"request #{newer[0][5]} wrote that to the source after {point}: too new"
    else:
        why = f"what the source held at {point} is lost: stale, or another's data"
    return "CRASH-2", f"{shows}; {why}"


def _shows(epoch: Epoch, parts: Parts, block: int, volume: Volume, choices: list[int]) -> str:
    """What a block shows, and all that it may show."""
    side = "source" if volume is Volume.SOURCE else "target"
    seen = getattr(epoch.after, side)[block]
    known = [touch[3] for touch in parts.touches.blocks[block]]
    known += [epoch.before.source[block], epoch.before.target[block]]
    may = sorted(
        content
        for content in set(known)
        if any(
            _fits(parts, block, choice, evolve(_NOTHING_FOUND, **{side: _only(block, content)}))
            for choice in choices
        )
    )
    grain = block // epoch.history.geometry.grain_blocks
    right = " or ".join(map(_name, may))
    return f"{side} block {block} (grain {grain}) shows {_name(seen)} and must show {right}"


def _only(block: int, content: int) -> dict[int, int]:
    """An image of which one block is known."""
    return {block: content}


def _durable(parts: Parts, block: int, volume: Volume) -> Touch | None:
    """The last write to the block that a flush covers."""
    covered = [
        touch
        for touch in parts.touches.blocks[block]
        if touch[2] == _WRITES[volume] and parts.is_durable(touch)
    ]
    return covered[-1] if covered else None


def _covered(epoch: Epoch, write: Touch, volume: Volume) -> str:
    """Why a write is durable."""
    by = next(
        each
        for each in sorted(epoch.history.requests, key=lambda request: request.begin)
        if each.begin > write[1] and each.outcome == Done() and flushes(each, volume)
    )
    word = type(by.operation).__name__.lower()
    return (
        f"{_name(write[3])} (request #{write[5]}) was answered before {word} #{by.number} was"
        " asked for, and that was answered"
    )


def _half_happened(epoch: Epoch, parts: Parts, failures: list[Failure]) -> str:
    """CRASH-3: each choice is contradicted by something else."""
    told = []
    for failure in failures:
        if failure.committed == NONE:
            choice = "none of the starts and syncs has happened"
        else:
            choice = f"start or sync #{parts.touches.cuts[failure.committed][5]} is the last"
            choice += " that has happened"
        if failure.told:
            why = _of_reads(parts, failure).explanation
        else:
            side = Volume.TARGET
            why = _shows(epoch, parts, failure.block, side, [failure.committed])
        told.append(f"if {choice}, {why}")
    return f"a start or sync has half happened: {'; '.join(told)}"


def _of_reads(parts: Parts, failure: Failure) -> Violation:
    """What the cut says, of an epoch that begins with the state its first requests stand for."""
    cuts = [(-4, -3, CUT, 0, False, -1)]
    cuts += [(*cut[:3], cut[3] + 1, *cut[4:]) for cut in parts.touches.cuts]
    blocks = [
        [
            (-6, -5, WRITE_SOURCE, parts.before.target[block], False, -1),
            (-2, -1, WRITE_SOURCE, parts.before.source[block], False, -1),
            *touches,
        ]
        for block, touches in enumerate(parts.touches.blocks)
    ]
    touches = Touches(blocks, cuts)
    if failure.touch:
        return of_block(touches, failure.block, failure.touch)
    return of_moments(touches, [_shifted(each) for each in failure.told])


def _shifted(evidence: Evidence) -> Evidence:
    """The same of cuts whose numbers are one more."""
    return evolve(
        evidence,
        accounts=tuple(
            tuple((cut + 1, low, high) for cut, low, high in account)
            for account in evidence.accounts
        ),
    )


def _name(content: int) -> str:
    return "zeros" if content == ZERO else f"write {content}"
