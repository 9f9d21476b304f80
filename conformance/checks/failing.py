"""A device of the IUT that fails now and then: what `io_error` may have changed, and what not.

After a request that failed nothing has changed (ERR-5, ERR-6), so it is simply asked again, as a
host would, and whatever it did change shows later. A write is the exception: each of its blocks
reads as it was or as it was to be. What landed is taken for written from then on, so that the next
sync must bring it to the target although nobody was told that it is there.
"""

from collections.abc import Callable

from flashcopy.conformance.adapter import IutBrokeDownError
from flashcopy.model import volume as model
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume, read
from flashcopy.model.operation import (
    FAILED,
    Contents,
    Operation,
    Outcome,
    Read,
    Write,
    WriteZeroes,
)
from flashcopy.model.volume import ZERO, Machine

# A device that fails so many times in a row does not fail now and then, it is broken.
_PATIENCE = 50


def ask_until_it_works(ask: Callable[[Operation], Outcome], operation: Operation) -> Outcome:
    """Ask what changes nothing if it fails, again and again. Raises IutBrokeDownError."""
    for _ in range(_PATIENCE):
        outcome = ask(operation)
        if outcome != FAILED:
            return outcome
    raise IutBrokeDownError(f"it answered {_PATIENCE} times in a row that a device failed")


def after_a_failed_write(
    ask: Callable[[Operation], Outcome], machine: Machine, write: Write | WriteZeroes
) -> tuple[Machine, list[int]]:
    """The machine if each block that has landed had been written alone; blocks that are neither.

    What such a block shows is not what it was, nor what it was to be.
    """
    volume, geometry = write.volume, machine.geometry
    seen = ask_until_it_works(ask, Read(volume, write.offset, write.length))
    if not isinstance(seen, Contents):
        return machine, []
    first = write.offset // geometry.block_size
    before = read(model.images(machine), volume)[first : first + len(seen.contents)]
    new = write.content if isinstance(write, Write) else ZERO
    wrong = []
    for block, (was, shows) in enumerate(zip(before, seen.contents, strict=True), first):
        if shows == new:
            machine, _ = model.apply(machine, _of_block(geometry, volume, block, new))
        elif shows != was:
            wrong.append(block)
    return machine, wrong


def _of_block(geometry: Geometry, volume: Volume, block: int, content: int) -> Write:
    return Write(volume, block * geometry.block_size, geometry.block_size, content)
