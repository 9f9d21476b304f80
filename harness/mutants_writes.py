"""Mutants of copy on write, fake read and the copier: which grains, which data, which errors."""

from flashcopy.harness.mutant import DATA, Act, Mutant
from flashcopy.harness.mutant_parts import (
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
    MAP,
    SOURCE,
    TARGET,
    AcquireCopier,
    AcquireGrains,
    Effect,
    Flush,
    MarkCopied,
    MarkDiverged,
    Mode,
    NextUncopied,
    Read,
    Save,
    State,
    Uncopied,
    Unsettled,
    Write,
)
from flashcopy.impl.errors import TargetFailedError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.protocol import Request


def _first_run_only(effect: Effect, _: Ask) -> Acted:
    """Only the first grain of a request is looked at."""
    result = yield effect
    if isinstance(effect, Unsettled) and result:
        first = result[0].start
        return (range(first, first + 1),)
    return result


def _last_grain_missed(effect: Effect, _: Ask) -> Acted:
    """The last grain of a request of several is not looked at."""
    if isinstance(effect, Unsettled) and len(effect.grains) > 1:
        return (yield Unsettled(effect.grains[:-1]))
    return (yield effect)


def _only_first_marked(effect: Effect, _: Ask) -> Acted:
    """All grains of a request are copied, only the first is marked modified."""
    if isinstance(effect, MarkDiverged):
        first = effect.runs[0].start
        yield MarkCopied(effect.runs)
        return (yield MarkDiverged((range(first, first + 1),)))
    return (yield effect)


def _only_marks_copied(effect: Effect, _: Ask) -> Acted:
    if isinstance(effect, MarkDiverged):
        return (yield MarkCopied(effect.runs))
    return (yield effect)


def _marking(*, first_copy: bool) -> Act:
    """Marks modified only together with the first copy, or only if there was none."""

    def act(effect: Effect, _: Ask) -> Acted:
        if not isinstance(effect, MarkDiverged):
            return (yield effect)
        for run in effect.runs:
            for grain in run:
                one = range(grain, grain + 1)
                uncopied = yield Uncopied(one)
                yield MarkDiverged((one,)) if bool(uncopied) is first_copy else MarkCopied((one,))
        return None

    return act


def _zeroes_skip(effect: Effect, asked: Ask) -> Acted:
    if isinstance(effect, Unsettled) and not any(asked.data):
        return ()
    return (yield effect)


def _zeroes_not_marked(effect: Effect, asked: Ask) -> Acted:
    """Zeroes are taken for no change: the grain is copied, and not marked modified."""
    if isinstance(effect, MarkDiverged) and not any(asked.data):
        return (yield MarkCopied(effect.runs))
    return (yield effect)


def _zeroes_not_copied(effect: Effect, asked: Ask) -> Acted:
    """Blocks of zeroes are holes, which need not be written to the target."""
    if isinstance(effect, Write) and effect.device is TARGET:
        is_copy = not asked.writes(effect)
        if is_copy and not any(effect.data):
            return None
    return (yield effect)


def _marks_after_success(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """A write that fails has changed nothing, so that nothing is marked."""
    grains = geometry.grains_of(asked.blocks)
    state = yield AcquireGrains(grains, Mode.EXCLUSIVE)
    unsettled = yield Unsettled(grains)
    tracked = unsettled and state is not State.STOPPED
    uncopied = (yield Uncopied(grains)) if tracked else ()
    if uncopied:
        yield from giving_up_the_target(protocol._copy(geometry, uncopied))
        yield MarkCopied(uncopied)
        yield Save(uncopied)
        yield Flush((MAP,))
    yield Write(SOURCE, asked.blocks, asked.data)
    if tracked:
        yield from giving_up_the_target(record_diverged(unsettled))


def _write_target_directly(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """A partial write to an uncopied grain does not fill in the rest of it."""
    grains = geometry.grains_of(asked.blocks)
    state = yield AcquireGrains(grains, Mode.EXCLUSIVE)
    if state is State.STOPPED:
        raise protocol._target_stopped()
    unsettled = yield Unsettled(grains)
    if unsettled:
        yield from giving_up_the_target(record_diverged(unsettled))
    yield Write(TARGET, asked.blocks, asked.data)


def _write_overtakes_copy(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """The host's data is written before the old data is read."""
    yield AcquireGrains(geometry.grains_of(asked.blocks), Mode.EXCLUSIVE)
    yield Write(SOURCE, asked.blocks, asked.data)
    unsettled = yield Unsettled(geometry.grains_of(asked.blocks))
    if unsettled:
        yield from giving_up_the_target(protocol._diverge(geometry, unsettled))


def _no_fake_read(effect: Effect, _: Ask) -> Acted:
    if isinstance(effect, Uncopied):
        return ()
    return (yield effect)


def _one_bit_for_all(effect: Effect, _: Ask) -> Acted:
    """One grain's copied bit decides where a whole read comes from."""
    if isinstance(effect, Uncopied) and effect.grains:
        uncopied = yield Uncopied(effect.grains[:1])
        return (effect.grains,) if uncopied else ()
    return (yield effect)


def _copier_ignores_bits(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """Copies a whole batch from the cursor on, copied or not."""
    yield AcquireCopier()
    first = yield NextUncopied(1)
    if not first:
        return 0
    grains = range(first.start, min(first.start + max(asked.limit, 2), geometry.grains))
    yield AcquireGrains(grains, Mode.SHARED)
    yield from giving_up_the_target(copy_and_mark(geometry, grains))
    return len(grains)


def _failed_copy_counts(effect: Effect, _: Ask) -> Acted:
    """A copy that failed is marked all the same."""
    if isinstance(effect, (Write, Flush)):
        try:
            return (yield effect)
        except TargetFailedError:
            return None
    return (yield effect)


def _short_last_grain_skipped(geometry: Geometry, _: Options, asked: Ask) -> Request:
    """The last grain is taken for copied if it is shorter than the others."""
    grains = geometry.grains_of(asked.blocks)
    state = yield AcquireGrains(grains, Mode.EXCLUSIVE)
    unsettled = yield Unsettled(grains)
    if unsettled and state is not State.STOPPED:
        whole = geometry.blocks // geometry.grain_blocks
        uncopied = yield Uncopied(range(grains.start, min(grains.stop, whole)))
        if uncopied:
            yield from giving_up_the_target(protocol._copy(geometry, uncopied))
        yield from giving_up_the_target(record_diverged(unsettled))
    yield Write(SOURCE, asked.blocks, asked.data)


def _answers_nothing(geometry: Geometry, _: Options, __: Ask) -> Request:
    """Does nothing at all."""
    yield AcquireGrains(geometry.all_grains()[:0], Mode.SHARED)


def _wrong_order(effect: Effect, _: Ask) -> Acted:
    """Copies the blocks of a grain to the target one block late."""
    if isinstance(effect, Read) and effect.device is SOURCE and len(effect.blocks) > 1:
        data = yield effect
        return data[8:] + data[:8]
    return (yield effect)


MUTANTS = (
    Mutant(
        "only-first-grain-prepared",
        DATA,
        "a request over several grains copies only the first one",
        faults=(15,),
        act=_first_run_only,
        only=WRITES,
    ),
    Mutant(
        "last-grain-of-request-missed",
        DATA,
        "a request over several grains does not copy the last one",
        faults=(15,),
        act=_last_grain_missed,
        only=WRITES,
    ),
    Mutant(
        "only-first-grain-marked",
        DATA,
        "all grains of a request are copied, one is marked: a sync misses the others",
        faults=(15,),
        act=_only_first_marked,
        only=WRITES,
    ),
    Mutant(
        "target-writes-not-marked",
        DATA,
        "a sync leaves what was written to the target",
        faults=(24,),
        act=_only_marks_copied,
        only=("write_target",),
    ),
    Mutant(
        "marked-only-on-first-copy",
        DATA,
        "a write to a grain that the copier has copied is missed by the next sync",
        faults=(16,),
        act=_marking(first_copy=True),
        only=WRITES,
    ),
    Mutant(
        "marked-only-when-copied",
        DATA,
        "a write that had to copy is missed by the next sync",
        faults=(16,),
        act=_marking(first_copy=False),
        only=WRITES,
    ),
    Mutant(
        "zeroes-skip-copy-on-write",
        DATA,
        "zeroes on the source show on the target",
        faults=(21,),
        act=_zeroes_skip,
        only=WRITES,
    ),
    Mutant(
        "zeroes-not-marked",
        DATA,
        "zeroes on the source never come to the target",
        faults=(21,),
        act=_zeroes_not_marked,
        only=WRITES,
    ),
    Mutant(
        "zeroes-not-copied",
        DATA,
        "where the source has zeroes the target shows what it held before",
        faults=(22,),
        act=_zeroes_not_copied,
    ),
    Mutant(
        "failed-write-not-marked",
        DATA,
        "a write that failed has landed in part, and the next sync misses it",
        faults=(29,),
        make={"write_source": _marks_after_success},
    ),
    Mutant(
        "target-write-without-fill",
        DATA,
        "the rest of a partly written grain is old target data",
        faults=(19,),
        make={"write_target": _write_target_directly},
    ),
    Mutant(
        "write-overtakes-copy",
        DATA,
        "what is copied before the write is what was written",
        faults=(11,),
        make={"write_source": _write_overtakes_copy},
    ),
    Mutant(
        "no-fake-read",
        DATA,
        "an uncopied grain reads as the target's old data",
        faults=(46,),
        act=_no_fake_read,
        only=("read_target",),
    ),
    Mutant(
        "one-bit-decides-for-all",
        DATA,
        "a read over several grains takes all of them from one device",
        faults=(15,),
        act=_one_bit_for_all,
        only=("read_target",),
    ),
    Mutant(
        "copier-ignores-bits",
        DATA,
        "background copy overwrites what was written to the target",
        faults=(17,),
        make={"background_copy": _copier_ignores_bits},
    ),
    Mutant(
        "failed-copy-counts",
        (*DATA, "ERR-5"),
        "a grain that could not be copied counts as copied",
        faults=(32,),
        act=_failed_copy_counts,
        only=("background_copy",),
    ),
    Mutant(
        "short-last-grain-not-copied",
        DATA,
        "the short last grain is changed without having been copied",
        faults=(20,),
        make={"write_source": _short_last_grain_skipped},
    ),
    Mutant(
        "blocks-copied-to-wrong-place",
        DATA,
        "a grain is copied with its blocks out of order",
        faults=(47,),
        act=_wrong_order,
        only=("background_copy",),
    ),
    Mutant(
        "flush-does-nothing",
        ("CRASH-1",),
        "a flushed write is gone after a crash",
        faults=(35,),
        act=dropping(lambda effect: isinstance(effect, Flush)),
        only=("flush_source", "flush_target"),
    ),
    Mutant(
        "stop-does-nothing",
        ("STOP-1",),
        "a stop that was answered leaves the volumes tied",
        faults=(36,),
        make={"stop": _answers_nothing},
    ),
)
