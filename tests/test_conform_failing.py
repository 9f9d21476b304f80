"""Devices that fail now and then: `io_error` is an answer, after which nothing has changed.

ERR-5, ERR-6: of a write some blocks may have landed, and nothing else; a device that never works
is a breakdown, not a violation.
"""

import itertools
import json
from typing import Any

from click.testing import CliRunner

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.cli.conform import conform
from flashcopy.conformance.adapter import RefusedError
from flashcopy.model.images import Volume
from flashcopy.model.operation import Refusal

BLOCK = 512


class _Failing(BundledAdapter):
    """Every seventh write to the source fails in a device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = itertools.count(1)

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        if volume is Volume.TARGET or not data or next(self.count) % 7:
            super().write(volume, offset, data)
        else:
            self.fail(volume, offset, data)
            raise RefusedError(Refusal.IO_ERROR, "the device failed")

    def fail(self, volume: Volume, offset: int, data: bytes) -> None:
        """What has landed all the same."""


class LandsInPart(_Failing):
    """ERR-6: the first block of a write that fails has landed."""

    def fail(self, volume: Volume, offset: int, data: bytes) -> None:
        super().write(volume, offset, data[:BLOCK])


class LandsElsewhere(_Failing):
    """What lands of a write that fails is neither what was there nor what was written."""

    def fail(self, volume: Volume, offset: int, data: bytes) -> None:
        super().write_zeroes(volume, offset, len(data))


class NeverSyncs(BundledAdapter):
    """Its devices fail at every sync."""

    def sync(self) -> None:
        raise RefusedError(Refusal.IO_ERROR, "the device failed")


def judged(adapter: str, status: int, tmp_path: str) -> dict[str, Any]:
    """What the command says of a class in this file."""
    words = ["--seed", "1", "--json", "--check", "boundaries", "--report", tmp_path]
    result = CliRunner().invoke(conform, [*words, "python", f"{__name__}:{adapter}"])
    assert result.exit_code == status, result.output
    said: dict[str, Any] = json.loads(result.output)
    return said


def test_what_landed_of_a_failed_write_is_synced(tmp_path: Any) -> None:
    """ERR-6: a block that landed is the source's from then on."""
    said = judged("LandsInPart", 0, str(tmp_path))
    assert said["verdict"] == "conforming"
    assert said["checks"][0]["failures"] > 5


def test_what_failed_is_as_it_was_or_as_it_was_to_be(tmp_path: Any) -> None:
    """ERR-6."""
    (violation,) = judged("LandsElsewhere", 1, str(tmp_path))["violations"]
    assert violation["clause"] == "ERR-6"
    assert "is neither as it was nor as it was to be" in violation["explanation"]


def test_a_device_that_never_works_is_a_breakdown(tmp_path: Any) -> None:
    said = judged("NeverSyncs", 3, str(tmp_path))
    assert said["verdict"] == "errored"
    assert "50 times in a row that a device failed" in said["checks"][0]["errored"]
