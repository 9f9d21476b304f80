"""A member of the zoo on standard input and output.

What has arrived is carried out in a random order, one request as a whole after the other. Only a
member that pauses within a request (its method is a generator) lets others come in between. When
it loses power, what came before has been carried out, and what is paused then fails.
"""

import base64
import json
import os
import random
import select
from collections.abc import Iterator
from typing import Any

from flashcopy.conformance.zoo.right import RefusedError, Right

Request = dict[str, Any]
# A request under way, and the rest of what it does.
Paused = tuple[Request, Iterator[None]]

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
    paused: list[Paused] = []
    rest, ended = b"", False
    while not ended or paused:
        arrived: list[bytes] = []
        if not ended and (not paused or select.select([0], [], [], _PAUSE)[0]):
            chunk = os.read(0, _CHUNK)
            ended = not chunk
            *arrived, rest = (rest + chunk).split(b"\n")
        answers: list[bytes] = []
        for request in _in_some_order(arrived, chance):
            if request["method"] == "close":
                member.close()
                _write([*answers, _answer(request, {"result": {}})])
                return
            _begin(member, name, request, paused, answers)
            if request["method"] == "power_loss":
                answers += [_refusal(cut_off, RefusedError("io_error")) for cut_off, _ in paused]
                paused.clear()
        # Others are let in between more often than not.
        if paused and (not arrived or chance.random() < 0.3):
            _go_on(paused.pop(chance.randrange(len(paused))), paused, answers)
        _write(answers)


def _in_some_order(arrived: list[bytes], chance: random.Random) -> list[Request]:
    """What has arrived, shuffled, but for a loss of power, which comes last."""
    requests: list[Request] = [json.loads(line) for line in arrived]
    chance.shuffle(requests)
    return sorted(requests, key=lambda request: request["method"] == "power_loss")


def _begin(
    member: Right, name: str, request: Request, paused: list[Paused], answers: list[bytes]
) -> None:
    """Carry a request out and answer it; one that pauses takes its first step."""
    if request["method"] == "hello":
        claimed = [*(each for each in CAPABILITIES if each not in member.lacks), *member.claims]
        said = {"protocol": 1, "name": f"zoo {name}", "version": "1", "capabilities": claimed}
        answers.append(_answer(request, {"result": said}))
        return
    params = dict(request.get("params", {}))
    if "data" in params:
        params["data"] = base64.b64decode(params["data"])
    try:
        result = getattr(member, request["method"])(**params)
    except RefusedError as error:
        answers.append(_refusal(request, error))
        return
    if isinstance(result, dict):
        answers.append(_answer(request, {"result": result}))
    else:
        _go_on((request, result), paused, answers)


def _go_on(one: Paused, paused: list[Paused], answers: list[bytes]) -> None:
    """A request that pauses takes its next step, and pauses again or is answered."""
    request, steps = one
    try:
        next(steps)
        paused.append(one)
    except StopIteration as end:
        answers.append(_answer(request, {"result": end.value}))
    except RefusedError as error:
        answers.append(_refusal(request, error))


def _refusal(request: Request, error: RefusedError) -> bytes:
    fields = {"code": -1, "message": error.kind, "data": {"kind": error.kind}}
    return _answer(request, {"error": fields})


def _answer(request: Request, fields: dict[str, Any]) -> bytes:
    result = fields.get("result", {})
    for key, value in result.items():
        if isinstance(value, bytes):
            result[key] = base64.b64encode(value).decode()
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], **fields}).encode()


def _write(answers: list[bytes]) -> None:
    """All that was answered in one go."""
    lines = b"".join(answer + b"\n" for answer in answers)
    while lines:
        lines = lines[os.write(1, lines) :]
