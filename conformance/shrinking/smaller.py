"""From a load that convicts to the smallest one found that still does.

A race is lost now and then, so every candidate is tried several times, and what counts is what was
seen: the history that is reported was asked and answered just so. Candidates are tried on one IUT,
each behind a full write of the source and a start, which keep it from what was before; the
smallest must come again on a fresh IUT, where it needs no such write. If it does not, every
candidate gets an IUT of its own; and if nothing small does it again, the first history is reported,
without the requests that its verdict does not need.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from attrs import define, evolve, field

from flashcopy.conformance.adapter import IutBrokeDownError, RefusedError
from flashcopy.conformance.check import Finding, Job
from flashcopy.conformance.checks.flight import Played, judge, play
from flashcopy.conformance.checks.load import CONTENTS, Load
from flashcopy.conformance.session import Session
from flashcopy.conformance.shrinking.reduction import halved, one_by_one
from flashcopy.conformance.shrinking.tidy import tidy
from flashcopy.conformance.shrinking.trimmed import trimmed
from flashcopy.model.operation import Operation, Read, Write, WriteZeroes

# How often a candidate may come to nothing before it is given up, and on how many fresh IUTs.
_TRIES = 8
_FRESH = 4
# A history of more requests than this is not easily read: one without those that the verdict does
# not need is reported instead, though they may be what brings it about.
_READABLE = 16

# One request of a load: the number of its burst, of its lane, and itself.
Place = tuple[int, int, Operation]


def smallest(job: Job, load: Load, played: Played) -> Finding:
    """What was found, with the smallest history that the effort's time for this allows."""
    search = _Search(job, load, played)
    for step in (search.trim, search.on_one_iut, search.on_fresh_iuts):
        with suppress(IutBrokeDownError, RefusedError):
            step()
    best = search.again
    if best is None or _requests(best) > _READABLE:
        others = (best, search.again_on_one, search.trimmed)
        best = min((each for each in others if each), key=_requests)
    told = judge(tidy(best.history))
    if not told.clause:
        return best.finding  # an answer that is wrong by itself
    if best is search.trimmed and _requests(best) < _requests(played):
        why = f"{told.explanation} (what the verdict needs of {_requests(played)} requests)"
        # It is what was seen, less what does not matter: asked by itself it need not come again.
        return evolve(evolve(told, explanation=why).finding, is_short=True)
    return told.finding


@define
class _Search:
    """The attempts at one load, which begins with what keeps it apart.

    `again` is the smallest that came again, in the end on a fresh IUT; `again_on_one` the smallest
    on one that was not fresh, and `trimmed` what the verdict needs of the first.
    """

    job: Job
    load: Load
    trimmed: Played
    again: Played | None = None
    again_on_one: Played | None = None
    _places: list[Place] = field(init=False)
    _all_places: list[Place] = field(init=False)
    # The bursts that hold what the verdict needs.
    _needed: set[int] = field(factory=set)
    _attempts: int = 0
    _began: float = field(factory=time.monotonic)

    def __attrs_post_init__(self) -> None:
        # Without the write and the start that keep it apart.
        self._places = self._all_places = places_of(self.load)[len(self.load[0][0]) :]

    def trim(self) -> None:
        """What the verdict does not need; and what came after that is not needed either."""
        shorter = judge(trimmed(self.trimmed.history, lambda: self._is_over(0.3)))
        if not shorter.clause:  # what is wrong is an answer by itself, the last one
            self._needed = {self._places[-1][0]}
            return
        needed = {request.number for request in shorter.history.requests}
        bursts = [burst for burst, _, _ in places_of(self.load)]
        self._needed = {bursts[number] for number in needed}
        self._places = [place for place in self._places if place[0] <= max(self._needed)]
        self._all_places = self._places
        self.trimmed = shorter

    def on_one_iut(self) -> None:
        """Leave out of the load what can be left out."""
        with self.job.session(self.trimmed.history.geometry) as kept:

            def shows(places: list[Place]) -> bool:
                load = (*self.load[:1], *load_of(places))
                return any(self._try(kept, load, 0.6) for _ in range(_TRIES))

            # As a rule the bursts that the verdict needs are all it takes.
            needed = [place for place in self._places if place[0] in self._needed]
            for places in (needed, self._places):
                if places and shows(places):
                    self._places = one_by_one(halved(places, shows), shows)
                    for at in range(len(self._places)):
                        self._narrow(at, shows)
                    return

    def on_fresh_iuts(self) -> None:
        """The smallest load again, where nothing was before; all of it, if that shows nothing.

        An IUT may remember more than a start makes it forget.
        """
        if self.again is not None:
            self.again_on_one, self.again = self.again, None
            if self._on_fresh(self._places):
                return
        needed = [place for place in self._all_places if place[0] in self._needed]
        for places in (needed, self._all_places):
            if places and self._on_fresh(places):
                self._places = one_by_one(halved(places, self._on_fresh), self._on_fresh)
                for at in range(len(self._places)):
                    self._narrow(at, self._on_fresh)
                return

    def _on_fresh(self, places: list[Place]) -> bool:
        """Whether a load is answered wrongly by a fresh IUT, with or without the first write."""
        start = (0, 0, self.load[0][0][-1])
        for _ in range(_FRESH):
            if self._is_over(1):
                return False
            with self.job.session(self.trimmed.history.geometry) as fresh:
                if self._try(fresh, load_of([start, *places]), 1) or self._try(
                    fresh, (*self.load[:1], *load_of(places)), 1
                ):
                    return True
        return False

    def _narrow(self, at: int, shows: Callable[[list[Place]], bool]) -> None:
        """Halve the range of a request as long as one half is enough."""
        block = self.trimmed.history.geometry.block_size
        while True:
            burst, lane, operation = self._places[at]
            if not isinstance(operation, Read | Write | WriteZeroes) or operation.length <= block:
                return
            half = operation.length // block // 2 * block
            halves = (
                evolve(operation, length=half),
                evolve(operation, offset=operation.offset + half, length=operation.length - half),
            )
            for narrower in halves:
                places = list(self._places)
                places[at] = (burst, lane, narrower)
                if shows(places):
                    self._places = places
                    break
            else:
                return

    def _try(self, session: Session, load: Load, share: float) -> bool:
        """Whether the load is answered wrongly. Not at all after this share of the time."""
        if self._is_over(share):
            return False
        self._attempts += 1
        played = play(session, _with_other_contents(load, self._attempts * CONTENTS))
        if played.clause and (self.again is None or _requests(played) <= _requests(self.again)):
            self.again = played
        return bool(played.clause)

    def _is_over(self, share: float) -> bool:
        return time.monotonic() - self._began > share * self.job.effort.shrink_seconds


def places_of(load: Load) -> list[Place]:
    """The requests of a load, those of a burst together and those of a lane in their order."""
    return [
        (burst, lane, operation)
        for burst, lanes in enumerate(load)
        for lane, operations in enumerate(lanes)
        for operation in operations
    ]


def load_of(places: list[Place]) -> Load:
    """The load of these requests: what was one burst or one lane still is."""
    bursts: dict[int, dict[int, list[Operation]]] = {}
    for burst, lane, operation in places:
        bursts.setdefault(burst, {}).setdefault(lane, []).append(operation)
    return tuple(tuple(tuple(lane) for lane in lanes.values()) for lanes in bursts.values())


def _with_other_contents(load: Load, more: int) -> Load:
    """What an attempt writes is not to be taken for what another has written."""
    return load_of(
        [
            (burst, lane, evolve(each, content=each.content + more))
            if isinstance(each, Write)
            else (burst, lane, each)
            for burst, lane, each in places_of(load)
        ]
    )


def _requests(played: Played) -> int:
    return len(played.history.requests)
