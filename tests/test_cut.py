"""The cut acquits whatever a correct flashcopy can answer, and convicts with the right two blocks.

IMG-1, READ-1, READ-2, CONC-1, CONC-2, CONC-3, and what was refused or killed.
"""

import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcopy.conformance.oracle.cut import OverlappingWritesError, check
from flashcopy.conformance.oracle.history import History, Recorder, Request, from_trace, to_trace
from flashcopy.model.geometry import Geometry, blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    Contents,
    Done,
    Operation,
    Outcome,
    Read,
    Refusal,
    Refused,
    Start,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.trace import dumps, loads

BLOCK = 512
GEOMETRY = Geometry(4 * BLOCK, BLOCK, 2 * BLOCK)
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET


@define
class InFlight:
    """A request on its way: the blocks it has not touched yet, and what it has seen."""

    number: int
    operation: Operation
    begin: int
    todo: list[int]
    seen: dict[int, int] = field(factory=dict)


@define
class Play:
    """Two images, and requests that take effect block by block whenever Hypothesis says so."""

    draw: st.DataObject
    images: dict[Volume, list[int]] = field(
        factory=lambda: {volume: [0] * GEOMETRY.blocks for volume in Volume}
    )
    in_flight: list[InFlight] = field(factory=list)
    done: list[Request] = field(factory=list)
    ticks: int = 0
    contents: int = 0

    def submit(self) -> None:
        """A new request, unless it would write what is being written or move a moving point."""
        kind = self.draw.draw(st.sampled_from("wwwrrrs"))
        if kind == "s":
            if any(isinstance(each.operation, Sync | Start) for each in self.in_flight):
                return
            self._begin(Start() if self.draw.draw(st.booleans()) else Sync(), [0])
            return
        volume = self.draw.draw(st.sampled_from(Volume))
        first = self.draw.draw(st.integers(0, GEOMETRY.blocks - 1))
        last = self.draw.draw(st.integers(first, GEOMETRY.blocks - 1))
        blocks = list(range(first, last + 1))
        offset, length = first * BLOCK, len(blocks) * BLOCK
        if kind == "r":
            self._begin(Read(volume, offset, length), blocks)
            return
        for each in self.in_flight:
            other = each.operation
            if isinstance(other, Write) and other.volume is volume:
                touched = blocks_of_request(GEOMETRY, other.offset, other.length)
                if set(touched) & set(blocks):
                    return
        self.contents += 1
        self._begin(Write(volume, offset, length, self.contents), blocks)

    def act(self) -> None:
        """One request in flight takes effect on one of its blocks, or is answered."""
        request = self.draw.draw(st.sampled_from(self.in_flight))
        if not request.todo:
            self._answer(request)
            return
        block = request.todo.pop(self.draw.draw(st.integers(0, len(request.todo) - 1)))
        operation = request.operation
        if isinstance(operation, Write):
            self.images[operation.volume][block] = operation.content
        elif isinstance(operation, Read):
            request.seen[block] = self.images[operation.volume][block]
        else:
            self.images[TARGET] = list(self.images[SOURCE])

    def _begin(self, operation: Operation, todo: list[int]) -> None:
        number = len(self.done) + len(self.in_flight)
        self.in_flight.append(InFlight(number, operation, self._tick(), todo))

    def _answer(self, request: InFlight) -> None:
        self.in_flight.remove(request)
        outcome: Outcome = Done()
        if isinstance(request.operation, Read):
            outcome = Contents(tuple(request.seen[block] for block in sorted(request.seen)))
        self.done.append(
            Request(request.number, request.operation, request.begin, self._tick(), outcome)
        )

    def _tick(self) -> int:
        self.ticks += 1
        return self.ticks


@given(st.data())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_acquits_what_a_correct_flashcopy_answers(data: st.DataObject) -> None:
    """CONC-2, CONC-3: effects block by block at any moment of a request's interval."""
    play = Play(data)
    for _ in range(data.draw(st.integers(1, 60))):
        if not play.in_flight or (len(play.in_flight) < 4 and data.draw(st.booleans())):
            play.submit()
        else:
            play.act()
    while play.in_flight:
        play.act()
    history = History(GEOMETRY, tuple(play.done))
    assert check(history) is None
    again = from_trace(loads(dumps(to_trace(history, origin="test"))))
    assert check(again) is None


def write(content: int, begin: int, end: int, block: int = 0, volume: Volume = SOURCE) -> Request:
    """A write of one block."""
    return Request(begin, Write(volume, block * BLOCK, BLOCK, content), begin, end, Done())


def read(seen: tuple[int, ...], begin: int, end: int, volume: Volume, block: int = 0) -> Request:
    """A read of blocks, and what it saw."""
    operation = Read(volume, block * BLOCK, len(seen) * BLOCK)
    return Request(begin, operation, begin, end, Contents(seen))


def sync(begin: int, end: int) -> Request:
    """A sync."""
    return Request(begin, Sync(), begin, end, Done())


WRONG: dict[str, tuple[str, str, list[Request]]] = {
    "source shows an older write": (
        "READ-1",
        "stale",
        [write(1, 1, 2), write(2, 3, 4), read((1,), 5, 6, SOURCE)],
    ),
    "source shows a later write": (
        "READ-1",
        "too new",
        [write(1, 1, 2), read((2,), 3, 4, SOURCE), write(2, 5, 6)],
    ),
    "source shows what was never written": (
        "READ-1",
        "foreign or misplaced",
        [write(1, 1, 2), read((9,), 3, 4, SOURCE)],
    ),
    "target shows a write from after the sync": (
        "READ-2",
        "too new",
        [sync(1, 2), write(1, 3, 4), read((1,), 5, 6, TARGET)],
    ),
    "a write straddles a sync": (
        "CONC-2",
        "had prepared its grain (copied and marked it) before the start or sync and landed after",
        [write(1, 1, 6), sync(2, 3), read((0,), 4, 5, SOURCE), read((1,), 7, 8, TARGET)],
    ),
    "a sync misses what the source was seen to have": (
        "CONC-2",
        "the source had write 1 when start or sync #4 began, and the target does not",
        [write(1, 1, 10), read((1,), 2, 3, SOURCE), sync(4, 5), read((0,), 6, 7, TARGET)],
    ),
    "a sync takes a mark away": (
        "READ-2",
        "write 1 (request #1) was in flight with start or sync #2, which cleared its mark",
        [write(1, 1, 4), sync(2, 3), sync(5, 6), read((0,), 7, 8, TARGET)],
    ),
    "blocks from two moments": (
        "CONC-2",
        "not all of the source was taken at one instant",
        [sync(1, 10), write(1, 2, 3), write(2, 4, 5, block=1), read((0, 2), 11, 12, TARGET)],
    ),
    "target misses a write from before the sync": (
        "READ-2",
        "never copied, or stale",
        [write(1, 1, 2), sync(3, 4), read((0,), 5, 6, TARGET)],
    ),
    "target shows an overwritten write": (
        "READ-2",
        "stale",
        [write(1, 1, 2), write(2, 3, 4), sync(5, 6), read((1,), 7, 8, TARGET)],
    ),
    "a target write survives a sync": (
        "READ-2",
        "undone by a start or sync",
        [write(1, 1, 2, volume=TARGET), sync(3, 4), read((1,), 5, 6, TARGET)],
    ),
    "a target write is lost": (
        "READ-2",
        "a target write is lost",
        [
            write(1, 1, 2),
            sync(3, 4),
            write(2, 5, 6, volume=TARGET),
            read((1,), 7, 8, TARGET),
        ],
    ),
    "one epoch shows two contents": (
        "IMG-1",
        "without a write",
        [
            write(1, 2, 6),
            sync(1, 9),
            read((0,), 10, 11, TARGET),
            read((1,), 12, 13, TARGET),
        ],
    ),
    "no single moment": (
        "CONC-2",
        "the start or sync #1 has no single moment: block 0 shows write 2 (request #4), begun only"
        " at 4, but block 1 is missing write 1 (request #2), which had been answered at 3",
        [sync(1, 9), write(1, 2, 3, block=1), write(2, 4, 5), read((2, 0), 10, 11, TARGET)],
    ),
    "no single moment, as a source read shows": (
        "CONC-2",
        "block 0 shows write 2 (request #6), begun only at 6, but block 1 is missing a write that"
        " source read #4, answered at 5, had seen",
        [
            sync(1, 20),
            write(1, 2, 19, block=1),
            read((1,), 4, 5, SOURCE, block=1),
            write(2, 6, 18),
            read((2, 0), 21, 22, TARGET),
        ],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_convicts_and_explains(name: str) -> None:
    """READ-1, READ-2, IMG-1, CONC-2: each kind of wrong answer, with clause and explanation."""
    clause, explanation, requests = WRONG[name]
    violation = check(History(GEOMETRY, tuple(requests)))
    assert violation is not None
    assert violation.clause == clause
    assert explanation in violation.explanation


def test_overlap_is_no_evidence() -> None:
    """CONC-3: what overlaps a sync may see either side of it."""
    either = [write(1, 1, 2), sync(3, 8), read((0,), 4, 5, TARGET), read((1,), 6, 7, TARGET)]
    assert check(History(GEOMETRY, tuple(either))) is None


def unanswered(request: Request) -> Request:
    """The same request, killed at its end."""
    return evolve(request, outcome=None)


def test_a_killed_write_may_have_happened() -> None:
    """CRASH-3: it shows or it does not, in each block for itself, but it does not come and go."""
    for seen in ((0, 0), (1, 0), (0, 1), (1, 1)):
        killed = unanswered(Request(1, Write(SOURCE, 0, 2 * BLOCK, 1), 1, 2, Done()))
        later = read(seen, 3, 4, SOURCE)
        assert check(History(GEOMETRY, (killed, later))) is None
        changed = read((1 - seen[0], seen[1]), 5, 6, SOURCE)
        violation = check(History(GEOMETRY, (killed, later, changed)))
        assert violation is not None
        assert violation.clause == "READ-1"
        assert "changed without a write" in violation.explanation


def test_a_killed_sync_happened_or_not() -> None:
    """CRASH-3: for all blocks alike."""
    before = (write(1, 1, 2), write(2, 3, 4, block=1), unanswered(sync(5, 6)))
    for seen, right in (((0, 0), True), ((1, 2), True), ((1, 0), False), ((0, 2), False)):
        violation = check(History(GEOMETRY, (*before, read(seen, 7, 8, TARGET))))
        assert (violation is None) == right
        assert violation is None or violation.clause == "CONC-2"
        assert violation is None or "needs #5 never; block" in violation.explanation


def test_syncs_that_overlap_have_a_moment_each() -> None:
    """CONC-2: a block can show what it had at the one while another shows the other's."""
    requests = [
        sync(1, 20),
        sync(2, 19),
        write(1, 3, 4),
        write(2, 5, 6, block=1),
        read((1, 0), 7, 8, TARGET),
    ]
    right = (*requests, read((1, 2), 21, 22, TARGET))
    assert check(History(GEOMETRY, right)) is None
    wrong = (*requests, read((0, 2), 21, 22, TARGET))
    assert check(History(GEOMETRY, wrong)) is not None


def test_zeroes_written_again_can_be_either() -> None:
    """WRITE-4: zeros may be the ones of before the write, or the ones written after it."""
    zeroes = Request(5, WriteZeroes(SOURCE, 0, BLOCK), 5, 6, Done())
    requests = [sync(1, 9), write(1, 2, 3), zeroes, write(2, 7, 8, block=1)]
    for seen in ((0, 0), (1, 0), (0, 2)):
        assert check(History(GEOMETRY, (*requests, read(seen, 10, 11, TARGET)))) is None
    assert check(History(GEOMETRY, (*requests, read((1, 2), 10, 11, TARGET)))) is not None


def test_refused_requests_changed_nothing() -> None:
    """ERR-2, LIFE-3: and one that failed in a device may have (ERR-5)."""
    refused = evolve(write(1, 1, 2), outcome=Refused(Refusal.INVALID_STATE))
    assert check(History(GEOMETRY, (refused, read((0,), 3, 4, SOURCE)))) is None
    assert check(History(GEOMETRY, (refused, read((1,), 3, 4, SOURCE)))) is not None
    failed = evolve(write(1, 1, 2), outcome=Refused(Refusal.IO_ERROR))
    for seen in (0, 1):
        assert check(History(GEOMETRY, (failed, read((seen,), 3, 4, SOURCE)))) is None


def test_writes_that_overlap_are_no_history() -> None:
    """Which of two came last nobody knows, so it is said rather than guessed."""
    with pytest.raises(OverlappingWritesError, match="#1 and #2 wrote one block"):
        check(History(GEOMETRY, (write(1, 1, 4), write(2, 2, 3))))


def test_what_is_in_flight_when_killed_is_unanswered() -> None:
    """A recorder tells killed requests from answered ones, and goes on after the restart."""
    recorder = Recorder(GEOMETRY)
    killed = recorder.submitted(Write(SOURCE, 0, BLOCK, 1))
    recorder.killed()
    after = recorder.submitted(Read(SOURCE, 0, BLOCK))
    recorder.was_answered(after, Contents((1,)))
    open_ = recorder.submitted(Sync())
    history = recorder.history()
    outcomes = {request.number: request.outcome for request in history.requests}
    assert outcomes == {killed: None, after: Contents((1,)), open_: None}
    assert check(history) is None
