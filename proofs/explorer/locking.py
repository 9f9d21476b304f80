"""Who waits for whom: the lock table of `impl.locks`, for many states at once.

Who asks waits if it conflicts with anybody who holds or waits; when a request has ended, whoever
conflicts with no holder and nobody who waits before it is granted. Which claims conflict is said
by the shipped table (`program`).
"""

import numpy as np
import numpy.typing as npt

from flashcopy.proofs.explorer.layout import Layout, Rows
from flashcopy.proofs.explorer.program import COPIER_LINE, GRAINS_LINE, Kind, Program
from flashcopy.proofs.explorer.tables import Numbers

Flags = npt.NDArray[np.bool_]


class Locking:
    """The two lines, for grains and for the copier, in which requests of a state wait."""

    def __init__(self, program: Program, layout: Layout, in_flight: int) -> None:
        self.program = program
        self.layout = layout
        self.in_flight = in_flight

    def ask(self, rows: Rows, request: int, nodes: Numbers) -> Flags:
        """Whether a request has to wait; if so it stands in line."""
        claim, line = self.program.waits_for.take(nodes), self.program.waits_line.take(nodes)
        blocked = np.zeros(len(nodes), np.bool_)
        behind = np.zeros(len(nodes), np.int64)
        for other in range(self.in_flight):
            if other == request:
                continue
            at = self.layout.node[other].get(rows)
            blocked |= self._holding_conflicts(claim, line, at)
            waits = self._waits(at) & (self.program.waits_line.take(at) == line)
            # Who waits as well and excludes nobody is not remembered: states that differ in
            # nothing else are one.
            waits &= self._conflict(claim, self.program.waits_for.take(at))
            blocked |= waits
            behind |= np.where(waits, 1 << other, 0)
        self.layout.behind[request].put(rows, np.where(blocked, behind, 0))
        return blocked

    def grant(self, rows: Rows) -> None:
        """A request has ended: others may be granted."""
        for line in (GRAINS_LINE, COPIER_LINE):
            self._grant(rows, line)

    def _grant(self, rows: Rows, line: int) -> None:
        """Whose wait is over: decided for all at once, for who is granted is in the way as much."""
        nodes = [field.get(rows) for field in self.layout.node]
        waits = [self._waits(at) & (self.program.waits_line.take(at) == line) for at in nodes]
        if not any(waiting.any() for waiting in waits):
            return
        lines = np.full(rows.shape[1], line)
        granted = []
        for one, waiting in enumerate(waits):
            claim = self.program.waits_for.take(nodes[one])
            behind = self.layout.behind[one].get(rows)
            free = waiting.copy()
            for other, at in enumerate(nodes):
                if other == one:
                    continue
                free &= ~self._holding_conflicts(claim, lines, at)
                ahead = waits[other] & (behind >> other & 1 > 0)
                free &= ~(ahead & self._conflict(claim, self.program.waits_for.take(at)))
            granted.append(free)
        for one, free in enumerate(granted):
            if not free.any():
                continue
            self.layout.node[one].put(rows, nodes[one] + free)
            field = self.layout.behind[one]
            field.put(rows, np.where(free, 0, field.get(rows)))
            for other in range(self.in_flight):
                if other != one:
                    field = self.layout.behind[other]
                    field.put(rows, field.get(rows) & ~np.where(free, 1 << one, 0))

    def _holding_conflicts(self, claim: Numbers, line: Numbers, at: Numbers) -> Flags:
        held = np.where(
            line == GRAINS_LINE,
            self.program.holds_grains.take(at),
            self.program.holds_copier.take(at),
        )
        return self._conflict(claim, held)

    def _conflict(self, claim: Numbers, other: Numbers) -> Flags:
        found: Flags = self.program.conflicts[claim, other] > 0
        return found

    def _waits(self, nodes: Numbers) -> Flags:
        found: Flags = self.program.kind.take(nodes) == Kind.WAITING
        return found
