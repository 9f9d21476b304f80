"""Faults that need requests in flight together, or a kill at the wrong moment."""

from typing import Any

from flashcopy.conformance.zoo.pausing import Paused, Pauses, PausingCopier
from flashcopy.conformance.zoo.right import Outcome, Right


class WriteStraddlesSync(Right):
    """A write marks, a sync clears the mark, the data lands: the next sync misses it."""

    fault = "1"

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.require_writable(volume, offset, len(data))
        return self.in_two(volume, offset, data)

    def in_two(self, volume: str, offset: int, data: bytes) -> Paused:
        """The mark, then the data."""
        for grain in self.grains_of(offset, len(data)):
            self.prepare(volume, grain)
        yield
        self.store(volume, offset, data)
        return {}


class StaleCopier(PausingCopier):
    """The background copy has read; a write copies first; the copier writes its old data."""

    fault = "2"

    def copy_in_two(self, grain: int) -> Pauses:
        """Read, then write and mark, without looking again."""
        extent = self.extent(grain)
        data = self.source[extent]
        yield
        self.target[extent] = data
        self.copied[grain] = True


class MergeThenClear(Right):
    """Between the merge and the clearing of the marks a write's mark is lost."""

    fault = "3"

    def sync(self) -> Outcome:
        self.require_tracking()
        return self.in_two()

    def in_two(self) -> Paused:
        """Merge, then clear."""
        self.merge()
        yield
        self.modified = [False] * self.grains
        self.cursor = 0
        self.save()
        return {}


class FakeReadOvertaken(Right):
    """A target read is sent to the source; a write copies and lands; then the read reads."""

    fault = "10"

    def read(self, volume: str, offset: int, length: int) -> Outcome:
        self.require_io(volume, offset, length)
        return (
            super().read(volume, offset, length)
            if volume == "source"
            else self.in_two(offset, length)
        )

    def in_two(self, offset: int, length: int) -> Paused:
        """Where from, then what."""
        blocks = range(offset, offset + length, self.block_size)
        sides = [self.copied[at // self.grain_size] for at in blocks]
        yield
        parts = [
            (self.target if copied else self.source)[at : at + self.block_size]
            for at, copied in zip(blocks, sides, strict=True)
        ]
        return {"data": b"".join(parts)}


class DoubleCopy(Right):
    """Two writes both find a grain uncopied; the second copies what the first has written."""

    fault = "12"

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.require_writable(volume, offset, len(data))
        return self.in_two(volume, offset, data)

    def in_two(self, volume: str, offset: int, data: bytes) -> Paused:
        """Look, then copy and write."""
        grains = self.grains_of(offset, len(data))
        uncopied = [grain for grain in grains if not self.copied[grain]]
        yield
        for grain in uncopied:
            self.copy(grain)
        for grain in grains:
            self.prepare(volume, grain)
        self.store(volume, offset, data)
        return {}


class MarkedBeforeCopied(PausingCopier):
    """The copied bit is set before the data is there: a read in between sees the old target."""

    fault = "13"

    def copy_in_two(self, grain: int) -> Pauses:
        """Mark, then copy."""
        self.copied[grain] = True
        yield
        extent = self.extent(grain)
        self.target[extent] = self.source[extent]


class MapBeforeData(Right):
    """The copied bits are saved at once, the data they vouch for only at a flush."""

    fault = "25"

    def prepare(self, volume: str, grain: int) -> None:
        super().prepare(volume, grain)
        self.save_only(copied=self.copied, modified=self.modified)

    def save_only(self, **fields: Any) -> None:
        """Change these in the file, and leave the rest as it was saved."""
        self.keep({**self.kept(), **fields})


class SourceBeforeMap(MapBeforeData):
    """A source write is on disk before the copy and its bit: a fake read shows new data."""

    fault = "30"

    def prepare(self, volume: str, grain: int) -> None:
        Right.prepare(self, volume, grain)

    def store(self, volume: str, offset: int, data: bytes) -> None:
        super().store(volume, offset, data)
        if volume == "source":
            self.save_only(source=self.source)


class SyncTornOnDisk(MapBeforeData):
    """On disk a sync clears the modified map and leaves the copied map as it was."""

    fault = "31"

    def prepare(self, volume: str, grain: int) -> None:
        Right.prepare(self, volume, grain)

    def sync(self) -> Outcome:
        before = list(self.copied)
        super().sync()
        self.save_only(copied=before)
        return {}


class MapDropped(Right):
    """After an unclean end the maps are dropped: everything counts as copied."""

    fault = "27"

    def open(self, directory: str) -> Outcome:
        super().open(directory)
        self.copied = [True] * self.grains
        return {}


class MarksDropped(Right):
    """After an unclean end nothing counts as modified."""

    fault = "27"

    def open(self, directory: str) -> Outcome:
        super().open(directory)
        self.modified = [False] * self.grains
        return {}


class FlushLies(Right):
    """A flush does nothing."""

    fault = "flush"

    def flush(self, volume: str) -> Outcome:
        self.require_io(volume, 0, 0)
        return {}


class OpenedTwice(Right):
    """It can be opened while another process has it open: each undoes what the other does."""

    fault = "34"

    def lock(self, directory: str) -> None:
        del directory
