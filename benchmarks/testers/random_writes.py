"""Write at random, keep a shadow of both volumes, compare: the tester that everybody has.

It is told what start and sync mean and is otherwise as plain as such testers are: one request at a
time, random bytes, pieces of random length, now and then a look at everything. What fails in a
device it asks again, as a host does.
"""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from flashcopy.conformance.adapter import Adapter, Capability, IutBrokeDownError, RefusedError
from flashcopy.conformance.check import Target
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import Refusal

BLOCK = 512
GEOMETRY = Geometry(250 * BLOCK, BLOCK, 8 * BLOCK)
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
_PATIENCE = 50

_T = TypeVar("_T")


def convicts(target: Target, seed: int, seconds: float) -> bool:
    """Whether the tester sees anything wrong within so many seconds.

    An implementation that breaks down or refuses what it must do counts as seen.
    """
    with tempfile.TemporaryDirectory(prefix="flashcopy-") as name:
        adapter = target.make()
        try:
            copies = Capability.BACKGROUND_COPY in adapter.hello().capabilities
            adapter.create(Path(name), GEOMETRY, target_writable=True)
            _until_it_works(adapter.start)
            chance, until = random.Random(seed), time.monotonic() + seconds
            return not _agrees(adapter, chance, until, copies=copies)
        except (IutBrokeDownError, RefusedError):
            return True
        finally:
            adapter.kill()


def _agrees(adapter: Adapter, chance: random.Random, until: float, *, copies: bool) -> bool:
    shadow = {volume: bytearray(GEOMETRY.size) for volume in Volume}
    while time.monotonic() < until:
        what = chance.choices(("write", "read", "copy", "sync", "look"), (60, 30, 5, 3, 2))[0]
        volume = chance.choice((SOURCE, SOURCE, TARGET))
        first = chance.randrange(GEOMETRY.blocks)
        here = slice(first * BLOCK, min(first + chance.randint(1, 16), GEOMETRY.blocks) * BLOCK)
        match what:
            case "write":
                data = chance.randbytes(here.stop - here.start)
                _until_it_works(adapter.write, volume, here.start, data)
                shadow[volume][here] = data
            case "read":
                length = here.stop - here.start
                if (
                    _until_it_works(adapter.read, volume, here.start, length)
                    != shadow[volume][here]
                ):
                    return False
            case "copy" if copies:
                _until_it_works(adapter.background_copy, chance.choice((1, 8, None)))
            case "sync":
                _until_it_works(adapter.sync)
                shadow[TARGET][:] = shadow[SOURCE]
            case "look":
                for each in Volume:
                    if _until_it_works(adapter.read, each, 0, GEOMETRY.size) != shadow[each]:
                        return False
    return True


def _until_it_works(method: Callable[..., _T], *arguments: object) -> _T:
    """What a request gives, asked again if a device failed; a broken one counts as refusing."""
    for _ in range(_PATIENCE):
        try:
            return method(*arguments)
        except RefusedError as error:
            if error.kind is not Refusal.IO_ERROR:
                raise
    return method(*arguments)
