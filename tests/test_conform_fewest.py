"""A life that ended in a wrong recovery is made short, and what is right is never convicted on it.

CRASH-1, CRASH-2, CRASH-3, REC-1: what the members of the zoo below get wrong. They run in this
process, so that nothing depends on how fast it is.
"""

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from flashcopy.conformance.adapter import Capability, Hello, KilledError
from flashcopy.conformance.check import EFFORTS, Finding, Job, Target, ViolationError
from flashcopy.conformance.checks.again import live_again, script_of
from flashcopy.conformance.checks.life import Life
from flashcopy.conformance.checks.restarting import power_loss, restart
from flashcopy.conformance.iut.inprocess import guard
from flashcopy.conformance.shrinking.fewest import fewest, seen_once
from flashcopy.conformance.shrinking.shortest import shortest
from flashcopy.conformance.zoo import wrong_flushes, wrong_order
from flashcopy.conformance.zoo.cached import Cached
from flashcopy.conformance.zoo.right import Outcome, RefusedError, Right
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import (
    Contents,
    Done,
    Flush,
    Operation,
    Read,
    Start,
    Stop,
    Sync,
    Write,
)
from flashcopy.model.trace import (
    Answer,
    Entry,
    Kill,
    PowerLoss,
    Reopen,
    Status,
    Submit,
    Trace,
    dumps,
    loads,
)
from tests.zoo_adapter import CLAIMED, ZooAdapter

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
CAPABILITIES = CLAIMED | {Capability.POWER_LOSS}
# Long enough for all there is to try, which takes a second or two.
EFFORT = evolve(EFFORTS["quick"], shrink_seconds=30.0)


class WithPower(ZooAdapter):
    """A member of the zoo that can lose power, too, and does nothing once it is killed."""

    def __init__(self, member: type[Right]) -> None:
        super().__init__(member)
        self._turn = threading.Lock()
        self._dead = False

    def kill(self) -> None:
        with self._turn:
            self._dead = True

    def hello(self) -> Hello:
        return Hello("zoo", "1", CAPABILITIES)

    def power_loss(self, seed: int) -> None:
        self._ask("power_loss", seed)

    def _ask(self, method: str, *params: Any) -> dict[str, Any]:
        with self._turn:
            if self._dead:
                raise KilledError
            return super()._ask(method, *params)


def job_on(member: type[Right], seed: int = 1) -> Job:
    """What a check is given to judge a member."""
    target = Target(member.__name__, guard(lambda: WithPower(member), 20.0))
    return Job(target, CAPABILITIES, EFFORT, seed, 20.0)


def found(member: type[Right], check: Callable[[Job], None]) -> tuple[Job, Finding]:
    """What a check finds in a member, as it was found; luck may be in it."""
    for seed in range(1, 20):
        job = job_on(member, seed)
        try:
            check(job)
        except ViolationError as error:
            return job, error.finding
    raise AssertionError(f"{member.__name__} is not convicted")


def requests_of(trace: Trace | None) -> int:
    """How many requests a trace has, those that look after a crash included."""
    assert trace is not None
    return sum(isinstance(entry, Submit) for entry in trace.entries)


# How many requests are left at most; two of them look after each crash.
MOST: dict[type[Right], int] = {
    wrong_order.MapDropped: 4,
    wrong_order.MarksDropped: 8,
    wrong_order.SyncTornOnDisk: 7,
    wrong_order.SourceBeforeMap: 5,
    wrong_order.MapBeforeData: 6,
    wrong_order.FlushLies: 5,
    wrong_flushes.CopyNotFlushed: 5,
    wrong_flushes.BackgroundCopyNotFlushed: 5,
    wrong_flushes.WriteBeforeMapFlush: 4,
    wrong_flushes.SyncForgetsTheSource: 4,
}


@pytest.mark.parametrize("member", MOST, ids=lambda member: member.__name__)
def test_a_wrong_recovery_is_shown_short(member: type[Right]) -> None:
    """CRASH-1, CRASH-2: on volumes of its own, with the crash, and it shows the same again."""
    check = power_loss if issubclass(member, Cached) else restart
    job, long = found(member, check)
    short = shortest(job, long)
    assert short.trace is not None
    assert requests_of(short.trace) <= MOST[member], dumps(short.trace)
    assert short.clause.startswith("CRASH-")
    assert short.trace.finding == short.explanation
    crashes = [entry for entry in short.trace.entries if isinstance(entry, Kill | PowerLoss)]
    assert 1 <= len(crashes) <= 2
    # It is whole: it convicts whoever is asked again, and may be kept in a file.
    assert loads(dumps(short.trace)) == short.trace
    assert any(convicts(member, short.trace, number) for number in range(100))


def convicts(member: type[Right], trace: Trace, number: int) -> bool:
    """Whether a member is convicted by the script of a trace."""
    with job_on(member).session(trace.geometry) as session:
        try:
            live_again(Life(session, sequential=True), script_of(trace), random.Random(number))
        except ViolationError:
            return True
    return False


@pytest.mark.parametrize("member", [wrong_order.SyncTornOnDisk, wrong_flushes.CopyNotFlushed])
def test_who_is_right_is_not_convicted_on_the_way(member: type[Right]) -> None:
    """What one attempt leaves on an IUT is no fault of the next: nothing is made short of it."""
    powered = issubclass(member, Cached)
    _, long = found(member, power_loss if powered else restart)
    assert long.trace is not None
    job = job_on(Cached if powered else Right)
    job.effort = evolve(EFFORT, shrink_seconds=1.5)
    before = job.requests
    assert fewest(job, long, long.trace) == seen_once(long)
    assert job.requests > before + 100


@pytest.mark.parametrize(
    "asked",
    [
        (Sync(),),
        (Start(), Stop(), Read(TARGET, 0, 512)),
        (Start(), Stop(), Flush(TARGET), Sync()),
    ],
    ids=["idle", "stopped", "stopped and synced"],
)
def test_who_refuses_rightly_is_not_convicted(asked: tuple[Operation, ...]) -> None:
    """ERR-2, SYNC-1: a sync with nothing to bring up to date, I/O on a target that is no image."""
    entries: list[Entry] = []
    for number, operation in enumerate(asked):
        entries += [Submit(number, operation), Answer(number, Done())]
    trace = Trace(Geometry(4 * 512, 512, 512), (*entries, Kill(), Reopen()))
    assert not convicts(Right, trace, 1)


class StartsOnlyOnce(Right):
    """Refuses what is allowed in every state."""

    def start(self) -> Outcome:
        if self.state != "idle":
            raise RefusedError("invalid_state")
        return super().start()


def test_who_refuses_a_start_is_convicted() -> None:
    """START-1: whatever the state after the kill."""
    trace = Trace(
        Geometry(4 * 512, 512, 512),
        (Submit(0, Start()), Answer(0, Done()), Kill(), Submit(1, Start()), Answer(1, Done())),
    )
    assert convicts(StartsOnlyOnce, trace, 1)
    assert not convicts(Right, trace, 1)


def test_the_script_of_a_life() -> None:
    """What a life looks at by itself is no part of it; what it asks and waits for is."""
    geometry = Geometry(4 * 512, 512, 512)
    looks = [Read(volume, 0, geometry.size) for volume in Volume]
    nothing = Contents((0, 0, 0, 0))
    status = Status(State.COPYING, copied=0, grains=4)
    asked = (
        Submit(0, Write(SOURCE, 0, 512, 1)),
        Submit(1, Start()),
        Answer(0, Done()),
        Kill(),
    )
    again = (Submit(4, looks[0]), Answer(4, nothing), Submit(5, Sync()), PowerLoss(3))
    trace = Trace(
        geometry,
        (
            *asked,
            status,
            Submit(2, looks[0]),
            Answer(2, nothing),
            Submit(3, looks[1]),
            Answer(3, nothing),
            *again,
            status,
            Submit(6, looks[0]),
            Answer(6, nothing),
            Submit(7, Flush(TARGET)),
        ),
    )
    assert script_of(trace) == (*asked, *again, Submit(7, Flush(TARGET)))
