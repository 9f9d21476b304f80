"""One block of one grain, everywhere it is: on three disks and in memory.

The proofs follow one block while any requests run. What a crash would leave of it is settled
beforehand by an arbitrary choice for each write, *kept or lost* (DISK-4), that nobody can see: so
each volume's block has one value `now` and one value `after`, after a crash at this moment, and
what is proved of an arbitrary choice holds for every subset of unflushed writes.

The two map areas are named as memory sees them, `current` and `other`; a header says with `here`
whether it names the current one. Beside what is really there stand two values that only the
proof knows: with each header the target's image that it promises (`image` with all target writes,
`survives` with those a crash keeps), and `image`, what a reader of the target must see now.
`torn` says that a header was written which memory does not follow yet.
"""

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any

import attrs
import z3
from attrs import frozen

from flashcopy.model.choice import Condition
from flashcopy.proofs.protocol_logic import imp
from flashcopy.proofs.sorts import BIT, NUMBER, Function, Sort

Data = Any


@frozen
class Side:
    """The block on a volume. `fresh`: written since a flush failed, or none ever did."""

    now: Data
    after: Data
    fresh: Condition
    doubt: Condition


@frozen
class Area:
    """The grain's bits in one area of the map file."""

    copied: Condition
    copied_after: Condition
    modified: Condition
    modified_after: Condition
    fresh: Condition


@frozen
class Header:
    """A header sector: neither tracking nor idle is stopped. `image`, `survives`: see above."""

    tracking: Condition
    idle: Condition
    here: Condition
    image: Data
    survives: Data


@frozen
class Maps:
    """The map file: its header now and after a crash, its areas, and how its flushes fared."""

    header: Header
    after: Header
    header_fresh: Condition
    current: Area
    other: Area
    doubt: Condition


@frozen
class Memory:
    """What memory holds of the grain; neither tracking nor idle is stopped."""

    tracking: Condition
    idle: Condition
    copied: Condition
    modified: Condition
    settled: Condition
    prepared: Condition
    next_copied: Condition
    next_modified: Condition


@frozen
class State:
    """All of it at one moment."""

    source: Side
    target: Side
    maps: Maps
    memory: Memory
    image: Data
    torn: Condition


_PARTS: Mapping[str, type] = {
    "source": Side,
    "target": Side,
    "maps": Maps,
    "memory": Memory,
    "maps.header": Header,
    "maps.after": Header,
    "maps.current": Area,
    "maps.other": Area,
}
_NUMBERS = ("now", "after", "image", "survives")


def build(leaf: Callable[[str], Any], part: type = State, path: str = "") -> Any:
    """A State whose leaves come from a function of their path, such as `maps.header.idle`."""
    values = {}
    for name in attrs.fields_dict(part):
        full = f"{path}.{name}" if path else name
        values[name] = build(leaf, _PARTS[full], full) if full in _PARTS else leaf(full)
    return part(**values)


def get(state: State, path: str) -> Any:
    """One leaf of a state."""
    return _GETTERS[path](state)


def _leaves() -> tuple[str, ...]:
    paths: list[str] = []
    build(paths.append)
    return tuple(paths)


LEAVES = _leaves()
_GETTERS = {path: attrgetter(path) for path in LEAVES}


def _is_number(path: str) -> bool:
    return path.rpartition(".")[2] in _NUMBERS


def _sort(path: str) -> Sort:
    return Function((NUMBER,), NUMBER if _is_number(path) else BIT)


# A state for every step of a run: each leaf is a function of the step's number.
STATES: Mapping[str, Sort] = {path: _sort(path) for path in LEAVES}


def state_at(variables: Mapping[str, Any], step: int, keep: Mapping[str, Any]) -> State:
    """The state before a step: arbitrary, but for the leaves in `keep`."""
    state: State = build(
        lambda path: keep[path] if path in keep else variables[path](step),
    )
    return state


@cache
def reads(predicate: Callable[[State], Condition]) -> tuple[str, ...]:
    """The leaves that a predicate looks at."""
    symbols = {p: z3.Int(p) if _is_number(p) else z3.Bool(p) for p in LEAVES}
    todo, found = [predicate(build(symbols.__getitem__))], set[str]()
    seen = set[int]()
    while todo:
        term = todo.pop()
        if isinstance(term, bool) or term.get_id() in seen:
            continue
        seen.add(term.get_id())
        found.add(term.decl().name())
        todo.extend(term.children())
    return tuple(path for path in LEAVES if path in found)


def kept_by(predicate: Callable[[State], Condition], before: State, after: State) -> Condition:
    """What held before holds after; nothing is to be shown where it looks at nothing changed."""
    if all(get(before, path) is get(after, path) for path in reads(predicate)):
        return True
    return imp(predicate(before), predicate(after))


def holds_still(predicate: Callable[[State], Condition], before: State, after: State) -> Condition:
    """The same where it is known to have held before."""
    if all(get(before, path) is get(after, path) for path in reads(predicate)):
        return True
    return predicate(after)
