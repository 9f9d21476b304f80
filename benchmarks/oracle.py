"""The oracle on long histories: seconds for 10³ to 10⁶ requests, against a bare pass over them.

The history is one of 32 requests in flight on 1024 blocks, a sync every thousand, with target
writes, and reads of everything after each sync. It is made by playing on two images, so it is a
right one and the oracle has to go through all of it; to make the history of what was recorded is
part of that. The peer sorts the requests and looks at each block that was read or written once:
what nobody who judges a history can do without. Both are one thread that waits for nothing, so
processor time is measured.
"""

import gc
import random
import time
from collections.abc import Callable, Iterator
from operator import attrgetter

from attrs import define, field

from benchmarks.figure import Figure, micro
from flashcopy.conformance.oracle.cut import check
from flashcopy.conformance.oracle.history import History, Recorder
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import Contents, Done, Operation, Outcome, Read, Sync, Write

BLOCK = 4096
BLOCKS = 1024
GEOMETRY = Geometry(BLOCKS * BLOCK, BLOCK, 16 * BLOCK)
IN_FLIGHT = 32
SYNC_EVERY = 1000
# The goal for a million requests, and so in proportion for fewer.
GOAL_SECONDS = 10.0
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def run() -> Iterator[Figure]:
    """One figure a size; `ratio` is the time taken to the time allowed."""
    for requests in SIZES:
        recorder = make_record(requests)
        # The history's millions of objects are no garbage, and not the oracle's to go through.
        gc.collect()
        gc.freeze()
        taken = _seconds(lambda recorder=recorder: _judge(recorder.history()))  # type: ignore[misc]
        history = recorder.history()
        passing = _seconds(lambda history=history: _pass_over(history))  # type: ignore[misc]
        gc.unfreeze()
        allowed = GOAL_SECONDS * requests / SIZES[-1]
        yield Figure(
            f"oracle, {requests:,} requests",
            f"{micro(taken)}, {micro(taken / requests)} each",
            f"a bare pass {micro(passing)}",
            taken / allowed,
            f"≤ 1 ({micro(allowed)})",
            taken <= allowed,
        )


def _seconds(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def _judge(history: History) -> None:
    violation = check(history)
    if violation:
        raise AssertionError(f"a right history was convicted: {violation.explanation}")


def _pass_over(history: History) -> int:
    blocks = 0
    for request in sorted(history.requests, key=attrgetter("begin")):
        operation = request.operation
        if isinstance(operation, Read | Write):
            for _ in range(operation.length // BLOCK):
                blocks += 1
    return blocks


@define
class _Play:
    """Two images; what is in flight takes effect block by block, in a random order."""

    chance: random.Random
    images: dict[Volume, list[int]] = field(factory=lambda: {side: [0] * BLOCKS for side in Volume})
    # The blocks under a write, by volume.
    busy: dict[Volume, set[int]] = field(factory=lambda: {side: set() for side in Volume})
    recorder: Recorder = field(factory=lambda: Recorder(GEOMETRY))


def make_record(requests: int, seed: int = 1) -> Recorder:
    """The record of a right history of so many requests."""
    play = _Play(random.Random(seed))
    in_flight: list[Iterator[None]] = []
    number = 0
    while number < requests or in_flight:
        if number < requests and len(in_flight) < IN_FLIGHT:
            request = _request(play, _choose(play, number))
            next(request)
            in_flight.append(request)
            number += 1
            continue
        at = play.chance.randrange(len(in_flight))
        if next(in_flight[at], "answered") == "answered":
            in_flight[at] = in_flight[-1]
            in_flight.pop()
    return play.recorder


def _choose(play: _Play, number: int) -> Operation:
    since = number % SYNC_EVERY
    if since == 0:
        return Sync()
    if 40 < since <= 40 + BLOCKS // 32:
        return Read(Volume.TARGET, (since - 41) * 32 * BLOCK, 32 * BLOCK)
    volume = Volume.TARGET if play.chance.random() < 0.3 else Volume.SOURCE
    if play.chance.random() < 0.5:
        return Read(volume, play.chance.randrange(BLOCKS) * BLOCK, BLOCK)
    while True:
        first = play.chance.randrange(BLOCKS - 2)
        touched = range(first, first + play.chance.choice((1, 2)))
        if not play.busy[volume].intersection(touched):
            return Write(volume, first * BLOCK, len(touched) * BLOCK, number + 1)


def _request(play: _Play, operation: Operation) -> Iterator[None]:
    """One request in flight: submitted at the first step, then an effect a step, then answered."""
    number = play.recorder.submitted(operation)
    outcome: Outcome = Done()
    if isinstance(operation, Write):
        first = operation.offset // BLOCK
        blocks = range(first, first + operation.length // BLOCK)
        play.busy[operation.volume].update(blocks)
        yield
        for block in blocks:
            play.images[operation.volume][block] = operation.content
            yield
        play.busy[operation.volume].difference_update(blocks)
    elif isinstance(operation, Read):
        yield
        first = operation.offset // BLOCK
        image = play.images[operation.volume]
        outcome = Contents(tuple(image[first : first + operation.length // BLOCK]))
        yield
    else:
        yield
        play.images[Volume.TARGET][:] = play.images[Volume.SOURCE]
        yield
    play.recorder.was_answered(number, outcome)
