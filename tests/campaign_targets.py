"""Implementations for the tests of campaigns: they note each run, and lose their process on demand.

They are made in worker processes, which know of the test only what its directory says, and that
only by the environment: `CAMPAIGN_TEST` names it.
"""

import os
import signal
from pathlib import Path

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.model.geometry import Geometry

VARIABLE = "CAMPAIGN_TEST"


def directory() -> Path:
    """The test's directory."""
    return Path(os.environ[VARIABLE])


def is_first(name: str) -> bool:
    """Whether this is asked for the first time, in whatever process."""
    try:
        (directory() / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class Noted(BundledAdapter):
    """Writes a line for each pair of volumes it makes; a case of `minimality` makes one."""

    def create(self, directory_: Path, geometry: Geometry, *, target_writable: bool) -> None:
        super().create(directory_, geometry, target_writable=target_writable)
        with (directory() / "runs").open("a") as runs:
            runs.write("run\n")


class LosesItsWorkerOnce(Noted):
    """The first one takes its process with it."""

    def sync(self) -> None:
        if is_first("lost"):
            os.kill(os.getpid(), signal.SIGKILL)
        super().sync()


class LosesItsWorker(Noted):
    """Each one takes its process with it."""

    def sync(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Gate(Noted):
    """The third pair of volumes tells its process and then waits until somebody lets it go on."""

    def sync(self) -> None:
        if (directory() / "runs").read_text().count("run") == 3 and is_first("gate"):
            (directory() / "pipe").write_text(str(os.getpid()))
            (directory() / "never").read_text()
        super().sync()


class CopiesAll(Noted):
    """READ-2: a target that reads as the source does now."""

    def sync(self) -> None:
        super().start()

    def start(self) -> None:
        return
