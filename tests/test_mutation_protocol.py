"""The protocol broken on purpose, in every way we know: the interleaved harness notices each.

The oracle alone convicts, from what reads and crashes show; the monitor of the ordering rules only
explains. CRASH-1 to CRASH-3, ORDER-1 to ORDER-4, CONC-1 to CONC-4, SYNC-2, MIN-1, MIN-2.
"""

from collections import Counter

import pytest

from flashcopy.harness import interleaved, scripted
from flashcopy.harness.mutants import MUTANTS, UnknownMutantError, by_name
from flashcopy.harness.result import Finding
from flashcopy.harness.trial import Watch

SEED = 1
MOST_RUNS = 6000
# It takes two failures and a crash at one place, one after the other: too rare to be drawn.
BY_HAND = scripted.CATCHES
ORDERING = [name for name, mutant in MUTANTS.items() if mutant.rule]

pytestmark = pytest.mark.mutation


@pytest.mark.parametrize("name", [name for name in MUTANTS if name != BY_HAND])
def test_mutant_is_caught_by_what_it_does(name: str) -> None:
    """Oracle alone, except for waste (MIN-1, MIN-2), which is no harm it could see.

    The message names the ordering rule too, if it was one that was broken.
    """
    mutant = MUTANTS[name]
    watch = Watch(rules=False, minimality=mutant.clauses[0].startswith("MIN"))
    found = plainly(name, watch)
    assert found is not None, f"{name} was not noticed in {MOST_RUNS} runs: {mutant.harm}"
    assert found.clause in mutant.clauses, found.explanation
    assert mutant.rule in found.explanation


def test_start_after_an_unrecorded_stop() -> None:
    """CRASH-3 by ORDER-4: new maps must not overwrite those that the header may still name."""
    assert scripted.unrecorded_stop("")[0] is None
    found, _ = scripted.unrecorded_stop(BY_HAND)
    assert found is not None
    assert found.clause == "CRASH-3"
    assert "ORDER-4" in found.explanation


def test_every_ordering_rule_has_mutants() -> None:
    rules = Counter(MUTANTS[name].rule for name in ORDERING)
    assert set(rules) == {"ORDER-1", "ORDER-2", "ORDER-3", "ORDER-4"}
    assert min(rules.values()) >= 2


def test_unknown_mutant_is_refused() -> None:
    with pytest.raises(UnknownMutantError, match="no mutant is called 'nonsense'"):
        by_name("nonsense")


def plainly(name: str, watch: Watch) -> Finding | None:
    return interleaved.run_plainly(
        MOST_RUNS, SEED, Counter(), lambda: None, mutant=name, watch=watch
    )
