"""`flashcopy volume`: what people and scripts see of it, through the console script's own main."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flashcopy.cli.main import main
from flashcopy.impl import FlashCopy
from tests.pairs import BLOCK, GRAIN, GRAINS, NEW, OLD, OTHER, SIZE, make_files

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Run:
    """Runs a command in a directory with a source and a target. Gives status, output, errors."""
    make_files(tmp_path)
    monkeypatch.chdir(tmp_path)

    def go(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["flashcopy", "volume", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        sys.stdout.flush()
        output, errors = capfdbinary.readouterr()
        return status, output.decode(), errors.decode()

    return go


@pytest.fixture
def pair(run: Run) -> Run:
    """The same, with a relationship in the file `map`."""
    assert run("create", "source", "target", "map", "--grain", "2K", "--block", "512")[0] == 0
    return run


def test_a_whole_life(pair: Run) -> None:
    """Start, write, read both images, sync with copy, verify, stop."""
    assert pair("start", "map") == (0, f"copying: 0 of {GRAINS} grains copied, generation 1\n", "")
    assert pair("write", "map", "source", "--offset", "512", stdin=NEW) == (0, "", "")
    assert pair("read", "map", "target", "--length", "1K")[1] == (OLD * 2).decode()
    assert pair("read", "map", "source", "--length", "1K")[1] == (OLD + NEW).decode()
    assert pair("copy", "map")[1].startswith("copied: 9 of 9")
    assert pair("sync", "map", "--copy")[1].startswith("copied: 9 of 9 grains copied, generation 2")
    status, said, _ = pair("verify", "map")
    assert (status, said.split(".")[0]) == (0, "INV-1 holds")
    assert Path("source").read_bytes() == Path("target").read_bytes()
    assert pair("stop", "map")[1].startswith("idle")


def test_status_for_machines(pair: Run) -> None:
    """`--json` gives one object."""
    pair("start", "map")
    assert json.loads(pair("status", "map", "--json")[1]) == {
        "state": "copying",
        "copied": 0,
        "grains": GRAINS,
        "generation": 1,
        "size": SIZE,
        "block_size": BLOCK,
        "grain_size": GRAIN,
    }


def test_files_in_and_out(pair: Run) -> None:
    """Read to a file, write from one, to the end of the volume."""
    Path("new").write_bytes(NEW * 2)
    assert pair("write", "map", "target", "new", "--offset", str(SIZE - 2 * BLOCK))[0] == 0
    assert pair("read", "map", "target", "--offset", "17K", "-o", "out")[0] == 0
    assert Path("out").read_bytes() == Path("target").read_bytes()[17 * 1024 :]
    assert Path("out").read_bytes().endswith(NEW)


def test_a_rate_is_accepted(pair: Run) -> None:
    """COPY-6: with suffix; a rate beyond this volume holds nothing up."""
    assert pair("start", "map", "--copy", "--rate", "1G")[1].startswith("copied")


def test_verify_finds_a_grain_that_differs(pair: Run) -> None:
    """INV-1: named with its grains, exit status 1."""
    pair("start", "map", "--copy")
    for grain in (3, GRAINS - 1):
        with Path("target").open("r+b") as file:
            file.seek(grain * GRAIN)
            file.write(b"?")
    status, said, _ = pair("verify", "map")
    assert status == 1
    assert "INV-1 violated" in said
    assert said.rstrip().endswith("differ: 3, 8")
    status, said, _ = pair("verify", "map", "--json")
    assert status == 1
    assert json.loads(said) == {
        "holds": False,
        "clause": "INV-1",
        "grains": GRAINS,
        "clean": GRAINS,
        "diverged": 0,
        "uncopied": 0,
        "differing": [3, 8],
    }


def test_verify_leaves_out_what_is_not_promised(pair: Run) -> None:
    """Uncopied and diverged grains may differ."""
    pair("start", "map")
    pair("write", "map", "source", stdin=NEW)
    status, said, _ = pair("verify", "map", "--json")
    assert status == 0
    found = json.loads(said)
    assert (found["clean"], found["diverged"], found["uncopied"]) == (0, 1, GRAINS - 1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["status", "nowhere"], "No such file"),
        (["status", "source"], "not a map file"),
        (["sync", "map"], "use start instead"),
        (["create", "source", "target", "map"], "exists already"),
        (["create", "source", "source", "other"], "same file"),
        (["create", "source", "nowhere", "other"], "No such file"),
        (["create", "source", "target", "other", "--grain", "3K"], "grain size 3072"),
        (["create", "source", "target", "other", "--grain", "big"], "'big' is no size"),
        (["read", "map", "source", "--offset", "1M"], "1048576"),
        (["read", "map", "source", "--length", "1M"], "1048576 bytes at 0"),
        (["read", "map", "source", "--offset", "1"], "multiples of the block size"),
        (["read", "map", "neither"], "'neither' is not one of"),
        (["read", "map", "source", "-o", "no/where"], "No such file"),
        (["read", "map", "source", "-o", "source"], "File exists"),
        (["read", "map", "source", "--length", "9" * 5000], "is no size"),
        (["write", "map", "source", "nowhere"], "No such file"),
        (["write", "map", "source", "odd"], "multiples of the block size"),
        (["write", "map", "source", "long"], "it has only bytes"),
        (["copy", "map", "--rate", "fast"], "is no size"),
        (["copy", "map", "--rate", "0"], "rate"),
    ],
)
def test_bad_input(pair: Run, words: list[str], says: str) -> None:
    """One clear line, exit status 2, and nothing changed."""
    Path("odd").write_bytes(b"odd")
    Path("long").write_bytes(bytes(SIZE + BLOCK))
    before = {name: Path(name).read_bytes() for name in os.listdir()}
    status, said, errors = pair(*words)
    assert (status, said) == (2, "")
    assert says in errors
    assert "Traceback" not in errors
    assert (
        len([line for line in errors.splitlines() if "rror" in line or "flashcopy:" in line]) == 1
    )
    assert {name: Path(name).read_bytes() for name in os.listdir()} == before


def test_read_only_target(run: Run) -> None:
    """ERR-3."""
    run(
        "create", "source", "target", "map", "--block", "512", "--grain", "2K", "--read-only-target"
    )
    status, _, errors = run("write", "map", "target", stdin=NEW)
    assert (status, errors) == (2, "flashcopy: write to the target: it was created read-only\n")
    assert Path("target").read_bytes()[:BLOCK] == OTHER


def test_open_elsewhere(pair: Run) -> None:
    """ERR-8."""
    with FlashCopy.open("map", background=False):
        status, _, errors = pair("status", "map")
    assert status == 2
    assert "already open" in errors


def test_output_that_cannot_be_written(pair: Run) -> None:
    """A full disk is one line and status 2; a reader that has gone is neither error nor noise."""
    assert pair("status", "map")[0] == 0
    program = [sys.executable, "-c", "from flashcopy.cli.entry import main; main()"]
    command = [*program, "volume", "status", "map"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (2, b"flashcopy: No space left on device\n")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_stopped_target_is_not_called_copied(pair: Run) -> None:
    """STOP-1: the counts would say that all is well (LIFE-2)."""
    pair("start", "map")
    said = "stopped: the target is no usable image until the next start, generation 2\n"
    assert pair("stop", "map") == (0, said, "")
    assert pair("copy", "map") == (0, said, "")
