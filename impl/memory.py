"""What a relationship keeps in memory: the bits, the cursor, the state. A crash loses it all.

These are the memory effects of the protocol (`effect`), one method each. Whoever runs the
protocol calls them, one at a time.
"""

from bitarray import bitarray

from flashcopy.impl import bitmap
from flashcopy.impl.effect import Point, Runs, Standing, State


class Memory:
    """The volatile state over a number of grains.

    *settled* is the third map beside copied and modified: the grains known to be durably
    diverged. Only a flush of the map adds to it; the modified bit in memory says nothing of what
    is durable (ORDER-3).
    """

    def __init__(
        self, grains: int, standing: Standing, copied: bitarray, modified: bitarray
    ) -> None:
        """Memory after a restart, from what the map file holds durably (REC-1).

        A modified bit whose copied bit was lost is dropped: the grain reads from the source.
        """
        self.grains = grains
        self.standing = standing
        self.copied = copied
        self.modified = modified
        self.modified &= copied
        self.settled = self.modified.copy()
        self.cursor = 0
        if standing is not Standing.TRACKING:
            self._untie()
        self.uncopied_count = bitmap.count_zeros(self.copied, grains)

    @property
    def state(self) -> State:
        """The lifecycle state; a tracked relationship is `copied` once no grain is uncopied."""
        if self.standing is Standing.TRACKING:
            return State.COPYING if self.uncopied_count else State.COPIED
        return State.IDLE if self.standing is Standing.IDLE else State.STOPPED

    def unsettled(self, grains: range) -> Runs:
        """Effect `Unsettled`."""
        return bitmap.zero_runs(self.settled, grains)

    def uncopied(self, grains: range) -> Runs:
        """Effect `Uncopied`."""
        return bitmap.zero_runs(self.copied, grains)

    def next_uncopied(self, limit: int) -> range:
        """Effect `NextUncopied`."""
        run = bitmap.next_zero_run(self.copied, range(self.cursor, self.grains), limit)
        self.cursor = run.start
        return run

    def mark_copied(self, runs: Runs) -> None:
        """Effect `MarkCopied`."""
        for run in runs:
            self.uncopied_count -= bitmap.set_run(self.copied, run)

    def mark_diverged(self, runs: Runs) -> None:
        """Effect `MarkDiverged`: copied first, so that modified never runs ahead of it."""
        self.mark_copied(runs)
        for run in runs:
            bitmap.set_run(self.modified, run)

    def settle(self, runs: Runs) -> None:
        """Effect `Settle`."""
        for run in runs:
            bitmap.set_run(self.settled, run)

    def distrust(self) -> None:
        """Effect `Distrust`."""
        self.standing = Standing.STOPPED
        self._untie()
        self.settled.setall(0)

    def at_new_point(self, point: Point) -> tuple[bitarray, bitarray]:
        """The copied and the modified map as they will be at a new point in time, as of now."""
        cleared = bitmap.make(self.grains)
        if point is Point.START:
            return cleared.copy(), cleared
        return bitmap.merge(self.copied.copy(), self.modified), cleared

    def adopt_maps(self, copied: bitarray, modified: bitarray) -> None:
        """Effect `Adopt` of TRACKING: a new point in time, with these maps."""
        self.standing = Standing.TRACKING
        self.copied = copied
        self.modified = modified
        self.settled = bitmap.make(self.grains)
        self.cursor = 0
        self.uncopied_count = bitmap.count_zeros(copied, self.grains)

    def adopt_standing(self, standing: Standing) -> None:
        """Effect `Adopt` of IDLE or STOPPED: nothing ties the volumes."""
        self.standing = standing
        self._untie()

    def _untie(self) -> None:
        """LIFE-2: every grain copied, modified and settled; a write needs no preparation."""
        for bits in (self.copied, self.modified, self.settled):
            bits.setall(1)
        self.cursor = self.grains
        self.uncopied_count = 0
