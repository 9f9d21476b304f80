"""The grain machine as a subject: all its functions together, so that one can be a faulty one.

`shipped` is the machine of `model.grain`. A mutant is the same with a function replaced. `apply`
runs requests on a volume of grains with the functions of any such machine, so that a
counterexample found for one grain can be told as requests and answers.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from flashcopy.model import grain as grain_machine
from flashcopy.model import operation as op
from flashcopy.model.choice import Condition, choose
from flashcopy.model.geometry import blocks_of_grain, blocks_of_request, grains_of_blocks
from flashcopy.model.grain import Change, Data, Grain
from flashcopy.model.images import Images, Volume
from flashcopy.model.volume import Machine, Step

Operate = Callable[[Grain], Grain]
Write = Callable[[Grain, Change], Grain]
Observe = Callable[[Grain], Any]


@frozen
class GrainMachine:
    """The functions of `model.grain`, by their names there."""

    idle_grain: Callable[[Data, Data], Grain]
    invariant: Observe
    is_diverged: Observe
    read_source: Observe
    read_target: Observe
    copy: Operate
    diverge: Operate
    write_source: Write
    write_target: Write
    sync: Operate
    start: Operate
    mark_modified: Operate


def shipped() -> GrainMachine:
    """The grain machine as it is now."""
    names = [attribute.name for attribute in GrainMachine.__attrs_attrs__]
    return GrainMachine(**{name: getattr(grain_machine, name) for name in names})


def image_of(machine: GrainMachine, grain: Grain) -> Images:
    """What readers see of one grain."""
    return Images(source=machine.read_source(grain), target=machine.read_target(grain))


def same_images(first: Images, second: Images) -> Condition:
    """Whether two images show the same."""
    return choose(first.source == second.source, first.target == second.target, False)


def choose_grain(condition: Condition, then: Grain, otherwise: Grain) -> Grain:
    """`choose` for grains, part by part."""
    return Grain(
        source=choose(condition, then.source, otherwise.source),
        target=choose(condition, then.target, otherwise.target),
        copied=choose(condition, then.copied, otherwise.copied),
        modified=choose(condition, then.modified, otherwise.modified),
    )


def with_diverge(machine: GrainMachine, diverge: Operate) -> GrainMachine:
    """The machine whose writes prepare a grain in this way."""

    def write_source(grain: Grain, change: Change) -> Grain:
        diverged = diverge(grain)
        return evolve(diverged, source=change(diverged.source))

    def write_target(grain: Grain, change: Change) -> Grain:
        diverged = diverge(grain)
        return evolve(diverged, target=change(diverged.target))

    return evolve(machine, diverge=diverge, write_source=write_source, write_target=write_target)


def apply(functions: GrainMachine, machine: Machine, operation: op.Operation) -> Step:
    """One request, carried out by these functions; nothing is refused here."""
    if isinstance(operation, op.Read):
        return machine, op.Contents(_read(functions, machine, operation))
    if isinstance(operation, op.Write):
        return _write(functions, machine, operation), op.Done()
    if isinstance(operation, op.BackgroundCopy):
        copied = sum(not grain.copied for grain in machine.grains)
        return _each(machine, functions.copy), op.Copied(copied)
    if isinstance(operation, op.Start):
        return _each(machine, functions.start), op.Done()
    if isinstance(operation, op.Sync):
        return _each(machine, functions.sync), op.Done()
    raise TypeError(f"no story has a {type(operation).__name__}")


def _each(machine: Machine, operate: Operate) -> Machine:
    return evolve(machine, grains=tuple(map(operate, machine.grains)))


def _read(functions: GrainMachine, machine: Machine, operation: op.Read) -> tuple[int, ...]:
    side = functions.read_source if operation.volume is Volume.SOURCE else functions.read_target
    everything: tuple[int, ...] = sum((side(grain) for grain in machine.grains), ())
    blocks = blocks_of_request(machine.geometry, operation.offset, operation.length)
    return everything[blocks.start : blocks.stop]


def _write(functions: GrainMachine, machine: Machine, operation: op.Write) -> Machine:
    blocks = blocks_of_request(machine.geometry, operation.offset, operation.length)
    write = functions.write_source if operation.volume is Volume.SOURCE else functions.write_target
    grains = list(machine.grains)
    for number in grains_of_blocks(machine.geometry, blocks):
        of_grain = blocks_of_grain(machine.geometry, number)

        def change(old: tuple[int, ...], of_grain: range = of_grain) -> tuple[int, ...]:
            return tuple(
                operation.content if block in blocks else content
                for block, content in zip(of_grain, old, strict=True)
            )

        grains[number] = write(grains[number], change)
    return evolve(machine, grains=tuple(grains))
