"""Every state of a batch of scopes, once, and the shortest way to each.

States are visited in order of their rank, which every step raises. So when a rank's turn comes,
all ways into its states are known: a state that is reached in several ways is recognised among
the states of its own rank, and no set of visited states is kept at all. Two rows are one state if
they are equal word for word; a hash only brings equal rows together, and where two different rows
share one they are sorted in full. Of several ways into a state the shortest is remembered, as the
state it comes from and the move that was made there.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from flashcopy.proofs.explorer.layout import Layout, Rows
from flashcopy.proofs.explorer.locking import Flags
from flashcopy.proofs.explorer.move import Move
from flashcopy.proofs.explorer.parts import Parts
from flashcopy.proofs.explorer.steps import Stepper, Steps
from flashcopy.proofs.explorer.tables import Numbers

How = Literal["step", "crash", "rest", "stuck", "state"]
_NOBODY = 255
# More steps than any way to a state has.
NO_LIMIT = 1 << 15
# States whose steps are taken together; more would only leave the processor's caches.
_AT_ONCE = 1 << 17


@frozen
class Violation:
    """What is wrong, and the steps that lead there: `moves`, in order, in `scope`.

    `how` says what shows it: the last step itself, a crash after it, the state at rest, requests
    that wait for ever, or the state of memory.
    """

    clause: str
    text: str
    how: How
    scope: int
    moves: tuple[Move, ...]


@define
class Tally:
    """What was covered. `depth` is the longest of the shortest ways to a state, in steps."""

    states: int = 0
    transitions: int = 0
    depth: int = 0

    def add(self, other: "Tally") -> None:
        """What was covered by both."""
        self.states += other.states
        self.transitions += other.transitions
        self.depth = max(self.depth, other.depth)


@define
class _Arrivals:
    """States reached, with the ways: steps so far, the state before, the move from there."""

    rows: Rows
    steps: npt.NDArray[np.uint16]
    parent: npt.NDArray[np.int64]
    move: npt.NDArray[np.uint8]


@define(eq=False)
class Search:
    """One batch. `check` is called now and then and may raise to stop the search."""

    parts: Parts
    layout: Layout
    stepper: Stepper
    check: Callable[[int], None]
    # No violation of so many steps or more is of interest.
    shorter_than: int = NO_LIMIT
    # What came of it.
    tally: Tally = field(factory=Tally)
    violation: Violation | None = None
    _parents: list[npt.NDArray[np.int64]] = field(factory=list)
    _moves: list[npt.NDArray[np.uint8]] = field(factory=list)
    _scopes: list[npt.NDArray[np.int64]] = field(factory=list)
    _waiting: dict[int, list[_Arrivals]] = field(factory=dict)

    def run(self, roots: Rows) -> None:
        """Visit every state that can be reached from the roots."""
        size = roots.shape[1]
        self._arrive(
            _Arrivals(
                roots,
                np.zeros(size, np.uint16),
                np.full(size, -1, np.int64),
                np.full(size, _NOBODY, np.uint8),
            )
        )
        while self._waiting:
            rank = min(self._waiting)
            states = _distinct(self._waiting.pop(rank))
            if self.violation is not None:
                states = _only(states, states.steps < self.shorter_than)
            for part in _parts(states):
                self._visit(part)
            self.check(self.tally.states)

    def _visit(self, states: _Arrivals) -> None:
        first = self.tally.states
        rows, count = states.rows, states.rows.shape[1]
        if not count:
            return
        self.tally.states += count
        self.tally.depth = max(self.tally.depth, int(states.steps.max()))
        self._parents.append(states.parent)
        self._moves.append(states.move)
        self._scopes.append(self.layout.scope.get(rows))
        self._judge(states, first)
        for steps in self.stepper.all_steps(rows):
            self.tally.transitions += len(steps.origin)
            self._went(states, steps, first)

    def _went(self, states: _Arrivals, steps: Steps, first: int) -> None:
        """Steps taken: wrong ones are reported and not followed."""
        so_far = states.steps.take(steps.origin) + np.uint16(1)
        wrong = steps.complaint > 0
        if wrong.any():
            chosen = np.flatnonzero(wrong)
            at = chosen[np.argmin(so_far[chosen])]
            self._report(
                int(steps.complaint[at]),
                "step",
                int(so_far[at]),
                int(first + steps.origin[at]),
                (steps.move,),
            )
        follow = ~wrong
        if self.violation is not None:
            follow &= so_far < self.shorter_than
        arrivals = _Arrivals(
            steps.rows,
            so_far,
            first + steps.origin,
            np.full(len(so_far), steps.move.code, np.uint8),
        )
        self._arrive(arrivals if follow.all() else _only(arrivals, follow))

    def _arrive(self, arrivals: _Arrivals) -> None:
        """Put states where they are found when their rank's turn comes."""
        ranks = self.stepper.rank(arrivals.rows).astype(np.uint16)
        if not len(ranks):
            return
        order = np.argsort(ranks, kind="stable")
        ranks = ranks.take(order)
        starts = np.flatnonzero(np.diff(ranks, prepend=np.uint16(65535)))
        for first, last in zip(starts, [*starts[1:], len(ranks)], strict=True):
            part = _only(arrivals, order[first:last])
            self._waiting.setdefault(int(ranks[first]), []).append(part)

    def _judge(self, states: _Arrivals, first: int) -> None:
        """Everything that must hold of a state by itself, and of what a crash leaves of it."""
        rows, parts, layout = states.rows, self.parts, self.layout
        memory = layout.memory.get(rows)
        values = [block.get(rows) for block in layout.blocks]
        self._look("state", parts.memory_complaint(memory), states, first)
        outlook = parts.map_outlook(layout.mapdisk.get(rows))
        volume = parts.join_outlooks([parts.block_outlook(value) for value in values])
        self._look("crash", parts.crash_complaint(outlook, volume), states, first)
        ended = np.flatnonzero(self.stepper.ended(rows))
        found = np.zeros(len(memory), np.int64)
        if len(ended):
            endings = parts.join_endings(
                [parts.block_ending(value.take(ended)) for value in values]
            )
            doubted = parts.with_doubts(endings, layout.doubts.get(rows).take(ended))
            found[ended] = parts.final_complaint(memory.take(ended), doubted)
            self._look("rest", found, states, first)
        stuck = self.stepper.stuck(rows)
        if stuck.any():
            text = parts.complain("CONC-4", "every request in flight waits: a deadlock")
            self._look("stuck", np.where(stuck, text, 0), states, first)

    def _look(self, how: How, complaint: Numbers, states: _Arrivals, first: int) -> None:
        chosen = np.flatnonzero(complaint)
        if len(chosen):
            at = int(chosen[np.argmin(states.steps[chosen])])
            self._report(int(complaint[at]), how, int(states.steps[at]), first + at, ())

    def _report(
        self, complaint: int, how: How, steps: int, state: int, last: tuple[Move, ...]
    ) -> None:
        """Keep the violation if none shorter is known."""
        if steps >= self.shorter_than:
            return
        found = self.parts.complaints[complaint]
        assert found is not None, "0 is no complaint"
        self.shorter_than = steps
        moves, scope = self._way_to(state)
        self.violation = Violation(*found, how, scope, (*moves, *last))

    def _way_to(self, state: int) -> tuple[tuple[Move, ...], int]:
        """The moves, from the root on, and the scope."""
        ends = np.cumsum([len(part) for part in self._parents])
        moves: list[Move] = []
        while True:
            part = int(np.searchsorted(ends, state, side="right"))
            at = state - (int(ends[part - 1]) if part else 0)
            parent = int(self._parents[part][at])
            if parent < 0:
                return tuple(reversed(moves)), int(self._scopes[part][at])
            moves.append(Move.of(int(self._moves[part][at])))
            state = parent


def _only(states: _Arrivals, chosen: Numbers | Flags) -> _Arrivals:
    return _Arrivals(
        states.rows[:, chosen], states.steps[chosen], states.parent[chosen], states.move[chosen]
    )


def _parts(states: _Arrivals) -> Iterator[_Arrivals]:
    for first in range(0, states.rows.shape[1], _AT_ONCE):
        yield _only(states, slice(first, first + _AT_ONCE))  # type: ignore[arg-type]


def _distinct(arrivals: list[_Arrivals]) -> _Arrivals:
    """Each state once, by the shortest way."""
    rows = np.concatenate([part.rows for part in arrivals], axis=1)
    steps = np.concatenate([part.steps for part in arrivals])
    parent = np.concatenate([part.parent for part in arrivals])
    move = np.concatenate([part.move for part in arrivals])
    arrivals.clear()
    order, fresh = _grouped(rows)
    starts = np.flatnonzero(fresh)
    # The shortest way of each group: the least of steps, then of position.
    ways = steps.take(order).astype(np.int64) << 40 | order
    best = np.minimum.reduceat(ways, starts) & ((1 << 40) - 1)
    return _only(_Arrivals(rows, steps, parent, move), best)


def _grouped(rows: Rows) -> tuple[Numbers, Flags]:
    """An order in which equal rows are neighbours, and which of them differ from the one before."""
    hashed = np.zeros(rows.shape[1], np.uint64)
    for word in rows:
        hashed = (hashed ^ word) * np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(29)
    order = np.argsort(hashed)
    hashed = hashed.take(order)
    same_hash = hashed[1:] == hashed[:-1]
    same_row = np.ones(len(same_hash), np.bool_)
    for word in rows:
        in_order = word.take(order)
        same_row &= in_order[1:] == in_order[:-1]
    if (same_hash & ~same_row).any():
        order = np.lexsort(rows)
        same_row[:] = True
        for word in rows:
            in_order = word.take(order)
            same_row &= in_order[1:] == in_order[:-1]
    return order, np.concatenate([[True], ~same_row])
