"""A trace again, on an IUT: the same requests in the same order, and a new judgement.

Where a trace came from does not matter, nor what it says was answered: what counts is what this IUT
answers now. Requests one after the other are held against the model step for step, again and again
on one IUT. Requests that overlap are handed over in the trace's order, each after the answers it
had to wait for, and the cut judges what comes of it; kills come where the trace has them, with the
same requests in flight, and what is found afterwards is judged. Since who overtakes whom, and how
far a request is when the kill comes, is the IUT's choice, this is done many times.
"""

import random
from collections.abc import Sequence

from attrs import frozen

from flashcopy.conformance.adapter import Capability, RefusedError
from flashcopy.conformance.check import Finding, Job, ViolationError
from flashcopy.conformance.checks.again import live_again, script_of
from flashcopy.conformance.checks.asks import Ask, AskStatus, asks_of
from flashcopy.conformance.checks.comparison import Comparison, name
from flashcopy.conformance.checks.flight import judge
from flashcopy.conformance.checks.life import Life
from flashcopy.conformance.oracle.history import Recorder
from flashcopy.conformance.session import Session
from flashcopy.conformance.wrong import Kind, Wrong, of_unreadable
from flashcopy.model.images import Volume
from flashcopy.model.operation import BackgroundCopy, Operation, Outcome, Stop, Write, WriteZeroes
from flashcopy.model.trace import Answer, Crash, Entry, Kill, PowerLoss, Reopen, Step, Submit, Trace

TIMES = 30


class CannotReplayError(ValueError):
    """The trace asks for what no IUT can be made to do, or for what this one does not claim."""


@frozen
class Replayed:
    """What came of it: in how many runs, how many requests, and the first violation, if any."""

    runs: int
    requests: int
    finding: Finding | None


def replay(job: Job, trace: Trace, times: int = TIMES) -> Replayed:
    """Replay a trace on fresh IUTs, until one violates. Raises CannotReplayError before that."""
    require_replayable(job, trace)
    asks = asks_of(trace.entries)
    if asks is not None:
        return _one_by_one(job, trace, asks, times)
    runs = 0
    finding = None
    while finding is None and runs < times:
        runs += 1
        try:
            with job.session(trace.geometry, target_writable=trace.target_writable) as session:
                _run(job, session, trace, random.Random(runs))
        except ViolationError as error:
            finding = error.finding
    return Replayed(runs, job.requests, finding)


def require_replayable(job: Job, trace: Trace) -> None:
    """Raises CannotReplayError."""
    if trace.initial is not None:
        raise CannotReplayError("it starts from a state that no request leads to")
    for at, entry in enumerate(trace.entries):
        if isinstance(entry, Step | Crash):
            word = type(entry).__name__.lower()
            raise CannotReplayError(f"entry {at} is a {word} inside the bundled implementation")
    needed = {need for entry in trace.entries for need in _needs(entry)}
    if _overlap(trace):
        needed.add(Capability.CONCURRENT)
    missing = sorted(need.value for need in needed if not job.has(need))
    if missing:
        raise CannotReplayError(f"{job.target.name} does not claim {', '.join(missing)}")


def _one_by_one(job: Job, trace: Trace, asks: Sequence[Ask], times: int) -> Replayed:
    """All on one IUT: what it does once it does again, unless luck is in it.

    A device that fails, say, or a copier of its own. So what shows nothing is asked again behind
    what was asked before, with other contents.
    """
    runs = 0
    finding = None
    contents = [each.content for each in asks if isinstance(each, Write)]
    try:
        with job.session(trace.geometry, target_writable=trace.target_writable) as session:
            comparison = Comparison(session, max(contents, default=0))
            while runs < times:
                runs += 1
                for ask in asks:
                    if runs > 1 or isinstance(ask, AskStatus):
                        comparison.ask(ask)
                    else:
                        comparison.step(ask)
    except ViolationError as error:
        finding = error.finding
    return Replayed(runs, job.requests, finding)


def _run(job: Job, session: Session, trace: Trace, chance: random.Random) -> None:
    if any(isinstance(entry, Kill | PowerLoss) for entry in trace.entries):
        life = Life(session, sequential=not job.has(Capability.CONCURRENT))
        live_again(life, script_of(trace), chance)
    else:
        _overlapping(session, trace)


def _overlapping(session: Session, trace: Trace) -> None:
    """Hand over what the trace hands over; where it has an answer, wait for that."""
    recorder = Recorder(session.geometry)
    in_flight: dict[int, tuple[int, Operation]] = {}

    def collect() -> None:
        for number, outcome in session.answers():
            recorded, operation = in_flight.pop(number)
            recorder.was_answered(recorded, _answer(operation, outcome))

    for entry in trace.entries:
        if isinstance(entry, Submit):
            recorded = recorder.submitted(entry.operation)
            in_flight[session.begin(entry.operation)] = recorded, entry.operation
        elif isinstance(entry, Answer):
            while any(recorded == entry.request for recorded, _ in in_flight.values()):
                collect()
    while in_flight:
        collect()
    history = recorder.history()
    played = judge(history)
    if played.clause:
        raise ViolationError(played.finding)


def _overlap(trace: Trace) -> bool:
    """Whether two requests are in flight together anywhere."""
    open_ = 0
    for entry in trace.entries:
        match entry:
            case Submit():
                open_ += 1
            case Answer():
                open_ -= 1
            case Kill() | PowerLoss():
                open_ = 0
        if open_ > 1:
            return True
    return False


def _answer(operation: Operation, outcome: Outcome | Exception) -> Outcome:
    if isinstance(outcome, RefusedError):
        says = f"{name(operation)} was answered `internal`: {outcome}"
        raise ViolationError(Finding("LIFE-1", says, wrong=Wrong(Kind.INTERNAL)))
    if isinstance(outcome, Exception):
        says = f"{name(operation)}: {outcome}"
        raise ViolationError(Finding("CONC-1", says, wrong=of_unreadable(outcome)))
    return outcome


def _needs(entry: Entry) -> list[Capability]:
    """What an IUT must claim to be given this entry."""
    needs = []
    match entry:
        case Submit(_, operation):
            if isinstance(operation, Write | WriteZeroes) and operation.volume is Volume.TARGET:
                needs.append(Capability.TARGET_WRITE)
            if isinstance(operation, WriteZeroes):
                needs.append(Capability.WRITE_ZEROES)
            if isinstance(operation, BackgroundCopy):
                needs.append(Capability.BACKGROUND_COPY)
            if isinstance(operation, Stop):
                needs.append(Capability.STOP)
        case Kill() | Reopen():
            needs.append(Capability.RESTART)
        case PowerLoss():
            needs.append(Capability.POWER_LOSS)
    return needs
