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
import time
from collections import deque
from collections.abc import Sequence
from threading import RLock
from typing import Any, NoReturn

from msgspec.json import Decoder

from flashcopy.conformance.adapter import IutBrokeDownError, KilledError, RefusedError
from flashcopy.conformance.iut.message import (
    Decode,
    Error,
    NoResponseError,
    Params,
    Request,
    lines_of,
    read,
    require_end,
    why_not,
)
from flashcopy.conformance.iut.program import Program

# How often to look whether another thread has killed the program, in seconds.
_GLANCE = 0.1
# How long a program that reads no more may take to end, which says more about why.
_LAST = 5.0
_FOREVER = float("inf")

_object: Decode = Decoder(dict[str, Any]).decode


class Connection:
    """A running program that is asked and answers; one thread at a time talks, any may kill.

    `timeout` is in seconds and holds for each request by itself, from when it is sent. Raises
    IutBrokeDownError if the program cannot be started.
    """

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._queue: list[Request] = []
        # What is not answered yet, oldest first: its method, and what reads its result.
        self._in_flight: dict[int, tuple[str, Decode]] = {}
        # The last of what was sent together, and when all of it must be answered.
        self._sent: deque[tuple[int, float]] = deque()
        self._answered: dict[int, Any] = {}
        self._rest = bytearray()
        self._broken = ""
        self._killed = False
        self._talking = RLock()
        self._program = Program(command)

    def begin(self, method: str, params: Params, decode: Decode = _object) -> int:
        """Queue a request; its number. It is sent with the next that is waited for.

        `decode` reads the result, which is a JSON object.
        """
        number = next(self._numbers)
        self._in_flight[number] = (method, decode)
        self._queue.append(Request("2.0", number, method, params))
        return number

    def answers(self, wait: float | None = None) -> list[tuple[int, Any]]:
        """Send what is queued; the answers that are there, at least one if any is awaited.

        An answer is what `decode` made of the result, or a RefusedError. With `wait`, return after
        so many seconds even if there is none. Raises KilledError if `kill` came in between, and
        IutBrokeDownError.
        """
        with self._talking:
            self._send()
            until = _FOREVER if wait is None else time.monotonic() + wait
            while self._in_flight and not self._answered:
                self._listen(until)
                if wait is not None and time.monotonic() >= until:
                    break
            if self._broken and not self._answered:
                self._fail()
            answered, self._answered = self._answered, {}
        return list(answered.items())

    def answer_to(self, number: int) -> Any:
        """Send what is queued and wait for one answer; others are kept for `answers`."""
        with self._talking:
            self._send()
            while number in self._in_flight:
                self._listen(_FOREVER)
            return self._answered.pop(number)

    def call(self, method: str, params: Params, decode: Decode = _object) -> Any:
        """What `decode` makes of the result of a request. Raises RefusedError for an error."""
        said = self.answer_to(self.begin(method, params, decode))
        if isinstance(said, RefusedError):
            raise said
        return said

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

    def _send(self) -> None:
        """Everything queued in one write, as far as the program reads."""
        if self._broken or self._killed:
            self._fail()
        if self._queue:
            self._sent.append((self._queue[-1].id, time.monotonic() + self._timeout))
            self._program.send(lines_of(self._queue))
            self._queue.clear()

    def _listen(self, until: float) -> None:
        """Take what the program writes next, if it does before then; requests are in flight."""
        program = self._program
        if program.deaf:
            self._was_deaf()
        if self._broken or self._killed:
            self._fail()
        oldest, deadline = self._next_due()
        now = time.monotonic()
        written = program.step(max(0.0, min(deadline, until, now + _GLANCE) - now))
        if written:
            self._take(written)
        elif program.ended:
            self._break(self._how_it_ended())
        # What was there in time has been taken now, even if the kit was late to look.
        if now >= deadline and oldest in self._in_flight:
            self._too_late()

    def _next_due(self) -> tuple[int, float]:
        """The oldest request in flight, and when it must be answered."""
        oldest = next(iter(self._in_flight))
        while self._sent[0][0] < oldest:
            self._sent.popleft()
        return oldest, self._sent[0][1]

    def _was_deaf(self) -> None:
        """It reads no more: why is better known from the end of its output, if that comes."""
        method, _ = next(reversed(self._in_flight.values()))
        until = time.monotonic() + min(_LAST, self._timeout)
        while time.monotonic() < until and not self._is_over():
            self._take(self._program.step(_GLANCE))
            if self._program.ended:
                self._break(self._how_it_ended())
        self._break(f"it closed its standard input before {method}")

    def _too_late(self) -> None:
        """The oldest request in flight was not answered in time."""
        method, _ = next(iter(self._in_flight.values()))
        did = "read" if self._program.sending else "answer"
        self._break(f"it did not {did} {method} within {self._timeout:g} s")

    def _take(self, written: bytes) -> None:
        """Answers from what the program has written; what is no answer ends the conversation."""
        if self._rest or not written.endswith(b"\n"):
            written = self._whole_lines(written)
        try:
            for response in read(written):
                number = response.id
                asked = self._in_flight.get(number)
                if asked is None:
                    why = f"it answered request {number}, which was not asked or answered before"
                    raise NoResponseError(why)
                if isinstance(response, Error):
                    said = response.refused
                else:
                    method, decode = asked
                    try:
                        said = decode(response.result)
                    except (ValueError, RecursionError) as error:
                        raise NoResponseError(why_not(method, response.result, error)) from None
                self._answered[number] = said
                del self._in_flight[number]
            require_end(self._rest)
        except NoResponseError as error:
            self._break(str(error))

    def _whole_lines(self, written: bytes) -> bytes:
        """What has been written up to the end of a line; the rest waits for its end."""
        end = written.rfind(b"\n") + 1
        lines = bytes(self._rest) + written[:end] if end else b""
        if end:
            self._rest.clear()
        self._rest += written[end:]
        return lines

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
