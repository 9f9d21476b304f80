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
from flashcopy.harness.simulation import Flight, Simulation
from flashcopy.impl import bitmap, protocol
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    TARGET,
    AcquireCopier,
    AcquireGrains,
    Commit,
    Device,
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
from flashcopy.impl.errors import MapFailedError
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


def _ignoring_map_errors(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """A map that cannot be written is no reason to hold up the host."""
    shipped = protocol.write_source(geometry, asked.blocks, asked.data)
    try:
        effect = shipped.send(None)
        while not isinstance(effect, Write) or effect.data is not asked.data:
            try:
                result = yield effect
            except MapFailedError:
                result = None
            effect = shipped.send(result)
        yield effect
    except StopIteration:
        return


def _mark_before_flush(effect: Effect, _: Ask) -> Acted:
    """Drops the copier's flush, and does it after the mark and its save."""
    if isinstance(effect, Flush) and TARGET in effect.devices:
        return None
    result = yield effect
    if isinstance(effect, Save):
        yield Flush((TARGET,))
    return result


def _stop_in_memory_only(effect: Effect, _: Ask) -> Acted:
    if isinstance(effect, Commit) and effect.standing is Standing.STOPPED:
        return None
    return (yield effect)


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


class ForgetfulDistrust(Memory):
    """Distrusting unties the maps while requests in flight still save them."""

    def distrust(self) -> None:
        super().distrust()
        self.copied.setall(1)
        self.modified.setall(1)


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


class KeepsFailedPrepare(MapFile):
    """Maps whose writing failed count as written."""

    def unprepare(self) -> None:
        return


class DistrustKeepsSettled(Memory):
    """Distrusting leaves what is settled, so that no write is held up."""

    def distrust(self) -> None:
        settled = self.settled.copy()
        super().distrust()
        self.settled = settled


class NeverForgetsPrepared(MapFile):
    """Maps that were prepared once are taken for those in the other area for good."""

    def adopt(self, memory: Memory, standing: Standing) -> None:
        prepared = self._prepared
        super().adopt(memory, standing)
        self._prepared = prepared

    def distrust(self, memory: Memory) -> None:
        prepared = self._prepared
        super().distrust(memory)
        self._prepared = prepared


class TrustsFlushesInDoubt(Simulation):
    """A flush after one that failed counts as any other."""

    def _flush_device(self, flight: Flight, device: Device) -> None:
        self.devices[device].in_doubt = False
        super()._flush_device(flight, device)


def _start_unrecorded(geometry: Geometry, _: Options, __: Ask) -> Request:
    """A start after a stop that could not be recorded prepares its maps without recording it."""
    state = yield AcquireCopier()
    yield from protocol._prepare(state, Point.START)
    yield AcquireGrains(geometry.all_grains(), Mode.EXCLUSIVE)
    yield from protocol._move_point_in_time(state, Point.START)


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
        "map-errors-ignored",
        (*DATA, "ERR-5"),
        "a write goes on although its bits could not be recorded",
        faults=(28,),
        make={"write_source": _ignoring_map_errors},
    ),
    Mutant(
        "stop-in-memory-only",
        DATA,
        "after a failed target a write goes untracked, and a crash brings the old header back",
        faults=(27, 43),
        act=_stop_in_memory_only,
    ),
    Mutant(
        "distrust-forgets-bits",
        DATA,
        "a request in flight saves bits that say copied of grains that never were",
        faults=(43,),
        memory=ForgetfulDistrust,
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
    Mutant(
        "failed-prepare-kept",
        DATA,
        "a start after a failed one commits maps of an earlier generation",
        faults=(41,),
        mapfile=KeepsFailedPrepare,
    ),
    Mutant(
        "distrust-keeps-settled",
        (*DATA, "ERR-5"),
        "writes go on although nobody recorded that the relationship stopped",
        faults=(43,),
        memory=DistrustKeepsSettled,
    ),
    Mutant(
        "prepared-never-forgotten",
        DATA,
        "a sync commits maps that an earlier one prepared",
        faults=(41,),
        mapfile=NeverForgetsPrepared,
    ),
    Mutant(
        "flush-in-doubt-trusted",
        DATA,
        "what a failed flush lost is vouched for because a later one succeeded",
        faults=(42,),
        simulation=TrustsFlushesInDoubt,
    ),
    Mutant(
        "start-without-recording-stop",
        DATA,
        "new maps overwrite those that the header on the disk still names",
        faults=(41,),
        rule="ORDER-4",
        make={"start": _start_unrecorded},
    ),
)
