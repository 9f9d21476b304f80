"""Faults of sync and of the merge of the two maps."""

from flashcopy.conformance.zoo.right import Outcome, Right


class MergeOverwrites(Right):
    """Copied becomes "not modified", so grains never copied show what the target held before."""

    fault = "4"

    def merge(self) -> None:
        self.copied = [not m for m in self.modified]


class MergeOr(Right):
    """Copied or not modified instead of and: a modified grain keeps its old image."""

    fault = "8"

    def merge(self) -> None:
        self.copied = [c or not m for c, m in zip(self.copied, self.modified, strict=True)]


class MergeAfterClear(Right):
    """Modified is cleared before it is merged: a sync does nothing."""

    fault = "8"

    def sync(self) -> Outcome:
        self.require_tracking()
        self.modified = [False] * self.grains
        self.move_point_in_time()
        return {}


class MergeFirstWord(Right):
    """Only the first 64 grains are merged."""

    fault = "8"

    def merge(self) -> None:
        rest = self.copied[64:]
        super().merge()
        self.copied[64:] = rest


class MergeStopsAtZeroByte(Right):
    """The merge ends at the first byte of the map in which nothing is modified."""

    fault = "8"

    def merge(self) -> None:
        for first in range(0, self.grains, 8):
            octet = range(first, min(first + 8, self.grains))
            if not any(self.modified[g] for g in octet):
                return
            for g in octet:
                self.copied[g] = self.copied[g] and not self.modified[g]


class CursorNotRewound(Right):
    """After a sync the background copy goes on where it was, and leaves grains behind."""

    fault = "5"

    def sync(self) -> Outcome:
        cursor = self.cursor
        super().sync()
        self.cursor = cursor
        return {}


class MarkedCacheSurvives(Right):
    """A grain once marked is not marked again after a sync, so the next sync misses it."""

    fault = "9"

    def start(self) -> Outcome:
        self.marked: set[int] = set()
        return super().start()

    def prepare(self, volume: str, grain: int) -> None:
        tracked = self.state in ("copying", "copied")
        if tracked and grain in self.marked:
            if not self.copied[grain]:
                self.copy(grain)
            return
        super().prepare(volume, grain)
        if tracked:
            self.marked.add(grain)


class SyncIsStart(Right):
    """MIN-1 kept by nobody: a sync copies everything again. Waste, and no wrong data."""

    fault = "waste"

    def sync(self) -> Outcome:
        self.require_tracking()
        return self.start()


class MapTruncated(Right):
    """What is past the 2048th grain is never marked modified."""

    fault = "23"

    def prepare(self, volume: str, grain: int) -> None:
        super().prepare(volume, grain)
        if grain >= 2048:
            self.modified[grain] = False


class ClearsNeighbours(Right):
    """Copying a grain clears the modified bits of its whole byte."""

    fault = "18"

    def copy(self, grain: int) -> None:
        super().copy(grain)
        for g in range(grain - grain % 8, min(grain - grain % 8 + 8, self.grains)):
            self.modified[g] = False


class MapsLag(Right):
    """The maps it shows are those of the last start or sync: who backs up by them misses writes."""

    fault = "maps"

    def bitmaps(self) -> Outcome:
        now = self.copied, self.modified
        self.copied, self.modified = self.shown
        try:
            return super().bitmaps()
        finally:
            self.copied, self.modified = now

    def move_point_in_time(self) -> None:
        super().move_point_in_time()
        self.shown = list(self.copied), list(self.modified)
