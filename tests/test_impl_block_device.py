"""Block devices as volumes: loop devices over files, where the system lets us have them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flashcopy.impl import FlashCopy
from flashcopy.impl.errors import SameFileError

SIZE = 1 << 20


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[list[Path]]:
    """Two loop devices over new files; skips where they cannot be had."""
    if shutil.which("losetup") is None:
        pytest.skip("no losetup on this machine")
    made: list[Path] = []
    try:
        for name in ("source", "target"):
            (tmp_path / name).write_bytes(name[:1].encode() * SIZE)
            words = ["losetup", "--find", "--show", str(tmp_path / name)]
            answer = subprocess.run(words, capture_output=True, text=True, check=False)
            if answer.returncode:
                pytest.skip(f"no loop device: {answer.stderr.strip()}")
            made.append(Path(answer.stdout.strip()))
        yield made
    finally:
        for device in made:
            subprocess.run(["losetup", "--detach", device], check=True)


def test_a_whole_life_on_block_devices(tmp_path: Path, devices: list[Path]) -> None:
    """Sizes are found, and the copy arrives; one device under two names is noticed (ERR-9)."""
    source, target = devices
    other_name = tmp_path / "other"
    other_name.symlink_to(source)
    with pytest.raises(SameFileError):
        FlashCopy.create(source, other_name, tmp_path / "map")
    with FlashCopy.create(source, target, tmp_path / "map") as pair:
        assert pair.source.size == SIZE
        pair.start()
        pair.source.write(0, b"n" * 4096)
        assert pair.target.read(0, 4096) == b"s" * 4096
        pair.sync()
        assert pair.wait()
        assert pair.target.read(0, 8192) == b"n" * 4096 + b"s" * 4096
