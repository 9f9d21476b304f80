"""From an IUT and a list of checks to a report: what holds, what does not, what was not tried.

Three things are kept apart: an IUT that answered wrongly (violation), one that broke down
(errored), and a check that was not tried because the IUT does not claim what it needs (skipped).
"""

import time
from collections.abc import Iterator, Sequence
from enum import Enum

from attrs import frozen

from flashcopy.conformance.adapter import Hello, IutBrokeDownError, RefusedError
from flashcopy.conformance.check import (
    Check,
    Effort,
    Finding,
    InterruptedViolationError,
    Job,
    Target,
    ViolationError,
)
from flashcopy.conformance.shrinking.shortest import shortest


class Verdict(Enum):
    """What is said of a check, and of an IUT."""

    CONFORMING = "conforming"
    VIOLATION = "violation"
    ERRORED = "errored"
    SKIPPED = "skipped"


@frozen
class Result:
    """What came of one check.

    `requests` is how many were made, `failures` how many of them failed in a device of the IUT,
    `reason` why it was not done.
    """

    check: Check
    verdict: Verdict
    requests: int
    seconds: float
    finding: Finding | None = None
    reason: str = ""
    waste: tuple[str, ...] = ()
    failures: int = 0


@frozen
class Plan:
    """What to do: which checks, how much, with which chance. `timeout` is seconds a request."""

    checks: tuple[Check, ...]
    effort: Effort
    seed: int
    timeout: float


def introduce(target: Target) -> Hello:
    """Ask an IUT who it is. Raises IutBrokeDownError."""
    adapter = target.make()
    try:
        return adapter.hello()
    except RefusedError as error:
        raise IutBrokeDownError(f"it refuses hello: {error}") from None
    finally:
        adapter.kill()


def judge(target: Target, hello: Hello, plan: Plan) -> Iterator[Result]:
    """The result of each check, as it comes.

    An interrupt goes on to the caller, but what was found before it comes first.
    """
    for check in plan.checks:
        missing = sorted(each.value for each in check.needs - hello.capabilities)
        if missing:
            reason = f"{target.name} does not claim {', '.join(missing)}"
            yield Result(check, Verdict.SKIPPED, 0, 0.0, reason=reason)
        else:
            job = Job(target, hello.capabilities, plan.effort, plan.seed, plan.timeout)
            result, interrupted = _run(check, job)
            yield result
            if interrupted:
                raise KeyboardInterrupt


def sum_up(results: Sequence[Result]) -> Verdict:
    """The verdict on the IUT: one violation is enough, and weighs more than a breakdown."""
    for verdict in (Verdict.VIOLATION, Verdict.ERRORED):
        if any(result.verdict is verdict for result in results):
            return verdict
    return Verdict.CONFORMING


def _run(check: Check, job: Job) -> tuple[Result, bool]:
    """What came of a check, and whether it was interrupted while its finding was made shorter."""
    began = time.monotonic()
    verdict, finding, reason = Verdict.CONFORMING, None, ""
    interrupted = False
    try:
        check.run(job)
    except InterruptedViolationError as error:
        verdict, finding, interrupted = Verdict.VIOLATION, error.finding, True
    except ViolationError as error:
        verdict, finding = Verdict.VIOLATION, error.finding
        try:
            finding = shortest(job, finding)
        except KeyboardInterrupt:
            interrupted = True
    except IutBrokeDownError as error:
        verdict, reason = Verdict.ERRORED, str(error)
    except RefusedError as error:
        kind = error.kind.value if error.kind else "internal"
        verdict, reason = Verdict.ERRORED, f"it refuses what every check needs: {kind}: {error}"
    seconds = time.monotonic() - began
    waste = tuple(job.waste)
    failures = job.failures
    result = Result(check, verdict, job.requests, seconds, finding, reason, waste, failures)
    return result, interrupted
