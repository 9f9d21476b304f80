"""The shipped protocol on simulated disks: one effect of one request at a time, as it is told.

This is the deterministic interpreter of `impl.protocol`. It uses the shipped memory, map file
and lock tables, and `model.disk` for the three devices. It decides nothing: somebody else says
which request takes its next step, which device fails, when the power fails and what survives.
So the same steps always give the same run, and any run can be replayed.

A step is one effect, except that a Read or Write takes a step for every block, for nothing says
that two blocks are read or written at one instant (CONC-1). A block of a volume holds a content
of the model, as a number of eight bytes.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from attrs import define, evolve, field

from flashcopy.harness import mapdisk
from flashcopy.impl import mapfile as map_layout
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    TARGET,
    AcquireCopier,
    AcquireGrains,
    Adopt,
    Commit,
    Device,
    Distrust,
    Effect,
    Flush,
    MarkCopied,
    MarkDiverged,
    Mode,
    NextUncopied,
    Prepare,
    Read,
    Save,
    Settle,
    Standing,
    Uncopied,
    Unsettled,
    Write,
)
from flashcopy.impl.errors import (
    DeviceError,
    FlashCopyError,
    MapFailedError,
    SourceFailedError,
    TargetFailedError,
)
from flashcopy.impl.locks import LockTable
from flashcopy.impl.mapfile import MapFile, MapWrite
from flashcopy.impl.memory import Memory
from flashcopy.impl.protocol import Request
from flashcopy.model import disk as disks
from flashcopy.model.disk import Disk
from flashcopy.model.trace import Fault

BLOCK_BYTES = 8

_ERRORS: dict[Device, type[DeviceError]] = {
    SOURCE: SourceFailedError,
    TARGET: TargetFailedError,
    MAP: MapFailedError,
}
FAILED_DEVICE: dict[type[DeviceError], Device] = {
    error: device for device, error in _ERRORS.items()
}
# What an effect gives while it is not finished: a block of several done, or a lock waited for.
_UNFINISHED: Final = object()


@define(eq=False)
class Flight:
    """A request in flight and the effect it carries out next.

    `distrusted_after` is how many flushes of the map file had failed when it distrusted the maps.
    `done` counts the blocks of that effect that are done. `result` and `error` are set when the
    request has ended.
    """

    number: int
    generator: Request
    effect: Effect | None = None
    done: int = 0
    parts: list[bytes] = field(factory=list)
    waiting: bool = False
    granted: bool = False
    distrusted_after: int = -1
    result: Any = None
    error: FlashCopyError | None = None

    @property
    def ended(self) -> bool:
        """Whether the request has its result or its error."""
        return self.effect is None


@define
class DeviceState:
    """A simulated disk and what is in doubt on it.

    After a flush failed, what was pending may be lost although later flushes succeed: those
    writes are `doubtful`. While the device is `in_doubt` every further flush fails too, except
    that one who distrusted the maps after the last of the `failures` may record that we stopped.
    """

    disk: Disk
    doubtful: frozenset[int] = frozenset()
    in_doubt: bool = False
    failures: int = 0


class Simulation:
    """One relationship: three disks, and until the power fails a memory and requests in flight."""

    def __init__(
        self,
        contents: dict[Device, tuple[Any, ...]],
        memory: type[Memory] = Memory,
        mapfile: type[MapFile] = MapFile,
    ) -> None:
        """Opens a relationship from the durable blocks of its three devices."""
        self.devices = {device: DeviceState(Disk(blocks)) for device, blocks in contents.items()}
        self.flights: dict[int, Flight] = {}
        self.serial = 0
        self._memory_type, self._mapfile_type = memory, mapfile
        self.open()

    def open(self) -> None:
        """REC-1: read the map file as the implementation does, and start with its memory."""
        blocks = self.devices[MAP].disk.durable
        identity, header = map_layout.decode_first_page(mapdisk.first_page(blocks))
        self.geometry = identity.geometry
        self.mapfile = self._mapfile_type(identity, header)
        self.memory = self.mapfile.load(mapdisk.areas(blocks))
        self.memory.__class__ = self._memory_type
        self.copier, self.grains = LockTable(), LockTable()

    def crash(self, kept: Iterable[int]) -> None:
        """DISK-4: requests and memory are gone, and of the unflushed writes all but `kept`."""
        survivors = set(kept)
        self.flights.clear()
        for device, state in self.devices.items():
            self.devices[device] = DeviceState(disks.crash(state.disk, survivors))

    def cache(self, device: Device, blocks: dict[int, Any]) -> None:
        """Blocks that are written and not flushed, where they differ from what is there."""
        for number, block in blocks.items():
            if disks.read(self.devices[device].disk, number) != block:
                self._write_block(device, number, block)

    def doubt(self, device: Device) -> None:
        """A flush of the device fails: what is pending may be lost although later ones succeed."""
        state = self.devices[device]
        state.doubtful |= {write.serial for write in state.disk.pending}
        state.in_doubt = True
        state.failures += 1

    def pending(self) -> list[int]:
        """The serials of all block writes that a crash might lose."""
        return [write.serial for d in self.devices.values() for write in d.disk.pending]

    def submit(self, number: int, generator: Request) -> Flight:
        """A request is in flight; it has done nothing yet."""
        flight = Flight(number, generator)
        self.flights[number] = flight
        self._go_on(flight, generator.send, None)
        return flight

    def runnable(self) -> list[int]:
        """The requests in flight that do not wait for a lock."""
        return [number for number, flight in self.flights.items() if not flight.waiting]

    def step(self, number: int, fault: Fault = Fault.NONE) -> Any:
        """A request carries out its next effect, or the next block of it. Gives its result."""
        flight = self.flights[number]
        effect = flight.effect
        try:
            if fault is Fault.NONE:
                result = _CARRY_OUT[type(effect)](self, flight, effect)
            else:
                self._fail(flight, effect, fault)
        except FlashCopyError as error:
            self._go_on(flight, flight.generator.throw, error)
            return error
        if result is not _UNFINISHED:
            self._go_on(flight, flight.generator.send, result)
        return result

    def _go_on(self, flight: Flight, resume: Callable[[Any], Effect], value: Any) -> None:
        flight.done = 0
        if flight.parts:
            flight.parts = []
        flight.granted = False
        try:
            flight.effect = resume(value)
        except StopIteration as end:
            self._end(flight, end.value, None)
        except FlashCopyError as error:
            self._end(flight, None, error)

    def _end(self, flight: Flight, result: Any, error: FlashCopyError | None) -> None:
        flight.effect, flight.result, flight.error = None, result, error
        del self.flights[flight.number]
        for table in (self.grains, self.copier):
            for number in table.release(flight.number):
                granted = self.flights[number]  # type: ignore[index]  # holders are our numbers
                granted.waiting, granted.granted = False, True

    def _fail(self, flight: Flight, effect: Any, fault: Fault) -> None:
        """The device fails, having done nothing, or after it did all that was asked."""
        if isinstance(effect, Flush):
            self._fail_flush(flight, effect, fault)
        if fault is Fault.LANDED:
            _CARRY_OUT[type(effect)](self, flight, effect)
        elif isinstance(effect, Prepare):
            self.mapfile.prepare(self.memory, effect.point)  # made, and never written
        elif isinstance(effect, Commit):
            self.mapfile.commit(effect.standing)
        if isinstance(effect, Prepare):
            self.mapfile.unprepare()
        device = effect.device if isinstance(effect, (Read, Write)) else MAP
        raise _ERRORS[device](f"{type(effect).__name__} on the {device.value}")

    def _fail_flush(self, flight: Flight, effect: Flush, fault: Fault) -> NoReturn:
        """The first device fails, or only the last one."""
        *landed, failing = effect.devices if fault is Fault.LANDED else effect.devices[:1]
        for device in landed:
            self._flush_device(flight, device)
        self.doubt(failing)
        raise _ERRORS[failing](f"flushing the {failing.value}", earlier_writes_lost=True)

    # The effects, in the order of `impl.effect`.

    def _acquire_copier(self, flight: Flight, _: AcquireCopier) -> Any:
        return self._acquire(self.copier, flight, range(1), Mode.EXCLUSIVE)

    def _acquire_grains(self, flight: Flight, effect: AcquireGrains) -> Any:
        return self._acquire(self.grains, flight, effect.grains, effect.mode)

    def _acquire(self, table: LockTable, flight: Flight, run: range, mode: Mode) -> Any:
        if flight.granted or table.request(flight.number, run, mode):
            return self.memory.state
        flight.waiting = True
        return _UNFINISHED

    def _read(self, flight: Flight, effect: Read) -> Any:
        if flight.done < len(effect.blocks):
            block = effect.blocks[flight.done]
            flight.parts.append(disks.read(self.devices[effect.device].disk, block))
            flight.done += 1
        if flight.done < len(effect.blocks):
            return _UNFINISHED
        return b"".join(flight.parts)

    def _write(self, flight: Flight, effect: Write) -> Any:
        if flight.done < len(effect.blocks):
            at = flight.done * BLOCK_BYTES
            data = effect.data[at : at + BLOCK_BYTES]
            self._write_block(effect.device, effect.blocks[flight.done], data)
            flight.done += 1
        return None if flight.done >= len(effect.blocks) else _UNFINISHED

    def _flush(self, flight: Flight, effect: Flush) -> None:
        for device in effect.devices:
            self._flush_device(flight, device)

    def _unsettled(self, _: Flight, effect: Unsettled) -> Any:
        return self.memory.unsettled(effect.grains)

    def _uncopied(self, _: Flight, effect: Uncopied) -> Any:
        return self.memory.uncopied(effect.grains)

    def _next_uncopied(self, _: Flight, effect: NextUncopied) -> Any:
        return self.memory.next_uncopied(effect.limit)

    def _mark_copied(self, _: Flight, effect: MarkCopied) -> None:
        self.memory.mark_copied(effect.runs)

    def _mark_diverged(self, _: Flight, effect: MarkDiverged) -> None:
        self.memory.mark_diverged(effect.runs)

    def _settle(self, _: Flight, effect: Settle) -> None:
        self.memory.settle(effect.runs)

    def _distrust(self, flight: Flight, _: Distrust) -> None:
        self.mapfile.distrust(self.memory)
        flight.distrusted_after = self.devices[MAP].failures

    def _adopt(self, flight: Flight, effect: Adopt) -> None:
        self.mapfile.adopt(self.memory, effect.standing)
        flight.distrusted_after = -1
        if effect.standing is Standing.STOPPED:
            for device in (TARGET, MAP):
                self.devices[device].in_doubt = False

    def _save(self, _: Flight, effect: Save) -> None:
        self._write_map(self.mapfile.save(self.memory, effect.runs))

    def _prepare(self, _: Flight, effect: Prepare) -> bool:
        writes = self.mapfile.prepare(self.memory, effect.point)
        self._write_map(writes)
        return bool(writes)

    def _commit(self, _: Flight, effect: Commit) -> None:
        self._write_map(self.mapfile.commit(effect.standing))

    def _write_block(self, device: Device, number: int, block: Any) -> None:
        state = self.devices[device]
        state.disk = disks.write(state.disk, number, block, self.serial)
        self.serial += 1

    def _write_map(self, writes: list[MapWrite]) -> None:
        """Word by word. A word that is there already changes nothing, whatever a crash keeps."""
        state = self.devices[MAP]
        for number, word in mapdisk.cut(writes):
            if state.doubtful or disks.read(state.disk, number) != word:
                self._write_block(MAP, number, word)

    def _flush_device(self, flight: Flight, device: Device) -> None:
        state = self.devices[device]
        may_record = device is MAP and flight.distrusted_after == state.failures
        if state.in_doubt and not may_record:
            raise _ERRORS[device](
                f"an earlier flush of the {device.value} failed", earlier_writes_lost=True
            )
        if not state.doubtful:
            if state.disk.pending:
                state.disk = disks.flush(state.disk)
            return
        flushed = {w.serial: w.number for w in state.disk.pending if w.serial not in state.doubtful}
        overwritten = {number: serial for serial, number in flushed.items()}
        still = tuple(
            w
            for w in state.disk.pending
            if w.serial in state.doubtful and w.serial > overwritten.get(w.number, -1)
        )
        state.disk = evolve(disks.crash(state.disk, flushed), pending=still)
        state.doubtful = frozenset(write.serial for write in still)


# Each takes the effect it is listed under, which no type can say: hence Any.
_CARRY_OUT: dict[Any, Callable[[Simulation, Flight, Any], Any]] = {
    AcquireCopier: Simulation._acquire_copier,
    AcquireGrains: Simulation._acquire_grains,
    Read: Simulation._read,
    Write: Simulation._write,
    Flush: Simulation._flush,
    Unsettled: Simulation._unsettled,
    Uncopied: Simulation._uncopied,
    NextUncopied: Simulation._next_uncopied,
    MarkCopied: Simulation._mark_copied,
    MarkDiverged: Simulation._mark_diverged,
    Settle: Simulation._settle,
    Distrust: Simulation._distrust,
    Adopt: Simulation._adopt,
    Save: Simulation._save,
    Prepare: Simulation._prepare,
    Commit: Simulation._commit,
}
