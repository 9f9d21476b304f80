"""What memory effects do, as the shipped `Memory` and `MapFile` do it.

Nothing of them is written a second time here. For each pair of a memory and an effect the shipped
classes (or a mutant's) are put in that state and carry the effect out, once; their fields after
that are the next memory.

Beside them stands which grains were copied since the point in time (MIN-2). A grain whose copy a
device has failed may be copied again; no other failure excuses that.
"""

from typing import Any

from attrs import evolve, frozen
from bitarray import bitarray, frozenbitarray

from flashcopy.harness.mutant import Mutant
from flashcopy.impl import bitmap
from flashcopy.impl import mapfile as layout
from flashcopy.impl.effect import (
    Adopt,
    Commit,
    Distrust,
    Effect,
    MarkCopied,
    MarkDiverged,
    NextUncopied,
    Prepare,
    Save,
    Settle,
    Standing,
    State,
    Uncopied,
    Unsettled,
)
from flashcopy.impl.mapfile import Header, Identity, MapFile, MapWrite, Prepared
from flashcopy.impl.memory import Memory
from flashcopy.model import lifecycle
from flashcopy.model.trace import Fault
from flashcopy.proofs.explorer.mapdisk import Change, Heading, PutHeading, PutWords

_EVENTS = {
    "start": lifecycle.Event.START,
    "sync": lifecycle.Event.SYNC,
    "stop": lifecycle.Event.STOP,
}

Fields = tuple[tuple[str, Any], ...]


@frozen
class Held:
    """All that is volatile: the fields of Memory and MapFile, and the grains copied since."""

    memory: Fields
    mapfile: Fields
    copied_since: frozenset[int]


@frozen
class Copying:
    """Not an effect of the protocol: a copy of these grains begins, seen by who counts waste."""

    grains: range


@frozen
class Failing:
    """Not an effect either: a device has failed a request that may have begun to copy these grains.

    Those that it did not begin were copied already, and are as long as it holds them.
    """

    grains: tuple[int, ...]


@frozen
class Asked:
    """A memory effect and the request it belongs to, by its generator's name.

    With a fault, what it writes to the map file is lost, or has landed though it failed.
    """

    effect: Effect | Copying | Failing
    request: str
    fault: Fault = Fault.NONE

    # Effects compare by value and have no hash; their text says all that is in them.
    def __hash__(self) -> int:
        return hash((repr(self.effect), self.request, self.fault))


@frozen
class Outcome:
    """What an effect led to; `complaint` is a clause and an explanation, or None.

    `asks` is whether it writes to the map file: else there is nothing that could fail.
    """

    held: Held
    result: Any
    changes: tuple[Change, ...] = ()
    complaint: tuple[str, str] | None = None
    asks: bool = False


def held(memory: Memory, mapfile: MapFile, copied_since: frozenset[int]) -> Held:
    """The fields of both, as a value, without what nothing depends on.

    That is the header's generation; the bits past the last grain (a test sets them); and of
    memory's count of changes all but whether it is still what it was when the other area was
    prepared; and if it is not, that counts only where preparing again would give other maps.
    """
    for name in ("copied", "modified", "settled"):
        getattr(memory, name)[memory.grains :] = 0
    of_memory, of_mapfile = dict(vars(memory)), dict(vars(mapfile))
    del of_mapfile["identity"]
    of_mapfile["header"] = Header(0, mapfile.header.standing, mapfile.header.area)
    prepared = mapfile._prepared
    of_memory["changes"] = int(
        prepared is not None
        and prepared.changes != memory.changes
        and (prepared.copied, prepared.modified) != memory.at_new_point(prepared.point)
    )
    if prepared is not None:
        of_mapfile["_prepared"] = evolve(prepared, changes=0)
    return Held(_frozen(of_memory), _frozen(of_mapfile), copied_since)


class MemoryMachine:
    """Carries out memory effects on values of Held, for one geometry and one protocol."""

    def __init__(self, identity: Identity, protocol: Mutant) -> None:
        self._identity = identity
        self.protocol = protocol

    def thaw(self, value: Held) -> tuple[Memory, MapFile]:
        """The objects in that state, for the shipped code to work on."""
        memory = object.__new__(self.protocol.memory)
        memory.__dict__.update(_thawed(value.memory))
        mapfile = object.__new__(self.protocol.mapfile)
        mapfile.__dict__.update(_thawed(value.mapfile), identity=self._identity)
        return memory, mapfile

    def state(self, value: Held) -> State:
        """The lifecycle state that locks give to who acquires them."""
        return self.thaw(value)[0].state

    def carry_out(self, value: Held, asked: Asked) -> Outcome:
        """The effect, carried out by the shipped code."""
        memory, mapfile = self.thaw(value)
        if isinstance(asked.effect, Copying):
            return _begin_copying(value, asked.effect)
        if isinstance(asked.effect, Failing):
            undone = set(asked.effect.grains) - _copied(memory)
            return Outcome(evolve(value, copied_since=value.copied_since - undone), None)
        before = self.thaw(value)[0]
        result, writes = _perform(memory, mapfile, asked.effect)
        if asked.fault is not Fault.NONE:
            if isinstance(asked.effect, Prepare):
                mapfile.unprepare()
            landed = self._changes(writes) if asked.fault is Fault.LANDED else ()
            after = held(memory, mapfile, value.copied_since)
            return Outcome(after, None, landed, asks=bool(writes))
        since, complaint = value.copied_since, None
        if isinstance(asked.effect, Adopt):
            complaint = _moved(before, memory, asked.request, asked.effect.standing)
            if asked.effect.standing is Standing.TRACKING:
                since = _copied(memory)
        elif isinstance(asked.effect, Distrust):
            complaint = _failed(before, memory)
        found_none = isinstance(asked.effect, NextUncopied) and not result
        if found_none and memory.state is State.COPYING:
            complaint = ("COPY-3", "background copy finds nothing left to copy")
        return Outcome(held(memory, mapfile, since), result, self._changes(writes), complaint)

    def _changes(self, writes: list[MapWrite]) -> tuple[Change, ...]:
        """What writes to the map file change on its disk."""
        changes: list[Change] = []
        geometry = self._identity.geometry
        bases = [layout.map_offset(geometry, area, which) for area in (0, 1) for which in (0, 1)]
        for offset, data in writes:
            if offset < layout.PAGE:
                header = _decode_header(self._identity, data)
                changes.append(PutHeading(Heading(header.standing, header.area)))
                continue
            which = max(at for at, base in enumerate(bases) if base <= offset)
            bits = bitmap.load(data)
            first = 8 * (offset - bases[which])
            words = range(first, min(first + len(bits), geometry.grains))
            changes.append(
                PutWords(tuple((which * geometry.grains + g, bool(bits[g - first])) for g in words))
            )
        return tuple(changes)


def _perform(memory: Memory, mapfile: MapFile, effect: Effect) -> tuple[Any, list[MapWrite]]:
    """What the shipped code gives, and what it writes to the map file."""
    result: Any = None
    writes: list[MapWrite] = []
    match effect:
        case Save(runs):
            writes = mapfile.save(memory, runs)
        case Commit(standing):
            writes = mapfile.commit(standing)
        case Prepare(point):
            writes = mapfile.prepare(memory, point)
            result = bool(writes)
        case Adopt(standing):
            mapfile.adopt(memory, standing)
        case Distrust():
            mapfile.distrust(memory)
        case _:
            result = _on_bits(memory, effect)
    return result, writes


def _on_bits(memory: Memory, effect: Effect) -> Any:
    """The effects that touch nothing but the bits."""
    match effect:
        case Unsettled(grains):
            return memory.unsettled(grains)
        case Uncopied(grains):
            return memory.uncopied(grains)
        case NextUncopied(limit):
            return memory.next_uncopied(limit)
        case MarkCopied(runs):
            memory.mark_copied(runs)
        case MarkDiverged(runs):
            memory.mark_diverged(runs)
        case Settle(runs):
            memory.settle(runs)
        case _:
            raise TypeError(f"{effect} does nothing to memory")
    return None


def _copied(memory: Memory) -> frozenset[int]:
    return frozenset(g for g in range(memory.grains) if memory.copied[g])


def _begin_copying(value: Held, copying: Copying) -> Outcome:
    """MIN-2: what was copied at this point in time is not copied again."""
    again = sorted(value.copied_since & set(copying.grains))
    found = ("MIN-2", f"grain {again[0]} is copied again at one point in time") if again else None
    since = value.copied_since | set(copying.grains)
    return Outcome(evolve(value, copied_since=since), None, (), found)


def complaint_at(memory: Memory) -> tuple[str, str] | None:
    """What must hold of memory at every moment; a clause and an explanation if it does not."""
    if memory.standing is not Standing.TRACKING:
        return None
    for grain in range(memory.grains):
        if memory.modified[grain] and not memory.copied[grain]:
            return "INV-2", f"grain {grain} is modified and not copied"
    return None


def _moved(
    before: Memory, memory: Memory, request: str, standing: Standing
) -> tuple[str, str] | None:
    """LIFE-1 and MIN-1: where a start, sync or stop has led, and what a sync left copied."""
    event = _EVENTS.get(request)
    if event is None or (standing is Standing.TRACKING) == (event is lifecycle.Event.STOP):
        return None
    was, now = (lifecycle.State(m.state.value) for m in (before, memory))
    all_copied = now is lifecycle.State.COPIED
    if lifecycle.after(was, event, all_copied=all_copied) is not now:
        return "LIFE-1", f"{request} in state {was.value} leads to {now.value}"
    if event is lifecycle.Event.SYNC:
        for grain in range(memory.grains):
            clean = before.copied[grain] and not before.modified[grain]
            if clean and not memory.copied[grain]:
                return "MIN-1", f"sync makes grain {grain} look uncopied though nobody changed it"
    return None


def _failed(before: Memory, memory: Memory) -> tuple[str, str] | None:
    """LIFE-1: where a failure has led a relationship that was tracking."""
    was, now = (lifecycle.State(m.state.value) for m in (before, memory))
    if lifecycle.is_tracking(was) and now is not lifecycle.State.STOPPED:
        return "LIFE-1", f"a failure in state {was.value} leads to {now.value}"
    return None


def _decode_header(identity: Identity, sector: bytes) -> Header:
    whole = layout.encode_first_page(identity, Header(0, Standing.IDLE, 0))
    return layout.decode_first_page(sector + whole[len(sector) :])[1]


def _frozen(fields: dict[str, Any]) -> Fields:
    return tuple((name, _freeze(value)) for name, value in sorted(fields.items()))


def _freeze(value: Any) -> Any:
    if isinstance(value, bitarray):
        return frozenbitarray(value)
    if isinstance(value, Prepared):
        return evolve(
            value, copied=frozenbitarray(value.copied), modified=frozenbitarray(value.modified)
        )
    return value


def _thawed(fields: Fields) -> dict[str, Any]:
    return {name: _thaw(value) for name, value in fields}


def _thaw(value: Any) -> Any:
    if isinstance(value, bitarray):
        return bitarray(value)
    if isinstance(value, Prepared):
        return evolve(value, copied=bitarray(value.copied), modified=bitarray(value.modified))
    return value
