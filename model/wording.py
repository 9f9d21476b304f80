"""Operations and outcomes in words, for traces, tables and drawings that people read."""

from flashcopy.model.geometry import Geometry
from flashcopy.model.operation import (
    BackgroundCopy,
    Contents,
    Copied,
    Flush,
    Operation,
    Outcome,
    Read,
    Refused,
    Write,
    WriteZeroes,
)


def run(numbers: range) -> str:
    """A run of blocks or grains: `3`, `3-5`, or `none`."""
    if not numbers:
        return "none"
    first, last = numbers[0], numbers[-1]
    return f"{first}" if first == last else f"{first}-{last}"


def of_operation(geometry: Geometry, operation: Operation) -> str:
    """What was asked, with blocks for bytes where that is shorter."""
    name = type(operation).__name__.lower()
    match operation:
        case Read(volume, offset, length):
            return f"read {volume.value} {of_extent(geometry, offset, length)}"
        case Write(volume, offset, length, content):
            return f"write {content} to {volume.value} {of_extent(geometry, offset, length)}"
        case WriteZeroes(volume, offset, length):
            return f"write zeroes to {volume.value} {of_extent(geometry, offset, length)}"
        case Flush(volume):
            return f"flush {volume.value}"
        case BackgroundCopy(grains):
            return f"background copy of {'all' if grains is None else grains} {_grains(grains)}"
    return name


def of_outcome(outcome: Outcome) -> str:
    """What was answered."""
    match outcome:
        case Contents(contents):
            return " ".join(map(str, contents)) or "nothing"
        case Copied(grains):
            return f"{grains} copied"
        case Refused(kind):
            return f"refused: {kind.value.replace('_', ' ')}"
    return "done"


def of_extent(geometry: Geometry, offset: int, length: int) -> str:
    """Which blocks a request of bytes covers; the bytes, if they are not whole blocks."""
    size = geometry.block_size
    if offset % size or length % size or offset < 0 or length < 0:
        return f"bytes {offset}+{length}"
    blocks = range(offset // size, (offset + length) // size)
    return f"{'block' if len(blocks) == 1 else 'blocks'} {run(blocks)}"


def _grains(count: int | None) -> str:
    return "grain" if count == 1 else "grains"
