"""From a life that ended in a wrong recovery to the shortest one found that still does.

Whether a crash does harm is often a matter of luck: of what is lost, of how far the implementation
was. So every candidate is tried several times, each time with another loss and another delay, more
often the rarer it shows; and what counts is what was seen. First the end of the life is taken for
itself, behind a full write of the source and a start, then more of it. What is left is cut down on
one IUT, where such a beginning keeps every attempt from the one before, and comes again on a fresh
one, as far as it does. In the end nothing of it can be left out, a request waits for the one before
if it can, and no write is larger than it must be.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from attrs import define, evolve, field

from flashcopy.conformance.adapter import Capability, IutBrokeDownError, RefusedError
from flashcopy.conformance.check import Finding, Job, ViolationError
from flashcopy.conformance.checks.again import Script, live_again, script_of
from flashcopy.conformance.checks.asks import beginning
from flashcopy.conformance.checks.life import Life
from flashcopy.conformance.session import Session
from flashcopy.conformance.shrinking.reduction import halved, one_by_one
from flashcopy.model.operation import FAILED, BackgroundCopy, Done, Operation, Read, Write
from flashcopy.model.trace import Answer, Entry, Kill, PowerLoss, Submit, Trace

# How often a candidate may come to nothing before it is given up: at least, and at most.
_LEAST_TRIES, _MOST_TRIES = 3, 24
# So many attempts say how often one shows it.
_MEASURED = 4
# What the attempts on one IUT, and on fresh ones, have used of the time when they end.
_ON_ONE, _ON_FRESH = 0.6, 1.0

# What can be left out of a script: a request, by its number, or a crash, by how many precede it.
_Key = tuple[bool, int]
_Shows = Callable[[Script], bool]


def fewest(job: Job, finding: Finding, trace: Trace) -> Finding:
    """The finding with the shortest life that the effort's time for this allows.

    What did not come again on a fresh IUT says so.
    """
    search = _Search(job, trace, finding.clause)
    for step in (search.on_one_iut, search.on_fresh_iuts):
        with suppress(IutBrokeDownError, RefusedError, ViolationError, _OutOfTimeError):
            step()
    return search.again or seen_once(search.again_on_one or finding)


def seen_once(finding: Finding) -> Finding:
    """The same, with the words that it did not come again where nothing was before."""
    once = f"{finding.explanation} (seen once: the same requests did not show it on a fresh IUT)"
    trace = finding.trace and evolve(finding.trace, finding=once)
    return evolve(finding, explanation=once, trace=trace)


class _OutOfTimeError(Exception):
    """Ends a part of the search; what was found so far stays."""


@define
class _Search:
    """The attempts at one life. `again` is the shortest on a fresh IUT."""

    job: Job
    trace: Trace
    clause: str
    again: Finding | None = None
    again_on_one: Finding | None = None
    _script: Script = ()
    _beginning: tuple[Operation, ...] = ()
    _tries: int = 1
    _contents: int = 0
    _attempts: int = 0
    _began: float = field(factory=time.monotonic)

    def on_one_iut(self) -> None:
        """Find an end of the life that shows it by itself, and cut it down."""
        with self.job.session(self.trace.geometry) as kept:

            def once(script: Script) -> bool:
                return self._try_kept(kept, script)

            for tries in (1, 2, 4, _MOST_TRIES):
                self._tries = tries
                for beginning, script in self._ends():
                    self._beginning = beginning
                    if self._shows(once, script):
                        self._script = script
                        self._cut_down(once)
                        return

    def on_fresh_iuts(self) -> None:
        """What is left, and of the beginning what it needs, where nothing was before."""
        if self._script:
            beginning, rest = tuple(_one_after_the_other(self._beginning)), self._script
            if self._shows(self._try_fresh, (*beginning, *rest)):
                self._leave_out(beginning, lambda fewer: self._try_fresh((*fewer, *rest)))
                return
        self._script = script_of(self.trace)
        if self._shows(self._try_fresh, self._script):
            self._cut_down(self._try_fresh)

    def _shows(self, once: _Shows, script: Script) -> bool:
        """Whether one of several attempts shows it; the later it came, the more from now on."""
        for count in range(1, self._tries + 1):
            if once(script):
                self._tries = min(max(_LEAST_TRIES, self._tries, 2 * count + 1), _MOST_TRIES)
                return True
        return False

    def _ends(self) -> Iterator[tuple[tuple[Operation, ...], Script]]:
        """What begins it and what follows: the last epoch, the last two, and all of them."""
        whole = script_of(self.trace)
        crashes = [at for at, entry in enumerate(whole) if isinstance(entry, Kill | PowerLoss)]
        begun = beginning(self.trace.geometry)
        for at in [*reversed(crashes[:-1][-2:]), -1]:
            yield begun, whole[at + 1 :]
            if self.job.has(Capability.BACKGROUND_COPY):
                yield (*begun, BackgroundCopy(None)), whole[at + 1 :]

    def _cut_down(self, once: _Shows) -> None:
        """Make the script as small as can be, the largest steps first."""

        def shows(script: Script) -> bool:
            return self._shows(once, script)

        for calm in (_calm(self._script, cut_off=True), _calm(self._script, cut_off=False)):
            if calm != self._script and shows(calm):
                self._script = calm
                break
        hits = sum(map(once, [self._script] * _MEASURED))
        self._tries = min(max(_LEAST_TRIES, 3 * _MEASURED // max(1, hits)), _MOST_TRIES)
        self._leave_out(self._script, once)
        at = 0
        while at < len(self._script):
            simpler = next(filter(shows, self._simpler(at)), None)
            at += simpler is None
            self._script = simpler or self._script

    def _leave_out(self, script: Script, once: _Shows) -> None:
        """Requests and crashes, first many at a time, then one after the other."""

        def shows_keys(keys: list[_Key]) -> bool:
            fewer = _only(script, set(keys))
            found = self._shows(once, fewer)
            if found:
                self._script = fewer
            return found

        one_by_one(halved(_keys(script), shows_keys), shows_keys)

    def _simpler(self, at: int) -> Iterator[Script]:
        """The script with one request that waits for no other, or is half as large."""
        script, entry = self._script, self._script[at]
        if not isinstance(entry, Submit):
            return
        waited = _waited_for(script, entry.request)
        if waited != script:
            yield waited
        for half in _halves(self.trace.geometry.block_size, entry.operation):
            yield (*script[:at], evolve(entry, operation=half), *script[at + 1 :])

    def _try_kept(self, kept: Session, script: Script) -> bool:
        """Behind a beginning that is answered, on an IUT that is not fresh."""
        self._require_time(_ON_ONE)
        while kept.answers():
            pass  # what is still in flight is not to be taken for an answer to this attempt
        life = self._life(kept)
        for operation in self._beginning:
            if life.ask(self._with_content(operation)) == FAILED:
                return False
        found = self._finding(life, script)
        if found and (self.again_on_one is None or _length(found) <= _length(self.again_on_one)):
            self.again_on_one = found
        return found is not None

    def _try_fresh(self, script: Script) -> bool:
        self._require_time(_ON_FRESH)
        self._contents = 0
        with self.job.session(self.trace.geometry) as fresh:
            found = self._finding(self._life(fresh), script)
        if found and (self.again is None or _length(found) <= _length(self.again)):
            self.again = found
        return found is not None

    def _life(self, session: Session) -> Life:
        return Life(session, sequential=not self.job.has(Capability.CONCURRENT))

    def _finding(self, life: Life, script: Script) -> Finding | None:
        """What is wrong this time: anything of the same family of clauses."""
        self._attempts += 1
        chance = random.Random(self._attempts)
        try:
            live_again(life, [self._varied(entry, chance) for entry in script], chance)
        except ViolationError as error:
            family = self.clause.split("-")[0]
            return error.finding if error.finding.clause.startswith(family) else None
        return None

    def _varied(self, entry: Entry, chance: random.Random) -> Entry:
        """The same with other luck."""
        match entry:
            case Submit(request, operation):
                return Submit(request, self._with_content(operation))
            case PowerLoss():
                return PowerLoss(chance.randrange(1 << 16))
        return entry

    def _with_content(self, operation: Operation) -> Operation:
        """What an attempt writes is not to be taken for what another has written."""
        if not isinstance(operation, Write):
            return operation
        self._contents += 1
        return evolve(operation, content=self._contents)

    def _require_time(self, share: float) -> None:
        if time.monotonic() - self._began > share * self.job.effort.shrink_seconds:
            raise _OutOfTimeError


def _one_after_the_other(operations: Sequence[Operation]) -> Iterator[Entry]:
    """As a script; the numbers are none that a trace has."""
    for number, operation in enumerate(operations, -len(operations)):
        yield Submit(number, operation)
        yield Answer(number, Done())


def _keyed(script: Sequence[Entry]) -> Iterator[tuple[_Key, Entry]]:
    crashes = itertools.count()
    for entry in script:
        if isinstance(entry, Submit | Answer):
            yield (True, entry.request), entry
        else:
            yield (False, next(crashes)), entry


def _keys(script: Sequence[Entry]) -> list[_Key]:
    return list(dict.fromkeys(key for key, _ in _keyed(script)))


def _only(script: Sequence[Entry], keys: set[_Key]) -> Script:
    """What has these keys. Where a crash is left out, what it cut off is waited for instead."""
    kept: list[Entry] = []
    open_: dict[int, None] = {}
    for key, entry in _keyed(script):
        if key in keys:
            kept.append(entry)
            match entry:
                case Submit(request):
                    open_[request] = None
                case Answer(request):
                    open_.pop(request, None)
                case _:
                    open_.clear()
        elif not isinstance(entry, Submit | Answer):
            kept += [Answer(request, Done()) for request in open_]
            open_.clear()
    return tuple(kept)


def _calm(script: Script, *, cut_off: bool) -> Script:
    """Each request waits for the one before; those that a crash cut off, too, if told so."""
    for entry in script:
        if isinstance(entry, Submit) and (cut_off or _answer_of(script, entry.request)):
            script = _waited_for(script, entry.request)
    return script


def _waited_for(script: Script, request: int) -> Script:
    """The script with a request waited for as soon as it is handed over."""
    rest = [entry for entry in script if entry != _answer_of(script, request)]
    at = next(
        at for at, each in enumerate(rest) if isinstance(each, Submit) and each.request == request
    )
    answer = _answer_of(script, request) or Answer(request, Done())
    return (*rest[: at + 1], answer, *rest[at + 1 :])


def _answer_of(script: Script, request: int) -> Answer | None:
    answers = (entry for entry in script if isinstance(entry, Answer) and entry.request == request)
    return next(answers, None)


def _halves(block_size: int, operation: Operation) -> list[Operation]:
    """What reads or writes the first half, or the second."""
    if not isinstance(operation, Read | Write) or operation.length <= block_size:
        return []
    half = operation.length // block_size // 2 * block_size
    return [
        evolve(operation, length=half),
        evolve(operation, offset=operation.offset + half, length=operation.length - half),
    ]


def _length(finding: Finding) -> int:
    entries = finding.trace.entries if finding.trace else ()
    return sum(isinstance(entry, Submit) for entry in entries)
