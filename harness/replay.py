"""Run a trace again: the same requests, steps, failures and crashes, compared with what it says.

A trace with steps ran on the simulation, and does so again, under the same mutant if it names
one. A sequential trace, wherever it came from, is run on the model's machine and, one request
after the other, on the simulation. A violation that comes up again is reported as such, and so
is the first place where the run goes another way than the trace says.
"""

from collections.abc import Callable
from typing import Final

from attrs import evolve, frozen

from flashcopy.harness.failed import stand_ins
from flashcopy.harness.forced import CannotBeForcedError, EngineDiffersError, force
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.mutants import UnknownMutantError, by_name
from flashcopy.harness.result import Finding, ViolationError
from flashcopy.harness.setup import initial_of
from flashcopy.harness.trial import ALL, ORACLE_ALONE, Trial, Watch
from flashcopy.harness.wording import of_effect
from flashcopy.impl.effect import Device
from flashcopy.model import volume as model
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.grain import Grain
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import FAILED, BackgroundCopy, Copied, Operation, Outcome
from flashcopy.model.trace import (
    Answer,
    Crash,
    Durable,
    Entry,
    Initial,
    InvalidTraceError,
    Kill,
    PowerLoss,
    Reopen,
    Status,
    Step,
    Submit,
    Trace,
)
from flashcopy.model.wording import of_outcome

# The setting of a trace that shows harm, beside which waste and broken rules are no matter.
HARM_ALONE: Final = {"judged": "harm alone"}


@frozen
class Replay:
    """What came of it: on what the trace was run, how far, and what was wrong, if anything.

    `entry` is the number of the trace's entry, from 0, at which `finding` came up. A finding
    without a clause is no violation: the run and the trace just differ. `note` says why it could
    not be run at all.
    """

    ran_on: str
    entries: int
    entry: int = 0
    finding: Finding | None = None
    note: str = ""


class _DifferenceError(Exception):
    """The run and the trace go different ways."""


def replay(trace: Trace, find: Callable[[str], Mutant] = by_name) -> list[Replay]:
    """Run the trace on everything that can run it. Raises InvalidTraceError if nothing can.

    `find` gives the mutant that the trace names.
    """
    _check(trace)
    if is_scheduled(trace):
        return [_on_simulation(trace, find)]
    # Only the simulation has mutants; a trace without steps never ran there.
    plain = evolve(trace, settings={k: v for k, v in trace.settings.items() if k != "mutant"})
    return [_on_model(plain), _on_simulation(plain, find)]


def on_engine(trace: Trace) -> Replay:
    """Force a trace with steps on the threaded engine, which knows no mutants."""
    entries = len(trace.entries)
    if not is_scheduled(trace):
        return Replay("engine", entries, note="cannot be forced: the trace has no steps")
    if trace.settings.get("mutant"):
        return Replay("engine", entries, note="cannot be forced: a mutant made the trace")
    if trace.initial and trace.initial.durable:
        note = "cannot be forced: it begins in the middle of things, which files cannot be put into"
        return Replay("engine", entries, note=note)
    try:
        force(trace)
    except CannotBeForcedError as error:
        return Replay("engine", entries, note=f"cannot be forced: {error}")
    except EngineDiffersError as error:
        return Replay("engine", entries, finding=Finding("", str(error)))
    return Replay("engine", entries)


def is_scheduled(trace: Trace) -> bool:
    """Whether the trace says which request took which step."""
    return any(isinstance(entry, (Step, Crash)) for entry in trace.entries)


def _check(trace: Trace) -> None:
    """A trace may be well formed and still make no sense."""
    if trace.initial is not None:
        _check_initial(trace.geometry, trace.initial)
    submitted = 0
    for at, entry in enumerate(trace.entries):
        if isinstance(entry, Submit):
            if entry.request != submitted:
                raise InvalidTraceError(f"entry {at}: request {submitted} must come next")
            submitted += 1
        elif isinstance(entry, (Step, Answer)) and not 0 <= entry.request < submitted:
            raise InvalidTraceError(f"entry {at}: request {entry.request} was never submitted")


def _check_initial(geometry: Geometry, initial: Initial) -> None:
    """The state it begins in is one of this volume, and says of every grain all there is to say."""
    count = len(initial.grains)
    if count != geometry.grains:
        raise InvalidTraceError(
            f"the initial state has {count} grains, the volume {geometry.grains}"
        )
    if initial.durable and len(initial.durable) != count:
        raise InvalidTraceError(
            f"the initial state has {count} grains and {len(initial.durable)} in `durable`"
        )
    for number in range(count):
        held: list[Grain | Durable] = [initial.grains[number]]
        held += initial.durable[number : number + 1]
        size = len(blocks_of_grain(geometry, number))
        for side in (side for grain in held for side in (grain.source, grain.target)):
            if not isinstance(side, tuple) or len(side) != size:
                raise InvalidTraceError(f"initial grain {number}: {size} blocks a side needed")
            if not all(type(content) is int and 0 <= content < 1 << 64 for content in side):
                raise InvalidTraceError(f"initial grain {number}: a content is a number")
        if not all(type(bit) is bool for grain in held for bit in (grain.copied, grain.modified)):
            raise InvalidTraceError(f"initial grain {number}: its bits are true or false")
    for name in initial.doubtful:
        if name not in {device.value for device in Device}:
            raise InvalidTraceError(f"the initial state doubts {name!r}, which is no device")


def _watch(trace: Trace) -> Watch:
    """Whoever begins in the middle of things has broken rules already: harm alone counts then.

    So it does where the trace is of somebody who looked for nothing else.
    """
    midway = trace.initial is not None and trace.initial.durable
    return ORACLE_ALONE if midway or HARM_ALONE.items() <= trace.settings.items() else ALL


def _on_model(trace: Trace) -> Replay:
    initial = initial_of(trace)
    machine = model.Machine(
        trace.geometry, trace.target_writable, initial.state, initial.grains, initial.cursor
    )
    outcomes: dict[int, Outcome] = {}
    failed = stand_ins(trace)
    for at, entry in enumerate(trace.entries):
        if isinstance(entry, Submit) and entry.request in failed:
            for operation in failed[entry.request]:
                machine, _ = model.apply(machine, operation)
            outcomes[entry.request] = FAILED
        elif isinstance(entry, Submit):
            machine, outcomes[entry.request] = model.apply(machine, entry.operation)
        elif isinstance(entry, Answer):
            difference = _differs(entry, outcomes.get(entry.request))
            if difference:
                return Replay("model", len(trace.entries), at, Finding("", difference))
        elif isinstance(entry, Status):
            difference = _differs_in_state(entry, State(machine.state.value))
            if difference:
                return Replay("model", len(trace.entries), at, Finding("", difference))
        elif isinstance(entry, PowerLoss):
            return Replay("model", len(trace.entries), at, note=_up_to_power_loss(at))
    return Replay("model", len(trace.entries))


def _on_simulation(trace: Trace, find: Callable[[str], Mutant]) -> Replay:
    try:
        trial = Trial(evolve(trace, entries=()), _watch(trace), find)
    except UnknownMutantError as error:
        raise InvalidTraceError(str(error)) from None
    scheduled = is_scheduled(trace)
    outcomes: dict[int, Outcome] = trial.outcomes if scheduled else {}
    failed = {} if scheduled else stand_ins(trace)
    at = 0
    try:
        while at < len(trace.entries):
            entry = trace.entries[at]
            if isinstance(entry, PowerLoss):
                return Replay("simulation", len(trace.entries), at, note=_up_to_power_loss(at))
            if isinstance(entry, Submit) and entry.request in failed:
                for operation in failed[entry.request]:
                    _complete(trial, operation)
                outcomes[entry.request] = FAILED
            elif isinstance(entry, Submit) and not scheduled:
                outcomes[entry.request] = _complete(trial, entry.operation)
            else:
                _carry_out(trial, entry, outcomes)
            at += 1
        if not trial.in_flight and not trial.crashed:
            trial.check_at_rest()
    except ViolationError as error:
        return Replay("simulation", len(trace.entries), at, error.finding)
    except _DifferenceError as error:
        return Replay("simulation", len(trace.entries), at, Finding("", str(error)))
    return Replay("simulation", len(trace.entries))


def _carry_out(trial: Trial, entry: Entry, outcomes: dict[int, Outcome]) -> None:
    match entry:
        case Submit(_, operation):
            trial.submit(operation)
        case Step():
            _step(trial, entry)
        case Answer(request):
            difference = _differs(entry, outcomes.get(request))
            if difference:
                raise _DifferenceError(difference)
        case Crash(kept):
            trial.crash(kept)
        case Reopen():
            trial.reopen()
        case Kill():
            pass  # all that was written survives, and the rest happens when it is opened again
        case Status():
            difference = _differs_in_state(entry, trial.state)
            if difference:
                raise _DifferenceError(difference)


def _step(trial: Trial, entry: Step) -> None:
    flight = trial.simulation.flights.get(entry.request)
    if flight is None or flight.waiting or flight.effect is None:
        why = "waits for a lock" if flight and flight.waiting else "is not in flight"
        raise _DifferenceError(f"request {entry.request} {why}; the trace has it {entry.effect}")
    effect = of_effect(flight.effect, flight.done)
    if entry.effect not in ("", effect):
        raise _DifferenceError(
            f"request {entry.request} goes on with {effect}; the trace says {entry.effect}"
        )
    trial.step(entry.request, entry.fault)


def _complete(trial: Trial, operation: Operation) -> Outcome:
    """One request to its end. A background copy goes on in batches, as the copier does."""
    copied = 0
    while True:
        wanted = operation
        if isinstance(operation, BackgroundCopy) and operation.grains is not None:
            wanted = BackgroundCopy(operation.grains - copied)
        number = trial.submit(wanted)
        while number in trial.in_flight:
            trial.step(number)
        outcome = trial.outcomes[number]
        if not isinstance(outcome, Copied):
            return outcome
        copied += outcome.grains
        if outcome.grains == 0 or (
            isinstance(operation, BackgroundCopy) and copied == operation.grains
        ):
            return Copied(copied)


def _differs(entry: Answer, outcome: Outcome | None) -> str | None:
    if outcome == entry.outcome:
        return None
    seen = "not answered" if outcome is None else f"answered: {of_outcome(outcome)}"
    return f"request {entry.request} is {seen}; the trace says {of_outcome(entry.outcome)}"


def _up_to_power_loss(entry: int) -> str:
    lost = "what is lost from there on is known to the implementation it came from alone"
    return f"as the trace says up to entry {entry}, a loss of power: {lost}"


def _differs_in_state(said: Status, state: State) -> str | None:
    """How far the copy is may differ: an implementation may copy more than it must."""
    tracking = (State.COPYING, State.COPIED)
    if said.state is state or (said.state in tracking and state in tracking):
        return None
    return f"the state is {state.value}; the trace says {said.state.value}"
