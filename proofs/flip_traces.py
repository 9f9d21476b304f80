"""A torn map file as a trace: the crash that the solver found, carried out on the simulated disks.

The solver says which words of the map file survive. The same request runs in the simulation on a
volume of the same bits, up to the effect after which the maps found would be a mixture; of its
unflushed words the same survive, and the oracle of the harness judges what is opened. Where nobody
reads anything wrong in that mixture, another crash of the same run is looked for.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flashcopy.harness import crashes, mapdisk
from flashcopy.harness.result import ViolationError
from flashcopy.harness.trial import ORACLE_ALONE, Trial
from flashcopy.impl.effect import MAP, AcquireGrains
from flashcopy.model.geometry import Geometry
from flashcopy.model.grain import Grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Operation, Start, Sync, Write
from flashcopy.model.trace import Initial, Trace
from flashcopy.proofs import protocol_mutants

_CONTENT = 1000
# The words of the map file that the solver has a crash leave after each effect in turn, by number;
# the header's is 0 where it is the old one.
Left = Iterator[Mapping[int, int]]
# Which writes survive a crash at this moment; None if there is to be none.
Survivors = Callable[[Trial], "frozenset[int] | None"]


def trace_of(
    mutant: str, name: str, maps: tuple[Any, Any], written: range | None, left: Left
) -> Trace | None:
    """The trace of a sync or start, by `name`, that a crash tears; None if no run shows harm.

    `maps` are the copied and the modified bits at first. A host writes the grains `written` while
    the request waits for its own.
    """
    for survivors in (_as_the_solver_says(left), _any_harmful):
        try:
            _play(mutant, name, maps, written, survivors)
        except ViolationError as error:
            return error.finding.trace
    return None


def _play(
    mutant: str,
    name: str,
    maps: tuple[Any, Any],
    written: range | None,
    survivors: Survivors,
) -> None:
    """Raises ViolationError, with its trace, where a crash does harm."""
    trial = Trial(_head(mutant, maps), ORACLE_ALONE, protocol_mutants.by_name)
    block = trial.head.geometry.block_size
    operation: Operation = Sync() if name == "sync" else Start()
    request = trial.submit(operation)
    while request in trial.in_flight:
        effect = trial.simulation.flights[request].effect
        if written and isinstance(effect, AcquireGrains):
            _complete(trial, Write(Volume.SOURCE, written.start * block, block, _CONTENT))
        trial.step(request)
        kept = survivors(trial)
        if kept is not None:
            trial.crash(sorted(kept))
            trial.reopen()
            trial.check_at_rest()
            return


def _head(mutant: str, maps: tuple[Any, Any]) -> Trace:
    grains = tuple(
        Grain((2 * n + 1,), (2 * n + (1 if c and not m else 2),), copied=bool(c), modified=bool(m))
        for n, (c, m) in enumerate(zip(*maps, strict=True))
    )
    return Trace(
        Geometry(len(grains) * 512, 512, 512),
        (),
        initial=Initial(State.COPYING, grains),
        settings={"mutant": mutant} if mutant else {},
    )


def _complete(trial: Trial, operation: Operation) -> None:
    number = trial.submit(operation)
    while number in trial.in_flight:
        trial.step(number)


def _as_the_solver_says(left: Left) -> Survivors:
    """The crash after as many effects as the solver has; of the volumes everything survives."""
    after_each = list(left)

    def survivors(trial: Trial) -> frozenset[int] | None:
        after = after_each.pop(0) if after_each else None
        if after is None or after_each:
            return None
        kept = set()
        for device, state in trial.simulation.devices.items():
            for write in state.disk.pending:
                value = write.number == mapdisk.HEADER or int.from_bytes(write.block, "little")
                if device is not MAP or after[write.number] == value:
                    kept.add(write.serial)
        return frozenset(kept)

    return survivors


def _any_harmful(trial: Trial) -> frozenset[int] | None:
    return crashes.harmful(trial)
