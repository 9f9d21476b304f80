"""Which scopes need not be explored, for another one is the same but for the numbers of grains.

Grains can be renumbered where nothing tells them apart: not with background copy, which goes from
grain 0 on, nor with a request that reaches over several grains; and a short last grain stays last.
Of all scopes that are the same so far the first is kept. Requests touch a few grains; those are
tried in every other place, and the grains that no request touches are put in order.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import TYPE_CHECKING

from attrs import evolve

from flashcopy.proofs.explorer.starts import GrainIs, Start

if TYPE_CHECKING:
    from flashcopy.proofs.explorer.requests import Kind

_ORDER = {is_: at for at, is_ in enumerate(GrainIs)}
_Places = dict[int, int]


class Symmetry:
    """The renumberings of grains that leave the requests of one multiset what they are."""

    def __init__(
        self, kinds: "tuple[Kind, ...]", chosen: tuple[int, ...], grains: int, grain_blocks: int
    ) -> None:
        """`chosen` are positions in `kinds`, in order; `grains` those that may be renumbered."""
        self.grains = grains
        self.is_first = True
        self.touched: tuple[int, ...] = ()
        self.same: list[_Places] = []
        at = {kind: position for position, kind in enumerate(kinds)}
        of_grain = [_grain_of(kinds[kind], grain_blocks, grains) for kind in chosen]
        if -1 in of_grain:
            self.grains = 0
            return
        self.touched = tuple(sorted({grain for grain in of_grain if grain is not None}))
        for places in _placings(self.touched, grains):
            moved = sorted(
                at.get(_moved(kinds[kind], grain, places, grain_blocks), -1)
                for kind, grain in zip(chosen, of_grain, strict=True)
            )
            if moved[0] < 0:
                continue
            if tuple(moved) < chosen:
                self.is_first = False
                return
            if tuple(moved) == chosen:
                self.same.append(places)

    def keeps(self, start: Start) -> bool:
        """Whether no renumbering that leaves the requests leads to an earlier initial state."""
        of_grain = [_ORDER[is_] for is_ in start.grains]
        rest = [grain for grain in range(self.grains) if grain not in self.touched]
        in_order = sorted(of_grain[grain] for grain in rest)
        if in_order != [of_grain[grain] for grain in rest]:
            return False
        for places in self.same:
            moved = list(of_grain)
            for grain, place in places.items():
                moved[place] = of_grain[grain]
            if moved < of_grain:
                return False
        return True


def _placings(touched: tuple[int, ...], grains: int) -> Iterator[_Places]:
    """Every way to put the touched grains in places of their own."""
    for places in permutations(range(grains), len(touched)):
        yield dict(zip(touched, places, strict=True))


def _grain_of(kind: "Kind", grain_blocks: int, grains: int) -> int | None:
    """The one grain that a request touches, None for no grain; -1 if it cannot be renumbered."""
    if kind.name == "copy":
        return -1
    if not kind.blocks:
        return None
    grain, last = kind.blocks[0] // grain_blocks, kind.blocks[-1] // grain_blocks
    return grain if grain == last and grain < grains else -1


def _moved(kind: "Kind", grain: int | None, places: _Places, grain_blocks: int) -> "Kind":
    """The request at its grain's new place."""
    if grain is None:
        return kind
    by = (places[grain] - grain) * grain_blocks
    return evolve(kind, blocks=range(kind.blocks.start + by, kind.blocks.stop + by))
