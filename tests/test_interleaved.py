"""The protocol under every schedule and crash Hypothesis draws: it holds, and all was visited.

INV-1, INV-2, READ-1, READ-2, WRITE-1 to WRITE-4, FLUSH-1, COPY-1 to COPY-5, START-1, SYNC-1,
STOP-1, LIFE-1 to LIFE-3, ERR-4 to ERR-6, CONC-1 to CONC-4, CRASH-1 to CRASH-3, ORDER-1 to
ORDER-4, REC-1, MIN-1, MIN-2.
"""

import random
from collections import Counter

import pytest
from attrs import evolve

from flashcopy.harness import coverage, interleaved
from flashcopy.harness.efforts import effort_of_tests
from flashcopy.harness.replay import replay
from flashcopy.harness.result import Finding, ViolationError
from flashcopy.harness.schedule import draw_head
from flashcopy.harness.trial import Trial
from flashcopy.model import trace as traces
from flashcopy.model.images import Volume
from flashcopy.model.operation import Done, Read, Refusal, Refused, Write
from tests.saying import explain

SEED = 20050318


def test_holds_under_every_schedule_and_visits_everything() -> None:
    """CRASH-1 to CRASH-3, CONC-1 to CONC-4, LIFE-1: and every effect was crashed and failed."""
    result = interleaved.run(effort_of_tests().interleaved_runs, SEED)
    assert result.holds, explain(result)
    assert interleaved.missing(result.counts) == []


def test_same_seed_same_runs() -> None:
    first, second = (interleaved.run(20, SEED) for _ in range(2))
    assert first.counts == second.counts
    assert first.counts != interleaved.run(20, SEED + 1).counts


@pytest.fixture(scope="module")
def found() -> Finding:
    """What the harness says of a copier that never flushes."""
    finding = interleaved.run(60, SEED, mutant="copier-without-flush").finding
    assert finding is not None
    return finding


def test_violation_is_shrunk_and_its_trace_replays(found: Finding) -> None:
    """CRASH-2 by ORDER-2: the message names both, the trace shows the same again."""
    assert found.clause.startswith("CRASH")
    assert "ORDER-2" in found.explanation
    assert found.trace is not None
    assert len(found.trace.entries) <= 120
    (run,) = replay(traces.loads(traces.dumps(found.trace)))
    assert run.finding is not None
    assert (run.finding.clause, run.finding.explanation) == (found.clause, found.explanation)


def test_trace_of_a_mutant_is_none_of_the_protocol_as_shipped(found: Finding) -> None:
    """The steps differ from the first one that the mutant left out."""
    assert found.trace is not None
    (run,) = replay(evolve(found.trace, settings={}))
    assert run.finding is not None
    assert run.finding.clause == ""
    assert "goes on with Flush target" in run.finding.explanation


@pytest.fixture
def trial() -> Trial:
    """A relationship with a read-only target or not, as it comes."""
    return Trial(draw_head(lambda _: 0, {}))


def complete(trial: Trial, number: int) -> None:
    while number in trial.in_flight:
        trial.step(number)


def test_range_outside_the_volume_never_reaches_the_protocol(trial: Trial) -> None:
    """ERR-1: refused at once, no effect."""
    number = trial.submit(Read(Volume.SOURCE, 0, 10 * trial.head.geometry.size))
    assert trial.outcomes[number] == Refused(Refusal.INVALID_ARGUMENT)
    assert trial.steps == 0


def test_zero_length_write_changes_nothing(trial: Trial) -> None:
    """ERR-4: answered, no block written, no grain marked."""
    number = trial.submit(Write(Volume.SOURCE, 0, 0, 7))
    complete(trial, number)
    assert trial.outcomes[number] == Done()
    assert trial.simulation.serial == 0
    trial.check_at_rest()


def test_oracle_convicts_a_block_it_was_not_told_of() -> None:
    """READ-1: a content that nobody wrote is noticed by the next read."""
    trial = Trial(draw_head(random.Random(1).randrange, {}))
    trial.oracle.wrote(Volume.SOURCE, 0, 4711, request=0)
    number = trial.submit(Read(Volume.SOURCE, 0, 512))
    with pytest.raises(ViolationError) as caught:
        complete(trial, number)
    assert caught.value.finding.clause == "READ-1"


def test_counts_are_of_what_happened() -> None:
    """A run with nothing in it has missed everything."""
    assert set(interleaved.missing({})) == set(coverage.REQUIRED)
    assert interleaved.missing(dict.fromkeys(coverage.REQUIRED, 1)) == []
    counts: Counter[str] = Counter()
    interleaved.run_once(lambda _: 0, counts)
    assert counts["runs"] == 1
