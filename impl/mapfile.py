"""The map file: its layout (MAP-1), and which bytes each map effect writes. No I/O happens here.

Sector 0 is the *header*: generation, standing, which area holds the maps. It is the only sector
ever overwritten with something that takes bits away, and a disk writes a sector whole or not at
all (DISK-2), so it is the instant at which a start or sync happens to the disk. The rest of the
first page is the *identity*: sizes, options and paths, written once. Then come two *areas*, each
with a copied and a modified map; the header names the one that counts, and the other is where
the next maps are prepared. Both parts of the first page have a CRC-32 of their own.

    page 0   sector 0      magic, version, id, generation, standing, area, CRC
             sectors 1-7   magic, version, id, sizes, options, paths, CRC
    then     area 0        copied map, modified map: whole sectors each
             area 1        copied map, modified map

Numbers are little-endian.
"""

import struct
import uuid
import zlib
from pathlib import Path

from attrs import frozen
from bitarray import bitarray

from flashcopy.impl import bitmap
from flashcopy.impl.effect import Point, Runs, Standing
from flashcopy.impl.errors import (
    CorruptMapError,
    ForeignMapError,
    GeometryError,
    InvalidArgumentError,
    NewerMapError,
    TruncatedMapError,
)
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.memory import Memory

VERSION = 1
PAGE = 4096
_MAGIC = b"FLASHCPY"
_HEADER = struct.Struct("<8sI16sQBB")
_IDENTITY = struct.Struct("<8sI16sQIQ??HH")
_CRC = struct.Struct("<I")

# Bytes to be written to the map file at an offset.
MapWrite = tuple[int, bytes]


@frozen
class Identity:
    """What a relationship is, for good: sizes, options, and which files belong to it."""

    geometry: Geometry
    source: Path
    target: Path
    target_writable: bool = True
    keep_target: bool = False
    id: bytes = b""

    @classmethod
    def new(cls, geometry: Geometry, source: Path, target: Path, **options: bool) -> "Identity":
        """A relationship that never was, with an id of its own."""
        return cls(geometry, source, target, id=uuid.uuid4().bytes, **options)


@frozen
class Header:
    """What one sector says of a whole relationship."""

    generation: int
    standing: Standing
    area: int


def file_size(geometry: Geometry) -> int:
    """The size of a map file in bytes: whole pages."""
    size = PAGE + 4 * bitmap.map_bytes(geometry.grains)
    return -(-size // PAGE) * PAGE


def map_offset(geometry: Geometry, area: int, which: int) -> int:
    """Where in the file an area's copied (0) or modified (1) map begins."""
    return PAGE + (2 * area + which) * bitmap.map_bytes(geometry.grains)


def encode_first_page(identity: Identity, header: Header) -> bytes:
    """Header and identity of a new map file."""
    paths = [bytes(path) for path in (identity.source, identity.target)]
    geometry = identity.geometry
    body = _IDENTITY.pack(
        _MAGIC,
        VERSION,
        identity.id,
        geometry.size,
        geometry.block_size,
        geometry.grain_size,
        identity.target_writable,
        identity.keep_target,
        *map(len, paths),
    ) + b"".join(paths)
    room = PAGE - bitmap.SECTOR - _CRC.size
    if len(body) > room:
        raise InvalidArgumentError(
            f"the paths of source and target take {sum(map(len, paths))} bytes:"
            f" a map file has room for {room - _IDENTITY.size}; use shorter ones"
        )
    return encode_header(identity, header) + _sealed(body, room)


def encode_header(identity: Identity, header: Header) -> bytes:
    """The header sector."""
    body = _HEADER.pack(
        _MAGIC, VERSION, identity.id, header.generation, header.standing.value, header.area
    )
    return _sealed(body, bitmap.SECTOR - _CRC.size)


def decode_first_page(page: bytes) -> tuple[Identity, Header]:
    """Identity and header of a map file, from its first `PAGE` bytes or what there is of them.

    MAP-2: each of the two is under a CRC-32, so no bit of them changes unnoticed.

    Raises ForeignMapError, NewerMapError, TruncatedMapError or CorruptMapError.
    """
    if page[: len(_MAGIC)] != _MAGIC:
        raise ForeignMapError("not a map file: it does not begin as one")
    if len(page) < PAGE:
        raise TruncatedMapError(f"the map file ends after {len(page)} bytes, within its first page")
    _, version, header_id, generation, standing, area = _HEADER.unpack_from(page)
    if version > VERSION:
        raise NewerMapError(
            f"the map file has format version {version}, this program knows up to {VERSION}"
        )
    _check_seal("header", page[: bitmap.SECTOR])
    _check_seal("identity", page[bitmap.SECTOR :])
    _, _, identity_id, size, block, grain, writable, keep, *lengths = _IDENTITY.unpack_from(
        page, bitmap.SECTOR
    )
    if identity_id != header_id or standing >= len(Standing) or area > 1:
        raise CorruptMapError("the map file's header and identity contradict each other")
    try:
        geometry = Geometry(size, block, grain)
    except GeometryError as error:
        raise CorruptMapError(f"the map file's sizes are impossible: {error}") from None
    at = bitmap.SECTOR + _IDENTITY.size
    source, target = page[at : at + lengths[0]], page[at + lengths[0] : at + sum(lengths)]
    identity = Identity(
        geometry, _path(source), _path(target), writable, keep, id=bytes(identity_id)
    )
    return identity, Header(generation, Standing(standing), area)


@frozen
class Prepared:
    """What the other area holds, written if not yet durable: the maps of a new point in time.

    `changes` is memory's count when they were computed: as long as it is the same, so are they.
    """

    point: Point
    changes: int
    copied: bitarray
    modified: bitarray
    uncopied: int


class MapFile:
    """The map file of one relationship as far as it is known, and the writes that change it.

    Gives bytes to write; the caller writes them. `load` takes what a read of the file gave.
    """

    def __init__(self, identity: Identity, header: Header) -> None:
        self.identity = identity
        self.header = header
        # None if what the other area holds is not known.
        self._prepared: Prepared | None = None

    def load(self, areas: bytes) -> Memory:
        """The memory that a relationship opens with, from the file's bytes after the first page."""
        geometry = self.identity.geometry
        size = bitmap.map_bytes(geometry.grains)
        starts = [map_offset(geometry, self.header.area, which) - PAGE for which in (0, 1)]
        copied, modified = (bitmap.load(areas[start : start + size]) for start in starts)
        return Memory(geometry.grains, self.header.standing, copied, modified)

    def save(self, memory: Memory, runs: Runs) -> list[MapWrite]:
        """Effect `Save`."""
        sectors = tuple(bitmap.sectors_of(run) for run in runs)
        return [
            write
            for which, bits in enumerate((memory.copied, memory.modified))
            for write in self._writes(self.header.area, which, bits, sectors)
        ]

    def prepare(self, memory: Memory, point: Point) -> list[MapWrite]:
        """Effect `Prepare`. The second time, with hosts waiting, there is mostly nothing to do."""
        old = self._prepared
        if old is not None and old.point is point and old.changes == memory.changes:
            return []
        copied, modified = memory.at_new_point(point)
        uncopied = bitmap.count_zeros(copied, memory.grains)
        self._prepared = Prepared(point, memory.changes, copied, modified, uncopied)
        if old is None:
            every = (range(bitmap.map_bytes(memory.grains) // bitmap.SECTOR),)
            differing: tuple[Runs, Runs] = (every, every)
        else:
            differing = (
                bitmap.differing_sectors(old.copied, copied),
                bitmap.differing_sectors(old.modified, modified),
            )
        return [
            write
            for which, bits in enumerate((copied, modified))
            for write in self._writes(1 - self.header.area, which, bits, differing[which])
        ]

    def unprepare(self) -> None:
        """The writes of the last `prepare` failed: what the other area holds is not known."""
        self._prepared = None

    def commit(self, standing: Standing) -> list[MapWrite]:
        """Effect `Commit`."""
        area = self.header.area
        if standing is Standing.TRACKING:
            area = 1 - area
        self.header = Header(self.header.generation + 1, standing, area)
        return [(0, encode_header(self.identity, self.header))]

    def adopt(self, memory: Memory, standing: Standing) -> None:
        """Effect `Adopt`."""
        if standing is Standing.TRACKING:
            assert self._prepared is not None, "a header was committed without prepared maps"
            prepared = self._prepared
            memory.adopt_maps(prepared.copied, prepared.modified, prepared.uncopied)
        else:
            memory.adopt_standing(standing)
        self._prepared = None

    def distrust(self, memory: Memory) -> None:
        """Effect `Distrust`: what the other area holds is no longer known either."""
        memory.distrust()
        self._prepared = None

    def _writes(self, area: int, which: int, bits: bitarray, sectors: Runs) -> list[MapWrite]:
        base = map_offset(self.identity.geometry, area, which)
        return [
            (base + run.start * bitmap.SECTOR, bitmap.sector_bytes(bits, run)) for run in sectors
        ]


def _sealed(body: bytes, room: int) -> bytes:
    """The body, filled up with zeros to `room` bytes, and the CRC-32 of both."""
    padded = body.ljust(room, b"\0")
    return padded + _CRC.pack(zlib.crc32(padded))


def _check_seal(part: str, sealed: bytes) -> None:
    body, (crc,) = sealed[: -_CRC.size], _CRC.unpack(sealed[-_CRC.size :])
    if zlib.crc32(body) != crc:
        raise CorruptMapError(f"the map file's {part} fails its checksum: the file is damaged")


def _path(encoded: bytes) -> Path:
    return Path(encoded.decode("utf-8", "surrogateescape"))
