"""Every program point of the protocol, and the two smallest faults there are at it.

A point is one `yield` of an effect in the text of `impl/protocol.py`. It is named by its function
and effect, `_diverge: Save`, and by a number where a function has several, so that a name outlives
an edit elsewhere in the file. `without` leaves its effect out; `swapped` carries out the effect
that comes after it first. Both wrap the shipped generator, whatever it is made of.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from attrs import field, frozen

from flashcopy.harness.requests import Ask
from flashcopy.impl import protocol
from flashcopy.impl.effect import SHARED, AcquireCopier, AcquireGrains, Effect, Write
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.protocol import Request
from flashcopy.proofs.protocol_request import (
    ERRORS,
    Asked,
    Bytes,
    Make,
    Path,
    Result,
    Rewrite,
    Runner,
    point_of,
    results,
)


@frozen
class Point:
    """One yield of an effect. `place` is how messages cite it."""

    name: str
    place: str = field(eq=False)


@cache
def points() -> tuple[Point, ...]:
    """All points of the protocol, in the order of its text."""
    found: list[Point] = []
    for function in ast.parse(inspect.getsource(protocol)).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        seen: dict[str, int] = {}
        for line, effect in sorted(_yields(function)):
            seen[effect] = seen.get(effect, 0) + 1
            number = f" {seen[effect]}" if seen[effect] > 1 else ""
            place = f"{function.name}, line {line}"
            found.append(Point(f"{function.name}: {effect}{number}", place))
    return tuple(found)


def _yields(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Call):
            assert isinstance(node.value.func, ast.Name)
            yield node.lineno, node.value.func.id


def reached(asked: Asked) -> tuple[set[str], set[tuple[str, str]]]:
    """The places where a request can be, and the pairs of them that follow each other."""
    runner = Runner(asked, lambda make, _: make(), Bytes())
    places: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    todo: list[Path] = [()]
    while todo:
        path = todo.pop()
        stop = runner.at(path)
        if stop.effect is None:
            continue
        places.add(stop.point)
        for result in results(stop.effect):
            following = runner.at((*path, result))
            if following.effect is not None:
                todo.append((*path, result))
                if not result.failed:
                    pairs.add((stop.point, following.point))
    return places, pairs


def without(point: Point) -> Rewrite:
    """The request without the effect at this point, which then gives nothing.

    A lock that is not taken still gives the state, for that is not what makes it a lock.
    """

    def rewritten(make: Make, _: Ask) -> Request:
        inner = make()
        resume, value = inner.send, None
        while True:
            try:
                effect = resume(value)
                while point_of(inner) == point.place:
                    if _is_lock(effect):
                        effect = AcquireGrains(range(0), SHARED)
                        break
                    effect = inner.send(None)
            except StopIteration as end:
                return end.value
            resume, value = yield from _carry_out(inner, effect)

    return rewritten


def swapped(first: Point, second: Point) -> Rewrite:
    """The request with the effect at `second` before that at `first`, which it follows.

    Where the second effect needs what the first one gives, it goes by a guess: a write of data
    nobody read writes anything, and whatever else was guessed wrong is done once more, rightly.
    """

    def rewritten(make: Make, _: Ask) -> Request:
        inner = make()
        history: list[Result] = []
        resume, value = inner.send, None
        while True:
            try:
                effect = resume(value)
            except StopIteration as end:
                return end.value
            early = None
            if point_of(inner) == first.place:
                early = _foreseen(make, history, effect, second)
            if early is None:
                resume, value = yield from _carry_out(inner, effect, history)
                continue
            guess, second_effect = early
            try:
                second_value = yield second_effect
            except FlashCopyError as error:
                resume, value = inner.throw, error
                history.append(_failure(error))
                continue
            try:
                first_value = yield effect
            except FlashCopyError as error:
                # It fails where the second effect stands in the text.
                history += [guess, _failure(error)]
                inner.send(guess.value)
                resume, value = inner.throw, error
                continue
            history.append(Result(first_value))
            try:
                effect = inner.send(first_value)
            except StopIteration as end:
                return end.value
            if point_of(inner) == second.place and _alike(effect, second_effect):
                history.append(Result(second_value))
                resume, value = inner.send, second_value
            else:
                resume, value = yield from _carry_out(inner, effect, history)

    return rewritten


def _alike(effect: Effect, other: Effect) -> bool:
    """Whether two effects are the same but for the data they write."""
    if isinstance(effect, Write) and isinstance(other, Write):
        return (effect.device, effect.blocks) == (other.device, other.blocks)
    return effect == other


def _is_lock(effect: Effect) -> bool:
    taken = isinstance(effect, AcquireGrains) and len(effect.grains) > 0
    return taken or isinstance(effect, AcquireCopier)


def _carry_out(inner: Request, effect: Effect, history: list[Result] | None = None) -> Any:
    """Yield an effect; gives how to go on, and with what."""
    try:
        value = yield effect
    except FlashCopyError as error:
        if history is not None:
            history.append(_failure(error))
        return inner.throw, error
    if history is not None:
        history.append(Result(value))
    return inner.send, value


def _failure(error: FlashCopyError) -> Result:
    return Result(failed=next(d for d, kind in ERRORS.items() if isinstance(error, kind)))


def _foreseen(
    make: Make, history: list[Result], effect: Effect, second: Point
) -> tuple[Result, Effect] | None:
    """A result of this effect that leads to the second point, and the effect that waits there."""
    replayed = Runner(Asked("again"), lambda _, __: make(), Bytes())
    for result in results(effect):
        if not result.failed:
            stop = replayed.at((*history, result))
            if stop.point == second.place and stop.effect is not None:
                return result, stop.effect
    return None
