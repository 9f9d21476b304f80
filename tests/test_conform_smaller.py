"""A convicted load is made small, and what is left out on the way never makes a right one wrong.

CONC-1, CONC-2, CONC-3: what a load finds must be true and short.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import Any, ClassVar

import pytest
from attrs import evolve

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import EFFORTS, Job, Target, ViolationError
from flashcopy.conformance.checks.interleaving import GEOMETRIES, interleaving
from flashcopy.conformance.checks.load import Load, draw
from flashcopy.conformance.iut.inprocess import guard
from flashcopy.conformance.oracle.cut import check
from flashcopy.conformance.oracle.history import History
from flashcopy.conformance.shrinking import trimmed as trimming
from flashcopy.conformance.shrinking.smaller import load_of, places_of
from flashcopy.conformance.shrinking.tidy import tidy
from flashcopy.conformance.shrinking.trimmed import trimmed
from flashcopy.model.geometry import blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.operation import Flush, Read, Start, Stop, Sync, Write, WriteZeroes
from flashcopy.model.trace import Submit
from tests.random_histories import draw as draw_history

CAPABILITIES = BundledAdapter().hello().capabilities
HISTORIES = 1500


def never() -> bool:
    """There is no hurry."""
    return False


def histories() -> list[tuple[int, History, bool]]:
    """Small histories by seed, and whether they are right."""
    drawn = [(seed, draw_history(random.Random(seed))) for seed in range(HISTORIES)]
    return [(seed, history, check(history) is None) for seed, history in drawn]


def test_a_trimmed_history_is_still_wrong_and_needs_all_that_is_left() -> None:
    wrong = [(seed, history) for seed, history, right in histories() if not right]
    assert len(wrong) > 100
    for seed, history in wrong:
        left = trimmed(history, never)
        assert check(left) is not None, seed
        assert {each.number for each in left.requests} <= {each.number for each in history.requests}
        reads = [each for each in left.requests if isinstance(each.operation, Read)]
        for read in reads:
            fewer = tuple(each for each in left.requests if each is not read)
            assert check(evolve(left, requests=fewer)) is None, seed


def leave_out(chance: random.Random, history: History) -> History:
    """Whatever may go, one request after the other, in a random order."""
    kept = sorted(history.requests, key=lambda request: request.begin)
    for request in chance.sample(kept, len(kept)):
        if chance.random() < 0.3:
            halves = trimming._halves(history.geometry, request)
            kept = (
                [*(each for each in kept if each is not request), *chance.sample(halves, 1)]
                if (halves)
                else kept
            )
        elif (
            trimming._is_evidence(request, kept)
            or trimming._is_unseen(history.geometry, request, kept)
            or trimming._is_indistinct(request, kept)
        ):
            kept = [each for each in kept if each is not request]
    return evolve(history, requests=tuple(kept))


def made_wrong() -> list[int]:
    """Seeds of right histories that are wrong with something left out."""
    return [
        seed
        for seed, history, right in histories()
        if right and check(leave_out(random.Random(seed), history)) is not None
    ]


def test_a_right_history_stays_right_whatever_is_left_out() -> None:
    assert made_wrong() == []


@pytest.mark.mutation
@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("_is_unseen", lambda _geometry, request, _left: isinstance(request.operation, Write)),
        ("_is_indistinct", lambda request, _left: isinstance(request.operation, Start | Sync)),
    ],
)
def test_leaving_out_too_much_is_noticed(
    rule: str, broken: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trimming, rule, broken)
    assert made_wrong()


def test_small_numbers_change_no_verdict() -> None:
    for seed, history, right in histories():
        small = tidy(history)
        assert (check(small) is None) == right, seed
        assert [each.number for each in small.requests] == list(range(len(small.requests)))


def in_flight_together(load: Load) -> list[tuple[Write | WriteZeroes, Write | WriteZeroes]]:
    """Pairs of writes that may be in flight at the same time."""
    pairs = []
    for burst in load:
        for one, other in combinations(burst, 2):
            writes = [
                [each for each in lane if isinstance(each, Write | WriteZeroes)]
                for lane in (one, other)
            ]
            pairs += [(first, second) for first in writes[0] for second in writes[1]]
    return pairs


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_loads(geometry: Any) -> None:
    """Known at the beginning, repeated by the seed, and never two writes to one block at once."""
    asked: Counter[type] = Counter()
    for seed in range(20):
        load = draw(f"{seed}", geometry, CAPABILITIES, 1)
        asked += Counter(type(each) for _, _, each in places_of(load))
        assert load == draw(f"{seed}", geometry, CAPABILITIES, 1)
        assert load == load_of(places_of(load))
        full, start = load[0][0]
        assert (full, start) == (Write(Volume.SOURCE, 0, geometry.size, 1), Start())
        for one, other in in_flight_together(load):
            blocks = [set(blocks_of_request(geometry, w.offset, w.length)) for w in (one, other)]
            assert one.volume is not other.volume or not blocks[0] & blocks[1]
        writes = [each.content for _, _, each in places_of(load) if isinstance(each, Write)]
        assert len(set(writes)) == len(writes)
        assert_stops_have_company(load)
    # Most writes can be told apart.
    assert 20 < 4 * asked[WriteZeroes] < asked[Write]
    assert asked[Flush] > 20


def assert_stops_have_company(load: Load) -> None:
    """A sync beside each stop; and no start, for the states' sake."""
    bursts = [{type(each) for lane in burst for each in lane} for burst in load]
    with_stop = [at for at, kinds in enumerate(bursts) if Stop in kinds]
    assert len(with_stop) == 4
    for at in with_stop:
        assert Sync in bursts[at]
        assert Start not in bursts[at]
        # Until the next start nothing is asked that a stop forbids, but reads.
        assert bursts[at + 1 : at + 3] == [{Read}, {Start}]


def test_what_is_not_claimed_is_not_asked() -> None:
    load = draw("1", GEOMETRIES[0], frozenset({Capability.CONCURRENT}), 1)
    asked = {(type(each), getattr(each, "volume", None)) for _, _, each in places_of(load)}
    assert asked == {
        (Write, Volume.SOURCE),
        (Read, Volume.SOURCE),
        (Read, Volume.TARGET),
        (Start, None),
        (Flush, Volume.SOURCE),
        (Flush, Volume.TARGET),
        (Sync, None),
    }


class LateSync(BundledAdapter):
    """CONC-2: a sync is answered, and happens when the target is read the next time but one.

    A start does not make it forget that: what shows it on one that is not fresh may be nothing.
    """

    late = 0

    def sync(self) -> None:
        self.late = 2

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        if volume is Volume.TARGET and self.late:
            self.late -= 1
            if not self.late:
                super().sync()
        return super().read(volume, offset, length)


class Once(LateSync):
    """CONC-2: the same, but only the first time that it happens at all."""

    happened: ClassVar[list[int]] = []

    def sync(self) -> None:
        if self.happened:
            BundledAdapter.sync(self)
        else:
            super().sync()

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        if volume is Volume.TARGET and self.late == 1:
            self.happened.append(1)
        return super().read(volume, offset, length)


class Scrambles(BundledAdapter):
    """READ-1: a source that gives the second block where the first was asked for."""

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        data = super().read(volume, offset, length)
        return data[512:1024] * 2 + data[1024:] if len(data) > 1024 else data


@pytest.mark.parametrize(("adapter", "most"), [(LateSync, 6), (Scrambles, 4)])
def test_a_wrong_implementation_is_shown_small(
    adapter: Callable[[], BundledAdapter], most: int
) -> None:
    """Found among hundreds of requests, shown with a handful."""
    effort = evolve(EFFORTS["quick"], shrink_seconds=20.0)
    job = Job(Target("test", guard(adapter, 20.0)), CAPABILITIES, effort, seed=1, timeout=20.0)
    with pytest.raises(ViolationError) as caught:
        interleaving(job)
    finding = caught.value.finding
    assert finding.trace is not None
    requests = [entry for entry in finding.trace.entries if isinstance(entry, Submit)]
    assert len(requests) <= most, finding.explanation
    assert [entry.request for entry in requests] == list(range(len(requests)))
    assert finding.trace.finding == finding.explanation


def test_what_does_not_come_again_is_shown_as_it_was() -> None:
    """Without the requests that the verdict does not need."""
    Once.happened.clear()
    job = Job(Target("test", guard(Once, 20.0)), CAPABILITIES, EFFORTS["quick"], 1, 20.0)
    with pytest.raises(ViolationError) as caught:
        interleaving(job)
    finding = caught.value.finding
    assert re.search(r"\(what the verdict needs of \d{3} requests\)$", finding.explanation)
    assert finding.trace is not None
    assert sum(isinstance(entry, Submit) for entry in finding.trace.entries) <= 12


def test_an_answer_that_is_wrong_by_itself() -> None:
    """LIFE-1: nothing that a load asks may be refused; that needs no cut to be seen."""

    class NoSync(BundledAdapter):
        def sync(self) -> None:
            self._pair.stop()
            super().sync()

    job = Job(Target("test", guard(NoSync, 20.0)), CAPABILITIES, EFFORTS["quick"], 1, 20.0)
    with pytest.raises(ViolationError) as caught:
        interleaving(job)
    assert caught.value.finding.clause == "LIFE-1"
    assert "was refused with invalid_state" in caught.value.finding.explanation
