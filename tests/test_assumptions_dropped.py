"""Each assumption about disks and locks, dropped: somebody notices (DISK-1 to DISK-4, LOCK-1 to
LOCK-6). So none of them is listed for nothing, and none is assumed that is not listed.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from attrs import evolve

from flashcopy.harness import interleaved, simulation
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.mutants import MUTANTS
from flashcopy.harness.simulation import Flight, Simulation
from flashcopy.harness.trial import Watch
from flashcopy.impl.effect import AcquireCopier, AcquireGrains, Device, MarkDiverged, Mode, Read
from flashcopy.impl.locks import LockTable
from flashcopy.model.trace import Fault
from flashcopy.proofs.registry import obligations_of
from flashcopy.proofs.runner import Options, Verdict, judge_mutant

RUNS = 1500
# Any seed does; with these the rare ones are found sooner.
SEEDS = {"TwoAtOnce": 13, "ForgetsFailures": 6}

pytestmark = pytest.mark.mutation


class ReadsTheDisk(Simulation):
    """DISK-1: a read sees what is durable, not the latest write."""

    def _read(self, flight: Flight, effect: Read) -> Any:
        state = self.devices[effect.device]
        durable = evolve(state, disk=evolve(state.disk, pending=()))
        self.devices[effect.device] = durable
        try:
            return super()._read(flight, effect)
        finally:
            self.devices[effect.device] = state


class TearsBlocks(Simulation):
    """DISK-2: of a block that is kept, half may be the old one."""

    def crash(self, kept: Iterable[int]) -> None:
        survivors = set(kept)
        for state in self.devices.values():
            torn = tuple(
                evolve(write, block=write.block[:1] + state.disk.durable[write.number][1:])
                for write in state.disk.pending
            )
            state.disk = evolve(state.disk, pending=torn)
        super().crash(survivors)


class Lies(Simulation):
    """DISK-3: a flush is answered and nothing is durable."""

    def _flush_device(self, flight: Flight, device: Device) -> None:
        del flight, device


class DamagesNeighbours(Simulation):
    """DISK-4: a crash loses a block that nobody was writing."""

    def crash(self, kept: Iterable[int]) -> None:
        super().crash(kept)
        state = self.devices[Device.SOURCE]
        durable = (bytes(len(state.disk.durable[0])), *state.disk.durable[1:])
        state.disk = evolve(state.disk, durable=durable)


class NobodyAlone(Simulation):
    """LOCK-1: everybody gets the grains at once."""

    def _acquire(self, table: LockTable, flight: Flight, run: range, mode: Mode) -> Any:
        if table is self.grains:
            return self.memory.state
        return super()._acquire(table, flight, run, mode)


class ManyCopiers(Simulation):
    """LOCK-2: everybody gets the copier at once."""

    def _acquire(self, table: LockTable, flight: Flight, run: range, mode: Mode) -> Any:
        if table is self.copier:
            return self.memory.state
        return super()._acquire(table, flight, run, mode)


class LetsGo(Simulation):
    """LOCK-3: a request loses its grains after the first effect that it needs them for."""

    def step(self, number: int, fault: Fault = Fault.NONE) -> Any:
        effect = self.flights[number].effect
        result = super().step(number, fault)
        if number in self.flights and not isinstance(effect, AcquireCopier | AcquireGrains):
            for granted in self.grains.release(number):
                flight = self.flights[granted]  # type: ignore[index]
                flight.waiting, flight.granted = False, True
        return result


class TwoAtOnce(Simulation):
    """LOCK-5: the bits are read, and written back changed, in two steps."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.read: dict[int, Any] = {}

    def step(self, number: int, fault: Fault = Fault.NONE) -> Any:
        flight = self.flights[number]
        memory = self.memory
        if isinstance(flight.effect, MarkDiverged):
            if number not in self.read:
                self.read[number] = memory.copied.copy(), memory.modified.copy()
                return None
            memory.copied, memory.modified = self.read.pop(number)
        return super().step(number, fault)


class ForgetsFailures(Simulation):
    """LOCK-6: a flush that failed is known to nobody but the one who asked for it."""

    def _flush_device(self, flight: Flight, device: Device) -> None:
        self.devices[device].in_doubt = False
        super()._flush_device(flight, device)


WITHOUT: tuple[type[Simulation], ...] = (
    *(ReadsTheDisk, TearsBlocks, Lies, DamagesNeighbours),
    *(NobodyAlone, ManyCopiers, LetsGo, TwoAtOnce, ForgetsFailures),
)


@pytest.mark.parametrize("without", WITHOUT, ids=lambda kind: kind.__doc__.partition(":")[0])
def test_without_it_something_is_wrong(
    without: type[Simulation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MUTANTS, "without", Mutant("without", (), "", simulation=without))
    table = {
        effect: getattr(without, carry_out.__name__)
        for effect, carry_out in simulation._CARRY_OUT.items()
    }
    monkeypatch.setattr(simulation, "_CARRY_OUT", table)
    watch = Watch(rules=False, minimality=without is ManyCopiers)
    found = interleaved.run_plainly(
        RUNS, SEEDS.get(without.__name__, 1), Counter(), lambda: None, mutant="without", watch=watch
    )
    assert found is not None, without.__doc__


def test_grains_out_of_order_starve_somebody() -> None:
    """LOCK-4: no run of the simulation is long enough for it, so the proof says it."""
    (obligation,) = (o for o in obligations_of("locks") if o.name == "locks.in-order")
    for mutant in obligation.mutants:
        finding = judge_mutant(obligation, mutant, Options(seeds=(0,), budget=600.0))
        assert finding.verdict is Verdict.REFUTED, mutant.name
