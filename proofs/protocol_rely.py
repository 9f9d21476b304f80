"""What a request may rely on while others run, by the locks it holds, and so what others owe it.

A *holding* is what a request has of the tracked grain and of the copier lock. Which two holdings
can be had at one time is what the lock table guarantees (`lock_table`), and no more is assumed.
For each holding `rely` says how the state may change between two steps; a step must then be such
a change for everyone whose holding goes with that of the request that makes it. The relation is
reflexive and transitive, so that any number of steps of any number of others is one of its pairs.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import frozen

from flashcopy.model.choice import Condition
from flashcopy.proofs.protocol_invariant import headers, may_track
from flashcopy.proofs.protocol_logic import conj, disj, imp, neg, same
from flashcopy.proofs.protocol_state import Area, LEAVES, State, get


class Mode(Enum):
    """What a request holds of the grains, seen from the tracked one."""

    NONE = "no grains"
    OTHERS = "other grains"
    SHARED = "the grain, shared"
    EXCLUSIVE = "the grain, alone"
    ALL = "all grains, alone"


@frozen
class Holding:
    """The locks a request holds."""

    mode: Mode = Mode.NONE
    copier: bool = False

    @property
    def anything(self) -> bool:
        """Whether it holds any lock at all, which keeps the last steps of a sync away."""
        return self.copier or self.mode is not Mode.NONE


HOLDINGS = tuple(Holding(mode, copier) for mode in Mode for copier in (False, True))

_APART = {
    frozenset(pair)
    for pair in (
        (Mode.ALL, Mode.OTHERS),
        (Mode.ALL, Mode.SHARED),
        (Mode.ALL, Mode.EXCLUSIVE),
        (Mode.ALL,),
        (Mode.EXCLUSIVE, Mode.SHARED),
        (Mode.EXCLUSIVE,),
    )
}


def together(first: Holding, second: Holding) -> bool:
    """Whether two requests can have these holdings at one time."""
    apart = frozenset((first.mode, second.mode)) in _APART
    return not apart and not (first.copier and second.copier)


_DATA = ("source.now", "image")
_BITS = ("memory.modified",)
_SYNCING = tuple(
    path
    for path in LEAVES
    if path.startswith(("maps.", "memory.")) and not path.endswith((".survives",))
)


def kept(holding: Holding) -> frozenset[str]:
    """The leaves of the state that nobody else changes."""
    paths: tuple[str, ...] = ()
    mode, copier = holding.mode, holding.copier
    if mode in (Mode.SHARED, Mode.EXCLUSIVE, Mode.ALL):
        paths += _DATA + _BITS
    if mode in (Mode.EXCLUSIVE, Mode.ALL) or (mode is Mode.SHARED and copier):
        paths += ("target.now", "memory.copied")
    if copier:
        paths += ("maps.other.copied", "maps.other.modified")
    if mode is Mode.ALL and copier:
        paths += _SYNCING + ("torn",)
    return frozenset(paths)


def keep(holding: Holding, state: State) -> Mapping[str, Any]:
    """Their values."""
    return {path: get(state, path) for path in kept(holding)}


def rely(holding: Holding, before: State, after: State) -> Condition:
    """How the state may change while a request has this holding and takes no step."""
    clauses = [same(get(before, path), get(after, path)) for path in kept(holding)]
    clauses.append(_failures_are_counted(before, after))
    if holding.anything:
        clauses += _no_new_point(before, after)
    if holding.copier:
        clauses += _prepared_is_left_alone(before, after)
    if holding.mode is Mode.SHARED:
        clauses += _only_copied(before, after)
    if "target.now" in kept(holding):
        clauses.append(_stays(_target_durable, before, after))
    if "source.now" in kept(holding):
        clauses.append(_stays(_source_durable, before, after))
    return conj(*clauses)


def _failures_are_counted(before: State, after: State) -> Condition:
    """Whoever saw no failed flush of the map file lost no header to one."""
    return conj(
        after.maps.failures >= before.maps.failures,
        imp(
            conj(same(before.maps.failures, after.maps.failures), before.maps.header_fresh),
            after.maps.header_fresh,
        ),
    )


def _no_new_point(before: State, after: State) -> list[Condition]:
    """No start, sync or stop takes effect; a failure may stop the relationship."""
    old, new = before.memory, after.memory
    return [
        imp(new.tracking, old.tracking),
        imp(new.idle, old.idle),
        imp(after.torn, before.torn),
        imp(old.copied, new.copied),
        imp(old.modified, new.modified),
        _is_one_of(before, after.maps.header, (before.maps.header,)),
        _is_one_of(before, after.maps.after, headers(before)),
        _stays(lambda state: _all_say(state.maps.current, state.memory, "copied"), before, after),
        _stays(
            lambda state: _all_say(state.maps.current, state.memory, "modified"), before, after
        ),
        _stays(
            lambda s: disj(s.target.fresh, s.target.doubt, neg(may_track(s))), before, after
        ),
    ]


def _is_one_of(_: State, header: Any, olds: tuple[Any, ...]) -> Condition:
    """A header that says more than stopped was there before."""
    return conj(
        imp(
            header.tracking,
            disj(*(conj(old.tracking, same(old.here, header.here)) for old in olds)),
        ),
        imp(header.idle, disj(*(old.idle for old in olds))),
    )


def _prepared_is_left_alone(before: State, after: State) -> list[Condition]:
    """Nobody else writes the other area; a failure may make memory forget what is there."""
    old, new = before.memory, after.memory
    return [
        imp(
            new.prepared,
            conj(
                old.prepared,
                same(old.next_copied, new.next_copied),
                same(old.next_modified, new.next_modified),
            ),
        ),
        _stays(lambda state: _is_durable(state.maps.other), before, after),
    ]


def _only_copied(before: State, after: State) -> list[Condition]:
    """CONC-3: an uncopied grain may become copied, and reads the same afterwards."""
    return [
        imp(before.memory.copied, same(before.target.now, after.target.now)),
        imp(
            conj(neg(before.memory.copied), after.memory.copied),
            same(after.target.now, before.source.now),
        ),
    ]


def _stays(holds: Any, before: State, after: State) -> Condition:
    """What is so remains so."""
    return imp(holds(before), holds(after))


def _all_say(area: Area, memory: Any, bit: str) -> Condition:
    versions = getattr(area, bit), getattr(area, f"{bit}_after")
    return conj(*versions, getattr(memory, bit))


def _is_durable(area: Area) -> Condition:
    return conj(
        same(area.copied, area.copied_after), same(area.modified, area.modified_after)
    )


def _target_durable(state: State) -> Condition:
    return same(state.target.now, state.target.after)


def _source_durable(state: State) -> Condition:
    return same(state.source.now, state.source.after)
