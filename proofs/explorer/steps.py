"""All states of one rank take every step they can, at once.

A request's step is one effect, or one block of a Read or Write. For each request in flight the
states are sorted by what kind of step that is; each kind is carried out on all its states
together, by look-ups in the tables of `parts`. Where devices may fail, each step that asks one for
something is taken once more with each fault that can be there.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from attrs import define

from flashcopy.model.trace import Fault
from flashcopy.proofs.explorer.block_steps import BlockSteps
from flashcopy.proofs.explorer.doubt import FAULT, FOLLOWED
from flashcopy.proofs.explorer.layout import MOST_REQUESTS, Layout, Rows
from flashcopy.proofs.explorer.locking import Flags, Locking
from flashcopy.proofs.explorer.move import Move
from flashcopy.proofs.explorer.parts import Parts
from flashcopy.proofs.explorer.program import ENDED, Kind
from flashcopy.proofs.explorer.tables import Numbers

# The bits of `Program.faults`.
_FAULTS = ((Fault.LOST, 1), (Fault.LANDED, 2))


@define(eq=False)
class Steps:
    """One and the same move from some states: `origin` says from which.

    `complaint` is the number of what is wrong with the step, 0 for nothing.
    """

    move: Move
    rows: Rows
    origin: Numbers
    complaint: Numbers


class Stepper:
    """Carries out steps; marks in `seen` each program point and result that came up.

    With `in_order`, requests that are equal begin in their order.
    """

    in_order = True

    def __init__(
        self, parts: Parts, layout: Layout, in_flight: int, *, failing: bool = False
    ) -> None:
        self.failing = failing
        self.locking = Locking(parts.program, layout, in_flight)
        self.parts = parts
        self.program = parts.program
        self.layout = layout
        self.in_flight = in_flight
        self.seen = np.zeros(self.program.follow.shape, np.bool_)
        self.blocks = BlockSteps(parts, layout, in_flight)
        self._answers = np.array(
            [parts.answer_change(end) for end in self.program.ends], np.int64
        ).reshape(-1, 2)

    def rank(self, rows: Rows) -> Numbers:
        """The rank of each state."""
        total = np.zeros(rows.shape[1], np.int64)
        for field in self.layout.node:
            total += self.program.rank.take(field.get(rows))
        return total

    def all_steps(self, rows: Rows) -> Iterator[Steps]:
        """Every step from these states, request by request."""
        nodes = [field.get(rows) for field in self.layout.node]
        for request in range(self.in_flight):
            kind = self.program.kind.take(nodes[request])
            able = kind > Kind.WAITING
            if request and self.in_order:
                # Of two equal requests the first begins first: the other order is the same
                # with the two exchanged.
                same = nodes[request] == nodes[request - 1]
                able &= ~(same & (self.program.is_start.take(nodes[request]) > 0))
            origin = np.flatnonzero(able)
            if not len(origin):
                continue
            kind = kind.take(origin)
            # Few values: sorted stably as bytes this is a radix sort.
            order = np.argsort(kind.astype(np.uint8), kind="stable")
            origin, kind = origin.take(order), kind.take(order)
            yield self._steps(rows[:, origin], Move(request), origin, kind)
            if self.failing:
                yield from self._all_faults(rows, request, origin, kind, nodes[request])

    def _all_faults(
        self, rows: Rows, request: int, origin: Numbers, kind: Numbers, nodes: Numbers
    ) -> Iterator[Steps]:
        """The same steps with the faults that can be."""
        may = self.parts.failures_left(self.layout.doubts.get(rows).take(origin)) > 0
        faults = np.where(may, self.program.faults.take(nodes.take(origin)), 0)
        for fault, bit in _FAULTS:
            chosen = np.flatnonzero(faults & bit)
            if len(chosen):
                at = origin.take(chosen)
                steps = self._steps(rows[:, at], Move(request, fault), at, kind.take(chosen))
                if len(steps.origin):
                    yield steps

    def stuck(self, rows: Rows) -> Flags:
        """States where some request has not ended and no request can go on."""
        least = np.full(rows.shape[1], Kind.WRITE, np.int64)
        able = np.zeros(rows.shape[1], np.bool_)
        for field in self.layout.node:
            kind = self.program.kind.take(field.get(rows))
            able |= kind > Kind.WAITING
            least = np.where(kind == Kind.WAITING, Kind.WAITING, least)
        found: Flags = ~able & (least == Kind.WAITING)
        return found

    def ended(self, rows: Rows) -> Flags:
        """States where all requests have ended."""
        ended = np.ones(rows.shape[1], np.bool_)
        for field in self.layout.node:
            ended &= field.get(rows) == ENDED
        return ended

    def _steps(
        self, rows: Rows, move: Move, origin: Numbers, kinds: npt.NDArray[np.int64]
    ) -> Steps:
        request = move.request
        nodes = self.layout.node[request].get(rows)
        complaint = np.zeros(len(origin), np.int64)
        after = np.zeros(len(origin), np.int64)
        starts = np.flatnonzero(np.diff(kinds, prepend=-1))
        for first, last in zip(starts, [*starts[1:], len(kinds)], strict=True):
            part = slice(int(first), int(last))
            kind, taken = Kind(int(kinds[first])), (rows[:, part], move, nodes[part])
            if kind is Kind.FLUSH and self.failing:
                after[part] = self._flush(*taken)
            elif move.fault is not Fault.NONE:
                after[part] = self._fail(kind, *taken, complaint[part])
            else:
                after[part] = self._carry_out(kind, *taken, complaint[part])
        can_be = after >= 0
        if not can_be.all():
            rows, origin = rows[:, can_be], origin[can_be]
            after, complaint = after[can_be], complaint[can_be]
        self.layout.node[request].put(rows, after)
        self.blocks.forget(rows, request, after)
        finished = np.flatnonzero(after >= self.program.ends_from)
        if len(finished):
            part_rows = rows[:, finished]
            complaint[finished] = np.maximum(
                complaint[finished], self._end(part_rows, request, after.take(finished))
            )
            rows[:, finished] = part_rows
        if self.failing:
            self._order_worlds(rows)
        return Steps(move, rows, origin, complaint)

    def _carry_out(
        self, kind: Kind, rows: Rows, move: Move, nodes: Numbers, complaint: Numbers
    ) -> Numbers:
        """One kind of step on all these states; gives the program points after it."""
        request = move.request
        match kind:
            case Kind.ASK:
                return self._ask(rows, request, nodes)
            case Kind.GRANTED:
                return self._follow(nodes, self._state_code(rows))
            case Kind.MEMORY | Kind.POINT:
                return self._memory(rows, request, nodes, complaint)
            case Kind.FLUSH:
                self._change_map(rows, self.program.map_change.take(nodes))
                self._change_blocks(rows, self.program.block_change.take(nodes))
            case Kind.READ:
                self.blocks.read(rows, request, nodes, complaint)
            case Kind.WRITE:
                self._write(rows, request, nodes, complaint)
        return self._follow(nodes, nodes * 0)

    def _follow(self, nodes: Numbers, codes: Numbers) -> Numbers:
        self.seen[nodes, codes] = True
        return self.program.follow[nodes, codes]

    def _state_code(self, rows: Rows) -> Numbers:
        return self.parts.state_code(self.layout.memory.get(rows))

    def _ask(self, rows: Rows, request: int, nodes: Numbers) -> Numbers:
        after, free = nodes + 1, np.flatnonzero(~self.locking.ask(rows, request, nodes))
        after[free] = self._follow(nodes[free], self._state_code(rows)[free])
        return after

    def _flush(self, rows: Rows, move: Move, nodes: Numbers) -> Numbers:
        """ERR-5, ERR-6: a flush where devices may be in doubt; -1 where the fault cannot be."""
        parts, field = self.parts, self.layout.doubts
        flush = parts.flush_number(self.program.flush.take(nodes), move.request, move.fault)
        flushed = parts.flushed(field.get(rows), flush)
        codes = parts.flushed_code(flushed)
        field.put(rows, np.where(codes < 0, field.get(rows), parts.flushed_doubts(flushed)))
        self._change_map(rows, parts.flushed_map(flushed))
        self._change_blocks(rows, parts.flushed_blocks(flushed))
        self._change_blocks(rows, parts.flushed_lost(flushed))
        self._excuse(rows, np.where(codes > 0, self.program.failing.take(nodes), 0))
        after = self._follow(nodes, np.maximum(codes, 0))
        return np.where(codes < 0, -1, after)

    def _fail(
        self, kind: Kind, rows: Rows, move: Move, nodes: Numbers, complaint: Numbers
    ) -> Numbers:
        """A fault of any other effect; -1 where there is nothing that could fail."""
        request, can_be = move.request, np.ones(len(nodes), np.bool_)
        landed = move.fault is Fault.LANDED
        if kind is Kind.WRITE and landed:
            self._write(rows, request, nodes, complaint)
        if kind not in (Kind.READ, Kind.WRITE):
            program = self.program
            self._change_map(rows, program.map_change.take(nodes))
            effect = program.landed_effect if landed else program.lost_effect
            outcome = self._on_memory(rows, effect.take(nodes), complaint)
            self._change_map(rows, self.parts.outcome_change(outcome))
            self._change_blocks(rows, program.block_change.take(nodes))
            can_be = self.parts.outcome_asks(outcome) > 0
        self._excuse(rows, self.program.failing.take(nodes))
        self._change_doubts(rows, request, np.full(len(nodes), FAULT))
        after = self._follow(nodes, self.program.error.take(nodes))
        return np.where(can_be, after, -1)

    def _excuse(self, rows: Rows, effect: Numbers) -> None:
        """MIN-2: a grain may be copied again whose copy a device has failed."""
        failed = np.flatnonzero(effect)
        if len(failed):
            part = rows[:, failed]
            self._on_memory(part, effect.take(failed), failed * 0)
            rows[:, failed] = part

    def _order_worlds(self, rows: Rows) -> None:
        """Worlds that failed starts and syncs have left are a set: see `worlds`."""
        parts, layout = self.parts, self.layout
        several = np.flatnonzero(parts.order_worlds.left(layout.mapdisk.get(rows)) > 1)
        if len(several):
            part = rows[:, several]
            values = [field.get(part) for field in layout.blocks]
            ordered = parts.order_worlds(layout.mapdisk.get(part), values)
            for field, column in zip((layout.mapdisk, *layout.blocks), ordered, strict=True):
                field.put(part, column)
            rows[:, several] = part

    def _change_doubts(self, rows: Rows, request: int, what: Numbers) -> None:
        field = self.layout.doubts
        changed = self.parts.change_doubts(field.get(rows), what * MOST_REQUESTS + request)
        field.put(rows, np.where(what > 0, changed, field.get(rows)))

    def _memory(self, rows: Rows, request: int, nodes: Numbers, complaint: Numbers) -> Numbers:
        self._change_map(rows, self.program.map_change.take(nodes))
        outcome = self._on_memory(rows, self.program.memory_effect.take(nodes), complaint)
        self._change_map(rows, self.parts.outcome_change(outcome))
        self._change_blocks(rows, self.program.block_change.take(nodes))
        if self.failing:
            self._change_doubts(rows, request, self.program.doubt.take(nodes))
        return self._follow(nodes, self.parts.outcome_code(outcome))

    def _on_memory(self, rows: Rows, effect: Numbers, complaint: Numbers) -> Numbers:
        parts = self.parts
        outcome = parts.outcome(self.layout.memory.get(rows), effect)
        self.layout.memory.put(rows, parts.outcome_memory(outcome))
        np.maximum(complaint, parts.outcome_complaint(outcome), out=complaint)
        return outcome

    def _change_map(self, rows: Rows, change: Numbers) -> None:
        if change.any():
            field = self.layout.mapdisk
            field.put(rows, self.parts.change_map(field.get(rows), change))

    def _change_blocks(self, rows: Rows, change: Numbers) -> None:
        if change.any():
            for field in self.layout.blocks:
                field.put(rows, self.parts.change_block(field.get(rows), change))

    def _write(self, rows: Rows, request: int, nodes: Numbers, complaint: Numbers) -> None:
        effect = self.program.memory_effect.take(nodes)
        if effect.any():
            copying = np.flatnonzero(effect)
            part, found = rows[:, copying], complaint[copying]
            self._on_memory(part, effect.take(copying), found)
            rows[:, copying], complaint[copying] = part, found
        self.blocks.write(rows, request, nodes)

    def _end(self, rows: Rows, request: int, ends: Numbers) -> Numbers:
        """A request has ended: it is answered and lets go, and others may be granted."""
        end = ends - self.program.ends_from
        complaint = self.parts.end_complaint(self.layout.memory.get(rows), end)
        self._change_map(rows, self._answers[end, 0])
        self._change_blocks(rows, self._answers[end, 1])
        self.layout.node[request].clear(rows)
        self.layout.behind[request].clear(rows)
        self.layout.registers[request].clear(rows)
        if self.failing:
            self._change_doubts(rows, request, np.full(len(ends), FOLLOWED))
        self.locking.grant(rows)
        return complaint
