"""The bundled implementation, asked in the model's words.

Takes an operation of the model, carries it out on a `FlashCopy` with self-describing data, and
gives the outcome in the model's words again. So whatever speaks of operations and outcomes (the
model, the cut, a trace) can be held against real files.
"""

from collections.abc import Iterable

from flashcopy.impl import FlashCopy
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.volume import Volume as OpenVolume
from flashcopy.model.content import Tag, UnreadableBlockError, decode, encode
from flashcopy.model.geometry import Geometry, is_within
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
from flashcopy.model.volume import ZERO


def carry_out(flashcopy: FlashCopy, geometry: Geometry, operation: Operation) -> Outcome:
    """The outcome of an operation on real files.

    Raises UnreadableBlockError if a block read holds what nobody wrote to it, and
    FlashCopyError for a failure that no refusal of the specification covers.
    """
    try:
        return _carry_out(flashcopy, geometry, operation)
    except FlashCopyError as error:
        if error.kind not in [refusal.value for refusal in Refusal]:
            raise
        return Refused(Refusal(error.kind))


def _carry_out(flashcopy: FlashCopy, geometry: Geometry, operation: Operation) -> Outcome:
    match operation:
        case Read(volume, offset, length):
            data = _side(flashcopy, volume).read(offset, length)
            return Contents(contents_of(geometry, volume, offset // geometry.block_size, data))
        case Write(volume, offset, length, content):
            _side(flashcopy, volume).write(offset, data_of(geometry, volume, operation, content))
        case WriteZeroes(volume, offset, length):
            _side(flashcopy, volume).write_zeroes(offset, length)
        case Flush(volume):
            _side(flashcopy, volume).flush()
        case Start():
            flashcopy.start()
        case Sync():
            flashcopy.sync()
        case Stop():
            flashcopy.stop()
        case BackgroundCopy(grains):
            return Copied(flashcopy.copy(grains))
    return Done()


def data_of(geometry: Geometry, volume: Volume, write: Write, content: int) -> bytes:
    """The bytes of a write; for one that must be refused, any bytes of its length."""
    if content == ZERO or not is_within(geometry, write.offset, write.length):
        return bytes(write.length)
    first = write.offset // geometry.block_size
    return b"".join(
        encode(Tag(volume, block, content), geometry.block_size)
        for block in range(first, first + write.length // geometry.block_size)
    )


def contents_of(
    geometry: Geometry, volume: Volume, first_block: int, data: bytes
) -> tuple[int, ...]:
    """What the blocks of a volume's data hold, a content each.

    Raises UnreadableBlockError for a block that is torn, foreign, misplaced or the other
    volume's: no content can be said of it.
    """
    size = geometry.block_size
    return tuple(
        content_of(volume, first_block + at // size, data[at : at + size])
        for at in range(0, len(data), size)
    )


def content_of(volume: Volume, block: int, data: bytes) -> int:
    """What one block of a volume holds. Raises UnreadableBlockError."""
    try:
        tag = decode(data)
    except UnreadableBlockError as error:
        raise UnreadableBlockError(f"{volume.value} block {block} is {error}") from None
    if tag is None:
        return ZERO
    if tag.block != block:
        raise UnreadableBlockError(
            f"{volume.value} block {block} is misplaced: it holds {_said(tag)}"
        )
    if volume is Volume.SOURCE and tag.volume is Volume.TARGET:
        raise UnreadableBlockError(f"source block {block} is foreign: it holds {_said(tag)}")
    return tag.write


def fill(geometry: Geometry, volume: Volume, contents: Iterable[int]) -> bytes:
    """The bytes of a whole volume with these contents, a block each."""
    return b"".join(
        encode(Tag(volume, block, content), geometry.block_size)
        if content
        else bytes(geometry.block_size)
        for block, content in enumerate(contents)
    )


def _said(tag: Tag) -> str:
    return f"write {tag.write} to {tag.volume.value} block {tag.block}"


def _side(flashcopy: FlashCopy, volume: Volume) -> OpenVolume:
    return flashcopy.source if volume is Volume.SOURCE else flashcopy.target
