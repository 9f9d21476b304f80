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
import threading
import time
from collections.abc import Sequence
from typing import NoReturn

from msgspec import Raw

from flashcopy.conformance.adapter import IutBrokeDownError, KilledError, RefusedError
from flashcopy.conformance.iut.message import (
    NoResponseError,
    Params,
    Request,
    Said,
    lines_of,
    read,
    require_end,
)
from flashcopy.conformance.iut.program import Program

# How often to look whether another thread has killed the program, in seconds.
_GLANCE = 0.1
# How long a program that reads no more may take to end, which says more about why.
_LAST = 5.0

# The number of a request, its method, and the result as JSON or the refusal.
Answer = tuple[int, str, Said]


class Connection:
    """A running program that is asked and answers; one thread at a time talks, any may kill.

    `timeout` is in seconds and holds for each request by itself, from when it is sent. Raises
    IutBrokeDownError if the program cannot be started.
    """

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._queue: list[Request] = []
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
        self._queue.append(Request("2.0", number, method, params))
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
            number = self.begin(method, params)
            self._converse(None, number)
            at = next(at for at, answer in enumerate(self._answered) if answer[0] == number)
            said = self._answered.pop(at)[2]
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

    def _converse(self, wait: float | None, number: int = 0) -> None:
        """Send what is queued and go on until there are answers, or it is no use to wait.

        With the number of a request, until there is the answer to that one.
        """
        if self._is_over():
            self._fail()
        if self._queue:
            self._send()
        until = None if wait is None else time.monotonic() + wait
        while self._in_flight and (number in self._in_flight if number else not self._answered):
            if self._program.deaf:
                self._was_deaf()
            if self._is_over():
                self._fail()
            oldest, (_, deadline) = next(iter(self._in_flight.items()))
            left = deadline - time.monotonic()
            limit = left if until is None else min(left, until - time.monotonic())
            written = self._program.step(max(0.0, min(limit, _GLANCE)))
            if written:
                self._take(written)
            elif self._program.ended:
                self._break(self._how_it_ended())
            # What was there in time has been taken now, even if the kit was late to look.
            if left <= 0 and oldest in self._in_flight:
                self._too_late()
            if until is not None and time.monotonic() >= until:
                return

    def _send(self) -> None:
        """Everything queued in one write, as far as the program reads."""
        queue, self._queue = self._queue, []
        deadline = time.monotonic() + self._timeout
        for request in queue:
            self._in_flight[request.id] = (request.method, deadline)
        self._program.send(lines_of(queue))

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
        try:
            for number, said in read(text):
                asked = self._in_flight.pop(number, None)
                if asked is None:
                    why = f"it answered request {number}, which was not asked or answered before"
                    raise NoResponseError(why)
                self._answered.append((number, asked[0], said))
            require_end(self._rest)
        except NoResponseError as error:
            self._break(str(error))

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
