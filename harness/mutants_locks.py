"""Mutants of the locks: who must keep away while something happens."""

from flashcopy.harness.mutant import DATA, Act, Mutant
from flashcopy.harness.mutant_parts import (
    POINTS,
    WRITES,
    Acted,
    copy_and_mark,
    dropping,
    giving_up_the_target,
    record_diverged,
)
from flashcopy.harness.requests import Ask, Options
from flashcopy.impl import protocol
from flashcopy.impl.effect import (
    SOURCE,
    AcquireCopier,
    AcquireGrains,
    Effect,
    Mode,
    NextUncopied,
    Point,
    State,
    Uncopied,
    Unsettled,
    Write,
)
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.protocol import Request


def _nobody(mode: Mode | None) -> Act:
    """Takes no grains at all, or all of them in another mode; the state is given all the same."""

    def act(effect: Effect, _: Ask) -> Acted:
        if isinstance(effect, AcquireGrains):
            return (
                yield AcquireGrains(
                    range(0) if mode is None else effect.grains, mode or effect.mode
                )
            )
        return (yield effect)

    return act


def _decides_first(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """Asks what is to be copied before it stands in line for the grains."""
    grains = geometry.grains_of(asked.blocks)
    unsettled = yield Unsettled(grains)
    uncopied = yield Uncopied(grains)
    state = yield AcquireGrains(grains, Mode.EXCLUSIVE)
    if unsettled and state is not State.STOPPED:
        if uncopied:
            yield from giving_up_the_target(protocol._copy(geometry, uncopied))
        yield from giving_up_the_target(record_diverged(unsettled))
    yield Write(SOURCE, asked.blocks, asked.data)


def _stale_copier(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """Reads its grains under their locks, but writes them long after: it no longer has them."""
    yield AcquireCopier()
    grains = yield NextUncopied(asked.limit)
    if not grains:
        return 0
    yield from giving_up_the_target(copy_and_mark(geometry, grains))
    return len(grains)


def _grains_then_copier(geometry: Geometry, _: Options, __: Ask) -> Request:
    yield AcquireGrains(geometry.all_grains(), Mode.EXCLUSIVE)
    state = yield AcquireCopier()
    protocol._require_tracking(state)
    yield from protocol._prepare(state, Point.SYNC)
    yield from protocol._move_point_in_time(state, Point.SYNC)


MUTANTS = (
    Mutant(
        "fake-read-without-lock",
        ("READ-2",),
        "a write overtakes the fake read, which shows data from after the point in time",
        faults=(10,),
        act=_nobody(None),
        only=("read_target",),
    ),
    # Writes still wait, for they want the grains for themselves, and so does the copier, which has
    # a lock of its own. Only reads get in, and what they see is what they may see beside a start
    # or sync (CONC-3): no outsider can tell, and the conformance kit acquits it.
    Mutant(
        "point-not-exclusive",
        DATA,
        "a target read under way goes by the maps of before, and sees the image of before",
        faults=(46,),
        act=_nobody(Mode.SHARED),
        only=POINTS,
    ),
    Mutant(
        "point-without-lock",
        DATA,
        "a write straddles the sync: marked before it, landing after it",
        faults=(1,),
        act=_nobody(None),
        only=POINTS,
    ),
    Mutant(
        "writes-share-grains",
        DATA,
        "two writes both find the grain uncopied; the second copies what the first wrote",
        faults=(12,),
        act=_nobody(Mode.SHARED),
        only=WRITES,
    ),
    Mutant(
        "writes-lock-nobody-out",
        DATA,
        "a write changes a grain that is being copied, or read from the source for the target",
        faults=(11, 12),
        act=_nobody(None),
        only=WRITES,
    ),
    Mutant(
        "decide-before-lock",
        DATA,
        "a grain copied meanwhile is copied again over the point in time, or a sync is missed",
        faults=(44,),
        make={"write_source": _decides_first},
    ),
    Mutant(
        "copier-without-grain-lock",
        DATA,
        "the copier's old data overwrites what a write has copied and changed since",
        faults=(2,),
        make={"background_copy": _stale_copier},
    ),
    Mutant(
        "copier-without-copier-lock",
        ("MIN-2",),
        "two copiers copy the same grains: waste, no harm, for both hold them",
        faults=(39,),
        act=dropping(lambda effect: isinstance(effect, AcquireCopier)),
        only=("background_copy",),
    ),
    Mutant(
        "locks-in-other-order",
        ("CONC-4",),
        "a sync and a background copy wait for each other for ever",
        faults=(38,),
        make={"sync": _grains_then_copier},
    ),
)
