"""The likeliest cause of what the cut has found: which step was left out, or came at a wrong time.

The cut proves that a history is wrong; it knows nothing of maps and copies. But which write was in
flight with which start or sync, and which came after which, narrows down what an implementation can
have done. A cause is said only where the history bears it out, and all that remain are named.
"""

from collections.abc import Sequence

from flashcopy.conformance.oracle.touches import (
    READ_SOURCE,
    WRITE_SOURCE,
    WRITE_TARGET,
    Touch,
    Touches,
)
from flashcopy.model.volume import ZERO

_WRITES = (WRITE_SOURCE, WRITE_TARGET)


def of_two_sides(touches: Touches, block: int, reads: Sequence[Touch]) -> str:
    """Why reads of the source and of the target do not go together; empty if it cannot be told.

    It begins with `: `, as it is put behind what they saw.
    """
    source = [each for each in reads if each[2] == READ_SOURCE][-1]
    target = [each for each in reads if each[2] != READ_SOURCE][-1]
    writes = {each[3]: each for each in touches.blocks[block] if each[2] == WRITE_SOURCE}
    landed = writes.get(target[3])
    if landed and landed[1] > source[0]:
        between = [cut for cut in touches.cuts if cut[1] > source[0] and cut[0] < target[1]]
        if between:
            return ""
        return (
            f": {name_of(target[3])} reached the source only after read #{source[5]} had begun, and"
            " no start or sync came after that, so the target must not have it: the write had"
            " prepared its grain (copied and marked it) before the start or sync and landed after"
            " it, or its old data was not copied before it, or the grain was copied again"
        )
    missed = [cut for cut in touches.cuts if cut[0] >= source[1] and cut[1] <= target[0]]
    if missed:
        return (
            f": the source had {name_of(source[3])} when {point_of(missed[-1])} began, and the"
            " target does not: the write's mark was lost, or cleared by an earlier start or sync"
            " that it was in flight with, or an older copy of the grain has landed late"
        )
    return ""


def of_stale(touches: Touches, block: int, point: Touch) -> str:
    """Why the target shows what is older than a point in time, of which all is certain.

    It begins with `; ` and is empty if no write was answered before the point in time.
    """
    missed = [each for each in touches.blocks[block] if each[2] in _WRITES and each[1] < point[0]]
    if not missed:
        return ""
    last = max(missed, key=lambda write: write[1])
    if last[5] < 0:  # it stands for what was found after a crash
        return f"; the source had {name_of(last[3])} there when it came back"
    said = f"{name_of(last[3])} ({request_of(last)})"
    crossed = [cut for cut in touches.cuts if cut[0] < last[1] and last[0] < cut[1] <= point[0]]
    if crossed:
        return (
            f"; {said} was in flight with {point_of(crossed[-1])}, which cleared its mark or lost"
            f" it, so that {point_of(point)} found the grain unchanged, or an older copy of the"
            " grain has landed late"
        )
    return (
        f"; {said} had changed the block, so {point_of(point)} had to make its grain uncopied: the"
        " mark was not set, or lost, or the grain was taken for copied before its data was there,"
        " or an older copy of it has landed late"
    )


def of_moments(late: int, early: int) -> str:
    """Why two blocks show the source at different moments."""
    return (
        "; so not all of the source was taken at one instant: writes were let in while the start or"
        f" sync was under way, or a write was marked on one side of it and landed on the other, so"
        f" that block {late} shows what came too late, or block {early} was not made uncopied"
    )


def name_of(content: int) -> str:
    """A content by the write it came from."""
    return "zeros" if content == ZERO else f"write {content}"


def request_of(touch: Touch) -> str:
    """The request a touch is of; what stands for the state after a crash has a negative number."""
    return f"request #{touch[5]}" if touch[5] >= 0 else "there after the last crash"


def point_of(cut: Touch) -> str:
    """A start or sync; or the crash that what is judged began with."""
    return f"start or sync #{cut[5]}" if cut[5] >= 0 else "the last crash"
