"""One block's whole history: where nothing overlaps it is simply followed, else along all paths.

Most of the time nothing else touches a block while a request does. Then a write changes it and a
read must find what it saw, and that is all. Only where requests overlap each other, or a start or
sync, is there a choice (`paths`). What is left of the choice once the block is known to be in one
place is evidence of the points in time.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from attrs import frozen

from flashcopy.conformance.oracle.evidence import ALWAYS, Account, Evidence, either
from flashcopy.conformance.oracle.paths import (
    NoPathError,
    Places,
    beside_cut,
    beside_nothing,
    follow,
    only_place,
)
from flashcopy.conformance.oracle.touches import READ_SOURCE, WRITE_SOURCE, WRITE_TARGET, Touch
from flashcopy.model.volume import ZERO


@frozen
class Bursts:
    """The cuts in groups: those that overlap each other, directly or through others, are one."""

    begins: list[int]
    ends: list[int]
    cuts: list[list[Touch]]
    # How many of the first so many bursts hold a cut that may not have happened.
    unsure: list[int]


def bursts_of(cuts: Sequence[Touch]) -> Bursts:
    """Group the cuts, which come in order of submission."""
    bursts = Bursts([], [], [], [0])
    for cut in cuts:
        if bursts.ends and cut[0] < bursts.ends[-1]:
            bursts.ends[-1] = max(bursts.ends[-1], cut[1])
            bursts.cuts[-1].append(cut)
        else:
            bursts.begins.append(cut[0])
            bursts.ends.append(cut[1])
            bursts.cuts.append([cut])
    for group in bursts.cuts:
        bursts.unsure.append(bursts.unsure[-1] + any(cut[4] for cut in group))
    return bursts


def judge_block(
    block: int, touches: Sequence[Touch], bursts: Bursts, tell: Callable[[Evidence], None]
) -> None:
    """Follow one block through the history and tell what it says about the points in time.

    Raises NoPathError if nothing explains what was read from it, and OverlappingWritesError.
    """
    places = only_place(ZERO, ZERO)
    burst, at = 0, 0
    while at < len(touches):
        at, burst, source, target = _while_alone(touches, at, bursts, burst, places)
        if source is not None and target is not None:
            places = only_place(source, target)
        if at == len(touches):
            break
        places, burst = _pass(places, bursts, burst, touches[at][0])
        until, burst_until = _cluster(touches, at, bursts, burst)
        cuts = [cut for group in bursts.cuts[burst:burst_until] for cut in group]
        places = _through(places, touches[at:until], cuts)
        places = _settle(places, block, touches[until - 1][5], tell)
        at, burst = until, burst_until
    _tell(block, places, touches[-1][5] if touches else 0, tell)


def _while_alone(
    touches: Sequence[Touch], at: int, bursts: Bursts, burst: int, places: Places
) -> tuple[int, int, int | None, int | None]:
    """Follow the touches that overlap nothing, from a block that is known to be in one place.

    The first touch that overlaps something, the first burst not passed, and the block's contents
    (None if it is in no one place, so that nothing was followed). This is the inner loop.
    """
    if len(places) > 1:
        return at, burst, None, None
    ((source, target, _),) = places
    ends, begins, unsure = bursts.ends, bursts.begins, bursts.unsure
    last = len(touches)
    next_begin = begins[burst] if burst < len(begins) else None
    while at < last:
        touch = touches[at]
        begin, end, does, content, doubtful, _ = touch
        if next_begin is not None and next_begin < end:
            passed = bisect_left(ends, begin, burst)
            if passed > burst:
                if unsure[passed] > unsure[burst]:
                    break
                target, burst = source, passed
                next_begin = begins[burst] if burst < len(begins) else None
            if next_begin is not None and next_begin < end:
                break
        if doubtful or (at + 1 < last and touches[at + 1][0] < end):
            break
        if does == WRITE_SOURCE:
            source = content
        elif does == WRITE_TARGET:
            target = content
        elif content != (source if does == READ_SOURCE else target):
            raise NoPathError(touch)
        at += 1
    return at, burst, source, target


def _pass(places: Places, bursts: Bursts, burst: int, begin: int) -> tuple[Places, int]:
    """The bursts that were over before the next touch began."""
    passed = bisect_left(bursts.ends, begin, burst)
    while burst < passed:
        if bursts.unsure[passed] == bursts.unsure[burst]:
            return _after_cuts(places), passed
        places = follow(places, bursts.cuts[burst])
        burst += 1
    return places, passed


def _after_cuts(places: Places) -> Places:
    """Nothing touched the block meanwhile, so it says nothing about when they were."""
    after: Places = {}
    for (source, _, _), accounts in places.items():
        place = (source, source, 0)
        after[place] = either(after[place], accounts) if place in after else accounts
    return after


def _cluster(touches: Sequence[Touch], at: int, bursts: Bursts, burst: int) -> tuple[int, int]:
    """The first touch and the first burst after all that overlap, directly or through others."""
    stop = touches[at][1]
    at += 1
    while True:
        if at < len(touches) and touches[at][0] < stop:
            stop = max(stop, touches[at][1])
            at += 1
        elif burst < len(bursts.begins) and bursts.begins[burst] < stop:
            stop = max(stop, bursts.ends[burst])
            burst += 1
        else:
            return at, burst


def _through(places: Places, touches: Sequence[Touch], cuts: Sequence[Touch]) -> Places:
    """The places after requests that overlap; the two most frequent cases have short cuts."""
    if len(touches) == 1 and not touches[0][4]:
        if not cuts:
            return beside_nothing(places, touches[0])
        if len(cuts) == 1 and len(places) == 1 and not cuts[0][4]:
            ((source, target, _),) = places
            return beside_cut(source, target, touches[0], cuts[0])
    return follow(places, [*touches, *cuts])


def _settle(places: Places, block: int, by: int, tell: Callable[[Evidence], None]) -> Places:
    """Once the block is in one place, what led there is told and need not be carried on."""
    if len(places) > 1:
        return places
    _tell(block, places, by, tell)
    return dict.fromkeys(places, ALWAYS)


def _tell(block: int, places: Places, by: int, tell: Callable[[Evidence], None]) -> None:
    accounts: tuple[Account, ...] | None = None
    for each in places.values():
        accounts = each if accounts is None else either(accounts, each)
    if accounts is not None and () not in accounts:
        tell(Evidence(block, accounts, by))
