"""The paths of one block: everything that can have happened to it while requests overlapped.

A block is two contents, its source's and its target's image. Between two ticks any request in
flight may take effect: a write changes its side, a start or sync makes the target what the source
is, a read must find what it saw. So the block goes from one set of possible *places* to the next,
each with the evidence that led there. A request that is answered must have taken effect: places
where it has not are given up, and if none is left, no flashcopy can have answered so.

Because writes to one side of a block never overlap, few requests can change it at a time and the
set stays small; reads that find what they saw are done at once, for that cannot do harm: all
ticks divide, so that between two of them nothing new is submitted or answered.
"""

from collections.abc import Sequence

from flashcopy.conformance.oracle.evidence import (
    ALWAYS,
    NEVER,
    Account,
    either,
    with_fact,
)
from flashcopy.conformance.oracle.touches import (
    CUT,
    READ_SOURCE,
    READ_TARGET,
    WRITE_SOURCE,
    WRITE_TARGET,
    Touch,
)

# Content on the source, content on the target, and which requests in flight are done (a bit each).
Place = tuple[int, int, int]
Places = dict[Place, tuple[Account, ...]]


class OverlappingWritesError(ValueError):
    """A history in which two writes to one block of one volume overlap, which nothing can judge."""


class NoPathError(Exception):
    """Nothing can have happened to the block that explains what was answered."""

    def __init__(self, touch: Touch) -> None:
        super().__init__()
        self.touch = touch


def follow(places: Places, touches: Sequence[Touch]) -> Places:
    """The places a block can be in when all of these have been answered.

    Raises NoPathError if there are none, and OverlappingWritesError.
    """
    in_flight: dict[int, Touch] = {}
    events = [(touch[0], 1, bit) for bit, touch in enumerate(touches)]
    events += [(touch[1], 0, bit) for bit, touch in enumerate(touches)]
    events.sort()
    before = events[0][0]
    cuts = 0
    for tick, begins, bit in events:
        touch = touches[bit]
        # Without a cut in flight, nothing depends on what else was submitted by then.
        if tick != before and (cuts or not begins):
            places = _closure(places, in_flight, before, tick)
        before = tick
        if begins:
            refuse_overlap(touch, in_flight)
            in_flight[bit] = touch
            cuts += touch[2] == CUT
        else:
            places = _answered(places, touch, 1 << bit)
            del in_flight[bit]
            cuts -= touch[2] == CUT
    return places


def refuse_overlap(touch: Touch, in_flight: dict[int, Touch]) -> None:
    """Raises OverlappingWritesError if a write begins while another to its side is in flight."""
    does = touch[2]
    if does in (WRITE_SOURCE, WRITE_TARGET):
        for other in in_flight.values():
            if other[2] == does:
                raise OverlappingWritesError(
                    f"requests #{other[5]} and #{touch[5]} wrote one block of one volume at the"
                    " same time: which came first cannot be told, so the history cannot be judged"
                )


def _closure(places: Places, in_flight: dict[int, Touch], low: int, high: int) -> Places:
    """Wherever requests in flight can lead between two ticks."""
    reads = [
        (1 << bit, touch[2] == READ_SOURCE, touch[3])
        for bit, touch in in_flight.items()
        if touch[2] in (READ_SOURCE, READ_TARGET)
    ]
    effects = [
        (1 << bit, touch)
        for bit, touch in in_flight.items()
        if touch[2] not in (READ_SOURCE, READ_TARGET)
    ]
    if not effects:
        return _with_reads(places, reads)
    closed: Places = {}
    frontier = _with_reads(places, reads)
    while frontier:
        following: Places = {}
        for (source, target, done), accounts in frontier.items():
            _merge(closed, (source, target, done), accounts)
            for bit, (_, _, does, content, _, _) in effects:
                if done & bit:
                    continue
                if does == WRITE_SOURCE:
                    _merge(following, (content, target, done | bit), accounts)
                elif does == WRITE_TARGET:
                    _merge(following, (source, content, done | bit), accounts)
                else:
                    placed = with_fact(accounts, (content, low, high))
                    _merge(following, (source, source, done | bit), placed)
        frontier = _with_reads(following, reads)
    return closed


def _with_reads(places: Places, reads: list[tuple[int, bool, int]]) -> Places:
    """Every read in flight that finds what it saw is done."""
    if not reads:
        return places
    after: Places = {}
    for (source, target, done), accounts in places.items():
        for bit, of_source, seen in reads:
            if seen == (source if of_source else target):
                done |= bit  # noqa: PLW2901
        _merge(after, (source, target, done), accounts)
    return after


def _answered(places: Places, touch: Touch, bit: int) -> Places:
    """Only places where the request is done, or where it need not have happened."""
    _, _, does, content, unsure, _ = touch
    after: Places = {}
    for (source, target, done), accounts in places.items():
        if done & bit:
            _merge(after, (source, target, done ^ bit), accounts)
        elif unsure:
            never = (content, NEVER, NEVER + 1)
            _merge(
                after,
                (source, target, done),
                with_fact(accounts, never) if does == CUT else accounts,
            )
    if not after:
        raise NoPathError(touch)
    return after


def _merge(places: Places, place: Place, accounts: tuple[Account, ...]) -> None:
    known = places.get(place)
    places[place] = accounts if known is None else either(known, accounts)


def beside_cut(source: int, target: int, touch: Touch, cut: Touch) -> Places:
    """What `follow` gives for one request and one cut that overlap, and nothing else.

    By far the most frequent overlap, and small enough to be written down: the request came before
    the cut or after it. Both must have happened. Raises NoPathError.
    """
    begin, end, does, content, _, _ = touch
    low, high, _, number, _, _ = cut
    before: Account = ((number, begin if begin > low else low, high),)
    after: Account = ((number, low, end if end < high else high),)
    if does == WRITE_SOURCE:
        if content == source:
            return only_place(source, source)
        return {(content, content, 0): (before,), (content, source, 0): (after,)}
    if does == WRITE_TARGET:
        if content == source:
            return only_place(source, source)
        return {(source, source, 0): (before,), (source, content, 0): (after,)}
    if does == READ_SOURCE:
        if content != source:
            raise NoPathError(touch)
        return only_place(source, source)
    if content == target:
        return {(source, source, 0): ALWAYS if content == source else (before,)}
    if content == source:
        return {(source, source, 0): (after,)}
    raise NoPathError(touch)


def beside_nothing(places: Places, touch: Touch) -> Places:
    """What `follow` gives for one request that must have happened. Raises NoPathError."""
    _, _, does, content, _, _ = touch
    after: Places = {}
    for (source, target, _), accounts in places.items():
        if does == WRITE_SOURCE:
            _merge(after, (content, target, 0), accounts)
        elif does == WRITE_TARGET:
            _merge(after, (source, content, 0), accounts)
        elif content == (source if does == READ_SOURCE else target):
            after[(source, target, 0)] = accounts
    if not after:
        raise NoPathError(touch)
    return after


def only_place(source: int, target: int) -> Places:
    """A block that is known to be in one place, whatever the points in time are."""
    return {(source, target, 0): ALWAYS}
