"""The symbolic interpreter's devices are the simulated disks (DISK-1 to DISK-4, ERR-5, ERR-6).

Effects on a block are carried out on both, with every failure and every choice of what a crash
keeps, in every sequence of a few: constants go in, and the same comes out. What readers see, what
a crash would leave, and whether a flush may still succeed agree after each step.
"""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from flashcopy.harness import mapdisk
from flashcopy.harness.simulation import Flight, Simulation
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device, Standing
from flashcopy.impl.errors import DeviceError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import Header, Identity
from flashcopy.model import disk as disks
from flashcopy.model.trace import Fault
from flashcopy.proofs import protocol_devices
from flashcopy.proofs.protocol_effects import Effects, Local, Moment
from flashcopy.proofs.protocol_request import Bytes, Result
from flashcopy.proofs.protocol_state import LEAVES, State, build

GEOMETRY = Geometry(1024, 512, 1024)
IDENTITY = Identity(GEOMETRY, Path("s"), Path("t"), id=bytes(16))
BLOCK = range(1)

# A step: the effect's name, how it fails, and whether a crash keeps what it writes.
Do = tuple[str, Fault, bool]
DATA: tuple[Do, ...] = (
    *(("write", fault, keep) for fault in Fault for keep in (False, True)),
    *(("flush", fault, False) for fault in Fault),
)
MAPS: tuple[Do, ...] = (
    *(("save", fault, keep) for fault in Fault for keep in (False, True)),
    *(("commit", Fault.NONE, keep) for keep in (False, True)),
    *(("flush", fault, False) for fault in Fault),
)
LENGTH = 3


def nothing(_: Any) -> Any:
    """A request that has no next effect: it only stands for who carries one out."""
    yield effects.Flush(())


class Both:
    """One relationship with one grain, in both interpreters; serials of kept writes."""

    def __init__(self) -> None:
        blocks = (bytes(8),) * 2
        header = Header(1, Standing.TRACKING, 0)
        maps = mapdisk.new(IDENTITY, header, (bytes(512),) * 4)
        self.simulation = Simulation({SOURCE: blocks, TARGET: blocks, MAP: maps})
        self.kept: set[int] = set()
        self._written_to: set[int] = set()
        self.flight = Flight(0, nothing(None))
        self.value = 0
        leaves: dict[str, Any] = dict.fromkeys(LEAVES, False)
        numbers = ("now", "after", "image", "survives")
        leaves |= {path: 0 for path in LEAVES if path.rpartition(".")[2] in numbers}
        leaves |= {path: True for path in LEAVES if path.endswith("fresh")}
        for part in ("memory", "maps.header", "maps.after"):
            leaves[f"{part}.tracking"] = True
        leaves |= {"maps.header.here": True, "maps.after.here": True}
        self.state: State = build(leaves.__getitem__)

    def do(self, device: Device, step: Do) -> None:
        """One step on both; they agree on whether it fails."""
        name, fault, keep = step
        effect = self._effect(device, name)
        failures = self._fails(effect, fault)
        if keep and fault is not Fault.LOST:
            self._keep(device)
        choices = {"landed": fault is Fault.LANDED, "keep data": keep}
        choices |= {f"keep {bit}": keep for bit in ("copied", "modified", "header")}
        choices |= {f"landed {bit}": fault is Fault.LANDED for bit in ("copied", "modified")}
        moment = Moment(self.state, Local(), lambda n: choices.get(n, False), Bytes())
        result = Result(failed=device) if failures else Result()
        if name == "write":
            effect = effects.Write(device, BLOCK, Bytes(self.value))  # type: ignore[arg-type]
        doubts = isinstance(effect, effects.Flush) and fault is Fault.NONE and failures
        if doubts:
            # It fails for an earlier one did: nothing more is lost than was.
            assert Effects().may_flush(device, moment) is False
            return
        condition, self.state, _ = Effects().carry_out(effect, result, moment)
        assert condition is True

    def _keep(self, device: Device) -> None:
        """A crash keeps the latest write of each block there is.

        The simulation does not write what is there already; to keep that is to keep what is there.
        """
        latest = {write.number: write.serial for write in self._pending(device)}
        self.kept |= {s for n, s in latest.items() if n in self._written_to}

    def _pending(self, device: Device) -> tuple[disks.PendingWrite, ...]:
        return self.simulation.devices[device].disk.pending

    def _effect(self, device: Device, name: str) -> Any:
        match name:
            case "write":
                self.value += 1
                self._written_to = {0}
                return effects.Write(device, BLOCK, self.value.to_bytes(8, "little"))
            case "flush":
                return effects.Flush((device,))
            case "save":
                self.value += 1
                self._written_to = {mapdisk.word_of(GEOMETRY, 0, which, 0) for which in (0, 1)}
                copied = bool(self.value & 1)
                self.simulation.memory.copied[0] = copied
                self.simulation.memory.modified[0] = copied
                memory = evolve(self.state.memory, copied=copied, modified=copied)
                self.state = evolve(self.state, memory=memory)
                return effects.Save((BLOCK,))
            case "adopt":
                return effects.Adopt(Standing.STOPPED)
            case _:
                self._written_to = {mapdisk.HEADER}
                return effects.Commit(Standing.STOPPED)

    def _fails(self, effect: Any, fault: Fault) -> bool:
        flight = self.flight = Flight(0, nothing(None), effect)
        next(flight.generator)
        self.simulation.flights[0] = flight
        return isinstance(self.simulation.step(0, fault), DeviceError)

    def agree(self) -> None:
        """What is seen, what a crash would leave, and what is in doubt."""
        simulation, state = self.simulation, self.state
        for device, side in ((SOURCE, state.source), (TARGET, state.target)):
            now, after = self._now_and_after(device, 0)
            assert (side.now, side.after) == tuple(
                int.from_bytes(block, "little") for block in (now, after)
            )
            assert side.doubt == simulation.devices[device].in_doubt
        current = state.maps.current
        for which, bits in enumerate(
            ((current.copied, current.copied_after), (current.modified, current.modified_after))
        ):
            word = mapdisk.word_of(GEOMETRY, 0, which, 0)
            assert bits == tuple(
                mapdisk.has_bit(block, 0) for block in self._now_and_after(MAP, word)
            )
        headers = self._now_and_after(MAP, mapdisk.HEADER)
        assert tuple(h.tracking for h in (state.maps.header, state.maps.after)) == tuple(
            block[36] == Standing.TRACKING.value for block in headers
        )
        assert state.maps.doubt == simulation.devices[MAP].in_doubt

    def _now_and_after(self, device: Device, number: int) -> tuple[bytes, bytes]:
        disk = self.simulation.devices[device].disk
        return disks.read(disk, number), disks.crash(disk, self.kept).durable[number]


def together(device: Device, steps: tuple[Do, ...]) -> None:
    """The steps one after the other on both, compared after each."""
    both = Both()
    for step in steps:
        both.do(device, step)
        both.agree()


@pytest.mark.parametrize("device", [SOURCE, TARGET])
def test_a_volume_is_a_simulated_disk(device: Device) -> None:
    """DISK-1, DISK-3, DISK-4, and the flush that failed (ERR-6)."""
    for steps in product(DATA, repeat=LENGTH):
        together(device, steps)


def test_the_map_file_is_a_simulated_disk() -> None:
    """DISK-2: the header as one block, the bits each for itself."""
    for steps in product(MAPS, repeat=LENGTH):
        together(MAP, steps)


@pytest.mark.parametrize(("device", "write"), [(TARGET, "write"), (MAP, "save")])
def test_what_a_failed_flush_lost_stays_lost(device: Device, write: str) -> None:
    """ERR-6: also when, once it has stopped durably, flushes of the device succeed again.

    Of the map file the proofs assume less: bits written after a flush that failed are durable on
    the simulated disk after the next one, and may be lost in the proofs.
    """
    later = (0, 1) if device is TARGET else (0,)
    for first, keep, fault, second in product((1, 2), (False, True), Fault, later):
        together(
            device,
            (
                *[(write, Fault.NONE, keep)] * first,
                ("flush", fault, False),
                ("adopt", Fault.NONE, False),
                *[(write, Fault.NONE, False)] * second,
                ("flush", Fault.NONE, False),
            ),
        )


def all_of_them() -> None:
    """Every pair of steps, and the flush that succeeds after one that failed."""
    test_what_a_failed_flush_lost_stays_lost(TARGET, "write")
    test_what_a_failed_flush_lost_stays_lost(MAP, "save")
    for device, kinds in ((SOURCE, DATA), (MAP, MAPS)):
        for steps in product(kinds, repeat=2):
            together(device, steps)


@pytest.mark.mutation
@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("flush_side", lambda side: side),
        ("flush_side", lambda side: evolve(side, after=side.now)),
        ("flush_area", lambda area: area),
        ("flush_area", lambda area: evolve(area, copied_after=area.copied)),
    ],
)
def test_a_device_that_is_restated_wrongly_is_noticed(
    name: str, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DISK-3: a flush that does nothing, or that makes good what an earlier one lost."""
    monkeypatch.setattr(protocol_devices, name, broken)
    with pytest.raises(AssertionError):
        all_of_them()
