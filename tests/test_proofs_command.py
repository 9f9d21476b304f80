"""`flashcopy prove`: its table, its options, its exit status, and what it says of wrong usage."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flashcopy.cli.prove import prove
from flashcopy.model.trace import load
from flashcopy.proofs.registry import FAMILIES, obligations_of


def run(*arguments: str) -> Result:
    return CliRunner().invoke(prove, list(arguments))


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "protocol"])
def test_a_family_holds_and_the_table_lists_it(family: str) -> None:
    result = run("--family", family, "--seeds", "1")
    assert result.exit_code == 0, result.output
    for obligation in obligations_of(family):
        assert obligation.name in result.output
        assert obligation.clauses[0] in result.output
    count = len(obligations_of(family))
    assert f"{count} of {count} obligations hold" in result.output


def test_json_has_every_verdict_and_counterexample() -> None:
    result = run("--obligation", "refinement.sync", "--seeds", "2", "--json")
    assert result.exit_code == 0
    report = json.loads(result.output)
    assert report["verdict"] == "holds"
    assert report["seeds"] == [0, 1]
    (obligation,) = report["obligations"]
    assert obligation["clauses"] == ["SYNC-1", "INV-1", "IMG-1"]
    assert obligation["verdict"] == "proved"
    for mutant in obligation["mutants"]:
        assert mutant["verdict"] == "refuted"
        assert mutant["counterexample"]["trace"]["format"] == "flashcopy-trace"


def test_counterexamples_are_shown_when_asked_for() -> None:
    result = run("--obligation", "merge.minimal", "--seeds", "1", "--counterexamples")
    assert "mutant: and: refuted" in result.output
    assert "after the merge" in result.output


def test_traces_are_written_and_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "traces"
    result = run("--obligation", "refinement.copy", "--seeds", "1", "--traces", str(folder))
    assert result.exit_code == 0
    trace = load(folder / "refinement.copy.copied-without-the-data.json")
    assert trace.settings == {
        "obligation": "refinement.copy",
        "subject": "copied without the data",
    }


def test_questions_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "smt2"
    assert run("--obligation", "merge.sound", "--smt2", str(folder)).exit_code == 0
    assert "SYNC-2" in (folder / "merge.sound.claim.smt2").read_text(encoding="utf-8")


def test_the_other_solver_gives_the_same_verdicts() -> None:
    reports = [
        json.loads(run("--family", "merge", "--seeds", "1", "--solver", solver, "--json").output)
        for solver in ("z3", "cvc5")
    ]
    verdicts = [
        [
            (o["name"], o["verdict"], [(m["name"], m["verdict"]) for m in o["mutants"]])
            for o in report["obligations"]
        ]
        for report in reports
    ]
    assert verdicts[0] == verdicts[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--family", "fusion"],
            "no family 'fusion': there are merge, refinement, progress, lifecycle",
        ),
        (["--obligation", "merge.none"], "no obligation 'merge.none'"),
        (
            ["--family", "merge", "--obligation", "refinement.sync"],
            "none of these obligations is in these families",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    result = run("--obligation", "merge.sound", "--smt2", str(tmp_path / "file" / "sub"))
    assert result.exit_code == 2
    assert "cannot write into" in result.output


def test_a_budget_that_is_too_small_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flashcopy.proofs.runner.deadline_in", lambda _: lambda: 0.0)
    result = run("--obligation", "merge.sound", "--seeds", "1")
    assert result.exit_code == 1
    assert "0 of 1 obligations hold" in result.output
    assert "unknown" in result.output
