"""Files with a simulated write cache, which lose what was not flushed when they are told to.

The bundled implementation runs on them unchanged, threads and all: what it writes goes to the cache
of a simulated disk (`model.disk`), what it flushes goes from there to the real file. When the power
is cut, every call fails from then on, so that whatever is in flight ends; then of the writes that
are still in the cache a chosen part reaches the real file, and the rest is gone.
"""

import errno
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

from flashcopy.impl.effect import MAP, Device
from flashcopy.impl.files import File
from flashcopy.impl.mapfile import PAGE, decode_first_page
from flashcopy.model import disk as disks
from flashcopy.model.disk import Disk

# Of the map a sector is what the power's failing leaves whole (DISK-2).
_SECTOR = 512
# How much of what was not flushed survives on each disk: nothing, some of it, all.
_SURVIVES = (0.0, 0.5, 1.0)


class SimulatedFile(File):
    """A device whose writes are only in a cache until it is flushed. `unit` is what stays whole."""

    def __init__(self, device: Device, path: Path, unit: int) -> None:
        super().__init__(device, path)
        self._unit = unit
        self._mutex = threading.Lock()
        self._serial = 0
        self._has_power = True
        data = os.pread(self.fd, self.size, 0)
        blocks = tuple(data[at : at + unit] for at in range(0, len(data), unit))
        self._disk = Disk(blocks)
        self.pread, self.preadv = self._pread, self._preadv
        self.pwrite, self.fdatasync = self._pwrite, self._fdatasync

    def cut_power(self) -> None:
        """Nothing is read, written or flushed from now on."""
        with self._mutex:
            self._has_power = False

    def lose(self, chance: random.Random) -> None:
        """DISK-4: some of what is in the cache is on the disk, and the cache is empty."""
        survives = chance.choice(_SURVIVES)
        with self._mutex:
            self._settle({each.serial for each in self._disk.pending if chance.random() < survives})

    def _settle(self, kept: set[int]) -> None:
        after = disks.crash(self._disk, kept)
        for number in {each.number for each in self._disk.pending if each.serial in kept}:
            os.pwrite(self.fd, after.durable[number], number * self._unit)
        self._disk = after

    def _pread(self, fd: int, length: int, offset: int) -> bytes:
        del fd
        with self._mutex:
            self._require_power()
            return self._read(offset, length)

    def _preadv(self, fd: int, buffers: list[memoryview], offset: int) -> int:
        data = self._pread(fd, len(buffers[0]), offset)
        buffers[0][: len(data)] = data
        return len(data)

    def _pwrite(self, fd: int, data: bytes, offset: int) -> int:
        del fd
        with self._mutex:
            self._require_power()
            first, last = offset // self._unit, -(-(offset + len(data)) // self._unit)
            # The map file is created before its size is known: it grows as it is written.
            grown = max(0, last - len(self._disk.durable))
            self._disk = Disk(self._disk.durable + (bytes(self._unit),) * grown, self._disk.pending)
            whole = bytearray(self._read(first * self._unit, (last - first) * self._unit))
            at = offset - first * self._unit
            whole[at : at + len(data)] = data
            for number in range(first, last):
                begin = (number - first) * self._unit
                block = bytes(whole[begin : begin + self._unit])
                self._disk = disks.write(self._disk, number, block, self._serial)
                self._serial += 1
        return len(data)

    def _fdatasync(self, fd: int) -> None:
        del fd
        with self._mutex:
            self._require_power()
            self._settle({each.serial for each in self._disk.pending})

    def _read(self, offset: int, length: int) -> bytes:
        first, last = offset // self._unit, -(-(offset + length) // self._unit)
        blocks = dict(enumerate(self._disk.durable[first:last], first))
        blocks |= {each.number: each.block for each in self._disk.pending if each.number in blocks}
        data = b"".join(blocks.values())
        begin = offset - first * self._unit
        return data[begin : begin + length]

    def _require_power(self) -> None:
        if not self._has_power:
            raise OSError(errno.EIO, "the power is cut")


class SimulatedDisks:
    """Opens files as simulated ones, and cuts the power of all that are open."""

    def __init__(self) -> None:
        self._open: list[SimulatedFile] = []

    def opener(self, map_file: Path, block_size: int | None) -> Callable[[Device, Path], File]:
        """What opens the three files of one relationship.

        Where `block_size` is not given, it is what the map file says.
        """
        self._open = []
        if block_size is None:
            identity, _ = decode_first_page(map_file.read_bytes()[:PAGE])
            block_size = identity.geometry.block_size
        units = {MAP: _SECTOR}

        def open_file(device: Device, path: Path) -> File:
            file = SimulatedFile(device, path, units.get(device, block_size))
            self._open.append(file)
            return file

        return open_file

    def cut_power(self) -> None:
        """Whatever is in flight fails."""
        for file in self._open:
            file.cut_power()

    def lose(self, seed: int) -> None:
        """What `seed` chooses of all that was not flushed is gone."""
        chance = random.Random(seed)
        for file in self._open:
            file.lose(chance)
