"""An interrupt ends `flashcopy conform` with a report of what was done, and no process left."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner

from flashcopy.cli import entry, zoo
from flashcopy.cli.conform import conform
from flashcopy.conformance import runner
from flashcopy.conformance.checks import interleaving
from flashcopy.conformance.zoo.members import MEMBERS
from flashcopy.conformance.zoo_score import Score
from tests.test_conform_wire import alive

# An IUT that tells its number and then never answers.
MUTE = """
import os, sys
with open(sys.argv[1], "w") as pipe:
    pipe.write(str(os.getpid()))
sys.stdin.readline()
sys.stdin.readline()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt(number: signal.Signals, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    iut = ["stdio", "--", sys.executable, "-S", "-c", MUTE, str(pipe)]
    command = [sys.executable, "-m", "flashcopy.cli", "conform", "--json", "--timeout", "60"]
    command += ["--report", str(tmp_path / "report"), *iut]
    (tmp_path / "scratch").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "scratch")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, env=environment) as kit:
        pid = int(pipe.read_text())
        kit.send_signal(number)
        output, _ = kit.communicate(timeout=60)
    assert kit.returncode == 130
    assert not list((tmp_path / "scratch").iterdir())
    said = json.loads(output)
    assert said["interrupted"]
    assert said["checks"] == []
    assert not alive(pid)
    reports = {path.name: path.read_text() for path in (tmp_path / "report").iterdir()}
    assert set(reports) == {"report.json", "report.xml", "report.md", "report.html"}
    assert json.loads(reports["report.json"]) == said
    assert all("nterrupted" in text for text in reports.values())


def interrupted(*words: str) -> dict[str, Any]:
    """What the command says as JSON, when something in this process interrupts it."""
    result = CliRunner().invoke(conform, ["--json", "--seed", "1", *words])
    assert result.exit_code == 130, result.output
    said: dict[str, Any] = json.loads(result.output)
    assert said["interrupted"]
    return said


def interrupt(*_: object) -> NoReturn:
    """As SIGINT does."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("where", "what", "check", "member"),
    [
        (runner, "shortest", "boundaries", "merge-or"),
        (interleaving, "smallest", "interleaving", "write-straddles-sync"),
    ],
)
def test_what_was_found_is_told_though_nobody_waits_for_a_shorter_history(
    where: ModuleType,
    what: str,
    check: str,
    member: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(where, what, interrupt)
    said = interrupted("--report", str(tmp_path), "--check", check, "zoo", member)
    (violation,) = said["violations"]
    assert violation["explanation"]
    assert Path(violation["trace"]).exists()
    assert said["verdict"] == "violation"


def test_the_score_of_those_that_were_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = MEMBERS
    one = Score(first, "", "", runner.Verdict.CONFORMING, "", "", "", 1, 0.0)
    scores = iter([lambda: one, interrupt])
    monkeypatch.setattr(zoo, "score", lambda *_: next(scores)())
    assert [each["name"] for each in interrupted("zoo", "--all")["members"]] == [first]
    scores = iter([lambda: one, interrupt])
    said = CliRunner().invoke(conform, ["zoo", "--all"]).output
    assert f"interrupted: {len(others)} of {len(MEMBERS)} were not judged" in said


def test_before_anything_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An interrupt while the command begins is one line, too; `entry` itself imports nothing."""

    class Beginning(ModuleType):
        def __getattr__(self, name: str) -> NoReturn:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "flashcopy.cli.main", Beginning("main"))
    with pytest.raises(SystemExit, match="130"):
        entry.main()
    assert capsys.readouterr().err == "flashcopy: interrupted\n"
    code = "import sys; old = set(sys.modules); import flashcopy.cli.entry as e"
    code += "; print(*set(sys.modules) - old - sys.stdlib_module_names)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert set(done.stdout.split()) == {b"flashcopy", b"flashcopy.cli", b"flashcopy.cli.entry"}


# An IUT that answers until a read of the target comes, tells its number, and falls silent.
SILENT = """
import json, os, sys
claims = ["concurrent", "background_copy"]
hello = {"protocol": 1, "name": "silent", "version": "1", "capabilities": claims}
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "read" and len(sys.argv) > 1:
        with open(sys.argv.pop(), "w") as pipe:
            pipe.write(str(os.getpid()))
    if len(sys.argv) > 1:
        result = hello if asked["method"] == "hello" else {"copied": 0}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def test_interrupt_with_many_in_flight(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    iut = ["stdio", "--", sys.executable, "-S", "-c", SILENT, str(pipe)]
    command = [sys.executable, "-m", "flashcopy.cli", "conform", "--json", "--timeout", "60"]
    command += ["--check", "interleaving", "--report", str(tmp_path / "report"), *iut]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as kit:
        pid = int(pipe.read_text())
        kit.send_signal(signal.SIGINT)
        output, _ = kit.communicate(timeout=60)
    assert kit.returncode == 130
    assert json.loads(output)["interrupted"]
    assert not alive(pid)
