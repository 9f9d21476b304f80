"""Breaking what ships turns a proof red, and the message names the clause.

The shipped merge (SYNC-2) and every function of the grain machine are broken, one after the
other, while the proofs are made; so it is seen that they are about the shipped code and not about
a copy of it.
"""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner

from flashcopy.cli.prove import prove as prove_command
from flashcopy.impl import bitmap
from flashcopy.model import grain as grain_machine
from flashcopy.model.choice import both, negate
from flashcopy.model.grain import Change, Grain
from flashcopy.proofs.registry import obligations_of
from flashcopy.proofs.runner import Options, prove

pytestmark = pytest.mark.mutation


def red_clauses(family: str) -> set[str]:
    """The clauses of the family's obligations that do not hold."""
    results = prove(obligations_of(family), Options(seeds=(0,), budget=600.0))
    return {clause for r in results if not r.holds for clause in r.obligation.clauses}


def merge_or(copied: Any, modified: Any) -> Any:
    copied |= modified
    return copied


def merge_xor(copied: Any, modified: Any) -> Any:
    copied ^= modified
    return copied


def merge_not(_: Any, modified: Any) -> Any:
    return ~modified


def merge_nothing(copied: Any, _: Any) -> Any:
    return copied


@pytest.mark.parametrize("fault", [merge_or, merge_xor, merge_not, merge_nothing])
def test_a_broken_merge_is_red(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitmap, "merge", fault)
    assert "SYNC-2" in red_clauses("merge")


def unmarked(write: Callable[[Grain, Change], Grain]) -> Callable[[Grain, Change], Grain]:
    return lambda grain, change: evolve(write(grain, change), modified=grain.modified)


# Function, fault, a clause that must be named.
FAULTS: list[tuple[str, Any, str]] = [
    ("idle_grain", lambda s, t: Grain(s, t, True, False), "LIFE-2"),
    ("invariant", grain_machine.modified_is_copied, "INV-1"),
    ("invariant", grain_machine.clean_copy_is_equal, "INV-2"),
    ("clean_copy_is_equal", lambda _: True, "INV-1"),
    ("modified_is_copied", lambda _: True, "INV-2"),
    ("is_diverged", lambda g: g.copied, "WRITE-1"),
    ("is_diverged", lambda g: g.modified, "WRITE-1"),
    ("read_source", lambda g: g.target, "READ-1"),
    ("read_target", lambda g: g.target, "READ-2"),
    ("read_target", lambda g: g.source, "READ-2"),
    ("copy", lambda g: evolve(g, copied=True), "COPY-1"),
    ("copy", lambda g: evolve(g, target=g.source, copied=True), "COPY-1"),
    ("diverge", grain_machine.copy, "WRITE-1"),
    ("diverge", lambda g: evolve(g, copied=True, modified=True), "WRITE-1"),
    ("write_source", lambda g, change: evolve(g, source=change(g.source)), "WRITE-2"),
    ("write_source", unmarked(grain_machine.write_source), "WRITE-2"),
    ("write_target", unmarked(grain_machine.write_target), "WRITE-3"),
    ("write_target", lambda g, change: evolve(g, target=change(g.target)), "WRITE-3"),
    ("sync", lambda g: evolve(g, copied=both(g.copied, negate(g.modified))), "SYNC-1"),
    ("sync", lambda g: evolve(g, copied=False, modified=False), "MIN-1"),
    ("start", lambda g: evolve(g, copied=False), "START-1"),
    ("mark_modified", lambda g: g, "START-1"),
]


@pytest.mark.parametrize(
    ("function", "fault", "clause"), FAULTS, ids=[f"{f}-{i}" for i, (f, _, _) in enumerate(FAULTS)]
)
def test_a_broken_grain_machine_is_red(
    function: str, fault: Any, clause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grain_machine, function, fault)
    assert clause in red_clauses("refinement")


def test_every_function_of_the_grain_machine_is_broken_here() -> None:
    broken = {function for function, _, _ in FAULTS}
    public = {
        name
        for name, value in vars(grain_machine).items()
        if getattr(value, "__module__", "") == grain_machine.__name__
        and callable(value)
        and not isinstance(value, type)
    }
    assert broken == public


def test_the_message_names_obligation_and_clause_and_shows_the_maps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bitmap, "merge", merge_or)
    result = CliRunner().invoke(prove_command, ["--obligation", "merge.and-not", "--seeds", "1"])
    assert result.exit_code == 1
    assert "merge.and-not (SYNC-2, SYNC-1): The merge leaves copied exactly" in result.output
    assert "the code as it is: refuted" in result.output
    assert "copied and not modified" in result.output
    assert "again: flashcopy prove --obligation merge.and-not --seeds 1" in result.output


def test_the_message_tells_the_story_of_a_broken_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grain_machine, "sync", lambda g: evolve(g, modified=False))
    result = CliRunner().invoke(prove_command, ["--obligation", "refinement.sync"])
    assert result.exit_code == 1
    assert "refinement.sync (SYNC-1, INV-1, IMG-1)" in result.output
    assert "sync: done" in result.output
    assert ", must be 1 1" in result.output
