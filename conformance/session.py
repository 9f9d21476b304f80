"""One pair of volumes of an IUT, asked in the model's words, across restarts.

A session takes an operation of the model, carries it out with self-describing data and gives the
outcome in the model's words again, so that the model and the cut can judge it.
"""

from collections.abc import Callable
from pathlib import Path

from flashcopy.conformance.adapter import Adapter, Bitmaps, RefusedError, Status
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
    Refused,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)


class Session:
    """The life of two volumes in one directory. `requests` counts what was asked."""

    def __init__(
        self,
        make: Callable[[], Adapter],
        directory: Path,
        geometry: Geometry,
        target_writable: bool,
    ) -> None:
        self.geometry = geometry
        self.target_writable = target_writable
        self.requests = 0
        self._make = make
        self._directory = directory
        self._adapter = make()

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
        try:
            return self._carry_out(operation)
        except RefusedError as error:
            if error.kind is None:
                raise
            return Refused(error.kind)

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

    def _carry_out(self, operation: Operation) -> Outcome:
        adapter, geometry = self._adapter, self.geometry
        match operation:
            case Read(volume, offset, length):
                data = adapter.read(volume, offset, length)
                if len(data) != length:
                    raise UnreadableBlockError(f"read {length} bytes, got {len(data)}")
                return Contents(contents_of(geometry, volume, offset // geometry.block_size, data))
            case Write(volume, offset, length, content):
                adapter.write(volume, offset, data_of(geometry, volume, operation, content))
            case WriteZeroes(volume, offset, length):
                adapter.write_zeroes(volume, offset, length)
            case Flush(volume):
                adapter.flush(volume)
            case Start():
                adapter.start()
            case Sync():
                adapter.sync()
            case Stop():
                adapter.stop()
            case BackgroundCopy(grains):
                return Copied(adapter.background_copy(grains))
        return Done()
