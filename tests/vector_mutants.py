"""Wrong flashcopies for the vectors: each has the fault that one vector says it looks for.

Where the zoo has a member with that fault the vector is tried on it; these are for the others.
Like the zoo's they are a few lines over the right one, and say what is wrong.
"""

from typing import ClassVar

from flashcopy.conformance.zoo.members import MEMBERS
from flashcopy.conformance.zoo.right import Outcome, RefusedError, Result, Right, pack
from tests.vector_mutants_of_refusals import REFUSAL_MUTANTS


class GarbageAtFirst(Right):
    """Volumes are not cleared."""

    def create(
        self, directory: str, size: int, block_size: int, grain_size: int, target_writable: bool
    ) -> Outcome:
        super().create(directory, size, block_size, grain_size, target_writable)
        self.source[-512:] = b"\xa5" * 512
        return {}


class IdleReadsSource(Right):
    """In idle reads of the target go to the source."""

    def image(self, volume: str, offset: int, length: int) -> bytes:
        return super().image("source" if self.state == "idle" else volume, offset, length)


class NoFakeRead(Right):
    """A read of the target reads the target side."""

    def image(self, volume: str, offset: int, length: int) -> bytes:
        side = self.source if volume == "source" else self.target
        return bytes(side[offset : offset + length])


class CopiesOnlyTheBlocks(Right):
    """A write copies what it covers and no more of the grain."""

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.require_writable(volume, offset, len(data))
        old = self.image("target", offset, len(data))
        for grain in self.grains_of(offset, len(data)):
            self.copied[grain] = self.modified[grain] = True
        self.store("target", offset, old)
        self.store(volume, offset, data)
        return {}


class LastGrainNotCopied(Right):
    """The grain that a write ends in is not copied before."""

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.require_writable(volume, offset, len(data))
        grains = self.grains_of(offset, len(data))
        for grain in grains[:-1] if len(grains) > 1 else grains:
            self.prepare(volume, grain)
        self.store(volume, offset, data)
        return {}


class CopiesAgain(Right):
    """Every write copies."""

    def prepare(self, volume: str, grain: int) -> None:
        if volume == "source" and self.state in ("copying", "copied"):
            self.copy(grain)
        super().prepare(volume, grain)


class ReadMarksCopied(Right):
    """What was read counts as copied."""

    def read(self, volume: str, offset: int, length: int) -> Outcome:
        result = super().read(volume, offset, length)
        if volume == "target":
            for grain in self.grains_of(offset, length):
                self.copied[grain] = True
        return result


class FlushMovesThePoint(Right):
    """A flush of the source is a sync."""

    def flush(self, volume: str) -> Outcome:
        if volume == "source" and self.state in ("copying", "copied"):
            self.move_point_in_time()
        return super().flush(volume)


class ZeroesRoundOutwards(Right):
    """Zeroing a part of a grain zeroes all of it."""

    def write_zeroes(self, volume: str, offset: int, length: int) -> Outcome:
        super().write_zeroes(volume, offset, length)
        for grain in self.grains_of(offset, length):
            extent = self.extent(grain)
            self.store(volume, extent.start, bytes(extent.stop - extent.start))
        return {}


class StartKeepsCopied(Right):
    """A second start is no more than a sync."""

    def start(self) -> Outcome:
        if self.state in ("copying", "copied"):
            self.modified = [False] * self.grains
            self.move_point_in_time()
            return {}
        return super().start()


class SyncOfNothingCompletes(Right):
    """A sync with nothing to merge takes everything for copied."""

    def merge(self) -> None:
        nothing = not any(self.modified)
        super().merge()
        if nothing:
            self.copied = [True] * self.grains


class SyncActsBeforeItLooks(Right):
    """A sync that is refused has copied."""

    def sync(self) -> Outcome:
        if self.state == "idle":
            self.target[:] = self.source
        return super().sync()


class CountsWhatWasCopied(Right):
    """The background copy counts the grains it passes."""

    def background_copy(self, grains: int | None) -> Outcome:
        before = self.cursor
        super().background_copy(grains)
        return {"copied": self.cursor - before}


class CopiesDownwards(Right):
    """The background copy begins at the end."""

    def background_copy(self, grains: int | None) -> Outcome:
        left = [grain for grain in reversed(range(self.grains)) if not self.copied[grain]]
        chosen = left[: self.grains if grains is None else grains]
        for grain in chosen:
            self.copy(grain)
        return {"copied": len(chosen)}


class NeverComplete(Right):
    """The end of the copy is not noticed."""

    def now(self) -> str:
        return "copying" if self.state in ("copying", "copied") else self.state


class CopiesWhenIdle(Right):
    """The background copy runs though nothing ties the volumes."""

    def background_copy(self, grains: int | None) -> Outcome:
        if self.state == "idle":
            self.target[:] = self.source
            return {"copied": self.grains}
        return super().background_copy(grains)


class StartByIdleMaps(Right):
    """The first start goes by the copied map of idle."""

    def start(self) -> Outcome:
        if self.state == "idle":
            self.modified = [False] * self.grains
            self.state = "copying"
            self.move_point_in_time()
            return {}
        return super().start()


class StartIgnored(Right):
    """A start while tracking does nothing."""

    def start(self) -> Outcome:
        return {} if self.state in ("copying", "copied") else super().start()


class StoppedForGood(Right):
    """A stopped relationship cannot be started."""

    def start(self) -> Outcome:
        if self.state == "stopped":
            raise RefusedError("invalid_state")
        return super().start()


class SyncStarts(Right):
    """A sync without tracking starts."""

    def sync(self) -> Outcome:
        return super().sync() if self.state in ("copying", "copied") else self.start()


class SyncWaitsForTheCopy(Right):
    """A sync is refused while copying."""

    def sync(self) -> Outcome:
        if self.now() == "copying":
            raise RefusedError("invalid_state")
        return super().sync()


class SyncOfNothingEnds(Right):
    """A sync of a complete copy ends tracking."""

    def sync(self) -> Outcome:
        super().sync()
        if all(self.copied):
            self.end_tracking("idle")
        return {}


class StopIsStopped(Right):
    """Whatever is stopped is unusable."""

    def stop(self) -> Outcome:
        self.end_tracking("stopped")
        return {}


class StopIsIdle(Right):
    """Whatever is stopped is usable."""

    def stop(self) -> Outcome:
        self.end_tracking("idle")
        return {}


class StopByModified(Right):
    """A stop takes modified grains for uncopied ones."""

    def stop(self) -> Outcome:
        if self.state in ("copying", "copied"):
            self.merge()
        return super().stop()


class WritesDoNotComplete(Right):
    """Only the background copy notices that the last grain is copied."""

    complete = False

    def background_copy(self, grains: int | None) -> Outcome:
        result = super().background_copy(grains)
        self.complete = all(self.copied)
        return result

    def now(self) -> str:
        tracking = self.state in ("copying", "copied")
        return ("copied" if self.complete else "copying") if tracking else self.state

    def stop(self) -> Outcome:
        if self.now() == "copying":
            self.end_tracking("stopped")
        return super().stop()


class TiedAfterStop(Right):
    """After a stop reads of the target go to the source."""

    stopped = False

    def stop(self) -> Outcome:
        self.stopped = all(self.copied)
        return super().stop()

    def image(self, volume: str, offset: int, length: int) -> bytes:
        return super().image("source" if self.stopped else volume, offset, length)


class SyncAfterStop(Right):
    """A sync goes by marks of before the stop."""

    def require_tracking(self) -> None:
        if not hasattr(self, "tracked"):
            super().require_tracking()

    def stop(self) -> Outcome:
        self.tracked = True
        return super().stop()


class NoShortGrains(Right):
    """The number of grains is rounded down."""

    def create(
        self, directory: str, size: int, block_size: int, grain_size: int, target_writable: bool
    ) -> Outcome:
        super().create(directory, size, block_size, grain_size, target_writable)
        self.grains = size // grain_size
        self.end_tracking("idle")
        return {}

    def prepare(self, volume: str, grain: int) -> None:
        if grain < self.grains:
            super().prepare(volume, grain)

    def image(self, volume: str, offset: int, length: int) -> bytes:
        whole = self.grains * self.grain_size
        return super().image(volume if offset + length <= whole else "source", offset, length)


class GrainsOfTwoBlocks(Right):
    """A grain has two blocks at least."""

    def create(
        self, directory: str, size: int, block_size: int, grain_size: int, target_writable: bool
    ) -> Outcome:
        grain_size = max(grain_size, 2 * block_size)
        return super().create(directory, size, block_size, grain_size, target_writable)


class SmallBuffer(Right):
    """Of a grain no more is copied than a small buffer holds."""

    def copy(self, grain: int) -> None:
        first = self.extent(grain).start
        extent = slice(first, min(first + 65536 - 512, self.extent(grain).stop))
        self.target[extent] = self.source[extent]
        self.copied[grain] = True


class MergeFirstPage(Right):
    """Only the first 4096 bytes of the map are merged."""

    def merge(self) -> None:
        rest = self.copied[32768:]
        super().merge()
        self.copied[32768:] = rest


def _merge_misses(missed: int) -> type[Right]:
    class MergeMisses(Right):
        def merge(self) -> None:
            kept = self.copied[missed : missed + 1]
            super().merge()
            self.copied[missed : missed + 1] = kept

        def bitmaps(self) -> Result:
            return {"copied": pack(self.copied), "modified": pack(self.modified)}

    MergeMisses.__doc__ = f"Grain {missed} is not merged."
    return MergeMisses


class OpensSwapped(Right):
    """After an unclean end the two volumes are taken for each other."""

    def open(self, directory: str) -> Outcome:
        super().open(directory)
        self.source, self.target = self.target, self.source
        return {}


class FlushSavesDataOnly(Right):
    """A flush makes the source durable, and not the map."""

    def flush(self, volume: str) -> Outcome:
        saved = self.kept()
        side = {volume: getattr(self, volume)}
        self.keep({**saved, **side})
        return {}


class TakenForMarked(Right):
    """After opening, what is copied counts as marked."""

    opened = False

    def open(self, directory: str) -> Outcome:
        super().open(directory)
        self.opened = True
        return {}

    def prepare(self, volume: str, grain: int) -> None:
        before = self.modified[grain] or not self.copied[grain]
        super().prepare(volume, grain)
        if self.opened:
            self.modified[grain] = before


class StartNotSaved(Right):
    """A start is kept in memory."""

    saves: ClassVar[bool] = True

    def start(self) -> Outcome:
        saved = self.kept()
        super().start()
        self.keep(saved)
        return {}


class StopNotSaved(Right):
    """A stop is kept in memory."""

    def stop(self) -> Outcome:
        saved = self.kept()
        super().stop()
        self.keep(saved)
        return {}


class OpensTracking(Right):
    """Whatever is opened is tracking."""

    def open(self, directory: str) -> Outcome:
        super().open(directory)
        self.state = "copying"
        return {}


class CursorSurvives(Right):
    """The cursor is saved where it is, the map only with everything else."""

    def background_copy(self, grains: int | None) -> Outcome:
        result = super().background_copy(grains)
        saved = self.kept()
        self.keep({**saved, "cursor": self.cursor})
        return result


class RecoveryCutOff(Right):
    """Opening saves a map that says that everything is copied, until the next save."""

    def open(self, directory: str) -> Outcome:
        super().open(directory)
        saved = self.kept()
        self.keep({**saved, "copied": [True] * self.grains})
        return {}


class CloseForgets(Right):
    """A clean end saves nothing."""

    def close(self) -> None:
        pass


MUTANTS: dict[str, type[Right]] = {
    name: member
    for name, member in vars().items()
    if isinstance(member, type) and issubclass(member, Right) and member is not Right
}
MUTANTS |= {f"MergeMisses{grain}": _merge_misses(grain) for grain in (0, 7, 8, 31, 32, 63, 70)}
MUTANTS |= REFUSAL_MUTANTS
EVERYTHING: dict[str, type[Right]] = {**MEMBERS, **MUTANTS}
