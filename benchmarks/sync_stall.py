"""How long a sync holds up a writer, against writing and flushing the merged maps alone.

One thread writes 4 KiB blocks to diverged grains, one after the other. The sync makes them look
uncopied, so the write it holds up is a first touch besides; the pause is what that write took
longer than the first touches that follow it. A source of 1 TiB is sparse: its maps are 2 MiB each.
"""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, at_most, micro, seconds
from benchmarks.places import directory, relationship
from flashcopy.impl import FlashCopy

GIB = 1 << 30
TIMES = 15
GRAIN = 65536
GRAINS = 16
BLOCK = os.urandom(4096)


def run() -> Iterator[Figure]:
    """At 1 GiB and at 1 TiB, on disk."""
    for name, size in (("1 GiB", GIB), ("1 TiB", 1024 * GIB)):
        with directory(Path.cwd()) as where, relationship(where, size, sparse=True) as flashcopy:
            yield _measure(name, where, flashcopy)


def _measure(name: str, where: Path, flashcopy: FlashCopy) -> Figure:
    flashcopy.start()
    stalls, peers = [], []
    maps = bytes(2 * max(512, flashcopy.geometry.grains // 8))
    raw = os.open(where / "raw", os.O_RDWR | os.O_CREAT)
    os.pwrite(raw, maps, 0)
    os.fdatasync(raw)
    for _ in range(TIMES):
        stalls.append(_stall(flashcopy))
        peers.append(seconds(lambda: _write_and_flush(raw, maps)))
    os.close(raw)
    ours, theirs = statistics.median(stalls), statistics.median(peers)
    return at_most(
        f"sync holds up a writer, {name}",
        micro(ours),
        f"write and flush {len(maps) // 1024} KiB of maps {micro(theirs)}",
        statistics.median(stall / peer for stall, peer in zip(stalls, peers, strict=True)),
        2.0,
    )


def _stall(flashcopy: FlashCopy) -> float:
    """What the write that waited for a sync took longer than a first touch, in seconds."""
    taken: list[float] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            for grain in range(GRAINS):
                began = time.perf_counter()
                flashcopy.source.write(grain * GRAIN, BLOCK)
                taken.append(time.perf_counter() - began)

    writer = threading.Thread(target=write)
    writer.start()
    _wait_for(taken, 4 * GRAINS)  # all diverged, and into its stride
    taken.clear()
    flashcopy.sync()
    _wait_for(taken, len(taken) + 2 * GRAINS)
    over.set()
    writer.join()
    waited, *first_touches = sorted(taken, reverse=True)[:GRAINS]
    return waited - statistics.median(first_touches)


def _write_and_flush(raw: int, maps: bytes) -> None:
    os.pwrite(raw, maps, 0)
    os.fdatasync(raw)


def _wait_for(taken: list[float], count: int) -> None:
    while len(taken) < count:
        time.sleep(0.001)
