"""A wrong block is explained by its cause: which write, which point in time, what was left out.

READ-1, READ-2, WRITE-1, SYNC-2, START-1, COPY-1: each history below is answered with one block that
is wrong in a way that one fault, and no other, would make it.
"""

import pytest

from flashcopy.conformance.shrinking.diagnosis import explain
from flashcopy.conformance.wrong import Kind
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import BackgroundCopy, Operation, Start, Stop, Sync
from flashcopy.model.operation import Write as Bytes
from flashcopy.model.operation import WriteZeroes as Zeroes

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
GEOMETRY = Geometry(7 * 512, 512, 1024)
COPY = BackgroundCopy(None)


def write(volume: Volume, first: int, blocks: int, content: int) -> Operation:
    """A write in blocks."""
    return Bytes(volume, first * 512, blocks * 512, content)


FILL = write(SOURCE, 0, 7, 1)


@pytest.mark.parametrize(
    ("history", "block", "contents", "what", "cause"),
    [
        (
            [FILL, Start(), write(SOURCE, 2, 1, 2)],
            2,
            (1, 2),
            "too new",
            "write 2 (request #2, source block 2) came after the start (request #1), when grain 1"
            " was not copied yet: its old data had to be copied to the target before the write",
        ),
        (
            [FILL, Start(), write(SOURCE, 0, 5, 2)],
            4,
            (1, 2),
            "too new",
            "(grain 2 is the last of the grains 0-2 of it)",
        ),
        (
            [FILL, Start(), Zeroes(SOURCE, 0, 512)],
            0,
            (1, 0),
            "too new",
            "(writing zeroes is a write like any other)",
        ),
        (
            [FILL, Start(), COPY, write(SOURCE, 2, 1, 2), COPY],
            2,
            (1, 2),
            "too new",
            "before it the background copy (request #2) had copied grain 1, so that the target has"
            " the old data for itself: the background copy (request #4) copied the grain again",
        ),
        (
            [FILL, Start(), write(TARGET, 2, 1, 2), COPY],
            2,
            (2, 1),
            "stale",
            "write 2 (request #2, target block 2) put the right data there and was answered, and it"
            " is gone: the background copy (request #3) copied grain 1 over it",
        ),
        (
            [FILL, Start(), write(TARGET, 0, 4, 2), write(TARGET, 3, 1, 3)],
            3,
            (3, 2),
            "stale",
            "write 2 (request #2, target blocks 0-3) came before it, and landed after it",
        ),
        (
            [FILL, Start(), write(TARGET, 3, 1, 2), Sync()],
            3,
            (1, 2),
            "not undone",
            "write 2 (request #2, target block 3) came before the sync (request #3), which must",
        ),
        (
            [FILL, Start(), COPY, write(SOURCE, 2, 2, 2), Sync()],
            3,
            (2, 1),
            "stale",
            "write 2 (request #3, source blocks 2-3) changed grain 1 (and found it copied) after"
            " the start (request #1), so the sync (request #4) had to make the grain uncopied",
        ),
        (
            [FILL, Start(), write(SOURCE, 6, 1, 2), Sync(), COPY],
            6,
            (2, 1),
            "stale",
            "the background copy (request #4) had to copy grain 3 (the short last one) after the"
            " sync (request #3): it counts as copied, but what the source held there",
        ),
        (
            [FILL, Start(), write(TARGET, 2, 1, 2)],
            3,
            (1, 0),
            "stale",
            "write 2 (request #2, target block 2) had to copy grain 1, of which it changed other",
        ),
        (
            [FILL, Start(), BackgroundCopy(1)],
            2,
            (1, 0),
            "stale",
            "nothing has copied grain 1 since the start (request #1), so it must be read from the"
            " source (fake read), but it is taken for copied: a start must leave nothing copied,"
            " and the background copy (request #2) must mark only what it has copied",
        ),
        (
            [FILL, Start(), Sync()],
            2,
            (1, 0),
            "stale",
            "and it was not copied before, so it must be read from the source (fake read), but it"
            " is taken for copied: the merge must leave copied only what was copied and not",
        ),
        (
            [FILL, Start(), COPY, Sync()],
            2,
            (1, 0),
            "stale",
            "since the sync (request #3), and nothing had changed it: the copy made before that",
        ),
        ([FILL, Start(), COPY, Stop(), write(SOURCE, 0, 1, 2)], 5, (1, 9), "stale", ""),
        ([FILL], 0, (0, 9), "wrong", ""),
    ],
)
def test_target(
    history: list[Operation], block: int, contents: tuple[int, int], what: str, cause: str
) -> None:
    said, found = explain(GEOMETRY, list(enumerate(history)), TARGET, block, contents)
    right, wrong = ("zeros" if content == 0 else f"write {content}" for content in contents)
    head = f"target block {block} (grain {block // 2}) is {what}: it must show {right} and shows"
    assert said.startswith(f"{head} {wrong}")
    assert cause in said
    assert (found.name or "wrong", found.blocks, found.contents) == (what, (block,), contents)
    assert set(found.requests) <= set(range(len(history)))


def test_source() -> None:
    history = list(enumerate([write(SOURCE, 0, 4, 1), write(SOURCE, 1, 1, 2)]))
    lost, _ = explain(GEOMETRY, history, SOURCE, 1, (2, 0))
    assert lost.endswith(
        "write 2 (request #1, source block 1) was the last to write there and was answered: it was"
        " lost"
    )
    late, found = explain(GEOMETRY, history, SOURCE, 1, (2, 1))
    assert late.endswith(
        "or write 1 (request #0, source blocks 0-3), which came before it, landed after it"
    )
    assert (found.kind, found.requests) == (Kind.STALE, (0, 1))
    nobody, found = explain(GEOMETRY, history, SOURCE, 5, (0, 9))
    assert "is wrong: it must show zeros and shows write 9" in nobody
    assert found.kind is None
