"""The background copy ends while hosts go on writing, and again after a sync (COPY-5, COPY-6).

Writes are kept in flight all the while, to a part of the grains. An IUT that is told to copy must
be through after so many requests; one that copies by itself, within the time of one request. What
was read and written is judged by the cut as well.
"""

import itertools
import random
import time

from attrs import define, field

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import Finding, Job, ViolationError
from flashcopy.conformance.oracle.cut import check
from flashcopy.conformance.oracle.history import Recorder, to_trace
from flashcopy.conformance.session import Session
from flashcopy.conformance.wrong import Kind, Wrong, of_unreadable
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import (
    FAILED,
    BackgroundCopy,
    Operation,
    Read,
    Refused,
    Start,
    Sync,
    Write,
)

_BLOCK = 512
_GEOMETRY = Geometry(95 * _BLOCK, _BLOCK, 2 * _BLOCK)
# Hosts write to the first so many blocks, over and over: the rest is for the copier alone.
_WRITTEN = 24
_AT_ONCE = 6
_AT_A_TIME = 4
# Told to copy, it needs no more than this: each time it copies something, or nothing is left.
_MOST_COPIES = 2 * _GEOMETRY.grains


@define
class _Hosts:
    """Hosts that write without end, and what they were told."""

    session: Session
    at_once: int
    chance: random.Random
    recorder: Recorder = field(factory=lambda: Recorder(_GEOMETRY))
    contents: "itertools.count[int]" = field(factory=lambda: itertools.count(1))
    _in_flight: dict[int, tuple[int, Operation]] = field(factory=dict)

    def write(self) -> None:
        """Hand over as many writes as may be in flight, and take what is answered."""
        busy = {each.offset for _, each in self._in_flight.values() if isinstance(each, Write)}
        free = [at for at in range(0, _WRITTEN * _BLOCK, _BLOCK) if at not in busy]
        for offset in self.chance.sample(free, max(0, self.at_once - len(self._in_flight))):
            self.begin(Write(Volume.SOURCE, offset, _BLOCK, next(self.contents)))
        self.collect()

    def begin(self, operation: Operation) -> None:
        """Ask beside whatever is in flight."""
        self._in_flight[self.session.begin(operation)] = (
            self.recorder.submitted(operation),
            operation,
        )

    def collect(self) -> list[Operation]:
        """What was answered."""
        answered = []
        for id_, outcome in self.session.answers() if self._in_flight else []:
            number, operation = self._in_flight.pop(id_)
            if isinstance(outcome, Exception):
                wrong = of_unreadable(outcome).seen_by(number)
                raise self.violation("CONC-1", f"request #{number}: {outcome}", wrong)
            self.recorder.was_answered(number, outcome)
            if isinstance(outcome, Refused) and outcome != FAILED:
                says = f"request #{number} was refused with {outcome.kind.value}"
                wrong = Wrong(Kind.REFUSED, requests=(number,))
                raise self.violation("LIFE-1", says, wrong)
            answered.append(operation)
        return answered

    def ask(self, operation: Operation) -> None:
        """One request, and the others go on meanwhile."""
        self.begin(operation)
        while operation not in self.collect():
            pass

    def violation(self, clause: str, explanation: str, wrong: Wrong) -> ViolationError:
        """A violation, with all that was asked."""
        history = self.recorder.history()
        trace = to_trace(history, origin="conform", clause=clause, finding=explanation)
        return ViolationError(Finding(clause, explanation, trace, wrong=wrong))


def under_load(job: Job) -> None:
    """COPY-5, COPY-6: it ends while hosts write, after a start and after each sync."""
    with job.session(_GEOMETRY) as session:
        at_once = _AT_ONCE if job.has(Capability.CONCURRENT) else 1
        hosts = _Hosts(session, at_once, random.Random(f"{job.seed} under load"))
        hosts.ask(Write(Volume.SOURCE, 0, _GEOMETRY.size, next(hosts.contents)))
        hosts.ask(Start())
        for _ in range(3):
            _until_copied(hosts, job)
            hosts.ask(Sync())
        for volume in Volume:
            hosts.ask(Read(volume, 0, _GEOMETRY.size))
    violation = check(hosts.recorder.history())
    if violation is not None:
        raise hosts.violation(violation.clause, violation.explanation, violation.wrong)


def _until_copied(hosts: _Hosts, job: Job) -> None:
    told = job.has(Capability.BACKGROUND_COPY)
    deadline, copies = job.deadline(), 0
    while True:
        hosts.write()
        if told:
            hosts.ask(BackgroundCopy(_AT_A_TIME))
            copies += 1
        status = hosts.session.status()
        if status.state is State.COPIED:
            return
        if copies > _MOST_COPIES or (not told and time.monotonic() > deadline):
            after = f"{copies} requests for {_AT_A_TIME} grains" if told else f"{job.timeout:g} s"
            says = f"{status.copied} of {status.grains} grains are copied after {after}"
            says += ", while hosts write: the copy does not end"
            raise hosts.violation("COPY-5", says, Wrong(Kind.NOT_COPIED))
