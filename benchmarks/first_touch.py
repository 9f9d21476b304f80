"""The first write to each grain since the point in time: copy on write, and the flushes it costs.

The peer does the least that a crash-safe copy on write can do, without any bookkeeping: read the
grain, write it to another file, flush that, write and flush one page elsewhere, write the block.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from benchmarks.figure import Figure, at_least, micro, seconds
from benchmarks.places import directory, places, relationship
from flashcopy.impl import FlashCopy
from flashcopy.impl.flashcopy import Durability

DURABILITIES: tuple[Durability, ...] = ("full", "process")
GRAIN = 65536
GRAINS = 256
BLOCK = os.urandom(4096)


def run() -> Iterator[Figure]:
    """Each durability mode on each file system."""
    for name, place in places().items():
        for durability in DURABILITIES:
            with directory(place) as where:
                yield _measure(name, where, durability)


def _measure(name: str, where: Path, durability: Durability) -> Figure:
    with relationship(where, GRAINS * GRAIN, durability=durability) as flashcopy:
        flashcopy.start()
        before = _flushes(flashcopy)
        ours = seconds(lambda: _touch_each(flashcopy))
        flushes = _flushes(flashcopy) - before
    peer = seconds(lambda: _least(where, flush=durability == "full"))
    return at_least(
        f"first-touch write, {durability}, {name}",
        f"{micro(ours / GRAINS)}, {flushes / GRAINS:.2f} flushes",
        f"copy by hand {micro(peer / GRAINS)}",
        peer / ours,
    )


def _touch_each(flashcopy: FlashCopy) -> None:
    for grain in range(GRAINS):
        flashcopy.source.write(grain * GRAIN, BLOCK)


def _flushes(flashcopy: FlashCopy) -> int:
    """How many flushes, of all three devices, there were since it was opened."""
    return sum(attrs.astuple(flashcopy.status().flushes))


def _least(where: Path, *, flush: bool) -> None:
    source, target, page = (
        os.open(where / name, os.O_RDWR | os.O_CREAT) for name in ("source", "target", "page")
    )
    for grain in range(GRAINS):
        os.pwrite(target, os.pread(source, GRAIN, grain * GRAIN), grain * GRAIN)
        if flush:
            os.fdatasync(target)
        os.pwrite(page, BLOCK, 0)
        if flush:
            os.fdatasync(page)
        os.pwrite(source, BLOCK, grain * GRAIN)
    for descriptor in (source, target, page):
        os.close(descriptor)
