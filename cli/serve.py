"""`flashcopy serve`: the bundled implementation as a program that speaks the wire protocol.

So it can be judged through standard input and output like anybody else's, and who writes an
adapter has one to compare with. Each request runs in a thread of its own, up to a limit, since the
implementation takes any number at a time; answers come in the order in which requests end.
"""

import json
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, BinaryIO

import click

from flashcopy.cli.server import METHODS, POWER_LOSS, TYPES, Result, Server
from flashcopy.cli.simulated import SimulatedDisks
from flashcopy.impl.errors import FlashCopyError, InvalidArgumentError
from flashcopy.impl.flashcopy import Durability

# More requests in flight than this wait their turn.
_THREADS = 16


@click.command()
@click.option(
    "--durability",
    type=click.Choice(["full", "process"]),
    default="full",
    show_default=True,
    help="What a flush makes durable against: loss of power, or a crash of the process.",
)
@click.option(
    "--disk",
    type=click.Choice(["real", "simulated"]),
    default="real",
    show_default=True,
    help="Simulated disks can lose power: what was not flushed is lost in part.",
)
def serve(durability: Durability, disk: str) -> None:
    """Serve the bundled implementation on standard input and output.

    Speaks the protocol of docs/protocol.md, one JSON-RPC message a line, until `close` is
    answered or standard input ends.
    """
    if disk == "simulated" and durability != "full":
        raise click.UsageError("--disk simulated flushes to its disks: leave --durability at full")
    disks = SimulatedDisks() if disk == "simulated" else None
    serve_on(sys.stdin.buffer, sys.stdout.buffer, Server(durability, disks))


def serve_on(requests: BinaryIO, responses: BinaryIO, server: Server) -> None:
    """Answer requests until one of them is `close`, or there are no more.

    A loss of power cuts off what came before it, and nothing that comes later begins before it.
    """
    writing = threading.Lock()

    def answer(request: Mapping[str, Any]) -> None:
        line = json.dumps(respond(server, request)).encode() + b"\n"
        with writing:
            responses.write(line)
            responses.flush()

    with ThreadPoolExecutor(_THREADS, "flashcopy-serve") as pool:
        running: list[Future[None]] = []
        for line in requests:
            request = _parse(line)
            if request.get("method") == "close":
                pool.shutdown()  # what came before is answered before
                answer(request)
                return
            if request.get("method") == POWER_LOSS:
                server.cut_power(request.get("params"))
                wait(running)
                answer(request)
                running.clear()
                continue
            running = [future for future in running if not future.done()]
            running.append(pool.submit(answer, request))
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
        if name in TYPES and type(value) not in TYPES[name]:
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
