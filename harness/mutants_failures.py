"""Mutants of what devices leave behind that fail: what is trusted then, and what is recorded.

After a failed flush nobody knows what is lost, so the relationship stops, durably, before anything
goes untracked (ERR-5). Each of these forgets a part of that.
"""

from flashcopy.harness.mutant import DATA, Mutant
from flashcopy.harness.mutant_parts import Acted
from flashcopy.harness.requests import Ask, Options
from flashcopy.harness.simulation import Flight, Simulation
from flashcopy.impl import protocol
from flashcopy.impl.effect import (
    MAP,
    AcquireCopier,
    AcquireGrains,
    Commit,
    Device,
    Effect,
    Mode,
    Point,
    Standing,
    Write,
)
from flashcopy.impl.errors import MapFailedError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import MapFile
from flashcopy.impl.memory import Memory
from flashcopy.impl.protocol import Request


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


def _stop_in_memory_only(effect: Effect, _: Ask) -> Acted:
    if isinstance(effect, Commit) and effect.standing is Standing.STOPPED:
        return None
    return (yield effect)


class ForgetfulDistrust(Memory):
    """Distrusting unties the maps while requests in flight still save them."""

    def distrust(self) -> None:
        super().distrust()
        self.copied.setall(1)
        self.modified.setall(1)


class DistrustKeepsSettled(Memory):
    """Distrusting leaves what is settled, so that no write is held up."""

    def distrust(self) -> None:
        settled = self.settled.copy()
        super().distrust()
        self.settled = settled


class KeepsFailedPrepare(MapFile):
    """Maps whose writing failed count as written."""

    def unprepare(self) -> None:
        return


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


class TrustsAnothersFlush(Simulation):
    """Who distrusted the maps flushes them although another's flush has failed since."""

    def _flush_device(self, flight: Flight, device: Device) -> None:
        if device is MAP and flight.distrusted_after >= 0:
            flight.distrusted_after = self.devices[MAP].failures
        super()._flush_device(flight, device)


def _start_unrecorded(geometry: Geometry, _: Options, __: Ask) -> Request:
    """A start after a stop that could not be recorded prepares its maps without recording it."""
    state = yield AcquireCopier()
    yield from protocol._prepare(state, Point.START)
    yield AcquireGrains(geometry.all_grains(), Mode.EXCLUSIVE)
    yield from protocol._move_point_in_time(state, Point.START)


MUTANTS = (
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
        "flush-of-another-trusted",
        (*DATA, "ERR-5"),
        "a stop counts as recorded though the flush that was to record it had lost it already",
        faults=(42, 43),
        simulation=TrustsAnothersFlush,
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
