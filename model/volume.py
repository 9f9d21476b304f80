"""The machine over whole volumes: byte ranges, a short last grain, lifecycle, refusals.

A pair of volumes is a product of grains (`grain`), so this file adds only what a grain cannot
know: which grains a request touches, in which state it is allowed, and how far the background
copy has come. Every operation has the same shape: what refuses it, what it does to the grains,
what it answers. `apply` takes any operation; the functions below it take one each.
"""

from collections.abc import Callable, Iterable
from typing import Any

from attrs import frozen

from flashcopy.model import grain as grain_machine
from flashcopy.model.geometry import (
    Geometry,
    blocks_of_grain,
    blocks_of_request,
    grains_of_blocks,
    is_within,
)
from flashcopy.model.grain import Change, Grain
from flashcopy.model.images import Images, Volume
from flashcopy.model.lifecycle import Event, State, after, is_tracking, target_is_usable
from flashcopy.model.operation import (
    UNUSABLE,
    BackgroundCopy,
    Contents,
    Copied,
    Done,
    Flush,
    Operation,
    Outcome,
    Read,
    Refusal,
    Refused,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)

ZERO = 0


@frozen
class Machine:
    """A flashcopy relationship. A side of a grain is the tuple of its blocks' contents."""

    geometry: Geometry
    target_writable: bool
    state: State
    grains: tuple[Grain, ...]
    cursor: int


Step = tuple[Machine, Outcome]


def create(
    geometry: Geometry,
    *,
    target_writable: bool = True,
    source: Iterable[int] | None = None,
    target: Iterable[int] | None = None,
) -> Machine:
    """A relationship that was never started. Volumes read as zeros unless contents are given."""
    sides = [tuple(side or [ZERO] * geometry.blocks) for side in (source, target)]
    blocks = [blocks_of_grain(geometry, g) for g in range(geometry.grains)]
    grains = tuple(
        grain_machine.idle_grain(*(side[b.start : b.stop] for side in sides)) for b in blocks
    )
    return Machine(
        geometry=geometry,
        target_writable=target_writable,
        state=State.IDLE,
        grains=grains,
        cursor=geometry.grains,
    )


def images(machine: Machine) -> Images:
    """What a reader sees: the two-image machine this one refines."""
    return Images(
        source=sum((grain_machine.read_source(g) for g in machine.grains), ()),
        target=sum((grain_machine.read_target(g) for g in machine.grains), ()),
    )


def invariant(machine: Machine) -> bool:
    """Every grain's invariant, nothing uncopied behind the cursor, and bits that fit the state."""
    return (
        all(grain_machine.invariant(g) for g in machine.grains)
        and all(g.copied for g in machine.grains[: machine.cursor])
        and (machine.state is State.COPYING) == (not _all_copied(machine.grains))
        and (
            is_tracking(machine.state) or all(grain_machine.is_diverged(g) for g in machine.grains)
        )
    )


def apply(machine: Machine, operation: Operation) -> Step:
    """The machine after an operation, and the operation's outcome."""
    return _OPERATIONS[type(operation)](machine, operation)


def read(machine: Machine, operation: Read) -> Step:
    """READ-1, READ-2: the source side, or the target's image; blocks in order."""
    refused = _refuse_io(machine, operation.volume, operation.offset, operation.length)
    if refused:
        return machine, refused
    blocks = blocks_of_request(machine.geometry, operation.offset, operation.length)
    side = (
        grain_machine.read_source
        if operation.volume is Volume.SOURCE
        else grain_machine.read_target
    )
    contents = tuple(_block(machine, block, side) for block in blocks)
    return machine, Contents(contents)


def write(machine: Machine, operation: Write) -> Step:
    """WRITE-1 to WRITE-3: each grain touched is diverged, then its part of the data changes."""
    refused = _refuse_write(machine, operation)
    if refused:
        return machine, refused
    blocks = blocks_of_request(machine.geometry, operation.offset, operation.length)
    touched = grains_of_blocks(machine.geometry, blocks)
    write_side = (
        grain_machine.write_source
        if operation.volume is Volume.SOURCE
        else grain_machine.write_target
    )
    changed = tuple(
        write_side(machine.grains[g], _change(machine.geometry, g, blocks, operation.content))
        for g in touched
    )
    grains = machine.grains[: touched.start] + changed + machine.grains[touched.stop :]
    return _with_grains(machine, grains, machine.cursor), Done()


def write_zeroes(machine: Machine, operation: WriteZeroes) -> Step:
    """WRITE-4: a write like any other, of blocks that are all zeros."""
    return write(machine, Write(operation.volume, operation.offset, operation.length, content=ZERO))


def flush(machine: Machine, operation: Flush) -> Step:
    """Nothing a reader sees; the volume is as durable as it looks."""
    if operation.volume is Volume.TARGET and not target_is_usable(machine.state):
        return machine, UNUSABLE
    return machine, Done()


def start(machine: Machine, _: Start) -> Step:
    """START-1: every grain uncopied, the background copy from grain 0."""
    return _move_point_in_time(machine, Event.START, grain_machine.start)


def sync(machine: Machine, _: Sync) -> Step:
    """SYNC-1: the modified grains uncopied, the background copy from grain 0."""
    return _move_point_in_time(machine, Event.SYNC, grain_machine.sync)


def stop(machine: Machine, _: Stop) -> Step:
    """STOP-1: idle if the copy was complete, else stopped; tracking ends either way."""
    return _end_tracking(machine, Event.STOP), Done()


def fail(machine: Machine) -> Machine:
    """ERR-5: the target or the map failed while tracking, so the target is no usable image."""
    return _end_tracking(machine, Event.FAILURE) if is_tracking(machine.state) else machine


def background_copy(machine: Machine, operation: BackgroundCopy) -> Step:
    """COPY-2: from the cursor on, copy grains until enough are copied or none is left."""
    limit = machine.geometry.grains if operation.grains is None else operation.grains
    if limit < 0:
        return machine, Refused(Refusal.INVALID_ARGUMENT)
    copied, end = 0, machine.cursor
    while copied < limit and end < machine.geometry.grains:
        copied += not machine.grains[end].copied
        end += 1
    return _copy_up_to(machine, end), Copied(copied)


def background_step(machine: Machine) -> Machine:
    """COPY-2: copy the grain under the cursor, if it is not copied yet, and move on."""
    return _copy_up_to(machine, machine.cursor + 1)


# Each takes the operation it is listed under, which no type can say: hence Any.
_OPERATIONS: dict[type[Operation], Callable[[Machine, Any], Step]] = {
    Read: read,
    Write: write,
    WriteZeroes: write_zeroes,
    Flush: flush,
    Start: start,
    Sync: sync,
    Stop: stop,
    BackgroundCopy: background_copy,
}


def _refuse_io(machine: Machine, volume: Volume, offset: int, length: int) -> Refused | None:
    """ERR-1, ERR-2: out of range or misaligned; or the target while it is no usable image."""
    if not is_within(machine.geometry, offset, length):
        return Refused(Refusal.INVALID_ARGUMENT)
    if volume is Volume.TARGET and not target_is_usable(machine.state):
        return UNUSABLE
    return None


def _refuse_write(machine: Machine, operation: Write) -> Refused | None:
    """ERR-3: a target created read-only takes no writes; else as for any I/O."""
    if operation.volume is Volume.TARGET and not machine.target_writable:
        return Refused(Refusal.READ_ONLY)
    return _refuse_io(machine, operation.volume, operation.offset, operation.length)


def _block(machine: Machine, block: int, side: Callable[[Grain], tuple[int, ...]]) -> int:
    grain, within = divmod(block, machine.geometry.grain_blocks)
    return side(machine.grains[grain])[within]


def _change(geometry: Geometry, grain: int, blocks: range, content: int) -> Change:
    """What a write of `content` to `blocks` does to one side of a grain: it keeps the rest."""
    of_grain = blocks_of_grain(geometry, grain)
    first = max(blocks.start, of_grain.start) - of_grain.start
    last = min(blocks.stop, of_grain.stop) - of_grain.start
    written = (content,) * (last - first)
    return lambda old: old[:first] + written + old[last:]


def _copy_up_to(machine: Machine, end: int) -> Machine:
    """Copy from the cursor up to a grain, in one go: the map may have many thousands."""
    at = machine.cursor
    copied = tuple([grain_machine.copy(g) for g in machine.grains[at:end]])
    return _with_grains(machine, machine.grains[:at] + copied + machine.grains[end:], end)


def _all_copied(grains: tuple[Grain, ...]) -> bool:
    return all(g.copied for g in grains)


def _with_grains(machine: Machine, grains: tuple[Grain, ...], cursor: int) -> Machine:
    """The machine with these grains; it becomes `copied` when the last grain is (COPY-4)."""
    state = machine.state
    if state is State.COPYING and _all_copied(grains):
        state = _next(state, Event.LAST_GRAIN_COPIED, grains)
    return Machine(machine.geometry, machine.target_writable, state, grains, cursor)


def _move_point_in_time(machine: Machine, event: Event, move: Callable[[Grain], Grain]) -> Step:
    grains = tuple([move(g) for g in machine.grains])
    state = after(machine.state, event, all_copied=_all_copied(grains))
    if state is None:
        return machine, UNUSABLE
    return Machine(machine.geometry, machine.target_writable, state, grains, cursor=0), Done()


def _end_tracking(machine: Machine, event: Event) -> Machine:
    """Nothing ties the volumes any more, so every grain counts as diverged (LIFE-2)."""
    state = _next(machine.state, event, machine.grains)
    grains = tuple([grain_machine.idle_grain(g.source, g.target) for g in machine.grains])
    end = machine.geometry.grains
    return Machine(machine.geometry, machine.target_writable, state, grains, cursor=end)


def _next(state: State, event: Event, grains: tuple[Grain, ...]) -> State:
    following = after(state, event, all_copied=_all_copied(grains))
    if following is None:
        raise ValueError(f"{event.value} cannot happen in state {state.value}")
    return following
