"""Faulty volume machines: what can go wrong where requests meet grains.

Each function here stands in for one of `model.volume`, or is made from it, and does one thing
wrong. Several have been seen in real products: only the first grain of a request copied, the
short last grain forgotten, zeroes that skip copy on write, a cursor that is not sent back.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from flashcopy.model import operation as op
from flashcopy.model import volume
from flashcopy.model.geometry import blocks_of_request, grains_of_blocks
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.volume import Machine, Step
from flashcopy.proofs.volumes import BLOCK, GEOMETRY

Request = Callable[[Machine, Any], Step]


def first_grain_only(write: Request) -> Request:
    def cut(machine: Machine, asked: Any) -> Step:
        end = (asked.offset // GEOMETRY.grain_size + 1) * GEOMETRY.grain_size
        return write(machine, evolve(asked, length=min(asked.length, end - asked.offset)))

    return cut


def rounded_outwards(write: Request) -> Request:
    def round_(machine: Machine, asked: Any) -> Step:
        grains, size = _grains_of(asked), GEOMETRY.grain_size
        stop = min(grains.stop * size, GEOMETRY.size)
        start = grains.start * size
        return write(machine, evolve(asked, offset=start, length=max(0, stop - start)))

    return round_


def past_copying(write: Request) -> Request:
    """Fault: the source changes without copy on write, and nothing is marked."""

    def past(machine: Machine, asked: Any) -> Step:
        after, outcome = write(machine, asked)
        grains = tuple(
            evolve(old, source=new.source) if asked.volume is Volume.SOURCE else new
            for old, new in zip(machine.grains, after.grains, strict=True)
        )
        return evolve(machine, grains=grains), outcome

    return past


def all_but_last(move: Request) -> Request:
    def most(machine: Machine, asked: Any) -> Step:
        after, outcome = move(machine, asked)
        return evolve(after, grains=after.grains[:-1] + machine.grains[-1:]), outcome

    return most


def short_grain_lost(machine: Machine, asked: op.Read) -> Step:
    after, outcome = volume.read(machine, asked)
    if isinstance(outcome, op.Contents):
        whole = max(0, min(asked.offset + asked.length, 4 * BLOCK) - asked.offset) // BLOCK
        outcome = op.Contents(outcome.contents[:whole] + (0,) * (asked.length // BLOCK - whole))
    return after, outcome


def stop_keeps_bits(machine: Machine, asked: op.Stop) -> Step:
    after, outcome = volume.stop(machine, asked)
    return evolve(after, grains=machine.grains), outcome


def no_fake_read(machine: Machine, asked: op.Read) -> Step:
    grains = tuple(evolve(g, copied=True) for g in machine.grains)
    return machine, volume.read(evolve(machine, grains=grains), asked)[1]


def copies_marked_only(machine: Machine, asked: op.BackgroundCopy) -> Step:
    after, outcome = volume.background_copy(machine, asked)
    grains = zip(machine.grains, after.grains, strict=True)
    return evolve(
        after, grains=tuple(evolve(new, target=old.target) for old, new in grains)
    ), outcome


def short_grain_skipped(machine: Machine) -> Machine:
    after = volume.background_step(machine)
    last = machine.grains[-1]
    return evolve(after, grains=after.grains[:-1] + (last,))


def step_stands_still(machine: Machine) -> Machine:
    return evolve(volume.background_step(machine), cursor=machine.cursor)


def marks_neighbour(machine: Machine) -> Machine:
    after = volume.background_step(machine)
    neighbour = min(machine.cursor + 1, GEOMETRY.grains - 1)
    grains = tuple(
        evolve(g, copied=True) if n == neighbour else g for n, g in enumerate(after.grains)
    )
    return evolve(after, grains=grains)


def stops_early(machine: Machine, asked: op.BackgroundCopy) -> Step:
    """Fault: the copy ends at the first grain that is copied already."""
    copied = 0
    while machine.cursor < GEOMETRY.grains and not machine.grains[machine.cursor].copied:
        if copied == asked.grains:
            break
        machine, copied = volume.background_step(machine), copied + 1
    return machine, op.Copied(copied)


def counts_steps(machine: Machine, asked: op.BackgroundCopy) -> Step:
    """Fault: grains that were copied already are counted, too."""
    after, _ = volume.background_copy(machine, asked)
    return after, op.Copied(after.cursor - machine.cursor)


def stays_copying(machine: Machine, asked: op.BackgroundCopy) -> Step:
    after, outcome = volume.background_copy(machine, asked)
    return evolve(after, state=machine.state), outcome


def write_uncopies(machine: Machine, asked: op.Write) -> Step:
    after, outcome = volume.write(machine, asked)
    return evolve(after, grains=(evolve(after.grains[0], copied=False), *after.grains[1:])), outcome


def keeps_cursor(move: Any) -> Any:
    def keep(machine: Machine, asked: op.Operation) -> Step:
        after, outcome = move(machine, asked)
        return evolve(after, cursor=machine.cursor), outcome

    return keep


def answers_anyway(contents: bool) -> Any:
    """Fault: a stopped target is read like any other, or as zeros."""

    def read(machine: Machine, asked: op.Read) -> Step:
        _, outcome = volume.read(evolve(machine, state=State.IDLE), asked)
        if not contents and isinstance(outcome, op.Contents):
            outcome = op.Contents((volume.ZERO,) * len(outcome.contents))
        return machine, outcome

    return read


def writes_anyway(machine: Machine, asked: op.Write) -> Step:
    usable = evolve(machine, state=State.IDLE, target_writable=True)
    after, outcome = volume.write(usable, asked)
    return evolve(after, state=machine.state, target_writable=machine.target_writable), outcome


def changes_then_refuses(machine: Machine, asked: op.Sync) -> Step:
    after, outcome = volume.sync(machine, asked)
    return evolve(after, grains=tuple(evolve(g, modified=False) for g in after.grains)), outcome


def cut_to_fit(machine: Machine, asked: op.Read) -> Step:
    return volume.read(machine, evolve(asked, length=min(asked.length, machine.geometry.size)))


def never_complete(machine: Machine, asked: op.BackgroundCopy) -> Step:
    after, outcome = volume.background_copy(machine, asked)
    return evolve(after, state=machine.state), outcome


def write_forgets_state(machine: Machine, asked: op.Write) -> Step:
    after, outcome = volume.write(machine, asked)
    return evolve(after, state=machine.state), outcome


def marks_anyway(machine: Machine, asked: op.Write) -> Step:
    after, outcome = volume.write(machine, asked)
    grains = (evolve(after.grains[0], copied=True, modified=True), *after.grains[1:])
    return evolve(after, grains=grains), outcome


def _grains_of(asked: Any) -> range:
    return grains_of_blocks(GEOMETRY, blocks_of_request(GEOMETRY, asked.offset, asked.length))
