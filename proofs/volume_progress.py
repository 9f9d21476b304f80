"""Progress of the whole machine: what `model.volume` counts, and where its cursor goes.

The cursor, the count of copied grains and the state that follows the last of them are not the
grain's business but the volume's. So `progress` is held to `model.volume` itself here, on every
small volume.
"""

from attrs import evolve

from flashcopy.model import operation as op
from flashcopy.model import volume
from flashcopy.model.lifecycle import State
from flashcopy.model.volume import Machine, Step
from flashcopy.proofs import volume_faults as faults
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import OneOf
from flashcopy.proofs.volumes import (
    GEOMETRY,
    VolumeMachine,
    apply,
    machines,
    picture,
    shipped,
    some_requests,
    tell,
)


def steps_on(v: VolumeMachine, machine: Machine) -> Statement:
    """One grain further, that grain copied, no other one touched."""
    after = v.background_step(machine)
    at = machine.cursor
    others = [n for n in range(GEOMETRY.grains) if n != at]
    return Statement(
        given=volume.invariant(machine),
        claim=after.cursor == at + 1
        and after.grains[at].copied
        and all(after.grains[n] == machine.grains[n] for n in others),
    )


def counts_right(v: VolumeMachine, machine: Machine, operation: op.BackgroundCopy) -> Statement:
    """It copies as many as were asked for, or all there are, and says how many."""
    after, outcome = v.background_copy(machine, operation)
    before = _uncopied(machine)
    must_be = before if operation.grains is None else min(operation.grains, before)
    return Statement(
        given=volume.invariant(machine),
        claim=outcome == op.Copied(must_be) and _uncopied(after) == before - must_be,
    )


def ends_copied(v: VolumeMachine, machine: Machine, operation: op.Operation) -> Statement:
    """A host's request, then a background copy of all: the state is copied."""
    interrupted, _ = apply(v, machine, operation)
    after, _ = v.background_copy(interrupted, op.BackgroundCopy(None))
    return Statement(
        given=volume.invariant(machine),
        claim=after.state is State.COPIED and _uncopied(after) == 0,
    )


def restarts(v: VolumeMachine, machine: Machine, operation: op.Operation) -> Statement:
    """If it was allowed, nothing uncopied is behind the cursor."""
    after, outcome = apply(v, machine, operation)
    done = outcome == op.Done()
    return Statement(
        given=volume.invariant(machine),
        claim=not done or all(g.copied for g in after.grains[: after.cursor]),
    )


def is_minimal(v: VolumeMachine, machine: Machine, operation: op.Sync) -> Statement:
    after, _ = v.sync(machine, operation)
    pairs = zip(machine.grains, after.grains, strict=True)
    return Statement(
        given=volume.invariant(machine),
        claim=all(new.copied == (old.copied and not old.modified) for old, new in pairs),
    )


def _uncopied(machine: Machine) -> int:
    return sum(not grain.copied for grain in machine.grains)


def _step_story(v: VolumeMachine, machine: Machine) -> Picture:
    """The step as a background copy of one grain; the grain under the cursor is uncopied."""

    def copy_one(before: Machine, _: op.BackgroundCopy) -> Step:
        after = v.background_step(before)
        return after, op.Copied(_uncopied(before) - _uncopied(after))

    return tell(evolve(v, background_copy=copy_one), machine, op.BackgroundCopy(1))


def _finish_story(v: VolumeMachine, machine: Machine, operation: op.Operation) -> Picture:
    return tell(v, machine, operation, op.BackgroundCopy(None))


def obligations() -> tuple[Obligation, ...]:
    """Of whole small volumes."""
    v = shipped()
    every, copying = OneOf(machines()), OneOf(machines(State.COPYING))
    tracking = OneOf(machines(State.COPYING, State.COPIED))
    copies = OneOf([op.BackgroundCopy(grains) for grains in (0, 1, 2, 3, None)])
    hosts = OneOf(
        [
            r
            for r in some_requests()
            if isinstance(r, op.Read | op.Write | op.WriteZeroes | op.Flush)
        ]
    )
    moves = OneOf((op.Start(), op.Sync()))
    return (
        Obligation(
            name="progress.volume-step",
            clauses=("COPY-2",),
            says="A step copies the grain under the cursor, no other, and moves one on.",
            variables={"machine": OneOf([m for m in machines() if m.cursor < GEOMETRY.grains])},
            subject=v,
            state=steps_on,
            mutants=(
                Mutant(
                    "the short last grain skipped",
                    evolve(v, background_step=faults.short_grain_skipped),
                ),
                Mutant("cursor stands still", evolve(v, background_step=faults.step_stands_still)),
                Mutant(
                    "the neighbour marked copied", evolve(v, background_step=faults.marks_neighbour)
                ),
            ),
            picture=_step_story,
        ),
        Obligation(
            name="progress.volume-count",
            clauses=("COPY-2",),
            says="A background copy copies as many grains as asked for or are left, and says so.",
            variables={"machine": every, "operation": copies},
            subject=v,
            state=counts_right,
            mutants=(
                Mutant(
                    "ends at the first copied grain", evolve(v, background_copy=faults.stops_early)
                ),
                Mutant("counts copied grains", evolve(v, background_copy=faults.counts_steps)),
            ),
            picture=picture,
        ),
        Obligation(
            name="progress.volume-finishes",
            clauses=("COPY-4", "COPY-5"),
            says="After any host's request a background copy of all grains ends in copied.",
            variables={"machine": copying, "operation": hosts},
            subject=v,
            state=ends_copied,
            mutants=(
                Mutant("the state stays copying", evolve(v, background_copy=faults.stays_copying)),
                Mutant(
                    "ends at the first copied grain", evolve(v, background_copy=faults.stops_early)
                ),
                Mutant("a write uncopies", evolve(v, write=faults.write_uncopies)),
            ),
            picture=_finish_story,
        ),
        Obligation(
            name="progress.volume-restart",
            clauses=("COPY-3", "START-1", "SYNC-1"),
            says="A start or sync leaves no uncopied grain behind the cursor.",
            variables={"machine": every, "operation": moves},
            subject=v,
            state=restarts,
            mutants=(
                Mutant("cursor not sent back by sync", evolve(v, sync=faults.keeps_cursor(v.sync))),
                Mutant(
                    "cursor not sent back by start", evolve(v, start=faults.keeps_cursor(v.start))
                ),
            ),
            picture=picture,
        ),
        Obligation(
            name="progress.volume-minimal",
            clauses=("MIN-1", "SYNC-2"),
            says="A sync leaves copied exactly the grains that are copied and not modified.",
            variables={"machine": tracking, "operation": OneOf((op.Sync(),))},
            subject=v,
            state=is_minimal,
            mutants=(
                Mutant("sync is a start", evolve(v, sync=v.start)),
                Mutant("sync does nothing", evolve(v, sync=lambda m, _: (m, op.Done()))),
            ),
            picture=picture,
        ),
    )
