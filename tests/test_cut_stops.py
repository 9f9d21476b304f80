"""The cut and the states together, where stops are in flight: against every order of effects.

LIFE-1, LIFE-3, STOP-1, SYNC-1, CONC-2, IMG-1, ERR-2: a sync that was carried out moved the point in
time while writes were tracked, and nothing that is read says otherwise.
"""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest
from attrs import define, evolve, field, frozen

from flashcopy.conformance.checks.flight import judge
from flashcopy.conformance.oracle import touches
from flashcopy.conformance.oracle.history import History, Request, to_trace
from flashcopy.model import images as machine
from flashcopy.model.geometry import Geometry, blocks_of_request
from flashcopy.model.images import Images, Volume
from flashcopy.model.operation import (
    Contents,
    Done,
    Flush,
    Operation,
    Outcome,
    Read,
    Refusal,
    Refused,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.trace import dumps

BLOCK = 512
GEOMETRY = Geometry(2 * BLOCK, BLOCK, BLOCK)
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
UNUSABLE = Refused(Refusal.INVALID_STATE)
HISTORIES = 800

# An effect still to come: a request, and the block it is on; None if it is of all, or of none.
Effect = tuple[Request, int | None]


@frozen
class State:
    """What the images are, whether writes are tracked, and what is still to come."""

    images: Images
    life: str
    to_come: frozenset[Effect]


def is_right(history: History) -> bool:
    """Whether any order of effects gives these answers, states included; a device may fail."""
    zeros = (0,) * history.geometry.blocks
    states = {State(Images(zeros, zeros), "idle", frozenset())}
    events = [(request.begin, True, request) for request in history.requests]
    events += [(request.end, False, request) for request in history.requests]
    for _, begins, request in sorted(events, key=lambda event: event[0]):
        effects = frozenset(effects_of(request))
        if begins:
            states = {State(each.images, each.life, each.to_come | effects) for each in states}
            continue
        states = {each for each in all_orders(states) if not each.to_come & effects}
    return bool(states)


def effects_of(request: Request) -> Iterator[Effect]:
    """What must happen: of I/O a moment at which it is let in, or not, and one for each block."""
    operation = request.operation
    yield request, None
    if isinstance(operation, Read | Write | WriteZeroes) and request.outcome != UNUSABLE:
        for block in blocks_of_request(GEOMETRY, operation.offset, operation.length):
            yield request, block


def all_orders(states: set[State]) -> set[State]:
    """Wherever what is in flight can lead."""
    reached, new = set(states), list(states)
    while new:
        state = new.pop()
        following = [after for effect in state.to_come for after in take_effect(state, effect)]
        if state.life == "tracking":
            following.append(State(state.images, "stopped", state.to_come))
        for after in following:
            if after not in reached:
                reached.add(after)
                new.append(after)
    return reached


def take_effect(state: State, effect: Effect) -> Iterator[State]:
    """Where an effect leads; nowhere if it cannot be now."""
    (request, block), to_come = effect, state.to_come - {effect}
    operation, images = request.operation, state.images
    refused = request.outcome == UNUSABLE
    if isinstance(operation, Start):
        yield State(machine.move_point_in_time(images), "tracking", to_come)
    elif isinstance(operation, Stop):
        for life in ("idle", "stopped") if state.life == "tracking" else (state.life,):
            yield State(images, life, to_come)
    elif isinstance(operation, Sync):
        if refused and state.life != "tracking":
            yield State(images, state.life, to_come)
        elif not refused and state.life == "tracking":
            yield State(machine.move_point_in_time(images), state.life, to_come)
    elif block is None:
        assert isinstance(operation, Read | Write | WriteZeroes | Flush)
        of_target = operation.volume is TARGET
        if refused == (of_target and state.life == "stopped"):
            yield State(images, state.life, to_come)
    else:
        assert isinstance(operation, Read | Write | WriteZeroes)
        image = machine.read(images, operation.volume)
        if isinstance(operation, Read):
            assert isinstance(request.outcome, Contents)
            if image[block] == request.outcome.contents[block - operation.offset // BLOCK]:
                yield State(images, state.life, to_come)
            return
        content = operation.content if isinstance(operation, Write) else 0
        written = image[:block] + (content,) + image[block + 1 :]
        yield State(machine.write(images, operation.volume, written), state.life, to_come)


@define
class Play:
    """A history in the making: what is in flight takes effect in a random order, and may lie."""

    chance: random.Random
    lies: float
    life: str = "idle"
    images: dict[Volume, list[int]] = field(factory=lambda: {each: [0, 0] for each in Volume})
    ticks: "count[int]" = field(factory=count)
    numbers: "count[int]" = field(factory=count)
    contents: "count[int]" = field(factory=lambda: count(1))
    in_flight: list[tuple[int, Operation, int, dict[int, int] | None]] = field(factory=list)
    done: list[Request] = field(factory=list)

    def begin(self, operation: Operation) -> None:
        self.in_flight.append((next(self.numbers), operation, next(self.ticks), None))

    def draw(self) -> Operation:
        """No start: those are asked by themselves."""
        kind = self.chance.choice("WWWwzrrrrssttf")
        if kind in "stf":
            flush = Flush(self.chance.choice([SOURCE, TARGET]))
            return Sync() if kind == "s" else Stop() if kind == "t" else flush
        volume = SOURCE if kind == "W" else self.chance.choice([SOURCE, TARGET, TARGET])
        first = self.chance.randrange(2)
        extent = (volume, first * BLOCK, self.chance.randint(1, 2 - first) * BLOCK)
        if kind == "r":
            return Read(*extent)
        return WriteZeroes(*extent) if kind == "z" else Write(*extent, next(self.contents))

    def submit(self) -> None:
        operation = self.draw()
        writes = [each for _, each, _, _ in self.in_flight if isinstance(each, Write | WriteZeroes)]
        if isinstance(operation, Write | WriteZeroes) and any(
            each.volume is operation.volume for each in writes
        ):
            return
        syncs = [each for _, each, _, _ in self.in_flight if isinstance(each, Sync)]
        if not (isinstance(operation, Sync) and syncs):
            self.begin(operation)

    def act(self) -> None:
        """One request in flight takes effect, all at once, or is answered."""
        at = self.chance.randrange(len(self.in_flight))
        number, operation, begin, seen = self.in_flight[at]
        if seen is None:
            self.in_flight[at] = (number, operation, begin, self.take_effect(operation))
            return
        del self.in_flight[at]
        outcome: Outcome = Done()
        if -1 in seen:
            outcome = UNUSABLE
        elif isinstance(operation, Read):
            contents = [seen[block] for block in sorted(seen)]
            if self.chance.random() < self.lies:
                contents[0] = self.chance.randrange(next(self.contents))
            outcome = Contents(tuple(contents))
        if isinstance(operation, Sync) and self.chance.random() < self.lies:
            outcome = Done() if outcome == UNUSABLE else UNUSABLE
        if isinstance(operation, Read | Flush) and self.chance.random() < self.lies / 4:
            outcome = UNUSABLE
        self.done.append(Request(number, operation, begin, next(self.ticks), outcome))

    def take_effect(self, operation: Operation) -> dict[int, int]:
        """What a read saw; a block -1 stands for a refusal."""
        source, target = self.images[SOURCE], self.images[TARGET]
        if isinstance(operation, Start | Sync):
            if isinstance(operation, Sync) and self.life != "tracking":
                return {-1: 0}
            # A wrong one may take its time: it is not a moment's work then.
            self.images[TARGET] = list(source) if self.chance.random() >= self.lies else target
            self.life = "tracking"
        elif isinstance(operation, Stop):
            ends = ["idle", "stopped"]
            self.life = self.chance.choice(ends) if self.life == "tracking" else self.life
        elif isinstance(operation, Read | Write | WriteZeroes | Flush):
            if operation.volume is TARGET and self.life == "stopped":
                return {-1: 0}
            if isinstance(operation, Flush):
                return {}
            blocks = blocks_of_request(GEOMETRY, operation.offset, operation.length)
            side = self.images[operation.volume]
            if isinstance(operation, Read):
                return {block: side[block] for block in blocks}
            for block in blocks:
                side[block] = operation.content if isinstance(operation, Write) else 0
        return {}

    def drain(self) -> None:
        while self.in_flight:
            self.act()


def draw(chance: random.Random) -> History:
    """A few requests beside stops, between starts that nothing is beside."""
    play = Play(chance, chance.choice((0.0, 0.15, 0.3)))
    for _ in range(chance.randint(1, 2)):
        play.begin(Start())
        play.drain()
        at_once, left = chance.choice((2, 3, 4)), chance.randint(3, 8)
        while left:
            if len(play.in_flight) < at_once and chance.random() < 0.6:
                play.submit()
                left -= 1
            elif play.in_flight:
                play.act()
        play.drain()
    for volume in (TARGET, SOURCE):
        play.begin(Read(volume, 0, GEOMETRY.size))
        play.drain()
    return History(GEOMETRY, tuple(play.done))


@pytest.fixture(scope="module")
def judged() -> list[tuple[int, History, bool]]:
    """Histories by seed, and whether they are right."""
    histories = [(seed, draw(random.Random(seed))) for seed in range(HISTORIES)]
    return [(seed, history, is_right(history)) for seed, history in histories]


def test_agrees_with_every_order_tried(judged: list[tuple[int, History, bool]]) -> None:
    """Neither is a right history convicted nor a wrong one acquitted; both kinds are plenty."""
    clauses: Counter[str] = Counter()
    for seed, history, right in judged:
        played = judge(history)
        assert (not played.clause) == right, (
            f"seed {seed}: right is {right}, the kit says {played.clause}: {played.explanation}\n"
            f"{dumps(to_trace(history, origin='test'))}"
        )
        clauses[played.clause] += 1
    assert min(clauses[""], HISTORIES - clauses[""]) > HISTORIES // 10, clauses
    assert min(clauses[clause] for clause in ("READ-2", "SYNC-1", "LIFE-3")) >= 10, clauses


def with_a_late_sync(ends: Operation, outcome: Outcome) -> History:
    """A write begun when nothing was tracked any more, shown as of a sync in flight till then."""
    return History(
        GEOMETRY,
        (
            Request(0, Start(), 0, 1, Done()),
            Request(1, Sync(), 2, 20, Done()),
            Request(2, Stop(), 3, 30, Done()),
            Request(3, ends, 4, 5, outcome),
            Request(4, Write(SOURCE, 0, BLOCK, 7), 6, 7, Done()),
            Request(5, Read(TARGET, 0, BLOCK), 31, 32, Contents((7,))),
        ),
    )


LATE = [with_a_late_sync(Sync(), UNUSABLE), with_a_late_sync(Stop(), Done())]


@pytest.mark.parametrize("history", LATE)
def test_a_sync_comes_before_what_ends_the_tracking(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SYNC-1, CONC-2: which neither the cut nor the states can tell without the other."""
    assert not is_right(history)
    assert judge(history).clause
    monkeypatch.setattr(touches, "ended_by", lambda sync, _witnesses, _starts: sync.end)
    assert not judge(history).clause


@pytest.mark.parametrize("operation", [Read(SOURCE, 0, BLOCK), Flush(SOURCE)])
def test_no_state_allows_that_the_source_is_refused(operation: Read | Flush) -> None:
    """READ-1, FLUSH-1: not even while it is being stopped."""
    for volume, clause in ((SOURCE, "LIFE-1"), (TARGET, "")):
        requests = (
            Request(0, Start(), 0, 1, Done()),
            Request(1, Stop(), 2, 5, Done()),
            Request(2, evolve(operation, volume=volume), 3, 4, UNUSABLE),
        )
        assert judge(History(GEOMETRY, requests)).clause == clause
