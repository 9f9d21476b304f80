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
        # How often the copied and modified maps have changed: equal counts, equal maps.
        self.changes = 0
        self._uncopied = bitmap.count_zeros(copied, grains)
        if standing is not Standing.TRACKING:
            self._untie()
        # Kept up to date, for every request asks: see `_derive_state`.
        self.state = self._derive_state()

    @property
    def uncopied_count(self) -> int:
        """How many grains are left to copy: none where nothing is tracked."""
        return self._uncopied if self.standing is Standing.TRACKING else 0

    def unsettled(self, grains: range) -> Runs:
        """Effect `Unsettled`."""
        first = grains.start
        if grains.stop == first + 1 and self.settled[first]:
            return ()  # the answer to nearly every write, so it need not be the general way
        return bitmap.zero_runs(self.settled, grains)

    def uncopied(self, grains: range) -> Runs:
        """Effect `Uncopied`."""
        return bitmap.zero_runs(self.copied, grains)

    def next_uncopied(self, limit: int) -> range:
        """Effect `NextUncopied`: COPY-2, COPY-5, for it passes by nothing that is uncopied."""
        run = bitmap.next_zero_run(self.copied, range(self.cursor, self.grains), limit)
        self.cursor = run.start
        return run

    def mark_copied(self, runs: Runs) -> None:
        """Effect `MarkCopied`."""
        self.changes += 1
        for run in runs:
            self._uncopied -= bitmap.set_run(self.copied, run)
        self.state = self._derive_state()

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
        """Effect `Distrust`.

        The other two maps stay: requests in flight still go by them, to find where a fake read
        comes from and to save what is true for as long as the header on disk says TRACKING.
        """
        self.standing = Standing.STOPPED
        self.settled.setall(0)
        self.cursor = self.grains
        self.state = self._derive_state()

    def at_new_point(self, point: Point) -> tuple[bitarray, bitarray]:
        """The copied and the modified map as they will be at a new point in time, as of now."""
        cleared = bitmap.make(self.grains)
        if point is Point.START:
            return cleared.copy(), cleared
        return bitmap.merge(self.copied.copy(), self.modified), cleared

    def adopt_maps(self, copied: bitarray, modified: bitarray, uncopied: int) -> None:
        """Effect `Adopt` of TRACKING: a new point in time, with these maps and so many uncopied."""
        self.standing = Standing.TRACKING
        self.copied = copied
        self.modified = modified
        self.settled = bitmap.make(self.grains)
        self.cursor = 0
        self.changes += 1
        self._uncopied = uncopied
        self.state = self._derive_state()

    def adopt_standing(self, standing: Standing) -> None:
        """Effect `Adopt` of IDLE or STOPPED: nothing ties the volumes.

        A failure can stop us while fake reads are in flight, which go by the copied map: so of
        the maps STOPPED changes only what writes go by. IDLE comes with every grain locked.
        """
        self.standing = standing
        if standing is Standing.IDLE:
            self._untie()
        self.settled.setall(1)
        self.cursor = self.grains
        self.state = self._derive_state()

    def _untie(self) -> None:
        """LIFE-2: every grain copied, modified and settled; a write needs no preparation."""
        for bits in (self.copied, self.modified, self.settled):
            bits.setall(1)
        self.changes += 1
        self._uncopied = 0
        self.cursor = self.grains

    def _derive_state(self) -> State:
        """The lifecycle state; a tracked relationship is `copied` once no grain is uncopied."""
        if self.standing is Standing.TRACKING:
            return State.COPYING if self.uncopied_count else State.COPIED
        return State.IDLE if self.standing is Standing.IDLE else State.STOPPED
