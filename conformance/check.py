"""What a check is, what it is given, and what it can find.

A check is a plain function that takes a Job, makes sessions with the IUT, and raises ViolationError
when an answer is wrong. Whether the IUT claims what the check needs is decided before.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field, frozen

from flashcopy.conformance.adapter import Capability, Conversation
from flashcopy.conformance.session import Session
from flashcopy.conformance.wrong import NOT_SAID, Wrong
from flashcopy.model.geometry import Geometry
from flashcopy.model.trace import Trace


@frozen
class Finding:
    """Something an IUT must not do: the clause it breaks, what was seen, the trace that shows it.

    `explanation` is for people who know storage and have never seen this project, `wrong` says what
    is wrong for machines. `is_short` says that no shorter trace is to be looked for.
    """

    clause: str
    explanation: str
    trace: Trace | None = None
    is_short: bool = False
    wrong: Wrong = NOT_SAID


class ViolationError(AssertionError):
    """Raised where a violation is found; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.clause}: {finding.explanation}")
        self.finding = finding


class InterruptedViolationError(ViolationError):
    """The same, and then somebody interrupted what was to make its history shorter."""


@frozen
class Effort:
    """How much is done.

    `episodes` of `requests` each, one after the other; `loads` with many in flight; `examples` of
    what is dearer, such as lives that end in kills. No check takes much more than `seconds`, and
    what it finds is shrunk for `shrink_seconds`. Where a check goes through volumes of several
    geometries, these are the first `geometries` of them.
    """

    name: str
    examples: int
    requests: int
    loads: int
    episodes: int
    seconds: float
    shrink_seconds: float
    geometries: int = 6


EFFORTS = {
    effort.name: effort
    for effort in (
        Effort("quick", 40, 25, 12, episodes=120, seconds=20, shrink_seconds=2.5),
        Effort("standard", 500, 40, 200, episodes=1500, seconds=90, shrink_seconds=30),
        Effort("deep", 5000, 60, 4000, episodes=20000, seconds=180, shrink_seconds=120),
    )
}

# Two short passes before one of the efforts above. At the first glimpse most checks have one or
# two starts of the IUT, and all together little more than a second: what one of them shows at once
# does not wait for the others. The second has as many lives that end in kills as `quick`:
# fewer leave faults of recovery for the end of the third.
GLIMPSE = Effort("glimpse", 30, 25, 1, 12, seconds=20, shrink_seconds=2.5, geometries=2)
GLANCE = Effort("glance", 40, 25, 4, episodes=18, seconds=20, shrink_seconds=2.5)


@frozen
class Target:
    """An IUT: what it is called on the command line, and how a fresh one is made."""

    name: str
    make: Callable[[], Conversation]


@define
class Job:
    """What a check works with, and what it counts.

    `failures` is how many requests failed in a device of the IUT. `waste` collects what is not
    wrong but more work than need be (MIN-1, MIN-2).
    """

    target: Target
    capabilities: frozenset[Capability]
    effort: Effort
    seed: int
    timeout: float
    requests: int = 0
    failures: int = 0
    began: float = field(factory=time.monotonic)
    waste: list[str] = field(factory=list)

    @contextmanager
    def session(self, geometry: Geometry, *, target_writable: bool = True) -> Iterator[Session]:
        """A fresh IUT with fresh volumes; nothing of it is left afterwards."""
        with tempfile.TemporaryDirectory(prefix="flashcopy-") as name:
            session = Session(self.target.make, Path(name), geometry, target_writable)
            try:
                session.create()
                yield session
                session.close()
            finally:
                self.requests += session.requests
                self.failures += session.failures
                session.kill()

    def has(self, capability: Capability) -> bool:
        """Whether the IUT claims a capability."""
        return capability in self.capabilities

    def is_over(self) -> bool:
        """Whether the check has taken as long as the effort gives it."""
        return time.monotonic() - self.began > self.effort.seconds

    def deadline(self) -> float:
        """When to stop waiting for what must happen in the end, on the monotonic clock."""
        return time.monotonic() + self.timeout


@frozen
class Check:
    """One thing an IUT is judged by.

    `clauses` are what it holds an IUT to, `needs` what the IUT must claim, and `fault` what it is
    after.
    """

    id: str
    clauses: tuple[str, ...]
    fault: str
    run: Callable[[Job], None]
    needs: frozenset[Capability] = frozenset()
