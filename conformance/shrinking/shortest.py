"""From what was found to the shortest history that shows it: the same clause, on a fresh IUT.

What a check has found may have thousands of requests before it. First it has to come again on a
fresh IUT, with the requests since the last start that followed a full write of the source, or, if
it takes them, with all. Then it is cut down, in halves, and by Hypothesis. All these attempts run
on one IUT, for a start and a full write of the source keep one from the next, and what comes of
them is tried on a fresh one; only if it shows nothing there, every attempt gets an IUT of its own.

What does not come again on a fresh IUT was seen all the same, and is reported as it was seen.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from attrs import define, field

from flashcopy.conformance.adapter import Capability, IutBrokeDownError, RefusedError
from flashcopy.conformance.check import Finding, Job, ViolationError
from flashcopy.conformance.checks.asks import Alphabet, Ask, asks_of, beginning
from flashcopy.conformance.checks.comparison import Comparison
from flashcopy.conformance.session import Session
from flashcopy.conformance.shrinking.fewest import fewest, seen_once
from flashcopy.conformance.shrinking.reduction import by_hypothesis, halved, one_by_one
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import BackgroundCopy, Start, Stop, Write, WriteZeroes
from flashcopy.model.trace import Kill, PowerLoss, Trace

# So many starts take no time from the search.
_STARTS = 10
_BREAKDOWNS = (IutBrokeDownError, RefusedError)


class _OutOfTimeError(BaseException):
    """Ends the search; no Exception, for Hypothesis would take that for what it looks for."""


def shortest(job: Job, finding: Finding) -> Finding:
    """The finding with the shortest history found in the time that the effort gives.

    One that was not made by one request after the other is given back as it is, and so is one that
    is short already.
    """
    if finding.is_short:
        return finding
    if finding.trace and any(isinstance(each, Kill | PowerLoss) for each in finding.trace.entries):
        return fewest(job, finding, finding.trace)
    asks = asks_of(finding.trace.entries) if finding.trace else None
    if finding.trace is None or not asks:
        return finding
    search = _Search(job, finding.trace, finding.clause, frozenset(asks))
    with suppress(_OutOfTimeError):
        episode = asks[_last_beginning(finding.trace.geometry, asks) :]
        if not search.cut_down(episode):
            search.cut_down(asks)
    return search.best or seen_once(finding)


def _last_beginning(geometry: Geometry, asks: list[Ask]) -> int:
    """Where what may matter begins."""
    for at in range(len(asks) - 2, 0, -1):
        full = asks[at]
        if (
            isinstance(full, Write)
            and (full.volume, full.offset, full.length) == (Volume.SOURCE, 0, geometry.size)
            and asks[at + 1] == Start()
        ):
            return at
    return 0


@define
class _Search:
    """The attempts at one finding; `best` is the shortest that came on a fresh IUT."""

    job: Job
    trace: Trace
    clause: str
    original: frozenset[Ask]
    best: Finding | None = None
    _began: float = field(factory=time.monotonic, init=False)
    _starts: int = field(default=0, init=False)

    def cut_down(self, asks: list[Ask]) -> bool:
        """Make `best` as short as can be, if these show it at all. Raises _OutOfTimeError."""
        shown: list[list[Ask]] = []
        with suppress(_OutOfTimeError, *_BREAKDOWNS):
            self._on_one_iut(asks, shown)
        if self.best is None:
            return False
        if not any(self.on_fresh(each, share=2) for each in _likeliest_first(shown)):
            asks = halved(asks, self.on_fresh)
            by_hypothesis(Alphabet.of(self.trace.geometry, asks), asks, self.on_fresh)
        # The last one has shown it, and all before it had not: so it stays, and saves a start.
        *_, last = self._best_asks()
        one_by_one(self._best_asks(), lambda asks: asks[-1] == last and self.on_fresh(asks))
        return True

    def on_fresh(self, asks: list[Ask], share: float = 1) -> bool:
        """Whether these show it on volumes and an IUT of their own."""
        self._require_time(share)
        with suppress(*_BREAKDOWNS), self._session() as fresh:
            return self._shows(Comparison(fresh), asks)
        return False

    def _shows(self, fresh: Comparison, asks: list[Ask]) -> bool:
        """Whether these show it, where nothing was before."""
        found = self._run(fresh, asks)
        if found and (self.best is None or len(asks) <= len(self._best_asks())):
            self.best = found
        return found is not None

    def _on_one_iut(self, asks: list[Ask], shown: list[list[Ask]]) -> None:
        """Add to `shown` what shows it on an IUT that was fresh for the first of them.

        Nothing if that does not show it. Takes half of the time.
        """
        geometry = self.trace.geometry
        with self._session() as kept:
            first = Comparison(kept)
            if not self._shows(first, asks):
                return
            writes = first.writes

            def shows(asks: list[Ask]) -> bool:
                nonlocal writes
                self._require_time(share=0.5)
                comparison = Comparison(kept, writes)
                found = self._run(comparison, [*beginning(geometry), *asks])
                writes = comparison.writes
                if found:
                    shown.append([*beginning(geometry), *asks])
                return found is not None

            if shows(asks):
                asks = halved(asks, shows)
                by_hypothesis(Alphabet.of(geometry, asks), asks, shows)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """A fresh IUT. The first few starts are not counted, for some take long to start."""
        asked = time.monotonic()
        trace = self.trace
        with self.job.session(trace.geometry, target_writable=trace.target_writable) as session:
            if self._starts < _STARTS:
                self._starts += 1
                self._began += time.monotonic() - asked
            yield session

    def _run(self, comparison: Comparison, asks: list[Ask]) -> Finding | None:
        if not all(ask in self.original or self._is_claimed(ask) for ask in asks):
            return None
        try:
            for ask in asks:
                comparison.ask(ask)
        except ViolationError as error:
            return error.finding if error.finding.clause == self.clause else None
        return None

    def _is_claimed(self, ask: Ask) -> bool:
        needs = {
            WriteZeroes: Capability.WRITE_ZEROES,
            BackgroundCopy: Capability.BACKGROUND_COPY,
            Stop: Capability.STOP,
        }.get(type(ask))
        if isinstance(ask, Write | WriteZeroes) and ask.volume is Volume.TARGET:
            return self.job.has(Capability.TARGET_WRITE) and (not needs or self.job.has(needs))
        return needs is None or self.job.has(needs)

    def _best_asks(self) -> list[Ask]:
        assert self.best is not None
        assert self.best.trace is not None
        return asks_of(self.best.trace.entries) or []

    def _require_time(self, share: float) -> None:
        if time.monotonic() - self._began > share * self.job.effort.shrink_seconds:
            raise _OutOfTimeError


def _likeliest_first(shown: list[list[Ask]]) -> list[list[Ask]]:
    """The shortest, and if that depended on what was before it, a few longer ones."""
    ranked = sorted(shown, key=len)
    return [ranked[len(ranked) * part // 4] for part in range(4)] if ranked else []
