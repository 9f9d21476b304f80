"""`flashcopy check`: one table, one verdict, a seed that repeats it; a broken part is red.

LIFE-1 and SYNC-2 stand for all clauses here: what is tested is that a verdict arrives.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner

from flashcopy.cli import check as module
from flashcopy.harness import stateful
from flashcopy.harness.efforts import EFFORTS
from flashcopy.impl import bitmap
from flashcopy.model import trace

# Little, but enough for the parts that are run here to come by everything they must.
LITTLE = evolve(EFFORTS["quick"], stateful_runs=150, threaded_loads=2)


def invoke(
    monkeypatch: pytest.MonkeyPatch, parts: list[str], *options: str, **effort: Any
) -> tuple[int, str]:
    """Exit status and output of `check` with some of its parts."""
    monkeypatch.setattr(module, "PARTS", {name: module.PARTS[name] for name in parts})
    monkeypatch.setitem(EFFORTS, "quick", evolve(LITTLE, **effort))
    result = CliRunner().invoke(module.check, [*options])
    return result.exit_code, result.output


def test_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 0, a row a part, and how to repeat it."""
    status, output = invoke(monkeypatch, ["stateful", "threaded"], "--seed", "5")
    assert status == 0, output
    assert output.count("holds") == 2
    assert "--effort quick --seed 5" in output


def test_a_violation_is_red(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SYNC-2: exit status 1, the clause, and a trace file that can be read."""

    def or_instead(copied: Any, modified: Any) -> Any:
        return copied | modified

    monkeypatch.setattr(bitmap, "merge", or_instead)
    status, output = invoke(monkeypatch, ["stateful"], "--json", "--traces", str(tmp_path))
    assert status == 1
    said = json.loads(output)
    assert said["verdict"] == "violation"
    assert said["parts"][0]["violation"]["clause"] == "SYNC-2"
    assert trace.load(Path(said["parts"][0]["violation"]["trace"])).clause == "SYNC-2"


def test_a_violation_is_said_without_its_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SYNC-2: a trace that cannot be written does not take the verdict with it."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(bitmap, "merge", lambda copied, modified: copied | modified)
    status, output = invoke(monkeypatch, ["stateful"], "--traces", str(tmp_path / "file" / "sub"))
    assert status == 1
    assert "cannot write the trace" in output
    assert "SYNC-2 is violated" in output


def test_a_run_that_came_to_nothing_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIFE-1: what was never visited was not checked."""
    status, output = invoke(monkeypatch, ["stateful"], stateful_runs=1, stateful_steps=1)
    assert status == 1
    assert "never came to" in output
    assert stateful.edge_name(*next(iter(stateful.EDGES))).split(" -- ")[0] in output
