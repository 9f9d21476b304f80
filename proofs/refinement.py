"""Refinement: one grain, seen through its image, is the two-image machine.

`model.images` says what flashcopy means; `model.grain` does it lazily, with two bits. For every
operation two things are proved of the shipped functions on arbitrary data: what readers see
changes exactly as the two images do, and the invariant is kept. A write is any function of a
side's old data, so partial writes are among them. `lifting` goes on from one grain to all.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from flashcopy.model import grain as grain_machine
from flashcopy.model import images as image_machine
from flashcopy.model import operation as op
from flashcopy.model.grain import Change, Grain
from flashcopy.model.images import Images, Volume
from flashcopy.proofs.grain_faults import grain_mutants
from flashcopy.proofs.grains import GrainMachine, image_of, same_images, shipped
from flashcopy.proofs.obligation import Obligation, Picture, Statement
from flashcopy.proofs.sorts import BIT, CHANGE, NUMBER, Sort
from flashcopy.proofs.stories import partial_write, tell

# One grain, whatever it holds, and whatever a write does to it.
GRAIN: dict[str, Sort] = {"source": NUMBER, "target": NUMBER, "copied": BIT, "modified": BIT}


@frozen
class Operation:
    """An operation of the grain machine, beside what it must be on the two images.

    `on_grain` takes the functions, a grain and the change a write makes.
    """

    name: str
    clauses: tuple[str, ...]
    on_grain: Callable[[GrainMachine, Grain, Change], Grain]
    on_images: Callable[[Images, Change], Images]
    says: str
    # The request that carries it out.
    request: op.Operation
    # The faults that show in the images, and those that break the invariant.
    seen: tuple[str, ...]
    broken: tuple[str, ...]


def _write_image(side: Volume) -> Callable[[Images, Change], Images]:
    return lambda images, change: image_machine.write(
        images, side, change(image_machine.read(images, side))
    )


def _nothing(images: Images, _: Change) -> Images:
    return images


def _point_in_time(images: Images, _: Change) -> Images:
    return image_machine.move_point_in_time(images)


_OPERATIONS = (
    Operation(
        "copy",
        ("COPY-1", "IMG-2"),
        lambda m, grain, _: m.copy(grain),
        _nothing,
        "A copy, in the background or before a write, changes nothing that a reader sees",
        op.BackgroundCopy(None),
        seen=(
            "copied without the data",
            "copy ignores the copied bit",
            "copy runs backwards",
            "target read without fake read",
        ),
        broken=("copied without the data",),
    ),
    Operation(
        "diverge",
        ("WRITE-1", "IMG-2"),
        lambda m, grain, _: m.diverge(grain),
        _nothing,
        "Preparing a write changes nothing that a reader sees",
        partial_write(Volume.SOURCE),
        seen=("diverged without the data", "target read without fake read"),
        broken=("diverged without copying",),
    ),
    Operation(
        "write-source",
        ("WRITE-2", "READ-1", "READ-2"),
        lambda m, grain, change: m.write_source(grain, change),
        _write_image(Volume.SOURCE),
        "A write to the source changes the source's image and not the target's",
        partial_write(Volume.SOURCE),
        seen=(
            "no copy before a source write",
            "copied after the source write",
            "source write lands on both sides",
            "fake read from the wrong side",
            "source read from the target",
        ),
        broken=(
            "no copy before a source write",
            "source write not marked",
            "modified set only at the first copy",
            "modified set only if already copied",
        ),
    ),
    Operation(
        "write-target",
        ("WRITE-3", "READ-1", "READ-2"),
        lambda m, grain, change: m.write_target(grain, change),
        _write_image(Volume.TARGET),
        "A write to the target, however partial, changes the target's image and not the source's",
        partial_write(Volume.TARGET),
        seen=(
            "rest of the grain not filled",
            "target write goes to the source",
            "fake read from the wrong side",
        ),
        broken=("target write not marked",),
    ),
    Operation(
        "sync",
        ("SYNC-1", "INV-1"),
        lambda m, grain, _: m.sync(grain),
        _point_in_time,
        "A sync makes the target's image the source's",
        op.Sync(),
        seen=(
            "without INV-1",
            "sync does nothing",
            "sync clears modified only",
            "sync keeps what is modified",
            "sync overwrites copied",
            "target read without fake read",
        ),
        broken=("sync forgets to clear modified", "sync clears modified only"),
    ),
    Operation(
        "start",
        ("START-1",),
        lambda m, grain, _: m.start(grain),
        _point_in_time,
        "A start makes the target's image the source's, whatever the grain held",
        op.Start(),
        seen=("start does nothing", "target read without fake read"),
        broken=("start forgets to clear modified",),
    ),
)


def operation_named(name: str) -> Operation:
    """The operation of that name."""
    return next(operation for operation in _OPERATIONS if operation.name == name)


def refines(operation: Operation) -> Callable[..., Statement]:
    """The operation on the grain, seen through its image, is the operation on the images."""

    def state(m: GrainMachine, change: Change, **parts: Any) -> Statement:
        before = Grain(**parts)
        after = operation.on_grain(m, before, change)
        must_be = operation.on_images(image_of(m, before), change)
        return Statement(given=m.invariant(before), claim=same_images(image_of(m, after), must_be))

    return state


def keeps_invariant(operation: Operation) -> Callable[..., Statement]:
    """The invariant before makes the invariant after."""

    def state(m: GrainMachine, change: Change, **parts: Any) -> Statement:
        before = Grain(**parts)
        return Statement(
            given=m.invariant(before),
            claim=grain_machine.invariant(operation.on_grain(m, before, change)),
        )

    return state


def story(operation: Operation) -> Callable[..., Picture]:
    """The operation, told for one grain."""

    def picture(m: GrainMachine, change: Change, **parts: Any) -> Picture:  # noqa: ARG001
        return tell(m, [Grain(**parts)], [operation.request])

    return picture


def obligations() -> tuple[Obligation, ...]:
    """Of one grain: refinement and invariant, operation by operation."""
    return tuple(_refinement(o) for o in _OPERATIONS) + tuple(_invariant(o) for o in _OPERATIONS)


def _refinement(operation: Operation) -> Obligation:
    return Obligation(
        name=f"refinement.{operation.name}",
        clauses=(*operation.clauses, "IMG-1"),
        says=f"{operation.says}.",
        variables=GRAIN | {"change": CHANGE},
        subject=shipped(),
        state=refines(operation),
        mutants=grain_mutants(*operation.seen),
        picture=story(operation),
    )


def _invariant(operation: Operation) -> Obligation:
    return Obligation(
        name=f"refinement.invariant-{operation.name}",
        clauses=("INV-1", "INV-2", operation.clauses[0]),
        says=f"The invariant is kept by {operation.name.replace('-', ' to the ', 1)}.",
        variables=GRAIN | {"change": CHANGE},
        subject=shipped(),
        state=keeps_invariant(operation),
        mutants=grain_mutants(*operation.broken),
        picture=story(operation),
    )
