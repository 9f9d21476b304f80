"""Where the files of a benchmark lie: a file system in memory and one on disk, and what is set up.

A relationship set up here has every grain diverged, unless asked otherwise, so that what is
measured is the steady state.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flashcopy.impl import FlashCopy
from flashcopy.impl.flashcopy import Durability

MIB = 1 << 20
IN_MEMORY = Path("/dev/shm")


def places() -> dict[str, Path]:
    """The file systems to measure on, by name."""
    found = {"on disk": Path.cwd()}
    if os.access(IN_MEMORY, os.W_OK):
        found = {"in memory": IN_MEMORY} | found
    return found


@contextmanager
def directory(place: Path) -> Iterator[Path]:
    """A directory that is gone afterwards."""
    name = tempfile.mkdtemp(prefix=".flashcopy-bench-", dir=place)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name)


def make_file(path: Path, size: int, *, sparse: bool = False) -> None:
    """A file of random bytes, or of nothing but a size."""
    with path.open("wb") as file:
        if sparse:
            file.truncate(size)
            return
        chunk = os.urandom(MIB)
        for at in range(0, size, MIB):
            file.write(chunk[: min(MIB, size - at)])
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def relationship(
    where: Path, size: int, *, durability: Durability = "full", sparse: bool = False
) -> Iterator[FlashCopy]:
    """A relationship on two files of that size, never started, without background copy."""
    make_file(where / "source", size, sparse=sparse)
    make_file(where / "target", size, sparse=sparse)
    with FlashCopy.create(
        where / "source",
        where / "target",
        where / "map",
        durability=durability,
        background=False,
    ) as flashcopy:
        yield flashcopy
