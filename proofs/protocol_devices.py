"""What reaches the three disks, and what a crash then leaves: writes, flushes, and those that fail.

DISK-1 to DISK-4 for one block: a write is seen at once and survives a crash if it is kept, a flush
makes durable what was written since the last one that failed, and nothing else happens.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from flashcopy.impl.effect import SOURCE, TARGET, Device
from flashcopy.model.choice import Condition
from flashcopy.proofs.protocol_logic import conj, disj, ite, neg, same
from flashcopy.proofs.protocol_request import Result
from flashcopy.proofs.protocol_state import Area, Header, Maps, Side, State, build, get

# An arbitrary choice of this step, by name; `garbage` is data that nobody read.
Choice = Callable[[str], Any]


def write_block(state: State, device: Device, value: Any, kept: Condition) -> State:
    """DISK-1, DISK-4: seen at once; after a crash if this write is kept."""
    side = state.source if device is SOURCE else state.target
    side = evolve(side, now=value, after=ite(kept, value, side.after), fresh=True)
    return evolve(state, source=side) if device is SOURCE else evolve(state, target=side)


def promise(state: State, value: Any, kept: Condition) -> State:
    """WRITE-3: a host's write to the target changes the image, now and where it survives."""

    def promised(header: Header) -> Header:
        return evolve(header, image=value, survives=ite(kept, value, header.survives))

    maps = state.maps
    maps = evolve(maps, header=promised(maps.header), after=promised(maps.after))
    return evolve(state, maps=maps, image=value)


def target_is_promised(state: State) -> Condition:
    """CRASH-1: every write to the target so far survives, where the target is an image."""
    after = state.maps.after
    return disj(same(after.image, after.survives), neg(disj(after.tracking, after.idle)))


def flush_device(state: State, device: Device) -> State:
    """DISK-3, except for what an earlier flush may have lost."""
    maps = state.maps
    if device is SOURCE:
        return evolve(state, source=flush_side(state.source))
    if device is TARGET:
        fresh = state.target.fresh

        def promised(header: Header) -> Header:
            return evolve(header, survives=ite(fresh, header.image, header.survives))

        maps = evolve(maps, header=promised(maps.header), after=promised(maps.after))
        return evolve(state, target=flush_side(state.target), maps=maps)
    maps = evolve(
        maps,
        after=either_part(Header, maps.header_fresh, maps.header, maps.after),
        current=flush_area(maps.current),
        other=flush_area(maps.other),
    )
    return evolve(state, maps=maps)


def flush_side(side: Side) -> Side:
    return evolve(side, after=ite(side.fresh, side.now, side.after))


def flush_area(area: Area) -> Area:
    return evolve(
        area,
        copied_after=ite(area.fresh, area.copied, area.copied_after),
        modified_after=ite(area.fresh, area.modified, area.modified_after),
    )


def fail_flush(state: State, device: Device) -> State:
    """What was written so far may be lost although later flushes succeed."""
    if device is SOURCE:
        return evolve(state, source=evolve(state.source, fresh=False, doubt=True))
    if device is TARGET:
        return evolve(state, target=evolve(state.target, fresh=False, doubt=True))
    maps = state.maps
    maps = evolve(
        maps,
        doubt=True,
        header_fresh=False,
        current=evolve(maps.current, fresh=False),
        other=evolve(maps.other, fresh=False),
    )
    return evolve(state, maps=maps)


def write_bits(
    area: Area,
    copied: Condition,
    modified: Condition,
    written: Condition,
    result: Result,
    choice: Choice,
) -> Area:
    """Both bits are written, in two sectors; of a write that failed any part may have landed."""
    lands = [
        conj(written, choice(f"landed {bit}")) if result.failed else written
        for bit in ("copied", "modified")
    ]
    keeps = [
        conj(land, choice(f"keep {bit}"))
        for land, bit in zip(lands, ("copied", "modified"), strict=True)
    ]
    return Area(
        copied=ite(lands[0], copied, area.copied),
        copied_after=ite(keeps[0], copied, area.copied_after),
        modified=ite(lands[1], modified, area.modified),
        modified_after=ite(keeps[1], modified, area.modified_after),
        fresh=area.fresh,
    )


def either(condition: Condition, then: State, otherwise: State) -> State:
    state: State = build(lambda path: ite(condition, get(then, path), get(otherwise, path)))
    return state


def either_part(part: type, condition: Condition, then: Any, otherwise: Any) -> Any:
    names = [a.name for a in part.__attrs_attrs__]  # type: ignore[attr-defined]
    return part(**{n: ite(condition, getattr(then, n), getattr(otherwise, n)) for n in names})


def either_maps(condition: Condition, then: Maps, otherwise: Maps) -> Maps:
    return evolve(
        otherwise,
        header=either_part(Header, condition, then.header, otherwise.header),
        after=either_part(Header, condition, then.after, otherwise.after),
        header_fresh=ite(condition, then.header_fresh, otherwise.header_fresh),
    )
