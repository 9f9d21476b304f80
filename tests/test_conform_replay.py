"""`flashcopy replay TRACE TARGET`: a trace convicts again who gave it, and acquits who is right.

READ-2, CONC-2, LIFE-1: what the members of the zoo below get wrong.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.cli.conform import conform
from flashcopy.cli.replay import replay
from flashcopy.conformance.adapter import Hello
from flashcopy.conformance.checks.asks import asks_of
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Contents, Done, Read, Refusal, Refused, Start, Sync, Write
from flashcopy.model.trace import (
    Answer,
    Crash,
    Entry,
    Initial,
    Kill,
    PowerLoss,
    Reopen,
    Status,
    Submit,
    Trace,
    dumps,
)

SOURCE = Volume.SOURCE
PLAIN = Trace(
    Geometry(3 * 512, 512, 1024),
    (
        Submit(0, Write(SOURCE, 0, 512, 7)),
        Answer(0, Done()),
        Submit(1, Start()),
        Answer(1, Done()),
        Submit(2, Read(Volume.TARGET, 0, 1536)),
        Answer(2, Contents((7, 0, 0))),
        Status(State.COPYING, 0, 2),
    ),
)


class Refuser(BundledAdapter):
    """Claims nothing."""

    def hello(self) -> Hello:
        return Hello("refuser", "1", frozenset())


class Breaks(BundledAdapter):
    """Breaks down at a start."""

    def start(self) -> None:
        raise ZeroDivisionError("no reason")


def run(path: Path, *words: str) -> Result:
    """`flashcopy replay` of a file."""
    return CliRunner().invoke(replay, [str(path), *words])


def saved(path: Path, *entries: object, **fields: Any) -> Path:
    """A file with the plain trace and some more entries."""
    trace = Trace(PLAIN.geometry, (*PLAIN.entries, *entries), **fields)  # type: ignore[arg-type]
    file = path / "trace.json"
    file.write_text(dumps(trace))
    return file


def convicted(member: str, check: str, directory: Path) -> dict[str, Any]:
    """The violation that a check finds in a member of the zoo; a race may need some tries."""
    for seed in range(1, 9):
        words = ["--seed", str(seed), "--json", "--check", check, "--report", str(directory)]
        said = json.loads(CliRunner().invoke(conform, [*words, "zoo", member]).output)
        if said["violations"]:
            violation: dict[str, Any] = said["violations"][0]
            return violation
    raise AssertionError(f"{member} was not convicted by {check}")


@pytest.mark.parametrize(
    ("member", "check"),
    [
        ("target-write-not-tracked", "data"),
        ("stopped-target-readable", "lifecycle"),
        ("failed-sync-discards-marks", "data"),
        ("fake-read-overtaken", "interleaving"),
        ("map-dropped", "restart"),
        ("sync-forgets-the-source", "power-loss"),
    ],
)
def test_it_convicts_who_gave_it_and_nobody_else(member: str, check: str, tmp_path: Path) -> None:
    """READ-2, LIFE-1, CONC-2: with the very commands that are printed."""
    violation = convicted(member, check, tmp_path)
    commands = violation["commands"]
    path = Path(violation["trace"])
    assert commands["again on this implementation"] == f"flashcopy replay {path} -- zoo {member}"
    again = run(path, "--times", "300", "--", "zoo", member)
    assert again.exit_code == 1, again.output
    assert "is violated" in again.output
    # Only one of those who are right can lose power.
    rights = [["zoo", "right"], ["bundled"]] if check != "power-loss" else [["zoo", "cached"]]
    for right in rights:
        acquitted = run(path, "--times", "10", *right)
        assert acquitted.exit_code == 0, acquitted.output
        assert "every answer is right" in acquitted.output
        assert f"made to show {violation['clause']}: that does not happen here" in acquitted.output


def test_a_sequential_trace_says_where(tmp_path: Path) -> None:
    """READ-2: what the trace says was answered does not matter."""
    more = (Submit(3, Sync()), Submit(4, Write(SOURCE, 0, 512, 9)))
    answered = [each for submit in more for each in (submit, Answer(submit.request, Done()))]
    path = saved(tmp_path, *answered, Submit(5, Read(Volume.TARGET, 0, 512)))
    said = run(path, "--json", "--", "python", "tests.test_conform_command:LosesTargetTail")
    assert said.exit_code == 1
    (again,) = json.loads(said.output)["runs"]
    assert again["clause"] == "READ-2"
    assert again["entry"] == 12
    assert "write 9 (request #4, source block 0) came after the sync" in again["finding"]


def test_what_failed_in_a_device_changed_nothing_but_what_landed(tmp_path: Path) -> None:
    """ERR-5, ERR-6: a trace with `io_error` in it runs on the model, the simulation and an IUT."""
    failed, both = Refused(Refusal.IO_ERROR), Read(SOURCE, 0, 1024)
    entries: list[Entry] = [
        *(Submit(3, Write(SOURCE, 0, 1024, 9)), Answer(3, failed)),
        *(Submit(4, both), Answer(4, failed), Submit(5, both), Answer(5, Contents((9, 0)))),
        *(Submit(6, Sync()), Answer(6, failed), Submit(7, Sync()), Answer(7, Done())),
        *(Submit(8, Read(Volume.TARGET, 0, 1024)), Answer(8, Contents((9, 0)))),
    ]
    path = saved(tmp_path, *entries)
    without = run(path)
    assert without.exit_code == 0, without.output
    assert "model: all 19 entries as the trace says" in without.output
    assert "simulation: all 19 entries as the trace says" in without.output
    said = run(path, "--times", "3", "bundled")
    assert said.exit_code == 0, said.output
    assert "every answer is right in each of 3 runs" in said.output
    # What is asked until it works is asked by itself: again is once too often.
    asked = [each.operation for each in entries if isinstance(each, Submit)]
    assert asks_of(entries) == [asked[0], asked[3], asked[5]]
    wrong = saved(tmp_path, *entries[:-1], Answer(8, Contents((9, 9))))
    assert run(wrong).exit_code == 1


@pytest.mark.parametrize(
    ("entries", "fields", "target", "says"),
    [
        ([Crash(())], {}, "bundled", "entry 7 is a crash inside the bundled implementation"),
        ([], {"initial": Initial(State.IDLE, ())}, "bundled", "a state that no request leads to"),
        ([PowerLoss(1)], {}, "bundled", "bundled does not claim power_loss"),
        ([Kill(), Reopen()], {}, "refuser", "does not claim restart"),
        ([Submit(3, Write(Volume.TARGET, 0, 512, 8))], {}, "refuser", "not claim target_write"),
    ],
)
def test_what_cannot_be_replayed_is_said(
    entries: list[object], fields: dict[str, Any], target: str, says: str, tmp_path: Path
) -> None:
    words = [target] if target == "bundled" else ["python", f"{__name__}:Refuser"]
    result = run(saved(tmp_path, *entries, **fields), *words)
    assert result.exit_code == 2, result.output
    assert says in result.output


def test_a_breakdown_is_told_apart(tmp_path: Path) -> None:
    result = run(saved(tmp_path), "python", f"{__name__}:Breaks")
    assert result.exit_code == 3
    assert "start raised ZeroDivisionError: no reason" in result.output
