"""All requests of an exploration as one program: their program points numbered, in arrays.

Number 0 is a request that has ended. An acquiring program point takes three numbers: it may be
about to ask, waiting in line, or granted and not yet gone on. Every step leads to a program point
of higher *rank*, so a state's rank, the sum of its requests' ranks, grows with every step; the
search goes by that. An ended request has the highest rank.

Where devices may fail, a program point has besides what a fault there does: which faults can be,
what is left of its effect on memory, and the code of the error that the request gets.
"""

from enum import IntEnum
from typing import Any

from attrs import frozen

from flashcopy.harness.requests import Ask
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    TARGET,
    Device,
    State,
)
from flashcopy.impl.geometry import Geometry
from flashcopy.proofs.explorer import block as blocks
from flashcopy.proofs.explorer import mapdisk
from flashcopy.proofs.explorer.answers import Failed, Judged
from flashcopy.proofs.explorer.automaton import EndlessRequestError, Node
from flashcopy.proofs.explorer.memory import Asked
from flashcopy.proofs.explorer.tables import Numbers, Values

ENDED = 0
COPIER_LINE, GRAINS_LINE = 0, 1
STATES = tuple(State)
# How many errors there are: of each device, with and without loss of what was written before.
ERRORS = 6


class Kind(IntEnum):
    """How a program point's step is carried out."""

    ENDED = 0
    WAITING = 1
    ASK = 2
    GRANTED = 3
    MEMORY = 4
    POINT = 5
    FLUSH = 6
    NOTHING = 7
    READ = 8
    WRITE = 9


@frozen
class End:
    """How a request ended: which one, and what its way there says of that."""

    request: str
    judged: Judged


@frozen(eq=False)
class Program:
    """Program points as arrays, indexed by their number; the other tables by what these hold.

    `follow[point, code]` is the point after a result (`code_of`); points from `ends_from` on are
    ends, in the order of `ends`. `live` masks the registers that may still be written.
    """

    starts: dict[Ask, int]
    nodes: tuple[Node | None, ...]
    names: tuple[str, ...]
    ends_from: int
    ends: tuple[End, ...]
    kind: Numbers
    rank: Numbers
    follow: Numbers
    live: Numbers
    memory_effect: Numbers
    map_change: Numbers
    block_change: Numbers
    block: Numbers
    token: Numbers
    by_host: Numbers
    on_target: Numbers
    of_target: Numbers
    is_start: Numbers
    # A claim's number, 0 for none: grains held, the copier held, grains or copier waited for.
    holds_grains: Numbers
    holds_copier: Numbers
    waits_for: Numbers
    waits_line: Numbers
    conflicts: Numbers
    # Which faults can be: 1 lost, 2 landed; and what they do.
    faults: Numbers
    lost_effect: Numbers
    landed_effect: Numbers
    error: Numbers
    failing: Numbers
    flush: Numbers
    doubt: Numbers
    memory_effects: Values[Asked]
    map_changes: Values[mapdisk.Change | None]
    block_changes: Values[blocks.Change | None]
    flushes: Values[tuple[Device, ...]]


def code_of(geometry: Geometry, result: Any) -> int:
    """A result as a small number; results of one effect never share one."""
    match result:
        case None:
            return 0
        case bool():
            return int(result)
        case State():
            return STATES.index(result)
        case range():
            return result.start * (geometry.grains + 1) + result.stop if result else 0
        case tuple():
            return sum(1 << grain for run in result for grain in run)
        case Failed(device, lost):
            return codes(geometry) + error_code(device, lost=lost)
    raise EndlessRequestError(f"an effect gave {result!r}")


def error_code(device: Device, *, lost: bool) -> int:
    """An error among the errors."""
    return 2 * (SOURCE, TARGET, MAP).index(device) + lost


def codes(geometry: Geometry) -> int:
    """How many codes there are without the errors."""
    return max(4, 1 << geometry.grains, (geometry.grains + 1) ** 2)
