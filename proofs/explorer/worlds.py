"""The worlds that a crash may lead to, in one order, each once.

A start or sync that failed leaves its world behind (ERR-5), so there can be several that nothing
tells apart but which failed first; and what hosts write makes some of them equal in the end. They
are a set: two states that differ in the order of their worlds only are one. A world reaches across
the map file and all blocks, each of which holds its own part of it under the same number, so all
have to be put in order together. That of a start or sync in flight stays the last.
"""

from attrs import evolve

from flashcopy.proofs.explorer.block import Block
from flashcopy.proofs.explorer.mapdisk import MapDisk

# A world's standings, and what either volume may hold, block by block.
_Whole = tuple[tuple[str, ...], tuple[tuple[int, int], ...]]


def in_order(disk: MapDisk, blocks: tuple[Block, ...]) -> tuple[MapDisk, tuple[Block, ...]]:
    """The same map file and blocks, with the worlds in order and each once."""
    first: dict[_Whole, int] = {}
    for number in range(disk.left):
        first.setdefault(_whole(disk, blocks, number), number)
    kept = [first[whole] for whole in sorted(first)]
    kept += range(disk.left, len(disk.worlds))
    return (
        evolve(disk, worlds=tuple(disk.worlds[n] for n in kept)),
        tuple(evolve(block, worlds=tuple(block.worlds[n] for n in kept)) for block in blocks),
    )


def _whole(disk: MapDisk, blocks: tuple[Block, ...], number: int) -> _Whole:
    """All that a world is."""
    worlds = (block.worlds[number] for block in blocks)
    standings = tuple(sorted(standing.name for standing in disk.worlds[number]))
    return standings, tuple((world.sources, world.targets) for world in worlds)
