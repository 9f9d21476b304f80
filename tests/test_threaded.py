"""Real threads on real files: the history they make is one a correct flashcopy can make.

CONC-1 to CONC-4, IMG-1, READ-1, READ-2, COPY-5.
"""

from typing import Any

import pytest

from flashcopy.harness import threaded
from flashcopy.harness.efforts import effort_of_tests
from flashcopy.impl import engine
from flashcopy.impl.direct import direct_protocol
from flashcopy.impl.effect import Mode, Point, State
from tests.saying import explain


def test_histories_hold() -> None:
    """CONC-1 to CONC-4: many loads, each with its own seed, in both durability modes."""
    effort = effort_of_tests()
    result = threaded.run_many(effort.threaded_loads, random_seed=1)
    assert result.holds, explain(result)
    assert result.counts["requests"] >= effort.threaded_loads * 12 * 60


def without_locks(self: engine.Engine, grains: range, mode: Mode) -> State:
    """Every request gets its grains at once, whoever has them."""
    del grains, mode
    return self.memory.state


def sync_at_leisure(do: Any, geometry: Any) -> None:
    """Bugs 3: a sync that does not keep writes away between merging and adopting."""
    state = do.acquire_copier()
    direct_protocol._prepare(do, state, Point.SYNC)
    direct_protocol._move_point_in_time(do, state, Point.SYNC)
    del geometry


@pytest.mark.mutation
@pytest.mark.parametrize("fault", ["no grain locks", "sync not exclusive"])
def test_missing_locks_are_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONC-1 to CONC-3: without the locks, real threads soon make a history that cannot be."""
    if fault == "no grain locks":
        monkeypatch.setattr(engine.Engine, "acquire_grains", without_locks)
    else:
        monkeypatch.setattr(direct_protocol, "sync", sync_at_leisure)
    load = threaded.Load(writers=4, syncs=40)
    findings = (threaded.run(load, seed).finding for seed in range(40))
    found = next((finding for finding in findings if finding), None)
    assert found is not None
    assert found.clause in ("CONC-1", "CONC-2", "IMG-1", "READ-1", "READ-2", "ERR-6")
