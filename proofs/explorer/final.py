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
from flashcopy.impl.effect import SOURCE, TARGET, Device, Standing, State
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
    """LIFE-1, STOP-1, ERR-5: no refusal without a reason; what was answered happened.

    `state` is the one at the answer, when the request still holds its locks.
    """
    judged, refused = end.judged, end.judged.refused
    tracking = state in (State.COPYING, State.COPIED)
    if judged.wrong:
        said = f"was refused ({refused})" if refused else "was answered"
        return judged.wrong, f"{end.request} {said}, which by what it was told it must not be"
    stopped = end.request.endswith("_target") and state is State.STOPPED
    untracked = end.request == "sync" and not tracking
    if refused and not (refused == "io_error" or (stopped or untracked)):
        return "LIFE-1", f"{end.request} was refused ({refused}) in state {state.value}"
    if judged.stops and tracking:
        return "ERR-5", f"target or map failed under {end.request}, and it is still {state.value}"
    if end.request == "stop" and not refused and tracking:
        return "STOP-1", f"stop was answered, and the relationship is {state.value}"
    return None


def complaint(
    machine: MemoryMachine,
    held: Held,
    grains: tuple[tuple[BlockEnding, ...], ...],
    doubted: frozenset[Device] = frozenset(),
) -> Complaint | None:
    """What is wrong at rest; None if nothing is. `doubted` devices refuse to be flushed."""
    memory = machine.thaw(held)[0]
    if memory.standing is not Standing.STOPPED:
        for grain, blocks in enumerate(grains):
            found = _grain(memory, grain, blocks)
            if found:
                return found
    if SOURCE in doubted:
        return None  # until the relationship is opened again, which every crash stands for
    equal = [[block.sides_equal for block in blocks] for blocks in grains]
    return _what_follows(machine, held, equal, doubted)


def _grain(memory: Memory, grain: int, blocks: tuple[BlockEnding, ...]) -> Complaint | None:
    copied, modified = memory.copied[grain], memory.modified[grain]
    for block in blocks:
        if not (block.target_is_image if copied else block.source_is_image):
            return "READ-2", f"at rest grain {grain} of the target does not read as it must"
        if copied and not modified and not block.sides_equal:
            return "INV-1", f"at rest grain {grain} is clean and its sides differ"
    return None


def _what_follows(
    machine: MemoryMachine, held: Held, equal: list[list[bool]], doubted: frozenset[Device]
) -> Complaint | None:
    """COPY-5, SYNC-1: the copy finishes; after a sync the target is the source, and once more.

    ERR-5: of a device in doubt the next that needs it is told; it stops, and that ends the doubt.
    """
    simulation = _simulation(machine, held, equal)
    for device in doubted:
        simulation.devices[device].in_doubt = True
    if doubted and not _doubt_ends(machine, simulation):
        return "ERR-5", "a device stays in doubt though the relationship could have stopped"
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


def _doubt_ends(machine: MemoryMachine, simulation: Simulation) -> bool:
    """Start and stop need the map, a copy the target; who is refused has stopped it.

    In idle a start that is refused changes nothing, so there it takes a stop.
    """
    for point in ("start", "stop", "start"):
        _carry_out(machine, simulation, Ask(point))
        _carry_out(machine, simulation, Ask("background_copy", limit=simulation.geometry.grains))
    return not any(device.in_doubt for device in simulation.devices.values())


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
    geometry = make_geometry(grains, blocks, short=blocks - len(equal[-1]))
    simulation = open_simulation(nothing_tied, geometry, protocol)
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
