"""Progress: the background copy gets done, whatever the hosts do meanwhile.

Each step of it lowers the number of uncopied grains by the one under the cursor, no host request
raises it, start and sync send the cursor back to grain 0, and nothing uncopied is ever behind the
cursor. So a copy that keeps running arrives at the end, and all is copied then. The number of
grains is arbitrary: what is said of a count is proved by induction over the grains counted, and
what is said of the cursor of an arbitrary grain.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from flashcopy.model import grain as grain_machine
from flashcopy.model.choice import both, choose, implies, negate
from flashcopy.model.grain import Change, Grain
from flashcopy.model.images import Volume
from flashcopy.proofs.copier import (
    Copier,
    move,
    move_keeping_cursor,
    step,
    step_copying_nothing,
    step_over_one,
    step_to_neighbour,
)
from flashcopy.proofs.grain_faults import grain_mutants
from flashcopy.proofs.grains import GrainMachine, choose_grain, shipped
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import BIT, CHANGE, MAP, NUMBER, OneOf, Sort
from flashcopy.proofs.stories import partial_write, tell


def _uncopy_first(grain: Grain, change: Change) -> Grain:
    return evolve(grain_machine.write_source(grain, change), copied=False)


def _grains(variables: dict[str, Any]) -> Callable[[Any], Grain]:
    """Volumes whose data does not matter here."""
    return lambda n: Grain(0, 0, variables["copied"](n), variables["modified"](n))


def lowers_the_count(
    copier: Copier, cursor: Any, counted: Any, count: Any, count_after: Any, **maps: Any
) -> Statement:
    """The step of an induction: if it holds of the grains below `counted`, it holds with one more.

    Claimed is that the uncopied grains below any number are as many after a step as before, less
    one if the grain under the cursor is uncopied and among them. It holds of no grains at all.
    """
    grains = _grains(maps)
    after, _ = copier.step(copier.machine, (grains, cursor))
    lowered = both(cursor < counted, negate(grains(cursor).copied))
    lowered_next = both(cursor < counted + 1, negate(grains(cursor).copied))
    next_count = count + _uncopied(grains(counted))
    next_after = count_after + _uncopied(after(counted))
    return Statement(
        given=both(both(cursor >= 0, counted >= 0), count_after == count - choose(lowered, 1, 0)),
        claim=next_after == next_count - choose(lowered_next, 1, 0),
    )


def _uncopied(grain: Grain) -> Any:
    return choose(grain.copied, 0, 1)


def never_raises_the_count(
    m: GrainMachine,
    count: Any,
    count_after: Any,
    touched: Any,
    change: Any,
    write: str,
    **bits: Any,
) -> Statement:
    """Induction again: not more uncopied grains after a write to any set of grains."""
    before = Grain(0, 0, **bits)
    after = choose_grain(touched, getattr(m, write)(before, change), before)
    return Statement(
        given=count_after <= count,
        claim=count_after + _uncopied(after) <= count + _uncopied(before),
    )


def leaves_none_behind(copier: Copier, cursor: Any, grain: Any, **maps: Any) -> Statement:
    """Uncopied grains are at the cursor or after it; a step keeps that."""
    grains = _grains(maps)
    after, cursor_after = copier.step(copier.machine, (grains, cursor))
    return Statement(
        given=both(both(cursor >= 0, grain >= 0), _ahead(grains(grain), grain, cursor)),
        claim=both(_ahead(after(grain), grain, cursor_after), cursor_after > cursor),
    )


def hosts_leave_none_behind(
    m: GrainMachine, cursor: Any, grain: Any, touched: Any, change: Any, write: str, **bits: Any
) -> Statement:
    """The same for a write: it moves no cursor, so it must uncopy no grain."""
    before = Grain(0, 0, **bits)
    after = choose_grain(touched, getattr(m, write)(before, change), before)
    return Statement(
        given=both(both(cursor >= 0, grain >= 0), _ahead(before, grain, cursor)),
        claim=_ahead(after, grain, cursor),
    )


def restarts_before_all(
    copier: Copier, cursor: Any, grain: Any, move: str, **maps: Any
) -> Statement:
    operate = getattr(copier.machine, move)
    after, cursor_after = copier.move(operate, (_grains(maps), cursor))
    return Statement(
        given=both(cursor >= 0, grain >= 0), claim=_ahead(after(grain), grain, cursor_after)
    )


def _ahead(grain: Grain, number: Any, cursor: Any) -> Any:
    return implies(negate(grain.copied), number >= cursor)


# What must be known of an arbitrary grain, for a cursor at the end to mean that all is copied.
Knowing = Callable[[Grain, Any, Any], Any]


def is_complete_at_the_end(
    known: Knowing, cursor: Any, length: Any, grain: Any, **maps: Any
) -> Statement:
    grains = _grains(maps)
    inside = both(grain >= 0, grain < length)
    return Statement(
        given=both(both(inside, cursor == length), known(grains(grain), grain, cursor)),
        claim=grains(grain).copied,
    )


def _host_story(m: GrainMachine, copied: bool, modified: bool, write: str, **_: Any) -> Picture:
    side = Volume.SOURCE if write == "write_source" else Volume.TARGET
    return tell(m, [Grain(0, 0, copied, modified)], [partial_write(side)])


def _step_picture(copier: Copier, cursor: int, **variables: Any) -> Picture:
    return _bits_picture(
        variables, cursor, *copier.step(copier.machine, (_grains(variables), cursor))
    )


def _move_picture(copier: Copier, cursor: int, move: str, **variables: Any) -> Picture:
    operate = getattr(copier.machine, move)
    return _bits_picture(variables, cursor, *copier.move(operate, (_grains(variables), cursor)))


def _end_picture(_: Knowing, cursor: int, **variables: Any) -> Picture:
    return _bits_picture(variables, cursor, _grains(variables), cursor)


def _bits_picture(
    variables: dict[str, Any], cursor: int, after: Callable[[Any], Grain], cursor_after: int
) -> Picture:
    """The bits of the grains that matter, before and after."""
    mentioned = [variables[name] for name in ("grain", "counted") if name in variables]
    before = _grains(variables)
    lines = (
        f"grain {n}: {_bit_text(before(n))}, then {_bit_text(after(n))}"
        for n in sorted({cursor, cursor + 1, *mentioned})
    )
    return Picture((f"background copy at grain {cursor}, then at grain {cursor_after}", *lines))


def _bit_text(grain: Grain) -> str:
    return "copied" if grain.copied else "not copied"


def obligations() -> tuple[Obligation, ...]:
    """Of volumes of any number of grains."""
    m = shipped()
    copier = Copier(m, step, move)
    maps: dict[str, Sort] = {"copied": MAP, "modified": MAP}
    bits: dict[str, Sort] = {"copied": BIT, "modified": BIT}
    counts: dict[str, Sort] = {"count": NUMBER, "count_after": NUMBER}
    host: dict[str, Sort] = {"touched": BIT, "change": CHANGE}
    host["write"] = OneOf(("write_source", "write_target"))
    uncopying = (
        Mutant("a write to the source uncopies the grain", evolve(m, write_source=_uncopy_first)),
        Mutant("a write to the target uncopies the grain", evolve(m, write_target=_uncopy_first)),
    )
    steps = (
        Mutant("the grain under the cursor skipped", evolve(copier, step=step_copying_nothing)),
        Mutant("the neighbour copied instead", evolve(copier, step=step_to_neighbour)),
        *(
            Mutant(fault.name, evolve(copier, machine=fault.subject))
            for fault in grain_mutants("copy does not set copied")
        ),
    )
    return (
        Obligation(
            name="progress.copy-lowers",
            clauses=("COPY-2", "COPY-5"),
            says="A step of the background copy lowers the number of uncopied grains by the grain"
            " it copies.",
            variables=maps | counts | {"cursor": NUMBER, "counted": NUMBER},
            subject=copier,
            state=lowers_the_count,
            mutants=steps,
            picture=_step_picture,
        ),
        Obligation(
            name="progress.hosts-never-raise",
            clauses=("COPY-5", "WRITE-1"),
            says="No write raises the number of uncopied grains.",
            variables=bits | counts | host,
            subject=m,
            state=never_raises_the_count,
            mutants=uncopying,
            picture=_host_story,
        ),
        Obligation(
            name="progress.none-behind-copy",
            clauses=("COPY-3", "COPY-2"),
            says="A step of the background copy moves the cursor on and leaves no grain behind.",
            variables=maps | {"cursor": NUMBER, "grain": NUMBER},
            subject=copier,
            state=leaves_none_behind,
            mutants=(*steps, Mutant("every other grain", evolve(copier, step=step_over_one))),
            picture=_step_picture,
        ),
        Obligation(
            name="progress.none-behind-hosts",
            clauses=("COPY-3", "COPY-5"),
            says="No write leaves an uncopied grain behind the cursor.",
            variables=bits | host | {"cursor": NUMBER, "grain": NUMBER},
            subject=m,
            state=hosts_leave_none_behind,
            mutants=uncopying,
            picture=_host_story,
        ),
        Obligation(
            name="progress.restart",
            clauses=("COPY-3", "START-1", "SYNC-1"),
            says="After a start or sync the background copy stands before every uncopied grain.",
            variables=maps | {"cursor": NUMBER, "grain": NUMBER, "move": OneOf(("start", "sync"))},
            subject=copier,
            state=restarts_before_all,
            mutants=(Mutant("cursor not sent back", evolve(copier, move=move_keeping_cursor)),),
            picture=_move_picture,
        ),
        Obligation(
            name="progress.complete-at-the-end",
            clauses=("COPY-4", "COPY-5"),
            says="When the cursor is at the end and has left none behind, every grain is copied.",
            variables=maps | {"cursor": NUMBER, "length": NUMBER, "grain": NUMBER},
            subject=_ahead,
            state=is_complete_at_the_end,
            mutants=(
                Mutant("something may be behind the cursor", lambda _g, _n, _c: True),
                Mutant(
                    "one grain may be behind the cursor",
                    lambda grain, n, cursor: implies(negate(grain.copied), n >= cursor - 1),
                ),
            ),
            picture=_end_picture,
        ),
    )
