"""From an operation of the model to a request of the protocol, and back from result to outcome.

What the public layer refuses before the protocol sees it (a range outside the volume, a write
to a read-only target) is refused here in the same way.
"""

from typing import Any

from attrs import frozen

from flashcopy.harness.simulation import BLOCK_BYTES
from flashcopy.impl import protocol
from flashcopy.impl.effect import Write as EffectWrite
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.protocol import Request
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    BackgroundCopy,
    Contents,
    Copied,
    Done,
    Flush,
    Operation,
    Outcome,
    Read,
    Refusal,
    Refused,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)


@frozen
class Options:
    """What a relationship was created with, apart from its sizes."""

    target_writable: bool = True
    keep_target: bool = False


@frozen
class Ask:
    """A request as the protocol takes it: which of its generators, on which blocks, which data.

    `name` is the generator's. A background copy is one batch of at most `limit` grains.
    """

    name: str
    blocks: range = range(0)
    data: bytes = b""
    limit: int = 0

    @property
    def reads(self) -> bool:
        """Whether a host reads a volume."""
        return self.name in ("read_source", "read_target")

    @property
    def is_write(self) -> bool:
        """Whether a host writes a volume."""
        return self.name in ("write_source", "write_target")

    @property
    def volume(self) -> Volume:
        """The volume that a host reads, writes or flushes."""
        return Volume(self.name.rpartition("_")[2])

    def writes(self, effect: EffectWrite) -> bool:
        """Whether an effect of this request is the host's own write, not a copy before it."""
        return self.is_write and effect.data is self.data


def encode(contents: tuple[int, ...]) -> bytes:
    """The data of blocks with these contents."""
    return b"".join(content.to_bytes(BLOCK_BYTES, "little") for content in contents)


def decode(data: bytes) -> tuple[int, ...]:
    """The contents of blocks with this data."""
    return tuple(
        int.from_bytes(data[at : at + BLOCK_BYTES], "little")
        for at in range(0, len(data), BLOCK_BYTES)
    )


def refuse(geometry: Geometry, options: Options, operation: Operation) -> Refused | None:
    """ERR-1, ERR-3: what never reaches the protocol."""
    if isinstance(operation, BackgroundCopy) and (operation.grains or 0) < 0:
        return Refused(Refusal.INVALID_ARGUMENT)
    if not isinstance(operation, (Read, Write, WriteZeroes)):
        return None
    writes = not isinstance(operation, Read)
    if writes and operation.volume is Volume.TARGET and not options.target_writable:
        return Refused(Refusal.READ_ONLY)
    offset, length, block_size = operation.offset, operation.length, geometry.block_size
    within = offset >= 0 and length >= 0 and offset + length <= geometry.size
    if not within or offset % block_size or length % block_size:
        return Refused(Refusal.INVALID_ARGUMENT)
    return None


def ask(geometry: Geometry, operation: Operation) -> Ask:
    """The request that an operation makes; the operation lies within the volume."""
    match operation:
        case Read(volume, offset, length):
            return Ask(f"read_{volume.value}", _blocks(geometry, offset, length))
        case Write(volume, offset, length, content):
            blocks = _blocks(geometry, offset, length)
            return Ask(f"write_{volume.value}", blocks, encode((content,) * len(blocks)))
        case WriteZeroes(volume, offset, length):
            blocks = _blocks(geometry, offset, length)
            return Ask(f"write_{volume.value}", blocks, bytes(BLOCK_BYTES * len(blocks)))
        case Flush(volume):
            return Ask(f"flush_{volume.value}")
        case Start():
            return Ask("start")
        case Sync():
            return Ask("sync")
        case Stop():
            return Ask("stop")
        case BackgroundCopy(grains):
            return Ask("background_copy", limit=geometry.grains if grains is None else grains)


def generator(geometry: Geometry, options: Options, asked: Ask) -> Request:
    """The protocol's generator for a request."""
    keep = options.keep_target
    match asked.name:
        case "read_source":
            return protocol.read_source(geometry, asked.blocks)
        case "read_target":
            return protocol.read_target(geometry, asked.blocks)
        case "write_source":
            return protocol.write_source(geometry, asked.blocks, asked.data, keep_target=keep)
        case "write_target":
            return protocol.write_target(geometry, asked.blocks, asked.data)
        case "flush_source":
            return protocol.flush_source()
        case "flush_target":
            return protocol.flush_target()
        case "background_copy":
            return protocol.background_copy(geometry, asked.limit, keep_target=keep)
        case "start":
            return protocol.start(geometry)
        case "sync":
            return protocol.sync(geometry)
        case "stop":
            return protocol.stop(geometry)
        case name:
            raise ValueError(f"the protocol has no request {name}")


def outcome(asked: Ask, result: Any, error: FlashCopyError | None) -> Outcome:
    """What is answered when a request has ended."""
    if error is not None:
        return Refused(Refusal(error.kind))
    if asked.name in ("read_source", "read_target"):
        return Contents(decode(result))
    return Copied(result) if asked.name == "background_copy" else Done()


def _blocks(geometry: Geometry, offset: int, length: int) -> range:
    return range(offset // geometry.block_size, (offset + length) // geometry.block_size)
