"""The lifecycle of a relationship: which request is allowed in which state, and what follows.

The whole of it is one table (LIFE-1). `idle` means two independent volumes, `copying` and
`copied` that writes are tracked, `stopped` that the target is no usable image: it refuses I/O
until the next start, while the source works on.
"""

from enum import Enum

from attrs import frozen


class State(Enum):
    """The four states a relationship can be in."""

    IDLE = "idle"
    COPYING = "copying"
    COPIED = "copied"
    STOPPED = "stopped"


class Event(Enum):
    """What can move a relationship from one state to another."""

    START = "start"
    SYNC = "sync"
    STOP = "stop"
    LAST_GRAIN_COPIED = "last grain copied"
    FAILURE = "the target or the map fails"


@frozen
class Edge:
    """One cell of the table: what an event leads to in a state."""

    state: State
    event: Event
    next: State
    # SYNC with nothing to copy again stays copied; every other event leads to one state.
    next_if_all_copied: State | None = None


# Cells that are absent are refused (START, SYNC, STOP) or cannot happen (the other two).
TABLE: tuple[Edge, ...] = (
    Edge(State.IDLE, Event.START, State.COPYING),
    Edge(State.IDLE, Event.STOP, State.IDLE),
    Edge(State.COPYING, Event.START, State.COPYING),
    Edge(State.COPYING, Event.SYNC, State.COPYING),
    Edge(State.COPYING, Event.STOP, State.STOPPED),
    Edge(State.COPYING, Event.LAST_GRAIN_COPIED, State.COPIED),
    Edge(State.COPYING, Event.FAILURE, State.STOPPED),
    Edge(State.COPIED, Event.START, State.COPYING),
    Edge(State.COPIED, Event.SYNC, State.COPYING, next_if_all_copied=State.COPIED),
    Edge(State.COPIED, Event.STOP, State.IDLE),
    Edge(State.COPIED, Event.FAILURE, State.STOPPED),
    Edge(State.STOPPED, Event.START, State.COPYING),
    Edge(State.STOPPED, Event.STOP, State.STOPPED),
)

_EDGES = {(edge.state, edge.event): edge for edge in TABLE}


def edge(state: State, event: Event) -> Edge | None:
    """The table's cell, or None where the event is refused or cannot happen."""
    return _EDGES.get((state, event))


def after(state: State, event: Event, *, all_copied: bool) -> State | None:
    """The state that follows, or None where the event is refused or cannot happen.

    `all_copied` is whether every grain is copied once the event has done its work on the maps.
    """
    cell = edge(state, event)
    if cell is None:
        return None
    if all_copied and cell.next_if_all_copied is not None:
        return cell.next_if_all_copied
    return cell.next


def is_tracking(state: State) -> bool:
    """Whether writes are tracked, so that a sync has something to go by."""
    return state in (State.COPYING, State.COPIED)


def target_is_usable(state: State) -> bool:
    """LIFE-3: whether the target is an image that may be read and written."""
    return state is not State.STOPPED
