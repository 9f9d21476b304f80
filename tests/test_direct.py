"""The protocol as plain calls does what the generators do: the same effects, result and error.

Hypothesis plays the world: it answers each effect, or makes it fail, the same way for both forms.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcopy.impl import protocol
from flashcopy.impl.direct import direct_protocol, method_name, translate
from flashcopy.impl.effect import (
    AcquireCopier,
    AcquireGrains,
    Effect,
    NextUncopied,
    Prepare,
    Read,
    State,
    Uncopied,
    Unsettled,
)
from flashcopy.impl.errors import (
    FlashCopyError,
    MapFailedError,
    SourceFailedError,
    TargetFailedError,
)
from flashcopy.impl.geometry import Geometry

GEOMETRY = Geometry(11 * 512, 512, 1024)
EFFECTS = {method_name(kind.__name__): kind for kind in get_args(Effect)}
REQUESTS: dict[str, tuple[Any, ...]] = {
    "read_source": (range(1, 5),),
    "read_target": (range(1, 9),),
    "write_source": (range(3, 8), b"data"),
    "write_target": (range(10, 11), b"data"),
    "flush_source": (),
    "flush_target": (),
    "background_copy": (3,),
    "start": (),
    "sync": (),
    "stop": (),
}
FAILURES = (
    partial(TargetFailedError, "no space"),
    partial(TargetFailedError, "flush", earlier_writes_lost=True),
    partial(MapFailedError, "map"),
    partial(SourceFailedError, "source"),
)


class World:
    """Answers effects by what was drawn, and notes them."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.script: list[Any] = []
        self.asked: list[Effect] = []

    def answer(self, effect: Effect) -> Any:
        """The answer to an effect; raises what was drawn to go wrong."""
        if len(self.asked) == len(self.script):
            self.script.append(self.draw(_answers(effect)))
        said = self.script[len(self.asked)]
        self.asked.append(effect)
        if callable(said):
            raise said()
        return said

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The direct form calls a method named after each effect."""
        kind = EFFECTS[name]
        return lambda *fields: self.answer(kind(*fields))


def _answers(effect: Effect) -> st.SearchStrategy[Any]:
    good: st.SearchStrategy[Any] = st.none()
    match effect:
        case AcquireCopier() | AcquireGrains():
            return st.sampled_from(State)
        case Unsettled(grains) | Uncopied(grains):
            return st.sampled_from([(), (grains,), (grains[:1],), (grains[1:],)])
        case NextUncopied(limit):
            return st.sampled_from([range(0), range(2, 2 + limit), range(5, 6)])
        case Prepare():
            good = st.booleans()
        case Read():
            good = st.just(b"read")
    return st.one_of(good, good, good, st.sampled_from(FAILURES))


def _name_and_args(name: str) -> tuple[Any, ...]:
    return REQUESTS[name] if name.startswith("flush") else (GEOMETRY, *REQUESTS[name])


def _run_generator(name: str, world: World) -> Any:
    request = getattr(protocol, name)(*_name_and_args(name))
    try:
        effect = request.send(None)
        while True:
            try:
                answer = world.answer(effect)
            except FlashCopyError as error:
                effect = request.throw(error)
            else:
                effect = request.send(answer)
    except StopIteration as end:
        return end.value
    except FlashCopyError as error:
        return repr(error)


def _run_direct(name: str, world: World) -> Any:
    try:
        return getattr(direct_protocol, name)(world, *_name_and_args(name))
    except FlashCopyError as error:
        return repr(error)


def test_both_forms_are_the_same_protocol() -> None:
    """Over every request: the same effects in the same order, the same result or error."""
    failed_at: set[tuple[str, type]] = set()

    @given(st.data(), st.sampled_from(sorted(REQUESTS)))
    @settings(max_examples=1500, deadline=None, derandomize=True)
    def go(data: st.DataObject, name: str) -> None:
        world = World(data.draw)
        result = _run_generator(name, world)
        effects = list(world.asked)
        failed_at.update(
            (name, type(effect))
            for effect, said in zip(effects, world.script, strict=True)
            if callable(said)
        )
        world.asked.clear()
        assert _run_direct(name, world) == result
        assert world.asked == effects

    go()
    # Enough of what can go wrong has gone wrong; 34 pairs when this was written.
    assert len(failed_at) >= 30


def test_every_request_is_compared() -> None:
    """A request added to the protocol must be added here."""
    requests = {
        name
        for name, value in vars(protocol).items()
        if callable(value)
        and getattr(value, "__module__", "") == protocol.__name__
        and getattr(value, "__annotations__", {}).get("return") is protocol.Request
        and not name.startswith("_")
    }
    assert requests == set(REQUESTS)


def test_a_request_that_yields_something_else_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half a translation would be a second protocol."""
    text = "def odd(geometry) -> Request:\n    yield 7\n"
    monkeypatch.setattr("inspect.getsource", lambda _: text)
    monkeypatch.setattr("inspect.getfile", lambda _: "odd.py")
    with pytest.raises(SyntaxError, match="line 2"):
        translate(ModuleType("odd"))
