"""Kills and losses of power with requests in flight, on the bundled implementation.

CRASH-1, CRASH-2, CRASH-3, REC-1, ORDER-1, ORDER-2, ORDER-4: as it is it comes through them; with a
flush left out it does not.
"""

import random
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from flashcopy.cli.serve import serve
from flashcopy.cli.simulated import SimulatedFile
from flashcopy.cli.target import parse_target
from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import Effort, Job, ViolationError
from flashcopy.conformance.checks import restarting
from flashcopy.conformance.runner import introduce
from flashcopy.impl.effect import SOURCE
from flashcopy.impl.errors import DeviceError
from flashcopy.model.trace import Kill, PowerLoss, Status

EFFORT = Effort("test", 15, 25, 3, episodes=10, seconds=60, shrink_seconds=1)
SIMULATED = ["serve", "--disk", "simulated"]
# The program with one line of it changed before it starts.
PLANTED = """
from flashcopy.cli.main import main
from flashcopy.impl.engine import Engine
from flashcopy.impl.effect import MAP, SOURCE, TARGET

flush = Engine.flush

def forgetful(self, devices):
    left = tuple(device for device in devices if device is not {device})
    if left:
        flush(self, left)

Engine.flush = forgetful
main()
"""


def job_with(command: list[str], seed: int = 1) -> Job:
    """What a check is given to judge this command."""
    target = parse_target(["stdio", "--", *command], 20.0)
    return Job(target, introduce(target).capabilities, EFFORT, seed, 20.0)


def test_the_bundled_implementation_comes_through_losses_of_power() -> None:
    job = job_with([sys.executable, "-m", "flashcopy.cli", *SIMULATED])
    assert job.has(Capability.POWER_LOSS)
    restarting.power_loss(job)
    assert job.requests > 200


@pytest.mark.parametrize("device", ["SOURCE", "TARGET", "MAP"])
def test_a_flush_left_out_is_noticed(device: str) -> None:
    """With the crash in the trace, and what the relationship said it was at after it."""
    job = job_with([sys.executable, "-c", PLANTED.format(device=device), *SIMULATED])
    with pytest.raises(ViolationError) as caught:
        restarting.power_loss(job)
    finding = caught.value.finding
    assert finding.clause in ("CRASH-1", "CRASH-2", "CRASH-3", "READ-2", "IMG-1", "CONC-2")
    assert "loss of power" in finding.explanation
    assert finding.trace is not None
    entries = [type(entry) for entry in finding.trace.entries]
    assert PowerLoss in entries
    assert entries.count(Status) == entries.count(PowerLoss)


def test_the_bundled_implementation_comes_through_kills() -> None:
    command = [sys.executable, "-m", "flashcopy.cli", "serve", "--durability", "process"]
    restarting.restart(job_with(command))


def test_a_kill_is_in_the_trace() -> None:
    job = job_with([sys.executable, "-m", "flashcopy.conformance.zoo", "map-dropped"])
    with pytest.raises(ViolationError) as caught:
        restarting.restart(job)
    trace = caught.value.finding.trace
    assert trace is not None
    assert Kill() in trace.entries


def test_a_simulated_file_loses_what_was_not_flushed(tmp_path: Path) -> None:
    """DISK-1 to DISK-4: reads see writes, flushed ones stay, the rest may go, blocks are whole."""
    path = tmp_path / "source"
    left = set()
    for seed in range(30):
        path.write_bytes(bytes(2048))
        file = SimulatedFile(SOURCE, path, 512)
        file.write(0, b"a" * 512)
        file.flush()
        file.write(512, b"b" * 1024)
        assert file.read(0, 2048) == b"a" * 512 + b"b" * 1024 + bytes(512)
        file.cut_power()
        with pytest.raises(DeviceError, match="the power is cut"):
            file.read(0, 512)
        file.lose(random.Random(seed))
        file.close()
        left.add(path.read_bytes())
    halves = [(one, two) for one in (b"b", b"\0") for two in (b"b", b"\0")]
    assert left == {b"a" * 512 + one * 512 + two * 512 + bytes(512) for one, two in halves}


def test_simulated_disks_are_flushed() -> None:
    """DUR-1: what does not flush can survive no loss of power, so it is not offered."""
    result = CliRunner().invoke(serve, ["--disk", "simulated", "--durability", "process"])
    assert result.exit_code == 2
    assert "leave --durability at full" in result.output
