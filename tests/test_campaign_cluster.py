"""Campaigns on a Dask cluster: a worker is lost, the campaign is interrupted, the scheduler dies.

The scheduler and two workers are processes on this machine.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.campaign_targets import VARIABLE
from tests.docs_clauses import ROOT
from tests.test_conform_interrupt import MUTE
from tests.test_conform_wire import alive

CLUSTER = """
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
"""
SMALL = ["--check", "minimality", "--seed", "1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the implementations under test know of the test."""
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def cluster(place: Path) -> Iterator["subprocess.Popen[str]"]:
    """Ends with its standard input."""
    script = place / "cluster.py"
    script.write_text(CLUSTER)
    options: dict[str, Any] = {"stderr": subprocess.DEVNULL, "cwd": ROOT}
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, VARIABLE: str(place), "PYTHONPATH": str(ROOT)},
        **options,
    ) as process:
        yield process


@pytest.fixture(scope="module")
def address(cluster: "subprocess.Popen[str]") -> str:
    """The scheduler's."""
    assert cluster.stdout
    return cluster.stdout.readline().strip()


def command(address: str, report: Path, *words: str) -> list[str]:
    """A campaign there."""
    command = [sys.executable, "-m", "flashcopy.cli", "campaign", "--scheduler", address]
    return [*command, "--report", str(report), "--json", *SMALL, *words]


def test_a_worker_that_is_lost(address: str, place: Path, tmp_path: Path) -> None:
    """What it was at is judged elsewhere."""
    words = ["--seeds", "4", "--target", "python tests.campaign_targets:LosesItsWorkerOnce"]
    done = subprocess.run(
        command(address, tmp_path, *words), stdout=subprocess.PIPE, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    (check,) = told["targets"][0]["checks"]
    assert (check["runs"], check["verdict"]) == (4, "conforming")
    assert told["notes"] == ["1 worker was lost, and what they were at was judged again."]
    assert (place / "lost").exists()


def broken_off(
    address: str, tmp_path: Path, how: Callable[["subprocess.Popen[bytes]"], None]
) -> tuple[int, dict[str, Any], str, int]:
    """A campaign on a mute IUT that something happens to: status, report, errors, IUT's number."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = tmp_path / "mute.py"
    script.write_text(MUTE)
    target = f"stdio -- {sys.executable} -S {script} {pipe}"
    words = command(address, tmp_path / "report", "--seeds", "1", "--target", target)
    with subprocess.Popen(
        [*words, "--timeout", "100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as campaign:
        iut = int(pipe.read_text())
        how(campaign)
        output, errors = campaign.communicate(timeout=90)
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert json.loads(output) == report
    assert report["interrupted"]
    assert "1 of 1 cases were not judged; --resume judges them." in report["notes"]
    return campaign.returncode, report, errors.decode(), iut


def test_an_interrupt(address: str, tmp_path: Path) -> None:
    """What is under way there is given up at once, and nothing of it is left on the workers."""
    status, _, errors, iut = broken_off(
        address, tmp_path, lambda campaign: campaign.send_signal(signal.SIGINT)
    )
    assert (status, errors) == (130, "")
    assert not alive(iut)


def test_a_scheduler_that_dies(
    address: str, cluster: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    """There is a report of what was done until then; one line says why, and what to do."""
    status, report, errors, _ = broken_off(address, tmp_path, lambda _: cluster.kill())
    assert status == 2
    assert report["notes"][0] == "the cluster is gone; --resume goes on where it was"
    assert errors == "flashcopy: the cluster is gone; --resume goes on where it was\n"
