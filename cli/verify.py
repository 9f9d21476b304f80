"""What `flashcopy volume verify` does: hold the invariant against the bytes of both volumes.

INV-1 says that a grain that is copied and not modified is equal on both sides; so each of these
is read from both and compared. Of the other grains nothing is promised: an uncopied one reads
from the source, and a diverged one may be different.
"""

from collections.abc import Callable

from attrs import frozen

from flashcopy.impl import FlashCopy
from flashcopy.impl.bitmap import load, next_zero_run
from flashcopy.impl.volume import PIECE


@frozen
class Findings:
    """Counts of grains: `clean` are copied and not modified. `differing` are their violations."""

    grains: int
    clean: int
    diverged: int
    uncopied: int
    differing: tuple[int, ...]

    def describe(self) -> str:
        """In words, for people; names the clause that is violated."""
        counts = (
            f"{self.grains} grains: {self.clean} copied and not modified,"
            f" {self.diverged} diverged, {self.uncopied} not copied"
        )
        if not self.differing:
            return f"INV-1 holds. {counts}"
        named = ", ".join(map(str, self.differing))
        return (
            f"INV-1 violated. {counts}\n"
            f"copied and not modified, but source and target differ: {named}"
        )

    def as_json(self) -> dict[str, object]:
        """The same for machines."""
        return {
            "holds": not self.differing,
            "clause": "INV-1",
            "grains": self.grains,
            "clean": self.clean,
            "diverged": self.diverged,
            "uncopied": self.uncopied,
            "differing": list(self.differing),
        }


def verify_pair(pair: FlashCopy, advance: Callable[[int], None]) -> Findings:
    """Compare every clean grain; `advance` is told how many grains have been dealt with."""
    geometry = pair.geometry
    maps = pair.bitmaps()
    copied, modified = load(maps.copied), load(maps.modified)
    unclean = ~copied | modified
    most = max(1, PIECE // geometry.grain_size)
    differing: list[int] = []
    at = 0
    while run := next_zero_run(unclean, range(at, geometry.grains), most):
        differing += _differing(pair, run)
        advance(run.stop - at)
        at = run.stop
    advance(geometry.grains - at)
    return Findings(
        grains=geometry.grains,
        clean=unclean.count(0, 0, geometry.grains),
        diverged=(copied & modified).count(1, 0, geometry.grains),
        uncopied=copied.count(0, 0, geometry.grains),
        differing=tuple(differing),
    )


def _differing(pair: FlashCopy, run: range) -> list[int]:
    """Which grains of a clean run differ. Where clean, either read takes its own side."""
    size = pair.geometry.grain_size
    offset = run.start * size
    length = min(run.stop * size, pair.geometry.size) - offset
    source, target = pair.source.read(offset, length), pair.target.read(offset, length)
    if source == target:
        return []
    return [
        grain
        for at, grain in zip(range(0, length, size), run, strict=True)
        if source[at : at + size] != target[at : at + size]
    ]
