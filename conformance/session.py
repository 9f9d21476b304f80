"""One pair of volumes of an IUT, asked in the model's words, across restarts.

A session takes an operation of the model, carries it out with self-describing data and gives the
outcome in the model's words again, so that the model and the cut can judge it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flashcopy.conformance.adapter import Bitmaps, Conversation, RefusedError, Status
from flashcopy.conformance.blocks import contents_of, data_of
from flashcopy.model.content import UnreadableBlockError
from flashcopy.model.geometry import Geometry
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
from flashcopy.model.trace import PowerLoss

_DONE = Done()


class Session:
    """The life of two volumes in one directory.

    `requests` counts what was asked, `failures` how often a device of the IUT failed (`io_error`).
    """

    def __init__(
        self,
        make: Callable[[], Conversation],
        directory: Path,
        geometry: Geometry,
        target_writable: bool,
    ) -> None:
        self.geometry = geometry
        self.target_writable = target_writable
        self.requests = 0
        self.failures = 0
        self._make = make
        self._directory = directory
        self._adapter = make()
        self._in_flight: dict[int, Operation | PowerLoss] = {}

    def create(self) -> None:
        """Say hello and make the volumes."""
        try:
            self._adapter.hello()
            self._adapter.create(
                self._directory, self.geometry, target_writable=self.target_writable
            )
        except BaseException:
            self._adapter.kill()
            raise

    def restart(self) -> None:
        """REC-1: kill the IUT and let a new one open what it left."""
        self._adapter.kill()
        self._in_flight.clear()
        self._adapter = self._make()
        self._adapter.hello()
        self._adapter.open(self._directory)

    def carry_out(self, operation: Operation) -> Outcome:
        """The outcome of an operation.

        Raises UnreadableBlockError if a read gives what nobody can have written there, RefusedError
        for an `internal` error, which no clause allows, and what the adapter raises if the IUT
        broke down.
        """
        self.requests += 1
        return self._outcome(operation, self._adapter.answer_to(self._hand_over(operation)))

    def begin(self, operation: Operation) -> int:
        """Queue an operation beside others in flight; its number, by which `answers` gives it."""
        self.requests += 1
        number = self._hand_over(operation)
        self._in_flight[number] = operation
        return number

    def lose_power(self, seed: int) -> int:
        """Queue a loss of power behind what is in flight; its number. Its outcome is Done."""
        self.requests += 1
        number = self._adapter.begin("power_loss", seed)
        self._in_flight[number] = PowerLoss(seed)
        return number

    def answers(self, wait: float | None = None) -> list[tuple[int, Outcome | Exception]]:
        """Send what is queued; outcomes of operations begun, at least one if any is in flight.

        What `carry_out` would raise because of an answer is given in its place. With `wait`, there
        may be none if none has come in so many seconds. Raises KilledError and IutBrokeDownError.
        """
        answered: list[tuple[int, Outcome | Exception]] = []
        for number, result in self._adapter.answers(wait):
            operation = self._in_flight.pop(number)
            try:
                answered.append((number, self._outcome(operation, result)))
            except (UnreadableBlockError, RefusedError) as error:
                answered.append((number, error))
        return answered

    def status(self) -> Status:
        """What the IUT says it is at."""
        self.requests += 1
        return self._adapter.status()

    def bitmaps(self) -> Bitmaps:
        """The IUT's maps."""
        self.requests += 1
        return self._adapter.bitmaps()

    def close(self) -> None:
        """A clean end."""
        self._adapter.close()

    def kill(self) -> None:
        """An unclean one; nothing is left running."""
        self._adapter.kill()

    def _hand_over(self, operation: Operation) -> int:
        """Queue an operation as a call of the method that carries it out; its number."""
        begin = self._adapter.begin
        # The two that nearly all are come first, and without the matching of patterns.
        if isinstance(operation, Read):
            return begin("read", operation.volume, operation.offset, operation.length)
        if isinstance(operation, Write):
            data = data_of(self.geometry, operation)
            return begin("write", operation.volume, operation.offset, data)
        match operation:
            case WriteZeroes(volume, offset, length):
                return begin("write_zeroes", volume, offset, length)
            case Flush(volume):
                return begin("flush", volume)
            case Start():
                return begin("start")
            case Sync():
                return begin("sync")
            case Stop():
                return begin("stop")
            case BackgroundCopy(grains):
                return begin("background_copy", grains)

    def _outcome(self, operation: Operation | PowerLoss, result: Any) -> Outcome:
        """An answer in the model's words."""
        if isinstance(result, RefusedError):
            if result.kind is None:
                raise result
            self.failures += result.kind is Refusal.IO_ERROR
            return Refused(result.kind)
        if isinstance(operation, Read):
            length = operation.length
            if len(result) != length:
                says = f"read {length} bytes, got {len(result)}"
                raise UnreadableBlockError(says, "wrong length")
            first = operation.offset // self.geometry.block_size
            return Contents(contents_of(self.geometry, operation.volume, first, result))
        return Copied(result) if isinstance(operation, BackgroundCopy) else _DONE
