"""Mutants of the maps: the merge, the cursor, what memory makes of the bits after a crash."""

from collections.abc import Callable

from bitarray import bitarray

from flashcopy.harness.mutant import DATA, Mutant
from flashcopy.harness.mutant_parts import Acted
from flashcopy.harness.requests import Ask
from flashcopy.impl import bitmap
from flashcopy.impl.effect import Effect, MarkCopied, Point, Runs, Standing
from flashcopy.impl.mapfile import PAGE, Header, Identity, MapFile, MapWrite, map_offset
from flashcopy.impl.memory import Memory

_WORD = 64


def merging(merge: Callable[[bitarray, bitarray], bitarray]) -> type[Memory]:
    """A memory whose sync merges copied and modified in this way; both may be changed."""

    class Merging(Memory):
        def at_new_point(self, point: Point) -> tuple[bitarray, bitarray]:
            copied, modified = super().at_new_point(point)
            if point is Point.SYNC:
                copied = merge(self.copied.copy(), self.modified.copy())
            return copied, modified

    return Merging


def _first_word(copied: bitarray, modified: bitarray) -> bitarray:
    copied[:_WORD] &= ~modified[:_WORD]
    return copied


def _up_to_zero_byte(copied: bitarray, modified: bitarray) -> bitarray:
    data = modified.tobytes()
    end = 8 * (data.index(0) if 0 in data else len(data))
    copied[:end] &= ~modified[:end]
    return copied


def _outwards(copied: bitarray, modified: bitarray) -> bitarray:
    """Clears whole bytes."""
    rounded = bitarray(endian="little")
    rounded.frombytes(bytes(255 if byte else 0 for byte in modified.tobytes()))
    return copied & ~rounded


class CursorStays(Memory):
    """A sync leaves the cursor where the copier is."""

    def adopt_maps(self, copied: bitarray, modified: bitarray, uncopied: int) -> None:
        cursor = self.cursor
        super().adopt_maps(copied, modified, uncopied)
        self.cursor = cursor


class TrustsTornMaps(MapFile):
    """After a crash, every modified bit is taken for the bit of a diverged grain."""

    def load(self, areas: bytes) -> Memory:
        memory = super().load(areas)
        size = bitmap.map_bytes(memory.grains)
        start = map_offset(self.identity.geometry, self.header.area, 1) - PAGE
        memory.settled |= bitmap.load(areas[start : start + size])
        return memory


class CopiedAfterRestart(MapFile):
    """Loses the copied map at every restart: everything counts as copied."""

    def load(self, areas: bytes) -> Memory:
        memory = super().load(areas)
        memory.mark_copied((range(memory.grains),))
        return memory


def _marks_neighbour(effect: Effect, _: Ask) -> Acted:
    if isinstance(effect, MarkCopied):
        return (yield MarkCopied(tuple(range(run.start, run.stop + 1) for run in effect.runs)))
    return (yield effect)


class SkipsLastGrain(Memory):
    """The copier never sees the last grain."""

    def next_uncopied(self, limit: int) -> range:
        run = bitmap.next_zero_run(self.copied, range(self.cursor, self.grains - 1), limit)
        self.cursor = run.start
        return run


class EarlyEnd(Memory):
    """The cursor moves past what it hands out, copied or not."""

    def next_uncopied(self, limit: int) -> range:
        run = super().next_uncopied(limit)
        self.cursor = run.stop
        return run


class KeepsModified(Memory):
    """Modified bits outlive the sync that merged them."""

    def at_new_point(self, point: Point) -> tuple[bitarray, bitarray]:
        copied, _ = super().at_new_point(point)
        return copied, self.modified.copy()


class CopiedRoundsOutwards(Memory):
    """The copied bits are set byte by byte."""

    def mark_copied(self, runs: Runs) -> None:
        super().mark_copied(
            tuple(
                range(run.start // 8 * 8, min(-(-run.stop // 8) * 8, self.grains)) for run in runs
            )
        )


class Truncated(MapFile):
    """Only the first word of each map reaches the file."""

    def save(self, memory: Memory, runs: Runs) -> list[MapWrite]:
        geometry = self.identity.geometry
        starts = {map_offset(geometry, self.header.area, which) for which in (0, 1)}
        return [(at, data[:8]) for at, data in super().save(memory, runs) if at in starts]


class TakesModified(MapFile):
    """A sync takes the modified map away from memory before it has happened."""

    def __init__(self, identity: Identity, header: Header) -> None:
        super().__init__(identity, header)
        self._taken: bitarray | None = None

    def prepare(self, memory: Memory, point: Point) -> list[MapWrite]:
        if self._taken is not None:
            memory.modified |= self._taken
        writes = super().prepare(memory, point)
        self._taken = memory.modified.copy()
        memory.modified.setall(0)
        memory.settled.setall(0)
        return writes

    def unprepare(self) -> None:
        super().unprepare()
        self._taken = None

    def adopt(self, memory: Memory, standing: Standing) -> None:
        super().adopt(memory, standing)
        self._taken = None


MUTANTS = (
    Mutant(
        "merge-or",
        DATA,
        "sync leaves every modified grain copied: the target never sees the changes",
        faults=(8,),
        memory=merging(lambda copied, modified: copied | modified),
    ),
    Mutant(
        "merge-and",
        DATA,
        "sync leaves just the modified grains copied, and copies all others again",
        faults=(8,),
        memory=merging(lambda copied, modified: copied & modified),
    ),
    Mutant(
        "merge-overwrites",
        DATA,
        "grains that were never copied become copied garbage",
        faults=(4,),
        memory=merging(lambda _, modified: ~modified),
    ),
    Mutant(
        "merge-first-word-only",
        DATA,
        "changes in the second word of the map are never copied again",
        faults=(8,),
        memory=merging(_first_word),
    ),
    Mutant(
        "merge-up-to-zero-byte",
        DATA,
        "changes behind eight unmodified grains are never copied again",
        faults=(8,),
        memory=merging(_up_to_zero_byte),
    ),
    Mutant(
        "modified-cleared-before-merge",
        DATA,
        "sync finds nothing modified and copies nothing again",
        faults=(8,),
        memory=merging(lambda copied, _: copied),
    ),
    Mutant(
        "merge-rounds-outwards",
        ("MIN-1",),
        "unmodified neighbours are copied again: waste, no harm",
        faults=(39,),
        memory=merging(_outwards),
    ),
    Mutant(
        "modified-outlives-sync",
        ("INV-2", "READ-2", "INV-1", "CRASH-2"),
        "a grain is modified and uncopied at once",
        faults=(8,),
        memory=KeepsModified,
    ),
    Mutant(
        "cursor-not-rewound",
        ("COPY-3", "COPY-5"),
        "grains behind the cursor are uncopied by a sync and stay so",
        faults=(5,),
        memory=CursorStays,
    ),
    Mutant(
        "cursor-leaves-grains-behind",
        ("COPY-3", "COPY-5"),
        "a batch that fails is never tried again",
        faults=(32,),
        memory=EarlyEnd,
    ),
    Mutant(
        "last-grain-never-copied",
        ("COPY-3", "COPY-5"),
        "the copy never finishes",
        faults=(20,),
        memory=SkipsLastGrain,
    ),
    Mutant(
        "copier-marks-neighbour",
        DATA,
        "a grain counts as copied that never was",
        faults=(17,),
        act=_marks_neighbour,
        only=("background_copy",),
    ),
    Mutant(
        "start-keeps-copied",
        DATA,
        "a start trusts copies of an earlier point in time",
        faults=(37,),
        memory=type(
            "StartKeepsCopied",
            (Memory,),
            {"at_new_point": lambda self, _: Memory.at_new_point(self, Point.SYNC)},
        ),
    ),
    Mutant(
        "torn-maps-trusted",
        DATA,
        "a modified bit whose copied bit was lost lets a write skip its preparation",
        faults=(27,),
        rule="ORDER-3",
        mapfile=TrustsTornMaps,
    ),
    Mutant(
        "copied-map-dropped-at-restart",
        DATA,
        "after a restart everything counts as copied",
        faults=(27,),
        mapfile=CopiedAfterRestart,
    ),
    Mutant(
        "copied-rounds-outwards",
        DATA,
        "grains beside one that is copied count as copied",
        faults=(18,),
        memory=CopiedRoundsOutwards,
    ),
    Mutant(
        "map-truncated",
        DATA,
        "after a crash nothing is known of grains beyond the first word of the map",
        faults=(23,),
        mapfile=Truncated,
    ),
    Mutant(
        "sync-takes-modified-first",
        DATA,
        "a sync that fails, or is cut off, loses what was modified",
        faults=(7,),
        mapfile=TakesModified,
    ),
)
