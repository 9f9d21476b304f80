"""A fault planted in the bundled implementation's protocol is convicted through the wire, and the
explanation names its cause.

READ-2, IMG-1, CRASH-2: what the mutants below break.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flashcopy.cli.conform import conform

# A race is lost only if the system runs the threads in the wrong order: it may take another try.
TRIES = 8


def judged(mutant: str, checks: str, directory: Path) -> Iterator[dict[str, Any]]:
    """The violations that some checks find in a mutant, from seed to seed."""
    iut = ["stdio", "--", sys.executable, "-m", "tests.serve_mutant", mutant]
    ids = [word for check in checks.split() for word in ("--check", check)]
    for seed in range(1, 1 + (TRIES if mutant else 1)):
        words = ["--seed", str(seed), "--json", "--report", str(directory), *ids, *iut]
        said = json.loads(CliRunner().invoke(conform, words).output)
        assert said["verdict"] != "errored", said
        yield from said["violations"]


@pytest.mark.parametrize(
    ("mutant", "check", "clauses", "words"),
    [
        # bugs 24, 8, 17, 10, 12, 2, 27: a mark, the merge, the copier, three races, a restart.
        (
            "target-writes-not-marked",
            "data",
            {"READ-2"},
            r"is not undone: .*\(request #\d+, target blocks? [\d-]+\) came before the sync"
            r" \(request #\d+\), which must undo it: .*not tracked as a modification of grain \d+",
        ),
        (
            "merge-first-word-only",
            "boundaries",
            {"READ-2"},
            r"target block \d+ \(grain 6[4-6]\) is (stale|not undone): .*the sync"
            r" \(request #\d+\).* lost before or in the merge",
        ),
        (
            "copier-ignores-bits",
            "data",
            {"READ-2"},
            r"the background copy \(request #\d+\) copied",
        ),
        (
            "fake-read-without-lock",
            "interleaving",
            {"READ-2", "IMG-1"},
            r"sent to the source \(fake read\), where .* overtook it",
        ),
        (
            "writes-share-grains",
            "interleaving",
            {"READ-2", "IMG-1"},
            r"was not copied to the target before the write, or copied again|copied again",
        ),
        (
            "copier-without-grain-lock",
            "interleaving",
            {"READ-2", "IMG-1"},
            r"overwritten by a copy of the grain|copied again|older copy of the grain",
        ),
        (
            "copied-map-dropped-at-restart",
            "restart",
            {"CRASH-2"},
            r"after the kill .* target block \d+ \(grain \d+\) shows .* and must show .* what the"
            r" source held at start or sync #\d+ is lost",
        ),
    ],
)
def test_the_cause_is_named(
    mutant: str, check: str, clauses: set[str], words: str, tmp_path: Path
) -> None:
    """In the first violation, but for races: one race shows in several ways, as the threads go."""
    others = []
    for violation in judged(mutant, check, tmp_path):
        named = re.search(words, violation["explanation"])
        if violation["clause"] in clauses and named:
            return
        others.append(f"{violation['clause']}: {violation['explanation']}")
        if check != "interleaving":
            break
    pytest.fail("\n".join(others) or "it was acquitted")


def test_without_a_fault_it_conforms(tmp_path: Path) -> None:
    """READ-2, IMG-1, CRASH-2: what runs the mutants is right by itself."""
    assert not list(judged("", "boundaries interleaving", tmp_path))
