"""Cases that run elsewhere and are told to give up: a cluster's workers know no signal for that.

A thread cannot be interrupted, but what it waits for can: the implementations under test of a
campaign that is given up are killed, and no new ones are made. So a case that is under way comes to
nothing within moments, and leaves no process behind.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from weakref import WeakSet

from attrs import evolve, frozen

from flashcopy.conformance.adapter import Conversation, KilledError
from flashcopy.conformance.campaign.cases import Case, MakeTarget, Outcome, given_up
from flashcopy.conformance.campaign.work import work
from flashcopy.conformance.check import Target

_lock = threading.Lock()
# Both by campaign: those that were given up, and whatever was made for one.
_over: set[str] = set()
_made: "defaultdict[str, WeakSet[Conversation]]" = defaultdict(WeakSet)


class GivenUpError(BaseException):
    """The campaign was given up. No Exception: Hypothesis would take it for a failure to shrink."""


@frozen
class Tellable:
    """Makes targets of which `give_up` knows. `campaign` is a name that no other campaign has."""

    make_target: MakeTarget
    campaign: str

    def __call__(self, words: Sequence[str], timeout: float) -> Target:
        """The target that these words name."""
        target = self.make_target(words, timeout)
        return evolve(target, make=lambda: _noted(self.campaign, target.make))


def work_until_told(make_target: Tellable, case: Case, effort: str, timeout: float) -> Outcome:
    """As `work`; what comes of a case that is given up says so, and nobody listens to it."""
    try:
        return work(make_target, case, effort, timeout)
    except (GivenUpError, KilledError):
        return given_up(case)


async def give_up(campaign: str) -> None:
    """End what is under way in this process for a campaign; returns when no IUT of it is left."""
    with _lock:
        _over.add(campaign)
        made = list(_made.pop(campaign, ()))
    # Whoever talks to one must notice first, so this is nothing for the worker's own loop.
    kills = [asyncio.to_thread(conversation.kill) for conversation in made]
    await asyncio.gather(*kills, return_exceptions=True)


def _noted(campaign: str, make: Callable[[], Conversation]) -> Conversation:
    if campaign in _over:
        raise GivenUpError
    conversation = make()
    with _lock:
        if campaign not in _over:
            _made[campaign].add(conversation)
            return conversation
    conversation.kill()
    raise GivenUpError
