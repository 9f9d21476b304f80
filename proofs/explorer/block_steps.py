"""Reads and writes of one block, for many states at once.

A host's read is judged where it happens. What a copy reads goes to the register of its block, which
keeps it until it is written; a register that is not written any more is forgotten, for states that
differ in nothing else are one.
"""

import numpy as np

from flashcopy.proofs.explorer.layout import CONTENT_BITS, Layout, Rows
from flashcopy.proofs.explorer.locking import Flags
from flashcopy.proofs.explorer.parts import Parts
from flashcopy.proofs.explorer.starts import FIRST_WRITE
from flashcopy.proofs.explorer.tables import Numbers


class BlockSteps:
    """Carries out reads and writes of blocks."""

    def __init__(self, parts: Parts, layout: Layout, in_flight: int) -> None:
        self.parts = parts
        self.program = parts.program
        self.layout = layout
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
        self._wrong_read = {
            on_target: parts.complain(
                "READ-2" if on_target else "READ-1",
                f"a read of the {'target' if on_target else 'source'} sees what it must not",
            )
            for on_target in (False, True)
        }

    def read(self, rows: Rows, request: int, nodes: Numbers, complaint: Numbers) -> None:
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

    def write(self, rows: Rows, request: int, nodes: Numbers) -> None:
        """A host writes its own content, a copy what it has read."""
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

    def forget(self, rows: Rows, request: int, nodes: Numbers) -> None:
        """Registers that nothing from these program points on writes."""
        registers = self.layout.registers[request]
        live = self.program.live.take(nodes)
        if registers.get(rows).any():
            registers.put(rows, registers.get(rows) & self._register_mask(live))

    def _register_mask(self, live: Numbers) -> Numbers:
        """Registers by their bits, as a mask over their contents."""
        mask = live * 0
        for number in range(len(self.layout.blocks)):
            mask |= (live >> number & 1) * (7 << CONTENT_BITS * number)
        return mask
