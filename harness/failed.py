"""Requests that failed in a device, in a trace of an implementation whose devices do fail.

Neither the model's machine nor the simulation has such devices, unless a trace says at which step.
What failed has changed nothing (ERR-5, ERR-6), so nothing stands for it there; but of a write some
blocks may have landed, and which, the reads after it tell.
"""

from collections.abc import Iterator, Sequence

from flashcopy.model.geometry import Geometry, blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    FAILED,
    Contents,
    Operation,
    Read,
    Start,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.trace import Answer, Entry, Submit, Trace
from flashcopy.model.volume import ZERO


def stand_ins(trace: Trace) -> dict[int, tuple[Operation, ...]]:
    """What stands for each request that failed, by its number: writes of the blocks that landed."""
    failed = {
        entry.request
        for entry in trace.entries
        if isinstance(entry, Answer) and entry.outcome == FAILED
    }
    return {
        entry.request: tuple(_landed(trace.geometry, entry, trace.entries[at + 1 :]))
        for at, entry in enumerate(trace.entries)
        if isinstance(entry, Submit) and entry.request in failed
    }


def _landed(geometry: Geometry, submit: Submit, later: Sequence[Entry]) -> Iterator[Operation]:
    write = submit.operation
    if not isinstance(write, Write | WriteZeroes):
        return
    content = write.content if isinstance(write, Write) else ZERO
    size = geometry.block_size
    for block in blocks_of_request(geometry, write.offset, write.length):
        if _shown(geometry, write.volume, block, later) == content:
            yield Write(write.volume, block * size, size, content)


def _shown(geometry: Geometry, volume: Volume, block: int, later: Sequence[Entry]) -> int | None:
    """What the next read of a block shows, before anything else can have changed it."""
    reads: dict[int, Read] = {}
    for entry in later:
        match entry:
            case Submit(request, Read() as read) if read.volume is volume:
                reads[request] = read
            case Submit(_, Start() | Sync()) if volume is Volume.TARGET:
                return None
            case Submit(_, Write() | WriteZeroes() as write) if write.volume is volume:
                if block in blocks_of_request(geometry, write.offset, write.length):
                    return None
            case Answer(request, Contents(contents)) if request in reads:
                read = reads[request]
                blocks = blocks_of_request(geometry, read.offset, read.length)
                if block in blocks:
                    return contents[block - blocks.start]
    return None
