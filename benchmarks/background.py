"""The background copy of a file against `cp` and an fsync of the same file."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, at_least, in_turn, micro
from benchmarks.places import MIB, directory, make_file, places
from flashcopy.impl import FlashCopy

SIZE = 512 * MIB


def run() -> Iterator[Figure]:
    """Start to copied, hosts idle, on each file system."""
    for name, place in places().items():
        with directory(place) as where:
            yield _measure(name, where)


def _measure(name: str, where: Path) -> Figure:
    for side in ("source", "target", "copy"):
        make_file(where / side, SIZE)
    with FlashCopy.create(where / "source", where / "target", where / "map") as flashcopy:

        def ours() -> None:
            flashcopy.start()
            flashcopy.wait()

        mine, theirs, ratio = in_turn(ours, lambda: _cp(where), 5)
    return at_least(
        f"background copy of {SIZE // MIB} MiB, {name}",
        micro(mine),
        f"cp, fsync {micro(theirs)}",
        ratio,
        0.9,
    )


def _cp(where: Path) -> None:
    """Over a file that is there already, as the target is."""
    subprocess.run(["cp", where / "source", where / "copy"], check=True)
    copy = os.open(where / "copy", os.O_RDWR)
    os.fsync(copy)
    os.close(copy)
