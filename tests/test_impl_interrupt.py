"""A request that is cut off at any line, by Ctrl-C for one, leaves nothing that could be wrong.

ERR-5, CRASH-3: header and memory must not be left apart.
"""

from pathlib import Path

import pytest

from flashcopy.impl import FlashCopy, State
from flashcopy.impl.effect import Standing
from flashcopy.impl.engine import Engine
from flashcopy.impl.errors import TargetStoppedError

SIZE = 1 << 16
BLOCK = 4096


def test_interrupted_between_header_and_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CRASH-3: who goes on after an interrupted sync finds no image, rather than a wrong one."""
    for name in ("source", "target"):
        (tmp_path / name).write_bytes(bytes(SIZE))
    adopt = Engine.adopt
    pair = FlashCopy.create(
        tmp_path / "source", tmp_path / "target", tmp_path / "map", background=False
    )
    pair.start()
    pair.source.write(0, b"A" * BLOCK)

    def interrupted(self: Engine, standing: Standing) -> None:
        if standing is Standing.TRACKING:
            raise KeyboardInterrupt
        adopt(self, standing)

    monkeypatch.setattr(Engine, "adopt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pair.sync()
    monkeypatch.undo()
    assert pair.status().state is State.STOPPED
    pair.source.write(0, b"B" * BLOCK)
    with pytest.raises(TargetStoppedError):
        pair.target.read(0, BLOCK)
    pair.abandon()
    with FlashCopy.open(tmp_path / "map", background=False) as again:
        assert again.status().state is State.STOPPED
        assert again.source.read(0, BLOCK) == b"B" * BLOCK
        again.start()
        assert again.target.read(0, BLOCK) == b"B" * BLOCK
