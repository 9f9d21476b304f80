"""Flashcopies whose devices fail now and then: one that is right, and those that get it wrong.

A request that fails answers `io_error` and has changed nothing, but that of a write some blocks may
have landed; their grains are copied and marked all the same.
"""

import random

from flashcopy.conformance.zoo.cached import Cached
from flashcopy.conformance.zoo.right import Outcome, RefusedError, Right

_chance = random.Random(0)


def _fails() -> bool:
    """Whether a device fails this time."""
    return _chance.random() < 0.08


class FailsNowAndThen(Right):
    """Right, on devices that fail now and then."""

    def start(self) -> Outcome:
        self.maybe_fail()
        return super().start()

    def sync(self) -> Outcome:
        self.require_tracking()
        self.maybe_fail()
        return super().sync()

    def read(self, volume: str, offset: int, length: int) -> Outcome:
        result = super().read(volume, offset, length)
        self.maybe_fail()
        return result

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.require_writable(volume, offset, len(data))
        if data and _fails():
            self.half_write(volume, offset, data)
            raise RefusedError("io_error")
        return super().write(volume, offset, data)

    def flush(self, volume: str) -> Outcome:
        self.require_io(volume, 0, 0)
        self.maybe_fail()
        return super().flush(volume)

    def maybe_fail(self) -> None:
        """Now and then, before anything has changed."""
        if _fails():
            raise RefusedError("io_error")

    def half_write(self, volume: str, offset: int, data: bytes) -> None:
        """The grains are prepared, and some blocks land."""
        for grain in self.grains_of(offset, len(data)):
            self.prepare(volume, grain)
        blocks = len(data) // self.block_size
        self.store(volume, offset, data[: (blocks + 1) // 2 * self.block_size])


class FailedMergeIsSuccess(Right):
    """The merge of a sync fails in a device, and success is reported: the target stays behind."""

    fault = "6"

    def sync(self) -> Outcome:
        self.require_tracking()
        return {} if _chance.random() < 0.3 else super().sync()


class FailedSyncDiscardsMarks(FailsNowAndThen):
    """A sync that fails has cleared the modified map: the next one misses what it would copy."""

    fault = "7"

    def sync(self) -> Outcome:
        try:
            return super().sync()
        except RefusedError as error:
            if error.kind == "io_error":
                self.modified = [False] * self.grains
            raise


class FailedWriteUnmarks(FailsNowAndThen):
    """A write that fails takes its marks back, though a part of it has landed: a sync misses it."""

    fault = "29"

    def half_write(self, volume: str, offset: int, data: bytes) -> None:
        before = list(self.modified)
        super().half_write(volume, offset, data)
        self.modified = before


class MapErrorIgnored(Cached):
    """Writing the map fails now and then; the data write goes on, and a crash finds no mark."""

    fault = "28"

    def save_cell(self, grain: int) -> None:
        if not _fails():
            super().save_cell(grain)
