"""Real threads on real files, and a judge who saw only requests and answers.

Writers own disjoint runs of blocks on both volumes, so that no two writes to one block are ever
in flight together, but the runs straddle grains, so that they get in each other's way. Readers
read anywhere, one thread starts and syncs, the background copy runs. What they asked and what
they were answered makes a history, and the cut (`conformance.oracle.cut`) says whether a correct
flashcopy could have answered like that. Which thread runs when is the system's choice: the seed
repeats what the threads ask, not their timing.
"""

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from attrs import frozen

from flashcopy.conformance.oracle.cut import check
from flashcopy.conformance.oracle.history import Recorder, to_trace
from flashcopy.harness.bundled import carry_out
from flashcopy.harness.result import Finding, Progress, Result, silent
from flashcopy.impl import FlashCopy
from flashcopy.impl.flashcopy import Durability
from flashcopy.model.content import UnreadableBlockError
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    FAILED,
    Flush,
    Operation,
    Read,
    Start,
    Sync,
    Write,
)

BLOCK = 512
GEOMETRY = Geometry(61 * BLOCK, BLOCK, 4 * BLOCK)
# No multiple of a grain, so that every writer shares grains with its neighbours.
RUN_BLOCKS = 6


@frozen
class Load:
    """What the threads do: how many of each, how many requests, on what volumes."""

    geometry: Geometry = GEOMETRY
    writers: int = 3
    readers: int = 2
    syncs: int = 12
    requests_per_sync: int = 60
    durability: Durability = "process"


def run(load: Load, random_seed: int, progress: Progress = silent) -> Result:
    """One load on fresh files; then the target is read once more in full, and all is judged."""
    began = time.monotonic()
    recorder = Recorder(load.geometry)
    with tempfile.TemporaryDirectory(prefix="flashcopy-") as name:
        directory = Path(name)
        for side in ("source", "target"):
            (directory / side).write_bytes(bytes(load.geometry.size))
        with FlashCopy.create(
            directory / "source",
            directory / "target",
            directory / "map",
            block_size=load.geometry.block_size,
            grain_size=load.geometry.grain_size,
            durability=load.durability,
        ) as flashcopy:
            finding = _let_loose(flashcopy, load, random_seed, recorder, progress)
    history = recorder.history()
    violation = check(history) if finding is None else None
    if violation:
        trace = to_trace(
            history,
            origin=f"threaded, seed {random_seed}",
            clause=violation.clause,
            finding=violation.explanation,
        )
        finding = Finding(violation.clause, violation.explanation, trace)
    return Result(
        part="threaded",
        amount=f"{len(history.requests)} requests of {load.writers + load.readers + 1} threads",
        seconds=time.monotonic() - began,
        finding=finding,
        counts={"requests": len(history.requests), "syncs": load.syncs},
        repeat=f"flashcopy check --seed {random_seed}",
    )


def run_many(loads: int, random_seed: int, progress: Progress = silent) -> Result:
    """So many loads, half of them durable in full, until one of them goes wrong."""
    durabilities: tuple[Durability, ...] = ("process", "full")
    seconds, requests, finding = 0.0, 0, None
    for number in range(loads):
        load = Load(durability=durabilities[number % 2])
        result = run(load, random_seed + number)
        seconds += result.seconds
        requests += result.counts["requests"]
        finding = result.finding
        progress((number + 1) / loads, f"{number + 1} loads")
        if finding:
            break
    return Result(
        part="threaded",
        amount=f"{loads} loads of {load.writers + load.readers + 1} threads, {requests} requests",
        seconds=seconds,
        finding=finding,
        counts={"requests": requests, "loads": loads},
        repeat=f"flashcopy check --seed {random_seed}",
    )


def _let_loose(
    flashcopy: FlashCopy, load: Load, random_seed: int, recorder: Recorder, progress: Progress
) -> Finding | None:
    """Run all threads to their end; the first thing that went wrong in any of them, if any."""
    findings: list[Finding] = []
    over = threading.Event()

    def ask(operation: Operation) -> None:
        try:
            outcome = recorder.record(
                operation, lambda wanted: carry_out(flashcopy, load.geometry, wanted)
            )
        except UnreadableBlockError as error:
            findings.append(Finding("CONC-1", f"{operation}: {error}"))
            over.set()
            return
        except Exception as error:
            findings.append(Finding("ERR-6", f"{operation} broke down: {error!r}"))
            over.set()
            raise
        if outcome == FAILED:
            findings.append(Finding("ERR-6", f"{operation} was refused with an I/O error"))
            over.set()

    def chance(name: str) -> random.Random:
        return random.Random(f"{random_seed} {name}")

    contents = count(1)
    threads = [
        threading.Thread(
            target=_write, args=(load, number, chance(f"writer {number}"), contents, ask, over)
        )
        for number in range(load.writers)
    ]
    threads += [
        threading.Thread(target=_read, args=(load, chance(f"reader {number}"), ask, over))
        for number in range(load.readers)
    ]
    ask(Start())
    for each in threads:
        each.start()
    try:
        for number in range(load.syncs):
            _wait_for(recorder, load.requests_per_sync * (number + 1), over)
            ask(Sync())
            ask(Read(Volume.TARGET, 0, load.geometry.size))
            progress((number + 1) / load.syncs, f"{number + 1} syncs")
    finally:  # by Ctrl-C too: the threads would go on for ever
        over.set()
        for each in threads:
            each.join()
    ask(Read(Volume.TARGET, 0, load.geometry.size))
    flashcopy.wait()
    ask(Read(Volume.TARGET, 0, load.geometry.size))
    return findings[0] if findings else None


def _write(
    load: Load,
    number: int,
    chance: random.Random,
    contents: Iterator[int],
    ask: Callable[[Operation], None],
    over: threading.Event,
) -> None:
    """Write to runs of one's own on both volumes, mostly the source, now and then flush it."""
    runs = range(number * RUN_BLOCKS, load.geometry.blocks, load.writers * RUN_BLOCKS)
    while not over.is_set():
        volume = Volume.TARGET if chance.random() < 0.2 else Volume.SOURCE
        first = chance.choice(runs) + chance.randrange(RUN_BLOCKS)
        room = min(RUN_BLOCKS - first % RUN_BLOCKS, load.geometry.blocks - first)
        if room < 1:
            continue
        length = chance.randint(1, room) * BLOCK
        ask(Write(volume, first * BLOCK, length, next(contents)))
        if chance.random() < 0.02:
            ask(Flush(Volume.SOURCE))


def _read(
    load: Load,
    chance: random.Random,
    ask: Callable[[Operation], None],
    over: threading.Event,
) -> None:
    """Read anywhere, mostly the target, often all of it."""
    while not over.is_set():
        volume = Volume.SOURCE if chance.random() < 0.3 else Volume.TARGET
        first = chance.randrange(load.geometry.blocks)
        blocks = chance.randint(1, load.geometry.blocks - first)
        if chance.random() < 0.2:
            first, blocks = 0, load.geometry.blocks
        ask(Read(volume, first * BLOCK, blocks * BLOCK))


def _wait_for(recorder: Recorder, requests: int, over: threading.Event) -> None:
    """Until so many requests have been answered, or something went wrong."""
    while recorder.answered() < requests and not over.is_set():
        time.sleep(0.0005)
