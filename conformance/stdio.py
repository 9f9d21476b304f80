"""A program that speaks the wire protocol, as an Adapter: one request for each method."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from flashcopy.conformance.adapter import (
    PROTOCOL,
    Bitmaps,
    Capability,
    Hello,
    IutBrokeDownError,
    Status,
)
from flashcopy.conformance.wire import Connection
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State

_T = TypeVar("_T")


class StdioAdapter:
    """An Adapter around a command. Every method raises what `Connection.call` raises."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._connection = Connection(command, timeout)

    def hello(self) -> Hello:
        """The first request; unknown capabilities are a breakdown, for they are misspelt ones."""
        result = self._connection.call("hello", {"protocol": PROTOCOL})
        if _get(result, "protocol", int) != PROTOCOL:
            raise IutBrokeDownError(f"it speaks protocol {result['protocol']}, not {PROTOCOL}")
        claimed = _get(result, "capabilities", list)
        known = {capability.value: capability for capability in Capability}
        unknown = [name for name in claimed if not isinstance(name, str) or name not in known]
        if unknown:
            raise IutBrokeDownError(f"it claims {unknown[0]!r}, which is no capability")
        return Hello(
            _get(result, "name", str),
            _get(result, "version", str),
            frozenset(known[name] for name in claimed),
        )

    def create(self, directory: Path, geometry: Geometry, *, target_writable: bool) -> None:
        """GEO-1."""
        self._connection.call(
            "create",
            {
                "directory": str(directory),
                "size": geometry.size,
                "block_size": geometry.block_size,
                "grain_size": geometry.grain_size,
                "target_writable": target_writable,
            },
        )

    def open(self, directory: Path) -> None:
        """REC-1."""
        self._connection.call("open", {"directory": str(directory)})

    def start(self) -> None:
        """START-1."""
        self._connection.call("start", {})

    def sync(self) -> None:
        """SYNC-1."""
        self._connection.call("sync", {})

    def stop(self) -> None:
        """STOP-1."""
        self._connection.call("stop", {})

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        """READ-1, READ-2."""
        params = {"volume": volume.value, "offset": offset, "length": length}
        return _bytes(self._connection.call("read", params), "data")

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        """WRITE-2, WRITE-3."""
        encoded = base64.b64encode(data).decode()
        params = {"volume": volume.value, "offset": offset, "data": encoded}
        self._connection.call("write", params)

    def write_zeroes(self, volume: Volume, offset: int, length: int) -> None:
        """WRITE-4."""
        params = {"volume": volume.value, "offset": offset, "length": length}
        self._connection.call("write_zeroes", params)

    def flush(self, volume: Volume) -> None:
        """FLUSH-1."""
        self._connection.call("flush", {"volume": volume.value})

    def background_copy(self, grains: int | None) -> int:
        """COPY-2."""
        return _get(self._connection.call("background_copy", {"grains": grains}), "copied", int)

    def status(self) -> Status:
        """What the relationship is at."""
        result = self._connection.call("status", {})
        state = _get(result, "state", str)
        if state not in [known.value for known in State]:
            raise IutBrokeDownError(f"it says its state is {state!r}, which is none")
        return Status(State(state), _get(result, "copied", int), _get(result, "grains", int))

    def bitmaps(self) -> Bitmaps:
        """Both maps."""
        result = self._connection.call("bitmaps", {})
        return Bitmaps(_bytes(result, "copied"), _bytes(result, "modified"))

    def power_loss(self, seed: int) -> None:
        """CRASH-1."""
        self._connection.call("power_loss", {"seed": seed})

    def close(self) -> None:
        """Shut down cleanly."""
        self._connection.close()

    def kill(self) -> None:
        """SIGKILL."""
        self._connection.kill()


def _get(result: Mapping[str, Any], name: str, type_: type[_T]) -> _T:
    """A field of a result, of just this type: true is no number."""
    value = result.get(name)
    if type(value) is not type_:
        raise IutBrokeDownError(f"it wrote a result whose {name} is no {type_.__name__}: {value!r}")
    return value


def _bytes(result: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_get(result, name, str), validate=True)
    except (binascii.Error, ValueError):
        raise IutBrokeDownError(f"it wrote a result whose {name} is not base64") from None
