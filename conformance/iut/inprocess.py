"""An adapter in the kit's own process, as a Conversation that survives whatever the class does.

Each request in flight has a thread of its own; one at a time always has the same one, in which
the class was made, too. What a method raises beside refusals is a breakdown, and so is a method
that does not return in time. A thread cannot be killed, so one that hangs is left behind; it does
not keep the kit from ending.
"""

import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from flashcopy.conformance.adapter import (
    Adapter,
    Conversation,
    IutBrokeDownError,
    KilledError,
    RefusedError,
)

# How often to look whether the adapter was killed meanwhile, in seconds.
_GLANCE = 0.1

# How many places in its code are shown when it raises, the innermost ones.
_SHOWN = 2

# What a thread is to do and the number to say it is done with, or None to end.
_Work = tuple[int, Callable[[], Any]] | None


class _Threads:
    """Calls under way and what came of them. `timeout` is in seconds, for each call by itself."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._numbers = 0
        self._threads = 0
        self._work: SimpleQueue[_Work] = SimpleQueue()
        self._done: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        # What is in flight, oldest first: what it is called, and when it must be done.
        self._in_flight: dict[int, tuple[str, float]] = {}
        self._answered: list[tuple[int, Any]] = []
        self.broken: IutBrokeDownError | None = None
        self.killed = False

    def begin(self, name: str, call: Callable[[], Any]) -> int:
        """Start a call in a thread that has nothing else to do; its number."""
        self._numbers += 1
        self._in_flight[self._numbers] = (name, time.monotonic() + self._timeout)
        if len(self._in_flight) > self._threads:
            self._threads += 1
            threading.Thread(target=_serve, args=(self._work, self._done), daemon=True).start()
        self._work.put((self._numbers, call))
        return self._numbers

    def answers(self, wait: float | None = None) -> list[tuple[int, Any]]:
        """As `Conversation.answers`."""
        self._gather(wait)
        answered, self._answered = self._answered, []
        return answered

    def answer_to(self, number: int) -> Any:
        """As `Conversation.answer_to`."""
        kept: list[tuple[int, Any]] = []
        try:
            while True:
                answered, self._answered = self._answered, []
                kept += [each for each in answered if each[0] != number]
                for each, result in answered:
                    if each == number:
                        return result
                self._gather(None)
        finally:
            self._answered = kept

    def call(self, name: str, call: Callable[[], Any]) -> Any:
        """What comes of a call by itself. Raises what it raises, and IutBrokeDownError."""
        result = self.answer_to(self.begin(name, call))
        if isinstance(result, RefusedError):
            raise result
        return result

    def end(self) -> None:
        """Let the threads end that have nothing to do any more."""
        for _ in range(self._threads):
            self._work.put(None)

    def _gather(self, wait: float | None) -> None:
        """Go on until something has come of a call, or it is no use to wait."""
        until = None if wait is None else time.monotonic() + wait
        while not self._answered:
            if self.killed:
                raise KilledError
            if self.broken:
                raise self.broken
            if not self._in_flight:
                return
            name, deadline = next(iter(self._in_flight.values()))
            now = time.monotonic()
            limit = min(deadline, now + _GLANCE, deadline if until is None else until)
            with suppress(Empty):
                self._take(self._done.get(timeout=max(0.0, limit - now)))
                while True:
                    self._take(self._done.get_nowait())
            if until is not None and time.monotonic() >= until:
                return
            if not self._answered and time.monotonic() >= deadline:
                self.broken = IutBrokeDownError(f"{name} did not return within {self._timeout:g} s")

    def _take(self, done: tuple[int, Any]) -> None:
        number, result = done
        name, _ = self._in_flight.pop(number)
        if isinstance(result, RefusedError) or not isinstance(result, BaseException):
            self._answered.append((number, result))
        elif isinstance(result, KilledError):
            self.killed = True
        elif isinstance(result, IutBrokeDownError):
            self.broken = result
        else:
            self.broken = IutBrokeDownError(_say(name, result))


class _Guarded:
    """A Conversation with an adapter; see the head of this file."""

    def __init__(self, make: Callable[[], Adapter], timeout: float) -> None:
        self._timeout = timeout
        self._threads = _Threads(timeout)
        self._adapter = self._threads.call("its construction", make)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = self._method(name)
        threads = self._threads

        def guarded(*arguments: Any, **options: Any) -> Any:
            return threads.call(name, lambda: method(*arguments, **options))

        return guarded

    def begin(self, method: str, *arguments: Any) -> int:
        """Call a method in a thread."""
        called = self._method(method)
        return self._threads.begin(method, lambda: called(*arguments))

    def answer_to(self, number: int) -> Any:
        """What one call returns."""
        return self._threads.answer_to(number)

    def answers(self, wait: float | None = None) -> list[tuple[int, Any]]:
        """What has returned."""
        return self._threads.answers(wait)

    def kill(self) -> None:
        """End it, unless it has broken down so that it cannot even be ended."""
        self._threads.killed = True
        ending = _Threads(self._timeout)
        try:
            ending.call("kill", self._method("kill"))
        except IutBrokeDownError:
            if not self._threads.broken:
                raise
        finally:
            ending.end()
            self._threads.end()

    def _method(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(self._adapter, name, None)
        if method is None:
            lacks = IutBrokeDownError(f"{type(self._adapter).__name__} has no method {name}")
            self._threads.broken = self._threads.broken or lacks
            raise lacks
        return method


def guard(make: Callable[[], Adapter], timeout: float) -> Callable[[], Conversation]:
    """Makes conversations with a class; `timeout` is in seconds and holds for each call."""

    def guarded() -> Conversation:
        conversation: Any = _Guarded(make, timeout)
        checked: Conversation = conversation
        return checked

    return guarded


def _serve(work: "SimpleQueue[_Work]", done: "SimpleQueue[tuple[int, Any]]") -> None:
    """A thread: call what comes, and say what came of it."""
    while (item := work.get()) is not None:
        number, call = item
        try:
            result = call()
        except BaseException as error:
            result = error
        done.put((number, result))


def _say(what: str, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    theirs = traceback.format_list([each for each in frames if each.filename != __file__][-_SHOWN:])
    return f"{what} raised {type(error).__name__}: {error}\n{''.join(theirs)}".rstrip()
