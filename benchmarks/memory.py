"""Memory a relationship takes for each TiB of volume, at 64 KiB grains, while a sync runs too."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, at_most
from benchmarks.places import MIB, directory, make_file
from flashcopy.impl import FlashCopy

TIB = 1 << 40
GRAIN = 65536


def run() -> Iterator[Figure]:
    """Held after a start, and at most during a sync; the peer is one bitmap of that many bits."""
    bitmap = TIB // GRAIN // 8
    with directory(Path.cwd()) as where:
        for side in ("source", "target"):
            make_file(where / side, TIB, sparse=True)
        tracemalloc.start()
        with FlashCopy.create(
            where / "source", where / "target", where / "map", background=False
        ) as flashcopy:
            flashcopy.start()
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            flashcopy.source.write(0, os.urandom(4096))
            flashcopy.sync()
            _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    one = f"one bitmap {bitmap / MIB:.0f} MiB"
    yield at_most("memory held per TiB", f"{held / MIB:.1f} MiB", one, held / bitmap, 4.0)
    yield at_most("memory at most, during sync", f"{peak / MIB:.1f} MiB", one, peak / bitmap, 8.0)
