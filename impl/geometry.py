"""Sizes and how they divide: bytes into blocks, blocks into grains.

A run of blocks or of grains is a Python `range` with step 1; every layer below the public one
speaks in runs, never in bytes.
"""

from attrs import field, frozen

from flashcopy.impl.errors import GeometryError

SMALLEST_BLOCK = 512
LARGEST_BLOCK = 65536


@frozen
class Geometry:
    """The sizes of both volumes, in bytes (GEO-1). Raises GeometryError if they make no volume."""

    size: int
    block_size: int
    grain_size: int
    grain_blocks: int = field(init=False, eq=False, repr=False)
    blocks: int = field(init=False, eq=False, repr=False)
    grains: int = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _check(self)
        derive = object.__setattr__  # the one way to set a field of a frozen class
        derive(self, "grain_blocks", self.grain_size // self.block_size)
        derive(self, "blocks", self.size // self.block_size)
        derive(self, "grains", (self.size + self.grain_size - 1) // self.grain_size)

    def grains_of(self, blocks: range) -> range:
        """The grains that a run of blocks touches."""
        per_grain = self.grain_blocks
        return range(blocks.start // per_grain, (blocks.stop + per_grain - 1) // per_grain)

    def blocks_of(self, grains: range) -> range:
        """All blocks of a run of grains; the last grain of the volume may be short."""
        per_grain = self.grain_blocks
        return range(grains.start * per_grain, min(grains.stop * per_grain, self.blocks))

    def all_grains(self) -> range:
        """Every grain of the volume."""
        return range(self.grains)


def _check(sizes: Geometry) -> None:
    if sizes.block_size not in _powers_of_two(SMALLEST_BLOCK, LARGEST_BLOCK):
        raise GeometryError(
            f"block size {sizes.block_size}: use a power of two"
            f" from {SMALLEST_BLOCK} to {LARGEST_BLOCK} bytes"
        )
    if sizes.grain_size < sizes.block_size:
        raise GeometryError(
            f"grain size {sizes.grain_size} is smaller than the block size {sizes.block_size}:"
            " a grain is one block or more"
        )
    if sizes.grain_size.bit_count() != 1:
        raise GeometryError(f"grain size {sizes.grain_size}: use a power of two")
    if sizes.size <= 0:
        raise GeometryError(f"volume size {sizes.size}: a volume has at least one block")
    if sizes.size % sizes.block_size:
        raise GeometryError(
            f"volume size {sizes.size} is no multiple of the block size {sizes.block_size}"
        )


def _powers_of_two(smallest: int, largest: int) -> list[int]:
    return [1 << e for e in range(smallest.bit_length() - 1, largest.bit_length())]
