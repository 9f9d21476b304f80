"""Mutants of start, sync and stop: what they take for done, and when."""

from flashcopy.harness.mutant import DATA, Mutant
from flashcopy.harness.mutant_parts import Acted, giving_up_the_target
from flashcopy.harness.requests import Ask, Options
from flashcopy.impl import protocol
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    AcquireCopier,
    AcquireGrains,
    Adopt,
    Commit,
    Effect,
    Flush,
    Mode,
    Point,
    Standing,
)
from flashcopy.impl.errors import DeviceError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.protocol import Request


def _merged_before_the_lock(geometry: Geometry, _: Options, __: Ask) -> Request:
    """What was merged while hosts still ran is adopted, whatever they marked since."""
    state = yield AcquireCopier()
    protocol._require_tracking(state)
    yield from protocol._prepare(state, Point.SYNC)
    yield AcquireGrains(geometry.all_grains(), Mode.EXCLUSIVE)
    yield Flush((SOURCE,))
    yield from giving_up_the_target(_commit())


def _commit() -> Request:
    yield Commit(Standing.TRACKING)
    yield Flush((MAP,))
    yield Adopt(Standing.TRACKING)


def _says_done(geometry: Geometry, _: Options, __: Ask) -> Request:
    """A sync that a device failed is answered as if it had happened."""
    try:
        yield from protocol.sync(geometry)
    except DeviceError:
        return


def _stops_as_complete(effect: Effect, _: Ask) -> Acted:
    """Whatever is left to copy, a stop says idle."""
    if isinstance(effect, (Commit, Adopt)) and effect.standing is Standing.STOPPED:
        return (yield type(effect)(Standing.IDLE))
    return (yield effect)


MUTANTS = (
    Mutant(
        "merge-not-atomic",
        DATA,
        "what is marked between the merge and the sync's own instant is wiped",
        faults=(3,),
        make={"sync": _merged_before_the_lock},
    ),
    Mutant(
        "failed-sync-reported-done",
        (*DATA, "SYNC-1", "ERR-5"),
        "nobody learns that the target is as old as before",
        faults=(6,),
        make={"sync": _says_done},
    ),
    Mutant(
        "stop-while-copying-is-idle",
        (*DATA, "STOP-1"),
        "the target counts as a complete volume, and is half a copy",
        faults=(48,),
        act=_stops_as_complete,
        only=("stop",),
    ),
)
