"""A process made to be killed: it writes to a relationship until somebody kills it.

Says on its standard output what it is about to write and when that was answered, a line each, so
that whoever kills it knows which writes must be there afterwards and which one may be.

    python -m flashcopy.harness.victim MAP FIRST_CONTENT SEED
"""

import random
import sys
from itertools import count
from pathlib import Path

from flashcopy.harness.bundled import carry_out
from flashcopy.impl import FlashCopy
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import Write


def random_write(chance: random.Random, geometry: Geometry, content: int) -> Write:
    """A write of one to eight blocks, anywhere on either volume."""
    first = chance.randrange(geometry.blocks)
    blocks = min(chance.randint(1, 8), geometry.blocks - first)
    size = geometry.block_size
    return Write(chance.choice(list(Volume)), first * size, blocks * size, content)


def main(map_file: str, first_content: str, seed: str) -> None:
    """Write until killed."""
    chance = random.Random(f"{seed} victim")
    with FlashCopy.open(Path(map_file), durability="process") as flashcopy:
        opened = flashcopy.geometry
        geometry = Geometry(opened.size, opened.block_size, opened.grain_size)
        for content in count(int(first_content)):
            write = random_write(chance, geometry, content)
            said = f"{write.volume.value} {write.offset} {write.length} {content}"
            print("begin", said, flush=True)
            carry_out(flashcopy, geometry, write)
            print("done", said, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
