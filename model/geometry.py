"""Sizes: how a volume of bytes divides into blocks and grains.

The *block* is the atomic unit of I/O, the *grain* the unit of tracking. The last grain may be
short: `size` is a multiple of the block, but not necessarily of the grain.
"""

from attrs import field, frozen

SMALLEST_BLOCK = 512
LARGEST_BLOCK = 65536


class InvalidGeometryError(ValueError):
    """The sizes given make no volume; the message says which one and why."""


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


@frozen
class Geometry:
    """The sizes of both volumes of a relationship, in bytes (GEO-1).

    Raises InvalidGeometryError for sizes that make no volume.
    """

    size: int
    block_size: int
    grain_size: int
    # How often the sizes divide into each other; derived, and kept because every request asks.
    grain_blocks: int = field(init=False, eq=False, repr=False)
    blocks: int = field(init=False, eq=False, repr=False)
    grains: int = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _check(self.size, self.block_size, self.grain_size)
        derive = object.__setattr__  # the one way to set a field of a frozen class
        derive(self, "grain_blocks", self.grain_size // self.block_size)
        derive(self, "blocks", self.size // self.block_size)
        derive(self, "grains", -(-self.size // self.grain_size))


def _check(size: int, block_size: int, grain_size: int) -> None:
    if not _is_power_of_two(block_size) or not SMALLEST_BLOCK <= block_size <= LARGEST_BLOCK:
        raise InvalidGeometryError(
            f"block size {block_size}: must be a power of two"
            f" from {SMALLEST_BLOCK} to {LARGEST_BLOCK} bytes"
        )
    if not _is_power_of_two(grain_size):
        raise InvalidGeometryError(f"grain size {grain_size}: must be a power of two")
    if grain_size < block_size:
        raise InvalidGeometryError(
            f"grain size {grain_size}: smaller than the block size {block_size}"
        )
    if size <= 0:
        raise InvalidGeometryError(f"size {size}: a volume has at least one block")
    if size % block_size:
        raise InvalidGeometryError(f"size {size}: not a multiple of the block size {block_size}")


def blocks_of_grain(geometry: Geometry, grain: int) -> range:
    """The block numbers of a grain; fewer than `grain_blocks` if it is the short last one."""
    first = grain * geometry.grain_blocks
    return range(first, min(first + geometry.grain_blocks, geometry.blocks))


def is_within(geometry: Geometry, offset: int, length: int) -> bool:
    """Whether a request of bytes lies on whole blocks inside the volume (ERR-1)."""
    return (
        offset >= 0
        and length >= 0
        and offset + length <= geometry.size
        and offset % geometry.block_size == 0
        and length % geometry.block_size == 0
    )


def blocks_of_request(geometry: Geometry, offset: int, length: int) -> range:
    """The block numbers a request of bytes covers; the request lies within the volume."""
    return range(offset // geometry.block_size, (offset + length) // geometry.block_size)


def grains_of_blocks(geometry: Geometry, blocks: range) -> range:
    """The grains a range of blocks touches; none for an empty range."""
    if not blocks:
        return range(0)
    return range(blocks[0] // geometry.grain_blocks, blocks[-1] // geometry.grain_blocks + 1)
