"""The map file as a disk of words: what may be torn apart by a crash, and what may not.

A map file is written in whole sectors, but nothing says that a sector of bits reaches the disk
whole: the protocol must hold if it is torn anywhere (ORDER-4). So on the simulated disk every
eight bytes of the maps are a block of their own, which a crash keeps or loses on its own. Only
the header is one block of a whole sector, for that is what the protocol relies on (DISK-2).

Blocks: 0 the header, 1 the rest of the first page, from 2 on the words of the two areas.
"""

from collections.abc import Iterator

from flashcopy.impl import bitmap, mapfile
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import Header, Identity, MapWrite

WORD = 8
WORD_GRAINS = 8 * WORD
HEADER = 0
_FIRST_WORD = 2


def new(identity: Identity, header: Header, maps: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The blocks of a map file that holds four maps: copied and modified of area 0, then of 1."""
    page = mapfile.encode_first_page(identity, header)
    areas = b"".join(maps)
    words = [areas[at : at + WORD] for at in range(0, len(areas), WORD)]
    return (page[: bitmap.SECTOR], page[bitmap.SECTOR :], *words)


def first_page(blocks: tuple[bytes, ...]) -> bytes:
    """The first page that a file of these blocks begins with."""
    return blocks[0] + blocks[1]


def file_bytes(blocks: tuple[bytes, ...]) -> bytes:
    """A whole map file of these blocks, filled up to whole pages."""
    data = b"".join(blocks)
    return data.ljust(-(-len(data) // mapfile.PAGE) * mapfile.PAGE, b"\0")


def areas(blocks: tuple[bytes, ...]) -> bytes:
    """What follows the first page."""
    return b"".join(blocks[_FIRST_WORD:])


def cut(writes: list[MapWrite]) -> Iterator[tuple[int, bytes]]:
    """The block writes that writes to the map file are made of: block number and data."""
    for offset, data in writes:
        if offset < mapfile.PAGE:
            yield HEADER, data
            continue
        first = _FIRST_WORD + (offset - mapfile.PAGE) // WORD
        for at in range(0, len(data), WORD):
            yield first + at // WORD, data[at : at + WORD]


def word_of(geometry: Geometry, area: int, which: int, grain: int) -> int:
    """The block with a grain's bit in an area's copied (0) or modified (1) map."""
    offset = mapfile.map_offset(geometry, area, which) - mapfile.PAGE
    return _FIRST_WORD + offset // WORD + grain // WORD_GRAINS


def words_of_area(geometry: Geometry, area: int) -> range:
    """The blocks of both maps of an area."""
    first = word_of(geometry, area, 0, 0)
    return range(first, first + 2 * bitmap.map_bytes(geometry.grains) // WORD)


def has_bit(word: bytes, grain: int) -> bool:
    """Whether a grain's bit is 1 in its word."""
    return bool(word[grain % WORD_GRAINS // 8] >> grain % 8 & 1)
