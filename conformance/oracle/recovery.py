"""Can a correct flashcopy have come through this crash? What was asked before, what is found after.

An *epoch* is what was asked of an implementation from one recovery to the crash before the next:
any number of requests in flight when it came, whatever was read until then, and what both volumes
show afterwards. Its first state is what the recovery before it showed, all of which is durable
(REC-1); the two images say the rest. A crash leaves of each source block the last write that a
flush covers or any later one, answered or not (CRASH-1), and of each target block what the source
held at the last committed start or sync, or a target write since then in the same manner (CRASH-2).
Which one was committed last is one choice for all blocks: the last that was answered, or a later
one that the crash cut off (CRASH-3).

So an epoch is right if and only if for one of these choices every block can have survived as it was
found (`survival`), and what the blocks say of the moments of the starts and syncs, by what was read
before the crash and by what was found after it, suits some moment each (`moments`). The answer is
exact, with the same limits as that of `cut`, which can only acquit.

Two writes to one block of one volume must not overlap, nor two of start and sync.
"""

from collections.abc import Sequence

from attrs import frozen

from flashcopy.conformance.oracle.evidence import Account, Evidence
from flashcopy.conformance.oracle.history import History, Request
from flashcopy.conformance.oracle.moments import Moments
from flashcopy.conformance.oracle.paths import NoPathError
from flashcopy.conformance.oracle.survival import Found, LostError, survive
from flashcopy.conformance.oracle.touches import WRITE_SOURCE, Touch, Touches, touches_of
from flashcopy.model.images import Images, Volume
from flashcopy.model.operation import Done, Flush, Start, Sync

# No start or sync of the epoch is the last committed one.
NONE = -1


@frozen
class Epoch:
    """What was asked between two recoveries, and what both volumes showed before and after it.

    The images hold a content for each block; those of `after` may be None, for what nobody looked
    at or could, as the target once it is no image any more (LIFE-3). `history` ends with the crash:
    what it cut off has no outcome.
    """

    history: History
    before: Images
    after: Images


@frozen
class Failure:
    """Why one choice of the last committed start or sync cannot be.

    Either one block cannot have survived so (`touch` is then the read before the crash that
    nothing explains, or None), or no moments suit what `told` says.
    """

    committed: int
    block: int = -1
    touch: Touch | None = None
    told: tuple[Evidence, ...] = ()


def judge(epoch: Epoch) -> list[Failure]:
    """Why each choice fails; empty if one does not, and all is right."""
    parts = Parts.of(epoch)
    failures = []
    for committed in parts.choices():
        failure = parts.failure(committed, epoch.after)
        if failure is None:
            return []
        failures.append(failure)
    return failures


@frozen
class Parts:
    """An epoch taken apart."""

    touches: Touches
    before: Images
    # When the last flush of each side was asked for that was answered.
    source_flushed: int
    target_flushed: int

    @classmethod
    def of(cls, epoch: Epoch) -> "Parts":
        """Take an epoch apart. Raises ValueError if starts and syncs overlap."""
        requests = epoch.history.requests
        touches = touches_of(epoch.history)
        for one, two in zip(touches.cuts, touches.cuts[1:], strict=False):
            if two[0] < one[1]:
                raise ValueError(
                    f"requests #{one[5]} and #{two[5]} are starts or syncs and overlap: which of"
                    " them was committed last cannot be told"
                )
        return cls(
            touches,
            epoch.before,
            *(
                max((each.begin for each in requests if flushes(each, volume)), default=0)
                for volume in (Volume.SOURCE, Volume.TARGET)
            ),
        )

    def choices(self) -> list[int]:
        """The starts and syncs that can be the last committed one: the last answered, or later."""
        answered = [cut[3] for cut in self.touches.cuts if not cut[4]]
        last = answered[-1] if answered else NONE
        return [last, *range(last + 1, len(self.touches.cuts))]

    def failure(self, committed: int, after: Images) -> Failure | None:
        """Why this choice cannot be, or None."""
        cuts = self.cuts_with(committed)
        moments = Moments(cuts)
        last_of = [touches[-1][5] if touches else 0 for touches in self.touches.blocks]
        for block, last in enumerate(last_of):
            told: list[tuple[Account, ...]] = []
            try:
                self.follow(block, cuts, committed, self.found(block, after), told)
            except NoPathError as error:
                return Failure(committed, block, touch=error.touch)
            except LostError:
                return Failure(committed, block)
            for accounts in told:
                moments.tell(Evidence(block, accounts, last))
        contradiction = moments.contradiction()
        return Failure(committed, told=tuple(contradiction)) if contradiction else None

    def cuts_with(self, committed: int) -> Sequence[Touch]:
        """The cuts, of which the committed one has happened for certain."""
        return [
            (*cut[:4], False, cut[5]) if cut[3] == committed else cut for cut in self.touches.cuts
        ]

    def follow(
        self,
        block: int,
        cuts: Sequence[Touch],
        committed: int,
        found: Found,
        told: list[tuple[Account, ...]],
    ) -> None:
        """One block to the crash. Raises NoPathError and LostError."""
        survive(self.touches.blocks[block], cuts, committed, self.is_durable, found, told.append)

    def found(self, block: int, after: Images) -> Found:
        """What a block showed before and after."""
        return Found(
            self.before.source[block],
            self.before.target[block],
            None if after.source is None else after.source[block],
            None if after.target is None else after.target[block],
        )

    def is_durable(self, write: Touch) -> bool:
        """CRASH-1: answered before a flush, a start or a sync was asked for, which was answered."""
        _, end, does, _, unsure, _ = write
        flushed = self.source_flushed if does == WRITE_SOURCE else self.target_flushed
        return not unsure and end < flushed


def flushes(request: Request, volume: Volume) -> bool:
    """Whether a request, once answered, makes durable what was answered before it (CRASH-1)."""
    moves = volume is Volume.SOURCE and isinstance(request.operation, Start | Sync)
    return request.outcome == Done() and (moves or request.operation == Flush(volume))
