"""A counterexample told as requests and answers: a trace that begins in the state it needs.

A solver's counterexample is one grain in some state and one operation that does it wrong. Here it
becomes a volume that a person, or `flashcopy replay`, can follow: each grain gets two blocks, so
that a write can be partial, data becomes small numbers that are equal where the counterexample's
are, the operation is run with the faulty functions, and then the volumes are read, copied and
synced until the fault shows. What must be seen comes from the two images.
"""

from collections.abc import Callable, Iterable, Sequence

from attrs import evolve

from flashcopy.model import operation as op
from flashcopy.model import volume
from flashcopy.model.geometry import Geometry
from flashcopy.model.grain import Grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.trace import Answer, Entry, Initial, Submit, Trace
from flashcopy.model.volume import Machine, Step
from flashcopy.proofs.expected import expect
from flashcopy.proofs.grains import GrainMachine, apply, shipped
from flashcopy.proofs.obligation import Picture
from flashcopy.proofs.texts import grain_text, operation_text, outcome_text

_BLOCK = 512
_GRAIN = 2 * _BLOCK
# No data of a counterexample is numbered this high.
NEW = 9


def partial_write(side: Volume) -> op.Write:
    """A write of new data to the first block of the first grain."""
    return op.Write(side, 0, _BLOCK, NEW)


def long_write(side: Volume, grains: range) -> op.Write:
    """A write of new data to a run of grains, all but its last block."""
    return op.Write(side, grains.start * _GRAIN, len(grains) * _GRAIN - _BLOCK, NEW)


def tell(
    functions: GrainMachine, grains: Sequence[Grain], operations: Iterable[op.Operation]
) -> Picture:
    """The operations, and what shows the fault, carried out by these functions on these grains."""
    return tell_steps(
        lambda machine, operation: apply(functions, machine, operation), grains, operations
    )


def tell_steps(
    step: Callable[[Machine, op.Operation], Step],
    grains: Sequence[Grain],
    operations: Iterable[op.Operation],
) -> Picture:
    """The same where a request is carried out by `step`."""
    machine = _volume_of(grains)
    length = machine.geometry.size
    look = [op.Read(side, 0, length) for side in (Volume.SOURCE, Volume.TARGET)]
    copy = op.BackgroundCopy(None)
    script = [*look, *operations, *look, copy, *look, op.Sync(), *look, copy]
    return _run(step, machine, script)


def _volume_of(grains: Sequence[Grain]) -> Machine:
    """A volume of such grains, with small numbers for their data and two blocks each."""
    numbers: dict[object, int] = {}

    def contents(data: object) -> tuple[int, int]:
        number = numbers.setdefault(data, len(numbers) + 1)
        return number, number

    all_copied = all(grain.copied for grain in grains)
    return Machine(
        geometry=Geometry(len(grains) * _GRAIN, _BLOCK, _GRAIN),
        target_writable=True,
        state=State.COPIED if all_copied else State.COPYING,
        grains=tuple(
            evolve(grain, source=contents(grain.source), target=contents(grain.target))
            for grain in grains
        ),
        cursor=len(grains) if all_copied else 0,
    )


def _run(
    step: Callable[[Machine, op.Operation], Step],
    machine: Machine,
    script: Iterable[op.Operation],
) -> Picture:
    initial = Initial(machine.state, machine.grains, machine.cursor)
    right, images = machine, volume.images(machine)
    entries: list[Entry] = []
    lines = [f"grain {number}: {grain_text(grain)}" for number, grain in enumerate(machine.grains)]
    finding = ""
    for request, operation in enumerate(script):
        machine, outcome = step(machine, operation)
        right, right_outcome = apply(shipped(), right, operation)
        images, must_be = expect(images, operation, right_outcome, _BLOCK)
        entries += [Submit(request, operation), Answer(request, outcome)]
        line = f"{operation_text(operation, _BLOCK)}: {outcome_text(outcome)}"
        if outcome != must_be:
            line += f", must be {outcome_text(must_be)}"
            finding = f"request {request}, {line}"
        lines.append(line)
        if finding:
            break
    trace = Trace(machine.geometry, tuple(entries), initial=initial, finding=finding)
    return Picture(tuple(lines), trace)
