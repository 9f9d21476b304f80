"""The smallest faults of the protocol, one by one, and those of them that do no harm.

Every effect of every generator is left out, and every effect that can come directly after another
is carried out before it. Each such protocol is put to the theorems of `protocol_obligations`. What
they do not refute stands in `HARMLESS` with the reason; a test holds this table to what is found.
"""

from collections.abc import Iterator, Mapping

import z3
from attrs import frozen

from flashcopy.proofs.protocol_logic import conj, neg
from flashcopy.proofs.protocol_points import points, reached, swapped, without
from flashcopy.proofs.protocol_request import Asked, requests
from flashcopy.proofs.protocol_run import Subject, state_theorem
from flashcopy.proofs.solvers import Satisfiable, ask_z3
from flashcopy.proofs.symbolic import as_formula

_FLUSH = "a flush makes no image change and may come at any time"

HARMLESS: Mapping[str, str] = {
    "without _diverge: Settle": "only speed: the next write to the grain prepares it once more",
    "without _prepare: Flush": "only speed: the source is flushed again inside the lock",
    "without _prepare: Prepare": "only speed: all of the maps is written inside the lock",
    "read_target: Read 2 before read_target: Uncopied": "the lock keeps the source as it is;"
    " where it was the wrong side, the right one is read after",
    "_diverge: Uncopied before write_source: Unsettled": "two questions under one lock",
    "_diverge: Uncopied before write_target: Unsettled": "two questions under one lock",
    "_stop_durably: Distrust before write_source: Unsettled": "it is stopped; distrusted once"
    " more, it is recorded once more",
    "flush_target: Flush before flush_target: AcquireGrains": f"{_FLUSH}; it is refused after",
    "background_copy: AcquireGrains before background_copy: NextUncopied": "it needs the run that"
    " is found: guessed wrong, the right one is locked after; two locks are what `locks.order`"
    " refutes",
    "_copy: Read before background_copy: Uncopied": "the lock keeps the source as it is",
    "_copy: Read before _diverge: Uncopied": "the lock keeps the source as it is",
    "_prepare: Flush before start: AcquireCopier": _FLUSH,
    "_prepare: Flush before start: Unsettled": _FLUSH,
    "_prepare: Flush before sync: AcquireCopier": _FLUSH,
    "_prepare: Flush before _end_tracking: Adopt": _FLUSH,
    "_prepare: Prepare before _prepare: Flush": "the source need not be durable before Commit",
    "write_target: Write before _diverge: Settle": "settled is for later requests, which wait",
    "write_source: Write before _diverge: Settle": "settled is for later requests, which wait",
    "write_source: Write before _end_tracking: Adopt": "the stop is durable; memory follows"
    " before the grain is free",
    "sync: AcquireGrains before _prepare: Flush 2": "only speed: hosts wait for the flush",
    "start: AcquireGrains before _prepare: Flush 2": "only speed: hosts wait for the flush",
    "_stop_durably: Distrust before _end_tracking: Distrust": "the same effect twice",
}

# The cheapest to prove first, for most faults are in several requests.
_ORDER = (
    *("read_source", "read_target", "flush_source", "flush_target", "stop"),
    *("write_target", "sync", "background_copy", "write_source", "start"),
)


@frozen
class Fault:
    """One fault, and the requests that come by it, cheapest first."""

    name: str
    subject: Subject
    asked: tuple[Asked, ...]

    @property
    def is_refuted(self) -> bool:
        """Whether the theorem about one of the requests fails. Raises if a solver gives up."""
        return any(_is_refuted(self.subject, asked) for asked in self.asked)


def faults() -> Iterator[Fault]:
    """Every effect left out, then every two neighbours swapped."""
    ways = {asked: reached(asked) for asked in sorted(_main_shapes(), key=_rank)}
    by_place = {point.place: point for point in points()}
    for place, point in by_place.items():
        asked = tuple(a for a, (places, _) in ways.items() if place in places)
        yield Fault(f"without {point.name}", Subject(without(point)), asked)
    for pair in sorted(set().union(*(pairs for _, pairs in ways.values()))):
        first, second = (by_place[place] for place in pair)
        asked = tuple(a for a, (_, pairs) in ways.items() if pair in pairs)
        yield Fault(f"{second.name} before {first.name}", Subject(swapped(first, second)), asked)


def _main_shapes() -> list[Asked]:
    return [asked for asked in requests() if asked.shape in ("", "the block")]


def _rank(asked: Asked) -> int:
    return _ORDER.index(asked.name)


def _is_refuted(subject: Subject, asked: Asked) -> bool:
    statement = state_theorem(subject, asked, data=z3.Int("data"))
    broken = as_formula(conj(statement.given, neg(statement.claim)))
    answer = ask_z3(broken, 0, 60)
    if answer.verdict is Satisfiable.UNKNOWN:
        raise TimeoutError(f"{asked}: {answer.reason}")
    return answer.verdict is Satisfiable.YES
