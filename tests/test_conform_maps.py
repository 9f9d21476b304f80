"""The maps an IUT shows, held against what it was asked: what is fixed convicts, the rest does not.

INV-2, WRITE-1, SYNC-2, COPY-4, MIN-1.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.cli.conform import conform
from flashcopy.conformance.adapter import Bitmaps


class Padded(BundledAdapter):
    """The bits past the last grain are set, and may be."""

    def bitmaps(self) -> Bitmaps:
        maps, grains = super().bitmaps(), self.status().grains
        padding = 0xFF << grains % 8 & 0xFF if grains % 8 else 0
        last = bytes([maps.copied[-1] | padding])
        return evolve(maps, copied=maps.copied[:-1] + last)


class StartsOver(BundledAdapter):
    """MIN-1: a sync uncopies everything, which is waste."""

    def sync(self) -> None:
        super().sync()
        super().start()


class TooLong(BundledAdapter):
    """Its maps are padded to sectors."""

    def bitmaps(self) -> Bitmaps:
        maps = super().bitmaps()
        return evolve(maps, modified=maps.modified.ljust(512, b"\0"))


class NeverModified(BundledAdapter):
    """It shows no grain as modified."""

    def bitmaps(self) -> Bitmaps:
        maps = super().bitmaps()
        return evolve(maps, modified=bytes(len(maps.modified)))


class AlwaysModified(BundledAdapter):
    """It shows what was ever modified, copied or not."""

    def bitmaps(self) -> Bitmaps:
        maps = super().bitmaps()
        return evolve(maps, modified=b"\xff" * len(maps.modified))


class AllCopied(BundledAdapter):
    """It shows every grain as copied."""

    def bitmaps(self) -> Bitmaps:
        maps = super().bitmaps()
        return evolve(maps, copied=b"\xff" * len(maps.copied))


def judged(adapter: str, status: int, report: Path) -> dict[str, Any]:
    """What the command says of a class in this file."""
    words = ["--seed", "1", "--json", "--check", "maps", "--report", str(report)]
    result = CliRunner().invoke(conform, [*words, "python", f"{__name__}:{adapter}"])
    assert result.exit_code == status, result.output
    said: dict[str, Any] = json.loads(result.output)
    return said


@pytest.mark.parametrize("adapter", ["Padded", "StartsOver"])
def test_what_is_left_open_does_not_convict(adapter: str, tmp_path: Path) -> None:
    """MIN-1, SYNC-2: padding may be anything, and less may stay copied."""
    assert judged(adapter, 0, tmp_path)["verdict"] == "conforming"


@pytest.mark.parametrize(
    ("adapter", "clause", "says"),
    [
        ("TooLong", "SYNC-2", "has 512 bytes"),
        ("NeverModified", "WRITE-1", "is not marked modified"),
        ("AlwaysModified", "INV-2", "is modified, not copied"),
        ("AllCopied", "COPY-4", "the map has 4"),
    ],
)
def test_what_is_fixed_convicts(adapter: str, clause: str, says: str, tmp_path: Path) -> None:
    (violation,) = judged(adapter, 1, tmp_path)["violations"]
    assert violation["clause"] == clause
    assert says in violation["explanation"]
