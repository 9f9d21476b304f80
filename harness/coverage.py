"""What a validation has been through, counted: so that it can be required to have seen it all.

A test that never crashed inside a sync has not tested crashes inside a sync, however many
examples it ran. Everything that must have happened has a name here, and `missing` says which of
them did not.
"""

from collections import Counter
from typing import get_args

from flashcopy.impl.effect import Effect
from flashcopy.model.lifecycle import TABLE, Event, State

REQUESTS = (
    "read_source",
    "read_target",
    "write_source",
    "write_target",
    "flush_source",
    "flush_target",
    "background_copy",
    "start",
    "sync",
    "stop",
)
EFFECTS = tuple(effect.__name__ for effect in get_args(Effect))
# Effects whose device can be made to fail.
FALLIBLE = ("Read", "Write", "Flush", "Save", "Prepare", "Commit")


def edge(state: State, event: Event) -> str:
    """The name of a cell of the lifecycle table."""
    return f"lifecycle: {state.value}, {event.value}"


REQUIRED = frozenset(
    [f"request {name}" for name in REQUESTS]
    + [f"effect {name}" for name in EFFECTS]
    + [f"crash before {name}" for name in EFFECTS]
    + [f"failure of {name}" for name in FALLIBLE]
    + [edge(cell.state, cell.event) for cell in TABLE]
    + ["wait for AcquireGrains", "wait for AcquireCopier", "zeroes", "several grains", "nothing"]
)


def missing(counts: Counter[str]) -> list[str]:
    """What must have happened and did not, in order."""
    return sorted(name for name in REQUIRED if not counts[name])
