"""The TLA+ modules say what the code does: TLC comes to what the manifest says, and so does the
explorer where both have the same scope, to the state and to the transition.

The two have nothing in common but the specification. Where Java or TLC is missing, the half that
needs them is skipped with the reason; CI requires both.
"""

import os
import re

import pytest
from attrs import evolve

from flashcopy.proofs import tlc
from flashcopy.proofs.explorer.requests import Plan, every_kind, starts_of
from flashcopy.proofs.explorer.runs import Settings, explore
from flashcopy.proofs.second_opinion import HOLDS, difference
from tests.docs_clauses import SPEC, cited_in, clauses_of, families_of
from tests.saying import IS_DEEP

ENTRIES = tlc.configurations()
CHOSEN = [entry for entry in ENTRIES if IS_DEEP or not entry.slow]
SHARED = [entry for entry in ENTRIES if entry.explorer]
MODULES = sorted(tlc.FOLDER.glob("*.tla"))


def _name(entry: tlc.Configuration) -> str:
    return entry.name


def _require_tlc() -> None:
    reason = tlc.missing()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.mark.parametrize("entry", CHOSEN, ids=_name)
def test_tlc_comes_to_what_the_manifest_says(entry: tlc.Configuration) -> None:
    _require_tlc()
    assert not difference(entry, tlc.run(entry), tlc.AGAIN)


@pytest.mark.parametrize("entry", SHARED, ids=_name)
def test_the_explorer_comes_to_the_same(entry: tlc.Configuration) -> None:
    scope = entry.explorer
    assert scope is not None
    kinds = every_kind(scope.grains, scope.grain_blocks, scope.short)
    starts = starts_of(scope.grains)
    # Every scope by itself, also where they differ in the numbers of the grains alone.
    plan = Plan(
        scope.grains,
        scope.grain_blocks,
        kinds,
        scope.in_flight,
        starts,
        reduce=False,
        short=scope.short,
        failures=scope.failures,
        keep_target=scope.keep_target,
    )
    report = explore(plan, Settings())
    assert report.holds
    if entry.recovered:
        assert report.tally.states + len(report.recovered) == entry.states
    else:
        assert (report.tally.states, report.tally.transitions) == (
            entry.states,
            entry.transitions,
        )


def test_the_grain_machine_has_as_many_states_as_can_be_counted() -> None:
    """Of a grain of b blocks with c contents: uncopied or diverged, any two sides; clean, one."""
    entries = {entry.name: entry for entry in ENTRIES}
    for name, grains, blocks, contents in (("grain", 2, 1, 2), ("grain of two blocks", 1, 2, 2)):
        of_one = 2 * contents ** (2 * blocks) + contents**blocks
        assert entries[name].states == of_one**grains


def test_every_fault_in_the_modules_is_tried() -> None:
    written = {
        (module.stem == "Grain", fault)
        for module in MODULES
        for fault in re.findall(r'Fault (?:=|#) "([^"]+)"', module.read_text(encoding="utf-8"))
    }
    tried = {
        (entry.module == "Grain", entry.constants["Fault"].strip('"'))
        for entry in ENTRIES
        if entry.is_fault
    }
    assert written == tried


def test_what_is_expected_to_hold_is_counted_and_faults_are_told_apart() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    for entry in ENTRIES:
        assert (entry.expected == HOLDS) == (entry.states > 0), entry.name
    assert sum(entry.is_fault and entry.expected != HOLDS for entry in ENTRIES) >= 20


def test_the_modules_cite_only_clauses_that_exist() -> None:
    clauses = clauses_of(SPEC.read_text(encoding="utf-8"))
    known = {clause.id for clause in clauses}
    for module in MODULES:
        cited = set(cited_in(module.read_text(encoding="utf-8"), families_of(clauses)))
        assert cited, module.name
        assert cited <= known, module.name


def test_the_table_in_the_readme_is_the_manifest() -> None:
    readme = (tlc.FOLDER / "README.md").read_text(encoding="utf-8")
    assert tlc.table() in readme, "draw it anew with python -m flashcopy.proofs.tlc --table"


PASSED = """Finished computing initial states: 2 distinct states generated at noon.
Model checking completed. No error has been found.
14 states generated, 9 distinct states found, 0 states left on queue.
"""
VIOLATED = """Error: Invariant NoneBehind is violated.
Error: The behavior up to this point is:
14 states generated, 9 distinct states found, 3 states left on queue.
"""


def test_a_count_that_is_off_by_one_is_noticed() -> None:
    outcome = tlc.parse(PASSED, 1.0)
    right = tlc.Configuration("right", "M", "M.cfg", "", states=9, transitions=12)
    assert not difference(right, outcome, tlc.AGAIN)
    assert "manifest says 8 and 12" in difference(evolve(right, states=8), outcome, tlc.AGAIN)
    assert "manifest says 9 and 13" in difference(evolve(right, transitions=13), outcome, tlc.AGAIN)


def test_another_verdict_than_expected_is_noticed() -> None:
    outcome = tlc.parse(VIOLATED, 1.0)
    fault = tlc.Configuration("fault", "M", "M.cfg", "", expected="NoneBehind")
    assert not difference(fault, outcome, tlc.AGAIN)
    assert "expected CopiedOnce" in difference(
        evolve(fault, expected="CopiedOnce"), outcome, tlc.AGAIN
    )
    assert "expected holds" in difference(evolve(fault, expected=HOLDS), outcome, tlc.AGAIN)


def test_no_verdict_is_none() -> None:
    with pytest.raises(tlc.TlcError, match="no verdict"):
        tlc.parse("Error: Parsing or semantic analysis failed.", 1.0)


def test_a_constant_that_the_file_does_not_have_is_noticed() -> None:
    entry = evolve(ENTRIES[0], constants={"Grain": "{0}"})
    with pytest.raises(tlc.TlcError, match="no constant Grain"):
        tlc.cfg_of(entry)
