"""A fault that the proofs refuted, seen to do harm: a run of the simulation that goes wrong.

A counterexample of the solver says that a step breaks the invariant, or what others rely on. Here
that is played out until somebody sees wrong data. The solver is asked for a state from which the
request goes wrong with nobody else about, and along which path. There the simulation begins, with
the same devices failing; after each step every crash is tried. Where that does no harm yet, another
request comes before or after it. The oracle of the harness judges, which knows nothing of proofs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, product
from typing import Any, Final

from attrs import field, frozen

from flashcopy.harness.crashes import open_with
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.result import Finding, ViolationError
from flashcopy.harness.simulation import Flight, Simulation
from flashcopy.harness.trial import ORACLE_ALONE, Trial
from flashcopy.impl.effect import Commit, Device, Flush, Prepare, Read, Save, Write
from flashcopy.model import disk as disks
from flashcopy.model.disk import Disk
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State, is_tracking
from flashcopy.model.operation import BackgroundCopy, Operation, Start, Stop, Sync
from flashcopy.model.operation import Flush as FlushOperation
from flashcopy.model.operation import Read as ReadOperation
from flashcopy.model.operation import Write as WriteOperation
from flashcopy.model.trace import Fault, Trace

BLOCK: Final = 512
GEOMETRY: Final = Geometry(4 * BLOCK, BLOCK, 2 * BLOCK)
# Contents of the requests' writes; those that volumes hold at first are smaller.
_CONTENT = 1000
# So many runs are tried before a fault counts as one that shows nothing.
MOST_RUNS = 2000
_LONGEST = 500
_FALLIBLE = (Read, Write, Flush, Save, Prepare, Commit)

Find = Callable[[str], Mutant]


@frozen
class Setting:
    """How runs begin, which request is faulty, and which of its effects fail how, by number."""

    head: Trace
    faulty: Operation
    faults: dict[int, Fault] = field(factory=dict)


# The requests by number, in the order in which each goes to its end.
Turns = tuple[int, ...]


def search(settings: Iterable[Setting], find: Find, most_runs: int = MOST_RUNS) -> Finding | None:
    """The first run that goes wrong, with its trace; the simpler ones are tried first."""
    held = tuple(settings)
    tried: set[Any] = set()
    for (operations, turns), setting in islice(product(_plans(), held), most_runs):
        try:
            _Run(setting, operations, find, tried).play(turns)
        except ViolationError as error:
            return error.finding
        except _PointlessError:
            continue
    return None


class _PointlessError(Exception):
    """A run in which a crash was tried that nobody can be harmed by."""


_OTHERS: Final[tuple[Operation, ...]] = (
    Sync(),
    WriteOperation(Volume.SOURCE, 0, BLOCK, _CONTENT + 1),
    ReadOperation(Volume.TARGET, 0, BLOCK),
    BackgroundCopy(1),
    WriteOperation(Volume.TARGET, 0, BLOCK, _CONTENT + 2),
    WriteOperation(Volume.SOURCE, BLOCK, BLOCK, _CONTENT + 3),
    Start(),
    WriteOperation(Volume.TARGET, BLOCK, BLOCK, _CONTENT + 4),
    FlushOperation(Volume.TARGET),
    FlushOperation(Volume.SOURCE),
    Stop(),
)


def _plans() -> Iterator[tuple[tuple[Operation, ...], Turns]]:
    """Operations beside the faulty one, which is number 0, and their turns."""
    yield (), (0,)
    for other in _OTHERS:
        yield (other,), (0, 1)
        yield (other,), (1, 0)


class _Run:
    """One run. Raises ViolationError, with its trace, where something is wrong."""

    def __init__(
        self, setting: Setting, others: tuple[Operation, ...], find: Find, tried: set[Any]
    ) -> None:
        self._trial = Trial(setting.head, ORACLE_ALONE, find)
        self._tried = tried
        # What was done so far: two runs that have done the same can lose the same to a crash.
        self._so_far = hash(id(setting))
        self._faults = setting.faults
        self._operations = (setting.faulty, *others)
        # The number of each of the operations, once it is submitted, and of its next effect.
        self._numbers: dict[int, int] = {}
        self._taken: Counter[int] = Counter()

    def play(self, turns: Turns) -> None:
        """The requests in these turns, all of them to their ends, and then a sync."""
        trial = self._trial
        for who in turns:
            self._numbers[who] = self._submit(self._operations[who])
            self._go_on(self._numbers[who])
        while trial.in_flight:
            self._go_on(trial.simulation.runnable()[0])
        trial.check_at_rest()
        try_crashes(trial)
        self._go_on(self._submit(Sync() if is_tracking(trial.state) else Start()))
        trial.check_at_rest()
        for _ in range(trial.head.geometry.grains + 1):
            self._go_on(self._submit(BackgroundCopy(1)))

    def _submit(self, operation: Operation) -> int:
        self._so_far = hash((self._so_far, operation))
        return self._trial.submit(operation)

    def _go_on(self, number: int) -> None:
        """A request goes on until it ends or waits."""
        trial, flights = self._trial, self._trial.simulation.flights
        while number in flights and not flights[number].waiting:
            flight = flights[number]
            effect = flight.effect
            trial.step(number, self._fault(number, flight))
            self._so_far = hash((self._so_far, number))
            changes = isinstance(effect, _FALLIBLE) and not isinstance(effect, Read)
            if changes and self._so_far not in self._tried:
                self._tried.add(self._so_far)
                try_crashes(trial)
            if flight.done == 0 and not flight.waiting:
                self._taken[number] += 1
            if trial.steps > _LONGEST:
                raise trial.complaint("CONC-4", "a request goes on and never ends")

    def _fault(self, number: int, flight: Flight) -> Fault:
        faulty = number == self._numbers.get(0) and isinstance(flight.effect, _FALLIBLE)
        if not faulty or flight.done:
            return Fault.NONE
        return self._faults.get(self._taken[number], Fault.NONE)


def try_crashes(trial: Trial) -> None:
    """The crashes at this moment, as far as they differ. Raises ViolationError for a bad one."""
    for crash in _crashes(trial.simulation):
        if not _could_be(trial, {device: left.blocks for device, left in crash.items()}):
            trial.crash(sorted(serial for left in crash.values() for serial in left.kept))
            trial.reopen()
            trial.check_at_rest()
            # The protocol's own reads see it otherwise: then nobody can be harmed.
            raise _PointlessError


@frozen
class _Left:
    """What a crash leaves of a device, and the writes it kept."""

    kept: frozenset[int]
    blocks: tuple[bytes, ...]


def _crashes(simulation: Simulation) -> Iterator[dict[Device, _Left]]:
    """Of each device all that is unflushed survives, or nothing; then, of one, all or nothing but
    one write."""
    whole: dict[Device, list[_Left]] = {}
    partial: dict[Device, list[_Left]] = {}
    for device, state in simulation.devices.items():
        every = frozenset(write.serial for write in state.disk.pending)
        singles = [frozenset((serial,)) for serial in sorted(every)] if len(every) > 1 else []
        whole[device] = _differing(state.disk, [frozenset(), every])
        partial[device] = _differing(state.disk, [*singles, *(every - one for one in singles)])
    for chosen in product(*whole.values()):
        yield dict(zip(whole, chosen, strict=True))
    for device, options in partial.items():
        others = {other: lefts for other, lefts in whole.items() if other is not device}
        for left, chosen in product(options, product(*others.values())):
            yield {device: left, **dict(zip(others, chosen, strict=True))}


def _differing(disk: Disk, choices: list[frozenset[int]]) -> list[_Left]:
    """What each choice of survivors leaves, each outcome once."""
    found: dict[tuple[bytes, ...], _Left] = {}
    for kept in choices:
        blocks = disks.crash(disk, kept).durable
        found.setdefault(blocks, _Left(kept, blocks))
    return list(found.values())


def _could_be(trial: Trial, left: dict[Device, tuple[bytes, ...]]) -> bool:
    """CRASH-1 to CRASH-3, and INV-1 of what is found, or the next sync will be wrong."""
    found = open_with(trial.mutant, left[Device.MAP])
    source, target = (
        [int.from_bytes(block, "little") for block in left[device]]
        for device in (Device.SOURCE, Device.TARGET)
    )
    image = list(target)
    for block, content in enumerate(source):
        grain = block // trial.head.geometry.grain_blocks
        if not found.copied[grain]:
            image[block] = content
        elif is_tracking(found.state) and not found.modified[grain] and target[block] != content:
            return False
    return trial.oracle.may_be(found.state, source, None if found.state is State.STOPPED else image)
