"""Messages of the wire: requests as lines, and what lines of somebody else's program say.

Lines are read many at a time by a parser that knows what a response looks like. It says little
about what is none, so a text that it does not take is read again line by line, by one that
explains.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

from flashcopy.conformance.adapter import RefusedError
from flashcopy.model.operation import Refusal

# No answer to the kit's requests comes near this; a longer line is garbage, not worth its memory.
LONGEST_LINE = 8 << 20
_SHOWN = 80
# What an object begins with, and nothing else does.
_BRACE = ord("{")

# By name, as values that JSON has, and bytes, which become base64.
Params = Mapping[str, Any] | Struct
# A result, an object in JSON; or a refusal.
Said = Raw | RefusedError


class NoResponseError(Exception):
    """A line that is no response; says what it is instead, and how it begins."""


# None of these can be part of a circle, so the garbage collector need not look at them.
class Request(Struct, gc=False):
    """A request as it is sent."""

    jsonrpc: str
    id: int
    method: str
    params: Params


class _Response(Struct, gc=False):
    """A response; of result and error one is missing, that is empty."""

    id: int
    jsonrpc: Literal["2.0"]
    result: Raw = Raw()
    error: Raw = Raw()


_ENCODER = Encoder()
_DECODER = Decoder(_Response)


def lines_of(requests: Sequence[Request]) -> bytes:
    """The requests, a line each."""
    return _ENCODER.encode_lines(requests)


def read(text: bytes) -> Iterator[tuple[int, Said]]:
    """What whole lines say: the number of a request, and its result or refusal.

    Raises NoResponseError at the first line that is no response, after what comes before it.
    """
    try:
        responses = _DECODER.decode_lines(text) if len(text) <= LONGEST_LINE else []
    except (ValueError, RecursionError):
        responses = []
    if len(responses) != text.count(b"\n"):
        for line in text.split(b"\n")[:-1]:
            yield _read_line(line)
        return
    for at, response in enumerate(responses):
        result = response.result
        if result and memoryview(result)[0] == _BRACE and not response.error:
            yield response.id, result
        else:
            yield _read_line(text.split(b"\n", at + 1)[at])


def require_end(line: bytes | bytearray) -> None:
    """Raises NoResponseError for the beginning of a line that is too long already."""
    if len(line) > LONGEST_LINE:
        said = f"it wrote a line of more than {LONGEST_LINE} bytes"
        raise NoResponseError(f"{said}: {_show(line)}")


def _read_line(line: bytes) -> tuple[int, Said]:
    require_end(line)
    try:
        message = json.loads(line)
        wrong = _what_is_wrong(message)
        result = Raw() if wrong else _DECODER.decode(line).result
    except (ValueError, RecursionError):
        wrong = "it wrote what is not JSON"
    if wrong:
        raise NoResponseError(f"{wrong}: {_show(line)}")
    return message["id"], _refusal(message["error"]) if "error" in message else result


def _what_is_wrong(message: Any) -> str:
    """Why a message is no response, or nothing if it is one."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return "it wrote what is no JSON-RPC 2.0 message"
    if type(message.get("id")) is not int:
        return "it wrote a response whose id is no number"
    if ("result" in message) == ("error" in message):
        return "it wrote a response with neither a result nor an error, or with both"
    if "result" in message:
        return "" if isinstance(message["result"], dict) else "it wrote a result that is no object"
    error = message["error"]
    data = error.get("data") if isinstance(error, dict) else None
    kinds = [refusal.value for refusal in Refusal] + ["internal"]
    if not isinstance(data, dict) or data.get("kind") not in kinds:
        return "it wrote an error without a data.kind of the protocol"
    return ""


def _refusal(error: dict[str, Any]) -> RefusedError:
    kind, message = error["data"]["kind"], str(error.get("message", ""))
    return RefusedError(None if kind == "internal" else Refusal(kind), message)


def _show(line: bytes | bytearray) -> str:
    """The beginning of a line, for a message."""
    text = line[:_SHOWN].decode(errors="replace").rstrip()
    return repr(text) + ("…" if len(line) > _SHOWN else "")
