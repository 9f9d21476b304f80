"""Lifecycle: the table is total, and each state means what it says.

The table is small enough to be asked cell by cell, and what its states promise is asked of
`model.volume` on every small volume in that state: `copying` if and only if something is uncopied,
no data from a target in `stopped`, nothing changed by what is refused.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from flashcopy.model import lifecycle
from flashcopy.model.lifecycle import Edge, Event, State
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import OneOf


@frozen
class Lifecycle:
    """The table of `model.lifecycle` and its functions."""

    table: tuple[Edge, ...]
    after: Callable[..., State | None]
    is_tracking: Callable[[State], bool]
    target_is_usable: Callable[[State], bool]


def shipped() -> Lifecycle:
    """The lifecycle as it is now."""
    return Lifecycle(
        table=lifecycle.TABLE,
        after=lifecycle.after,
        is_tracking=lifecycle.is_tracking,
        target_is_usable=lifecycle.target_is_usable,
    )


def is_total(life: Lifecycle, state: State, event: Event, all_copied: bool) -> Statement:
    """START and STOP always lead on; SYNC and FAILURE while tracking; the last grain in copying."""
    happens = {
        Event.START: True,
        Event.STOP: True,
        Event.SYNC: life.is_tracking(state),
        Event.FAILURE: life.is_tracking(state),
        Event.LAST_GRAIN_COPIED: state is State.COPYING,
    }[event]
    leads_on = isinstance(life.after(state, event, all_copied=all_copied), State)
    return Statement(given=True, claim=leads_on == happens)


def has_one_cell(life: Lifecycle, state: State, event: Event, all_copied: bool) -> Statement:
    """No cell is written twice, and `after` goes by the one there is."""
    cells = [edge for edge in life.table if (edge.state, edge.event) == (state, event)]
    following = {
        edge.next_if_all_copied if all_copied and edge.next_if_all_copied else edge.next
        for edge in cells
    }
    after = life.after(state, event, all_copied=all_copied)
    said = following == set() if after is None else following == {after}
    return Statement(given=True, claim=len(cells) <= 1 and said)


def leads_where_it_must(life: Lifecycle, state: State, event: Event, all_copied: bool) -> Statement:
    """The promise of each event, for a volume whose maps are then all copied, or not."""
    after = life.after(state, event, all_copied=all_copied)
    must_be = {
        Event.START: State.COPYING,
        Event.SYNC: State.COPIED if all_copied else State.COPYING,
        Event.STOP: {State.COPIED: State.IDLE, State.COPYING: State.STOPPED}.get(state, state),
        Event.FAILURE: State.STOPPED,
        Event.LAST_GRAIN_COPIED: State.COPIED,
    }[event]
    return Statement(
        given=_is_possible(state, event, all_copied) and after is not None,
        claim=after is must_be,
    )


def _is_possible(state: State, event: Event, all_copied: bool) -> bool:
    """Whether the maps can be so after the event: a sync of a copying volume leaves its rest."""
    if event is Event.START:
        return not all_copied
    if event is Event.SYNC:
        return not (all_copied and state is State.COPYING)
    return event is not Event.LAST_GRAIN_COPIED or all_copied


def tracks_if_copying(life: Lifecycle, state: State) -> Statement:
    """Tracking is on in copying and copied, and off when nothing ties the volumes."""
    usable = state is not State.STOPPED
    return Statement(
        given=True,
        claim=life.is_tracking(state) == (state in (State.COPYING, State.COPIED))
        and life.target_is_usable(state) == usable,
    )


def changed(life: Lifecycle, *edges: Edge, without: tuple[State, Event] | None = None) -> Lifecycle:
    """The lifecycle with these cells put in place of their like, and one left out."""
    replaced = {(edge.state, edge.event) for edge in edges} | {without}
    kept = tuple(edge for edge in life.table if (edge.state, edge.event) not in replaced)
    cells = {(edge.state, edge.event): edge for edge in kept + edges}

    def after(state: State, event: Event, *, all_copied: bool) -> State | None:
        cell = cells.get((state, event))
        if cell is None:
            return None
        return (all_copied and cell.next_if_all_copied) or cell.next

    return evolve(life, table=kept + edges, after=after)


def _picture(life: Lifecycle, state: State, event: Event | None = None, **_: Any) -> Picture:
    if event is None:
        tracking, usable = life.is_tracking(state), life.target_is_usable(state)
        return Picture((f"{state.value}: tracking {tracking}, target usable {usable}",))
    cells = [edge for edge in life.table if (edge.state, edge.event) == (state, event)]
    said = ", ".join(edge.next.value for edge in cells) or "no cell"
    return Picture((f"{state.value}, {event.value}: {said}",))


def obligations() -> tuple[Obligation, ...]:
    """Of the table."""
    life = shipped()
    states = OneOf(State)
    cell = {"state": states, "event": OneOf(Event), "all_copied": OneOf((False, True))}
    idle, copying, copied, stopped = State.IDLE, State.COPYING, State.COPIED, State.STOPPED
    duplicate = evolve(life, table=(*life.table, Edge(stopped, Event.STOP, idle)))
    return (
        Obligation(
            name="lifecycle.total",
            clauses=("LIFE-1", "SYNC-3"),
            says="In every state every event leads on, is refused or cannot happen, as it must.",
            variables=cell,
            subject=life,
            state=is_total,
            mutants=(
                Mutant("no stop in stopped", changed(life, without=(stopped, Event.STOP))),
                Mutant("no failure in copied", changed(life, without=(copied, Event.FAILURE))),
                Mutant("sync in idle", changed(life, Edge(idle, Event.SYNC, copying))),
                Mutant("sync in stopped", changed(life, Edge(stopped, Event.SYNC, copying))),
            ),
            picture=_picture,
        ),
        Obligation(
            name="lifecycle.unambiguous",
            clauses=("LIFE-1",),
            says="The table has one cell at most for a state and an event, and it is obeyed.",
            variables=cell,
            subject=life,
            state=has_one_cell,
            mutants=(
                Mutant("a cell written twice", duplicate),
                Mutant(
                    "a cell not obeyed",
                    evolve(life, after=changed(life, Edge(copied, Event.STOP, stopped)).after),
                ),
            ),
            picture=_picture,
        ),
        Obligation(
            name="lifecycle.leads-on",
            clauses=("START-1", "SYNC-1", "STOP-1", "COPY-4", "ERR-5"),
            says="Start leads to copying, sync to copying unless all is copied, stop to idle only"
            " from a complete copy, a failure to stopped.",
            variables=cell,
            subject=life,
            state=leads_where_it_must,
            mutants=(
                Mutant("start changes nothing", changed(life, Edge(stopped, Event.START, stopped))),
                Mutant("sync stays copied", changed(life, Edge(copied, Event.SYNC, copied))),
                Mutant("sync of nothing copies", changed(life, Edge(copied, Event.SYNC, copying))),
                Mutant(
                    "stop before complete gives idle",
                    changed(life, Edge(copying, Event.STOP, idle)),
                ),
                Mutant("failure goes on", changed(life, Edge(copied, Event.FAILURE, copied))),
                Mutant("stop revives", changed(life, Edge(stopped, Event.STOP, idle))),
            ),
            picture=_picture,
        ),
        Obligation(
            name="lifecycle.states",
            clauses=("LIFE-1", "LIFE-2", "LIFE-3"),
            says="Writes are tracked in copying and copied; only a stopped target is unusable.",
            variables={"state": states},
            subject=life,
            state=tracks_if_copying,
            mutants=(
                Mutant("idle tracks", evolve(life, is_tracking=lambda s: s is not stopped)),
                Mutant("stopped target usable", evolve(life, target_is_usable=lambda _: True)),
                Mutant("idle target unusable", evolve(life, target_is_usable=life.is_tracking)),
            ),
            picture=_picture,
        ),
    )
