"""Steady-state host I/O: writes to diverged grains, and reads, against bare pwrite and pread."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figure import Figure, at_least, in_turn, micro
from benchmarks.places import MIB, directory, places, relationship
from flashcopy.impl import FlashCopy
from flashcopy.impl.volume import Volume

SIZE = 64 * MIB
GOALS = {4096: 0.3, MIB: 0.9}
REQUESTS = 20_000


def run() -> Iterator[Figure]:
    """Each size of request on each file system: write and read of each volume."""
    for name, place in places().items():
        with directory(place) as where, relationship(where, SIZE) as flashcopy:
            _diverge_everything(flashcopy)
            for side in ("source", "target"):
                yield from _measure(name, where, side, getattr(flashcopy, side))


def _diverge_everything(flashcopy: FlashCopy) -> None:
    flashcopy.start()
    for at in range(0, SIZE, MIB):
        flashcopy.source.write(at, os.urandom(MIB))
        flashcopy.target.write(at, os.urandom(MIB))


def _measure(name: str, where: Path, side: str, volume: Volume) -> Iterator[Figure]:
    # The same file, so that both find its pages in the same state.
    raw = os.open(where / side, os.O_RDWR)
    for length, goal in GOALS.items():
        data = os.urandom(length)
        offsets = [at % SIZE for at in range(0, REQUESTS * length, length)][: 4 * SIZE // length]
        for kind, ours, peers in (
            ("write", _write(volume, offsets, data), _pwrite(raw, offsets, data)),
            ("read", _read(volume, offsets, length), _pread(raw, offsets, length)),
        ):
            mine, theirs, ratio = in_turn(ours, peers, 7)
            yield at_least(
                f"{side} {kind}, {length // 1024} KiB, {name}",
                micro(mine / len(offsets)),
                f"os.p{kind} {micro(theirs / len(offsets))}",
                ratio,
                goal,
            )
    os.close(raw)


# Four loops rather than one that is told what to call: at a microsecond a request, one more call
# would be a good part of what is measured.


def _write(volume: Volume, offsets: list[int], data: bytes) -> Callable[[], None]:
    def go() -> None:
        write = volume.write
        for offset in offsets:
            write(offset, data)

    return go


def _pwrite(raw: int, offsets: list[int], data: bytes) -> Callable[[], None]:
    def go() -> None:
        pwrite = os.pwrite
        for offset in offsets:
            pwrite(raw, data, offset)

    return go


def _read(volume: Volume, offsets: list[int], length: int) -> Callable[[], None]:
    def go() -> None:
        read = volume.read
        for offset in offsets:
            read(offset, length)

    return go


def _pread(raw: int, offsets: list[int], length: int) -> Callable[[], None]:
    def go() -> None:
        pread = os.pread
        for offset in offsets:
            pread(raw, length, offset)

    return go
