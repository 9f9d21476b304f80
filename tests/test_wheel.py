"""What `pip install` brings: every module of the project and every file that one of them reads.

The wheel is built from a copy without a network, by the setuptools of this environment.
"""

import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.docs_clauses import ROOT

PACKAGES = ("model", "impl", "proofs", "harness", "conformance", "cli")
ONLY_FOR_TESTS = ("pytest", "jsonschema", "mypy", "ruff", "import-linter", "distributed")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy, so that nothing of an earlier build gets in."""
    place = tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, place / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, place / name)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    command = [sys.executable, "-W", "ignore", "-c", build]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / done.stdout.splitlines()[-1]


def test_it_holds_every_file_of_every_package(wheel: Path) -> None:
    there = {
        f"flashcopy/{path.relative_to(ROOT)}"
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("flashcopy/")}
    assert packed == there
    assert {Path(name).suffix for name in packed} >= {".py", ".j2", ".css", ".json", ".tla", ".pml"}


def test_it_needs_nothing_that_only_tests_need(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    needed = message_from_bytes(archive.read(name)).get_all("Requires-Dist") or []
    always = [line for line in needed if "extra ==" not in line]
    assert len(always) > 5
    assert not [line for line in always if line.startswith(ONLY_FOR_TESTS)]


def test_it_brings_the_command_the_plugin_and_the_bundled_adapter(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    text = archive.read(name).decode()
    for group in ("[console_scripts]", "[pytest11]", "[flashcopy.adapters]"):
        assert group in text
