"""Self-describing data for the operations of the model, and back.

A write of a content becomes bytes in which every block says which volume, block and write it is
of; what a read gives becomes contents again, or an explanation why no content can be said of it.
"""

from collections.abc import Iterable

from flashcopy.model.content import (
    UnreadableBlockError,
    decode,
    encode_run,
    write_of,
)
from flashcopy.model.geometry import Geometry, is_within
from flashcopy.model.images import Volume
from flashcopy.model.operation import Write
from flashcopy.model.volume import ZERO


def data_of(geometry: Geometry, write: Write) -> bytes:
    """The bytes of a write; for one that must be refused, any bytes of its length."""
    if write.content == ZERO or not is_within(geometry, write.offset, write.length):
        return bytes(write.length)
    size = geometry.block_size
    first, blocks = write.offset // size, write.length // size
    return encode_run(write.volume, first, blocks, write.content, size)


def contents_of(
    geometry: Geometry, volume: Volume, first_block: int, data: bytes
) -> tuple[int, ...]:
    """What the blocks of a volume's data hold, a content each.

    Raises UnreadableBlockError for a block that is torn, foreign, misplaced or the other
    volume's: no content can be said of it.
    """
    size = geometry.block_size
    if len(data) == size:
        return (write_of(data, volume, first_block) or _say(volume, first_block, data),)
    contents, block = [], first_block
    for at in range(0, len(data), size):
        held = data[at : at + size]
        contents.append(write_of(held, volume, block) or _say(volume, block, held))
        block += 1
    return tuple(contents)


def content_of(volume: Volume, block: int, data: bytes) -> int:
    """What one block of a volume holds. Raises UnreadableBlockError."""
    return write_of(data, volume, block) or _say(volume, block, data)


def _say(volume: Volume, block: int, data: bytes) -> int:
    """What a block holds in which no write of its place is: zeros, or it is to be explained."""
    try:
        tag = decode(data)
    except UnreadableBlockError as error:
        says = f"{volume.value} block {block} is {error}"
        raise UnreadableBlockError(says, error.what, block) from None
    if tag is None:
        return ZERO
    wrong = "misplaced" if tag.block != block else "foreign"
    said = f"write {tag.write} to {tag.volume.value} block {tag.block}"
    says = f"{volume.value} block {block} is {wrong}: it holds {said}"
    raise UnreadableBlockError(says, wrong, block)


def fill(geometry: Geometry, volume: Volume, contents: Iterable[int]) -> bytes:
    """The bytes of a whole volume with these contents, a block each."""
    size = geometry.block_size
    return b"".join(
        encode_run(volume, block, 1, content, size) if content else bytes(size)
        for block, content in enumerate(contents)
    )
