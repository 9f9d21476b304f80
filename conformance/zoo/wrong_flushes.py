"""Faults that only a loss of power shows: a flush left out or too late, a map torn apart."""

from flashcopy.conformance.zoo.cached import Cached
from flashcopy.conformance.zoo.pausing import Paused
from flashcopy.conformance.zoo.right import Outcome


class CopyNotFlushed(Cached):
    """The map is durable before the copy it vouches for: the grain shows what was there before."""

    fault = "25"

    def prepare(self, volume: str, grain: int) -> None:
        if self.state in ("copying", "copied") and not self.copied[grain]:
            self.copy(grain)  # and the copy is not flushed, for it counts as copied from here on
        super().prepare(volume, grain)


class BackgroundCopyNotFlushed(Cached):
    """The background copy records its grains, and does not flush them before."""

    fault = "25"

    def background_copy(self, grains: int | None) -> Outcome:
        target = self.disks["target"]
        pending, target.pending = target.pending, []
        flush = target.flush
        target.flush = lambda: None  # type: ignore[method-assign]
        try:
            result = super().background_copy(grains)
        finally:
            target.flush = flush  # type: ignore[method-assign]
            target.pending = pending + target.pending
        self.disks["map"].flush()
        return result


class SkipByMemoryBit(Cached):
    """A second write finds the bit in memory and goes on, while the flush of the first is due."""

    fault = "26"

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.require_writable(volume, offset, len(data))
        first = [
            grain
            for grain in self.grains_of(offset, len(data))
            if self.state in ("copying", "copied") and not self.modified[grain]
        ]
        for grain in first:
            if not self.copied[grain]:
                self.copy(grain)
                self.disks["target"].flush()
            self.modified[grain] = True
            self.save_cell(grain)
        if first:
            return self.flushed(volume, offset, data)
        self.store(volume, offset, data)
        return {}

    def flushed(self, volume: str, offset: int, data: bytes) -> Paused:
        """The flush, and only then the data; what the mark in memory has let by is ahead of it."""
        yield
        self.disks["map"].flush()
        if all(self.modified[grain] for grain in self.grains_of(offset, len(data))):
            self.store(volume, offset, data)
        else:  # a sync came in between, and the marks are to be made again, also those found made
            super().write(volume, offset, data)
        return {}


class WriteBeforeMapFlush(Cached):
    """A source write is issued before the map is durable: a fake read shows new data."""

    fault = "30"

    def prepare(self, volume: str, grain: int) -> None:
        del volume
        if self.state not in ("copying", "copied") or self.modified[grain]:
            return
        if not self.copied[grain]:
            self.copy(grain)
            self.disks["target"].flush()
        self.modified[grain] = True
        self.save_cell(grain)


class SyncInPlace(Cached):
    """A sync overwrites the maps where they are: a loss of power leaves a part of it."""

    fault = "31"

    def sync(self) -> Outcome:
        self.require_tracking()
        self.disks["source"].flush()
        self.merge()
        self.modified = [False] * self.grains
        self.cursor, self.settled = 0, set()
        for grain in range(0, self.grains, 8):
            self.save_cell(grain)
        return self.flushed()

    def flushed(self) -> Paused:
        """Until the flush, the maps on the disk are partly old and partly new."""
        yield
        self.disks["map"].flush()
        return {}


class SyncForgetsTheSource(Cached):
    """A sync is recorded before the source is durable: the target loses what it had at the sync."""

    fault = "31"

    def move_point_in_time(self) -> None:
        source = self.disks["source"]
        pending, source.pending = source.pending, []
        super().move_point_in_time()
        source.pending = pending
