"""Mutants of the four ordering rules: what must be durable before what."""

from bitarray import bitarray

from flashcopy.harness.mutant import DATA, Mutant
from flashcopy.harness.mutant_parts import (
    POINTS,
    WRITES,
    Acted,
    giving_up_the_target,
    record_diverged,
    without_flush_of,
)
from flashcopy.harness.requests import Ask, Options
from flashcopy.impl import bitmap, protocol
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    TARGET,
    AcquireGrains,
    Commit,
    Effect,
    Flush,
    Mode,
    Point,
    Runs,
    Save,
    Standing,
    Uncopied,
    Unsettled,
    Write,
)
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import Header, MapFile, MapWrite
from flashcopy.impl.memory import Memory
from flashcopy.impl.protocol import Request


def _write_first(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """The host's write is issued as soon as the grain is copied, before the bits are durable."""
    grains = geometry.grains_of(asked.blocks)
    yield AcquireGrains(grains, Mode.EXCLUSIVE)
    unsettled = yield Unsettled(grains)
    uncopied = yield Uncopied(grains)
    if uncopied:
        yield from giving_up_the_target(protocol._copy(geometry, uncopied))
    yield Write(SOURCE, asked.blocks, asked.data)
    if unsettled:
        yield from giving_up_the_target(record_diverged(unsettled))


def _map_before_target(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """The bits are made durable first, the copied data they vouch for after that."""
    grains = geometry.grains_of(asked.blocks)
    yield AcquireGrains(grains, Mode.EXCLUSIVE)
    unsettled = yield Unsettled(grains)
    if unsettled:
        uncopied = yield Uncopied(grains)
        yield from giving_up_the_target(record_diverged(unsettled))
        if uncopied:
            yield from giving_up_the_target(protocol._copy(geometry, uncopied))
    yield Write(SOURCE, asked.blocks, asked.data)


def _mark_before_flush(effect: Effect, _: Ask) -> Acted:
    """Drops the copier's flush, and does it after the mark and its save."""
    if isinstance(effect, Flush) and TARGET in effect.devices:
        return None
    result = yield effect
    if isinstance(effect, Save):
        yield Flush((TARGET,))
    return result


def _commit_unflushed(effect: Effect, _: Ask) -> Acted:
    """Flushes the source only, until the header is written."""
    if isinstance(effect, Flush) and MAP in effect.devices:
        rest = tuple(device for device in effect.devices if device is not MAP)
        if rest:
            yield Flush(rest)
        return None
    result = yield effect
    if isinstance(effect, Commit):
        yield Flush((MAP,))
    return result


class VolatileSkip(Memory):
    """A grain whose modified bit is set in memory counts as settled."""

    def unsettled(self, grains: range) -> Runs:
        return bitmap.zero_runs(self.modified, grains)


class SettledWhenCopied(Memory):
    """A copied grain counts as settled."""

    def mark_copied(self, runs: Runs) -> None:
        super().mark_copied(runs)
        self.settle(runs)


class SettledOutlivesPoint(Memory):
    """What was settled stays so at a new point in time."""

    def adopt_maps(self, copied: bitarray, modified: bitarray, uncopied: int) -> None:
        settled = self.settled
        super().adopt_maps(copied, modified, uncopied)
        self.settled = settled


class InPlace(MapFile):
    """New maps are written over those that count."""

    def prepare(self, memory: Memory, point: Point) -> list[MapWrite]:
        self.header = Header(self.header.generation, self.header.standing, 1 - self.header.area)
        writes = super().prepare(memory, point)
        self.header = Header(self.header.generation, self.header.standing, 1 - self.header.area)
        return writes

    def commit(self, standing: Standing) -> list[MapWrite]:
        if standing is Standing.TRACKING:
            area = 1 - self.header.area
            self.header = Header(self.header.generation, self.header.standing, area)
        return super().commit(standing)


MUTANTS = (
    Mutant(
        "copy-on-write-without-target-flush",
        DATA,
        "the map vouches for a copy that the power failure took",
        faults=(25,),
        rule="ORDER-1",
        act=without_flush_of(TARGET),
        only=WRITES,
    ),
    Mutant(
        "write-without-map-flush",
        DATA,
        "a new block survives, the bit that it is new does not",
        faults=(30,),
        rule="ORDER-1",
        act=without_flush_of(MAP),
        only=WRITES,
    ),
    Mutant(
        "write-before-bits",
        DATA,
        "an unacknowledged write lands, and the fake read shows it",
        faults=(30,),
        rule="ORDER-1",
        make={"write_source": _write_first},
    ),
    Mutant(
        "bits-before-copy",
        DATA,
        "the map is durable before the data it vouches for",
        faults=(13, 25),
        rule="ORDER-1",
        make={"write_source": _map_before_target},
    ),
    Mutant(
        "copier-without-flush",
        DATA,
        "another request's map flush makes the copier's bit durable, without its data",
        faults=(25,),
        rule="ORDER-2",
        act=without_flush_of(TARGET),
        only=("background_copy",),
    ),
    Mutant(
        "copier-marks-before-flush",
        DATA,
        "the copier's bit reaches the disk before its data",
        faults=(13, 25),
        rule="ORDER-2",
        act=_mark_before_flush,
        only=("background_copy",),
    ),
    Mutant(
        "skip-by-volatile-bit",
        DATA,
        "a second write trusts a modified bit that never reached the disk",
        faults=(26,),
        rule="ORDER-3",
        memory=VolatileSkip,
    ),
    Mutant(
        "settled-when-copied",
        DATA,
        "a write to a copied grain is not marked, and the next sync misses it",
        faults=(16,),
        rule="ORDER-3",
        memory=SettledWhenCopied,
    ),
    Mutant(
        "settled-outlives-point",
        DATA,
        "the first write after a sync does not copy: the target shows data from after it",
        faults=(9,),
        rule="ORDER-3",
        memory=SettledOutlivesPoint,
    ),
    Mutant(
        "point-without-source-flush",
        DATA,
        "the target's point in time names source blocks that the power failure took",
        faults=(45,),
        rule="ORDER-4",
        act=without_flush_of(SOURCE),
        only=POINTS,
    ),
    Mutant(
        "commit-before-maps",
        DATA,
        "the header names maps that are not on the disk yet",
        faults=(31,),
        rule="ORDER-4",
        act=_commit_unflushed,
        only=POINTS,
    ),
    Mutant(
        "header-not-flushed",
        DATA,
        "a sync that was answered is undone by a crash",
        faults=(40,),
        act=without_flush_of(MAP),
        only=POINTS,
    ),
    Mutant(
        "point-in-place",
        DATA,
        "a crash tears the only maps there are",
        faults=(31,),
        rule="ORDER-4",
        mapfile=InPlace,
    ),
)
