"""The explorer's steps are the simulation's, effect by effect.

The explorer carries out effects by look-ups for many states at once; the simulation runs the
shipped generators one by one. Random schedules go through both, and everything that can be seen
is compared after each step: CONC-1 and what memory and disks hold, DISK-1 to DISK-4.
"""

import random

import pytest

from flashcopy.proofs.explorer.explorer import Explorer
from flashcopy.proofs.explorer.requests import Plan, Scope, every_kind, starts_of
from tests import explorer_walks as walks

SEEDS = range(4)
WALKS = 120


@pytest.mark.parametrize("seed", SEEDS)
def test_every_step_is_the_simulations(seed: int) -> None:
    plan = Plan(2, 2, every_kind(2, 2), 3, starts_of(2))
    explorer = Explorer(plan)
    draw = random.Random(seed)
    steps = 0
    for _ in range(WALKS):
        size = draw.randint(1, 3)
        kinds = tuple(sorted(draw.choices(plan.kinds, k=size), key=plan.kinds.index))
        scope = Scope(draw.choice(plan.starts), kinds)
        for place in walks.walk(explorer, scope, "", draw):
            expected = walks.simulated(plan, scope, place.trial)
            seen = walks.explored(explorer, place.rows)
            assert seen == expected, f"seed {seed}: {scope} after {place.moves}"
            steps += 1
    assert steps > 10 * WALKS
