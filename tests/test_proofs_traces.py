"""Counterexamples of the protocol proofs are traces: they replay, and only on the broken protocol.

For the faults that need nobody else the trace begins in the solver's own state (CRASH-1 to CRASH-3,
READ-1, READ-2, INV-1, ORDER-1 to ORDER-4).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from flashcopy.cli.prove import prove
from flashcopy.cli.replay import replay
from flashcopy.cli.show import show
from flashcopy.harness.replay import on_engine
from flashcopy.harness.replay import replay as run_again
from flashcopy.harness.result import Finding, ViolationError
from flashcopy.harness.trial import ORACLE_ALONE, Trial
from flashcopy.impl import protocol
from flashcopy.impl.effect import Read, Write
from flashcopy.model.grain import Grain
from flashcopy.model.lifecycle import State
from flashcopy.model.trace import (
    Answer,
    Crash,
    Durable,
    Fault,
    Initial,
    InvalidTraceError,
    Reopen,
    Step,
    Submit,
    Trace,
    dumps,
    loads,
)
from flashcopy.proofs.obligation import Mutant
from flashcopy.proofs.protocol_mutants import by_name
from flashcopy.proofs.protocol_request import Asked
from flashcopy.proofs.protocol_run import VARIABLES, Subject
from flashcopy.proofs.protocol_traces import among_others, by_itself
from flashcopy.proofs.registry import obligations_of
from flashcopy.proofs.sorts import OneOf
from flashcopy.proofs.witness import GEOMETRY

pytestmark = pytest.mark.mutation

# Nobody is harmed by these while nobody else is in flight or has been before.
NEED_OTHERS = frozenset(
    (
        *("fake-read-without-lock", "writes-share-grains", "writes-lock-nobody-out"),
        *("copier-without-grain-lock", "point-not-exclusive", "point-without-lock"),
        *("merge-not-atomic", "settled-when-copied", "distrust-forgets-bits"),
        *("without _stop_durably: Distrust", "without stop: AcquireGrains"),
        *("start-without-recording-stop", "failed-prepare-kept", "flush-in-doubt-trusted"),
        *("without flush_target: Flush", "sync-takes-modified-first"),
        *("_move_point_in_time: Adopt before _move_point_in_time: Flush 2",),
        "without _end_tracking: Distrust",
    )
)
# The argument does not go through, and yet no run of the simulation shows any harm but waste: a
# grain copied once more, or for ever.
HARMLESS_ALONE = frozenset(
    (
        "without read_source: AcquireGrains",
        *("without background_copy: MarkCopied", "without background_copy: Save"),
        "copier-without-copier-lock",
        "_diverge: Settle before _diverge: Flush",
        "settled by the mark",
        "flush that another may have emptied trusted",
    )
)
# Whether these do harm alone depends on the state that the solver happens to find: a sync by itself
# has written its maps before it holds up the hosts, so that mostly nothing is left to flush.
ALONE_OR_NOT = frozenset(("_move_point_in_time: Commit before _move_point_in_time: Flush",))


def cases() -> Iterator[tuple[Mutant, tuple[Asked, ...]]]:
    """Every mutant of the requests' obligations, once."""
    seen = set()
    for obligation in obligations_of("protocol"):
        if isinstance(obligation.subject, Subject):
            for mutant in obligation.mutants:
                if mutant.name not in seen:
                    seen.add(mutant.name)
                    yield mutant, obligation.variables["asked"].values  # type: ignore[union-attr]


SHOWN = [c for c in cases() if c[0].name not in NEED_OTHERS | HARMLESS_ALONE]


@pytest.mark.parametrize(("mutant", "asked"), SHOWN, ids=lambda v: getattr(v, "name", ""))
def test_the_trace_replays_to_the_same_violation(mutant: Mutant, asked: tuple[Asked, ...]) -> None:
    found = next(f for one in asked if (f := shown(mutant, one)))
    trace = found.trace
    assert trace is not None
    assert loads(dumps(trace)) == trace
    (again,) = run_again(trace, by_name)
    assert again.finding is not None
    assert (again.finding.clause, again.entry) == (found.clause, len(trace.entries) - 1) or (
        again.finding.explanation == found.explanation
    )
    assert shipped_holds(trace)
    assert "cannot be forced" in on_engine(trace).note


def shipped_holds(trace: Trace) -> bool:
    """The protocol as it is, driven in the same way as far as it goes that way, does no harm."""
    trial = Trial(evolve(trace, entries=(), settings={}), ORACLE_ALONE)
    try:
        for entry in trace.entries:
            match entry:
                case Submit(_, operation):
                    trial.submit(operation)
                case Step(number, _, fault):
                    if number in trial.simulation.runnable():
                        trial.step(number, fault if _can_fail(trial, number) else Fault.NONE)
                case Crash(kept):
                    trial.crash(kept)
                case Reopen():
                    trial.reopen()
                case Answer():
                    pass
    except ViolationError:
        return False
    return True


def _can_fail(trial: Trial, number: int) -> bool:
    effect = trial.simulation.flights[number].effect
    return isinstance(effect, (Read, Write)) or type(effect).__name__ in (
        *("Flush", "Save", "Prepare", "Commit"),
    )


@pytest.mark.parametrize(
    ("name", "clause"),
    [
        ("fake-read-without-lock", "READ-2"),
        ("settled-when-copied", "INV-1"),
    ],
)
def test_a_fault_that_needs_others_is_shown_among_them(name: str, clause: str) -> None:
    """CONC-3: a write overtakes a fake read; INV-1: a write to a copied grain is not marked."""
    mutant, (asked, *_) = next(case for case in cases() if case[0].name == name)
    assert by_itself(mutant.name, mutant.subject, asked) is None
    found = among_others(mutant.name, mutant.subject, asked, defaults())
    assert found is not None
    assert found.clause == clause
    assert replays(found)


def test_prove_writes_the_trace_of_what_does_not_hold_and_says_how_to_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """READ-1: the shipped read of the source broken; `replay` and `show` take the trace."""
    monkeypatch.setattr(protocol, "read_source", protocol.read_target)
    monkeypatch.chdir(tmp_path)
    arguments = ["--obligation", "protocol.read-source", "--seeds", "1"]
    result = CliRunner().invoke(prove, arguments)
    assert result.exit_code == 1
    assert "flashcopy replay traces/protocol.read-source.shipped.json" in result.output
    path = "traces/protocol.read-source.shipped.json"
    again = CliRunner().invoke(replay, [path])
    assert again.exit_code == 1
    assert "READ-1 is violated" in again.output
    assert "grain 0: source" in CliRunner().invoke(show, [path]).output
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert "is violated" not in CliRunner().invoke(replay, [path]).output


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"durable": []}, ""),
        ({"doubtful": ["disk"]}, "'disk', which is no device"),
        ({"recorded": "asleep"}, "asleep"),
    ],
)
def test_a_bad_beginning_is_refused_in_one_line(change: dict[str, object], says: str) -> None:
    mutant, asked = next(case for case in SHOWN if case[0].name == "without _diverge: Flush")
    found = by_itself(mutant.name, mutant.subject, asked[0])
    assert found is not None
    assert found.trace is not None
    fields = json.loads(dumps(found.trace))
    if change.get("durable") == []:
        fields["initial"]["durable"].pop()
        says = "2 grains and 1 in `durable`"
    else:
        fields["initial"] |= change
    with pytest.raises(InvalidTraceError, match=says):
        run_again(loads(json.dumps(fields)), by_name)
    fields = json.loads(dumps(found.trace)) | {"version": 1}
    with pytest.raises(InvalidTraceError, match="version 1 has no 'durable'"):
        loads(json.dumps(fields))


def test_a_target_that_is_idle_on_disk_may_keep_what_was_in_its_cache() -> None:
    """LIFE-2: memory gave up the point in time, the header never had it; no grain's bit counts."""
    grain = Grain((1, 11), (3, 13), copied=False, modified=False)
    kept = Durable((1, 11), (2, 12), False, False, False, False, settled=False)
    head = Trace(
        GEOMETRY,
        (),
        initial=Initial(
            State.STOPPED, (grain, grain), durable=(kept, kept), recorded=State.IDLE, doubtful=()
        ),
    )
    for survivors in ((), (0,), (0, 1, 2, 3)):
        trial = Trial(head, ORACLE_ALONE)
        trial.crash(survivors)
        trial.reopen()
        trial.check_at_rest()
        assert trial.state is State.IDLE


def shown(mutant: Mutant, asked: Asked) -> Finding | None:
    found = by_itself(mutant.name, mutant.subject, asked)
    if found is None and mutant.name in ALONE_OR_NOT:
        return among_others(mutant.name, mutant.subject, asked, defaults())
    return found


def replays(found: Finding) -> bool:
    """Whether the finding's trace shows it again."""
    assert found.trace is not None
    (again,) = run_again(found.trace, by_name)
    return again.finding is not None and again.finding.clause == found.clause


def defaults() -> dict[str, object]:
    """Values with which nothing in particular goes on."""
    return {n: s.default() for n, s in VARIABLES.items() if not isinstance(s, OneOf)}
