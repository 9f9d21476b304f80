"""The bundled implementation speaks the wire protocol: every method, refusal and restart."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flashcopy.cli.serve import serve_on
from flashcopy.cli.server import Server
from flashcopy.conformance.adapter import Capability, RefusedError, Status
from flashcopy.conformance.iut.stdio import StdioAdapter
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Refusal

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
GEOMETRY = Geometry(5 * 512, 512, 1024)
COMMAND = [sys.executable, "-m", "flashcopy.cli", "serve", "--durability", "process"]
DATA = b"a" * 512


@pytest.fixture
def iut(tmp_path: Path) -> Iterator[StdioAdapter]:
    """The program, with volumes of five blocks."""
    adapter = StdioAdapter(COMMAND, timeout=30)
    adapter.create(tmp_path, GEOMETRY, target_writable=True)
    yield adapter
    adapter.kill()


def test_every_method(iut: StdioAdapter, tmp_path: Path) -> None:
    assert iut.hello().capabilities == set(Capability) - {Capability.POWER_LOSS}
    assert iut.status() == Status(State.IDLE, 3, 3)
    iut.write(SOURCE, 0, DATA)
    iut.start()
    assert iut.background_copy(1) == 1
    iut.write_zeroes(SOURCE, 0, 512)
    assert (iut.read(SOURCE, 0, 512), iut.read(TARGET, 0, 512)) == (bytes(512), DATA)
    assert iut.bitmaps().copied[0] & 7 == 1
    assert iut.bitmaps().modified[0] & 7 == 1
    iut.sync()
    iut.write(TARGET, 2048, DATA)
    assert iut.background_copy(None) == 2
    assert iut.status() == Status(State.COPIED, 3, 3)
    assert iut.read(TARGET, 0, 2560) == bytes(2048) + DATA
    iut.flush(SOURCE)
    iut.stop()
    iut.close()
    again = StdioAdapter(COMMAND, timeout=30)
    again.open(tmp_path)
    assert again.read(TARGET, 2048, 512) == DATA
    again.close()


def test_it_can_be_killed(iut: StdioAdapter, tmp_path: Path) -> None:
    """REC-1: the next process opens what the killed one left."""
    iut.write(SOURCE, 0, DATA)
    iut.start()
    iut.kill()
    again = StdioAdapter(COMMAND, timeout=30)
    again.open(tmp_path)
    assert again.status().state is State.COPYING
    assert again.read(TARGET, 0, 512) == DATA
    again.close()


def test_refusals(iut: StdioAdapter) -> None:
    """ERR-1, ERR-2: with the kinds of the protocol."""
    kinds = []
    for request in (
        lambda: iut.read(SOURCE, 1, 512),
        lambda: iut.background_copy(-1),
        iut.sync,
    ):
        with pytest.raises(RefusedError) as caught:
            request()
        kinds.append(caught.value.kind)
    assert kinds == [Refusal.INVALID_ARGUMENT, Refusal.INVALID_ARGUMENT, Refusal.INVALID_STATE]


def talk(*messages: Any) -> list[dict[str, Any]]:
    """What a server answers to these lines."""
    out = io.BytesIO()
    lines = [m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages]
    serve_on(io.BytesIO(b"\n".join(lines)), out, Server())
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    "message",
    [
        b"no json",
        [],
        {"id": 1, "method": "nonsense"},
        {"id": 1, "method": "hello", "params": {"protocol": 2}},
        {"id": 1, "method": "hello", "params": {"protocol": True}},
        {"id": 1, "method": "hello", "params": [1]},
        {"id": 1, "method": "hello"},
        {"id": 1, "method": "hello", "params": {"protocol": 1, "more": 2}},
    ],
)
def test_what_makes_no_sense_is_refused(message: Any) -> None:
    (answer,) = talk(message)
    assert answer["error"]["data"]["kind"] == "invalid_argument"


def test_impossible_sizes_leave_nothing(tmp_path: Path) -> None:
    """ERR-9."""
    params = {"directory": str(tmp_path), "block_size": 512, "grain_size": 1000}
    create = {"id": 1, "method": "create", "params": {**params, "target_writable": True}}
    for size in (0, 1024):
        create["params"] = {**create["params"], "size": size}  # type: ignore[dict-item]
        (answer,) = talk(create)
        assert answer["error"]["data"]["kind"] == "invalid_argument"
        assert not list(tmp_path.iterdir())
