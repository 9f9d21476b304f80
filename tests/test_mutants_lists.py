"""The mutants and the list of faults: each fault has its mutants or the reason why not.

The three faults of the locks are caught by every method (CONC-2, CONC-3).
"""

import re

import pytest

from flashcopy.harness.mutants import MUTANTS
from flashcopy.proofs.counterparts import WITHOUT, counterpart
from flashcopy.proofs.matrix import METHODS, Budget
from tests import docs_faults

TEXT = docs_faults.FAULTS.read_text(encoding="utf-8")
LOCKS = ("fake-read-without-lock", "point-without-lock", "copier-without-grain-lock")


def test_the_table_of_faults_is_what_mutants_and_members_say() -> None:
    assert docs_faults.table() in TEXT, "python -m tests.docs_faults draws it anew"


def test_every_fault_of_the_list_is_numbered_in_order() -> None:
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", TEXT, re.MULTILINE)]
    assert numbers == list(range(1, docs_faults.COUNT + 1))


def test_every_mutant_has_a_number_and_every_number_a_mutant_or_a_reason() -> None:
    assert all(mutant.faults for mutant in MUTANTS.values())
    without = TEXT.partition("**Without a mutant.**")[2].partition("**Without a proof.**")[0]
    for number in range(1, docs_faults.COUNT + 1):
        if not docs_faults.mutants_of(number):
            assert re.search(rf"\b{number}\b", without), number


def test_every_mutant_has_a_proof_or_a_reason() -> None:
    for mutant in MUTANTS.values():
        assert (counterpart(mutant) is None) == (mutant.name in WITHOUT), mutant.name


@pytest.mark.mutation
@pytest.mark.parametrize("how", METHODS)
@pytest.mark.parametrize("name", LOCKS)
def test_a_broken_lock_is_caught_by_each_method(name: str, how: str) -> None:
    """CONC-2, CONC-3: no lock for fake reads, for a sync, for the copier."""
    catch = METHODS[how](MUTANTS[name], Budget())
    assert catch is not None, f"{name} is not caught by {how}"
