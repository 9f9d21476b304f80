"""A member of the zoo on standard input and output.

What has arrived is carried out in a random order, one request as a whole after the other. Only a
member that pauses within a request (its method is a generator) lets others come in between.
"""

import base64
import json
import os
import random
import select
from collections.abc import Iterator
from typing import Any

from flashcopy.conformance.zoo.right import RefusedError, Right

CAPABILITIES = [
    "target_write",
    "background_copy",
    "bitmaps",
    "concurrent",
    "restart",
    "stop",
    "write_zeroes",
]
# How long a request that pauses waits for others to come in between, in seconds.
_PAUSE = 0.0005
_CHUNK = 1 << 20


def serve(member: Right, name: str) -> None:
    """Answer requests until `close`, or until there are no more."""
    chance = random.Random(0)
    paused: list[tuple[dict[str, Any], Iterator[None]]] = []
    rest, ended = b"", False
    while not ended or paused:
        arrived: list[bytes] = []
        if not ended and (not paused or select.select([0], [], [], _PAUSE)[0]):
            chunk = os.read(0, _CHUNK)
            ended = not chunk
            *arrived, rest = (rest + chunk).split(b"\n")
        chance.shuffle(arrived)
        for line in arrived:
            request = json.loads(line)
            if request["method"] == "close":
                _answer(request, {"result": {}})
                return
            paused += _begin(member, name, request)
        # Others are let in between more often than not.
        if paused and (not arrived or chance.random() < 0.3):
            _go_on(paused, chance)


def _begin(
    member: Right, name: str, request: dict[str, Any]
) -> list[tuple[dict[str, Any], Iterator[None]]]:
    """Carry a request out and answer it; one that pauses is given back instead."""
    if request["method"] == "hello":
        said = {"protocol": 1, "name": f"zoo {name}", "version": "1", "capabilities": CAPABILITIES}
        _answer(request, {"result": said})
        return []
    params = dict(request.get("params", {}))
    if "data" in params:
        params["data"] = base64.b64decode(params["data"])
    try:
        result = getattr(member, request["method"])(**params)
    except RefusedError as error:
        _refuse(request, error)
        return []
    if not isinstance(result, dict):
        return [(request, result)]
    _answer(request, {"result": result})
    return []


def _go_on(paused: list[tuple[dict[str, Any], Iterator[None]]], chance: random.Random) -> None:
    """One of the paused requests takes its next step."""
    request, steps = paused.pop(chance.randrange(len(paused)))
    try:
        next(steps)
        paused.append((request, steps))
    except StopIteration as end:
        _answer(request, {"result": end.value})
    except RefusedError as error:
        _refuse(request, error)


def _refuse(request: dict[str, Any], error: RefusedError) -> None:
    _answer(request, {"error": {"code": -1, "message": error.kind, "data": {"kind": error.kind}}})


def _answer(request: dict[str, Any], fields: dict[str, Any]) -> None:
    result = fields.get("result", {})
    for key, value in result.items():
        if isinstance(value, bytes):
            result[key] = base64.b64encode(value).decode()
    line = json.dumps({"jsonrpc": "2.0", "id": request["id"], **fields}).encode() + b"\n"
    while line:
        line = line[os.write(1, line) :]
