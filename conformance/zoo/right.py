"""A flashcopy that is right, as short as it can be: everything in memory, one file to remember it.

A request takes effect as a whole before the next one does, so there is nothing to get in the way
of anything. All that must survive is written in one piece at a flush, start, sync or stop; a kill
leaves what was written last, which is consistent in itself.
"""

import fcntl
import os
import pickle
from collections.abc import Iterator
from typing import Any, ClassVar

Result = dict[str, Any]
# What a method gives: its result, or an iterator that pauses where others may come in between.
Outcome = Result | Iterator[None]


class RefusedError(Exception):
    """A request is refused; `kind` is the protocol's word."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Right:
    """Both volumes, both maps, the state; a method for each of the protocol's that does things."""

    fault: ClassVar[str] = ""
    # What it claims beside what every member does.
    claims: ClassVar[tuple[str, ...]] = ()
    # What it does not claim though others do.
    lacks: ClassVar[tuple[str, ...]] = ()

    def create(
        self, directory: str, size: int, block_size: int, grain_size: int, target_writable: bool
    ) -> Outcome:
        """Two volumes of zeros, idle."""
        self.lock(directory)
        self.require_sizes(size, block_size, grain_size)
        self.file = os.path.join(directory, "everything")
        self.size, self.block_size, self.grain_size = size, block_size, grain_size
        self.target_writable = target_writable
        self.grains = -(-size // grain_size)
        self.source, self.target = bytearray(size), bytearray(size)
        self.end_tracking("idle")
        self.save()
        return {}

    def open(self, directory: str) -> Outcome:
        """What was saved last."""
        self.lock(directory)
        self.file = os.path.join(directory, "everything")
        self.__dict__.update(self.kept())
        return {}

    def lock(self, directory: str) -> None:
        """ERR-8: until this process ends nobody else opens it."""
        lock = os.open(os.path.join(directory, "lock"), os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError("invalid_argument") from None

    def save(self) -> None:
        """Everything that there is to remember."""
        self.keep(self.__dict__)

    def keep(self, everything: dict[str, Any]) -> None:
        """In one piece: the old file or the new one, never half of it."""
        new = self.file + ".new"
        with open(new, "wb") as file:
            pickle.dump(everything, file)
        os.replace(new, self.file)

    def kept(self) -> dict[str, Any]:
        """What was kept last."""
        with open(self.file, "rb") as file:
            everything: dict[str, Any] = pickle.load(file)
        return everything

    def close(self) -> None:
        """A clean end changes nothing, so what was not saved is saved now."""
        if hasattr(self, "file"):
            self.save()

    def start(self) -> Outcome:
        """Every grain differs, then as for a sync."""
        self.copied = [False] * self.grains
        self.modified = [True] * self.grains
        self.state = "copying"
        self.move_point_in_time()
        return {}

    def sync(self) -> Outcome:
        """Only what was modified is to be copied again."""
        self.require_tracking()
        self.move_point_in_time()
        return {}

    def stop(self) -> Outcome:
        """The target stays usable only if all was copied."""
        if self.state in ("copying", "copied"):
            self.end_tracking("idle" if all(self.copied) else "stopped")
        self.save()
        return {}

    def read(self, volume: str, offset: int, length: int) -> Outcome:
        """The source, or of the target what is copied, and the source for the rest."""
        self.require_io(volume, offset, length)
        return {"data": self.image(volume, offset, length)}

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        """What is about to change is copied before."""
        self.require_writable(volume, offset, len(data))
        for grain in self.grains_of(offset, len(data)):
            self.prepare(volume, grain)
        self.store(volume, offset, data)
        return {}

    def write_zeroes(self, volume: str, offset: int, length: int) -> Outcome:
        """A write like any other."""
        self.require_writable(volume, offset, length)
        return self.write(volume, offset, bytes(length))

    def flush(self, volume: str) -> Outcome:
        """Both volumes, whichever was asked for."""
        self.require_io(volume, 0, 0)
        self.save()
        return {}

    def background_copy(self, grains: int | None) -> Outcome:
        """From the cursor on."""
        if grains is not None and grains < 0:
            raise RefusedError("invalid_argument")
        done = 0
        while self.cursor < self.grains and (grains is None or done < grains):
            if not self.copied[self.cursor]:
                self.copy(self.cursor)
                done += 1
            self.cursor += 1
        return {"copied": done}

    def status(self) -> Outcome:
        """The state follows the map."""
        return {"state": self.now(), "copied": sum(self.copied), "grains": self.grains}

    def bitmaps(self) -> Outcome:
        """Bit g of byte g // 8."""
        return {"copied": pack(self.copied), "modified": pack(self.modified)}

    # What the methods are made of.

    def now(self) -> str:
        """The state, `copied` as soon as the last grain is."""
        tracking = self.state in ("copying", "copied")
        return ("copied" if all(self.copied) else "copying") if tracking else self.state

    def move_point_in_time(self) -> None:
        """The merge: copied and not modified."""
        self.merge()
        self.modified = [False] * self.grains
        self.cursor = 0
        self.save()

    def merge(self) -> None:
        """What was modified is not copied any more."""
        self.copied = [c and not m for c, m in zip(self.copied, self.modified, strict=True)]

    def end_tracking(self, state: str) -> None:
        """Nothing ties the volumes any more."""
        self.state = state
        self.copied, self.modified = [True] * self.grains, [True] * self.grains
        self.cursor = self.grains

    def extent(self, grain: int) -> slice:
        """The bytes of a grain; the last one may be short."""
        return slice(grain * self.grain_size, min((grain + 1) * self.grain_size, self.size))

    def grains_of(self, offset: int, length: int) -> range:
        """The grains that a request touches."""
        if not length:
            return range(0)
        return range(offset // self.grain_size, (offset + length - 1) // self.grain_size + 1)

    def copy(self, grain: int) -> None:
        """Data first, then the bit."""
        extent = self.extent(grain)
        self.target[extent] = self.source[extent]
        self.copied[grain] = True

    def prepare(self, volume: str, grain: int) -> None:
        """Copy on write, and the mark: the grain's two sides may differ from now on."""
        del volume
        if not self.copied[grain]:
            self.copy(grain)
        self.modified[grain] = True

    def store(self, volume: str, offset: int, data: bytes) -> None:
        """The write itself."""
        side = self.source if volume == "source" else self.target
        side[offset : offset + len(data)] = data

    def image(self, volume: str, offset: int, length: int) -> bytes:
        """What a reader of a volume sees."""
        if volume == "source":
            return bytes(self.source[offset : offset + length])
        parts = []
        for at in range(offset, offset + length, self.block_size):
            side = self.target if self.copied[at // self.grain_size] else self.source
            parts.append(side[at : at + self.block_size])
        return b"".join(parts)

    def require_tracking(self) -> None:
        """A sync needs something to go by."""
        if self.state not in ("copying", "copied"):
            raise RefusedError("invalid_state")

    def require_writable(self, volume: str, offset: int, length: int) -> None:
        """As for any I/O, and a read-only target takes no writes."""
        if volume == "target" and not self.target_writable:
            raise RefusedError("read_only")
        self.require_io(volume, offset, length)

    def require_sizes(self, size: int, block_size: int, grain_size: int) -> None:
        """Powers of two, a whole number of blocks, a grain of one block at least."""
        powers = all(each > 0 and each & (each - 1) == 0 for each in (block_size, grain_size))
        if not powers or not 512 <= block_size <= min(65536, grain_size):
            raise RefusedError("invalid_argument")
        if size <= 0 or size % block_size:
            raise RefusedError("invalid_argument")

    def require_io(self, volume: str, offset: int, length: int) -> None:
        """Whole blocks inside a volume that there is, and a target that is usable."""
        if volume not in ("source", "target"):
            raise RefusedError("invalid_argument")
        within = offset >= 0 and length >= 0 and offset + length <= self.size
        if not within or offset % self.block_size or length % self.block_size:
            raise RefusedError("invalid_argument")
        if volume == "target" and self.state == "stopped":
            raise RefusedError("invalid_state")


def pack(bits: list[bool]) -> bytes:
    """A map as the protocol shows it."""
    octets = bytearray(-(-len(bits) // 8))
    for at, bit in enumerate(bits):
        octets[at // 8] |= bit << at % 8
    return bytes(octets)
