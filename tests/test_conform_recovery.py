"""Recovery against every order of effects and every loss: agreeing on every small random epoch.

CRASH-1, CRASH-2, CRASH-3, REC-1, CONC-1, CONC-2, FLUSH-1. Then the judgement is broken on purpose,
and the same comparison must notice: a right epoch is convicted then, or a wrong one acquitted.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import frozen

from flashcopy.conformance.oracle import recovery, survival
from flashcopy.conformance.oracle.evidence import Evidence
from flashcopy.conformance.oracle.explain_recovery import explain
from flashcopy.conformance.oracle.history import History, Request
from flashcopy.conformance.oracle.moments import Moments
from flashcopy.conformance.oracle.recovery import Epoch, Parts, judge
from flashcopy.conformance.oracle.touches import READ_SOURCE, READ_TARGET, Touch
from flashcopy.conformance.wrong import Kind
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Images, Volume
from flashcopy.model.operation import Contents, Done, Flush, Read, Sync, Write
from tests.brute_crash import is_right
from tests.random_epochs import draw

SEED = 4
EPOCHS = 4000


@frozen
class Judged:
    """An epoch, how to draw it again, and whether it is right."""

    seed: str
    epoch: Epoch
    right: bool


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    """All the epochs, each judged by going through every order of effects and every loss."""
    seeds = [f"{SEED} {number}" for number in range(EPOCHS)]
    epochs = [(seed, draw(random.Random(seed))) for seed in seeds]
    return [Judged(seed, epoch, is_right(epoch)) for seed, epoch in epochs]


def test_agrees_with_every_order_and_every_loss_tried(judged: list[Judged]) -> None:
    """Neither is a right epoch convicted nor a wrong one acquitted; both kinds are plenty."""
    for each in judged:
        assert (not judge(each.epoch)) == each.right, f"seed {each.seed!r}: right is {each.right}"
    wrong = sum(not each.right for each in judged)
    assert len(judged) // 10 < wrong < len(judged) // 2


def only_answered(self: Parts) -> list[int]:
    return _choices(self)[:1]


def only_the_last(self: Parts) -> list[int]:
    return _choices(self)[-1:]


def nothing_is_durable(self: Parts, write: Touch) -> bool:
    del self, write
    return False


def what_is_answered_is_durable(self: Parts, write: Touch) -> bool:
    del self
    return not write[4]


def what_overlaps_a_flush_is_durable(self: Parts, write: Touch) -> bool:
    _, begin, does, content, unsure, number = write
    return _is_durable(self, (begin, write[0], does, content, unsure, number))


def never_compares_blocks(self: Moments, evidence: Evidence) -> None:
    del self, evidence


def forgets_the_reads_before(
    touches: Sequence[Touch], *others: Any, follow: Callable[..., None] = survival.survive
) -> None:
    follow([each for each in touches if each[2] not in (READ_SOURCE, READ_TARGET)], *others)


def some_target_contents_may_be_anywhere(self: survival._Follower, content: int) -> bool:
    return self.found.target in (None, content, 11, 12)


_choices, _is_durable = Parts.choices, Parts.is_durable

# What is broken: where, which name, and what takes its place.
FAULTS: dict[str, tuple[object, str, object]] = {
    "a cut-off sync never happened": (Parts, "choices", only_answered),
    "a cut-off sync always happened": (Parts, "choices", only_the_last),
    "nothing is durable": (Parts, "is_durable", nothing_is_durable),
    "what is answered is durable": (Parts, "is_durable", what_is_answered_is_durable),
    "what overlaps a flush is durable": (Parts, "is_durable", what_overlaps_a_flush_is_durable),
    "blocks are not compared": (Moments, "tell", never_compares_blocks),
    "reads before the crash are forgotten": (recovery, "survive", forgets_the_reads_before),
    "some target contents may be anywhere": (
        survival._Follower,
        "_fits_target",
        some_target_contents_may_be_anywhere,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_judgement_is_noticed(
    fault: str, judged: list[Judged], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*FAULTS[fault])
    assert any((not judge(each.epoch)) != each.right for each in judged)


def epoch_of(requests: list[Request], before: str, after: str) -> Epoch:
    """An epoch of two blocks, one to a grain; images are a digit a block, source and target."""
    images = [Images(*(tuple(map(int, side)) for side in each.split())) for each in (before, after)]
    return Epoch(History(Geometry(1024, 512, 512), tuple(requests)), *images)


def write(number: int, volume: Volume, block: int, content: int, begin: int, end: int) -> Request:
    return Request(number, Write(volume, block * 512, 512, content), begin, end, Done())


SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
FLUSH = Request(2, Flush(SOURCE), 3, 4, Done())
SYNC = Request(2, Sync(), 3, 4, Done())
CUT_OFF = Request(9, Sync(), 20, 30, None)


_POINTS = (Kind.NO_SINGLE_POINT, Kind.CHANGED)


@pytest.mark.parametrize(
    ("requests", "before", "after", "clause", "says"),
    [
        (
            [write(1, SOURCE, 0, 5, 1, 2), FLUSH],
            "11 11",
            "11 11",
            "CRASH-1",
            "source block 0 (grain 0) shows write 1 and must show write 5, for write 5 (request #1)"
            " was answered before flush #2 was asked for",
        ),
        (
            [SYNC, write(3, SOURCE, 1, 6, 5, 6)],
            "12 12",
            "16 16",
            "CRASH-2",
            "target block 1 (grain 1) shows write 6 and must show write 2; request #3 wrote that to"
            " the source after start or sync #2: too new",
        ),
        (
            [write(1, SOURCE, 0, 5, 1, 2), SYNC],
            "11 11",
            "51 11",
            "CRASH-2",
            "what the source held at start or sync #2 is lost",
        ),
        (
            [write(1, SOURCE, 0, 5, 1, 2), write(2, SOURCE, 1, 6, 3, 4), CUT_OFF],
            "11 22",
            "56 52",
            "CRASH-3",
            "a start or sync has half happened: if none of the starts and syncs has happened,"
            " target block 0 (grain 0) shows write 5 and must show write 2; if start or sync #9 is"
            " the last that has happened, target block 1 (grain 1) shows write 2 and must show"
            " write 6",
        ),
    ],
)
def test_explains(requests: list[Request], before: str, after: str, clause: str, says: str) -> None:
    """What the block shows, what it must show, and which request makes that so."""
    epoch = epoch_of(requests, before, after)
    failures = judge(epoch)
    assert failures
    said = explain(epoch, failures, "kill")
    assert said.clause == clause
    assert said.explanation.startswith("after the kill ")
    assert says in said.explanation
    # The same for machines: of what is said to be seen, and nothing else.
    kinds = {"CRASH-3": {Kind.HALF_HAPPENED}}.get(clause, {Kind.STALE, Kind.TOO_NEW, *_POINTS})
    assert said.wrong.kind in kinds
    assert said.wrong.blocks
    assert all(f"block {block}" in said.explanation for block in said.wrong.blocks)
    assert ("too new" in said.explanation) <= (said.wrong.kind is not Kind.STALE)


@pytest.mark.parametrize("written", [False, True])
def test_what_an_earlier_crash_left(written: bool) -> None:
    """CRASH-2: a grain that differs and is not marked so, though nobody wrote to it since."""
    stale = Request(5, Read(TARGET, 0, 1024), 5, 6, Contents((1, 2)))
    requests = [write(1, SOURCE, 0, 7, 1, 2)] * written + [SYNC, stale]
    epoch = epoch_of(requests, "52 12", "52 12")
    violation = explain(epoch, judge(epoch), "kill", "kill with a write in flight")
    clause, says = violation.clause, violation.explanation
    assert (violation.wrong.kind, violation.wrong.blocks) == (Kind.STALE, (0,))
    if written:
        assert clause == "READ-2"
        assert "write 7 (request #1) had changed the block" in says
        assert says.endswith("(before the kill)")
    else:
        assert clause == "CRASH-2"
        assert says.startswith("after the kill with a write in flight target block 0: ")
        assert "nobody wrote to its grain since that crash" in says
