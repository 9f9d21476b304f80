"""Write at random, keep a shadow of both volumes, compare: the tester that everybody has.

It is told what start and sync mean and is otherwise as plain as such testers are: one request at a
time, random bytes, pieces of random length, now and then a look at everything.
"""

import random
import tempfile
import time
from pathlib import Path

from flashcopy.conformance.adapter import Adapter, IutBrokeDownError, RefusedError
from flashcopy.conformance.check import Target
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume

BLOCK = 512
GEOMETRY = Geometry(250 * BLOCK, BLOCK, 8 * BLOCK)
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET


def convicts(target: Target, seed: int, seconds: float) -> bool:
    """Whether the tester sees anything wrong within so many seconds.

    An implementation that breaks down or refuses what it must do counts as seen.
    """
    with tempfile.TemporaryDirectory(prefix="flashcopy-") as name:
        adapter = target.make()
        try:
            adapter.hello()
            adapter.create(Path(name), GEOMETRY, target_writable=True)
            adapter.start()
            return not _agrees(adapter, random.Random(seed), time.monotonic() + seconds)
        except (IutBrokeDownError, RefusedError):
            return True
        finally:
            adapter.kill()


def _agrees(adapter: Adapter, chance: random.Random, until: float) -> bool:
    shadow = {volume: bytearray(GEOMETRY.size) for volume in Volume}
    while time.monotonic() < until:
        what = chance.choices(("write", "read", "copy", "sync", "look"), (60, 30, 5, 3, 2))[0]
        volume = chance.choice((SOURCE, SOURCE, TARGET))
        first = chance.randrange(GEOMETRY.blocks)
        here = slice(first * BLOCK, min(first + chance.randint(1, 16), GEOMETRY.blocks) * BLOCK)
        match what:
            case "write":
                data = chance.randbytes(here.stop - here.start)
                adapter.write(volume, here.start, data)
                shadow[volume][here] = data
            case "read":
                seen = adapter.read(volume, here.start, here.stop - here.start)
                if seen != shadow[volume][here]:
                    return False
            case "copy":
                adapter.background_copy(chance.choice((1, 8, None)))
            case "sync":
                adapter.sync()
                shadow[TARGET][:] = shadow[SOURCE]
            case "look":
                if any(adapter.read(each, 0, GEOMETRY.size) != shadow[each] for each in Volume):
                    return False
    return True
