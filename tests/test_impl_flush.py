"""Group commit: who shares a flush, and who is told when one fails."""

import threading
from collections.abc import Callable

import pytest

from flashcopy.impl.errors import DeviceError, MapFailedError
from flashcopy.impl.flush import GroupCommit


class Slow:
    """A flush that takes until it is let go, and then fails if told so."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.failing = False

    def __call__(self) -> None:
        """The flush."""
        self.begun.release()
        assert self.let_go.acquire(timeout=10)
        if self.failing:
            raise MapFailedError("flushing: Input/output error", earlier_writes_lost=True)


def _in_thread(commits: GroupCommit, outcomes: list[str]) -> threading.Thread:
    def flush() -> None:
        try:
            commits.flush()
            outcomes.append("flushed")
        except MapFailedError as error:
            outcomes.append("failed" if error.earlier_writes_lost else "odd")

    thread = threading.Thread(target=flush)
    thread.start()
    return thread


def _until(condition: Callable[[], bool]) -> None:
    """Let the other threads run until they are where they should be."""
    turn = threading.Event()
    for _ in range(10_000):
        if condition():
            return
        turn.wait(0.001)
    raise AssertionError("the other threads never came to that")


@pytest.mark.parametrize(("fails", "outcome"), [(False, "flushed"), (True, "failed")])
def test_callers_share_the_next_flush(fails: bool, outcome: str) -> None:
    """Five who come while one is under way make one more; a failure reaches all five."""
    slow, outcomes = Slow(), list[str]()
    commits = GroupCommit(slow)
    threads = [_in_thread(commits, outcomes)]
    assert slow.begun.acquire(timeout=10)
    threads += [_in_thread(commits, outcomes) for _ in range(5)]
    _until(lambda: commits.asked == 6)
    slow.let_go.release()
    assert slow.begun.acquire(timeout=10)
    assert outcomes in ([], ["flushed"])
    slow.failing = fails
    slow.let_go.release()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(["flushed"] + [outcome] * 5)
    assert commits.done == 2


def test_a_failure_stays_until_it_is_forgiven() -> None:
    """The system reports it once; here everybody is told."""
    calls: list[int] = []

    def flush() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise MapFailedError("flushing", earlier_writes_lost=True)

    commits = GroupCommit(flush)
    for _ in range(3):
        with pytest.raises(DeviceError):
            commits.flush()
    assert len(calls) == 1
    commits.flush(knowing=commits.failed)
    with pytest.raises(DeviceError):
        commits.flush()
    commits.forgive()
    commits.flush()
    assert len(calls) == 3


def test_an_interrupted_flush_is_carried_out_by_the_next() -> None:
    """Ctrl-C during a flush: it counts for nobody, and nobody waits for it for ever."""
    calls: list[int] = []

    def flush() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt

    commits = GroupCommit(flush)
    with pytest.raises(KeyboardInterrupt):
        commits.flush()
    assert commits.done == 0
    outcomes: list[str] = []
    thread = _in_thread(commits, outcomes)
    thread.join(timeout=10)
    assert (outcomes, len(calls)) == (["flushed"], 2)
