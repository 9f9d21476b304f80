"""Small random histories: right ones, and ones in which something may be wrong.

Two images are played with, requests in flight take effect block by block in a random order. Then
faults: a sync that moves its blocks one by one, a read that says something else than it saw,
answers and submissions that change places. Not every fault makes a history wrong.
"""

import random
from itertools import pairwise

from attrs import define, evolve, field

from flashcopy.conformance.oracle.history import History, Request
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

BLOCK = 512
_SIDES = (Volume.SOURCE, Volume.TARGET)
_FAILED = Refused(Refusal.IO_ERROR)


@define
class _InFlight:
    number: int
    operation: Operation
    begin: int
    to_come: list[int]
    fails: bool
    seen: dict[int, int] = field(factory=dict)


@define
class _Play:
    chance: random.Random
    geometry: Geometry
    syncs_at_once: int
    torn_syncs: bool
    contents: int | None
    kills: bool
    # What is asked: read, write, write zeroes, start or sync; W writes to the source.
    kinds: str
    images: dict[Volume, list[int]] = field(init=False)
    in_flight: list[_InFlight] = field(factory=list)
    done: list[Request] = field(factory=list)
    tick: int = 0
    writes: int = 0

    def __attrs_post_init__(self) -> None:
        self.images = {side: [0] * self.geometry.blocks for side in _SIDES}

    def submit(self) -> None:
        kind = self.chance.choice(self.kinds)
        blocks = self.geometry.blocks
        if kind == "s":
            syncs = [each for each in self.in_flight if isinstance(each.operation, Start | Sync)]
            if len(syncs) < self.syncs_at_once:
                parts = list(range(blocks)) if self.torn_syncs else [0]
                self._begin(Start() if self.chance.random() < 0.5 else Sync(), parts)
            return
        volume = Volume.SOURCE if kind == "W" else self.chance.choice(_SIDES)
        first = self.chance.randrange(blocks)
        touched = list(range(first, self.chance.randint(first, blocks - 1) + 1))
        offset, length = first * BLOCK, len(touched) * BLOCK
        if kind == "r":
            self._begin(Read(volume, offset, length), touched)
        elif not self._is_being_written(volume, touched):
            self._begin(
                WriteZeroes(volume, offset, length)
                if kind == "z"
                else Write(volume, offset, length, self._content()),
                touched,
            )

    def act(self, patience: float) -> None:
        request = self.chance.choice(self.in_flight)
        if isinstance(request.operation, Start | Sync) and self.chance.random() < patience:
            return
        if not request.to_come or (request.fails and self.chance.random() < 0.3):
            self._answer(request)
            return
        block = request.to_come.pop(self.chance.randrange(len(request.to_come)))
        operation = request.operation
        if isinstance(operation, Write | WriteZeroes):
            content = operation.content if isinstance(operation, Write) else 0
            self.images[operation.volume][block] = content
        elif isinstance(operation, Read):
            request.seen[block] = self.images[operation.volume][block]
        elif self.torn_syncs:
            self.images[Volume.TARGET][block] = self.images[Volume.SOURCE][block]
        else:
            self.images[Volume.TARGET] = list(self.images[Volume.SOURCE])

    def read_target(self) -> None:
        blocks = list(range(self.geometry.blocks))
        self._begin(Read(Volume.TARGET, 0, self.geometry.size), blocks)
        while self.in_flight:
            self.act(0.0)

    def kill(self) -> None:
        self.tick += 1
        for each in self.in_flight:
            self.done.append(Request(each.number, each.operation, each.begin, self.tick, None))
        self.in_flight.clear()

    def _content(self) -> int:
        self.writes += 1
        return self.writes if self.contents is None else self.chance.randint(0, self.contents)

    def _is_being_written(self, volume: Volume, blocks: list[int]) -> bool:
        return any(
            isinstance(each.operation, Write | WriteZeroes)
            and each.operation.volume is volume
            and set(blocks)
            & set(blocks_of_request(self.geometry, each.operation.offset, each.operation.length))
            for each in self.in_flight
        )

    def _begin(self, operation: Operation, to_come: list[int]) -> None:
        self.tick += 1
        number = len(self.done) + len(self.in_flight)
        fails = self.kills and not isinstance(operation, Read) and self.chance.random() < 0.15
        self.in_flight.append(_InFlight(number, operation, self.tick, to_come, fails))

    def _answer(self, request: _InFlight) -> None:
        self.tick += 1
        self.in_flight.remove(request)
        outcome: Outcome = _FAILED if request.fails else Done()
        if isinstance(request.operation, Read):
            outcome = Contents(tuple(request.seen[block] for block in sorted(request.seen)))
        self.done.append(
            Request(request.number, request.operation, request.begin, self.tick, outcome)
        )


def draw(chance: random.Random, *, syncs_at_once: int = 1) -> History:
    """A history of up to a dozen requests on up to three blocks, possibly a wrong one."""
    geometry = Geometry(chance.choice((1, 2, 3, 3)) * BLOCK, BLOCK, BLOCK)
    play = _Play(
        chance,
        geometry,
        syncs_at_once=syncs_at_once,
        torn_syncs=chance.random() < 0.5,
        contents=chance.choice((None, None, 1, 2)),
        kills=chance.random() < 0.4,
        kinds=chance.choice(("WWWwzrrrrrrss", "WWWWWWWwzrss", "WWWWs")),
    )
    at_once = chance.choice((1, 2, 3, 4, 5))
    left = chance.randint(3, 12)
    # Slow syncs, and all of the target read at the end: what a torn one needs to be seen.
    patience = chance.choice((0.0, 0.7))
    while left or play.in_flight:
        if left and len(play.in_flight) < at_once and chance.random() < 0.5:
            play.submit()
            left -= 1
        elif play.kills and play.in_flight and chance.random() < 0.03:
            play.kill()
        elif play.in_flight:
            play.act(patience)
    play.read_target()
    history = History(geometry, tuple(sorted(play.done, key=lambda request: request.begin)))
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        history = chance.choice((_say_something_else, _swap_ticks))(chance, history)
    return history


def _say_something_else(chance: random.Random, history: History) -> History:
    reads = [each for each in history.requests if isinstance(each.outcome, Contents)]
    if not reads:
        return history
    read = chance.choice(reads)
    assert isinstance(read.outcome, Contents)
    seen = list(read.outcome.contents)
    written = [
        each.operation.content for each in history.requests if isinstance(each.operation, Write)
    ]
    seen[chance.randrange(len(seen))] = chance.choice([0, *written])
    return _with(history, evolve(read, outcome=Contents(tuple(seen))))


def _swap_ticks(chance: random.Random, history: History) -> History:
    """Two events of different requests, one right after the other, change places."""
    requests = history.requests
    events = sorted(
        [(each.begin, each.number) for each in requests]
        + [(each.end, each.number) for each in requests]
    )
    pairs = [(one, two) for one, two in pairwise(events) if one[1] != two[1] and one[0] != two[0]]
    killed = {each.end for each in requests if each.outcome is None}
    pairs = [(one, two) for one, two in pairs if not killed & {one[0], two[0]}]
    if not pairs:
        return history
    (one, _), (two, _) = chance.choice(pairs)
    places = {one: two, two: one}
    swapped = tuple(
        evolve(each, begin=places.get(each.begin, each.begin), end=places.get(each.end, each.end))
        for each in requests
    )
    return history if _has_overlapping_writes(swapped) else evolve(history, requests=swapped)


def _has_overlapping_writes(requests: tuple[Request, ...]) -> bool:
    writes = [
        (each, each.operation)
        for each in requests
        if isinstance(each.operation, Write | WriteZeroes)
    ]
    return any(
        one is not two
        and one.begin < two.end
        and two.begin < one.end
        and first.volume is second.volume
        and first.offset < second.offset + second.length
        and second.offset < first.offset + first.length
        for one, first in writes
        for two, second in writes
    )


def _with(history: History, request: Request) -> History:
    return evolve(
        history,
        requests=tuple(
            request if each.number == request.number else each for each in history.requests
        ),
    )
