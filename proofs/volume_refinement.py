"""Refinement on whole volumes: byte ranges, many grains at once, the short last grain.

What is proved of one grain and lifted to all is confirmed here of `model.volume` itself, on every
small volume and every run of blocks: what readers see changes as the two images do, and the
invariant of the whole machine is kept.
"""

from typing import Any

from attrs import evolve

from flashcopy.model import images as image_machine
from flashcopy.model import operation as op
from flashcopy.model import volume
from flashcopy.model.geometry import blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.volume import Machine
from flashcopy.proofs import volume_faults as faults
from flashcopy.proofs.obligation import Mutant, Obligation, Statement
from flashcopy.proofs.sorts import OneOf
from flashcopy.proofs.volumes import (
    GEOMETRY,
    VolumeMachine,
    apply,
    machines,
    picture,
    requests,
    shipped,
    some_requests,
    writes,
)


def reads_the_image(v: VolumeMachine, machine: Machine, operation: op.Read) -> Statement:
    after, outcome = v.read(machine, operation)
    image = image_machine.read(volume.images(machine), operation.volume)
    blocks = _blocks(operation)
    must_be = op.Contents(image[blocks.start : blocks.stop])
    return Statement(given=_usable(machine), claim=outcome == must_be and after == machine)


def writes_the_image(v: VolumeMachine, machine: Machine, operation: Any) -> Statement:
    after, outcome = apply(v, machine, operation)
    content = operation.content if isinstance(operation, op.Write) else volume.ZERO
    before = volume.images(machine)
    image, blocks = image_machine.read(before, operation.volume), _blocks(operation)
    written = image[: blocks.start] + (content,) * len(blocks) + image[blocks.stop :]
    must_be = image_machine.write(before, operation.volume, written)
    return Statement(
        given=_usable(machine), claim=outcome == op.Done() and volume.images(after) == must_be
    )


def moves_the_point_in_time(v: VolumeMachine, machine: Machine, operation: Any) -> Statement:
    after, outcome = apply(v, machine, operation)
    must_be = image_machine.move_point_in_time(volume.images(machine))
    allowed = isinstance(operation, op.Start) or machine.state in (State.COPYING, State.COPIED)
    return Statement(
        given=volume.invariant(machine) and allowed,
        claim=outcome == op.Done() and volume.images(after) == must_be,
    )


def is_invisible(v: VolumeMachine, machine: Machine, operation: Any) -> Statement:
    """A stop before the copy is complete gives the target up; the source it leaves alone."""
    after, _ = apply(v, machine, operation)
    before, seen = volume.images(machine), volume.images(after)
    gives_up = after.state is State.STOPPED
    same = seen.source == before.source and (gives_up or seen.target == before.target)
    return Statement(given=volume.invariant(machine), claim=same)


def keeps_invariant(v: VolumeMachine, machine: Machine, operation: Any) -> Statement:
    after, _ = apply(v, machine, operation)
    return Statement(given=volume.invariant(machine), claim=volume.invariant(after))


def _usable(machine: Machine) -> bool:
    return volume.invariant(machine) and machine.state is not State.STOPPED


def _blocks(operation: Any) -> range:
    return blocks_of_request(GEOMETRY, operation.offset, operation.length)


def obligations() -> tuple[Obligation, ...]:
    """Of whole small volumes."""
    v = shipped()
    small, every = OneOf(machines(cursors=False)), OneOf(machines())
    return (
        Obligation(
            name="refinement.volume-read",
            clauses=("READ-1", "READ-2", "GEO-1"),
            says="A read of any run of blocks shows that part of the image and changes nothing.",
            variables={"machine": small, "operation": OneOf(requests(op.Read))},
            subject=v,
            state=reads_the_image,
            mutants=(
                Mutant("no fake read", evolve(v, read=faults.no_fake_read)),
                Mutant(
                    "the short last grain reads as zeros", evolve(v, read=faults.short_grain_lost)
                ),
            ),
            picture=picture,
        ),
        Obligation(
            name="refinement.volume-write",
            clauses=("WRITE-2", "WRITE-3", "GEO-1"),
            says="A write of any run of blocks changes that part of its own image, and no other.",
            variables={"machine": small, "operation": OneOf(writes())},
            subject=v,
            state=writes_the_image,
            mutants=(
                Mutant(
                    "only the first grain written",
                    evolve(v, write=faults.first_grain_only(v.write)),
                ),
                Mutant(
                    "rounded outwards to grains", evolve(v, write=faults.rounded_outwards(v.write))
                ),
                Mutant("no copy on write", evolve(v, write=faults.past_copying(v.write))),
            ),
            picture=picture,
        ),
        Obligation(
            name="refinement.volume-write-zeroes",
            clauses=("WRITE-4",),
            says="Writing zeroes is a write like any other.",
            variables={"machine": small, "operation": OneOf(requests(op.WriteZeroes))},
            subject=v,
            state=writes_the_image,
            mutants=(
                Mutant(
                    "no copy on write", evolve(v, write_zeroes=faults.past_copying(v.write_zeroes))
                ),
                Mutant("taken for no change", evolve(v, write_zeroes=lambda m, _: (m, op.Done()))),
                Mutant(
                    "rounded outwards to grains",
                    evolve(v, write_zeroes=faults.rounded_outwards(v.write_zeroes)),
                ),
            ),
            picture=picture,
        ),
        Obligation(
            name="refinement.volume-point-in-time",
            clauses=("START-1", "SYNC-1"),
            says="Where it is allowed, a start or sync makes the whole target the source.",
            variables={"machine": small, "operation": OneOf((op.Start(), op.Sync()))},
            subject=v,
            state=moves_the_point_in_time,
            mutants=(
                Mutant(
                    "sync misses the short last grain", evolve(v, sync=faults.all_but_last(v.sync))
                ),
                Mutant(
                    "start misses the last grain", evolve(v, start=faults.all_but_last(v.start))
                ),
                Mutant("sync does nothing", evolve(v, sync=lambda m, _: (m, op.Done()))),
            ),
            picture=picture,
        ),
        Obligation(
            name="refinement.volume-invisible",
            clauses=("IMG-2", "COPY-2", "STOP-1", "FLUSH-1"),
            says="Background copy, flush and stop change nothing that a reader may see.",
            variables={
                "machine": every,
                "operation": OneOf(
                    (
                        *(op.BackgroundCopy(grains) for grains in (0, 1, 2, None)),
                        *(op.Flush(side) for side in Volume),
                        op.Stop(),
                    )
                ),
            },
            subject=v,
            state=is_invisible,
            mutants=(
                Mutant(
                    "marked copied without the data",
                    evolve(v, background_copy=faults.copies_marked_only),
                ),
                Mutant("stop is a start", evolve(v, stop=v.start)),
            ),
            picture=picture,
        ),
        Obligation(
            name="refinement.volume-invariant",
            clauses=("INV-1", "INV-2", "COPY-3", "LIFE-2"),
            says="Every request keeps the invariant of the whole machine.",
            variables={"machine": every, "operation": OneOf(some_requests())},
            subject=v,
            state=keeps_invariant,
            mutants=(
                Mutant("no copy on write", evolve(v, write=faults.past_copying(v.write))),
                Mutant(
                    "sync misses the short last grain", evolve(v, sync=faults.all_but_last(v.sync))
                ),
                Mutant("stop leaves the bits", evolve(v, stop=faults.stop_keeps_bits)),
            ),
            picture=picture,
        ),
    )
