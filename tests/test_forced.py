"""Schedules drawn on the simulation are forced on the engine, which goes the same way each time.

So the threaded engine carries out every effect as the simulation does, failing devices included:
what is explored is what runs (CONC-1 to CONC-4, READ-1, READ-2, ERR-5, ERR-6).
"""

import random
from collections import Counter
from contextlib import suppress

import pytest
from attrs import evolve

from flashcopy.harness.forced import CannotBeForcedError, EngineDiffersError, force
from flashcopy.harness.schedule import Driver, draw_head
from flashcopy.harness.trial import Trial
from flashcopy.impl.effect import State
from flashcopy.impl.engine import Engine
from flashcopy.model.trace import Crash, Reopen, Step, Trace

SCHEDULES = 120


def drawn(number: int) -> Trace:
    """A trace of the simulation, up to its first loss of power."""
    draw = random.Random(f"forced {number}").randrange
    trial = Trial(draw_head(draw, {}))
    Driver(draw, trial, 1000).run()
    entries = trial.trace().entries
    ends = (at for at, entry in enumerate(entries) if isinstance(entry, (Crash, Reopen)))
    return evolve(trial.trace(), entries=entries[: next(ends, len(entries))])


def test_engine_and_simulation_go_the_same_way() -> None:
    """Effect by effect and answer by answer, whatever the schedule."""
    counts: Counter[str] = Counter()
    for number in range(SCHEDULES):
        trace = drawn(number)
        try:
            force(trace)
        except CannotBeForcedError:
            counts["not forced"] += 1
            continue
        for entry in trace.entries:
            if isinstance(entry, Step):
                counts["steps"] += 1
                counts[f"fault {entry.fault.value}"] += 1
    assert counts["not forced"] <= SCHEDULES // 20
    assert counts["steps"] > 1000
    assert counts["fault lost"] > 10
    assert counts["fault landed"] > 10


@pytest.mark.mutation
def test_an_engine_that_goes_another_way_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONC-4: without its copier lock the engine does not stand in line where it must."""

    def at_once(self: Engine) -> State:
        return self.memory.state

    monkeypatch.setattr(Engine, "acquire_copier", at_once)
    with pytest.raises(EngineDiffersError, match="entry"):
        force_all()


def force_all() -> None:
    """Every schedule but those that cannot be forced."""
    for number in range(SCHEDULES):
        with suppress(CannotBeForcedError):
            force(drawn(number))
