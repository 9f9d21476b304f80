"""From one grain to all: an operation on a volume of any number of grains.

A volume is a function from grain to its sides and bits. An operation touches a set of grains,
any set: those of a write, the one under the background copy's cursor, all of them for a sync.
It does its work on each of them and leaves the others alone. Claimed is, of an arbitrary grain,
that the image changes exactly as the two images do, and that the invariant is kept. So what is
proved for one grain holds for a volume, however large.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from flashcopy.model import grain as grain_machine
from flashcopy.model import operation as op
from flashcopy.model.choice import both, choose, implies
from flashcopy.model.grain import Grain
from flashcopy.model.images import Images
from flashcopy.model.volume import Machine, Step
from flashcopy.proofs.grains import (
    GrainMachine,
    apply,
    choose_grain,
    image_of,
    same_images,
    shipped,
)
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.refinement import Operation, operation_named
from flashcopy.proofs.sorts import CHANGES, MAP, NUMBER, SIDE, Sort
from flashcopy.proofs.stories import NEW, long_write, tell_steps

# A volume of any length: the grain of each number.
Grains = Callable[[Any], Grain]
Touched = Callable[[Any], Any]
# An operation on the grain of a number.
Operate = Callable[[Any, Grain], Grain]
# How a request does an operation to the grains it touches, the first of which has that number.
Request = Callable[[Operate, Grains, Touched, Any], Grains]


@frozen
class Lifted:
    """A grain machine, and how requests use it."""

    machine: GrainMachine
    request: Request


def each(operate: Operate, grains: Grains, touched: Touched, _: Any) -> Grains:
    """As it must be: every grain touched is operated on, by its own bits; the others stay."""
    return lambda n: choose_grain(touched(n), operate(n, grains(n)), grains(n))


def _only_first(operate: Operate, grains: Grains, touched: Touched, first: Any) -> Grains:
    return each(operate, grains, lambda n: both(touched(n), n == first), first)


def _first_decides(operate: Operate, grains: Grains, touched: Touched, first: Any) -> Grains:
    def mistaken(n: Any) -> Grain:
        bits = grains(first)
        return evolve(grains(n), copied=bits.copied, modified=bits.modified)

    return lambda n: choose_grain(touched(n), operate(n, mistaken(n)), grains(n))


def _marks_only_first(operate: Operate, grains: Grains, touched: Touched, first: Any) -> Grains:
    after = each(operate, grains, touched, first)
    return lambda n: evolve(
        after(n), modified=choose(n == first, after(n).modified, grains(n).modified)
    )


def _marks_neighbour(operate: Operate, grains: Grains, touched: Touched, first: Any) -> Grains:
    after = each(operate, grains, touched, first)
    return lambda n: evolve(after(n), copied=choose(touched(n - 1), True, after(n).copied))


def _all(_: Any) -> bool:
    return True


def refines(operation: Operation) -> Callable[..., Statement]:
    """At an arbitrary grain: touched, it does what the images do; else nothing. Both invariant."""

    def state(
        lifted: Lifted,
        first: Any,
        grain: Any,
        changes: Any,
        touched: Touched = _all,
        **sides: Any,
    ) -> Statement:
        m = lifted.machine
        grains = _volume(sides)
        after = lifted.request(_operate(operation, m, changes), grains, touched, first)(grain)
        image = image_of(m, grains(grain))
        moved = operation.on_images(image, lambda data: changes(grain, data))
        must_be = Images(
            source=choose(touched(grain), moved.source, image.source),
            target=choose(touched(grain), moved.target, image.target),
        )
        is_first = both(touched(first), implies(touched(grain), grain >= first))
        return Statement(
            given=both(
                both(first >= 0, both(grain >= 0, is_first)),
                both(m.invariant(grains(grain)), m.invariant(grains(first))),
            ),
            claim=both(same_images(image_of(m, after), must_be), grain_machine.invariant(after)),
        )

    return state


def _volume(sides: dict[str, Any]) -> Grains:
    return lambda n: Grain(**{name: side(n) for name, side in sides.items()})


def _operate(operation: Operation, machine: GrainMachine, changes: Any) -> Operate:
    return lambda n, grain: operation.on_grain(machine, grain, lambda data: changes(n, data))


def story(operation: Operation) -> Callable[..., Picture]:
    """The request on a volume of just the grains that matter."""

    def picture(
        lifted: Lifted,
        first: int,
        grain: int,
        touched: Touched = _all,
        **variables: Any,
    ) -> Picture:
        sides = {name: variables[name] for name in ("source", "target", "copied", "modified")}
        before = [grain - 1] if grain - 1 >= first and touched(grain - 1) else []
        numbers = sorted({first, *before, grain})
        grains = [_volume(sides)(n) for n in numbers]
        run = range(sum(bool(touched(n)) for n in numbers))
        request = operation.request
        if isinstance(request, op.Write):
            request = long_write(request.volume, run)

        def step(machine: Machine, asked: op.Operation) -> Step:
            if asked is not request:
                return apply(lifted.machine, machine, asked)
            operate = _operate(operation, lifted.machine, _long_change(run))
            after = lifted.request(operate, machine.grains.__getitem__, lambda n: n in run, 0)
            _, outcome = apply(lifted.machine, machine, asked)
            changed = tuple(after(n) for n in range(len(machine.grains)))
            return evolve(machine, grains=changed), outcome

        return tell_steps(step, grains, [request])

    return picture


def _long_change(run: range) -> Callable[[int, tuple[int, ...]], tuple[int, ...]]:
    """What such a write does to the grain of a number: new data, the very last block kept."""
    return lambda n, old: (NEW,) * len(old) if n < run[-1] else (NEW,) * (len(old) - 1) + old[-1:]


def _lift(name: str, says: str, faults: dict[str, Request], *, whole: bool = False) -> Obligation:
    operation = operation_named(name)
    machine = shipped()
    variables: dict[str, Sort] = {"source": SIDE, "target": SIDE, "copied": MAP, "modified": MAP}
    variables |= {"first": NUMBER, "grain": NUMBER, "changes": CHANGES}
    return Obligation(
        name=f"refinement.all-grains-{name}",
        clauses=(operation.clauses[0], "IMG-1"),
        says=says,
        variables=variables if whole else variables | {"touched": MAP},
        subject=Lifted(machine, each),
        state=refines(operation),
        mutants=tuple(Mutant(fault, Lifted(machine, how)) for fault, how in faults.items()),
        picture=story(operation),
    )


def obligations() -> tuple[Obligation, ...]:
    """Of volumes of any number of grains."""
    writes: dict[str, Request] = {
        "only the first grain": _only_first,
        "the first grain's bits decide for all": _first_decides,
        "only the first grain marked modified": _marks_only_first,
        "the neighbour marked copied": _marks_neighbour,
    }
    copies: dict[str, Request] = {
        "the first grain's bits decide for all": _first_decides,
        "the neighbour marked copied": _marks_neighbour,
    }
    moves: dict[str, Request] = {
        "only the first grain": _only_first,
        "the first grain's bits decide for all": _first_decides,
    }
    return (
        _lift("copy", "Copying any set of grains changes nothing that a reader sees.", copies),
        _lift(
            "write-source",
            "A source write to any set of grains changes just these in the source's image.",
            writes,
        ),
        _lift(
            "write-target",
            "A target write to any set of grains changes just these in the target's image.",
            writes,
        ),
        _lift("sync", "A sync makes the whole target's image the source's.", moves, whole=True),
        _lift(
            "start",
            "A start makes the whole target's image the source's.",
            {"only the first grain": _only_first},
            whole=True,
        ),
    )
