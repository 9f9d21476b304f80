"""A volume as its user reads and writes it: bytes at an offset, one protocol request each.

A request that fits in one piece is handed to the protocol as it is, which is the way of nearly
every one and kept short. Whatever else there is goes the long way round: requests that must be
refused, empty ones, large ones. Those are cut into pieces at multiples of `PIECE`, so that one
request keeps no more than that from others; the specification promises only blocks that are
read and written whole (CONC-1).
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flashcopy.impl.direct import direct_protocol
from flashcopy.impl.engine import Engine
from flashcopy.impl.errors import (
    ClosedError,
    MisalignedError,
    OutOfRangeError,
    ReadOnlyTargetError,
)

PIECE = 8 << 20  # bytes; a grain, if that is larger

# A request of the direct protocol; what it takes and gives is stated in `protocol`.
Request = Callable[..., Any]
Data = bytes | bytearray | memoryview


class Volume:
    """One of the two volumes of a relationship, with the requests its protocol knows.

    Offsets and lengths are bytes. Every request raises OutOfRangeError or MisalignedError if it
    does not lie on whole blocks of the volume (ERR-1), ClosedError after the relationship was
    closed, and a DeviceError if a file fails. An empty one does nothing (ERR-4).
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        read: Request,
        write: Request,
        flush: Request,
    ) -> None:
        geometry = engine.mapfile.identity.geometry
        self.size = geometry.size
        self._name = name
        self._engine = engine
        # Requests with all but their blocks and data filled in, for the way of nearly every one.
        self._read = partial(read, engine, geometry)
        self._write = partial(write, engine, geometry)
        self._release = engine.release
        self._flush = partial(flush, engine)
        self._geometry = geometry
        self._piece = max(PIECE, geometry.grain_size)
        # Block numbers are offsets shifted; what is left over must be 0.
        self._shift = geometry.block_size.bit_length() - 1
        self._odd = geometry.block_size - 1

    def read(self, offset: int, length: int) -> bytes:
        """READ-1, READ-2: `length` bytes from `offset` on, of this volume's image."""
        if blocks := self._ordinary(offset, length):
            try:
                data: bytes = self._read(blocks)
            finally:
                self._release()
            return data
        self.check(offset, length)
        pieces = self._pieces(offset, length)
        return b"".join(self._run(self._read, self._blocks(piece)) for piece in pieces)

    def write(self, offset: int, data: Data) -> None:
        """WRITE-2, WRITE-3: the data from `offset` on; answered when this volume's readers see it.

        Raises ReadOnlyTargetError for a target that was created read-only (ERR-3).
        """
        if data.__class__ is bytes and (blocks := self._ordinary(offset, len(data))):
            try:
                self._write(blocks, data)
            finally:
                self._release()
            return
        with memoryview(data).cast("B") as octets:
            self.check(offset, len(octets))
            for piece in self._pieces(offset, len(octets)):
                part = octets[piece.start - offset : piece.stop - offset]
                self._run(self._write, self._blocks(piece), part)

    def write_zeroes(self, offset: int, length: int) -> None:
        """WRITE-4: a write like any other, of zeros."""
        self.check(offset, length)
        zeros = bytes(min(length, self._piece))
        for piece in self._pieces(offset, length):
            self._run(self._write, self._blocks(piece), zeros[: len(piece)])

    def flush(self) -> None:
        """FLUSH-1: every answered write to this volume is durable."""
        self.check(0, 0)
        self._run(self._flush)

    def _run(self, request: Request, *args: Any) -> Any:
        """Run a request to its end; whoever is in a hurry does these lines by hand."""
        try:
            return request(*args)
        finally:
            self._release()

    def _ordinary(self, offset: int, length: int) -> range | None:
        """The blocks of a request that is neither to be refused nor to be cut; else None."""
        end = offset + length
        if (
            0 < length <= self._piece
            and offset >= 0
            and end <= self.size
            and not (offset | length) & self._odd
        ):
            return range(offset >> self._shift, end >> self._shift)
        return None

    def check(self, offset: int, length: int) -> None:
        """Raises what a read of these bytes would be refused with."""
        if self._engine.closed:
            raise ClosedError(f"the {self._name} is closed: open the relationship again")
        asked = f"{length} bytes at {offset} of the {self._name}"
        if offset < 0 or length < 0 or offset + length > self.size:
            raise OutOfRangeError(f"{asked}: it has only bytes 0 to {self.size - 1}")
        if (offset | length) & self._odd:
            raise MisalignedError(
                f"{asked}: offset and length must be multiples of the block size,"
                f" {self._geometry.block_size}"
            )

    def _pieces(self, offset: int, length: int) -> Iterator[range]:
        at, end = offset, offset + length
        while at < end:
            stop = min(at - at % self._piece + self._piece, end)
            yield range(at, stop)
            at = stop

    def _blocks(self, octets: range) -> range:
        return range(octets.start >> self._shift, octets.stop >> self._shift)


class Target(Volume):
    """The target: refuses everything when stopped (ERR-2)."""

    def check(self, offset: int, length: int) -> None:
        super().check(offset, length)
        # An empty request comes to no piece that could be refused, so it asks here.
        self._engine.run(direct_protocol.read_target, range(0))


class ReadOnlyTarget(Target):
    """A target that was created read-only: it refuses writes before anything else (ERR-3)."""

    def write(self, offset: int, data: Data) -> None:
        del offset, data
        raise ReadOnlyTargetError("write to the target: it was created read-only")

    def write_zeroes(self, offset: int, length: int) -> None:
        del offset, length
        raise ReadOnlyTargetError("write of zeroes to the target: it was created read-only")


def source_volume(engine: Engine) -> Volume:
    """The source of a relationship."""
    do = direct_protocol
    write = do.write_source
    if engine.mapfile.identity.keep_target:
        write = partial(write, keep_target=True)
    return Volume("source", engine, do.read_source, write, do.flush_source)


def target_volume(engine: Engine) -> Volume:
    """The target of a relationship."""
    do = direct_protocol
    kind = Target if engine.mapfile.identity.target_writable else ReadOnlyTarget
    return kind("target", engine, do.read_target, do.write_target, do.flush_target)
