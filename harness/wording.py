"""Effects, operations and outcomes in words, for traces and tables that people read."""

from enum import Enum
from typing import Any

from attrs import fields

from flashcopy.impl.effect import Effect, Read, Write
from flashcopy.model.geometry import Geometry
from flashcopy.model.operation import (
    BackgroundCopy,
    Contents,
    Copied,
    Flush,
    Operation,
    Outcome,
    Refused,
    WriteZeroes,
)
from flashcopy.model.operation import Read as ReadOperation
from flashcopy.model.operation import (
    Write as WriteOperation,
)


def run(numbers: range) -> str:
    """A run of blocks or grains: `3`, `3-5`, or `none`."""
    if not numbers:
        return "none"
    first, last = numbers[0], numbers[-1]
    return f"{first}" if first == last else f"{first}-{last}"


def of_effect(effect: Effect, done: int = 0) -> str:
    """An effect, or of a Read or Write the block that comes after `done` others."""
    if isinstance(effect, (Read, Write)):
        block = effect.blocks[done] if done < len(effect.blocks) else "none"
        return f"{type(effect).__name__} {effect.device.value} block {block}"
    values = [_plain(getattr(effect, a.name)) for a in fields(type(effect))]
    return " ".join([type(effect).__name__, *values])


def of_operation(geometry: Geometry, operation: Operation) -> str:
    """What was asked, with blocks for bytes where that is shorter."""
    name = type(operation).__name__.lower()
    match operation:
        case ReadOperation(volume, offset, length):
            return f"read {volume.value} {_extent(geometry, offset, length)}"
        case WriteOperation(volume, offset, length, content):
            return f"write {content} to {volume.value} {_extent(geometry, offset, length)}"
        case WriteZeroes(volume, offset, length):
            return f"write zeroes to {volume.value} {_extent(geometry, offset, length)}"
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


def _grains(count: int | None) -> str:
    return "grain" if count == 1 else "grains"


def _extent(geometry: Geometry, offset: int, length: int) -> str:
    size = geometry.block_size
    if offset % size or length % size or offset < 0 or length < 0:
        return f"bytes {offset}+{length}"
    blocks = range(offset // size, (offset + length) // size)
    return f"{'block' if len(blocks) == 1 else 'blocks'} {run(blocks)}"


def _plain(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value).lower() if isinstance(value.value, str) else value.name.lower()
    if isinstance(value, range):
        return run(value)
    if isinstance(value, tuple):
        return ", ".join(_plain(one) for one in value)
    return str(value)
