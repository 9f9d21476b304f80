"""The explorer's steps are the simulation's, effect by effect.

The explorer carries out effects by look-ups for many states at once; the simulation runs the
shipped generators one by one. Random schedules go through both, and everything that can be seen
is compared after each step: CONC-1 and what memory and disks hold, DISK-1 to DISK-4; and where
devices fail, ERR-5 and ERR-6, what is in doubt and who may still flush it.
"""

import random
from collections import Counter

import pytest

from flashcopy.model.trace import Fault
from flashcopy.proofs.explorer.explorer import Explorer
from flashcopy.proofs.explorer.requests import ZEROES, Kind, Plan, Scope, all_kinds, starts_of
from tests import explorer_walks as walks

WALKS = 120


@pytest.mark.parametrize("keep_target", [False, True])
@pytest.mark.parametrize("failures", [0, 1, 3])
@pytest.mark.parametrize("short", [0, 1])
def test_every_step_is_the_simulations(failures: int, short: int, keep_target: bool) -> None:
    plan = Plan(
        2,
        2,
        all_kinds(2, 2, short),
        3,
        starts_of(2),
        short=short,
        failures=failures,
        keep_target=keep_target,
    )
    explorer = Explorer(plan)
    seed = f"{failures} {short} {keep_target}"
    draw = random.Random(seed)
    steps, faults = 0, Counter[str]()
    for _ in range(WALKS):
        scope = Scope(draw.choice(plan.starts), _kinds(plan, draw))
        for place in walks.walk(explorer, scope, "", draw):
            expected = walks.simulated(plan, scope, place.trial)
            seen = walks.explored(explorer, place.rows)
            assert seen == expected, f"seed {seed}: {scope} after {place.moves}"
            steps += 1
        assert sum(move.fault is not Fault.NONE for move in place.moves) <= failures
        faults += place.trial.counts
    assert steps > 8 * WALKS
    failed = {name for name in faults if name.startswith("failure of ")}
    assert len(failed) == (6 if failures else 0), failed


def _kinds(plan: Plan, draw: random.Random) -> tuple[Kind, ...]:
    """Up to three requests, zeroes at most once: two blocks of zeroes cannot be told apart."""
    while True:
        kinds = draw.choices(plan.kinds, k=draw.randint(1, 3))
        if sum(kind.name in ZEROES for kind in kinds) < 2:
            return tuple(sorted(kinds, key=plan.kinds.index))
