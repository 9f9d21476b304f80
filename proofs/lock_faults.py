"""Faults of the lock table: what it takes for a conflict, whom it wakes, whom it remembers.

Those that do harm are mutants of the simulation too, by their names here. The others only make
somebody wait longer than need be, or for ever while others keep coming, which no run that ends
can show.
"""

from collections.abc import Callable, Hashable
from types import FunctionType
from typing import Any, Final

from flashcopy.harness.mutant import DATA, Mutant
from flashcopy.harness.simulation import Simulation
from flashcopy.impl import locks
from flashcopy.impl.effect import Mode
from flashcopy.impl.locks import LockTable


def faulty_conflicts(conflicts: Callable[..., bool]) -> type[LockTable]:
    """The shipped table with another idea of what a conflict is."""
    known = {**vars(locks), "_conflicts": conflicts}
    methods = {
        name: FunctionType(vars(LockTable)[name].__code__, known) for name in ("request", "release")
    }
    return type("FaultyTable", (LockTable,), {"__slots__": (), **methods})


def touching_is_apart(claim: Any, others: Any) -> bool:
    return any(
        (claim[1] or alone) and run.start < claim[0].start and claim[0].start < run.stop
        for run, alone in others.values()
    )


def both_alone(claim: Any, others: Any) -> bool:
    alone = {k: v for k, v in others.items() if v[1]}
    return bool(claim[1]) and bool(locks._conflicts(claim, alone))


class Overtaking(LockTable):
    """Looks only at who holds."""

    def request(self, holder: Hashable, run: range, mode: Mode) -> bool:
        line, self.waiting = self.waiting, {}
        given = super().request(holder, run, mode)
        self.waiting = line | self.waiting
        return given


class OneAtATime(LockTable):
    """Wakes the first of the line only."""

    def release(self, holder: Hashable) -> list[Hashable]:
        self.held.pop(holder, None)
        self.waiting.pop(holder, None)
        for waiter, claim in list(self.waiting.items())[:1]:
            if not locks._conflicts(claim, self.held):
                self.held[waiter] = self.waiting.pop(waiter)
                return [waiter]
        return []


class WakesAll(LockTable):
    """Whoever waits may try its luck: the last one first."""

    def release(self, holder: Hashable) -> list[Hashable]:
        self.waiting = dict(reversed(self.waiting.items()))
        return super().release(holder)


class ForgetsWaiter(LockTable):
    """A request that is not given its run is not remembered."""

    def request(self, holder: Hashable, run: range, mode: Mode) -> bool:
        given = super().request(holder, run, mode)
        self.waiting.pop(holder, None)
        return given


TABLES: Final[dict[str, type[LockTable]]] = {
    "runs compared by their first grain": faulty_conflicts(touching_is_apart),
    "only two that are alone conflict": faulty_conflicts(both_alone),
    "a waiter forgotten": ForgetsWaiter,
    "looks only at who holds": Overtaking,
    "the last one first": WakesAll,
    "wakes the first only": OneAtATime,
}
# No run shows these, with the reason.
NO_RUN: Final[dict[str, str]] = {
    "looks only at who holds": "a waiter starves only while others keep coming",
    "the last one first": "a waiter starves only while others keep coming",
    "wakes the first only": "the others wait for the next release, and only longer than need be",
}


def _locking_with(table: type[LockTable]) -> type[Simulation]:
    class Locking(Simulation):
        def open(self) -> None:
            super().open()
            self.copier, self.grains = table(), table()

    return Locking


MUTANTS: Final = {
    name: Mutant(name, (*DATA, "CONC-4"), "see the proofs", simulation=_locking_with(table))
    for name, table in TABLES.items()
}
