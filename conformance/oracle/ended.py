"""A sync that was carried out was so while writes were tracked: before a stop took effect.

The cut knows no states. But where a stop was answered while a sync was in flight, or something was
refused because nothing was tracked, the sync had happened by then, unless a start can have come in
between. So its interval ends there. With that, a history in which no start is in flight beside a
stop, or beside what is refused for the state, is right if the cut and the states (`lifecycle`) each
find nothing wrong with it: nothing else ties the moments of the one to those of the other.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter

from flashcopy.conformance.oracle.history import Request
from flashcopy.model.operation import UNUSABLE, Done, Start, Stop


def ended_by(sync: Request, witnesses: Sequence[Request], starts: Iterable[Request]) -> int:
    """By when a sync that was carried out had taken effect.

    Of the witnesses, which come by their ends, each saw a moment at which nothing was tracked.
    """
    for witness in witnesses[bisect_right(witnesses, sync.begin, key=attrgetter("end")) :]:
        if witness.end >= sync.end:
            break
        if not any(each.begin < sync.end and witness.begin < each.end for each in starts):
            return witness.end
    return sync.end


def witnesses_of(requests: Iterable[Request]) -> list[Request]:
    """Those that stopped it, or found it stopped or idle, by their ends."""
    return sorted(filter(_is_witness, requests), key=attrgetter("end"))


def _is_witness(request: Request) -> bool:
    if request.outcome == UNUSABLE:
        return True
    return isinstance(request.operation, Stop) and request.outcome == Done()


def starts_of(requests: Iterable[Request]) -> list[Request]:
    """Those after which writes may be tracked again."""
    return [each for each in requests if isinstance(each.operation, Start)]
