"""Many requests in flight, judged by the cut.

Each writer has blocks of its own, so that no two writes to one block are in flight together, but
they share grains, so that they get in each other's way. Readers read anywhere, one thread starts
and syncs. Which request takes effect first is the IUT's choice: the seed repeats what is asked,
not its timing.
"""

import itertools
import random
import threading
from collections.abc import Callable

from attrs import define, field

from flashcopy.conformance.adapter import Capability, KilledError, RefusedError
from flashcopy.conformance.check import Finding, Job, ViolationError
from flashcopy.conformance.cut import check
from flashcopy.conformance.history import Recorder, to_trace
from flashcopy.conformance.session import Session
from flashcopy.model.content import UnreadableBlockError
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    BackgroundCopy,
    Operation,
    Outcome,
    Read,
    Refused,
    Start,
    Sync,
    Write,
)

BLOCK = 512
GEOMETRY = Geometry(29 * BLOCK, BLOCK, 4 * BLOCK)
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
_WRITERS = 4
_READERS = 2
_ROUNDS = 16
# Writes of one writer in a burst: many cover each other's traces, few leave a wrong bit as it is.
_BURSTS = (1, 1, 2, 3, 12)


@define
class Load:
    """One load on one IUT: what is asked by whom, and the first thing that went wrong."""

    session: Session
    job: Job
    seed: str
    recorder: Recorder = field(init=False)
    wrong: list[Exception] = field(factory=list)
    contents: "itertools.count[int]" = field(factory=lambda: itertools.count(1))

    def __attrs_post_init__(self) -> None:
        self.recorder = Recorder(GEOMETRY)

    def ask(self, operation: Operation) -> None:
        """One request in this thread. Raises ViolationError."""
        outcome = self.recorder.record(operation, self._carry_out)
        if isinstance(outcome, Refused):
            says = f"{operation} was refused with {outcome.kind.value}"
            raise ViolationError(Finding("LIFE-1", says))

    def write(self, chance: random.Random, writer: int) -> None:
        """Each writer has every fourth block of the source, and of the target."""
        target = self.job.has(Capability.TARGET_WRITE) and chance.random() < 0.2
        for _ in range(chance.choice(_BURSTS)):
            block = chance.randrange(writer, GEOMETRY.blocks, _WRITERS)
            volume = TARGET if target and chance.random() < 0.5 else SOURCE
            self.ask(Write(volume, block * BLOCK, BLOCK, next(self.contents)))

    def read(self, chance: random.Random) -> None:
        """Mostly the whole target: two looks at it within one point in time must agree."""
        for _ in range(chance.randint(1, 3)):
            self.ask(Read(chance.choice([TARGET, TARGET, SOURCE]), 0, GEOMETRY.size))

    def sync(self, chance: random.Random) -> None:
        """Syncs among the others, each with a look at both volumes."""
        for _ in range(chance.randint(0, 2)):
            self.ask(Sync())
            self.ask(Read(SOURCE, 0, GEOMETRY.size))
            self.ask(Read(TARGET, 0, GEOMETRY.size))

    def copy(self, chance: random.Random) -> None:
        """The background copy beside all that, where it must be told to."""
        if self.job.has(Capability.BACKGROUND_COPY):
            self.ask(BackgroundCopy(chance.choice([1, 3, None])))

    def look(self, chance: random.Random) -> None:
        """With nothing else in flight: what a wrong bit does shows after the next sync."""
        if chance.random() < 0.5:
            if self.job.has(Capability.BACKGROUND_COPY) and chance.random() < 0.5:
                self.ask(BackgroundCopy(None))
            self.ask(Read(TARGET, 0, GEOMETRY.size))
            self.ask(Sync())
        self.ask(Read(TARGET, 0, GEOMETRY.size))

    def burst(self, number: int) -> None:
        """All threads at once, until each has done its part."""
        roles: list[Callable[[random.Random], None]] = [
            lambda chance, writer=writer: self.write(chance, writer)  # type: ignore[misc]
            for writer in range(_WRITERS)
        ]
        roles += [self.read] * _READERS + [self.sync, self.copy]
        threads = [
            threading.Thread(target=self._play, args=(role, f"{self.seed} {number} {at}"))
            for at, role in enumerate(roles)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.wrong:
            raise self.wrong[0]

    def _play(self, role: Callable[[random.Random], None], seed: str) -> None:
        try:
            role(random.Random(seed))
        except KilledError:
            return  # another thread has found something
        except Exception as error:
            self.wrong.append(error)
            self.session.kill()

    def _carry_out(self, operation: Operation) -> Outcome:
        try:
            return self.session.carry_out(operation)
        except UnreadableBlockError as error:
            raise ViolationError(Finding("CONC-1", f"{operation}: {error}")) from None
        except RefusedError as error:
            says = f"{operation} was answered `internal`: {error}"
            raise ViolationError(Finding("LIFE-1", says)) from None


def interleaving(job: Job) -> None:
    """CONC-1, CONC-2, CONC-3: with many requests in flight there is one moment for each sync."""
    for number in range(job.effort.loads):
        with job.session(GEOMETRY) as session:
            load = Load(session, job, f"{job.seed} {number}")
            load.ask(Start())
            for round_ in range(_ROUNDS):
                load.burst(round_)
                load.look(random.Random(f"{load.seed} {round_} look"))
            if job.has(Capability.BACKGROUND_COPY):
                load.ask(BackgroundCopy(None))
            for volume in Volume:
                load.ask(Read(volume, 0, GEOMETRY.size))
        _judge(load)


def _judge(load: Load) -> None:
    history = load.recorder.history()
    violation = check(history)
    if violation is not None:
        trace = to_trace(
            history,
            origin="conform",
            clause=violation.clause,
            finding=violation.explanation,
        )
        raise ViolationError(Finding(violation.clause, violation.explanation, trace))
