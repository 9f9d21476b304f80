"""A class in the kit's own process: requests in flight, breakdowns, and one that hangs."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.conformance.adapter import (
    Conversation,
    Hello,
    IutBrokeDownError,
    KilledError,
    RefusedError,
    Status,
)
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import EFFORTS, Target
from flashcopy.conformance.iut import inprocess
from flashcopy.conformance.iut.inprocess import guard
from flashcopy.conformance.runner import Plan, Verdict, introduce, judge
from flashcopy.model.images import Volume
from flashcopy.model.operation import Refusal
from tests.hurried import HurriedClock


class Odd:
    """Answers `status` with the thread it runs in, waits in `read`, and fails in other ways."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.reading = threading.Event()
        self.made_in = threading.get_ident()
        self.killed = 0

    def hello(self) -> Hello:
        """Claims nothing."""
        return Hello("odd", "1", frozenset())

    def status(self) -> tuple[int, int]:
        """The thread it was made in, and this one."""
        return self.made_in, threading.get_ident()

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        """Once it is allowed."""
        del volume, offset
        self.reading.set()
        self.go_on.wait()
        return bytes(length)

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        """Lets reads go on."""
        del volume, offset, data
        self.go_on.set()

    def start(self) -> None:
        """A refusal."""
        raise RefusedError(Refusal.INVALID_STATE, "not now")

    def sync(self) -> None:
        """A breakdown."""
        raise ZeroDivisionError("no reason")

    def kill(self) -> None:
        """Noted."""
        self.killed += 1
        self.go_on.set()


def conversation(make: Callable[[], Any] = Odd) -> Conversation:
    """With an odd one."""
    return guard(make, 30.0)()


def test_one_request_at_a_time_stays_in_the_thread_that_made_the_object() -> None:
    odd: Any = conversation()
    assert len({ident for _ in range(5) for ident in odd.status()}) == 1
    assert odd.status()[0] != threading.get_ident()
    odd.kill()


def test_several_in_flight_are_answered_as_they_return() -> None:
    odd = conversation()
    reads = [odd.begin("read", Volume.SOURCE, 0, length) for length in (1, 2)]
    assert odd.answers(0) == []
    refused = odd.begin("start")
    ((number, answer),) = odd.answers()
    assert number == refused
    assert isinstance(answer, RefusedError)
    odd.write(Volume.SOURCE, 0, b"")
    seen: dict[int, Any] = {}
    while len(seen) < 2:
        seen |= dict(odd.answers())
    assert seen == {reads[0]: b"\0", reads[1]: b"\0\0"}
    assert odd.answers() == []
    odd.kill()


def test_an_answer_that_came_before_it_was_asked_for() -> None:
    odd = conversation()
    refused, read = odd.begin("start"), odd.begin("read", Volume.SOURCE, 0, 1)
    odd.write(Volume.SOURCE, 0, b"")
    assert odd.answer_to(read) == b"\0"
    assert isinstance(odd.answer_to(refused), RefusedError)
    odd.kill()


def test_one_that_hangs_breaks_down(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Odd()
    odd = conversation(lambda: made)
    monkeypatch.setattr(inprocess, "time", HurriedClock(made.reading.is_set))
    with pytest.raises(IutBrokeDownError, match=r"read did not return within 30 s"):
        odd.read(Volume.SOURCE, 0, 1)
    with pytest.raises(IutBrokeDownError, match="read did not return"):
        odd.hello()
    odd.kill()


def test_what_it_raises_is_a_breakdown_unless_it_is_a_refusal() -> None:
    odd = conversation()
    with pytest.raises(RefusedError, match="not now"):
        odd.start()
    odd.begin("sync")
    with pytest.raises(IutBrokeDownError, match="sync raised ZeroDivisionError: no reason"):
        odd.answers()
    with pytest.raises(IutBrokeDownError, match="has no method bitmaps"):
        odd.bitmaps()
    odd.kill()


def test_a_kill_is_no_breakdown() -> None:
    odd = conversation()
    odd.begin("read", Volume.SOURCE, 0, 1)
    killer = threading.Thread(target=odd.kill)
    killer.start()
    killer.join()
    with pytest.raises(KilledError):
        odd.answers()
    with pytest.raises(KilledError):
        odd.hello()


class Hangs(BundledAdapter):
    """Hangs in whatever it is told to, and if it did, in `kill`, too."""

    where = ""
    hung: threading.Event

    def sync(self) -> None:
        self._hang("sync")
        super().sync()

    def status(self) -> Status:
        self._hang("status")
        return super().status()

    def kill(self) -> None:
        super().kill()
        if self.hung.is_set():
            threading.Event().wait()

    def _hang(self, method: str) -> None:
        if self.where == method:
            self.hung.set()
            threading.Event().wait()


@pytest.mark.parametrize(("where", "id_"), [("sync", "interleaving"), ("status", "liveness")])
def test_one_that_hangs_is_errored(where: str, id_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kit goes on, whether it asked one thing or many."""
    hung = threading.Event()
    made = type("Made", (Hangs,), {"where": where, "hung": hung})
    monkeypatch.setattr(inprocess, "time", HurriedClock(hung.is_set))
    target = Target("hangs", guard(made, 30.0))
    checks = tuple(check for check in CHECKS if check.id == id_)
    (result,) = judge(target, introduce(target), Plan(checks, EFFORTS["quick"], 1, 30.0))
    assert result.verdict is Verdict.ERRORED, result
    assert f"{where} did not return within 30 s" in result.reason
