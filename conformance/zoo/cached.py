"""A flashcopy that is right on disks with a write cache, which forget when the power fails.

Each of source, target and map is a file with a cache before it. What is written stays in the cache
until it is flushed; when the power fails, any part of it is lost. So here the order of writes and
flushes counts, which it does not for `right`: a copy is flushed before the map vouches for it, the
map before the write that relies on it, and a start or sync writes new maps beside the old ones and
then moves to them by one write of one block.
"""

import os
import pickle
import random
from typing import ClassVar

from flashcopy.conformance.zoo.right import Outcome, Right

# Of the map the first block says which area counts and the state; each area has a block for every
# eight grains, one byte of the copied and one of the modified map.
_HEADER, _CELL = 16, 2


class Disk:
    """A file with a cache: `now` is what a reader sees, `pending` what a loss of power may lose."""

    def __init__(self, path: str, block_size: int) -> None:
        self.path, self.block_size = path, block_size
        with open(path, "rb") as file:
            self.now = bytearray(file.read())
        self.pending: list[tuple[int, bytes]] = []

    def write(self, offset: int, data: bytes) -> None:
        """Block by block into the cache."""
        self.now[offset : offset + len(data)] = data
        for at in range(0, len(data), self.block_size):
            self.pending.append((offset + at, data[at : at + self.block_size]))

    def flush(self) -> None:
        """All that is in the cache goes to the file."""
        self.lose(1.0, random.Random())

    def lose(self, kept: float, chance: random.Random) -> None:
        """Only a part of what is in the cache goes to the file; the rest is gone."""
        if self.pending:
            with open(self.path, "r+b") as file:
                for offset, data in self.pending:
                    if chance.random() < kept:
                        file.seek(offset)
                        file.write(data)
        self.pending = []


class Cached(Right):
    """The right one with a write cache: it can lose power, and comes through it."""

    claims: ClassVar[tuple[str, ...]] = ("power_loss",)

    def create(
        self, directory: str, size: int, block_size: int, grain_size: int, target_writable: bool
    ) -> Outcome:
        grains = -(-size // grain_size)
        cells = -(-grains // 8) * _CELL
        sizes = {"source": size, "target": size, "map": _HEADER + 2 * cells}
        for name, octets in sizes.items():
            with open(os.path.join(directory, name), "wb") as file:
                file.write(bytes(octets))
        with open(os.path.join(directory, "sizes"), "wb") as file:
            pickle.dump((size, block_size, grain_size, target_writable), file)
        return self.open(directory)

    def open(self, directory: str) -> Outcome:
        self.lock(directory)
        return self.recover(directory)

    def recover(self, directory: str) -> Outcome:
        """From the files alone, whatever they hold."""
        with open(os.path.join(directory, "sizes"), "rb") as file:
            self.size, self.block_size, self.grain_size, self.target_writable = pickle.load(file)
        self.grains = -(-self.size // self.grain_size)
        self.directory = directory
        units = {"source": self.block_size, "target": self.block_size, "map": _HEADER}
        self.disks = {
            name: Disk(os.path.join(directory, name), unit) for name, unit in units.items()
        }
        self.source, self.target = self.disks["source"].now, self.disks["target"].now
        self.area, state = self.disks["map"].now[0], self.disks["map"].now[1]
        if state == 1:
            self.load()
        else:
            self.end_tracking("stopped" if state == 2 else "idle")
        self.settled = {g for g in range(self.grains) if self.copied[g] and self.modified[g]}
        return {}

    def load(self) -> None:
        """The maps of the area that the header names; a mark without a copy means nothing."""
        cells = self.disks["map"].now[self.first_cell(self.area) :]
        bits = [
            (cells[g // 8 * _CELL] >> g % 8 & 1, cells[g // 8 * _CELL + 1] >> g % 8 & 1)
            for g in range(self.grains)
        ]
        self.state, self.cursor = "copying", 0
        self.copied = [bool(copied) for copied, _ in bits]
        self.modified = [bool(copied and modified) for copied, modified in bits]

    def close(self) -> None:
        """A clean end leaves nothing in a cache."""
        for disk in vars(self).get("disks", {}).values():
            disk.flush()

    def power_loss(self, seed: int) -> Outcome:
        """Some of what is in the caches is lost, and all that is in memory."""
        chance = random.Random(seed)
        for disk in self.disks.values():
            disk.lose(chance.choice((0.0, 0.5, 1.0)), chance)
        return self.recover(self.directory)

    def flush(self, volume: str) -> Outcome:
        self.require_io(volume, 0, 0)
        self.disks[volume].flush()
        return {}

    def prepare(self, volume: str, grain: int) -> None:
        """ORDER-1: the copy, its flush, the bits, their flush; only then the write."""
        del volume
        if self.state not in ("copying", "copied") or grain in self.settled:
            return
        if not self.copied[grain]:
            self.copy(grain)
            self.disks["target"].flush()
        self.copied[grain] = self.modified[grain] = True
        self.save_cell(grain)
        self.disks["map"].flush()
        self.settled.add(grain)

    def copy(self, grain: int) -> None:
        extent = self.extent(grain)
        self.disks["target"].write(extent.start, bytes(self.source[extent]))
        self.copied[grain] = True

    def background_copy(self, grains: int | None) -> Outcome:
        """ORDER-2: the copies are flushed before their bits are saved."""
        before = self.cursor
        result = super().background_copy(grains)
        self.disks["target"].flush()
        for grain in range(before - before % 8, self.cursor, 8):
            self.save_cell(grain)
        return result

    def move_point_in_time(self) -> None:
        """ORDER-4: the source and the new maps first, then the header."""
        self.disks["source"].flush()
        self.merge()
        self.modified = [False] * self.grains
        self.cursor, self.settled = 0, set()
        self.area = 1 - self.area
        for grain in range(0, self.grains, 8):
            self.save_cell(grain)
        self.disks["map"].flush()
        self.save()

    def save(self) -> None:
        """The header, which names the area that counts."""
        standing = {"idle": 0, "stopped": 2}.get(self.state, 1)
        self.disks["map"].write(0, bytes([self.area, standing]).ljust(_HEADER, b"\0"))
        self.disks["map"].flush()

    def save_cell(self, grain: int) -> None:
        """The bits of eight grains, a byte of each map, which a crash may tear apart."""
        octet = grain // 8
        at = self.first_cell(self.area) + octet * _CELL
        for which, bits in enumerate((self.copied, self.modified)):
            byte = sum(bit << place for place, bit in enumerate(bits[octet * 8 : octet * 8 + 8]))
            self.disks["map"].write(at + which, bytes([byte]))

    def store(self, volume: str, offset: int, data: bytes) -> None:
        self.disks[volume].write(offset, data)

    def first_cell(self, area: int) -> int:
        """Where the map of an area begins."""
        return _HEADER + area * -(-self.grains // 8) * _CELL
