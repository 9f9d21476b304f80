"""Relationships on real files for tests: small, deterministic, with devices that fail on demand."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flashcopy.impl import FlashCopy
from flashcopy.impl.effect import Device
from flashcopy.impl.files import File

BLOCK = 512
GRAIN = 2048
GRAINS = 9
SIZE = GRAINS * GRAIN - BLOCK  # a short last grain
OLD, NEW, OTHER = b"o" * BLOCK, b"n" * BLOCK, b"t" * BLOCK


def make_files(where: Path, size: int = SIZE) -> None:
    """A source of `OLD` blocks and a target of `OTHER` ones."""
    (where / "source").write_bytes(OLD * (size // BLOCK))
    (where / "target").write_bytes(OTHER * (size // BLOCK))


def create(where: Path, **options: Any) -> FlashCopy:
    """A relationship between new files in a directory; no background copy unless asked for."""
    make_files(where)
    arguments = {"grain_size": GRAIN, "block_size": BLOCK, "background": False} | options
    return FlashCopy.create(where / "source", where / "target", where / "map", **arguments)


def reopen(where: Path, **options: Any) -> FlashCopy:
    """The relationship of that directory again."""
    return FlashCopy.open(where / "map", **({"background": False} | options))


class Faults:
    """Makes files whose system calls fail while they are named here.

    `failing` holds pairs of a device and one of `read`, `write`, `flush`.
    """

    def __init__(self, error: int = errno.EIO) -> None:
        self.failing: set[tuple[Device, str]] = set()
        self.error = error
        self.calls: list[tuple[Device, str]] = []

    def open_file(self, device: Device, path: Path) -> File:
        """A file that asks here before each system call."""
        file = File(device, path)
        file.pread = self._asking(device, "read", os.pread)
        file.preadv = self._asking(device, "read", os.preadv)
        file.pwrite = self._asking(device, "write", os.pwrite)
        file.fdatasync = self._asking(device, "flush", os.fdatasync)
        return file

    def _asking(self, device: Device, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*arguments: Any) -> Any:
            self.calls.append((device, what))
            if (device, what) in self.failing:
                raise OSError(self.error, os.strerror(self.error))
            return call(*arguments)

        return asked
