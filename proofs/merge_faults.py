"""Faulty merges: ways to get two lines of bit arithmetic wrong.

They take the same maps as the shipped one, from functions over grains to machine words.
"""

from collections.abc import Callable
from typing import Any

from flashcopy.impl import bitmap
from flashcopy.model.choice import choose
from flashcopy.proofs.maps import AnyMap
from flashcopy.proofs.obligation import Mutant

Bits = Any
Merge = Callable[[Bits, Bits], Bits]

_WORD = 64
_PAGE = 4096 * 8


def take_or(copied: Bits, modified: Bits) -> Bits:
    """Fault: or."""
    return copied | modified


def take_and(copied: Bits, modified: Bits) -> Bits:
    """Fault: and."""
    return copied & modified


def take_xor(copied: Bits, modified: Bits) -> Bits:
    """Fault: exclusive or, which is right only once and while modified grains are copied."""
    copied ^= modified
    return copied


def overwrite(_: Bits, modified: Bits) -> Bits:
    """Fault: copied := not modified; grains that were never copied become copied garbage."""
    return ~modified


def clear_first(copied: Bits, modified: Bits) -> Bits:
    """Fault: the modified map is cleared before it is merged."""
    modified ^= modified
    return bitmap.merge(copied, modified)


def clear_between(copied: Bits, modified: Bits) -> Bits:
    """Fault: the modified map is cleared as soon as it was read, before the merge is done."""
    copied |= modified
    read = copied ^ modified
    modified ^= modified
    copied &= read
    return copied


def merge_below(limit: int) -> Merge:
    """Fault: only the grains below a limit are merged: the first word of the map, or page."""

    def merge(copied: AnyMap, modified: AnyMap) -> AnyMap:
        merged = bitmap.merge(copied, modified)
        return AnyMap(lambda g: choose(g < limit, merged.at(g), copied.at(g)))

    return merge


def merge_mutants(*faults: str) -> tuple[Mutant, ...]:
    """The faulty merges of these names."""
    return tuple(Mutant(fault, _FAULTS[fault]) for fault in faults)


_FAULTS: dict[str, Merge] = {
    "or": take_or,
    "and": take_and,
    "exclusive or": take_xor,
    "copied := not modified": overwrite,
    "modified cleared before the merge": clear_first,
    "modified cleared half way": clear_between,
    "first word only": merge_below(_WORD),
    "first page only": merge_below(_PAGE),
}
