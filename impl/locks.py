"""Who may hold which run of grains: first come, first served.

One table of runs serves every request: a host's few grains, a background copy's batch, a sync's
all. A run is granted when it conflicts with nobody who holds and nobody who waits before it; so
a sync is never starved by a stream of writes, and writes that came after it wait behind it. A
request holds at most one run and takes it in one step, so nobody ever waits while holding
(CONC-4). Everybody relies on LOCK-1 to LOCK-4.

The table only decides; who waits how (a thread on an event, a request in a scheduler) is not
its business. Callers see to it that only one of them is in the table at a time.
"""

from collections.abc import Hashable
from typing import TypeVar

from attrs import define, field

from flashcopy.impl.effect import EXCLUSIVE, Mode

Holder = TypeVar("Holder", bound=Hashable)

_Claim = tuple[range, bool]


@define
class LockTable:
    """Runs held and waited for, by holder; any hashable value may stand for a holder."""

    held: dict[Hashable, _Claim] = field(factory=dict)
    waiting: dict[Hashable, _Claim] = field(factory=dict)

    def request(self, holder: Hashable, run: range, mode: Mode) -> bool:
        """Whether the run is granted at once; if not, the holder waits in line for it."""
        claim = (run, mode is EXCLUSIVE)
        if (self.held or self.waiting) and (
            _conflicts(claim, self.held) or _conflicts(claim, self.waiting)
        ):
            self.waiting[holder] = claim
            return False
        self.held[holder] = claim
        return True

    def release(self, holder: Hashable) -> list[Hashable]:
        """The holder has ended, holding or waiting. Gives those whose wait is over, in order."""
        self.held.pop(holder, None)
        if not self.waiting:
            return []
        self.waiting.pop(holder, None)
        granted = []
        ahead: dict[Hashable, _Claim] = {}
        for waiter, claim in list(self.waiting.items()):
            if _conflicts(claim, self.held) or _conflicts(claim, ahead):
                ahead[waiter] = claim
                continue
            del self.waiting[waiter]
            self.held[waiter] = claim
            granted.append(waiter)
        return granted


def _conflicts(claim: _Claim, others: dict[Hashable, _Claim]) -> bool:
    """Whether two of them overlap and one of the two is exclusive."""
    run, exclusive = claim
    return any(
        (exclusive or other_exclusive) and run.start < other.stop and other.start < run.stop
        for other, other_exclusive in others.values()
    )
