"""The pytest plugin in other people's runs: the whole kit in ten lines, and nothing unasked.

READ-2, WRITE-1: what is violated is a failure, what breaks down an error, what is not claimed
skipped.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from flashcopy.conformance import suite

pytest_plugins = ["pytester"]
INI = "[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n"
OF_A_PROGRAM = """
import sys
from flashcopy.conformance.suite import FlashcopyConformance

class TestMine(FlashcopyConformance):
    command = [sys.executable, "-m", "flashcopy.conformance.zoo", "{member}"]
"""
OF_A_CLASS = """
from flashcopy.cli.bundled import BundledAdapter
from flashcopy.conformance.adapter import Capability, Hello
from flashcopy.conformance.suite import FlashcopyConformance

class Modest(BundledAdapter):
    def hello(self):
        return Hello("modest", "1", frozenset({Capability.BACKGROUND_COPY}))

class Raises(BundledAdapter):
    def sync(self):
        raise ZeroDivisionError("no reason")

class TestModest(FlashcopyConformance):
    adapter = Modest

class TestRaises(FlashcopyConformance):
    adapter = Raises

class TestNeither(FlashcopyConformance):
    pass
"""


WORDS = ("-rsfE", "-p", "no:cacheprovider")


def run(pytester: pytest.Pytester, test: str, *words: str) -> tuple[int, str]:
    """Exit status and output of pytest on one file, in a project of its own.

    It runs in this process, which has imported the kit and made the vectors already.
    """
    assert suite.__name__ in sys.modules
    pytester.makefile(".ini", pytest=INI)
    pytester.makepyfile(test_it=test)
    done = pytester.runpytest_inprocess(*WORDS, *words)
    return done.ret, done.stdout.str() + done.stderr.str()


def run_alone(directory: Path, test: str) -> tuple[int, str]:
    """Likewise, in a process that has imported nothing yet."""
    (directory / "pytest.ini").write_text(INI, encoding="utf-8")
    (directory / "test_it.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *WORDS]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_is_right_passes(pytester: pytest.Pytester) -> None:
    chosen = "errors or liveness or second-opener or fake-read or marks-survive or zero-length"
    status, said = run(pytester, OF_A_PROGRAM.format(member="right"), "-v", "-k", chosen)
    assert status == 0, said
    assert "TestMine::test_check[errors] PASSED" in said
    assert "TestMine::test_vector[marks-survive] PASSED" in said


def test_a_violation_fails_with_its_explanation_and_history(pytester: pytest.Pytester) -> None:
    test = OF_A_PROGRAM.format(member="write-before-copy")
    words = ("-k", "boundaries or copy-on-write-of", "--flashcopy-seed", "7")
    status, said = run(pytester, test, *words)
    assert status == 1, said
    assert "2 failed" in said
    assert "READ-2 is violated: target block" in said
    assert "start -> done" in said
    again = "again: flashcopy conform --effort quick --seed 7 --check boundaries stdio -- "
    assert again in said
    trace = pytester.path / "traces" / "boundaries.json"
    assert f"replay them: flashcopy replay {trace}" in said
    assert trace.exists()
    assert "it looks for: only the blocks of the request are copied" in said
    assert "flashcopy vectors run --vector copy-on-write-of-a-part vectors stdio -- " in said


def test_skipped_and_errored_are_neither_passed_nor_failed(pytester: pytest.Pytester) -> None:
    chosen = "interleaving or minimality or zeroes-copy-first or sync-shows"
    status, said = run(pytester, OF_A_CLASS, "-k", chosen, "--flashcopy-timeout", "5")
    assert status == 1, said
    assert "does not claim concurrent" in said
    assert "does not claim target_write, write_zeroes" in said
    assert "sync raised ZeroDivisionError: no reason" in said
    assert "TestNeither: set one of command and adapter" in said
    assert "failed" not in said.splitlines()[-1]
    assert "ERROR test_it.py::TestRaises::test_vector[sync-shows-source-writes]" in said


@pytest.mark.parametrize(
    "words",
    [("--flashcopy-effort", "huge"), ("--flashcopy-seed", "odd"), ("--flashcopy-timeout", "0")],
)
def test_wrong_options(words: tuple[str, ...], pytester: pytest.Pytester) -> None:
    chosen = ("-k", "fake-read")
    status, said = run(pytester, OF_A_PROGRAM.format(member="right"), *chosen, *words)
    assert status != 0, said
    assert words[0] in said


def test_other_people_pay_nothing(tmp_path: Path, pytester: pytest.Pytester) -> None:
    """Nothing of the kit is imported, and nothing is said, in a run that does not ask for it."""
    test = (
        "import sys\n"
        "def test_nothing_is_imported():\n"
        "    ours = {name for name in sys.modules if name.startswith('flashcopy.')}\n"
        "    assert ours <= {'flashcopy.conformance', 'flashcopy.conformance.pytest_plugin'}\n"
        "    assert 'attrs' not in sys.modules and 'z3' not in sys.modules\n"
    )
    status, said = run_alone(tmp_path, test)
    assert status == 0, said
    assert "1 passed" in said
    assert "--flashcopy" not in said
    assert run(pytester, "def test_nothing(): pass", "-p", "no:flashcopy")[0] == 0
