"""The protocol: every request as a short generator of effects, written once.

This file is the algorithm. The engine runs it on real files, the harness under any schedule on
a disk that loses what was not flushed; nobody has another copy of it. Each generator yields
effects (`effect`) and returns the request's result.

Four ordering rules (ORDER-1 to ORDER-4 in `docs/spec.md`) carry the safety across crashes, which
is CRASH-1 to CRASH-3:

1. Before either side of an undiverged grain changes: copy it if need be and flush the target,
   then set copied and modified, then flush the map; only then issue the write.
2. The background copy flushes the target before it sets copied.
3. Whether a write may skip rule 1 is decided by what is durably modified (*settled*), never by
   the modified bit in memory.
4. Start and sync write the new maps to the other area of the map file, flush it and the source,
   and only then commit the header that names it.

Requests lock the grains they touch, in one step, and hold them to their end. So no request
waits while it holds grains (CONC-4), and a sync, which takes all of them, has a moment of its own
(CONC-2).
"""

from collections.abc import Generator
from typing import Any

from flashcopy.impl.effect import (
    EXCLUSIVE,
    MAP,
    SHARED,
    SOURCE,
    STOPPED,
    TARGET,
    AcquireCopier,
    AcquireGrains,
    Adopt,
    Commit,
    Device,
    Distrust,
    Effect,
    Flush,
    MarkCopied,
    MarkDiverged,
    NextUncopied,
    Point,
    Prepare,
    Read,
    Runs,
    Save,
    Settle,
    Standing,
    State,
    Uncopied,
    Unsettled,
    Write,
)
from flashcopy.impl.errors import (
    MapFailedError,
    NotStartedError,
    TargetFailedError,
    TargetStoppedError,
)
from flashcopy.impl.geometry import Geometry

# What an effect gives back is fixed by its class (see `effect`), which no type can say: hence Any.
Request = Generator[Effect, Any, Any]


def read_source(geometry: Geometry, blocks: range) -> Request:
    """READ-1: the source side, and never in the middle of a block's write."""
    yield AcquireGrains(geometry.grains_of(blocks), SHARED)
    return (yield Read(SOURCE, blocks))


def read_target(geometry: Geometry, blocks: range) -> Request:
    """READ-2: copied grains from the target, the others from the source (fake read).

    CONC-3: the grains stay locked until the data is here, or a write to the source could overtake
    the fake read and show it data from after the point in time.
    """
    grains = geometry.grains_of(blocks)
    state = yield AcquireGrains(grains, SHARED)
    if state is STOPPED:
        raise _target_stopped()
    uncopied = yield Uncopied(grains)
    if not uncopied:
        return (yield Read(TARGET, blocks))
    parts = []
    for device, run in _route(geometry, blocks, uncopied):
        parts.append((yield Read(device, run)))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def write_source(
    geometry: Geometry, blocks: range, data: bytes, *, keep_target: bool = False
) -> Request:
    """WRITE-2: copy on write, then the source changes.

    ERR-5: a target that fails is given up, durably, before the source changes; the host's write
    goes on. With `keep_target` a target that merely cannot be written (a full disk, say) fails
    the write instead.
    """
    grains = geometry.grains_of(blocks)
    state = yield AcquireGrains(grains, EXCLUSIVE)
    unsettled = yield Unsettled(grains)
    if unsettled:
        try:
            if state is STOPPED:
                yield from _stop_durably()
            else:
                yield from _diverge(geometry, unsettled)
        except (TargetFailedError, MapFailedError) as error:
            if keep_target and _is_harmless(error):
                raise
            yield from _stop_durably()
    yield Write(SOURCE, blocks, data)


def write_target(geometry: Geometry, blocks: range, data: bytes) -> Request:
    """WRITE-3: the grain is copied first, so that the rest of it is there; then it changes."""
    grains = geometry.grains_of(blocks)
    state = yield AcquireGrains(grains, EXCLUSIVE)
    if state is STOPPED:
        raise _target_stopped()
    unsettled = yield Unsettled(grains)
    if unsettled:
        try:
            yield from _diverge(geometry, unsettled)
        except (TargetFailedError, MapFailedError) as error:
            if not _is_harmless(error):
                yield from _stop_durably()
            raise
    yield Write(TARGET, blocks, data)


def flush_source() -> Request:
    """FLUSH-1: every answered write to the source is durable."""
    yield Flush((SOURCE,))


def flush_target() -> Request:
    """FLUSH-1: every answered write to the target is durable; its map entries already are."""
    state = yield AcquireGrains(range(0), SHARED)
    if state is STOPPED:
        raise _target_stopped()
    yield Flush((TARGET,))


def background_copy(geometry: Geometry, limit: int, *, keep_target: bool = False) -> Request:
    """COPY-2: copy the next uncopied grains, `limit` at most. Gives how many were copied.

    Sharing the grains is enough: what must stay away is a write, and a fake read may go on.
    """
    yield AcquireCopier()
    grains = yield NextUncopied(limit)
    if not grains:
        return 0
    yield AcquireGrains(grains, SHARED)
    uncopied = yield Uncopied(grains)  # a write may have copied some of them meanwhile
    if not uncopied:
        return 0
    try:
        yield from _copy(geometry, uncopied)
        yield MarkCopied(uncopied)
        yield Save(uncopied)
    except (TargetFailedError, MapFailedError) as error:
        if not (keep_target and _is_harmless(error)):
            yield from _stop_durably()
        raise
    return sum(len(run) for run in uncopied)


def start(geometry: Geometry) -> Request:
    """START-1: the target becomes the source now, and everything is to be copied."""
    state = yield AcquireCopier()
    if state is STOPPED and (yield Unsettled(geometry.all_grains())):
        # Not recorded yet: the header on disk may still name the area about to be prepared.
        yield from _stop_durably()
    yield from _prepare(state, Point.START)
    yield AcquireGrains(geometry.all_grains(), EXCLUSIVE)
    yield from _move_point_in_time(state, Point.START)


def sync(geometry: Geometry) -> Request:
    """SYNC-1: the target becomes the source now, and the modified grains are to be copied.

    SYNC-3: until the header is committed nothing that memory holds has changed.
    """
    state = yield AcquireCopier()
    _require_tracking(state)
    yield from _prepare(state, Point.SYNC)
    state = yield AcquireGrains(geometry.all_grains(), EXCLUSIVE)
    _require_tracking(state)
    yield from _move_point_in_time(state, Point.SYNC)


def stop(geometry: Geometry) -> Request:
    """STOP-1: two independent volumes if all is copied, else the target is no usable image."""
    yield AcquireCopier()
    state = yield AcquireGrains(geometry.all_grains(), EXCLUSIVE)
    if state in (State.IDLE, State.COPIED):
        yield from _end_tracking(Standing.IDLE)
    else:
        yield from _end_tracking(Standing.STOPPED)


def _diverge(geometry: Geometry, unsettled: Runs) -> Request:
    """ORDER-1: copy and flush the target; set both bits; flush the map; only then go on."""
    for grains in unsettled:
        uncopied = yield Uncopied(grains)
        if uncopied:
            yield from _copy(geometry, uncopied)
    yield MarkDiverged(unsettled)
    yield Save(unsettled)
    yield Flush((MAP,))
    yield Settle(unsettled)


def _copy(geometry: Geometry, uncopied: Runs) -> Request:
    """COPY-1: source to target, and durable there before anyone says it is copied.

    ERR-6: a source that cannot be read leaves the grains uncopied, and nobody goes on without them.
    """
    for grains in uncopied:
        blocks = geometry.blocks_of(grains)
        data = yield Read(SOURCE, blocks)
        yield Write(TARGET, blocks, data)
    yield Flush((TARGET,))


def _prepare(state: State, point: Point) -> Request:
    """Do what can be done while hosts still run, so that they are held up for a shorter time."""
    try:
        yield Flush((SOURCE,))
        yield Prepare(point)
        yield Flush((MAP,))
    except MapFailedError:
        yield from _stop_if_tracking(state)
        raise


def _move_point_in_time(state: State, point: Point) -> Request:
    """ORDER-4: the new maps and the source are durable before the header that makes them so."""
    try:
        changed = yield Prepare(point)
        yield Flush((SOURCE, MAP) if changed else (SOURCE,))
    except MapFailedError:
        yield from _stop_if_tracking(state)
        raise
    try:
        yield Commit(Standing.TRACKING)
        yield Flush((MAP,))
    except MapFailedError:
        # Nobody knows which header is on the disk, so neither image may be relied on.
        yield from _stop_durably()
        raise
    yield Adopt(Standing.TRACKING)


def _end_tracking(standing: Standing) -> Request:
    """LIFE-2: recorded durably before a write may go untracked."""
    try:
        yield Commit(standing)
        yield Flush((MAP,))
    except MapFailedError:
        yield Distrust()
        raise
    yield Adopt(standing)


def _stop_durably() -> Request:
    """ERR-5: whatever fails from here on, no write may slip past; then record that we stopped."""
    yield Distrust()
    yield from _end_tracking(Standing.STOPPED)


def _stop_if_tracking(state: State) -> Request:
    """A map that fails vouches for nothing; where nothing is tracked, nothing needs it."""
    if _is_tracking(state):
        yield from _stop_durably()


def _is_harmless(error: TargetFailedError | MapFailedError) -> bool:
    """Whether all that failed is one write to the target, of a grain that is still uncopied.

    After a failed flush nobody knows what else is lost, and a map that cannot be written
    vouches for nothing.
    """
    return isinstance(error, TargetFailedError) and not error.earlier_writes_lost


def _route(
    geometry: Geometry, blocks: range, uncopied: Runs
) -> Generator[tuple[Device, range], None, None]:
    """Which device each part of a target read comes from, in order."""
    at = blocks.start
    for grains in uncopied:
        of_grains = geometry.blocks_of(grains)
        fake = range(max(at, of_grains.start), min(of_grains.stop, blocks.stop))
        if at < fake.start:
            yield TARGET, range(at, fake.start)
        yield SOURCE, fake
        at = fake.stop
    if at < blocks.stop:
        yield TARGET, range(at, blocks.stop)


def _is_tracking(state: State) -> bool:
    return state in (State.COPYING, State.COPIED)


def _target_stopped() -> TargetStoppedError:
    return TargetStoppedError(
        "the target is no usable image: copying was stopped before it was complete,"
        " or a device failed; start again to make it one"
    )


def _require_tracking(state: State) -> None:
    if not _is_tracking(state):
        raise NotStartedError(
            f"sync in state {state.value}: nothing is tracked to go by; use start instead"
        )
