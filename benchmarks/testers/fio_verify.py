"""`fio --verify` on both volumes through NBD: the usual tool, told when to expect which data.

Round after round fio writes the whole source in random order with eight requests in flight, each
block full of its own offset and the round's number; a mere checksum would be as content with the
data of an older round. After the start, and after each sync, the target must verify as that round,
also while the next round is being written and after it was.
"""

import itertools
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

BLOCK = 4096
SIZE = 63 * BLOCK
GRAIN = 4 * BLOCK
_BRIDGE = Path(__file__).with_name("nbd_bridge.py")
_START_SECONDS = 10.0
_FIO_SECONDS = 60.0
# One that leaves the target half copied, and one that has it copied.
_LEAST_ROUNDS = 2


def missing() -> str:
    """Which of the programs that this needs is not here; empty if all are."""
    for program, package in (("fio", "fio"), ("nbdkit", "nbdkit")):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian package {package})"
    plugin = ["nbdkit", "python", "--dump-plugin"]
    if subprocess.run(plugin, capture_output=True, check=False).returncode:
        return "nbdkit has no Python plugin (Debian package nbdkit-plugin-python)"
    engines = subprocess.run(["fio", "--enghelp"], capture_output=True, check=True)
    return "" if b"\tnbd\n" in engines.stdout else "fio was built without NBD"


def convicts(command: Sequence[str], seed: int, seconds: float, *, copies: bool) -> bool:
    """Whether fio sees anything wrong with a program within so many seconds, or in two rounds.

    `copies` is whether it can be told to copy. An implementation that breaks down or refuses what
    it must do counts as seen, and so does one whose device fails: fio asks nothing again.
    """
    with _bridge(command) as bridge:
        until = time.monotonic() + seconds
        if not bridge.fill(seed) or not bridge.ask("start"):
            return True
        for round_ in itertools.count(seed):
            if round_ >= seed + _LEAST_ROUNDS and time.monotonic() > until:
                return False
            writing = bridge.fio("source", round_ + 1, "--do_verify=0")
            verified = bridge.verifies(round_)
            written = writing.wait(_FIO_SECONDS) == 0
            # Every other point in time is left half copied.
            copied = not copies or round_ % 2 == 0 or bridge.ask("background_copy", grains=None)
            if not (verified and written and copied and bridge.verifies(round_)):
                return True
            if not bridge.ask("sync") or not bridge.verifies(round_ + 1):
                return True
    raise AssertionError  # the rounds have no end


@frozen
class Bridge:
    """A running nbdkit: where its exports are, and how to say what NBD has no words for."""

    directory: Path

    def fio(self, volume: str, seed: int, *options: str) -> "subprocess.Popen[bytes]":
        """Start fio on a volume with the data of a seed."""
        uri = f"nbd+unix:///{volume}?socket={self.directory / 'nbd'}"
        return subprocess.Popen(
            [
                *("fio", "--name=verify", "--ioengine=nbd", f"--uri={uri}", "--rw=randwrite"),
                *(f"--bs={BLOCK}", f"--size={SIZE}", "--iodepth=8", f"--randseed={seed}"),
                *(f"--verify_pattern=%o0x{seed:08x}", "--verify=pattern"),
                *("--verify_fatal=1", *options),
            ],
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def fill(self, seed: int) -> bool:
        """Write the whole source."""
        return self.fio("source", seed, "--do_verify=0").wait(_FIO_SECONDS) == 0

    def verifies(self, seed: int) -> bool:
        """Whether the target holds the data of a seed."""
        return self.fio("target", seed, "--verify_only").wait(_FIO_SECONDS) == 0

    def ask(self, method: str, **params: object) -> bool:
        """Have the program do what NBD has no words for. Whether it was done."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.directory / "control"))
            with control.makefile("rw") as lines:
                lines.write(f"{method} {json.dumps(params)}\n")
                lines.flush()
                return "error" not in json.loads(lines.readline())


@contextmanager
def _bridge(command: Sequence[str]) -> Iterator[Bridge]:
    with tempfile.TemporaryDirectory(prefix="flashcopy-") as name:
        directory = Path(name)
        (directory / "iut").mkdir()
        create = {
            "directory": str(directory / "iut"),
            "size": SIZE,
            "block_size": BLOCK,
            "grain_size": GRAIN,
            "target_writable": True,
        }
        nbdkit = subprocess.Popen(
            [
                *("nbdkit", "--foreground", "--unix", str(directory / "nbd"), "python"),
                *(str(_BRIDGE), f"program={json.dumps(list(command))}"),
                *(f"control={directory / 'control'}", f"create={json.dumps(create)}"),
            ],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_for(directory, nbdkit)
            yield Bridge(directory)
        finally:
            nbdkit.kill()
            nbdkit.wait()


def _wait_for(directory: Path, nbdkit: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not all((directory / name).exists() for name in ("nbd", "control")):
        if nbdkit.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("nbdkit did not start")
        time.sleep(0.01)
