"""How a state is packed into a few words of 64 bits.

A field never lies across two words, so reading and writing one is a shift and a mask on one
column of the rows.
"""

import numpy as np
import numpy.typing as npt
from attrs import frozen

from flashcopy.proofs.explorer.tables import Numbers

# One column a state, one row a word.
Rows = npt.NDArray[np.uint64]

_WORD = 64
MEMORY_BITS, MAP_BITS, BLOCK_BITS, NODE_BITS, CONTENT_BITS, SCOPE_BITS = 16, 16, 13, 12, 3, 16
# With failing devices parts of a state have more values, and what is in doubt is a part too.
FAILING_BLOCK_BITS, DOUBT_BITS = 15, 10
MOST_REQUESTS = 4
# Beyond so many grains memory and map file need more room.
_FEW_GRAINS, _ROOMY_BITS = 4, 22


class TooLargeError(ValueError):
    """A scope too large for the explorer or for the memory it may use."""


@frozen
class Field:
    """Some bits of a word."""

    word: int
    offset: int
    width: int

    def get(self, rows: Rows) -> Numbers:
        """The field of every state."""
        shifted = rows[self.word] >> np.uint64(self.offset)
        numbers: Numbers = (shifted & np.uint64((1 << self.width) - 1)).astype(np.int64)
        return numbers

    def put(self, rows: Rows, values: Numbers) -> None:
        """Change the field of every state. Raises TooLargeError for a value too large."""
        if len(values) and int(values.max()) >> self.width:
            raise TooLargeError(
                f"{int(values.max())} values of one part of a state: explore fewer grains,"
                " blocks or requests at a time"
            )
        self.clear(rows)
        rows[self.word] |= values.astype(np.uint64) << np.uint64(self.offset)

    def clear(self, rows: Rows) -> None:
        """Set the field to 0 in every state."""
        rows[self.word] &= np.uint64(~(((1 << self.width) - 1) << self.offset) & (1 << 64) - 1)


@frozen
class Layout:
    """Where everything is. Of a request: its program point, who waits before it, its registers."""

    words: int
    scope: Field
    memory: Field
    mapdisk: Field
    doubts: Field
    blocks: tuple[Field, ...]
    node: tuple[Field, ...]
    behind: tuple[Field, ...]
    registers: tuple[Field, ...]


def lay_out(grains: int, blocks: int, in_flight: int, *, failing: bool = False) -> Layout:
    """The layout of states of so many grains and blocks in all, and requests in flight."""
    packing = _Packing()
    few = grains <= _FEW_GRAINS
    per_request = (NODE_BITS, in_flight, CONTENT_BITS * blocks)
    node, behind, registers = (
        tuple(packing.field(width) for _ in range(in_flight)) for width in per_request
    )
    return Layout(
        scope=packing.field(SCOPE_BITS),
        memory=packing.field(MEMORY_BITS if few else _ROOMY_BITS),
        mapdisk=packing.field(MAP_BITS if few else _ROOMY_BITS),
        blocks=tuple(
            packing.field(FAILING_BLOCK_BITS if failing else BLOCK_BITS) for _ in range(blocks)
        ),
        doubts=packing.field(DOUBT_BITS if failing else 0),
        node=node,
        behind=behind,
        registers=registers,
        words=packing.words,
    )


class _Packing:
    """First word with room."""

    def __init__(self) -> None:
        self._used: list[int] = []

    @property
    def words(self) -> int:
        return len(self._used)

    def field(self, width: int) -> Field:
        if width > _WORD:
            raise TooLargeError("too many blocks: the registers of a request do not fit a word")
        for word, used in enumerate(self._used):
            if used + width <= _WORD:
                self._used[word] += width
                return Field(word, used, width)
        self._used.append(width)
        return Field(len(self._used) - 1, 0, width)
