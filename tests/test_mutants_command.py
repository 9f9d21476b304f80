"""`flashcopy mutants`: a matrix of who caught what, and red where nobody did (CRASH-2, READ-2)."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from flashcopy.cli.mutants import mutants
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.mutants import MUTANTS
from flashcopy.model.trace import load


def test_matrix(tmp_path: Path) -> None:
    """Each method's catch with its clause and amount; the shortest trace is written."""
    names = ["write-without-map-flush", "zeroes-skip-copy-on-write", "merge-first-word-only"]
    result = CliRunner().invoke(mutants, [*names, "--json", "--traces", str(tmp_path)])
    assert result.exit_code == 0, result.output
    said = {row["name"]: row for row in json.loads(result.output)["mutants"]}
    assert said[names[0]]["methods"]["harness"]["clause"] in MUTANTS[names[0]].clauses
    assert said[names[0]]["methods"]["harness"]["steps"] > 0
    assert said[names[0]]["methods"]["explorer"]["states"] > 0
    assert said[names[1]]["methods"]["explorer"]["clause"] in MUTANTS[names[1]].clauses
    # The explorer cannot see this one; the matrix says so and why.
    assert said[names[2]]["methods"]["explorer"] is None
    assert "65 grains" in said[names[2]]["misses"]["explorer"]
    for name in names:
        assert load(tmp_path / f"{name}.json").settings["mutant"] == name


def test_a_mutant_that_nobody_catches_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """READ-2: what breaks nothing is caught by nobody."""
    monkeypatch.setitem(MUTANTS, "harmless", Mutant("harmless", ("READ-2",), "nothing at all"))
    result = CliRunner().invoke(mutants, ["harmless", "--runs", "20"])
    assert result.exit_code == 1
    assert "not caught by anybody: harmless" in result.output


def test_at_least_forty_mutants() -> None:
    """There are enough of them, each with the harm it would do and a clause that forbids it."""
    assert len(MUTANTS) >= 40
    assert all(mutant.harm and mutant.clauses for mutant in MUTANTS.values())


def test_unknown_mutant() -> None:
    """One line and exit status 2."""
    result = CliRunner().invoke(mutants, ["nonsense"])
    assert result.exit_code == 2
    assert "no mutant is called nonsense" in result.output
