"""Small random epochs: right ones, and ones in which something may be wrong.

Two images are played with, requests in flight take effect block by block in a random order, the
power fails, and each block is left as something that was written to it. Then faults: a start or
sync that is recorded for some blocks only, a flush that does nothing, something else found or read,
a crash in which what was answered is forgotten. Not every fault makes an epoch wrong.
"""

import random
from collections.abc import Sequence

from attrs import define, evolve, field

from flashcopy.conformance.oracle.history import History, Request
from flashcopy.conformance.oracle.recovery import Epoch
from flashcopy.model.geometry import Geometry
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
    Sync,
    Write,
)

BLOCK = 512
_SIDES = (Volume.SOURCE, Volume.TARGET)


@define(eq=False)
class _InFlight:
    number: int
    operation: Operation
    begin: int
    to_come: list[int]
    fails: bool
    covers: list["_Written"] = field(factory=list)
    seen: dict[int, int] = field(factory=dict)


@define(eq=False)
class _Written:
    """A block write: its content, when it was answered, and whether it is durable."""

    content: int
    answered: bool = False
    durable: bool = False


@define
class _Play:
    chance: random.Random
    blocks: int
    kinds: str
    contents: int | None
    # Faults of the implementation that is played: a start or sync is recorded for some blocks only,
    # or moves block by block; a flush makes some of what it covers durable.
    torn: bool
    slow: bool
    forgetful: bool
    images: dict[Volume, list[int]]
    logs: dict[Volume, list[list[_Written]]] = field(init=False)
    in_flight: list[_InFlight] = field(factory=list)
    writing: dict[int, list[_Written]] = field(factory=dict)
    done: list[Request] = field(factory=list)
    tick: int = 0
    writes: int = 10

    def __attrs_post_init__(self) -> None:
        self.logs = {
            side: [[_Written(content, True, True)] for content in self.images[side]]
            for side in _SIDES
        }

    def submit(self) -> None:
        kind = self.chance.choice(self.kinds)
        volume = Volume.SOURCE if kind in "Wf" else self.chance.choice(_SIDES)
        if kind == "s":
            if not any(isinstance(each.operation, Start | Sync) for each in self.in_flight):
                parts = list(range(self.blocks)) if self.slow else [-1]
                self._begin(self.chance.choice((Start(), Sync())), parts, Volume.SOURCE)
            return
        if kind in "fF":
            self._begin(Flush(volume), [0], volume)
            return
        first = self.chance.randrange(self.blocks)
        touched = list(range(first, self.chance.randint(first, self.blocks - 1) + 1))
        offset, length = first * BLOCK, len(touched) * BLOCK
        if kind == "r":
            self._begin(Read(volume, offset, length), touched, volume)
        elif not self._is_being_written(volume, touched):
            self.writes += 1
            content = self.writes if self.contents is None else self.chance.randint(0, 2)
            self._begin(Write(volume, offset, length, content), touched, volume)

    def act(self) -> None:
        request = self.chance.choice(self.in_flight)
        if isinstance(request.operation, Start | Sync) and self.chance.random() < 0.4:
            return
        if not request.to_come or (request.fails and self.chance.random() < 0.3):
            self._answer(request)
            return
        block = request.to_come.pop(self.chance.randrange(len(request.to_come)))
        match request.operation:
            case Write(volume, _, _, content):
                self.images[volume][block] = content
                written = _Written(content)
                self.logs[volume][block].append(written)
                self.writing.setdefault(request.number, []).append(written)
            case Read(volume):
                request.seen[block] = self.images[volume][block]
            case Flush():
                self._make_durable(request)
            case _:
                self._move(request, range(self.blocks) if block < 0 else [block])

    def crash(self) -> Images:
        """What is found afterwards."""
        self.tick += 1
        for each in self.in_flight:
            self.done.append(Request(each.number, each.operation, each.begin, self.tick, None))
        found = {side: [self._left(log) for log in self.logs[side]] for side in _SIDES}
        return Images(tuple(found[Volume.SOURCE]), tuple(found[Volume.TARGET]))

    def _left(self, log: list[_Written]) -> int:
        left = log[0].content
        for each in log:
            if each.durable or self.chance.random() < 0.5:
                left = each.content
        return left

    def _make_durable(self, request: _InFlight) -> None:
        if not (self.forgetful and self.chance.random() < 0.5):
            for written in request.covers:
                written.durable = True

    def _move(self, request: _InFlight, blocks: Sequence[int]) -> None:
        """What should be one instant for all blocks; if it is cut off, it need not be recorded."""
        lost = request.fails and self.chance.random() < 0.5
        for block in blocks:
            content = self.images[Volume.SOURCE][block]
            self.images[Volume.TARGET][block] = content
            if not (lost or (self.torn and self.chance.random() < 0.3)):
                self.logs[Volume.TARGET][block] = [_Written(content, True, True)]
        self._make_durable(request)

    def _is_being_written(self, volume: Volume, blocks: list[int]) -> bool:
        return any(
            isinstance(each.operation, Write)
            and each.operation.volume is volume
            and each.operation.offset // BLOCK <= blocks[-1]
            and blocks[0] * BLOCK < each.operation.offset + each.operation.length
            for each in self.in_flight
        )

    def _begin(self, operation: Operation, to_come: list[int], volume: Volume) -> None:
        self.tick += 1
        number = len(self.done) + len(self.in_flight)
        covers = [each for log in self.logs[volume] for each in log if each.answered]
        # What fails is a crash's doing, or a device's: then it may have happened or not.
        fails = not isinstance(operation, Read) and self.chance.random() < 0.2
        self.in_flight.append(_InFlight(number, operation, self.tick, to_come, fails, covers))

    def _answer(self, request: _InFlight) -> None:
        self.tick += 1
        self.in_flight.remove(request)
        outcome: Outcome = Refused(Refusal.IO_ERROR) if request.fails else Done()
        if isinstance(request.operation, Read):
            outcome = Contents(tuple(request.seen[block] for block in sorted(request.seen)))
        for written in self.writing.get(request.number, []):
            written.answered = not request.fails
        self.done.append(
            Request(request.number, request.operation, request.begin, self.tick, outcome)
        )


def draw(chance: random.Random) -> Epoch:
    """An epoch of up to ten requests on up to three blocks, possibly a wrong one."""
    blocks = chance.choice((1, 2, 2, 3))
    before = Images(*(tuple(chance.randint(1, 4) for _ in range(blocks)) for _ in _SIDES))
    play = _Play(
        chance,
        blocks,
        kinds=chance.choice(("WWWwwrrFfs", "WWWWws", "WwwFrs", "WWfss", "WWWrrs")),
        contents=chance.choice((None, None, None, 2)),
        torn=chance.random() < 0.2,
        slow=chance.random() < 0.3,
        forgetful=chance.random() < 0.3,
        images={Volume.SOURCE: list(before.source), Volume.TARGET: list(before.target)},
    )
    left, at_once = chance.randint(2, 10), chance.choice((1, 2, 3, 4))
    while left or (play.in_flight and chance.random() < 0.9):
        if left and len(play.in_flight) < at_once and chance.random() < 0.5:
            play.submit()
            left -= 1
        elif play.in_flight:
            play.act()
    after = play.crash()
    requests = tuple(sorted(play.done, key=lambda request: request.begin))
    epoch = Epoch(History(Geometry(blocks * BLOCK, BLOCK, BLOCK), requests), before, after)
    for _ in range(chance.choice((0, 0, 0, 1))):
        epoch = chance.choice((_find_something_else, _read_something_else))(chance, epoch)
    return epoch


def _find_something_else(chance: random.Random, epoch: Epoch) -> Epoch:
    side = chance.choice(("source", "target"))
    found = list(getattr(epoch.after, side))
    found[chance.randrange(len(found))] = _some_content(chance, epoch)
    return evolve(epoch, after=evolve(epoch.after, **{side: tuple(found)}))


def _read_something_else(chance: random.Random, epoch: Epoch) -> Epoch:
    reads = [each for each in epoch.history.requests if isinstance(each.outcome, Contents)]
    if not reads:
        return epoch
    read = chance.choice(reads)
    assert isinstance(read.outcome, Contents)
    seen = list(read.outcome.contents)
    seen[chance.randrange(len(seen))] = _some_content(chance, epoch)
    changed = evolve(read, outcome=Contents(tuple(seen)))
    requests = tuple(
        changed if each.number == read.number else each for each in epoch.history.requests
    )
    return evolve(epoch, history=evolve(epoch.history, requests=requests))


def _some_content(chance: random.Random, epoch: Epoch) -> int:
    requests = epoch.history.requests
    written = [each.operation.content for each in requests if isinstance(each.operation, Write)]
    contents: list[int] = [*epoch.before.source, *epoch.before.target, *written]
    return chance.choice(contents)
