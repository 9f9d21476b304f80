"""The symbolic interpreter's memory and map file are the shipped ones (ORDER-3, REC-1).

For every state of one grain each effect on memory, and each effect that writes maps or header, is
carried out by `impl.memory` and `impl.mapfile` on one grain, and by `Effects`; the bits agree.
"""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from flashcopy.harness import mapdisk
from flashcopy.impl import bitmap
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import Effect, Point, Standing
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import (
    Header,
    Identity,
    MapFile,
    Prepared,
    decode_first_page,
    encode_first_page,
)
from flashcopy.impl.memory import Memory
from flashcopy.proofs import protocol_ground
from flashcopy.proofs.protocol_effects import Effects, Local, Moment
from flashcopy.proofs.protocol_request import Bytes, Result
from flashcopy.proofs.protocol_state import LEAVES, State, build

GEOMETRY = Geometry(1024, 512, 1024)
GRAIN = (range(1),)
IDENTITY = Identity(GEOMETRY, Path("s"), Path("t"), id=bytes(16))
BITS = ("memory.copied", "memory.modified", "memory.settled")
STANDINGS = tuple(Standing)
EFFECTS: tuple[Effect, ...] = (
    effects.MarkCopied(GRAIN),
    effects.MarkDiverged(GRAIN),
    effects.Settle(GRAIN),
    effects.Distrust(),
    *(effects.Adopt(standing) for standing in STANDINGS),
    effects.Save(GRAIN),
    *(effects.Prepare(point) for point in Point),
    *(effects.Commit(standing) for standing in STANDINGS),
)
CASES = [
    (standing, bits, prepared)
    for standing in STANDINGS
    for bits in product((False, True), repeat=3)
    for prepared in (None, *product((False, True), repeat=2))
]


@pytest.mark.parametrize("effect", EFFECTS, ids=str)
def test_an_effect_is_that_of_the_shipped_code(effect: Effect) -> None:
    compared = 0
    for standing, bits, prepared in CASES:
        if effect == effects.Adopt(Standing.TRACKING) and prepared is None:
            continue  # the shipped code asserts that this cannot be
        memory, mapfile = shipped(standing, bits, prepared)
        state = symbolic(standing, bits, prepared)
        writes, changed = carry_out(effect, memory, mapfile)
        moment = Moment(state, Local(), lambda _: False, Bytes())
        condition, after, _ = Effects().carry_out(effect, Result(changed), moment)
        assert condition is True
        assert of_memory(after) == of_shipped(memory, mapfile)
        assert written(after, effect) == of_writes(writes, effect, state)
        compared += 1
    assert compared > 80


@pytest.mark.parametrize("standing", STANDINGS)
def test_recovery_is_that_of_the_shipped_code(standing: Standing) -> None:
    """REC-1."""
    for copied, modified in product((False, True), repeat=2):
        state = symbolic(standing, (False, False, False), None)
        leaves = {path: leaf(state, path) for path in LEAVES}
        leaves |= {"maps.current.copied_after": copied, "maps.current.modified_after": modified}
        after = protocol_ground.recovered(build(leaves.__getitem__))
        memory = Memory(1, standing, one(copied), one(modified))
        assert (
            of_memory(after)[:5]
            == of_shipped(memory, MapFile(IDENTITY, Header(0, standing, 0)))[:5]
        )


def shipped(standing: Standing, bits: Any, prepared: Any) -> tuple[Memory, MapFile]:
    memory = Memory(1, Standing.TRACKING, one(bits[0]), one(bits[1]))
    memory.copied, memory.modified, memory.settled = map(one, bits)
    memory.standing = standing
    mapfile = MapFile(IDENTITY, Header(0, standing, 0))
    if prepared is not None:
        copied, modified = map(one, prepared)
        mapfile._prepared = Prepared(Point.SYNC, -1, copied, modified, 0)
    return memory, mapfile


def symbolic(standing: Standing, bits: Any, prepared: Any) -> State:
    leaves: dict[str, Any] = dict.fromkeys(LEAVES, False)
    leaves |= {path: 0 for path in LEAVES if path.endswith(("now", "after", "image", "survives"))}
    leaves |= dict(zip(BITS, bits, strict=True))
    for header in ("memory", "maps.header", "maps.after"):
        leaves[f"{header}.tracking"] = standing is Standing.TRACKING
        leaves[f"{header}.idle"] = standing is Standing.IDLE
    leaves |= {"maps.header.here": True, "maps.after.here": True}
    if prepared is not None:
        names = ("memory.next_copied", "memory.next_modified")
        leaves |= {"memory.prepared": True, **dict(zip(names, prepared, strict=True))}
        leaves |= {"maps.other.copied": prepared[0], "maps.other.modified": prepared[1]}
    state: State = build(leaves.__getitem__)
    return state


def carry_out(effect: Effect, memory: Memory, mapfile: MapFile) -> tuple[list[Any], Any]:
    """The bytes written, and the result."""
    match effect:
        case effects.MarkCopied(runs):
            memory.mark_copied(runs)
        case effects.MarkDiverged(runs):
            memory.mark_diverged(runs)
        case effects.Settle(runs):
            memory.settle(runs)
        case effects.Distrust():
            mapfile.distrust(memory)
        case effects.Adopt(standing):
            mapfile.adopt(memory, standing)
        case effects.Save(runs):
            return mapfile.save(memory, runs), None
        case effects.Prepare(point):
            writes = mapfile.prepare(memory, point)
            return writes, bool(writes)
        case effects.Commit(standing):
            return mapfile.commit(standing), None
    return [], None


def of_memory(state: State) -> tuple[Any, ...]:
    memory = state.memory
    prepared = (memory.next_copied, memory.next_modified) if memory.prepared else None
    bits = (memory.copied, memory.modified, memory.settled)
    return (memory.tracking, memory.idle, *bits, prepared)


def of_shipped(memory: Memory, mapfile: MapFile) -> tuple[Any, ...]:
    known = mapfile._prepared
    maps = known and (known.copied, known.modified)
    return (
        memory.standing is Standing.TRACKING,
        memory.standing is Standing.IDLE,
        *(bool(bits[0]) for bits in (memory.copied, memory.modified, memory.settled)),
        maps and (bool(maps[0][0]), bool(maps[1][0])),
    )


def written(state: State, effect: Effect) -> Any:
    """What the effect wrote, as the symbolic state has it."""
    if isinstance(effect, effects.Commit):
        header = state.maps.header
        return header.tracking, header.idle
    area = state.maps.other if isinstance(effect, effects.Prepare) else state.maps.current
    return area.copied, area.modified


def of_writes(writes: list[Any], effect: Effect, before: State) -> Any:
    """The same from the bytes that the shipped map file gave."""
    if isinstance(effect, effects.Commit):
        ((_, sector),) = writes
        rest = encode_first_page(IDENTITY, Header(0, Standing.IDLE, 0))[bitmap.SECTOR :]
        standing = decode_first_page(sector + rest)[1].standing
        return standing is Standing.TRACKING, standing is Standing.IDLE
    which = 1 if isinstance(effect, effects.Prepare) else 0
    area = before.maps.other if which else before.maps.current
    found = [area.copied, area.modified]
    for number, word in mapdisk.cut(writes):
        for bit in (0, 1):
            if number == mapdisk.word_of(GEOMETRY, which, bit, 0):
                found[bit] = mapdisk.has_bit(word, 0)
    return tuple(found)


def leaf(state: State, path: str) -> Any:
    value: Any = state
    for name in path.split("."):
        value = getattr(value, name)
    return value


def one(bit: bool) -> Any:
    bits = bitmap.make(1)
    bits[0] = bit
    return bits
