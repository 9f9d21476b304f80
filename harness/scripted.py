"""A run too rare to be drawn: two failures and a loss of power at one place, one after the other.

A sync cannot be committed, nor the stop after it be recorded, so the header on disk may name
either area; then a start is cut off half way through its preparations. There are grains in two
words of the map, so that the crash can keep half of the new maps.
"""

from flashcopy.harness.result import Finding, ViolationError
from flashcopy.harness.schedule import BLOCK
from flashcopy.harness.trial import ORACLE_ALONE, Trial
from flashcopy.impl.effect import Commit, Prepare
from flashcopy.model.geometry import Geometry
from flashcopy.model.grain import Grain
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Start, Sync
from flashcopy.model.trace import Fault, Initial, Trace

# The mutant that it takes this run to catch.
CATCHES = "start-without-recording-stop"


def unrecorded_stop(mutant: str) -> tuple[Finding | None, int]:
    """What comes of it (CRASH-3 by ORDER-4, if anything), and after how many steps."""
    grains = tuple(Grain((1 + g,), (100 + g,), copied=True, modified=True) for g in range(65))
    head = Trace(
        Geometry(len(grains) * BLOCK, BLOCK, BLOCK),
        entries=(),
        initial=Initial(State.COPIED, grains),
        origin="scripted",
        settings={"mutant": mutant} if mutant else {},
    )
    trial = Trial(head, ORACLE_ALONE)
    sync = trial.submit(Sync())
    while sync in trial.in_flight:
        commits = isinstance(trial.simulation.flights[sync].effect, Commit)
        trial.step(sync, Fault.LOST if commits else Fault.NONE)
    start = trial.submit(Start())
    while not isinstance(trial.simulation.flights[start].effect, Prepare):
        trial.step(start)
    trial.step(start)
    trial.crash(trial.simulation.pending()[:1])
    try:
        trial.reopen()
    except ViolationError as violation:
        return violation.finding, trial.steps
    return None, trial.steps
