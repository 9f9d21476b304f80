"""Why nobody waits for ever: the order in which requests take their locks.

There are two locks, the copier's and the grains' table, and every path of every request takes the
copier's first, if at all, and each at most once. So who waits for grains waits for a request that
waits for nothing more, or for one ahead of it in the line (`lock_table`); and who waits for the
copier waits for its holder, or for one ahead. Each step along a chain of waiting comes to a lower
pair of numbers, *stage* and *place in line*, and such pairs cannot go down for ever.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from flashcopy.impl.effect import AcquireCopier, AcquireGrains
from flashcopy.model.choice import Condition
from flashcopy.model.trace import Trace
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.protocol_explored import among_others
from flashcopy.proofs.protocol_faults import named, swapping
from flashcopy.proofs.protocol_logic import conj, disj
from flashcopy.proofs.protocol_request import Asked, Bytes, Path, Runner, requests, results
from flashcopy.proofs.protocol_run import Subject
from flashcopy.proofs.sorts import NUMBER, OneOf


def _taken(subject: Subject, asked: Asked) -> set[tuple[str, ...]]:
    """The locks, in order, that a request takes on each of its paths."""
    runner = Runner(asked, subject.rewrite, Bytes())
    found: set[tuple[str, ...]] = set()
    todo: list[tuple[Path, tuple[str, ...]]] = [((), ())]
    while todo:
        path, taken = todo.pop()
        stop = runner.at(path)
        if stop.effect is None:
            found.add(taken)
            continue
        if isinstance(stop.effect, AcquireCopier):
            taken += ("copier",)
        elif isinstance(stop.effect, AcquireGrains):
            taken += ("grains",)
        todo += [((*path, result), taken) for result in results(stop.effect)]
    return found


_ORDER = ("copier", "grains")


def keeps_the_order(subject: Subject, asked: Asked) -> Statement:
    """On every path: the copier's lock before the grains', and neither twice."""
    ranks = [tuple(map(_ORDER.index, taken)) for taken in _taken(subject, asked)]
    return Statement(given=True, claim=all(list(r) == sorted(set(r)) for r in ranks))


@frozen
class _Request:
    """What it waits for and its place in that line; `running` waits for nothing."""

    stage: Any
    place: Any


COPIER, GRAINS, RUNNING = 0, 1, 2
Waits = Callable[[_Request, _Request], Condition]


def may_wait_for(one: _Request, other: _Request) -> Condition:
    """Whether one request can wait for the other: one ahead in its line, or one that holds.

    Who holds the copier may still wait for grains; who holds grains waits for nothing.
    """
    ahead = conj(one.stage == other.stage, other.place < one.place)
    return disj(
        conj(one.stage == COPIER, disj(ahead, other.stage == GRAINS, other.stage == RUNNING)),
        conj(one.stage == GRAINS, disj(ahead, other.stage == RUNNING)),
    )


def _also_back(one: _Request, other: _Request) -> Condition:
    return disj(may_wait_for(one, other), conj(one.stage == GRAINS, other.stage == COPIER))


def _in_no_order(one: _Request, other: _Request) -> Condition:
    return disj(may_wait_for(one, other), conj(one.stage == GRAINS, other.stage == GRAINS))


def comes_down(
    waits: Waits, stage: Any, place: Any, other_stage: Any, other_place: Any
) -> Statement:
    """Along a chain of waiting the pair of stages left and place gets lower."""
    one, other = _Request(stage, place), _Request(other_stage, other_place)
    left, other_left = RUNNING - stage, RUNNING - other_stage
    inside = conj(*(conj(s >= COPIER, s <= RUNNING) for s in (stage, other_stage)))
    return Statement(
        given=conj(inside, place >= 0, other_place >= 0, waits(one, other)),
        claim=conj(
            disj(other_left < left, conj(other_left == left, other_place < place)),
            other_left >= 0,
        ),
    )


def _order_picture(subject: Subject, asked: Asked) -> Picture:
    ways = sorted({" then ".join(taken) or "nothing" for taken in _taken(subject, asked)})
    return Picture((f"{asked} takes {', or '.join(ways)}",))


def _deadlock(name: str, _: Subject, asked: Asked) -> Trace | None:
    """The shortest schedule in which everybody waits."""
    found = among_others(name, keep_target=asked.keep_target)
    return found.trace if found else None


_STAGES = ("waits for the copier", "waits for grains", "waits for nothing")


def _circle_picture(
    _: Waits, stage: int, place: int, other_stage: int, other_place: int
) -> Picture:
    return Picture(
        (
            f"a request {_STAGES[stage]}, at place {place} of the line, for one",
            f"that {_STAGES[other_stage]}, at place {other_place}",
        )
    )


def obligations() -> tuple[Obligation, ...]:
    """Of every request, and of any chain of waiting."""
    return (
        Obligation(
            name="locks.order",
            clauses=("CONC-4",),
            says="On every path a request takes the copier's lock first, the grains' next, and"
            " neither twice.",
            variables={"asked": OneOf(requests())},
            subject=Subject(),
            state=keeps_the_order,
            mutants=(
                *named("locks-in-other-order"),
                *swapping(("stop: AcquireCopier", "stop: AcquireGrains")),
            ),
            picture=_order_picture,
            trace=_deadlock,
        ),
        Obligation(
            name="locks.no-circle",
            clauses=("CONC-4",),
            says="Whoever waits is waited for by nobody it waits for, however many are between.",
            variables={
                "stage": NUMBER,
                "place": NUMBER,
                "other_stage": NUMBER,
                "other_place": NUMBER,
            },
            subject=may_wait_for,
            state=comes_down,
            picture=_circle_picture,
            mutants=(
                Mutant("a request that holds grains waits for the copier", _also_back),
                Mutant("grains given in any order", _in_no_order),
            ),
        ),
    )
