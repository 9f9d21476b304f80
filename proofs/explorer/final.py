"""When all requests have ended: are both volumes right, and is what follows?

What readers see is compared with the images, and the invariant with both sides. Then the shipped
code goes on from there, in the simulation, one request after the other: a sync (a start where
nothing is tracked), background copy until nothing is left, and everything is read once more.
"""

from typing import Any

from attrs import frozen

from flashcopy.harness.mutant import generator
from flashcopy.harness.requests import Ask, Options, decode
from flashcopy.harness.simulation import Simulation
from flashcopy.impl.effect import SOURCE, TARGET, Standing, State
from flashcopy.impl.memory import Memory
from flashcopy.model import lifecycle
from flashcopy.model.disk import Disk
from flashcopy.proofs.explorer.block import Block
from flashcopy.proofs.explorer.memory import Held, MemoryMachine
from flashcopy.proofs.explorer.program import End
from flashcopy.proofs.explorer.starts import GrainIs, Start, make_geometry, open_simulation

Complaint = tuple[str, str]


@frozen
class BlockEnding:
    """Which of a block's contents are equal: the two sides, and either side with the image."""

    sides_equal: bool
    source_is_image: bool
    target_is_image: bool


def ending_of_block(block: Block) -> BlockEnding:
    """What matters of a block when all requests have ended."""
    return BlockEnding(
        block.source == block.target, block.source == block.image, block.target == block.image
    )


def complaint_of_answer(end: End, state: State) -> Complaint | None:
    """LIFE-1, STOP-1: nothing is refused without a reason, and a stop that was answered happened.

    `state` is the one at the answer, when the request still holds its locks. No device fails.
    """
    stopped = end.request.endswith("_target") and state is State.STOPPED
    untracked = end.request == "sync" and state in (State.IDLE, State.STOPPED)
    if end.refused and not (end.refused == "invalid_state" and (stopped or untracked)):
        return "LIFE-1", f"{end.request} was refused ({end.refused}) in state {state.value}"
    if end.request == "stop" and state in (State.COPYING, State.COPIED):
        return "STOP-1", f"stop was answered, and the relationship is {state.value}"
    return None


def complaint(
    machine: MemoryMachine, held: Held, grains: tuple[tuple[BlockEnding, ...], ...]
) -> Complaint | None:
    """What is wrong at rest; None if nothing is."""
    memory = machine.thaw(held)[0]
    if memory.standing is not Standing.STOPPED:
        for grain, blocks in enumerate(grains):
            found = _grain(memory, grain, blocks)
            if found:
                return found
    equal = [[block.sides_equal for block in blocks] for blocks in grains]
    return _what_follows(machine, held, equal)


def _grain(memory: Memory, grain: int, blocks: tuple[BlockEnding, ...]) -> Complaint | None:
    copied, modified = memory.copied[grain], memory.modified[grain]
    for block in blocks:
        if not (block.target_is_image if copied else block.source_is_image):
            return "READ-2", f"at rest grain {grain} of the target does not read as it must"
        if copied and not modified and not block.sides_equal:
            return "INV-1", f"at rest grain {grain} is clean and its sides differ"
    return None


def _what_follows(machine: MemoryMachine, held: Held, equal: list[list[bool]]) -> Complaint | None:
    """COPY-5, SYNC-1: the copy finishes; after a sync the target is the source, and once more."""
    simulation = _simulation(machine, held, equal)
    if not _copies_all(machine, simulation):
        return "COPY-5", "background copy goes on and never finishes"
    tracking = simulation.memory.standing is Standing.TRACKING
    point = "sync" if tracking else "start"
    source = _carry_out(machine, simulation, Ask("read_source", _all_blocks(simulation)))
    _carry_out(machine, simulation, Ask(point))
    before = _carry_out(machine, simulation, Ask("read_target", _all_blocks(simulation)))
    finishes = _copies_all(machine, simulation)
    after = _carry_out(machine, simulation, Ask("read_target", _all_blocks(simulation)))
    if not before == after == source:
        clause = "SYNC-1" if tracking else "START-1"
        return clause, f"after a {point} that follows, the target does not read as the source"
    if not finishes:
        return "COPY-5", f"after a {point} that follows, background copy never finishes"
    return None


def _copies_all(machine: MemoryMachine, simulation: Simulation) -> bool:
    """Whether background copy leaves nothing to copy."""
    grains = simulation.geometry.grains
    for _ in range(grains + 1):
        _carry_out(machine, simulation, Ask("background_copy", limit=grains))
    return simulation.memory.state is not State.COPYING


def _all_blocks(simulation: Simulation) -> range:
    return range(simulation.geometry.blocks)


def _simulation(machine: MemoryMachine, held: Held, equal: list[list[bool]]) -> Simulation:
    """A simulation in this state: its memory, and contents as equal and as different as these."""
    protocol = machine.protocol
    grains, blocks = len(equal), len(equal[0])
    nothing_tied = Start(lifecycle.State.IDLE, (GrainIs.DIVERGED,) * grains)
    simulation = open_simulation(
        nothing_tied, make_geometry(grains, blocks), protocol.memory, protocol.mapfile
    )
    simulation.memory, simulation.mapfile = machine.thaw(held)
    sides = simulation.devices[SOURCE].disk.durable, simulation.devices[TARGET].disk.durable
    same = [is_equal for of_grain in equal for is_equal in of_grain]
    target = tuple(s if is_equal else t for is_equal, s, t in zip(same, *sides, strict=True))
    simulation.devices[TARGET].disk = Disk(target)
    return simulation


def _carry_out(machine: MemoryMachine, simulation: Simulation, asked: Ask) -> Any:
    made = generator(machine.protocol, simulation.geometry, Options(), asked)
    flight = simulation.submit(0, made)
    while not flight.ended:
        simulation.step(0)
    return decode(flight.result) if asked.reads and flight.error is None else flight.error
