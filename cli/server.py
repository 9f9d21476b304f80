"""The wire protocol's methods on one relationship of the bundled implementation.

A method takes the params of its request by name and gives its result. On simulated disks it can
lose power, too (`simulated`).
"""

import base64
import binascii
import random
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flashcopy.cli.simulated import SimulatedDisks
from flashcopy.impl import FlashCopy
from flashcopy.impl.errors import FlashCopyError, InvalidArgumentError, InvalidStateError
from flashcopy.impl.files import File
from flashcopy.impl.flashcopy import Durability
from flashcopy.impl.opening import OpenFile
from flashcopy.impl.volume import Volume

PROTOCOL = 1
POWER_LOSS = "power_loss"
# What is not listed here is `power_loss`: only a simulated disk forgets on demand.
CAPABILITIES = (
    "target_write",
    "background_copy",
    "bitmaps",
    "concurrent",
    "restart",
    "stop",
    "write_zeroes",
)
# How long the requests that came before a loss of power may go on, in seconds.
_BEFORE_LOSS = (0.0, 0.0005, 0.002)
_SOURCE, _TARGET, _MAP = "source", "target", "map"

Result = dict[str, Any]


class Server:
    """One relationship in one directory, and the protocol's methods on it.

    A method takes the params of its request by name. It raises FlashCopyError for what is to be
    answered with an error.
    """

    def __init__(
        self, durability: Durability = "full", disks: SimulatedDisks | None = None
    ) -> None:
        self._durability = durability
        self._disks = disks
        self._directory = ""
        self._open: FlashCopy | None = None

    def hello(self, protocol: int) -> Result:
        """Who this is, and what it claims."""
        if protocol != PROTOCOL:
            raise InvalidArgumentError(f"protocol {protocol}: this program speaks {PROTOCOL}")
        return {
            "protocol": PROTOCOL,
            "name": "flashcopy, bundled",
            "version": version("flashcopy"),
            "capabilities": [*CAPABILITIES, *([POWER_LOSS] if self._disks else [])],
        }

    def create(
        self, directory: str, size: int, block_size: int, grain_size: int, target_writable: bool
    ) -> Result:
        """GEO-1, ERR-9: two sparse files of zeros and a map file, in the directory."""
        self._require_closed()
        if size <= 0:
            raise InvalidArgumentError(f"size {size}: a volume has at least one block")
        files = [Path(directory) / name for name in (_SOURCE, _TARGET, _MAP)]
        for file in files[:2]:
            with file.open("xb") as new:
                new.truncate(size)
        try:
            self._open = FlashCopy.create(
                *files,
                block_size=block_size,
                grain_size=grain_size,
                target_writable=target_writable,
                durability=self._durability,
                background=False,
                open_file=self._opener(directory, block_size),
            )
        except FlashCopyError:
            for file in files[:2]:
                file.unlink()
            raise
        self._directory = directory
        return {}

    def open(self, directory: str) -> Result:
        """REC-1: what an earlier process left in the directory, wherever that is now."""
        self._require_closed()
        source, target, map_file = (Path(directory) / name for name in (_SOURCE, _TARGET, _MAP))
        self._open = FlashCopy.open(
            map_file,
            source=source,
            target=target,
            durability=self._durability,
            background=False,
            open_file=self._opener(directory),
        )
        self._directory = directory
        return {}

    def start(self) -> Result:
        """START-1."""
        self.pair.start()
        return {}

    def sync(self) -> Result:
        """SYNC-1."""
        self.pair.sync()
        return {}

    def stop(self) -> Result:
        """STOP-1."""
        self.pair.stop()
        return {}

    def read(self, volume: str, offset: int, length: int) -> Result:
        """READ-1, READ-2."""
        data = self._volume(volume).read(offset, length)
        return {"data": base64.b64encode(data).decode()}

    def write(self, volume: str, offset: int, data: str) -> Result:
        """WRITE-2, WRITE-3."""
        try:
            octets = base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise InvalidArgumentError(f"data is not base64: {error}") from None
        self._volume(volume).write(offset, octets)
        return {}

    def write_zeroes(self, volume: str, offset: int, length: int) -> Result:
        """WRITE-4."""
        self._volume(volume).write_zeroes(offset, length)
        return {}

    def flush(self, volume: str) -> Result:
        """FLUSH-1."""
        self._volume(volume).flush()
        return {}

    def background_copy(self, grains: int | None) -> Result:
        """COPY-2."""
        return {"copied": self.pair.copy(grains)}

    def status(self) -> Result:
        """State and counts of grains."""
        now = self.pair.status()
        return {"state": now.state.value, "copied": now.copied, "grains": now.grains}

    def bitmaps(self) -> Result:
        """Both maps, without the padding that follows them."""
        pair = self.pair
        maps, length = pair.bitmaps(), -(-pair.geometry.grains // 8)
        return {
            name: base64.b64encode(octets[:length]).decode()
            for name, octets in (("copied", maps.copied), ("modified", maps.modified))
        }

    def cut_power(self, params: object) -> None:
        """What is in flight goes on for a moment and then fails. Of no effect on real disks."""
        seed = params.get("seed") if isinstance(params, dict) else None
        if self._disks is not None and type(seed) is int:
            time.sleep(random.Random(seed).choice(_BEFORE_LOSS))
            self._disks.cut_power()

    def power_loss(self, seed: int) -> Result:
        """CRASH-1 to CRASH-3: once the power is cut and nothing is in flight, lose and recover."""
        if self._disks is None:
            raise InvalidArgumentError("real disks lose nothing on demand: serve --disk simulated")
        self._disks.lose(seed)
        self.pair.abandon()
        self._open = None
        return self.open(self._directory)

    def close(self) -> Result:
        """Flush everything and give the files back."""
        pair, self._open = self._open, None
        if pair is not None:
            pair.close()
        return {}

    def abandon(self) -> None:
        """Standard input ended without a close: end as a crash would, and leave the files."""
        if self._open is not None:
            self._open.abandon()

    @property
    def pair(self) -> FlashCopy:
        """The open relationship. Raises InvalidStateError if there is none."""
        if self._open is None:
            raise InvalidStateError("nothing is open: create or open comes first")
        return self._open

    def _opener(self, directory: str, block_size: int | None = None) -> OpenFile:
        """What opens the files: real ones, or simulated ones in their place."""
        if self._disks is None:
            return File
        return self._disks.opener(Path(directory) / _MAP, block_size)

    def _volume(self, name: str) -> Volume:
        if name not in (_SOURCE, _TARGET):
            raise InvalidArgumentError(f"volume {name!r}: it is source or target")
        volume: Volume = getattr(self.pair, name)
        return volume

    def _require_closed(self) -> None:
        if self._open is not None:
            raise InvalidStateError("a relationship is open already; close comes first")


METHODS: dict[str, Callable[..., Result]] = {
    name: getattr(Server, name)
    for name in (
        "hello",
        "create",
        "open",
        "start",
        "sync",
        "stop",
        "read",
        "write",
        "write_zeroes",
        "flush",
        "background_copy",
        "status",
        "bitmaps",
        POWER_LOSS,
        "close",
    )
}
# Which types a parameter may have; JSON's numbers come as int, and true is no number.
TYPES: dict[str, tuple[type, ...]] = {
    "protocol": (int,),
    "directory": (str,),
    "size": (int,),
    "block_size": (int,),
    "grain_size": (int,),
    "target_writable": (bool,),
    "volume": (str,),
    "offset": (int,),
    "length": (int,),
    "data": (str,),
    "grains": (int, type(None)),
    "seed": (int,),
}
