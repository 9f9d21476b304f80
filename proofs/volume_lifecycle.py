"""What the states promise, held to the machine over whole volumes.

`copying` if and only if a grain is uncopied; a target in `stopped` gives no data and takes none;
what is refused has changed nothing; idle volumes have nothing to do with each other; and when the
target or the map fails, the source does not notice.
"""

from typing import Any

from attrs import evolve

from flashcopy.model import images as image_machine
from flashcopy.model import operation as op
from flashcopy.model import volume
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.volume import Machine
from flashcopy.proofs import volume_faults as faults
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import OneOf
from flashcopy.proofs.volumes import (
    VolumeMachine,
    apply,
    machines,
    picture,
    requests,
    shipped,
    some_requests,
    tell,
    writes,
)


def copying_means_uncopied(
    v: VolumeMachine, machine: Machine, operation: op.Operation
) -> Statement:
    after, _ = apply(v, machine, operation)
    some_uncopied = any(not grain.copied for grain in after.grains)
    return Statement(
        given=volume.invariant(machine),
        claim=(after.state is State.COPYING) == some_uncopied,
    )


def gives_no_data(
    v: VolumeMachine, machine: Machine, operation: Any, target_writable: bool
) -> Statement:
    """In stopped, with any request of the target: refused, nothing changed."""
    machine = evolve(machine, target_writable=target_writable)
    after, outcome = apply(v, machine, operation)
    why = (
        op.Refusal.READ_ONLY
        if not target_writable and not isinstance(operation, op.Read | op.Flush)
        else op.Refusal.INVALID_STATE
    )
    return Statement(given=True, claim=outcome == op.Refused(why) and after == machine)


def refused_is_unchanged(v: VolumeMachine, machine: Machine, operation: Any) -> Statement:
    """Out of range, misaligned, in the wrong state: whatever is refused has changed nothing."""
    after, outcome = apply(v, machine, operation)
    return Statement(
        given=isinstance(volume.apply(machine, operation)[1], op.Refused),
        claim=isinstance(outcome, op.Refused) and after == machine,
    )


def sync_needs_tracking(v: VolumeMachine, machine: Machine, operation: op.Sync) -> Statement:
    _, outcome = v.sync(machine, operation)
    tracking = machine.state in (State.COPYING, State.COPIED)
    refused = op.Refused(op.Refusal.INVALID_STATE)
    return Statement(given=True, claim=outcome == (op.Done() if tracking else refused))


def empty_does_nothing(v: VolumeMachine, machine: Machine, operation: Any) -> Statement:
    after, outcome = apply(v, machine, operation)
    nothing = op.Contents(()) if isinstance(operation, op.Read) else op.Done()
    return Statement(
        given=machine.state is not State.STOPPED, claim=after == machine and outcome == nothing
    )


def read_only_refuses(v: VolumeMachine, machine: Machine, operation: Any) -> Statement:
    machine = evolve(machine, target_writable=False)
    after, outcome = apply(v, machine, operation)
    return Statement(
        given=True, claim=outcome == op.Refused(op.Refusal.READ_ONLY) and after == machine
    )


def fails_safely(v: VolumeMachine, machine: Machine) -> Statement:
    """A failure while tracking gives the target up, and the source reads on."""
    after = v.fail(machine)
    tracking = machine.state in (State.COPYING, State.COPIED)
    source = image_machine.read(volume.images(machine), Volume.SOURCE)
    kept = image_machine.read(volume.images(after), Volume.SOURCE) == source
    must_be = State.STOPPED if tracking else machine.state
    return Statement(given=True, claim=kept and after.state is must_be)


def _read_only_story(v: VolumeMachine, machine: Machine, operation: Any) -> Picture:
    return tell(v, evolve(machine, target_writable=False), operation)


def _stopped_story(
    v: VolumeMachine, machine: Machine, operation: Any, target_writable: bool
) -> Picture:
    return tell(v, evolve(machine, target_writable=target_writable), operation)


def _failure_story(v: VolumeMachine, machine: Machine) -> Picture:
    """The target fails in the middle of whatever happens, and then the volumes are read."""
    return evolve(tell(v, v.fail(machine)), lines=_failure_lines(v, machine))


def _failure_lines(v: VolumeMachine, machine: Machine) -> tuple[str, ...]:
    after, must_be = v.fail(machine), volume.fail(machine)
    return (
        f"{machine.state.value}, then the target fails: {after.state.value},"
        f" must be {must_be.state.value}",
        f"the source reads {' '.join(map(str, volume.images(after).source))},"
        f" must read {' '.join(map(str, volume.images(must_be).source))}",
    )


def obligations() -> tuple[Obligation, ...]:
    """Of whole small volumes."""
    v = shipped()
    every, stopped = OneOf(machines()), OneOf(machines(State.STOPPED))
    of_target = [
        *(r for r in requests(op.Read) if r.volume is Volume.TARGET),
        *(w for w in writes() if w.volume is Volume.TARGET),
        *(w for w in requests(op.WriteZeroes) if w.volume is Volume.TARGET),
        op.Flush(Volume.TARGET),
    ]
    target_writes = OneOf([r for r in of_target if isinstance(r, op.Write | op.WriteZeroes)])
    empty = [r for r in (*requests(op.Read), *writes()) if not r.length]
    return (
        Obligation(
            name="lifecycle.copying-means-uncopied",
            clauses=("LIFE-1", "COPY-4"),
            says="The state is copying exactly while some grain is uncopied.",
            variables={"machine": every, "operation": OneOf(some_requests())},
            subject=v,
            state=copying_means_uncopied,
            mutants=(
                Mutant("copying for ever", evolve(v, background_copy=faults.never_complete)),
                Mutant(
                    "a write's last copy not noticed", evolve(v, write=faults.write_forgets_state)
                ),
            ),
            picture=picture,
        ),
        Obligation(
            name="lifecycle.stopped-gives-no-data",
            clauses=("LIFE-3", "ERR-2"),
            says="A target in stopped refuses every request, gives no data and takes none.",
            variables={
                "machine": stopped,
                "operation": OneOf(of_target),
                "target_writable": OneOf((False, True)),
            },
            subject=v,
            state=gives_no_data,
            mutants=(
                Mutant("reads what lies there", evolve(v, read=faults.answers_anyway(True))),
                Mutant("reads as zeros", evolve(v, read=faults.answers_anyway(False))),
                Mutant("takes writes", evolve(v, write=faults.writes_anyway)),
                Mutant("takes flushes", evolve(v, flush=lambda m, _: (m, op.Done()))),
            ),
            picture=_stopped_story,
        ),
        Obligation(
            name="lifecycle.refused-is-unchanged",
            clauses=("SYNC-3", "ERR-1"),
            says="A request that is refused has changed nothing.",
            variables={"machine": every, "operation": OneOf(some_requests())},
            subject=v,
            state=refused_is_unchanged,
            mutants=(
                Mutant(
                    "sync clears modified, then refuses",
                    evolve(v, sync=faults.changes_then_refuses),
                ),
                Mutant("reads cut to fit", evolve(v, read=faults.cut_to_fit)),
            ),
            picture=picture,
        ),
        Obligation(
            name="lifecycle.sync-needs-tracking",
            clauses=("SYNC-3", "LIFE-2"),
            says="A sync is carried out in copying and copied, and refused in idle and stopped.",
            variables={"machine": every, "operation": OneOf((op.Sync(),))},
            subject=v,
            state=sync_needs_tracking,
            mutants=(
                Mutant("a sync is a start", evolve(v, sync=v.start)),
                Mutant(
                    "always refused",
                    evolve(v, sync=lambda m, _: (m, op.Refused(op.Refusal.INVALID_STATE))),
                ),
            ),
            picture=picture,
        ),
        Obligation(
            name="lifecycle.empty-does-nothing",
            clauses=("ERR-4",),
            says="A request of length zero does nothing.",
            variables={"machine": every, "operation": OneOf(empty)},
            subject=v,
            state=empty_does_nothing,
            mutants=(
                Mutant("it diverges a grain", evolve(v, write=faults.marks_anyway)),
                Mutant(
                    "it is refused",
                    evolve(v, read=lambda m, _: (m, op.Refused(op.Refusal.INVALID_ARGUMENT))),
                ),
            ),
            picture=picture,
        ),
        Obligation(
            name="lifecycle.read-only-target",
            clauses=("ERR-3",),
            says="A read-only target refuses every write, in every state.",
            variables={"machine": every, "operation": target_writes},
            subject=v,
            state=read_only_refuses,
            mutants=(
                Mutant("takes writes", evolve(v, write=faults.writes_anyway)),
                Mutant("takes zeroes", evolve(v, write_zeroes=lambda m, _: (m, op.Done()))),
            ),
            picture=_read_only_story,
        ),
        Obligation(
            name="lifecycle.failure",
            clauses=("ERR-5", "LIFE-1"),
            says="A failing target or map gives the target up while tracking; the source stays.",
            variables={"machine": every},
            subject=v,
            state=fails_safely,
            mutants=(
                Mutant("goes on as if nothing happened", evolve(v, fail=lambda m: m)),
                Mutant(
                    "the source follows the target",
                    evolve(
                        v,
                        fail=lambda m: evolve(
                            volume.fail(m),
                            grains=tuple(evolve(g, source=g.target) for g in m.grains),
                        ),
                    ),
                ),
            ),
            picture=_failure_story,
        ),
    )
