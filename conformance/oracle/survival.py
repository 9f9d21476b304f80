"""One block across a crash: everything that can have happened to it, and what may be left of it.

Until the crash a block goes from place to place as in `paths`. Beside what readers see, a place
here says of each side whether what a crash would leave *now* is what was found after the crash. A
write that a flush covers changes what would be left; any other write may or may not (CRASH-1). The
start or sync that is taken for the last *committed* one makes the source's image what would be left
of the target; a later one, which was never answered, changes what readers see and nothing else
(CRASH-2, CRASH-3). At the crash both sides must be as they were found.
"""

from collections.abc import Callable, Sequence

from attrs import frozen

from flashcopy.conformance.oracle.evidence import ALWAYS, NEVER, Account, either, with_fact
from flashcopy.conformance.oracle.paths import NoPathError, refuse_overlap
from flashcopy.conformance.oracle.touches import (
    CUT,
    READ_SOURCE,
    READ_TARGET,
    WRITE_SOURCE,
    WRITE_TARGET,
    Touch,
)

# Content on the source, content on the target, whether a crash now would leave of the source and of
# the target what was found, and which requests in flight are done (a bit each).
_Place = tuple[int, int, bool, bool, int]
_Places = dict[_Place, tuple[Account, ...]]


@frozen
class Found:
    """What a block showed before the epoch, and what after the crash that ended it.

    None stands for what nobody looked at, or could not: anything may be there.
    """

    source_before: int
    target_before: int
    source: int | None
    target: int | None


class LostError(Exception):
    """The block can have come to the crash as it was read until then, but not to what was found."""


def survive(
    touches: Sequence[Touch],
    cuts: Sequence[Touch],
    committed: int,
    is_durable: Callable[[Touch], bool],
    found: Found,
    tell: Callable[[tuple[Account, ...]], None],
) -> None:
    """Follow one block to the crash, and tell what it says of the points in time.

    `committed` is the number of the cut that is taken for the last committed one, -1 if none is.
    Raises NoPathError, LostError and OverlappingWritesError.
    """
    follower = _Follower(committed, is_durable, found)
    places: _Places = {follower.begin(): ALWAYS}
    in_flight: dict[int, Touch] = {}
    all_touches = [*touches, *cuts]
    events = [(touch[0], 1, bit) for bit, touch in enumerate(all_touches)]
    events += [(touch[1], 0, bit) for bit, touch in enumerate(all_touches)]
    events.sort()
    before = 0
    for tick, begins, bit in events:
        touch = all_touches[bit]
        if tick != before and in_flight:
            places = follower.closure(places, in_flight, before, tick)
        before = tick
        if begins:
            refuse_overlap(touch, in_flight)
            in_flight[bit] = touch
        else:
            places = _answered(places, touch, 1 << bit)
            del in_flight[bit]
        if not in_flight:
            places = _settle(places, tell)
    places = {place: told for place, told in places.items() if place[2] and place[3]}
    if not places:
        raise LostError
    _tell(places, tell)


@frozen
class _Follower:
    committed: int
    is_durable: Callable[[Touch], bool]
    found: Found

    def begin(self) -> _Place:
        """What was found after the last crash is durable (REC-1)."""
        source, target = self.found.source_before, self.found.target_before
        return (source, target, self._fits_source(source), self._fits_target(target), 0)

    def closure(self, places: _Places, in_flight: dict[int, Touch], low: int, high: int) -> _Places:
        """Wherever requests in flight can lead between two ticks."""
        reached: _Places = {}
        frontier = _with_reads(places, in_flight)
        while frontier:
            following: _Places = {}
            for place, accounts in frontier.items():
                _merge(reached, place, accounts)
                for bit, touch in in_flight.items():
                    if place[4] >> bit & 1 or touch[2] in (READ_SOURCE, READ_TARGET):
                        continue
                    told = accounts
                    if touch[2] == CUT:
                        told = with_fact(accounts, (touch[3], low, high))
                    for after in self._effects(place, touch, 1 << bit):
                        _merge(following, after, told)
            frontier = _with_reads(following, in_flight)
        return reached

    def _effects(self, place: _Place, touch: Touch, bit: int) -> list[_Place]:
        """The places one request's effect leads to: what a crash leaves is not its choice."""
        source, target, source_fits, target_fits, done = place
        _, _, does, content, _, _ = touch
        done |= bit
        if does == WRITE_SOURCE:
            fits = {self._fits_source(content)}
            fits |= set() if self.is_durable(touch) else {source_fits}
            return [(content, target, each, target_fits, done) for each in fits]
        if does == WRITE_TARGET:
            fits = {self._fits_target(content)}
            fits |= set() if self.is_durable(touch) else {target_fits}
            return [(source, content, source_fits, each, done) for each in fits]
        if content == self.committed:
            target_fits = self._fits_target(source)
        return [(source, source, source_fits, target_fits, done)]

    def _fits_source(self, content: int) -> bool:
        return self.found.source is None or self.found.source == content

    def _fits_target(self, content: int) -> bool:
        return self.found.target is None or self.found.target == content


def _with_reads(places: _Places, in_flight: dict[int, Touch]) -> _Places:
    """Every read in flight that finds what it saw is done."""
    after: _Places = {}
    for (source, target, source_fits, target_fits, done), accounts in places.items():
        for bit, touch in in_flight.items():
            if touch[2] in (READ_SOURCE, READ_TARGET):
                seen = source if touch[2] == READ_SOURCE else target
                done |= (touch[3] == seen) << bit  # noqa: PLW2901
        _merge(after, (source, target, source_fits, target_fits, done), accounts)
    return after


def _answered(places: _Places, touch: Touch, bit: int) -> _Places:
    """Only places where the request is done, or where it need not have happened."""
    after: _Places = {}
    for (source, target, source_fits, target_fits, done), accounts in places.items():
        told = accounts
        if not done & bit:
            if not touch[4]:
                continue
            if touch[2] == CUT:
                told = with_fact(accounts, (touch[3], NEVER, NEVER + 1))
        _merge(after, (source, target, source_fits, target_fits, done & ~bit), told)
    if not after:
        raise NoPathError(touch)
    return after


def _settle(places: _Places, tell: Callable[[tuple[Account, ...]], None]) -> _Places:
    """What all places have in common is told and need not be carried on."""
    accounts = next(iter(places.values()))
    if any(each != accounts for each in places.values()):
        return places
    _tell(places, tell)
    return dict.fromkeys(places, ALWAYS)


def _tell(places: _Places, tell: Callable[[tuple[Account, ...]], None]) -> None:
    accounts: tuple[Account, ...] | None = None
    for each in places.values():
        accounts = each if accounts is None else either(accounts, each)
    if accounts is not None and () not in accounts:
        tell(accounts)


def _merge(places: _Places, place: _Place, accounts: tuple[Account, ...]) -> None:
    known = places.get(place)
    places[place] = accounts if known is None else either(known, accounts)
