"""A conversation with a program: JSON-RPC 2.0, one message a line, any number in flight.

Requests are queued until somebody waits; then all of them go out in one write, and whatever
answers are there are taken together. So a thousand requests in flight cost no thread and hardly a
system call each, and one that is waited for alone costs three.

The program is somebody else's, so nothing is taken for granted. It may die, hang, stop reading,
write garbage, a line without end, an answer that nobody asked for or two to one request, and any
amount on standard error. Each of these ends the conversation with IutBrokeDownError, which says
what happened and shows the end of standard error; it is never taken for a wrong answer. Whatever
happens, the program and the processes it started are gone when the conversation is over.
"""

import itertools
import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NoReturn

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

from flashcopy.conformance.adapter import IutBrokeDownError, KilledError, RefusedError
from flashcopy.conformance.program import Program
from flashcopy.model.operation import Refusal

# No answer to the kit's requests comes near this; a longer line is garbage, not worth its memory.
LONGEST_LINE = 8 << 20
_SHOWN = 80
# What an object begins with, and nothing else does.
_BRACE = ord("{")
# How often to look whether another thread has killed the program, in seconds.
_GLANCE = 0.1
# How long a program that reads no more may take to end, which says more about why.
_LAST = 5.0


# By name, as values that JSON has, and bytes, which become base64.
Params = Mapping[str, Any] | Struct


# None of these can be part of a circle, so the garbage collector need not look at them.
class _Request(Struct, gc=False):
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


# The number of a request, its method, and the result as JSON or the refusal.
Answer = tuple[int, str, Raw | RefusedError]

_ENCODER = Encoder()
_DECODER = Decoder(_Response)


class Connection:
    """A running program that is asked and answers; one thread at a time talks, any may kill.

    `timeout` is in seconds and holds for each request by itself, from when it is sent. Raises
    IutBrokeDownError if the program cannot be started.
    """

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._queue: list[_Request] = []
        # What is in flight, oldest first: its method, and when it must be answered.
        self._in_flight: dict[int, tuple[str, float]] = {}
        self._answered: list[Answer] = []
        self._rest = bytearray()
        self._broken = ""
        self._killed = False
        self._talking = threading.RLock()
        self._program = Program(command)

    def begin(self, method: str, params: Params) -> int:
        """Queue a request; its number. It is sent with the next that is waited for."""
        number = next(self._numbers)
        self._queue.append(_Request("2.0", number, method, params))
        return number

    def answers(self, wait: float | None = None) -> list[Answer]:
        """Send what is queued; the answers that are there, at least one if any is awaited.

        With `wait`, return after so many seconds even if there is none. Raises KilledError if
        `kill` came in between, and IutBrokeDownError.
        """
        with self._talking:
            self._converse(wait)
            answered, self._answered = self._answered, []
        return answered

    def call(self, method: str, params: Params) -> Raw:
        """Send a request, wait for its answer and give the result, a JSON object.

        Answers to others that come meanwhile are kept for `answers`. Raises RefusedError for an
        answer that is an error, and what `answers` raises.
        """
        with self._talking:
            kept, self._answered = self._answered, []
            number = self.begin(method, params)
            try:
                while True:
                    self._converse(None)
                    answered, self._answered = self._answered, []
                    for answer in answered:
                        if answer[0] != number:
                            kept.append(answer)
                        else:
                            found = answer[2]
                    if number not in self._in_flight:
                        break
            finally:
                self._answered = kept
        if isinstance(found, RefusedError):
            raise found
        return found

    def close(self) -> None:
        """Ask the program to end, see that it does, and leave nothing running."""
        try:
            self.call("close", {})
            deadline = time.monotonic() + self._timeout
            with self._talking:
                while not (self._is_over() or self._program.ended):
                    if time.monotonic() > deadline:
                        self._break(f"it did not end within {self._timeout:g} s of answering close")
                    self._take(self._program.step(_GLANCE))
                if self._broken:
                    self._fail()
        finally:
            self.kill()

    def kill(self) -> None:
        """End the program and its children at once. May be called at any moment and again."""
        self._killed = True
        self._program.end()
        with self._talking:  # whoever talks notices, and must be done with the pipes
            self._program.discard()

    def _converse(self, wait: float | None) -> None:
        """Send what is queued and go on until there are answers, or it is no use to wait."""
        if self._is_over():
            self._fail()
        if self._queue:
            self._send()
        until = None if wait is None else time.monotonic() + wait
        while not self._answered and self._in_flight:
            if self._program.deaf:
                self._was_deaf()
            if self._is_over():
                self._fail()
            now = time.monotonic()
            deadline = next(iter(self._in_flight.values()))[1]
            if until is not None:
                deadline = min(deadline, until)
            written = self._program.step(max(0.0, min(deadline - now, _GLANCE)))
            if written:
                self._take(written)
            elif self._program.ended:
                self._break(self._how_it_ended())
            elif until is not None and time.monotonic() >= until:
                break
            elif time.monotonic() >= deadline:
                self._too_late()

    def _send(self) -> None:
        """Everything queued in one write, as far as the program reads."""
        queue, self._queue = self._queue, []
        deadline = time.monotonic() + self._timeout
        for request in queue:
            self._in_flight[request.id] = (request.method, deadline)
        self._program.send(_ENCODER.encode_lines(queue))

    def _was_deaf(self) -> None:
        """It reads no more: why is better known from the end of its output, if that comes."""
        method = next(reversed(self._in_flight.values()))[0]
        until = time.monotonic() + min(_LAST, self._timeout)
        while time.monotonic() < until and not self._is_over():
            self._take(self._program.step(_GLANCE))
            if self._program.ended:
                self._break(self._how_it_ended())
        self._break(f"it closed its standard input before {method}")

    def _too_late(self) -> None:
        """The oldest request in flight was not answered in time."""
        method = next(iter(self._in_flight.values()))[0]
        did = "read" if self._program.sending else "answer"
        self._break(f"it did not {did} {method} within {self._timeout:g} s")

    def _take(self, written: bytes) -> None:
        """Answers from what the program has written; what is no answer ends the conversation."""
        end = written.rfind(b"\n") + 1
        if end and self._rest:
            text = bytes(self._rest) + written[:end]
            self._rest.clear()
        else:
            text = written[:end]
        if end < len(written):
            self._rest += written[end:]
        if text:
            self._take_lines(text)
        if len(self._rest) > LONGEST_LINE:
            self._line_too_long(bytes(self._rest[:_SHOWN]))

    def _take_lines(self, text: bytes) -> None:
        """Whole lines, all at once as long as they are results; whatever else, line by line."""
        try:
            responses = _DECODER.decode_lines(text)
        except (ValueError, RecursionError):
            responses = []
        if len(responses) != text.count(b"\n") or len(text) > LONGEST_LINE:
            for line in text.split(b"\n")[:-1]:
                if not self._is_over():
                    self._take_line(line)
            return
        for at, response in enumerate(responses):
            result = response.result
            asked = self._in_flight.get(response.id)
            if asked is None or not result or memoryview(result)[0] != _BRACE or response.error:
                self._take_line(text.split(b"\n", at + 1)[at])
                if self._is_over():
                    return
            else:
                del self._in_flight[response.id]
                self._answered.append((response.id, asked[0], result))

    def _take_line(self, line: bytes) -> None:
        """One line, whatever it is."""
        if len(line) > LONGEST_LINE:
            self._line_too_long(line)
            return
        try:
            message = json.loads(line)
            wrong = _what_is_wrong(message)
            result = Raw() if wrong else _DECODER.decode(line).result
        except (ValueError, RecursionError):
            self._break(f"it wrote what is not JSON: {_show(line)}")
            return
        if not wrong and message["id"] not in self._in_flight:
            wrong = "it answered what was not asked, or was answered before"
        if wrong:
            self._break(f"{wrong}: {_show(line)}")
            return
        method, _ = self._in_flight.pop(message["id"])
        answer = _refusal(message["error"]) if "error" in message else result
        self._answered.append((message["id"], method, answer))

    def _line_too_long(self, line: bytes) -> None:
        self._break(f"it wrote a line of more than {LONGEST_LINE} bytes: {_show(line)}")

    def _how_it_ended(self) -> str:
        waiting = sorted({method for method, _ in self._in_flight.values()})
        during = f" while {', '.join(waiting)} had no answer" if waiting else ""
        return f"it ended{self._program.status()}{during}"

    def _break(self, why: str) -> None:
        """The conversation is over; the first reason is the one that counts."""
        if not self._broken and not self._killed:
            self._broken = why
        self._program.end()

    def _is_over(self) -> bool:
        return bool(self._broken) or self._killed

    def _fail(self) -> NoReturn:
        if not self._broken:
            raise KilledError
        said = self._program.last_words()
        tail = f"\nThe end of its standard error:\n{said}" if said else ""
        raise IutBrokeDownError(self._broken + tail)


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


def _show(line: bytes) -> str:
    """The beginning of a line, for a message."""
    text = line[:_SHOWN].decode(errors="replace").rstrip()
    return repr(text) + ("…" if len(line) > _SHOWN else "")
