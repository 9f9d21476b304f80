"""The implementation on real files beside the model: they agree, and a broken one is noticed.

LIFE-1, SYNC-1, SYNC-2, SYNC-3, START-1, STOP-1, COPY-1 to COPY-4, READ-1, READ-2, WRITE-1 to
WRITE-4, FLUSH-1, ERR-1 to ERR-4, INV-1, INV-2, REC-1, MIN-1, GEO-1.
"""

from collections.abc import Callable
from typing import Any

import pytest
from bitarray import bitarray

from flashcopy.harness import stateful
from flashcopy.harness.efforts import effort_of_tests
from flashcopy.impl import bitmap, memory
from flashcopy.model import trace
from tests.saying import explain

SEED = 20050318


def test_agrees_with_the_model_and_visits_everything() -> None:
    """LIFE-1, SYNC-2, REC-1: every operation, refusal and edge of the lifecycle has fired."""
    effort = effort_of_tests()
    result = stateful.run(effort.stateful_runs, effort.stateful_steps, SEED)
    assert result.holds, explain(result)
    assert stateful.missing(result.counts) == []


def or_instead(copied: bitarray, modified: bitarray) -> bitarray:
    """Bugs 8: the maps are or-ed."""
    return copied | modified


def overwrite(_: bitarray, modified: bitarray) -> bitarray:
    """Bugs 4: copied becomes not modified, whatever it was."""
    return ~modified


def first_word_only(copied: bitarray, modified: bitarray) -> bitarray:
    """Bugs 8: what lies beyond the first byte is not merged."""
    copied[:8] &= ~modified[:8]
    return copied


MERGES = [or_instead, overwrite, first_word_only]


@pytest.mark.mutation
@pytest.mark.parametrize("merge", MERGES, ids=lambda merge: str(merge.__name__))
def test_a_broken_merge_is_noticed(
    merge: Callable[[bitarray, bitarray], bitarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SYNC-2: a merge that is not and-not is convicted by its maps."""
    monkeypatch.setattr(bitmap, "merge", merge)
    result = stateful.run(runs=200, steps=50, random_seed=SEED, shrink=False)
    assert result.finding is not None
    assert result.finding.clause == "SYNC-2"


@pytest.mark.mutation
def test_a_finding_is_short_and_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """SYNC-2: shrunk to a few requests, as a trace that reads back the same."""
    monkeypatch.setattr(bitmap, "merge", or_instead)
    found = stateful.run(runs=200, steps=50, random_seed=SEED).finding
    assert found is not None
    assert found.trace is not None
    assert len(found.trace.entries) <= 8
    assert trace.loads(trace.dumps(found.trace)) == found.trace


def unmarked(self: memory.Memory, runs: Any) -> None:
    """Bugs 16, 24: a write copies but does not mark the grain modified."""
    self.mark_copied(runs)


def one_grain_only(self: memory.Memory, runs: Any) -> None:
    """Bugs 15: of a request over several grains only the first is marked."""
    first = range(runs[0].start, runs[0].start + 1)
    self.mark_copied((first,))
    bitmap.set_run(self.modified, first)


@pytest.mark.mutation
@pytest.mark.parametrize("broken", [unmarked, one_grain_only])
def test_a_write_that_is_not_tracked_is_noticed(
    broken: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """WRITE-1, SYNC-2: the bits of every grain a write touches are compared after each request."""
    monkeypatch.setattr(memory.Memory, "mark_diverged", broken)
    result = stateful.run(runs=200, steps=50, random_seed=SEED, shrink=False)
    assert result.finding is not None
    assert result.finding.clause in ("SYNC-2", "INV-1", "READ-2")
