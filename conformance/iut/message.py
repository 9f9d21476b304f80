"""Messages of the wire: requests as lines, and what lines of somebody else's program say.

A line is read by a parser that knows what the response to a request that was carried out looks
like, and nothing else. A line that it does not take is read again by one that knows refusals, too,
and explains what is neither.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import frozen
from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

from flashcopy.conformance.adapter import RefusedError
from flashcopy.model.operation import Refusal

# No answer to the kit's requests comes near this; a longer line is garbage, not worth its memory.
LONGEST_LINE = 8 << 20
_SHOWN = 80

# By name, as values that JSON has, and bytes, which become base64.
Params = Mapping[str, Any] | Struct
# What a result says; raises ValueError for one that is not as it must be.
Decode = Callable[[Raw], Any]


class NoResponseError(Exception):
    """A line that is no response; says what it is instead, and how it begins."""


# None of these can be part of a circle, so the garbage collector need not look at them.
class Request(Struct, gc=False):
    """A request as it is sent."""

    jsonrpc: str
    id: int
    method: str
    params: Params


class Result(Struct, gc=False, forbid_unknown_fields=True):
    """The response to a request that was carried out."""

    id: int
    jsonrpc: Literal["2.0"]
    result: Raw


@frozen
class Error:
    """The response to a request that was refused."""

    id: int
    refused: RefusedError


_ENCODER = Encoder()
_decode = Decoder(Result).decode


def lines_of(requests: Sequence[Request]) -> bytes:
    """The requests, a line each."""
    return _ENCODER.encode_lines(requests)


def read(text: bytes) -> Iterator[Result | Error]:
    """What whole lines say, a response each.

    Raises NoResponseError at the first line that is no response, after what comes before it.
    """
    for line in text.split(b"\n")[:-1]:
        try:
            response: Result | Error = _decode(line)
        except (ValueError, RecursionError):
            response = _read_carefully(line)
        yield response


def require_end(line: bytes | bytearray) -> None:
    """Raises NoResponseError for the beginning of a line that is too long already."""
    if len(line) > LONGEST_LINE:
        said = f"it wrote a line of more than {LONGEST_LINE} bytes"
        raise NoResponseError(f"{said}: {_show(line)}")


def why_not(method: str, result: Raw, error: Exception) -> str:
    """Why a result is none of a method, given what its `Decode` raised."""
    text = bytes(result)
    if text.startswith(b"{"):
        return f"the result of {method} is not as it must be: {error}"
    return f"it wrote a result that is no object: {_show(text)}"


def _read_carefully(line: bytes) -> Result | Error:
    """A line that is no plain result."""
    require_end(line)
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise NoResponseError(f"it wrote what is not JSON: {_show(line)}") from None
    wrong = _what_is_wrong(message)
    if wrong:
        raise NoResponseError(f"{wrong}: {_show(line)}")
    if "error" in message:
        return Error(message["id"], _refusal(message["error"]))
    return Result(message["id"], "2.0", Raw(json.dumps(message["result"]).encode()))


def _what_is_wrong(message: Any) -> str:
    """Why a message is no response, or nothing if it is one."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return "it wrote what is no JSON-RPC 2.0 message"
    if type(message.get("id")) is not int:
        return "it wrote a response whose id is no number"
    if ("result" in message) == ("error" in message):
        return "it wrote a response with neither a result nor an error, or with both"
    if "result" in message:
        return ""
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
