"""Carrying out a load, and what is wrong with how it was answered.

Nobody waits for one request: whatever is answered is noted, then the lanes it was of go on, and
what they ask goes out together. An answer is noted before what it lets begin, so that the history
says no more and no less about the order of things than the kit knows.
"""

from attrs import frozen

from flashcopy.conformance.adapter import IutBrokeDownError, RefusedError
from flashcopy.conformance.check import Finding
from flashcopy.conformance.checks.load import Burst, Load
from flashcopy.conformance.oracle.cut import check
from flashcopy.conformance.oracle.history import History, Recorder, to_trace
from flashcopy.conformance.oracle.lifecycle import check_states
from flashcopy.conformance.session import Session
from flashcopy.conformance.wrong import NOT_SAID, Kind, Wrong, of_unreadable
from flashcopy.model.operation import (
    FAILED,
    UNUSABLE,
    Operation,
    Outcome,
    Refused,
    Start,
    Stop,
)

# A device that fails so often in one burst does not fail now and then, it is broken.
_PATIENCE = 1000


@frozen
class Played:
    """What was asked and answered. `clause` is empty if nothing is wrong with it."""

    history: History
    clause: str = ""
    explanation: str = ""
    wrong: Wrong = NOT_SAID

    @property
    def finding(self) -> Finding:
        """What is wrong, with the trace."""
        trace = to_trace(
            self.history, origin="conform", clause=self.clause, finding=self.explanation
        )
        return Finding(self.clause, self.explanation, trace, wrong=self.wrong)


class _WrongAnswerError(Exception):
    """An answer that is wrong whatever else was answered: its clause, and what it was."""

    def __init__(self, clause: str, explanation: str, wrong: Wrong) -> None:
        super().__init__(explanation)
        self.clause = clause
        self.wrong = wrong


def play(session: Session, load: Load) -> Played:
    """Carry out a load and judge it. Raises IutBrokeDownError."""
    recorder = Recorder(session.geometry)
    try:
        is_stopped = False
        for burst in load:
            asked = {type(operation) for lane in burst for operation in lane}
            is_stopped = is_stopped or Stop in asked
            _play(session, recorder, burst, may_refuse=is_stopped)
            is_stopped = is_stopped and Start not in asked
    except _WrongAnswerError as wrong:
        # What is still in flight is not to be taken for an answer to the next load.
        while session.answers():
            pass
        return Played(recorder.history(), wrong.clause, str(wrong), wrong.wrong)
    return judge(recorder.history())


def judge(history: History) -> Played:
    """What the cut says of a history, and whether the states allow its answers."""
    violation = check(history) or check_states(history)
    if violation is None:
        return Played(history)
    return Played(history, violation.clause, violation.explanation, violation.wrong)


def _play(session: Session, recorder: Recorder, burst: Burst, *, may_refuse: bool) -> None:
    lanes = [iter(lane) for lane in burst]
    # By the session's number: which lane it is of, its operation, and the recorder's number.
    in_flight: dict[int, tuple[int, Operation, int]] = {}
    ready = list(range(len(lanes)))
    # What failed in a device is asked again: the history of the next load relies on this one's.
    again: dict[int, Operation] = {}
    patience = _PATIENCE
    while True:
        for at in ready:
            operation = again.pop(at, None) or next(lanes[at], None)
            if operation is not None:
                recorded = recorder.submitted(operation)
                in_flight[session.begin(operation)] = (at, operation, recorded)
        if not in_flight:
            return
        ready = []
        for number, outcome in session.answers():
            at, operation, recorded = in_flight.pop(number)
            # Once it is being stopped, whether it may refuse is for the states to say.
            if may_refuse and outcome == UNUSABLE:
                recorder.was_answered(recorded, UNUSABLE)
            else:
                recorder.was_answered(recorded, _right(recorded, operation, outcome))
            ready.append(at)
            if outcome == FAILED:
                again[at] = operation
                patience -= 1
        if patience < 0:
            raise IutBrokeDownError("its devices fail again and again")
        ready.sort()


def _right(number: int, operation: Operation, outcome: Outcome | Exception) -> Outcome:
    """An outcome that can be right: nothing that is asked may be refused, but a device may fail."""
    if isinstance(outcome, RefusedError):
        says = f"{operation} was answered `internal`: {outcome}"
        raise _WrongAnswerError("LIFE-1", says, Wrong(Kind.INTERNAL, requests=(number,)))
    if isinstance(outcome, Exception):
        wrong = of_unreadable(outcome).seen_by(number)
        raise _WrongAnswerError("CONC-1", f"{operation}: {outcome}", wrong)
    if isinstance(outcome, Refused) and outcome != FAILED:
        says = f"{operation} was refused with {outcome.kind.value}"
        raise _WrongAnswerError("LIFE-1", says, Wrong(Kind.REFUSED, requests=(number,)))
    return outcome
