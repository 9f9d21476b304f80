"""All states of one rank take every step they can, at once.

A request's step is one effect, or one block of a Read or Write. For each request in flight the
states are sorted by what kind of step that is; each kind is carried out on all its states
together, by look-ups in the tables of `parts`. The waiting line is that of `impl.locks`: who asks
waits if it conflicts with anybody who holds or waits; when a request has ended, whoever conflicts
with no holder and nobody who waits before it is granted.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from attrs import define

from flashcopy.proofs.explorer.layout import CONTENT_BITS, Layout, Rows
from flashcopy.proofs.explorer.parts import Parts
from flashcopy.proofs.explorer.program import COPIER_LINE, ENDED, GRAINS_LINE, Kind
from flashcopy.proofs.explorer.starts import FIRST_WRITE
from flashcopy.proofs.explorer.tables import Numbers

Flags = npt.NDArray[np.bool_]


@define(eq=False)
class Steps:
    """The steps one request takes from some states: `origin` says from which.

    `complaint` is the number of what is wrong with the step, 0 for nothing.
    """

    request: int
    rows: Rows
    origin: Numbers
    complaint: Numbers


class Stepper:
    """Carries out steps; marks in `seen` each program point and result that came up.

    With `in_order`, requests that are equal begin in their order.
    """

    in_order = True

    def __init__(self, parts: Parts, layout: Layout, in_flight: int) -> None:
        self.parts = parts
        self.program = parts.program
        self.layout = layout
        self.in_flight = in_flight
        self.seen = np.zeros(self.program.follow.shape, np.bool_)
        contents = FIRST_WRITE + in_flight
        # Numbers of changes: [on target][content], copied by the protocol or written by the host.
        self._writes = np.array(
            [
                [
                    [
                        parts.write_change(on_target=on, content=c, by_host=by_host)
                        for c in range(contents)
                    ]
                    for on in (False, True)
                ]
                for by_host in (False, True)
            ],
            np.int64,
        )
        self._answers = np.array(
            [parts.point_change(_answer(end.request, end.refused)) for end in self.program.ends],
            np.int64,
        ).reshape(-1, 2)
        self._wrong_read = {
            on_target: parts.complain(
                "READ-2" if on_target else "READ-1",
                f"a read of the {'target' if on_target else 'source'} sees what it must not",
            )
            for on_target in (False, True)
        }

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
            yield self._steps(rows[:, origin], request, origin, kind)

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
        self, rows: Rows, request: int, origin: Numbers, kinds: npt.NDArray[np.int64]
    ) -> Steps:
        nodes = self.layout.node[request].get(rows)
        complaint = np.zeros(len(origin), np.int64)
        after = np.zeros(len(origin), np.int64)
        starts = np.flatnonzero(np.diff(kinds, prepend=-1))
        for first, last in zip(starts, [*starts[1:], len(kinds)], strict=True):
            part = slice(int(first), int(last))
            after[part] = self._carry_out(
                Kind(int(kinds[first])), rows[:, part], request, nodes[part], complaint[part]
            )
        self.layout.node[request].put(rows, after)
        registers = self.layout.registers[request]
        live = self.program.live.take(after)
        if registers.get(rows).any():
            registers.put(rows, registers.get(rows) & self._register_mask(live))
        finished = np.flatnonzero(after >= self.program.ends_from)
        if len(finished):
            part_rows = rows[:, finished]
            complaint[finished] = np.maximum(
                complaint[finished], self._end(part_rows, request, after.take(finished))
            )
            rows[:, finished] = part_rows
        return Steps(request, rows, origin, complaint)

    def _carry_out(
        self, kind: Kind, rows: Rows, request: int, nodes: Numbers, complaint: Numbers
    ) -> Numbers:
        """One kind of step on all these states; gives the program points after it."""
        match kind:
            case Kind.ASK:
                return self._ask(rows, request, nodes)
            case Kind.GRANTED:
                return self._follow(nodes, self._state_code(rows))
            case Kind.MEMORY | Kind.POINT:
                return self._memory(rows, nodes, complaint)
            case Kind.FLUSH:
                self._change_map(rows, self.program.map_change.take(nodes))
                self._change_blocks(rows, self.program.block_change.take(nodes))
            case Kind.READ:
                self._read(rows, request, nodes, complaint)
            case Kind.WRITE:
                self._write(rows, request, nodes, complaint)
        return self._follow(nodes, nodes * 0)

    def _follow(self, nodes: Numbers, codes: Numbers) -> Numbers:
        self.seen[nodes, codes] = True
        return self.program.follow[nodes, codes]

    def _state_code(self, rows: Rows) -> Numbers:
        return self.parts.state_code(self.layout.memory.get(rows))

    def _ask(self, rows: Rows, request: int, nodes: Numbers) -> Numbers:
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
        after, free = nodes + 1, np.flatnonzero(~blocked)
        after[free] = self._follow(nodes[free], self._state_code(rows)[free])
        return after

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

    def _memory(self, rows: Rows, nodes: Numbers, complaint: Numbers) -> Numbers:
        self._change_map(rows, self.program.map_change.take(nodes))
        outcome = self._on_memory(rows, self.program.memory_effect.take(nodes), complaint)
        self._change_map(rows, self.parts.outcome_change(outcome))
        self._change_blocks(rows, self.program.block_change.take(nodes))
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

    def _read(self, rows: Rows, request: int, nodes: Numbers, complaint: Numbers) -> None:
        """A host's read is judged at once; a copy's goes to the register of its block."""
        block = self.program.block.take(nodes)
        on_target = self.program.on_target.take(nodes) > 0
        by_host = self.program.by_host.take(nodes) > 0
        for number in np.unique(block).tolist():
            chosen = np.flatnonzero(block == number)
            values = self.layout.blocks[number].get(rows).take(chosen)
            seen = np.where(
                on_target[chosen],
                self.parts.target_content(values),
                self.parts.source_content(values),
            )
            self._judge(chosen, nodes, values, seen, by_host, complaint)
            keep = ~by_host[chosen]
            if keep.any():
                field = self.layout.registers[request]
                registers = field.get(rows)
                shift = CONTENT_BITS * number
                kept = chosen[keep]
                registers[kept] &= ~(7 << shift)
                registers[kept] |= seen[keep] << shift
                field.put(rows, registers)

    def _judge(
        self,
        chosen: Numbers,
        nodes: Numbers,
        values: Numbers,
        seen: Numbers,
        by_host: Flags,
        complaint: Numbers,
    ) -> None:
        """READ-1, READ-2: a host's read of a block sees what its volume's image holds."""
        of_target = self.program.of_target.take(nodes[chosen]) > 0
        expected = np.where(
            of_target, self.parts.target_image(values), self.parts.source_content(values)
        )
        wrong = by_host[chosen] & (seen != expected)
        if wrong.any():
            found = np.where(of_target, self._wrong_read[True], self._wrong_read[False])
            complaint[chosen[wrong]] = found[wrong]

    def _write(self, rows: Rows, request: int, nodes: Numbers, complaint: Numbers) -> None:
        effect = self.program.memory_effect.take(nodes)
        if effect.any():
            copying = np.flatnonzero(effect)
            part, found = rows[:, copying], complaint[copying]
            self._on_memory(part, effect.take(copying), found)
            rows[:, copying], complaint[copying] = part, found
        by_host = self.program.by_host.take(nodes)
        token = self.program.token.take(nodes)
        registers = self.layout.registers[request].get(rows)
        kept = registers >> (CONTENT_BITS * np.maximum(token, 0)) & 7
        content = np.where(by_host > 0, FIRST_WRITE + request, kept)
        change = self._writes[by_host, self.program.on_target.take(nodes), content]
        block = self.program.block.take(nodes)
        for number in np.unique(block).tolist():
            chosen = np.flatnonzero(block == number)
            field = self.layout.blocks[number]
            values = field.get(rows)
            values[chosen] = self.parts.change_block(values[chosen], change[chosen])
            field.put(rows, values)

    def _end(self, rows: Rows, request: int, ends: Numbers) -> Numbers:
        """A request has ended: it is answered and lets go, and others may be granted."""
        end = ends - self.program.ends_from
        complaint = self.parts.end_complaint(self.layout.memory.get(rows), end)
        self._change_map(rows, self._answers[end, 0])
        self._change_blocks(rows, self._answers[end, 1])
        self.layout.node[request].clear(rows)
        self.layout.behind[request].clear(rows)
        self.layout.registers[request].clear(rows)
        for line in (GRAINS_LINE, COPIER_LINE):
            self._grant(rows, line)
        return complaint

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

    def _register_mask(self, live: Numbers) -> Numbers:
        """Registers by their bits, as a mask over their contents."""
        mask = live * 0
        for number in range(len(self.layout.blocks)):
            mask |= (live >> number & 1) * (7 << CONTENT_BITS * number)
        return mask


def _answer(request: str, refused: str) -> str:
    """What an answer settles: a point in time, a stop, or nothing."""
    if refused:
        return ""
    return {"start": "point", "sync": "point", "stop": "stop"}.get(request, "")
