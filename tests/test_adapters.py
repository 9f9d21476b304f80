"""The examples of the adapter guide, made and judged as a newcomer would from the guide.

READ-2, WRITE-1, CRASH-1: each must conform; the commands are the guide's own.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from flashcopy.cli.vectors import vectors
from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.vectors.files import fill
from tests.docs_clauses import ROOT
from tests.docs_sessions import blocks
from tests.saying import IS_DEEP

GUIDE = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "examples").iterdir())
SESSIONS = blocks(GUIDE, "sh")
# An example in C is started in no time; for the others these are what the checks here do not do.
CHOSEN = {
    "python3": (
        "marks-survive",
        "answered-sync-has-happened",
        "killed-twice",
        "closing-changes-nothing",
    ),
    "node": ("refused-changes-no-map", "marks-survive", "answered-stop-has-happened"),
}


def run(command: str, directory: Path, *, options: str = "") -> str:
    """What a command of the guide says, in a copy of the examples; it must succeed."""
    words = shlex.split(command)
    needed = words[0] if words[0] != "flashcopy" else words[4]
    if "/" not in needed and shutil.which(needed) is None:
        pytest.skip(f"{needed} is not installed")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("flashcopy conform", f"flashcopy conform {options}")],
        cwd=directory,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As a newcomer has it."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vectors, made once: that takes longer than to run them."""
    directory = tmp_path_factory.mktemp("vectors")
    fill(directory)
    return directory


@pytest.mark.parametrize("session", SESSIONS, ids=["python", "javascript", "c"])
def test_conforms_as_the_guide_says(session: str, checkout: Path, filled: Path) -> None:
    """At quick effort; but for the deep profile only the checks that say most in little time."""
    *before, judge = session.splitlines()
    for command in before:
        run(command, checkout)
    chosen = ("errors", "second-opener", "boundaries", "data")
    checks = "" if IS_DEEP else " ".join(f"--check {id_}" for id_ in chosen)
    said = json.loads(run(judge, checkout, options=f"--json --seed 1 {checks}"))
    assert {check["verdict"] for check in said["checks"]} <= {"conforming", "skipped"}
    target = shlex.split(judge)[2:]
    language = target[2]
    target[2] = str(checkout / "adapter") if target[2] == "./adapter" else target[2]
    target[3:] = [str(checkout / word) for word in target[3:]]
    vectors_of = () if IS_DEEP else CHOSEN.get(language, ())
    words = [word for id_ in vectors_of for word in ("--vector", id_)]
    result = CliRunner().invoke(vectors, ["run", *words, str(filled), *target])
    assert result.exit_code == 0, result.output
    assert not vectors_of or "skipped" not in result.output


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_an_example_is_read_in_one_sitting(example: Path) -> None:
    lines = example.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 100
    assert max(len(line) for line in lines) <= 100


def test_the_guide_says_which_example_shows_what() -> None:
    """Its table has the capabilities that the examples claim, and no others."""
    table = GUIDE.partition("| | in Python | in JavaScript | in C |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines()[2:]]
    for column, name in enumerate(("adapter.py", "adapter.js", "adapter.c"), start=1):
        text = (ROOT / "examples" / name).read_text(encoding="utf-8")
        shown = {c for row in rows if row[column].strip() for c in row[0].split("`")[1::2]}
        assert {c.value for c in Capability if f'"{c.value}' in text.replace("\\", "")} == shown


def test_the_guide_has_a_command_for_each_example() -> None:
    assert {path.name for path in EXAMPLES} == {"adapter.py", "adapter.js", "adapter.c"}
    for path in EXAMPLES:
        assert f"examples/{path.name}" in "\n".join(SESSIONS)


def test_the_classes_of_the_guide_are_python() -> None:
    for code in blocks(GUIDE, "python"):
        compile(code, "docs/adapters.md", "exec")


def test_the_messages_of_the_guide_are_those_of_the_kit() -> None:
    """Each breakdown that the guide explains is one that the kit can name."""
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "conformance").rglob("*.py")
    )
    _, _, table = GUIDE.partition("| the kit says |")
    rows = table.partition("\n\n")[0].splitlines()[2:]
    assert len(rows) > 8
    for row in rows:
        message = row.split("`")[1].partition("…")[0].strip()
        assert message in sources, message
