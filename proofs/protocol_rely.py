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
from flashcopy.proofs.protocol_invariant import headers, may_track, says_stopped
from flashcopy.proofs.protocol_logic import conj, disj, imp, neg, same
from flashcopy.proofs.protocol_state import LEAVES, State, get, kept_by


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


def rely(holding: Holding, before: State, after: State, calm: Condition) -> Condition:
    """How the state may change while a request has this holding and takes no step.

    `calm` is whether no flush of the map file failed meanwhile.
    """
    return owed((holding,), before, after, calm)


def guarantee(holding: Holding, before: State, after: State, calm: Condition) -> Condition:
    """What a step of a request with this holding owes all others that there may be."""
    if before is after:
        return True
    return owed(tuple(h for h in HOLDINGS if together(holding, h)), before, after, calm)


def owed(holdings: tuple[Holding, ...], before: State, after: State, calm: Condition) -> Condition:
    """What requests with any of these holdings rely on, each clause once."""
    unchanged = frozenset[str]().union(*map(kept, holdings))
    clauses = [same(get(before, path), get(after, path)) for path in sorted(unchanged)]
    # Whoever saw no failed flush of the map file lost no header to one.
    clauses.append(imp(conj(calm, before.maps.header_fresh), after.maps.header_fresh))
    if any(holding.anything for holding in holdings):
        clauses += _no_new_point(before, after)
    if any(holding.copier for holding in holdings):
        clauses += _prepared_is_left_alone(before, after)
    if any(holding.mode is Mode.SHARED for holding in holdings):
        clauses += _only_copied(before, after)
    if "target.now" in unchanged:
        clauses.append(kept_by(_target_durable, before, after))
    if "source.now" in unchanged:
        clauses.append(kept_by(_source_durable, before, after))
    return conj(*clauses)


def _no_new_point(before: State, after: State) -> list[Condition]:
    """No start, sync or stop takes effect; a failure may stop the relationship."""
    old, new = before.memory, after.memory
    return [
        imp(new.tracking, old.tracking),
        imp(new.idle, old.idle),
        imp(after.torn, before.torn),
        imp(old.copied, new.copied),
        imp(old.modified, new.modified),
        _is_one_of(after.maps.header, (before.maps.header,)),
        _is_one_of(after.maps.after, headers(before)),
        *(kept_by(holds, before, after) for holds in _LASTING),
    ]


def _is_one_of(header: Any, olds: tuple[Any, ...]) -> Condition:
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
        kept_by(_prepared_durable, before, after),
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


def _written_copied(state: State) -> Condition:
    return conj(state.maps.current.copied, state.memory.copied)


def _written_modified(state: State) -> Condition:
    return conj(state.maps.current.modified, state.memory.modified)


def _durably_copied(state: State) -> Condition:
    return conj(_written_copied(state), state.maps.current.copied_after)


def _durably_modified(state: State) -> Condition:
    return conj(_written_modified(state), state.maps.current.modified_after)


def _target_not_lost(state: State) -> Condition:
    return disj(state.target.fresh, state.target.doubt, neg(may_track(state)))


def _header_not_lost(state: State) -> Condition:
    return disj(state.maps.header_fresh, state.maps.doubt, says_stopped(state))


# What remains so, once it is so, while no start, sync or stop takes effect.
_LASTING = (
    _written_copied,
    _written_modified,
    _durably_copied,
    _durably_modified,
    _target_not_lost,
    _header_not_lost,
)


def _prepared_durable(state: State) -> Condition:
    other = state.maps.other
    return conj(same(other.copied, other.copied_after), same(other.modified, other.modified_after))


def _target_durable(state: State) -> Condition:
    return same(state.target.now, state.target.after)


def _source_durable(state: State) -> Condition:
    return same(state.source.now, state.source.after)
