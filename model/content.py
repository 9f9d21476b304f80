"""What the bytes of a block say: self-describing data.

The project never writes anonymous data. The content of a block is a number, 0 for zeros and
otherwise the number of the write that made it, unique in a trace. On a real device the block's
bytes say the same at length: which volume was written, which block, by which write, and a
checksum over that. So a wrong block is not just noticed but explained: an older write, a newer
one, another block's, the other volume's, a mixture of two.

Layout, little-endian, repeated every 64 bytes so that a block torn inside shows it:
8 bytes magic, 8 volume (0 source, 1 target), 8 block, 8 write, 28 zero, 4 CRC-32 of the rest.
"""

import struct
import zlib
from functools import lru_cache

from attrs import frozen

from flashcopy.model.images import Volume

_CELL = 64
_MAGIC = b"FlashBlk"
_FIELDS = struct.Struct("<8sQQQ28x")
_HEAD = struct.Struct("<8sQQQ")
_CRC = struct.Struct("<I")
# The CRC of whatever ends with its own CRC is this one number.
_INTACT = zlib.crc32(_CRC.pack(zlib.crc32(b"")))
_VOLUMES = (Volume.SOURCE, Volume.TARGET)
_TARGET = Volume.TARGET


@frozen
class Tag:
    """What one intact block says of itself."""

    volume: Volume
    block: int
    write: int


class UnreadableBlockError(ValueError):
    """The bytes are neither zeros nor one intact block; the message says what they are.

    `what` says it in a word (`torn`, `foreign`, ...), `block` is its number where that is known.
    """

    def __init__(self, message: str, what: str, block: int | None = None) -> None:
        super().__init__(message)
        self.what = what
        self.block = block


def encode(tag: Tag, block_size: int) -> bytes:
    """The bytes of a block, `block_size` of them (a multiple of 64)."""
    return encode_run(tag.volume, tag.block, 1, tag.write, block_size)


def encode_run(volume: Volume, first: int, blocks: int, write: int, block_size: int) -> bytes:
    """The bytes of so many blocks of a volume from the first on, all of one write."""
    side, cells = int(volume is _TARGET), block_size // _CELL
    if blocks == 1:
        return _cell(side, first, write) * cells
    return b"".join([_cell(side, block, write) * cells for block in range(first, first + blocks)])


def write_of(data: bytes, volume: Volume, block: int) -> int:
    """Which write the bytes of a block hold, if it is intact and has its place there; else 0.

    A write to the source has its place on the target, too. What else a block may hold, `decode`
    says; most hold what they may, so this is asked first.
    """
    cell = data[:_CELL]
    if zlib.crc32(cell) != _INTACT or cell * (len(data) // _CELL) != data:
        return 0
    magic, side, number, write = _HEAD.unpack_from(cell)
    of_volume = side == 0 or (side == 1 and volume is _TARGET)
    return write if of_volume and number == block and magic == _MAGIC else 0


def decode(block: bytes) -> Tag | None:
    """What a block says of itself, or None if it is all zeros.

    Raises UnreadableBlockError for anything else: foreign data, or a block torn inside.
    """
    if block == bytes(len(block)):
        return None
    cell = bytes(block[:_CELL])
    if cell * (len(block) // _CELL) != block:
        cells = {bytes(block[at : at + _CELL]) for at in range(0, len(block), _CELL)}
        said = sorted({str(tag) for tag in map(_decode_cell, cells)})
        raise UnreadableBlockError(f"torn: one block holds {' and '.join(said)}", "torn")
    tag = _decode_cell(cell)
    if not isinstance(tag, Tag):
        says = f"foreign: {cell[:16].hex()}… was never written by this run"
        raise UnreadableBlockError(says, "foreign")
    return tag


def _cell(side: int, block: int, write: int) -> bytes:
    body = _FIELDS.pack(_MAGIC, side, block, write)
    return body + _CRC.pack(zlib.crc32(body))


# The same blocks are read again and again.
@lru_cache(maxsize=1 << 14)
def _decode_cell(cell: bytes) -> Tag | str:
    """What one cell says, or a word for a cell that says nothing."""
    if not any(cell):
        return "zeros"
    body, (crc,) = cell[: _FIELDS.size], _CRC.unpack(cell[_FIELDS.size :])
    magic, volume, block, write = _FIELDS.unpack(body)
    if magic != _MAGIC or crc != zlib.crc32(body) or volume >= len(_VOLUMES):
        return "foreign bytes"
    return Tag(_VOLUMES[volume], block, write)
