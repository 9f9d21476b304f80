"""What a worker of a campaign does: judge one case, in a process that may be lost at any time."""

import functools
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

from flashcopy.conformance.adapter import Hello, IutBrokeDownError
from flashcopy.conformance.campaign.cases import Case, MakeTarget, Outcome
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import EFFORTS, Target
from flashcopy.conformance.runner import Plan, Result, Verdict, introduce, judge

# What a terminal tells all its processes.
FOR_THE_PARENT = frozenset((signal.SIGINT, signal.SIGHUP))
# Set while there may be an implementation to put an end to.
_at_work = threading.Event()


class UnusableTargetError(Exception):
    """The words of a target name nothing here."""


def work(make_target: MakeTarget, case: Case, effort: str, timeout: float) -> Outcome:
    """What comes of a case. Makes the implementation under test, and leaves nothing of it."""
    (check,) = [check for check in CHECKS if check.id == case.check]
    _at_work.set()
    try:
        target, hello = _introduced(make_target, case.target, timeout)
        plan = Plan((check,), EFFORTS[effort], case.seed, timeout)
        (result,) = judge(target, hello, plan)
    except (IutBrokeDownError, UnusableTargetError) as error:
        return Outcome(case, Result(check, Verdict.ERRORED, 0, 0.0, reason=str(error)))
    finally:
        _at_work.clear()
    return Outcome(case, result, hello)


@functools.cache
def _introduced(
    make_target: MakeTarget, words: tuple[str, ...], timeout: float
) -> tuple[Target, Hello]:
    """Once a process and target; what raises is tried again."""
    try:
        target = make_target(words, timeout)
    except Exception as error:
        raise UnusableTargetError(str(error)) from None
    return target, introduce(target)


def prepare() -> None:
    """Make a process of our own a worker: it ends when it is told to, or when its parent has.

    An interrupt on the terminal, or its end, is for the parent alone, which then tells: so each
    case under way ends in good order, its implementation included. The handler is no SIG_IGN, for
    that would be inherited by the implementation.
    """
    for number in FOR_THE_PARENT:
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGTERM, _abandon)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_THE_PARENT)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _abandon(*_: object) -> None:
    if not _at_work.is_set():
        os._exit(1)
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)  # the implementation ends with its standard input
