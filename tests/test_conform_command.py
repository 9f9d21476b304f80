"""`flashcopy conform`: verdicts, exit status, what is skipped and why, and bad input."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.cli.conform import conform
from flashcopy.conformance.adapter import Capability, Hello, RefusedError
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.model.images import Volume
from flashcopy.model.operation import Refusal
from flashcopy.model.trace import load

SERVE = ["stdio", "--", sys.executable, "-m", "flashcopy.cli", "serve", "--durability", "process"]


def run(*words: str, status: int = 0) -> Result:
    """The command's result; it must end with this status."""
    result = CliRunner().invoke(conform, ["--seed", "1", *words])
    assert result.exit_code == status, result.output
    return result


def judged(adapter: str, *words: str, status: int) -> dict[str, Any]:
    """What the command says, as JSON, of a class in this file."""
    result = run("--json", *words, "python", f"{__name__}:{adapter}", status=status)
    said: dict[str, Any] = json.loads(result.output)
    return said


class LosesTargetTail(BundledAdapter):
    """READ-2: reads of the target are answered from the source once a sync was made."""

    synced = False

    def sync(self) -> None:
        super().sync()
        self.synced = True

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        return super().read(Volume.SOURCE if self.synced else volume, offset, length)


class Claimless(BundledAdapter):
    """Claims next to nothing, so that nothing but the plainest is tried."""

    def hello(self) -> Hello:
        return Hello("claimless", "1", frozenset({Capability.BACKGROUND_COPY}))


class Idler(Claimless):
    """COPY-5: ought to copy by itself, and does not."""

    def hello(self) -> Hello:
        return Hello("idler", "1", frozenset())


class Raises(BundledAdapter):
    """Breaks down at every sync."""

    def sync(self) -> None:
        raise ZeroDivisionError("no reason")


class Internal(BundledAdapter):
    """Answers `internal` where nothing is wrong."""

    def flush(self, volume: Volume) -> None:
        raise RefusedError(None, f"cannot flush {volume.value}")


class Timid(BundledAdapter):
    """Refuses what it must carry out."""

    def start(self) -> None:
        raise RefusedError(Refusal.INVALID_STATE, "not now")


class Wasteful(BundledAdapter):
    """MIN-1: a sync that copies everything again."""

    def sync(self) -> None:
        super().sync()
        super().start()


class Recopies(BundledAdapter):
    """MIN-2: a background copy of all grains begins with those that are copied."""

    def background_copy(self, grains: int | None) -> int:
        copied = super().background_copy(grains)
        return copied if grains is not None else self.status().grains


class Forgets(BundledAdapter):
    """CRASH-1: opens with a source that is not what was flushed."""

    def open(self, directory: Path) -> None:
        (directory / "source").write_bytes(bytes((directory / "source").stat().st_size))
        super().open(directory)


def test_the_bundled_implementation_conforms() -> None:
    """READ-1, READ-2, CONC-2, CRASH-1: every check, in this process."""
    said = json.loads(run("--json", "bundled").output)
    assert said["verdict"] == "conforming"
    assert [check["id"] for check in said["checks"]] == [check.id for check in CHECKS]
    tried = [check for check in said["checks"] if check["id"] != "power-loss"]
    assert all(check["verdict"] == "conforming" for check in tried)
    assert all(check["steps"] and not check["waste"] for check in tried)


def test_through_stdio() -> None:
    """The same through a program, with requests in flight and kills."""
    ids = ["errors", "interleaving", "restart"]
    checks = [word for id_ in ids for word in ("--check", id_)]
    said = json.loads(run("--json", *checks, *SERVE).output)
    assert {check["id"]: check["verdict"] for check in said["checks"]} == dict.fromkeys(
        ids, "conforming"
    )


def test_a_violation_is_shrunk_explained_and_written(tmp_path: Path) -> None:
    """READ-2: a start, a write, a sync, a write and a read are all it takes."""
    # At standard effort there is time to shrink on a busy machine, too.
    words = ("--effort", "standard", "--check", "data", "--report", str(tmp_path))
    (violation,) = judged("LosesTargetTail", *words, status=1)["violations"]
    assert violation["clause"] == "READ-2"
    assert re.match(r"target block \d+ \(grain \d+\) is (too new|stale)", violation["explanation"])
    trace = load(Path(violation["trace"]))
    assert trace.finding == violation["explanation"]
    assert len(trace.entries) <= 12
    text = run(*words, "python", f"{__name__}:LosesTargetTail", status=1).output
    assert f"flashcopy replay {tmp_path / 'data.json'}" in text
    assert "flashcopy conform --effort standard --seed 1 --check data python" in text


def test_what_is_not_claimed_is_skipped_with_the_reason() -> None:
    said = judged("Claimless", status=0)
    reasons = {each["check"]: each["reason"] for each in said["skipped"]}
    assert set(reasons) == {"interleaving", "restart", "power-loss", "second-opener", "maps"}
    assert reasons["restart"].endswith("does not claim restart")


@pytest.mark.parametrize(
    ("adapter", "check", "clause"),
    [
        ("Internal", "data", "FLUSH-1"),
        ("Idler", "liveness", "COPY-5"),
        ("Timid", "liveness", "START-1"),
        ("Forgets", "restart", "CRASH-1"),
        ("LosesTargetTail", "boundaries", "READ-2"),
    ],
)
def test_convicts(adapter: str, check: str, clause: str, tmp_path: Path) -> None:
    """FLUSH-1, START-1, CRASH-1, READ-2: by the check that is after it."""
    words = ("--check", check, "--timeout", "1", "--report", str(tmp_path))
    (violation,) = judged(adapter, *words, status=1)["violations"]
    assert violation["clause"] == clause


def test_convicts_with_many_in_flight(tmp_path: Path) -> None:
    """READ-2, IMG-1, CONC-2: which contradiction comes first is a matter of timing."""
    words = ("--check", "interleaving", "--report", str(tmp_path))
    (violation,) = judged("LosesTargetTail", *words, status=1)["violations"]
    assert violation["clause"] in ("READ-2", "IMG-1", "CONC-2")


def test_waste_is_no_violation() -> None:
    """MIN-1."""
    (check,) = judged("Wasteful", "--check", "minimality", status=0)["checks"]
    (waste,) = check["waste"]
    assert waste == (
        "MIN-1: 3 grains were written, and a sync leaves 16 to be copied again, grains 0, 2, 3, 6,"
        " 7, 8, 9, 10, 11, 12, 13, 14, 15 for nothing"
    )


def test_copying_twice_is_waste_too() -> None:
    """MIN-2: told by how many grains a background copy says it has copied."""
    (check,) = judged("Recopies", "--check", "minimality", status=0)["checks"]
    assert check["waste"] == [
        "MIN-2: 3 grains were written and so copied after a start, 13 were left, and a background"
        " copy copied 16",
        "MIN-2: 1 grain was written and so copied after a sync, 2 were left, and a background copy"
        " copied 16",
    ]


def test_a_breakdown_is_errored() -> None:
    said = judged("Raises", "--check", "data", "--check", "errors", status=3)
    assert said["verdict"] == "errored"
    assert not said["violations"]
    assert "sync raised ZeroDivisionError: no reason" in said["checks"][0]["errored"]


def test_last_words_are_told_once() -> None:
    options = ("--check", "errors", "--check", "boundaries")
    text = run(*options, "python", f"{__name__}:Raises", status=3).output
    assert text.count("ZeroDivisionError: no reason") == 1
    assert "boundaries: errored, as errors\n" in text
    assert "--check boundaries python " in text


def test_a_program_that_is_none() -> None:
    text = run("--timeout", "5", "stdio", "--", "echo", "hello", status=3).output
    assert "echo hello broke down: it wrote what is not JSON: 'hello'" in text


def test_a_class_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it lacks and where it raised is said, and nothing of where the kit was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "odd.py").write_text("class Bare: ...\ndef raises(): raise KeyError('why')\n")
    said = run("python", "odd:Bare", status=3).output
    assert "python odd:Bare broke down: Bare has no method hello\n" in said
    said = run("python", "odd:raises", status=3).output
    assert "its construction raised KeyError: 'why'" in said
    assert 'odd.py", line 2, in raises' in said
    assert "Traceback" not in said
    assert "inprocess.py" not in said


@pytest.mark.parametrize("code", ["1 / 0", "def", "raise SystemExit(0)", "Class = 3"])
def test_a_module_that_cannot_be_imported(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"broken_{len(code)}"
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"{name}.py").write_text(code)
    (said,) = run("python", f"{name}:Class", status=2).output.splitlines()[-1:]
    assert said.startswith(f"Error: python {name}:Class")


def test_list_for_machines() -> None:
    listed = json.loads(run("--list", "--json").output)
    assert [each["id"] for each in listed] == [check.id for check in CHECKS]
    assert {tuple(each) for each in listed} == {("id", "clauses", "needs", "fault")}


def test_list() -> None:
    text = run("--list").output
    assert all(check.id in text for check in CHECKS)
    assert {need for check in CHECKS for need in check.needs} <= set(Capability)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no such target: (none)"),
        (["nonsense"], "or one of: bundled"),
        (["stdio", "--", "./no-such-command"], "no such command: ./no-such-command"),
        (["python", "no_such_module:Class"], "No module named"),
        (["stdio", "--", "/etc/passwd"], "that is no program that may be run: /etc/passwd"),
        (["python", "json:NoSuchClass"], "NoSuchClass"),
        (["python", "json"], "python json: give MODULE:CLASS"),
        (["zoo"], "give --all, or one name of the zoo: right, "),
        (["zoo", "merge-orr"], "the zoo has no merge-orr, but merge-or, "),
        (["bundled", "--json"], "options such as --json go before the target"),
        (["--timeout", "nan", "bundled"], "nan is no number of seconds"),
        (["--timeout", "inf", "bundled"], "inf is no number of seconds"),
        (["--report", "/proc/x", "bundled"], "nothing can be written to /proc"),
        (["--check", "nonsense", "bundled"], "no check is called nonsense; there are: errors"),
        (["--report", "/dev/null/x", "bundled"], "nothing can be written to /dev/null"),
        (["--report", "x", "zoo", "--all"], "zoo --all prints the score of the kit itself"),
    ],
)
def test_wrong_usage(words: list[str], message: str) -> None:
    assert message in run(*words, status=2).output
