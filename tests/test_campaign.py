"""Campaigns: every case once, whatever is lost or interrupted meanwhile, and one report of all."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field
from click.testing import CliRunner, Result

from flashcopy.cli.campaign import campaign
from flashcopy.conformance.adapter import Capability, Hello
from flashcopy.conformance.campaign.cases import Campaign, Case, Outcome, cases_of, trimmed
from flashcopy.conformance.campaign.journal import JournalError, opened, require_same
from flashcopy.conformance.campaign.pools import NoClusterError
from flashcopy.conformance.campaign.run import TRIES, WorkerError
from flashcopy.conformance.campaign.run import run as run_cases
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import Finding
from flashcopy.conformance.runner import Result as CheckResult
from flashcopy.conformance.runner import Verdict
from tests.campaign_targets import VARIABLE
from tests.docs_clauses import ROOT
from tests.test_conform_wire import alive
from tests.test_report import check_junit, check_page, rows
from tests.test_report_drawing import contradiction

TARGET = "python tests.campaign_targets:"
SMALL = ["--check", "minimality", "--seed", "1"]
PLAN = Campaign((("zoo", "right"), ("bundled",)), ("data", "errors"), "quick", (1, 2, 3), 10.0)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find the tests' implementations, and these their directory."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.chdir(ROOT)


def run(directory: Path, *words: str, status: int = 0) -> Result:
    """The command's result; it must end with this status."""
    result = CliRunner().invoke(campaign, ["--report", str(directory / "report"), *words])
    assert result.exit_code == status, result.output
    return result


def said(directory: Path, *words: str, status: int = 0) -> dict[str, Any]:
    """What the command says as JSON."""
    told: dict[str, Any] = json.loads(run(directory, "--json", *words, status=status).output)
    return told


def runs(directory: Path) -> int:
    """How many cases were run in all processes together."""
    return (directory / "runs").read_text().count("run")


def outcome(case: Case, finding: Finding | None = None) -> Outcome:
    """An outcome without the work."""
    (check,) = [check for check in CHECKS if check.id == case.check]
    verdict = Verdict.VIOLATION if finding else Verdict.CONFORMING
    hello = Hello("name", "1", frozenset({Capability.STOP, Capability.RESTART}))
    return Outcome(case, CheckResult(check, verdict, 7, 0.5, finding, waste=("much",)), hello)


class _LostError(Exception):
    pass


@define(eq=False)
class FakePool:
    """Judges at once; cases in `loses` lose their worker so many times."""

    loses: dict[Case, int] = field(factory=dict)
    fails: type[Exception] | None = None
    is_gone: bool = False
    lost: int = 0
    submitted: list[Case] = field(factory=list)
    stopped: int = 0

    def capacity(self) -> int:
        return 2

    def submit(self, case: Case) -> "Future[Outcome]":
        self.submitted.append(case)
        future: Future[Outcome] = Future()
        if self.is_gone:
            future.cancel()
            future.set_running_or_notify_cancel()
        elif self.fails:
            future.set_exception(self.fails("no reason"))
        elif self.loses.get(case, 0) > 0:
            self.loses[case] -= 1
            self.lost += 1
            future.set_exception(_LostError())
        else:
            future.set_result(outcome(case))
        return future

    def was_lost(self, error: BaseException) -> bool:
        return isinstance(error, _LostError)

    def stop(self) -> None:
        self.stopped += 1


def judged_once(outcomes: Iterable[Outcome]) -> bool:
    """Whether each case of the plan has one outcome."""
    return Counter(each.case for each in outcomes) == Counter(cases_of(PLAN))


def test_every_case_is_judged_once_though_workers_are_lost() -> None:
    first, second, *_ = cases_of(PLAN)
    pool = FakePool({first: TRIES - 1, second: TRIES})
    outcomes = list(run_cases(cases_of(PLAN), pool))
    assert judged_once(outcomes)
    verdicts = {each.case: each.result.verdict for each in outcomes}
    assert verdicts.pop(second) is Verdict.ERRORED
    assert set(verdicts.values()) == {Verdict.CONFORMING}
    assert pool.stopped == 1


def test_who_stops_listening_stops_the_campaign() -> None:
    pool = FakePool()
    outcomes = run_cases(cases_of(PLAN), pool)
    next(outcomes)
    outcomes.close()
    assert pool.stopped == 1
    assert len(pool.submitted) < len(list(cases_of(PLAN)))
    broken = FakePool(fails=ZeroDivisionError)
    with pytest.raises(WorkerError, match="ZeroDivisionError: no reason"):
        list(run_cases(cases_of(PLAN), broken))
    assert broken.stopped == 1
    gone = FakePool(is_gone=True)
    with pytest.raises(NoClusterError, match="--resume goes on"):
        list(run_cases(cases_of(PLAN), gone))
    assert gone.stopped == 1


def test_the_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    finding = contradiction()
    outcomes = [outcome(case, finding) for case in cases_of(PLAN)]
    with opened(tmp_path, resume=False) as journal:
        assert journal.campaign is None
        journal.begin(PLAN)
        for each in outcomes:
            journal.add(each)
        with (
            pytest.raises(JournalError, match="being written by another campaign"),
            opened(tmp_path, resume=True),
        ):
            pass
    with opened(tmp_path, resume=True) as journal:
        assert journal.campaign == PLAN
        assert journal.done == outcomes
        require_same(PLAN, journal)


def test_a_torn_last_line_counts_as_not_done(tmp_path: Path) -> None:
    """Wherever it was cut off; and what is written next is whole again."""
    cases = list(cases_of(PLAN))
    with opened(tmp_path, resume=False) as journal:
        journal.begin(PLAN)
        journal.add(outcome(cases[0]))
        before = journal.path.stat().st_size
        journal.add(outcome(cases[1]))
    whole = journal.path.read_bytes()
    for cut in {before, before + 1, (before + len(whole)) // 2, len(whole) - 1}:
        journal.path.write_bytes(whole[:cut])
        with opened(tmp_path, resume=True) as torn:
            assert [each.case for each in torn.done] == cases[:1]
            torn.add(outcome(cases[2]))
        with opened(tmp_path, resume=True) as mended:
            assert [each.case for each in mended.done] == [cases[0], cases[2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no campaign to resume"),
        ('{"format": "flashcopy-trace", "version": 1}\n', "line 1, is not of a campaign's"),
        ("no JSON\n", "line 1, is not of a campaign's"),
    ],
)
def test_a_journal_that_is_none(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    path = tmp_path / "report" / "campaign.jsonl"
    path.write_text(text)
    assert message in run(tmp_path, "--resume", status=2).output
    assert path.read_text() == text


def test_only_the_shortest_trace_is_kept() -> None:
    finding = contradiction()
    lengths: dict[tuple[object, ...], int] = {}
    first, second = [Case(("bundled",), "data", seed) for seed in (1, 2)]
    assert trimmed(outcome(first, finding), lengths) == outcome(first, finding)
    without = trimmed(outcome(second, finding), lengths).result.finding
    assert without == evolve(finding, trace=None)
    assert trimmed(outcome(first), lengths) == outcome(first)


def test_local_workers(tmp_path: Path) -> None:
    """A right one and a wrong one with three seeds, over two processes, in every format."""
    targets = ["--target", f"{TARGET}Noted", "--target", f"{TARGET}CopiesAll"]
    words = ["--workers", "2", "--seeds", "3", *SMALL, *targets]
    told = said(tmp_path, *words, status=1)
    right, wrong = told["targets"]
    assert (right["verdict"], wrong["verdict"], told["verdict"]) == (
        "conforming",
        "violation",
        "violation",
    )
    assert [check["runs"] for check in right["checks"] + wrong["checks"]] == [3, 3]
    assert wrong["checks"][0]["seeds"]["violation"] == [1, 2, 3]
    (violation,) = wrong["violations"]
    assert Path(violation["trace"]).exists()
    files = {
        path.suffix: path.read_text(encoding="utf-8")
        for path in (tmp_path / "report").glob("report.*")
    }
    assert json.loads(files[".json"]) == told
    assert len(check_junit(files[".xml"]).findall("testsuite")) == 2
    assert len(check_page(files[".html"]).all("article")) == 1
    assert ["minimality", "violation", "3"] in [row[:3] for row in rows(files[".md"])]


def test_it_stops_early_if_told(tmp_path: Path) -> None:
    words = ["--workers", "1", "--seeds", "50", *SMALL, "--target", f"{TARGET}CopiesAll"]
    told = said(tmp_path, *words, "--stop-early", status=1)
    assert told["notes"] == ["49 of 50 cases were not judged; --resume judges them."]
    assert not told["interrupted"]
    assert [each["runs"] for each in told["targets"][0]["checks"]] == [1]


def test_a_worker_that_is_lost(tmp_path: Path) -> None:
    """What it was at is judged again; a case that no worker survives is errored."""
    targets = ["--target", f"{TARGET}LosesItsWorkerOnce", "--target", f"{TARGET}LosesItsWorker"]
    told = said(tmp_path, "--workers", "1", "--seeds", "1", *SMALL, *targets, status=3)
    once, always = told["targets"]
    assert [each["runs"] for each in once["checks"]] == [1]
    assert once["verdict"] == "conforming"
    assert always["checks"][0]["errored"] == "the process that judged it was lost, 3 times in a row"
    lost = 1 + TRIES
    assert told["notes"] == [f"{lost} workers were lost, and what they were at was judged again."]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_an_interrupt_and_what_follows(tmp_path: Path, how: signal.Signals) -> None:
    """Exit status 130, a report, no process left; resumed, no case is judged twice."""
    for pipe in ("pipe", "never"):
        os.mkfifo(tmp_path / pipe)
    report = tmp_path / "report"
    command = [sys.executable, "-m", "flashcopy.cli", "campaign", "--report", str(report)]
    words = ["--workers", "1", "--seeds", "5", *SMALL, "--target", f"{TARGET}Gate", "--json"]
    with subprocess.Popen(
        [*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as first:
        worker = int((tmp_path / "pipe").read_text())
        os.killpg(first.pid, how)  # as a terminal does, to the workers as well
        output, errors = first.communicate(timeout=60)
    assert (first.returncode, errors) == (130, b"")
    assert not alive(worker)
    told = json.loads(output)
    assert told["interrupted"]
    assert [each["runs"] for each in told["targets"][0]["checks"]] == [2]
    assert json.loads((report / "report.json").read_text()) == told
    refused = run(tmp_path, "--resume", "--seeds", "6", status=2).output
    assert "its seeds are 1 to 5, not 1 to 6" in refused
    assert "--resume" in run(tmp_path, *words, status=2).output
    told = said(tmp_path, "--resume", "--workers", "1")
    assert [each["runs"] for each in told["targets"][0]["checks"]] == [5]
    assert told["notes"] == ["2 cases had been judged before, and were not judged again."]
    assert runs(tmp_path) == 6  # the one that was interrupted was begun twice


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give at least one --target"),
        (["--target", "nonsense"], "no such target: nonsense"),
        (["--target", "zoo 'right"], "No closing quotation"),
        (["--target", "bundled", "--check", "nonsense"], "no check is called nonsense"),
        (["--target", "bundled", "--workers", "2", "--scheduler", "x"], "workers of its own"),
        (["--target", "bundled", "--report", "/dev/null/x"], "nothing can be written to"),
    ],
)
def test_wrong_usage(words: list[str], message: str, tmp_path: Path) -> None:
    assert message in run(tmp_path, *words, status=2).output
    assert not (tmp_path / "report" / "report.json").exists()


def test_no_scheduler_there(tmp_path: Path) -> None:
    words = ["--target", "bundled", "--scheduler", "nonsense://nowhere"]
    assert "--scheduler nonsense://nowhere: " in run(tmp_path, *words, status=2).output
    assert "--resume" not in run(tmp_path, *words, status=2).output  # no journal was begun
