"""Faults of copy on write, of marking, and of the background copy, one request at a time."""

from flashcopy.conformance.zoo.right import Outcome, Right


class WriteBeforeCopy(Right):
    """The write lands before its copy has read: the target gets the new data."""

    fault = "11"

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.require_writable(volume, offset, len(data))
        if volume == "source":
            self.store(volume, offset, data)
        super().write(volume, offset, data)
        return {}


class BigWriteDeferred(Right):
    """A write of more than one grain is put off until a read; a small later one overtakes it."""

    fault = "14"

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        if len(self.grains_of(offset, len(data))) < 2:
            return super().write(volume, offset, data)
        self.require_writable(volume, offset, len(data))
        self.__dict__.setdefault("deferred", []).append((volume, offset, data))
        return {}

    def land(self) -> None:
        """Carry out what was put off."""
        for volume, offset, data in self.__dict__.pop("deferred", []):
            super().write(volume, offset, data)

    def read(self, volume: str, offset: int, length: int) -> Outcome:
        self.land()
        return super().read(volume, offset, length)

    def move_point_in_time(self) -> None:
        self.land()
        super().move_point_in_time()

    def stop(self) -> Outcome:
        self.land()
        return super().stop()


class OnlyFirstGrainCopied(Right):
    """Of a request over several grains only the first is copied before."""

    fault = "15"

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.require_writable(volume, offset, len(data))
        for grain in self.grains_of(offset, len(data))[:1]:
            self.prepare(volume, grain)
        self.store(volume, offset, data)
        return {}


class OnlyFirstGrainMarked(Right):
    """Of a request over several grains only the first is marked modified."""

    fault = "15"

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        before = list(self.modified)
        super().write(volume, offset, data)
        for grain in self.grains_of(offset, len(data))[1:]:
            self.modified[grain] = before[grain]
        return {}


class OneBitDecides(Right):
    """A target read over several grains goes by the bit of the first."""

    fault = "15"

    def image(self, volume: str, offset: int, length: int) -> bytes:
        if volume == "target" and length and not self.copied[offset // self.grain_size]:
            return bytes(self.source[offset : offset + length])
        return super().image(volume, offset, length)


class MarkedOnFirstCopyOnly(Right):
    """Modified is set only when the write has copied the grain: later writes are missed."""

    fault = "16"

    def prepare(self, volume: str, grain: int) -> None:
        if not self.copied[grain]:
            super().prepare(volume, grain)


class MarkedWhenCopiedOnly(Right):
    """Modified is set only if the grain was copied already."""

    fault = "16"

    def prepare(self, volume: str, grain: int) -> None:
        if self.copied[grain]:
            super().prepare(volume, grain)
        else:
            self.copy(grain)


class CopyIgnoresTheBit(Right):
    """The background copy overwrites grains that are copied already."""

    fault = "17"

    def background_copy(self, grains: int | None) -> Outcome:
        before = self.cursor
        result = super().background_copy(grains)
        for grain in range(before, self.cursor):
            self.copy(grain)
        return result


class CopyMarksTheNeighbour(Right):
    """The background copy marks the grain after the one it copied, too."""

    fault = "17"

    def background_copy(self, grains: int | None) -> Outcome:
        result = super().background_copy(grains)
        if isinstance(result, dict) and result["copied"] and self.cursor < self.grains:
            self.copied[self.cursor] = True
        return result


class TargetWriteWithoutFill(Right):
    """A write of part of an uncopied grain of the target leaves the rest as it was."""

    fault = "19"

    def prepare(self, volume: str, grain: int) -> None:
        if volume == "target":
            self.copied[grain] = True
        super().prepare(volume, grain)


class TargetWriteNotTracked(Right):
    """Writes to the target are not marked, so a sync leaves them."""

    fault = "24"

    def prepare(self, volume: str, grain: int) -> None:
        before = self.modified[grain]
        super().prepare(volume, grain)
        if volume == "target":
            self.modified[grain] = before


class ShortGrainNeverCopied(Right):
    """The number of grains is rounded down: a short last one is marked and not copied."""

    fault = "20"

    def copy(self, grain: int) -> None:
        if (grain + 1) * self.grain_size <= self.size:
            super().copy(grain)
        self.copied[grain] = True


class ZeroesSkipCopyOnWrite(Right):
    """Zeroing has a path of its own, which forgets to copy."""

    fault = "21"

    def write_zeroes(self, volume: str, offset: int, length: int) -> Outcome:
        self.require_writable(volume, offset, length)
        self.store(volume, offset, bytes(length))
        for grain in self.grains_of(offset, length):
            self.modified[grain] = True
        return {}


class ZeroesAreNoChange(Right):
    """Zeroing copies, and does not mark."""

    fault = "21"

    def write_zeroes(self, volume: str, offset: int, length: int) -> Outcome:
        before = list(self.modified)
        result = super().write_zeroes(volume, offset, length)
        self.modified = before
        return result


class HolesNotWritten(Right):
    """Zeros are not copied, for the target is thought to be zeros; but it held old data."""

    fault = "22"

    def copy(self, grain: int) -> None:
        extent = self.extent(grain)
        if any(self.source[extent]):
            super().copy(grain)
        self.copied[grain] = True


class CopyEndsEarly(Right):
    """The last grain of a background copy fails, and is counted all the same."""

    fault = "32"

    def background_copy(self, grains: int | None) -> Outcome:
        last = bytes(self.target[self.extent(self.grains - 1)])
        uncopied = not self.copied[-1]
        result = super().background_copy(grains)
        if uncopied and self.copied[-1]:
            self.target[self.extent(self.grains - 1)] = last
        return result


class StoppedTargetReadable(Right):
    """A target that was stopped half copied is still read: neither old nor new."""

    fault = "stop"

    def require_io(self, volume: str, offset: int, length: int) -> None:
        super().require_io(volume.replace("target", "source"), offset, length)


class WritesPastTheEnd(Right):
    """A request that ends past the volume is cut short instead of refused."""

    fault = "boundary"

    def require_io(self, volume: str, offset: int, length: int) -> None:
        super().require_io(volume, offset, min(length, max(self.size - offset, 0)))


class TargetIsSmaller(Right):
    """The target is a block smaller than the source, and nobody notices: its end is zeros."""

    fault = "33"

    def copy(self, grain: int) -> None:
        super().copy(grain)
        self.cut_off()

    def store(self, volume: str, offset: int, data: bytes) -> None:
        super().store(volume, offset, data)
        self.cut_off()

    def cut_off(self) -> None:
        """What does not fit is gone."""
        self.target[-self.block_size :] = bytes(self.block_size)
