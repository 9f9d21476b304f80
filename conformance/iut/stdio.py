"""A program that speaks the wire protocol, as a Conversation: one request for each method."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from msgspec import Raw, Struct, defstruct
from msgspec.json import Decoder

from flashcopy.conformance.adapter import (
    PROTOCOL,
    Bitmaps,
    Capability,
    Hello,
    IutBrokeDownError,
    Status,
)
from flashcopy.conformance.iut.message import Decode
from flashcopy.conformance.iut.wire import Connection
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume


class _Nothing(Struct, gc=False):
    """The result of what only is done."""


class _Data(Struct, gc=False):
    data: bytes


class _Count(Struct, gc=False):
    copied: int


class _Hello(Struct):
    protocol: int
    name: str
    version: str
    capabilities: list[str]


@frozen
class _Method:
    """How a method of the protocol is asked and answered."""

    params: Callable[..., Struct]
    decode: Decode


_nothing = Decoder(_Nothing).decode
_DATA = Decoder(_Data).decode
_COUNT = Decoder(_Count).decode


def _data(raw: Raw) -> bytes:
    return _DATA(raw).data


def _copied(raw: Raw) -> int:
    return _COUNT(raw).copied


def _params(**types: Any) -> Callable[..., Struct]:
    """The params of a method by name, in the order of the arguments of the Adapter's."""
    return defstruct("Params", list(types.items()), gc=False)


_NO_PARAMS = _params()
_RANGE = _params(volume=Volume, offset=int, length=int)
_SIZES = _params(directory=str, size=int, block_size=int, grain_size=int, target_writable=bool)
_METHODS = {
    "hello": _Method(_params(protocol=int), Decoder(_Hello).decode),
    "create": _Method(_SIZES, _nothing),
    "open": _Method(_params(directory=str), _nothing),
    "start": _Method(_NO_PARAMS, _nothing),
    "sync": _Method(_NO_PARAMS, _nothing),
    "stop": _Method(_NO_PARAMS, _nothing),
    "read": _Method(_RANGE, _data),
    "write": _Method(_params(volume=Volume, offset=int, data=bytes), _nothing),
    "write_zeroes": _Method(_RANGE, _nothing),
    "flush": _Method(_params(volume=Volume), _nothing),
    "background_copy": _Method(_params(grains=int | None), _copied),
    "status": _Method(_NO_PARAMS, Decoder(Status).decode),
    "bitmaps": _Method(_NO_PARAMS, Decoder(Bitmaps).decode),
    "power_loss": _Method(_params(seed=int), _nothing),
}


class StdioAdapter:
    """A Conversation with a command. Methods raise what `Connection.call` raises."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._connection = Connection(command, timeout)

    def begin(self, method: str, *arguments: Any) -> int:
        """Queue a request; its number."""
        how = _METHODS[method]
        return self._connection.begin(method, how.params(*arguments), how.decode)

    def answer_to(self, number: int) -> Any:
        """A result, or a refusal."""
        return self._connection.answer_to(number)

    def answers(self, wait: float | None = None) -> list[tuple[int, Any]]:
        """Results, and refusals, by number."""
        return self._connection.answers(wait)

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Any request at all, also one that the other methods cannot say; the bare result."""
        said: dict[str, Any] = self._connection.call(method, params)
        return said

    def hello(self) -> Hello:
        """The first request; unknown capabilities are a breakdown, for they are misspelt ones."""
        said: _Hello = self._call("hello", PROTOCOL)
        if said.protocol != PROTOCOL:
            raise IutBrokeDownError(f"it speaks protocol {said.protocol}, not {PROTOCOL}")
        known = {capability.value: capability for capability in Capability}
        unknown = [name for name in said.capabilities if name not in known]
        if unknown:
            raise IutBrokeDownError(f"it claims {unknown[0]!r}, which is no capability")
        return Hello(said.name, said.version, frozenset(known[name] for name in said.capabilities))

    def create(self, directory: Path, geometry: Geometry, *, target_writable: bool) -> None:
        """GEO-1."""
        sizes = (geometry.size, geometry.block_size, geometry.grain_size)
        self._call("create", str(directory), *sizes, target_writable)

    def open(self, directory: Path) -> None:
        """REC-1."""
        self._call("open", str(directory))

    def start(self) -> None:
        """START-1."""
        self._call("start")

    def sync(self) -> None:
        """SYNC-1."""
        self._call("sync")

    def stop(self) -> None:
        """STOP-1."""
        self._call("stop")

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        """READ-1, READ-2."""
        data: bytes = self._call("read", volume, offset, length)
        return data

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        """WRITE-2, WRITE-3."""
        self._call("write", volume, offset, data)

    def write_zeroes(self, volume: Volume, offset: int, length: int) -> None:
        """WRITE-4."""
        self._call("write_zeroes", volume, offset, length)

    def flush(self, volume: Volume) -> None:
        """FLUSH-1."""
        self._call("flush", volume)

    def background_copy(self, grains: int | None) -> int:
        """COPY-2."""
        copied: int = self._call("background_copy", grains)
        return copied

    def status(self) -> Status:
        """What the relationship is at."""
        status: Status = self._call("status")
        return status

    def bitmaps(self) -> Bitmaps:
        """Both maps."""
        maps: Bitmaps = self._call("bitmaps")
        return maps

    def power_loss(self, seed: int) -> None:
        """CRASH-1."""
        self._call("power_loss", seed)

    def close(self) -> None:
        """Shut down cleanly."""
        self._connection.close()

    def kill(self) -> None:
        """SIGKILL."""
        self._connection.kill()

    def _call(self, method: str, *arguments: Any) -> Any:
        how = _METHODS[method]
        return self._connection.call(method, how.params(*arguments), how.decode)
