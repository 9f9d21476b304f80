"""One pair of volumes through several crashes: what is asked, what is found after each.

All requests of a life have one numbering and one clock, so that what a crash cut off and what is
found later can be told in one story. Between two crashes lies an epoch (`recovery`); what both
volumes show after a crash is judged at once, and is the first state of the next epoch.
"""

import itertools

from attrs import define, evolve, field

from flashcopy.conformance.adapter import RefusedError
from flashcopy.conformance.check import Finding, ViolationError
from flashcopy.conformance.checks.comparison import name
from flashcopy.conformance.oracle.explain_recovery import explain
from flashcopy.conformance.oracle.history import History, Request
from flashcopy.conformance.oracle.lifecycle import is_target_io
from flashcopy.conformance.oracle.recovery import Epoch, judge
from flashcopy.conformance.session import Session
from flashcopy.conformance.wrong import Kind, Wrong, of_unreadable
from flashcopy.model.images import Images, Volume
from flashcopy.model.lifecycle import State, is_tracking
from flashcopy.model.operation import (
    FAILED,
    UNUSABLE,
    Contents,
    Done,
    Operation,
    Outcome,
    Read,
    Refused,
    Start,
    Stop,
    Sync,
)
from flashcopy.model.trace import Answer, Entry, Kill, PowerLoss, Reopen, Status, Submit, Trace
from flashcopy.model.volume import ZERO


@define
class Life:
    """A session and its story. `failures` counts requests that failed in a device of the IUT.

    `state` is what the relationship said it was at after the last crash. An IUT that takes one
    request at a time is `sequential`: a loss of power, which is a request, waits for the others.
    """

    session: Session
    sequential: bool = False
    failures: int = 0
    state: State = State.IDLE
    _images: Images = field(init=False)
    _in_flight: dict[int, tuple[int, int, Operation]] = field(factory=dict)
    _requests: list[Request] = field(factory=list)
    _numbers: "itertools.count[int]" = field(factory=itertools.count)
    _ticks: "itertools.count[int]" = field(factory=itertools.count)
    _began: int = 0
    _events: list[tuple[int, Entry]] = field(factory=list)
    _crash: str = ""
    _earlier: str = ""

    def __attrs_post_init__(self) -> None:
        zeros = (ZERO,) * self.session.geometry.blocks
        self._images = Images(zeros, zeros)

    @property
    def in_flight(self) -> list[Operation]:
        """What was asked and is not answered."""
        return [operation for _, _, operation in self._in_flight.values()]

    def begin(self, operation: Operation) -> int:
        """Ask, beside whatever is in flight; the number of the request."""
        number = next(self._numbers)
        self._in_flight[self.session.begin(operation)] = (number, next(self._ticks), operation)
        return number

    def awaits(self, number: int) -> bool:
        """Whether a request is in flight."""
        return any(number == asked for asked, _, _ in self._in_flight.values())

    def collect(self, wait: float | None = None) -> list[Operation]:
        """What has been answered meanwhile; with no `wait`, at least one if any is in flight."""
        answers = self.session.answers(wait) if self._in_flight else []
        return [self._answered(number, outcome, next(self._ticks)) for number, outcome in answers]

    def drain(self) -> None:
        """Wait until nothing is in flight."""
        while self._in_flight:
            self.collect()

    def ask(self, operation: Operation) -> Outcome:
        """One request by itself."""
        self.drain()
        self.begin(operation)
        self.drain()
        outcome = self._requests[-1].outcome
        assert outcome is not None
        return outcome

    def kill(self) -> None:
        """Kill it with whatever is in flight, let a new one open what it left, and judge that."""
        self._crash = _say("kill", self.in_flight)
        tick = next(self._ticks)
        self._requests += [
            Request(number, operation, begin, tick, None)
            for number, begin, operation in self._in_flight.values()
        ]
        self._in_flight.clear()
        self._events += [(tick, Kill()), (tick, Reopen())]
        self.session.restart()
        self._look()

    def lose_power(self, seed: int) -> None:
        """Let it lose power behind whatever is in flight, and judge what it recovers.

        What is in flight is carried out before the loss or fails (docs/protocol.md).
        """
        if self.sequential:
            self.drain()
        self._crash = _say("loss of power", self.in_flight)
        loss, failures = self.session.lose_power(seed), self.session.failures
        tick, recovered = next(self._ticks), False
        while self._in_flight or not recovered:
            for number, outcome in self.session.answers():
                if number != loss:
                    self._answered(number, outcome, tick)
                elif outcome != Done():
                    says = f"power_loss was answered with {outcome}"
                    raise self.violation("REC-1", says, Wrong(Kind.REFUSED))
                else:
                    recovered = True
        self.session.failures = failures  # what the loss cut off says nothing of the devices
        self._events.append((tick, PowerLoss(seed)))
        self._look()

    def _answered(self, id_: int, outcome: Outcome | Exception, tick: int) -> Operation:
        number, begin, operation = self._in_flight.pop(id_)
        if isinstance(outcome, Exception):
            raise self.violation(*_not_an_answer(number, operation, outcome))
        self._requests.append(Request(number, operation, begin, tick, outcome))
        self._require(number, operation, outcome)
        return operation

    def violation(self, clause: str, explanation: str, wrong: Wrong) -> ViolationError:
        """A violation, with the story that led to it."""
        entries: list[tuple[int, Entry]] = []
        for request in self._requests:
            entries.append((request.begin, Submit(request.number, request.operation)))
            if request.outcome is not None:
                entries.append((request.end, Answer(request.number, request.outcome)))
        for number, begin, operation in self._in_flight.values():
            entries.append((begin, Submit(number, operation)))
        # What was answered while power was lost was carried out before: so the loss comes after.
        entries = sorted(entries + self._events, key=lambda timed: timed[0])
        trace = Trace(
            self.session.geometry,
            tuple(entry for _, entry in entries),
            origin="conform",
            clause=clause,
            finding=explanation,
        )
        return ViolationError(Finding(clause, explanation, trace, wrong=wrong))

    def _require(self, number: int, operation: Operation, outcome: Outcome) -> None:
        """Nothing is refused here, but what a failed device, and what followed, explains."""
        if not isinstance(outcome, Refused):
            return
        if outcome == FAILED:
            self.failures += 1
        elif outcome != UNUSABLE or not (self.failures or self._may_be_unusable(operation)):
            says = f"{name(operation)} was refused with {outcome.kind.value}"
            raise self.violation("LIFE-1", says, Wrong(Kind.REFUSED, requests=(number,)))

    def _may_be_unusable(self, operation: Operation) -> bool:
        """ERR-2: the target is no image once it may have been stopped; a sync wants tracking."""
        since = [each for each in self._requests if each.begin >= self._began]
        asked = [*(each.operation for each in since), *self.in_flight]
        may_be_stopped = self.state is State.STOPPED or any(isinstance(e, Stop) for e in asked)
        if not isinstance(operation, Sync):
            return may_be_stopped and is_target_io(operation)
        started = any(isinstance(e.operation, Start) and e.outcome == Done() for e in since)
        return may_be_stopped or not (started or is_tracking(self.state))

    def _look(self) -> None:
        """What the relationship is at, and both volumes whole; then the judgement."""
        ended = next(self._ticks)
        status = self.session.status()
        self._events.append((ended, Status(status.state, status.copied, status.grains)))
        requests = [each for each in self._requests if self._began <= each.begin < ended]
        self._judge_state(requests, status.state)
        self.state = status.state
        found: dict[Volume, tuple[int, ...] | None] = {}
        for volume in Volume:
            outcome = self.ask(Read(volume, 0, self.session.geometry.size))
            found[volume] = outcome.contents if isinstance(outcome, Contents) else None
        source, target = found[Volume.SOURCE], found[Volume.TARGET]
        if (target is None) != (self.state is State.STOPPED):
            can = "cannot be read" if target is None else "can be read"
            says = f"after the {self._crash} the state is {self.state.value}, and the target {can}"
            raise self.violation("LIFE-3", says, Wrong(Kind.WRONG_STATE))
        history = History(self.session.geometry, tuple(requests))
        epoch = Epoch(history, self._images, Images(source, target))
        failures = judge(epoch)
        if failures:
            found_wrong = explain(epoch, failures, self._crash, self._earlier)
            wrong = found_wrong.wrong
            # Negative numbers stand for what was there after the last crash.
            named = tuple(number for number in wrong.requests if number >= 0)
            wrong = evolve(wrong, requests=named).seen_by(*self._looked(wrong))
            raise self.violation(found_wrong.clause, found_wrong.explanation, wrong)
        self._began, self._earlier = ended, self._crash
        self._images = Images(
            source, (ZERO,) * len(self._images.target) if target is None else target
        )

    def _looked(self, wrong: Wrong) -> list[int]:
        """The last two requests, which looked, if it is what they saw that is wrong."""
        seen = [each.number for each in self._requests[-2:]]
        return [] if wrong.requests and max(wrong.requests) in seen else seen

    def _judge_state(self, requests: list[Request], state: State) -> None:
        """CRASH-3: what was answered has happened; a failed device may have stopped it (ERR-5)."""
        can_track, can_not, why = is_tracking(self.state), not is_tracking(self.state), ""
        for each in requests:
            if isinstance(each.operation, Start | Stop) and not isinstance(each.outcome, Refused):
                starts, sure = isinstance(each.operation, Start), each.outcome == Done()
                can_track = starts or (can_track and not sure)
                can_not = not starts or (can_not and not sure)
                why = f", though {name(each.operation)} #{each.number} was answered" * sure
            can_not = can_not or each.outcome == FAILED
        if not (can_track if is_tracking(state) else can_not):
            says = f"after the {self._crash} the relationship is {state.value}{why}"
            raise self.violation("CRASH-3", says, Wrong(Kind.WRONG_STATE))


def _say(what: str, in_flight: list[Operation]) -> str:
    """The crash in words, with what was in flight."""
    if not in_flight:
        return f"{what} between two requests"
    said = ", ".join(name(operation) for operation in in_flight[:3])
    more = f" and {len(in_flight) - 3} more" * (len(in_flight) > 3)
    return f"{what} with {said}{more} in flight"


def _not_an_answer(number: int, operation: Operation, error: Exception) -> tuple[str, str, Wrong]:
    """The clause that is broken by what no model's outcome stands for."""
    if isinstance(error, RefusedError):
        wrong = Wrong(Kind.INTERNAL, requests=(number,))
        return "LIFE-1", f"{name(operation)} was answered `internal`: {error}", wrong
    of_target = isinstance(operation, Read) and operation.volume is Volume.TARGET
    wrong = of_unreadable(error).seen_by(number)
    return "CRASH-2" if of_target else "CRASH-1", f"{name(operation)}: {error}", wrong
