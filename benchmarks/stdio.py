"""Requests a second through standard input and output, against a bare conversation with the same.

The peer of both is one program that answers each line it reads with the next of a list, flushed
line by line as the protocol wants it: an IUT that takes no time to think. The kit makes each
block describe itself, sends, receives, reads what the blocks say, and records what the history is
made of; to make it is the beginning of the judgement, and measured with it (`benchmarks.oracle`).
The bare client writes the same lines, made beforehand, counts the lines that come back, and writes
as many more. Half the requests write a block, half read one. Both start the peer, and wait for its
end.

The bare client looks at no message. What a client costs that does is told by a third, which makes
and reads each message with Python's json and base64, as one does who writes a tester in an hour.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen
from msgspec.json import Encoder

from benchmarks.figure import Figure, at_least, in_turn, rate
from flashcopy.conformance.blocks import data_of
from flashcopy.conformance.iut.stdio import StdioAdapter
from flashcopy.conformance.oracle.history import Recorder
from flashcopy.conformance.session import Session
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import Read, Write

BLOCK = 512
GEOMETRY = Geometry(64 * BLOCK, BLOCK, 4 * BLOCK)
REQUESTS = 20_000
TIMES = 5
GOAL = 0.5
GOAL_BESIDE_PLAIN = 1.0
DEPTHS = (1, 32)
_PEER = """
import sys
write, flush = sys.stdout.buffer.write, sys.stdout.buffer.flush
for answer, _ in zip(open(sys.argv[1], "rb").readlines(), sys.stdin.buffer):
    write(answer)
    flush()
"""


@frozen
class Script:
    """A conversation that is known beforehand: operations, and the lines they become."""

    operations: tuple[Read | Write, ...]
    requests: tuple[bytes, ...]
    answers: Path

    @property
    def peer(self) -> list[str]:
        """The program that gives the answers."""
        return [sys.executable, "-S", "-c", _PEER, str(self.answers)]


def run() -> Iterator[Figure]:
    """Two figures a depth; the ratios are the kit's speed to that of each other client."""
    with tempfile.TemporaryDirectory() as name:
        script = make_script(Path(name))
        for depth in DEPTHS:
            yield _beside("bare echo", _bare, script, depth, GOAL)
            yield _beside("plain client", _plain, script, depth, GOAL_BESIDE_PLAIN)


def _beside(
    name: str, client: Callable[[Script, int], None], script: Script, depth: int, goal: float
) -> Figure:
    ours, theirs, ratio = in_turn(lambda: _kit(script, depth), lambda: client(script, depth), TIMES)
    count = len(script.operations)
    beside = f"{name} {rate(count, theirs, 'requests')}"
    return at_least(f"stdio, {depth} in flight", rate(count, ours, "requests"), beside, ratio, goal)


def make_script(directory: Path) -> Script:
    """So many requests, the lines that they are, and a file with a line in answer to each."""
    encoder = Encoder()
    messages: list[tuple[str, dict[str, object], dict[str, object]]] = [
        ("hello", {}, {"protocol": 1, "name": "peer", "version": "1", "capabilities": []}),
        ("create", {}, {}),
    ]
    operations: list[Read | Write] = []
    for number in range(REQUESTS):
        block = number % GEOMETRY.blocks
        write = Write(Volume.SOURCE, block * BLOCK, BLOCK, number + 1)
        at = {"volume": Volume.SOURCE, "offset": block * BLOCK}
        data = data_of(GEOMETRY, write)
        if number % 2:
            operations.append(write)
            messages.append(("write", {**at, "data": data}, {}))
        else:
            operations.append(Read(Volume.SOURCE, block * BLOCK, BLOCK))
            messages.append(("read", {**at, "length": BLOCK}, {"data": data}))
    messages.append(("close", {}, {}))
    heads: list[dict[str, object]] = [
        {"jsonrpc": "2.0", "id": number} for number in range(1, len(messages) + 1)
    ]
    pairs = list(zip(heads, messages, strict=True))
    requests = [
        encoder.encode({**head, "method": method, "params": params}) + b"\n"
        for head, (method, params, _) in pairs
    ]
    answers = directory / "answers"
    answers.write_bytes(
        b"".join(encoder.encode({**head, "result": result}) + b"\n" for head, (*_, result) in pairs)
    )
    return Script(tuple(operations), tuple(requests), answers)


def _kit(script: Script, depth: int) -> None:
    """All requests by way of a session, and recorded."""
    session = Session(lambda: StdioAdapter(script.peer, 60), Path(), GEOMETRY, True)
    session.create()
    recorder = Recorder(GEOMETRY)
    if depth == 1:
        for operation in script.operations:
            recorder.record(operation, session.carry_out)
    else:
        _in_flight(session, recorder, script.operations, depth)
    session.close()


def _in_flight(
    session: Session, recorder: Recorder, operations: tuple[Read | Write, ...], depth: int
) -> None:
    left = iter(operations)
    in_flight: dict[int, int] = {}
    while True:
        for operation in itertools.islice(left, depth - len(in_flight)):
            recorded = recorder.submitted(operation)
            in_flight[session.begin(operation)] = recorded
        if not in_flight:
            return
        for number, outcome in session.answers():
            if isinstance(outcome, Exception):
                raise outcome
            recorder.was_answered(in_flight.pop(number), outcome)


def _bare(script: Script, depth: int) -> None:
    """The same lines, so many ahead of the answers."""
    with subprocess.Popen(
        script.peer, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        requests = script.requests
        sent, answered = 0, 0
        while answered < len(requests):
            more = requests[sent : answered + depth]
            os.write(peer.stdin.fileno(), b"".join(more))
            sent += len(more)
            answered += os.read(peer.stdout.fileno(), 1 << 16).count(b"\n")


def _plain(script: Script, depth: int) -> None:
    """The same requests, each made when its turn comes, each answer read by itself."""
    with subprocess.Popen(script.peer, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        asked, sent = itertools.count(1), iter(_messages(script))
        for answered in range(len(script.requests)):
            ahead = depth if answered == 0 else 1
            for method, params in itertools.islice(sent, ahead):
                request = {"jsonrpc": "2.0", "id": next(asked), "method": method, "params": params}
                peer.stdin.write(json.dumps(request).encode() + b"\n")
            peer.stdin.flush()
            result = json.loads(peer.stdout.readline())["result"]
            b64decode(result.get("data", ""))


def _messages(script: Script) -> Iterator[tuple[str, dict[str, object]]]:
    """What the operations become, one at a time."""
    yield "hello", {"protocol": 1}
    yield "create", {}
    for operation in script.operations:
        at: dict[str, object] = {"volume": "source", "offset": operation.offset}
        if isinstance(operation, Write):
            yield "write", {**at, "data": b64encode(data_of(GEOMETRY, operation)).decode()}
        else:
            yield "read", {**at, "length": operation.length}
    yield "close", {}
