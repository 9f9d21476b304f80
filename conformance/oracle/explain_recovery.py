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
from flashcopy.conformance.wrong import Kind, Wrong
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


def explain(epoch: Epoch, failures: list[Failure], crash: str, earlier: str = "") -> Violation:
    """The clause that is broken, and how.

    `crash` is what ended the epoch, in words, and `earlier` what came before it, empty if nothing
    did. What is wrong though no crash came after it may still be the work of the one before.
    """
    before = judge(evolve(epoch, after=_NOTHING_FOUND))
    parts = Parts.of(epoch)
    if before:
        violation = _of_reads(parts, before[0])
        if earlier and _is_left_over(epoch, parts, violation):
            says = f"after the {earlier} {violation.explanation}{_LEFT_OVER}"
            return evolve(violation, clause="CRASH-2", explanation=says)
        return evolve(violation, explanation=f"{violation.explanation} (before the {crash})")
    for block in range(epoch.history.geometry.blocks):
        if not any(_fits(parts, block, choice, epoch.after) for choice in parts.choices()):
            violation = _of_one_block(epoch, parts, block)
            return evolve(violation, explanation=f"after the {crash} {violation.explanation}")
    if len(failures) == 1:
        violation = _of_reads(parts, failures[0])
        return evolve(violation, explanation=f"after the {crash} {violation.explanation}")
    blocks = tuple(dict.fromkeys(each.block for each in failures if each.block >= 0))
    cuts = tuple(parts.touches.cuts[each.committed][5] for each in failures if each.committed >= 0)
    says = f"after the {crash} {_half_happened(epoch, parts, failures)}"
    return Violation("CRASH-3", says, Wrong(Kind.HALF_HAPPENED, blocks, cuts))


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


def _of_one_block(epoch: Epoch, parts: Parts, block: int) -> Violation:
    after = epoch.after
    of_source = evolve(after, target=None)
    volume = Volume.TARGET
    if not any(_fits(parts, block, choice, of_source) for choice in parts.choices()):
        volume = Volume.SOURCE
    shows = _shows(epoch, parts, block, volume, parts.choices())
    may = _may_show(parts, block, volume, parts.choices())
    seen = _seen(epoch, block, volume)
    durable = _durable(parts, block, volume)
    kind = Kind.STALE if not may or seen < min(may) else Kind.TOO_NEW
    wrong = Wrong(kind, (block,), (durable[5],) if durable else (), (seen, *may))
    if volume is Volume.SOURCE:
        why = f", for {_covered(epoch, durable, volume)}" if durable else ""
        return Violation("CRASH-1", shows + why, wrong)
    last = parts.choices()[0]
    point = f"start or sync #{parts.touches.cuts[last][5]}" if last != NONE else "the last crash"
    if durable and (last == NONE or durable[0] > parts.touches.cuts[last][1]):
        return Violation("CRASH-1", f"{shows}, for {_covered(epoch, durable, volume)}", wrong)
    if last != NONE:
        wrong = wrong.seen_by(parts.touches.cuts[last][5])
    newer = [
        touch
        for touch in parts.touches.blocks[block]
        if touch[2] == WRITE_SOURCE and touch[3] == seen
        if last == NONE or touch[0] > parts.touches.cuts[last][1]
    ]
    if newer:
        wrong = evolve(wrong.seen_by(newer[0][5]), kind=Kind.TOO_NEW)
        why = f"request #{newer[0][5]} wrote that to the source after {point}: too new"
    else:
        why = f"what the source held at {point} is lost: stale, or another's data"
    return Violation("CRASH-2", f"{shows}; {why}", wrong)


def _shows(epoch: Epoch, parts: Parts, block: int, volume: Volume, choices: list[int]) -> str:
    """What a block shows, and all that it may show."""
    grain = block // epoch.history.geometry.grain_blocks
    seen, may = _seen(epoch, block, volume), _may_show(parts, block, volume, choices)
    right = " or ".join(map(_name, may))
    return f"{volume.value} block {block} (grain {grain}) shows {_name(seen)} and must show {right}"


def _seen(epoch: Epoch, block: int, volume: Volume) -> int:
    image = epoch.after.source if volume is Volume.SOURCE else epoch.after.target
    content: int = image[block]
    return content


def _may_show(parts: Parts, block: int, volume: Volume, choices: list[int]) -> list[int]:
    """All that a block may show after the crash."""
    side = "source" if volume is Volume.SOURCE else "target"
    known = [touch[3] for touch in parts.touches.blocks[block]]
    known += [parts.before.source[block], parts.before.target[block]]
    return sorted(
        content
        for content in set(known)
        if any(
            _fits(parts, block, choice, evolve(_NOTHING_FOUND, **{side: _only(block, content)}))
            for choice in choices
        )
    )


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
