"""What excuses a second copy of a grain at one point in time, and what does not (MIN-2).

A crash does, and a device that failed the first one. That a device has failed somebody else does
not: an error on the way out that lets go of the copier for everybody is convicted by its waste.
"""

import pytest

from flashcopy.harness.minimality import MinimalityMonitor
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.result import ViolationError
from flashcopy.harness.schedule import BLOCK
from flashcopy.harness.simulation import Flight, Simulation
from flashcopy.harness.trial import Trial
from flashcopy.impl.effect import TARGET, Flush, Write
from flashcopy.impl.errors import DeviceError, FlashCopyError
from flashcopy.model.geometry import Geometry
from flashcopy.model.grain import Grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import BackgroundCopy, Done, Refused
from flashcopy.model.operation import Flush as FlushOperation
from flashcopy.model.trace import Fault, Initial, Trace

pytestmark = pytest.mark.mutation

HEAD = Trace(
    Geometry(2 * BLOCK, BLOCK, BLOCK),
    (),
    initial=Initial(
        State.COPYING, tuple(Grain((n,), (n + 10,), copied=False, modified=False) for n in (1, 2))
    ),
    settings={"keep_target": "yes"},
)


class FailureFreesTheCopier(Simulation):
    """LOCK-3 broken: a request that fails lets go of the copier, whoever holds it."""

    def _end(self, flight: Flight, result: object, error: FlashCopyError | None) -> None:
        super()._end(flight, result, error)
        if isinstance(error, DeviceError):
            for number in self.runnable():
                self.copier.release(number)


FREES = Mutant(
    "failure-frees-the-copier", ("MIN-2",), "copied twice", simulation=FailureFreesTheCopier
)


def begin() -> tuple[Trial, int]:
    """A copy that has written its grain to the target and not flushed it."""
    trial = Trial(HEAD, find=lambda _: FREES)
    copy = trial.submit(BackgroundCopy(1))
    while not isinstance(trial.simulation.flights[copy].effect, Flush):
        trial.step(copy)
    return trial, copy


def end(trial: Trial, number: int) -> None:
    while number in trial.in_flight:
        trial.step(number)


def copied_again_after_the_failure_of_another() -> None:
    trial, first = begin()
    flush = trial.submit(FlushOperation(Volume.SOURCE))
    trial.step(flush, Fault.LOST)
    end(trial, trial.submit(BackgroundCopy(1)))
    end(trial, first)


def test_the_failure_of_another_request_excuses_nothing() -> None:
    with pytest.raises(ViolationError) as raised:
        copied_again_after_the_failure_of_another()
    assert raised.value.finding.clause == "MIN-2"
    assert "copies grain 0" in raised.value.finding.explanation


def test_an_excuse_for_everybody_would_acquit_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was excused before: whatever is not marked yet, after any failure at all."""
    monkeypatch.setattr(MinimalityMonitor, "failed", lambda monitor, _: monitor.begin())
    copied_again_after_the_failure_of_another()


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LANDED])
def test_a_copy_that_its_device_failed_is_made_again(fault: Fault) -> None:
    trial = Trial(HEAD)
    first = trial.submit(BackgroundCopy(1))
    while not isinstance(trial.simulation.flights[first].effect, Write):
        trial.step(first)
    trial.step(first, fault)
    assert isinstance(trial.outcomes[first], Refused)
    end(trial, trial.submit(BackgroundCopy(1)))
    end(trial, trial.submit(FlushOperation(Volume.TARGET)))
    assert isinstance(trial.outcomes[2], Done)
    assert not trial.simulation.devices[TARGET].disk.pending
    trial.check_at_rest()


def test_a_copy_that_is_marked_is_done_for_good() -> None:
    """Not even its own maker's failure excuses another: the save fails, and the mark is there."""
    trial, first = begin()
    trial.step(first)
    trial.step(first)
    monitor = trial.minimality
    assert trial.simulation.memory.copied[0]
    monitor.failed(first)
    assert monitor._copied == {0}
