"""The bundled implementation, asked in the model's words.

Takes an operation of the model, carries it out on a `FlashCopy` with self-describing data, and
gives the outcome in the model's words again. So whatever speaks of operations and outcomes (the
model, the cut, a trace) can be held against real files.
"""

from flashcopy.conformance.blocks import contents_of, data_of
from flashcopy.impl import FlashCopy
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.volume import Volume as OpenVolume
from flashcopy.model.geometry import Geometry
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
        case Write(volume, offset):
            _side(flashcopy, volume).write(offset, data_of(geometry, operation))
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


def _side(flashcopy: FlashCopy, volume: Volume) -> OpenVolume:
    return flashcopy.source if volume is Volume.SOURCE else flashcopy.target
