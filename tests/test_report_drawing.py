"""What a drawing says is so: what it takes for known is, and what is in question is in it.

READ-1, READ-2, CONC-2, COPY-1, SYNC-2: the images and bits that the drawings show.
"""

import random
from collections.abc import Sequence

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcopy.conformance.check import Finding
from flashcopy.conformance.oracle.cut import check
from flashcopy.conformance.oracle.history import History, Request, to_trace
from flashcopy.conformance.report import drawing, known_contents
from flashcopy.conformance.report.known import END, Span
from flashcopy.conformance.report.known_bits import bits_known
from flashcopy.conformance.report.known_contents import contents_known
from flashcopy.conformance.report.scene import scene_of
from flashcopy.conformance.wrong import Kind, Wrong
from flashcopy.model import volume as model
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    BackgroundCopy,
    Contents,
    Done,
    Flush,
    Operation,
    Read,
    Start,
    Stop,
    Sync,
    Write,
)
from flashcopy.model.trace import Answer, Reopen, Submit, Trace
from tests.random_histories import draw

BLOCK = 512
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET


def stretched(history: History) -> History:
    """The same with room for a request between any two ticks."""
    requests = tuple(
        evolve(each, begin=10 * each.begin, end=10 * each.end) for each in history.requests
    )
    return evolve(history, requests=requests)


def with_read(history: History, volume: Volume, block: int, tick: int, seen: int) -> History:
    """The history with one more read, right after a tick."""
    read = Read(volume, block * BLOCK, BLOCK)
    request = Request(len(history.requests), read, tick + 1, tick + 2, Contents((seen,)))
    return evolve(history, requests=(*history.requests, request))


def known_wrongly() -> str:
    """What is taken for known and is not so, of some hundred random histories; empty if nothing.

    A read of what is known must be right, and a read of anything else wrong.
    """
    chance = random.Random(7)
    tried = {True: 0, False: 0}
    for _ in range(400):
        history = stretched(draw(chance))
        if check(history) is not None:
            continue
        last = max(each.end for each in history.requests)
        for block in range(history.geometry.blocks):
            known = contents_known(history.requests, (), history.geometry, block)
            for volume, spans in known.items():
                tick = 10 * chance.randrange(last // 10)
                (span,) = [span for span in spans if span.begin <= tick < span.end]
                tried[span.value is not None] += 1
                if span.value is None:
                    continue
                right = with_read(history, volume, block, tick, span.value)
                wrong = with_read(history, volume, block, tick, span.value + 1)
                if check(right) is not None or check(wrong) is None:
                    return f"{volume.value} block {block} at {tick} in {history}"
    assert min(tried.values()) > 200, tried
    return ""


def test_what_is_known_is_so() -> None:
    assert not known_wrongly()


@pytest.mark.mutation
@pytest.mark.parametrize("forgotten", ["_is_cut", "is_write", "_changes"])
def test_a_guess_is_noticed(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncs beside a target write, writes beside a sync, or what is in flight: not looked at."""
    monkeypatch.setattr(known_contents, forgotten, lambda *_: False)
    assert known_wrongly()


OPERATIONS = st.one_of(
    st.sampled_from([Start(), Sync(), Sync(), Stop(), BackgroundCopy(None), BackgroundCopy(1)]),
    st.builds(
        lambda volume, block: Write(volume, block * BLOCK, BLOCK, 1),
        st.sampled_from(Volume),
        st.integers(0, 4),
    ),
)
GEOMETRY = Geometry(5 * BLOCK, BLOCK, 2 * BLOCK)


@settings(max_examples=100)
@given(st.lists(OPERATIONS, max_size=12), st.integers(0, 2))
def test_bits_are_the_models(operations: list[Operation], grain: int) -> None:
    """With and without replaying the model itself: where both know, they agree."""
    machine = model.create(GEOMETRY)
    requests, bits = [], [(True, True)]
    for number, operation in enumerate(operations):
        machine, outcome = model.apply(machine, operation)
        requests.append(Request(number, operation, 10 * number + 5, 10 * number + 10, outcome))
        bits.append((bool(machine.grains[grain].copied), bool(machine.grains[grain].modified)))
    replayed = bits_known(requests, (), GEOMETRY, grain)
    reasoned = bits_known(requests, (END - 1,), GEOMETRY, grain)
    for number, right in enumerate(bits):
        assert at(replayed, 10 * number + 1) == right
        assert at(reasoned, 10 * number + 1) in (right, None)


def at(spans: Sequence[Span[tuple[bool, bool]]], tick: int) -> tuple[bool, bool] | None:
    """What is known at a tick."""
    (span,) = [span for span in spans if span.begin <= tick < span.end]
    return span.value


def test_a_kill_takes_what_was_not_flushed() -> None:
    """CRASH-1: the flushed write is known afterwards; the other one when it has been read."""
    requests = (
        Request(0, Write(SOURCE, 0, 2 * BLOCK, 1), 0, 1, Done()),
        Request(1, Flush(SOURCE), 2, 3, Done()),
        Request(2, Write(SOURCE, BLOCK, BLOCK, 2), 4, 5, Done()),
        Request(3, Read(SOURCE, 0, 2 * BLOCK), 8, 9, Contents((1, 1))),
    )
    flushed, lost = (contents_known(requests, (6,), GEOMETRY, block)[SOURCE] for block in (0, 1))
    assert [(span.begin, span.value) for span in flushed] == [(0, None), (1, 1)]
    assert [(span.begin, span.value) for span in lost[-3:]] == [(5, 2), (6, None), (9, 1)]


def contradiction() -> Finding:
    """A sync that took block 0 before and block 2 after one and the same moment."""
    requests = (
        Request(0, Start(), 0, 1, Done()),
        Request(1, Sync(), 2, 9, Done()),
        Request(2, Write(SOURCE, 0, BLOCK, 1), 3, 4, Done()),
        Request(3, Write(SOURCE, 2 * BLOCK, BLOCK, 2), 5, 6, Done()),
        Request(4, Read(TARGET, 0, 5 * BLOCK), 10, 11, Contents((0, 0, 2, 0, 0))),
    )
    history = History(GEOMETRY, requests)
    violation = check(history)
    assert violation is not None
    found = {"clause": violation.clause, "finding": violation.explanation}
    trace = to_trace(history, origin="conform", **found)
    return Finding(violation.clause, violation.explanation, trace, wrong=violation.wrong)


def test_the_requests_that_contradict_each_other_are_outlined() -> None:
    finding = contradiction()
    assert finding.trace is not None
    drawn = drawing.draw(finding.trace, finding.wrong)
    asked = {box.number for box in drawn.boxes if box.in_question}
    assert asked == {1, 2, 3, 4}
    (read,) = [box for box in drawn.boxes if box.number == 4]
    assert [(cell.block, cell.text) for cell in read.cells] == [(0, "0"), (2, "2")]
    assert [row.label for row in drawn.rows][-6:] == [
        "source 0",
        "target 0",
        "source 2",
        "target 2",
        "grain 0",
        "grain 1",
    ]
    assert "In question: request 1, sync" in drawn.words


def test_who_wrote_what_was_seen_is_outlined_too() -> None:
    entries = (
        Submit(0, Write(SOURCE, 0, BLOCK, 7)),
        Answer(0, Done()),
        Submit(1, Start()),
        Answer(1, Done()),
        Submit(2, Read(TARGET, 0, BLOCK)),
        Answer(2, Contents((0,))),
        Submit(3, Read(SOURCE, 0, BLOCK)),
        Answer(3, Contents((7,))),
    )
    found = "target block 0 is stale: it must show write 7; the start (request #1) had to copy it"
    wrong = Wrong(Kind.STALE, (0,), (2, 1), (7,))
    drawn = drawing.draw(Trace(GEOMETRY, entries, clause="READ-2", finding=found), wrong)
    assert [box.number for box in drawn.boxes if box.in_question] == [1, 0, 2]


def test_requests_in_flight_together_have_lanes_of_their_own() -> None:
    """Boxes never overlap, and time goes from left to right."""
    chance = random.Random(3)
    for _ in range(60):
        boxes = drawing.draw(to_trace(draw(chance), origin="test"), Wrong()).boxes
        for one in boxes:
            assert one.width > 0
            for other in boxes:
                if one is not other and one.y == other.y:
                    apart = one.x + one.width < other.x or other.x + other.width < one.x
                    assert apart, (one, other)
                assert one.begin >= other.begin or one.x < other.x


def test_a_long_history_is_cut_down_to_what_bears_on_it() -> None:
    """Hundreds of requests elsewhere are left out; the write that is shown is not."""
    entries: list[Submit | Answer | Reopen] = []
    operations: list[tuple[Operation, Done | Contents]] = [(Write(SOURCE, 0, BLOCK, 7), Done())]
    operations += [(Write(SOURCE, 4 * BLOCK, BLOCK, 100 + n), Done()) for n in range(300)]
    operations += [(Start(), Done()), (Read(TARGET, 0, BLOCK), Contents((0,)))]
    for number, (operation, outcome) in enumerate(operations):
        entries += [Submit(number, operation), Answer(number, outcome)]
    found = "target block 0 (grain 0) is stale: it must show write 7 and shows zeros"
    trace = Trace(GEOMETRY, tuple(entries), clause="READ-2", finding=found)
    scene = scene_of(trace, Wrong(Kind.STALE, (0,), (302,), (7, 0)))
    assert {0, 301, 302} <= {each.number for each in scene.requests}
    assert len(scene.requests) < 20
    assert scene.left_out == len(operations) - len(scene.requests)
    assert scene.in_question == {0, 302}


def test_a_kill_is_drawn() -> None:
    entries = (Submit(0, Start()), Answer(0, Done()), Reopen(), Submit(1, Read(TARGET, 0, BLOCK)))
    trace = Trace(GEOMETRY, entries, clause="REC-1", finding="it cannot be read")
    drawn = drawing.draw(trace, Wrong())
    (kill,) = drawn.kills
    start, read = drawn.boxes
    assert start.x + start.width < kill < read.x
    assert (read.in_question, read.answered) == (True, "never answered")
