"""The plain driver and what becomes of its findings: few IUTs, the same requests for a seed, and
the shortest history that shows the violation on a fresh IUT.

READ-1, READ-2, SYNC-1, LIFE-1: what the implementations below get wrong.
"""

from collections.abc import Callable
from typing import ClassVar

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.conformance.adapter import Status
from flashcopy.conformance.check import EFFORTS, Finding, Job, Target, ViolationError
from flashcopy.conformance.checks import sequential
from flashcopy.conformance.checks.asks import Alphabet, Ask, AskStatus, asks_of
from flashcopy.conformance.checks.comparison import Comparison
from flashcopy.conformance.iut.inprocess import guard
from flashcopy.conformance.shrinking.reduction import by_hypothesis, halved, one_by_one
from flashcopy.conformance.shrinking.shortest import shortest
from flashcopy.conformance.wrong import Wrong
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import BackgroundCopy, Flush, Read, Start, Stop, Sync, Write
from flashcopy.model.operation import WriteZeroes as Zeroes
from flashcopy.model.trace import Entry, Submit
from tests.test_conform_command import LosesTargetTail

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
GEOMETRY = Geometry(7 * 512, 512, 1024)
# Time enough for a busy machine.
EFFORT = evolve(EFFORTS["quick"], shrink_seconds=60)


class Counted(BundledAdapter):
    """A right one that counts how many there were, and remembers what they were asked."""

    made: ClassVar[int] = 0
    asked: ClassVar[list[tuple[object, ...]]] = []

    def __init__(self) -> None:
        super().__init__()
        Counted.made += 1

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        self.asked.append((volume, offset, length))
        return super().read(volume, offset, length)

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        self.asked.append((volume, offset, data))
        super().write(volume, offset, data)


class WearsOut(BundledAdapter):
    """READ-2: after so many starts the target is read from the source."""

    starts = 0

    def start(self) -> None:
        super().start()
        self.starts += 1

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        return super().read(SOURCE if self.starts > 5 else volume, offset, length)


class WrongOnce(BundledAdapter):
    """READ-1: one single read in the life of this class gives zeros."""

    reads: ClassVar[int] = 0

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        WrongOnce.reads += 1
        data = super().read(volume, offset, length)
        return bytes(length) if volume is SOURCE and WrongOnce.reads in (30, 31, 32) else data


class Forgetful(BundledAdapter):
    """LIFE-1: says it is stopped once all is copied."""

    def status(self) -> Status:
        said = super().status()
        copied = said.state is State.COPIED
        return evolve(said, state=State.STOPPED) if copied else said


def job_for(adapter: Callable[[], BundledAdapter]) -> Job:
    """A job at quick effort."""
    capabilities = BundledAdapter().hello().capabilities
    return Job(Target("test", guard(adapter, 10.0)), capabilities, EFFORT, seed=1, timeout=10.0)


def convicted(adapter: Callable[[], BundledAdapter], check: Callable[[Job], None]) -> Finding:
    """What a check finds, shrunk."""
    job = job_for(adapter)
    with pytest.raises(ViolationError) as caught:
        check(job)
    found = shortest(job, caught.value.finding)
    assert found.clause == caught.value.finding.clause
    return found


def asked(finding: Finding) -> list[Ask]:
    """What was asked, without the contents of writes."""
    assert finding.trace is not None
    asks = asks_of(finding.trace.entries)
    assert asks is not None
    return asks


def test_few_of_them_are_started_and_a_seed_repeats_all_that_is_asked() -> None:
    """READ-1, READ-2: and a right one is right."""
    runs = []
    for _ in range(2):
        Counted.made, Counted.asked[:] = 0, []
        sequential.data(job_for(Counted))
        runs.append(list(Counted.asked))
        assert Counted.made == len(sequential.GEOMETRIES)
    assert runs[0] == runs[1]
    assert len(runs[0]) > 1000


def test_the_last_episode_is_enough() -> None:
    """READ-2: a start, a sync, a write and a read are all it takes, on the fewest blocks."""
    found = convicted(LosesTargetTail, sequential.data)
    start, sync, write, read = asked(found)
    assert (start, sync) == (Start(), Sync())
    assert write == Write(SOURCE, 0, 512, 1)
    assert isinstance(read, Read)
    assert read.volume is TARGET


def test_what_takes_all_that_was_before_is_reported_with_it() -> None:
    """READ-2: six starts; not one of the writes and reads that were between them."""
    found = convicted(WearsOut, sequential.data)
    assert asked(found)[:6] == [Start()] * 6
    assert len(asked(found)) == 8


def test_what_is_seen_once_is_reported_as_it_was_seen() -> None:
    """READ-1."""
    WrongOnce.reads = 0
    found = convicted(WrongOnce, sequential.data)
    assert "(seen once: the same requests did not show it on a fresh IUT)" in found.explanation
    assert found.trace is not None
    assert found.trace.finding == found.explanation
    assert len(asked(found)) > 10


def test_a_wrong_state_is_shrunk_too() -> None:
    """LIFE-1: the question for the state is one of the requests."""
    start, copies, status = asked(convicted(Forgetful, sequential.lifecycle))
    assert (start, status) == (Start(), AskStatus())
    assert isinstance(copies, BackgroundCopy | Write)


def test_histories_that_are_not_sequential_stay_as_they_are() -> None:
    """READ-2."""
    job = job_for(BundledAdapter)
    with job.session(GEOMETRY) as session:
        comparison = Comparison(session)
        comparison.ask(Start())
        finding = comparison.violation("READ-2", "made up", Wrong()).finding
    assert finding.trace is not None
    overlapping: tuple[Entry, ...] = (Submit(0, Start()), Submit(1, Sync()), *finding.trace.entries)
    other = evolve(finding, trace=evolve(finding.trace, entries=overlapping))
    assert shortest(job, other) is other


EXTENTS = st.integers(0, 6).flatmap(
    lambda first: st.tuples(st.just(512 * first), st.integers(1, 7 - first).map(lambda n: 512 * n))
)
VOLUMES = st.sampled_from(Volume)
ASKS = st.one_of(
    st.builds(lambda volume, extent: Write(volume, extent[0], extent[1], 0), VOLUMES, EXTENTS),
    st.builds(lambda volume, extent: Read(volume, *extent), VOLUMES, EXTENTS),
    st.builds(lambda volume, extent: Zeroes(volume, *extent), VOLUMES, EXTENTS),
    st.builds(BackgroundCopy, st.sampled_from([None, 1, 3, 0, -1])),
    st.builds(Flush, VOLUMES),
    st.sampled_from([Start(), Sync(), Stop(), AskStatus()]),
    st.builds(Read, VOLUMES, st.sampled_from([1, -512, 1 << 40]), st.just(512)),
)


@given(st.lists(ASKS, min_size=1, max_size=8))
def test_asks_are_numbers_and_back(asks: list[Ask]) -> None:
    """GEO-1: whatever was asked, misaligned or not."""
    alphabet = Alphabet.of(GEOMETRY, asks)
    for ask in asks:
        numbers = list(alphabet.numbers(ask))
        assert alphabet.draw(lambda least, most: taken(numbers, least, most)) == ask  # noqa: B023
        assert not numbers


def taken(numbers: list[int], least: int, most: int) -> int:
    """The next number, which must be one that can be drawn."""
    assert least <= numbers[0] <= most
    return numbers.pop(0)


def shows(asks: list[Ask]) -> bool:
    """Whether a write to a grain above 0 comes before a sync, and that before a target read."""
    states = [False]
    for ask in asks:
        if isinstance(ask, Write) and ask.offset >= 1024:
            states.append(True)
        if ask == Sync() and len(states) == 2:
            states.append(True)
        if isinstance(ask, Read) and ask.volume is TARGET and len(states) > 2:
            return True
    return False


NOISE: list[Ask] = [Flush(SOURCE), Read(SOURCE, 0, 512), Start(), Zeroes(SOURCE, 0, 1024)]
LONG: list[Ask] = [
    *NOISE * 9,
    Write(SOURCE, 2048, 1536, 0),
    *NOISE * 7,
    Sync(),
    *NOISE * 8,
    Read(TARGET, 512, 3072),
]


def test_what_is_left_out_is_not_needed() -> None:
    """READ-2."""
    kept = [LONG[36], Sync(), LONG[-1]]
    assert halved(LONG, shows) == kept
    assert one_by_one(LONG, shows) == kept


def test_hypothesis_takes_up_where_the_driver_left_off() -> None:
    """READ-2: its first attempt is what it was handed, its last the simplest there is."""
    attempts: list[list[Ask]] = []

    def noting(asks: list[Ask]) -> bool:
        attempts.append(asks)
        return shows(asks)

    asks = halved(LONG, shows)
    by_hypothesis(Alphabet.of(GEOMETRY, asks), asks, noting)
    assert attempts[0] == asks
    best = [each for each in attempts if shows(each)][-1]
    assert best == [Write(SOURCE, 1024, 512, 0), Sync(), Read(TARGET, 0, 512)]
