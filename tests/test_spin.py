"""The Promela model says what the code does: SPIN comes to what the manifest says, and that is what
the TLA+ modules and the explorer come to where they have the same scope.

Where SPIN or a C compiler is missing, the half that needs them is skipped with the reason.
"""

import re

import pytest
from attrs import evolve

from flashcopy.proofs import promela, tlc
from flashcopy.proofs.explorer.requests import FLUSHES, Kind, Plan, every_kind, starts_of
from flashcopy.proofs.explorer.runs import Settings, explore
from flashcopy.proofs.promela import Configuration, Scope
from flashcopy.proofs.second_opinion import HOLDS, difference
from tests.docs_clauses import SPEC, cited_in, clauses_of, families_of
from tests.saying import IS_DEEP

ENTRIES = promela.configurations()
PARTS = sorted(promela.FOLDER.glob("*.pml"))
BY_TLC = {entry.name: entry for entry in tlc.configurations()}


def _name(entry: Configuration) -> str:
    return entry.name


@pytest.mark.parametrize("entry", ENTRIES, ids=_name)
def test_spin_comes_to_what_the_manifest_says(entry: Configuration) -> None:
    if reason := promela.missing():
        pytest.skip(reason)
    assert not difference(entry, promela.run(entry), promela.AGAIN)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.tlc], ids=_name)
def test_tlc_comes_to_the_same(entry: Configuration) -> None:
    """Both manifests are held to the checkers, and the explorer to that of TLC (test_tla)."""
    other = BY_TLC[entry.tlc]
    assert (entry.states, entry.transitions) == (other.states, other.transitions)
    if shared := other.explorer:
        sizes = shared.grains, shared.grain_blocks, shared.in_flight, shared.short
        assert entry.scope == Scope(*sizes)


def test_the_explorer_comes_to_the_same_for_flushes() -> None:
    entry = next(e for e in ENTRIES if e.scope == Scope(flushes=True))
    kinds = (*every_kind(1, 1), *(Kind(name) for name in FLUSHES))
    tally = explore(Plan(1, 1, kinds, 2, starts_of(1), reduce=False), Settings()).tally
    assert (tally.states, tally.transitions) == (entry.states, entry.transitions)


@pytest.mark.skipif(not IS_DEEP, reason="half a million states")
def test_the_explorer_comes_to_the_same_for_three_grains() -> None:
    entry = next(e for e in ENTRIES if e.scope == Scope(grains=3))
    plan = Plan(3, 1, every_kind(3, 1), 2, starts_of(3), reduce=False)
    tally = explore(plan, Settings()).tally
    assert (tally.states, tally.transitions) == (entry.states, entry.transitions)


def test_every_fault_of_the_model_is_tried_and_all_but_one_noticed() -> None:
    tried = {entry.fault: entry for entry in ENTRIES if entry.fault != "NO_FAULT"}
    assert set(tried) == set(promela.faults())
    harmless = [fault for fault, entry in tried.items() if entry.expected == HOLDS]
    assert harmless == ["VOLATILE_BIT_DECIDES"]
    used = "".join(p.read_text(encoding="utf-8") for p in PARTS if p.name != "faults.pml")
    for fault in tried:
        assert re.search(rf"FAULT [!=]= {fault}\b", used), fault


def test_the_model_cites_only_clauses_that_exist() -> None:
    clauses = clauses_of(SPEC.read_text(encoding="utf-8"))
    known = {clause.id for clause in clauses}
    for part in PARTS:
        cited = set(cited_in(part.read_text(encoding="utf-8"), families_of(clauses)))
        assert cited <= known, part.name


def test_the_table_in_the_readme_is_the_manifest() -> None:
    readme = (promela.FOLDER / "README.md").read_text(encoding="utf-8")
    assert promela.table() in readme, "draw it anew with python -m flashcopy.proofs.promela --table"


PASSED = """State-vector 96 byte, depth reached 71, errors: 0
     9733 states, stored
    13268 states, matched
    23001 transitions (= stored+matched)
"""
VIOLATED = """pan:1: assertion violated (INV_1||right) (at depth 44)
State-vector 80 byte, depth reached 49, errors: 1
      769 states, stored
       24 states, matched
      793 transitions (= stored+matched)
"""


def test_a_count_that_is_off_by_one_is_noticed() -> None:
    outcome = promela.parse(PASSED, Scope(), 0, 0, 0)
    right = Configuration("right", "", states=9732, transitions=12872)
    assert not difference(right, outcome, promela.AGAIN)
    assert "manifest says 9731 and" in difference(
        evolve(right, states=9731), outcome, promela.AGAIN
    )
    wrong = evolve(right, transitions=12873)
    assert "manifest says 9732 and 12873" in difference(wrong, outcome, promela.AGAIN)


def test_another_verdict_than_expected_is_noticed() -> None:
    outcome = promela.parse(VIOLATED, Scope(), 0, 0, 0)
    fault = Configuration("fault", "", expected="INV_1")
    assert not difference(fault, outcome, promela.AGAIN)
    assert "expected CRASH" in difference(evolve(fault, expected="CRASH"), outcome, promela.AGAIN)
    assert "expected holds" in difference(evolve(fault, expected=HOLDS), outcome, promela.AGAIN)


def test_no_verdict_is_none() -> None:
    for said in ("error: max search depth too small\n" + PASSED, "Segmentation fault"):
        with pytest.raises(promela.SpinError, match="no verdict"):
            promela.parse(said, Scope(), 0, 0, 0)


def test_a_fault_that_the_model_does_not_know_is_refused() -> None:
    if reason := promela.missing():
        pytest.skip(reason)
    with pytest.raises(promela.SpinError, match="knows no fault NO_MAPS"):
        promela.run(Configuration("misspelt", "", fault="NO_MAPS"))
