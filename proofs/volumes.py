"""The machine over whole volumes as a subject, and every small volume to run it on.

What `model.volume` adds to a grain (byte ranges, the short last grain, the cursor, refusals) is
Python that needs concrete numbers. So it is run on *all* volumes of three grains, the last one
short: every combination of uncopied, clean and diverged grains, every cursor the invariant allows,
every state. Their data is all different, and the machine only moves it, so nothing is lost by its
being concrete. `lifting` says why three grains stand for any number.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve, frozen

from flashcopy.model import operation as op
from flashcopy.model import volume
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.grain import Grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.trace import Answer, Entry, Initial, Submit, Trace
from flashcopy.model.volume import Machine, Step
from flashcopy.proofs.expected import expect
from flashcopy.proofs.obligation import Picture
from flashcopy.proofs.texts import grain_text, operation_text, outcome_text

BLOCK = 512
# Two grains of two blocks and a short one.
GEOMETRY = Geometry(size=5 * BLOCK, block_size=BLOCK, grain_size=2 * BLOCK)
# The content that requests write; no volume holds it before.
WRITTEN = 99

_UNCOPIED, _CLEAN, _DIVERGED = (False, False), (True, False), (True, True)


@frozen
class VolumeMachine:
    """The functions of `model.volume`, by their names there."""

    read: Callable[[Machine, Any], Step]
    write: Callable[[Machine, Any], Step]
    write_zeroes: Callable[[Machine, Any], Step]
    flush: Callable[[Machine, Any], Step]
    start: Callable[[Machine, Any], Step]
    sync: Callable[[Machine, Any], Step]
    stop: Callable[[Machine, Any], Step]
    background_copy: Callable[[Machine, Any], Step]
    background_step: Callable[[Machine], Machine]
    fail: Callable[[Machine], Machine]


def shipped() -> VolumeMachine:
    """The volume machine as it is now."""
    names = [attribute.name for attribute in VolumeMachine.__attrs_attrs__]
    return VolumeMachine(**{name: getattr(volume, name) for name in names})


_NAMES: dict[type[op.Operation], str] = {
    op.Read: "read",
    op.Write: "write",
    op.WriteZeroes: "write_zeroes",
    op.Flush: "flush",
    op.Start: "start",
    op.Sync: "sync",
    op.Stop: "stop",
    op.BackgroundCopy: "background_copy",
}


def apply(functions: VolumeMachine, machine: Machine, operation: op.Operation) -> Step:
    """The operation, carried out by the function for it."""
    step: Step = getattr(functions, _NAMES[type(operation)])(machine, operation)
    return step


def machines(*states: State, cursors: bool = True) -> tuple[Machine, ...]:
    """Every volume of `GEOMETRY` in one of these states (any, if none is given).

    Without `cursors` only one of each that differ in nothing else.
    """
    everything = [*_tracking(cursors), _volume(State.IDLE, (_DIVERGED,) * 3, 3)]
    everything.append(_volume(State.STOPPED, (_DIVERGED,) * 3, 3))
    return tuple(m for m in everything if not states or m.state in states)


def _tracking(cursors: bool) -> Iterator[Machine]:
    for bits in itertools.product((_UNCOPIED, _CLEAN, _DIVERGED), repeat=GEOMETRY.grains):
        first = bits.index(_UNCOPIED) if _UNCOPIED in bits else GEOMETRY.grains
        state = State.COPIED if first == GEOMETRY.grains else State.COPYING
        for cursor in range(first + 1) if cursors else (first,):
            yield _volume(state, bits, cursor)


def _volume(state: State, bits: tuple[tuple[bool, bool], ...], cursor: int) -> Machine:
    return Machine(
        geometry=GEOMETRY,
        target_writable=True,
        state=state,
        grains=tuple(_grain(number, *of_grain) for number, of_grain in enumerate(bits)),
        cursor=cursor,
    )


def _grain(number: int, copied: bool, modified: bool) -> Grain:
    source = tuple(block + 1 for block in blocks_of_grain(GEOMETRY, number))
    other = tuple(block + 11 for block in blocks_of_grain(GEOMETRY, number))
    return Grain(source, source if copied and not modified else other, copied, modified)


def requests(kind: type[op.Read] | type[op.WriteZeroes]) -> tuple[Any, ...]:
    """A request for every run of blocks of either volume, the empty ones too."""
    blocks = range(GEOMETRY.blocks + 1)
    return tuple(
        kind(side, first * BLOCK, (last - first) * BLOCK)
        for side in Volume
        for first in blocks
        for last in blocks[first:]
    )


def writes() -> tuple[op.Write, ...]:
    """A write to every run of blocks of either volume."""
    ranges = requests(op.WriteZeroes)
    return tuple(op.Write(w.volume, w.offset, w.length, WRITTEN) for w in ranges)


def some_requests() -> tuple[op.Operation, ...]:
    """One request of every kind, or a few."""
    parts = ((0, 1), (1, 3), (4, 5))
    ranges = [
        (side, first * BLOCK, (last - first) * BLOCK) for side in Volume for first, last in parts
    ]
    return (
        *(op.Read(*range_) for range_ in ranges),
        *(op.Write(*range_, WRITTEN) for range_ in ranges),
        *(op.WriteZeroes(*range_) for range_ in ranges),
        *(op.Flush(side) for side in Volume),
        *(op.BackgroundCopy(grains) for grains in (0, 1, 2, None)),
        op.Start(),
        op.Sync(),
        op.Stop(),
        op.Read(Volume.TARGET, 0, GEOMETRY.size + BLOCK),
        op.Write(Volume.SOURCE, 1, BLOCK, WRITTEN),
    )


def picture(
    functions: VolumeMachine, machine: Machine, operation: op.Operation, **_: Any
) -> Picture:
    """The volume, the request, and what it came to."""
    return tell(functions, machine, operation)


def tell(functions: VolumeMachine, machine: Machine, *operations: op.Operation) -> Picture:
    """The requests one after the other, and then what both volumes read as."""
    initial = Initial(machine.state, machine.grains, machine.cursor)
    lines = [f"before: {_standing(machine)}", *_grain_lines(machine)]
    entries: list[Entry] = []
    right, images, wrong = machine, volume.images(machine), list[str]()
    look = [op.Read(side, 0, machine.geometry.size) for side in Volume]
    for request, operation in enumerate([*operations, *look]):
        machine, outcome = apply(functions, machine, operation)
        right, right_outcome = volume.apply(right, operation)
        images, must_be = expect(images, operation, right_outcome, BLOCK)
        entries += [Submit(request, operation), Answer(request, outcome)]
        line = f"{operation_text(operation, BLOCK)}: {outcome_text(outcome)}"
        differences = _differences(machine, right) if request < len(operations) else []
        if outcome != must_be:
            line += f", must be {outcome_text(must_be)}"
            differences.insert(0, f"request {request}, {line}")
        lines += [line, *(d for d in differences if not d.startswith("request"))]
        wrong += differences
    trace = Trace(machine.geometry, tuple(entries), machine.target_writable, initial)
    return Picture(tuple(lines), evolve(trace, finding="; ".join(wrong[:3])))


def _grain_lines(machine: Machine) -> list[str]:
    return [f"  grain {number}: {grain_text(g)}" for number, g in enumerate(machine.grains)]


def _differences(after: Machine, must_be: Machine) -> list[str]:
    """What is not as it must be after a request, line by line."""
    wrong = []
    if _standing(after) != _standing(must_be):
        wrong.append(f"after: {_standing(after)}, must be {_standing(must_be)}")
    for number, (is_, must) in enumerate(zip(after.grains, must_be.grains, strict=True)):
        if is_ != must:
            wrong.append(f"grain {number}: {grain_text(is_)}; must be {grain_text(must)}")
    return wrong


def _standing(machine: Machine) -> str:
    return f"{machine.state.value}, background copy at grain {machine.cursor}"
