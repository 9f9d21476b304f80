"""The counterexamples of the protocol proofs as traces that `flashcopy replay` runs again.

The state that the solver begins in becomes the initial state of a trace: what is in caches and on
disks, in memory and in the map file, of the block that is followed. The block beside it, and the
other grain, get the same with other data. Then `witness` looks for the run that does harm. Where
nobody is harmed while nobody else is about, `protocol_explored` looks among others.
"""

from collections.abc import Iterator
from typing import Any, Final

from attrs import evolve

from flashcopy.harness.result import Finding
from flashcopy.impl.effect import Flush
from flashcopy.model.choice import Condition
from flashcopy.model.grain import Grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State as Lifecycle
from flashcopy.model.operation import BackgroundCopy, Operation, Read, Start, Stop, Sync, Write
from flashcopy.model.operation import Flush as FlushOperation
from flashcopy.model.trace import Durable, Fault, Initial, Trace
from flashcopy.proofs import protocol_mutants, witness
from flashcopy.proofs.protocol_explored import HARMLESS_ANYHOW, among_others
from flashcopy.proofs.protocol_logic import conj, imp, neg, same
from flashcopy.proofs.protocol_request import Asked, Bytes, Path, Runner
from flashcopy.proofs.protocol_run import Lonely, Subject, alone
from flashcopy.proofs.protocol_state import State
from flashcopy.proofs.witness import BLOCK, GEOMETRY, Setting

_CONTENT: Final = 1000
_SECONDS: Final = 20.0
# Contents of one block that are so far apart are never the same.
_DIFFERENT: Final = 5


def trace_of(name: str, subject: Subject, asked: Asked, **values: Any) -> Trace | None:
    """The trace of `finding_of`, whatever values refuted it; for a state is looked for that can be
    told."""
    del values
    found = finding_of(name, subject, asked)
    return found.trace if found else None


def finding_of(name: str, subject: Subject, asked: Asked, seed: int = 0) -> Finding | None:
    """What a fault does to somebody, with the trace that shows it; None if no run shows it.

    `name` is that of the mutant, empty for the protocol as it is; `seed` the solver's.
    """
    found = by_itself(name, subject, asked, seed)
    if found or name in HARMLESS_ANYHOW:
        return found
    return among_others(name, keep_target=asked.keep_target)


def by_itself(name: str, subject: Subject, asked: Asked, seed: int = 0) -> Finding | None:
    """The same from a state of the solver's, with nobody else in flight at that time."""
    settings = {"mutant": name} if name else {}
    for lonely in alone(subject, asked, can_be_told, _SECONDS, seed):
        told = _told(subject, asked, lonely, settings)
        found = witness.search(told, protocol_mutants.by_name)
        if found:
            return found
    return None


def operation_of(asked: Asked) -> Operation:
    """What a host asks for, or what the copier or an administrator does."""
    offset, length = asked.blocks.start * BLOCK, len(asked.blocks) * BLOCK
    simple: dict[str, Operation] = {
        "start": Start(),
        "sync": Sync(),
        "stop": Stop(),
        "background_copy": BackgroundCopy(1),
    }
    if asked.name in simple:
        return simple[asked.name]
    kind, _, volume = asked.name.partition("_")
    match kind:
        case "read":
            return Read(Volume(volume), offset, length)
        case "write":
            return Write(Volume(volume), offset, length, _CONTENT)
        case _:
            return FlushOperation(Volume(volume))


def can_be_told(state: State) -> Condition:
    """The states that a trace can begin in.

    One durable header, nothing prepared, no sync at its last steps; bits that only ever rose; and a
    device of which a flush failed has all its unflushed writes in doubt.
    """
    maps, memory = state.maps, state.memory
    current = maps.current
    return conj(
        *(imp(memory.modified, memory.copied), imp(current.modified, current.copied)),
        *(imp(current.copied_after, current.copied), imp(current.copied, memory.copied)),
        *(imp(current.modified_after, current.modified), imp(current.modified, memory.modified)),
        neg(state.torn),
        neg(memory.prepared),
        maps.header.here,
        maps.after.here,
        *(
            same(getattr(maps.header, name), getattr(maps.after, name))
            for name in ("tracking", "idle", "image", "survives")
        ),
        *(same(neg(side.fresh), side.doubt) for side in (state.source, state.target)),
        same(neg(maps.current.fresh), maps.doubt),
        same(neg(maps.header_fresh), maps.doubt),
        maps.other.fresh,
        *(maps.other.copied, maps.other.copied_after),
        *(neg(maps.other.modified), neg(maps.other.modified_after)),
    )


def _told(
    subject: Subject, asked: Asked, lonely: Lonely, settings: dict[str, str]
) -> Iterator[Setting]:
    """The solver's state and failures, with each of a few states of the other grain."""
    for initial in _initials(lonely.first):
        head = Trace(GEOMETRY, (), initial=initial, settings=_options(asked, settings))
        for faults in _faults(subject, asked, lonely.path) or [{}]:
            yield Setting(head, operation_of(asked), faults)


def _faults(subject: Subject, asked: Asked, path: Path) -> list[dict[int, Fault]]:
    """The failures on a path, by the number of the effect: before and after it is done."""
    runner = Runner(asked, subject.rewrite, Bytes())
    ways = []
    for how in (Fault.LOST, Fault.LANDED):
        faults = {}
        for step, result in enumerate(path):
            effect = runner.at(path[:step]).effect
            if result.failed and isinstance(effect, Flush):
                faults[step] = Fault.LOST if result.failed is effect.devices[0] else Fault.LANDED
            elif result.failed:
                faults[step] = how
        if faults and faults not in ways:
            ways.append(faults)
    return ways


def _options(asked: Asked, settings: dict[str, str]) -> dict[str, str]:
    return settings | ({"keep_target": "yes"} if asked.keep_target else {})


def _initials(state: State) -> Iterator[Initial]:
    """The followed grain as the solver has it; the other one likewise, or settled."""
    grain, durable = _grain(state, 0)
    likewise = _grain(state, 1)
    other = likewise[0]
    # Diverged, or who overwrites the target would harm nobody.
    target = tuple(content + _DIFFERENT for content in other.source)
    settled = (
        evolve(other, target=target, copied=True, modified=True),
        Durable(other.source, target, True, True, True, True, True),
    )
    memory, header = state.memory, state.maps.after
    recorded = _lifecycle(header)
    doubtful = tuple(
        name
        for name, doubt in (
            ("source", state.source.doubt),
            ("target", state.target.doubt),
            ("map", state.maps.doubt),
        )
        if doubt
    )
    for other_grain, other_durable in (likewise, settled):
        grains = (grain, other_grain)
        lifecycle = _lifecycle(memory)
        if lifecycle is Lifecycle.COPYING and all(one.copied for one in grains):
            lifecycle = Lifecycle.COPIED
        yield Initial(
            lifecycle,
            grains,
            durable=(durable, other_durable),
            recorded=recorded,
            doubtful=doubtful,
        )


def _lifecycle(part: Any) -> Lifecycle:
    if part.tracking:
        return Lifecycle.COPYING
    return Lifecycle.IDLE if part.idle else Lifecycle.STOPPED


def _grain(state: State, number: int) -> tuple[Grain, Durable]:
    """Two blocks that hold what the followed one does, with data of their own."""
    small: dict[int, int] = {}
    for value in (state.source.after, state.target.after, state.source.now, state.target.now):
        small.setdefault(value, len(small) + 1)

    def both(value: int) -> tuple[int, int]:
        first = 20 * number + small[value]
        return first, first + 10

    memory, current = state.memory, state.maps.current
    grain = Grain(
        both(state.source.now), both(state.target.now), bool(memory.copied), bool(memory.modified)
    )
    return grain, Durable(
        source=both(state.source.after),
        target=both(state.target.after),
        copied=current.copied_after,
        modified=current.modified_after,
        written_copied=current.copied,
        written_modified=current.modified,
        settled=memory.settled,
    )
