"""`flashcopy serve`: the bundled implementation as a program that speaks the wire protocol.

So it can be judged through standard input and output like anybody else's, and who writes an
adapter has one to compare with. Each request runs in a thread of its own, up to a limit, since the
implementation takes any number at a time; answers come in the order in which requests end.
"""

import base64
import binascii
import json
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import click

from flashcopy.impl import FlashCopy
from flashcopy.impl.errors import FlashCopyError, InvalidArgumentError, InvalidStateError
from flashcopy.impl.flashcopy import Durability
from flashcopy.impl.volume import Volume

PROTOCOL = 1
# What is not listed here is `power_loss`: a real file forgets nothing on demand.
CAPABILITIES = (
    "target_write",
    "background_copy",
    "bitmaps",
    "concurrent",
    "restart",
    "stop",
    "write_zeroes",
)
# More requests in flight than this wait their turn.
_THREADS = 16
_SOURCE, _TARGET, _MAP = "source", "target", "map"

Result = dict[str, Any]


@click.command()
@click.option(
    "--durability",
    type=click.Choice(["full", "process"]),
    default="full",
    show_default=True,
    help="What a flush makes durable against: loss of power, or a crash of the process.",
)
def serve(durability: Durability) -> None:
    """Serve the bundled implementation on standard input and output.

    Speaks the protocol of docs/protocol.md, one JSON-RPC message a line, until `close` is
    answered or standard input ends.
    """
    serve_on(sys.stdin.buffer, sys.stdout.buffer, Server(durability))


class Server:
    """One relationship in one directory, and the protocol's methods on it.

    A method takes the params of its request by name. It raises FlashCopyError for what is to be
    answered with an error.
    """

    def __init__(self, durability: Durability = "full") -> None:
        self._durability = durability
        self._open: FlashCopy | None = None

    def hello(self, protocol: int) -> Result:
        """Who this is, and what it claims."""
        if protocol != PROTOCOL:
            raise InvalidArgumentError(f"protocol {protocol}: this program speaks {PROTOCOL}")
        return {
            "protocol": PROTOCOL,
            "name": "flashcopy, bundled",
            "version": version("flashcopy"),
            "capabilities": list(CAPABILITIES),
        }

    def create(
        self, directory: str, size: int, block_size: int, grain_size: int, target_writable: bool
    ) -> Result:
        """GEO-1, ERR-9: two sparse files of zeros and a map file, in the directory."""
        self._require_closed()
        if size <= 0:
            raise InvalidArgumentError(f"size {size}: a volume has at least one block")
        files = [Path(directory) / name for name in (_SOURCE, _TARGET, _MAP)]
        for file in files[:2]:
            with file.open("xb") as new:
                new.truncate(size)
        try:
            self._open = FlashCopy.create(
                *files,
                block_size=block_size,
                grain_size=grain_size,
                target_writable=target_writable,
                durability=self._durability,
                background=False,
            )
        except FlashCopyError:
            for file in files[:2]:
                file.unlink()
            raise
        return {}

    def open(self, directory: str) -> Result:
        """REC-1: what an earlier process left in the directory, wherever that is now."""
        self._require_closed()
        source, target, map_file = (Path(directory) / name for name in (_SOURCE, _TARGET, _MAP))
        self._open = FlashCopy.open(
            map_file,
            source=source,
            target=target,
            durability=self._durability,
            background=False,
        )
        return {}

    def start(self) -> Result:
        """START-1."""
        self.pair.start()
        return {}

    def sync(self) -> Result:
        """SYNC-1."""
        self.pair.sync()
        return {}

    def stop(self) -> Result:
        """STOP-1."""
        self.pair.stop()
        return {}

    def read(self, volume: str, offset: int, length: int) -> Result:
        """READ-1, READ-2."""
        data = self._volume(volume).read(offset, length)
        return {"data": base64.b64encode(data).decode()}

    def write(self, volume: str, offset: int, data: str) -> Result:
        """WRITE-2, WRITE-3."""
        try:
            octets = base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise InvalidArgumentError(f"data is not base64: {error}") from None
        self._volume(volume).write(offset, octets)
        return {}

    def write_zeroes(self, volume: str, offset: int, length: int) -> Result:
        """WRITE-4."""
        self._volume(volume).write_zeroes(offset, length)
        return {}

    def flush(self, volume: str) -> Result:
        """FLUSH-1."""
        self._volume(volume).flush()
        return {}

    def background_copy(self, grains: int | None) -> Result:
        """COPY-2."""
        return {"copied": self.pair.copy(grains)}

    def status(self) -> Result:
        """State and counts of grains."""
        now = self.pair.status()
        return {"state": now.state.value, "copied": now.copied, "grains": now.grains}

    def bitmaps(self) -> Result:
        """Both maps, without the padding that follows them."""
        pair = self.pair
        maps, length = pair.bitmaps(), -(-pair.geometry.grains // 8)
        return {
            name: base64.b64encode(octets[:length]).decode()
            for name, octets in (("copied", maps.copied), ("modified", maps.modified))
        }

    def close(self) -> Result:
        """Flush everything and give the files back."""
        pair, self._open = self._open, None
        if pair is not None:
            pair.close()
        return {}

    def abandon(self) -> None:
        """Standard input ended without a close: end as a crash would, and leave the files."""
        if self._open is not None:
            self._open.abandon()

    @property
    def pair(self) -> FlashCopy:
        """The open relationship. Raises InvalidStateError if there is none."""
        if self._open is None:
            raise InvalidStateError("nothing is open: create or open comes first")
        return self._open

    def _volume(self, name: str) -> Volume:
        if name not in (_SOURCE, _TARGET):
            raise InvalidArgumentError(f"volume {name!r}: it is source or target")
        volume: Volume = getattr(self.pair, name)
        return volume

    def _require_closed(self) -> None:
        if self._open is not None:
            raise InvalidStateError("a relationship is open already; close comes first")


METHODS: dict[str, Callable[..., Result]] = {
    name: getattr(Server, name)
    for name in (
        "hello",
        "create",
        "open",
        "start",
        "sync",
        "stop",
        "read",
        "write",
        "write_zeroes",
        "flush",
        "background_copy",
        "status",
        "bitmaps",
        "close",
    )
}
# Which types a parameter may have; JSON's numbers come as int, and true is no number.
_TYPES: dict[str, tuple[type, ...]] = {
    "protocol": (int,),
    "directory": (str,),
    "size": (int,),
    "block_size": (int,),
    "grain_size": (int,),
    "target_writable": (bool,),
    "volume": (str,),
    "offset": (int,),
    "length": (int,),
    "data": (str,),
    "grains": (int, type(None)),
}


def serve_on(requests: BinaryIO, responses: BinaryIO, server: Server) -> None:
    """Answer requests until one of them is `close`, or there are no more."""
    writing = threading.Lock()

    def answer(request: Mapping[str, Any]) -> None:
        line = json.dumps(respond(server, request)).encode() + b"\n"
        with writing:
            responses.write(line)
            responses.flush()

    with ThreadPoolExecutor(_THREADS, "flashcopy-serve") as pool:
        for line in requests:
            request = _parse(line)
            if request.get("method") == "close":
                pool.shutdown()  # what came before is answered before
                answer(request)
                return
            pool.submit(answer, request)
    server.abandon()


def respond(server: Server, request: Mapping[str, Any]) -> Result:
    """The response to a request, whatever it is."""
    head = {"jsonrpc": "2.0", "id": request.get("id")}
    try:
        return {**head, "result": _carry_out(server, request)}
    except FlashCopyError as error:
        return {**head, "error": _error(error.kind, str(error))}
    except OSError as error:
        return {**head, "error": _error("io_error", str(error))}


def _carry_out(server: Server, request: Mapping[str, Any]) -> Result:
    method, params = request.get("method"), request.get("params", {})
    if not isinstance(method, str) or method not in METHODS:
        raise InvalidArgumentError(f"method {method!r}: not one of this program")
    if not isinstance(params, dict):
        raise InvalidArgumentError("params are by name")
    for name, value in params.items():
        if name in _TYPES and type(value) not in _TYPES[name]:
            raise InvalidArgumentError(f"{name} cannot be {value!r}")
    try:
        return METHODS[method](server, **params)
    except TypeError as error:
        # Only a parameter too many or too few: the types of those there are were checked.
        raise InvalidArgumentError(f"{method}: {error}") from None


def _parse(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}


def _error(kind: str, message: str) -> Result:
    return {"code": -32000, "message": message, "data": {"kind": kind}}
