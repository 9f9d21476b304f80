"""A request as the proofs run it: a shipped generator, its results enumerated, on a tiny volume.

The volume has two grains of two blocks. Block 0, in grain 0, is the one that the proofs follow;
the block beside it stands for the rest of its grain, and grain 1 for all other grains. So a
request comes in a few shapes: it touches the block, its neighbour, another grain, or all.

What an effect can give back is one of a few results, or an error of its device (ERR-5, ERR-6). A
path is a sequence of them; a generator is deterministic, so a path names a program point.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import product
from typing import Any

from attrs import define, field, frozen

from flashcopy.harness.requests import Ask, Options, generator
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import Device, Effect, Runs, State
from flashcopy.impl.errors import (
    DeviceError,
    FlashCopyError,
    MapFailedError,
    SourceFailedError,
    TargetFailedError,
)
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.protocol import Request

GEOMETRY = Geometry(2048, 512, 1024)
BLOCK, GRAIN = 0, 0
_OTHER_GRAIN = range(1, 2)

Make = Callable[[], Request]
# Gives the generator to run for one that can be made: that one, or one with a fault in it.
Rewrite = Callable[[Make, Ask], Request]

ERRORS: dict[Device, type[DeviceError]] = {
    Device.SOURCE: SourceFailedError,
    Device.TARGET: TargetFailedError,
    Device.MAP: MapFailedError,
}


@frozen(eq=False)
class Bytes:
    """Data on its way; `value` is what it holds of the block that is followed."""

    value: Any = None


@frozen
class Result:
    """What an effect gives back; `failed` is the device that failed, if one did."""

    value: Any = None
    failed: Device | None = None


Path = tuple[Result, ...]


@frozen
class Asked:
    """One request in one shape."""

    name: str
    shape: str = ""
    blocks: range = range(0)
    keep_target: bool = False

    def ask(self, data: Bytes) -> Ask:
        """The request with its data, as the harness has it; a background copy takes one grain."""
        # Nothing in the protocol looks at data, so anything may stand for it.
        return Ask(self.name, self.blocks, data, limit=1)  # type: ignore[arg-type]

    def make(self, ask: Ask) -> Request:
        """The shipped generator."""
        return generator(GEOMETRY, Options(keep_target=self.keep_target), ask)

    def __str__(self) -> str:
        return f"{self.name} ({self.shape})" if self.shape else self.name


_SHAPES = {"the block": range(1), "its neighbour": range(1, 2), "another grain": range(2, 3)}
_HOSTS = ("read_source", "read_target", "write_source", "write_target")
_OTHERS = ("flush_source", "flush_target", "background_copy", "start", "sync", "stop")


def requests() -> tuple[Asked, ...]:
    """Every request of the protocol, in every shape."""
    return (
        *(Asked(name, shape, run) for name in _HOSTS for shape, run in _SHAPES.items()),
        *map(Asked, _OTHERS),
        Asked("write_source", "the block, keeping the target", range(1), keep_target=True),
        Asked("background_copy", "keeping the target", keep_target=True),
    )


@frozen
class Stop:
    """Where a request is: before an effect, or ended with a result or an error.

    `point` names the program point: generator and line, of the innermost generator.
    """

    effect: Effect | None
    point: str
    result: Any = None
    error: FlashCopyError | None = None


@define
class Runner:
    """Runs one request along any path; the generator is made anew for every path."""

    asked: Asked
    rewrite: Rewrite
    data: Bytes
    _futures: dict[Any, Any] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._futures = _known_futures(self.asked, self.rewrite)

    def at(self, path: Path) -> Stop:
        """Where the request is after these results."""
        ask = self.asked.ask(self.data)
        running = self.rewrite(partial(self.asked.make, ask), ask)
        resume, value = running.send, None
        for number in range(len(path) + 1):
            try:
                effect = resume(value)
            except StopIteration as end:
                return Stop(None, "end", result=end.value)
            except FlashCopyError as error:
                return Stop(None, "end", error=error)
            if number < len(path):
                resume, value = _resume(running, effect, path[number])
        return Stop(effect, point_of(running))

    def future(self, path: Path) -> Any:
        """All that can follow, so that results which make no difference are seen to be one."""
        key = tuple(_key(result) for result in path)
        if key not in self._futures:
            stop = self.at(path)
            if stop.effect is None:
                return (type(stop.error).__name__,)
            self._futures[key] = (
                stop.point,
                repr(stop.effect),
                tuple(self.future(path + (result,)) for result in results(stop.effect)),
            )
        return self._futures[key]


@lru_cache(maxsize=64)
def _known_futures(_: Asked, __: Rewrite) -> dict[Any, Any]:
    """What follows each path of a request, for all who run it."""
    return {}


def point_of(generator: Any) -> str:
    """The innermost generator that waits, and its line.

    A generator that rewrites another one has it in a variable called `inner`.
    """
    while True:
        inner = generator.gi_frame.f_locals.get("inner")
        following = generator.gi_yieldfrom if inner is None else inner
        if following is None or following.gi_frame is None:
            return f"{generator.__name__}, line {generator.gi_frame.f_lineno}"
        generator = following


def results(effect: Effect) -> Iterator[Result]:
    """Everything that an effect can give back."""
    match effect:
        case effects.AcquireCopier() | effects.AcquireGrains():
            yield from (Result(state) for state in State)
        case effects.Unsettled(grains) | effects.Uncopied(grains):
            yield from (Result(runs) for runs in _some_of(grains))
        case effects.NextUncopied():
            yield from map(Result, (range(2, 2), range(1), _OTHER_GRAIN))
        case effects.Prepare():
            yield from (Result(True), Result(False), Result(failed=Device.MAP))
        case effects.Read(device, _) | effects.Write(device, _, _):
            yield from (Result(Bytes()), Result(failed=device))
        case effects.Flush(devices):
            yield Result()
            yield from (Result(failed=device) for device in devices)
        case effects.Save() | effects.Commit():
            yield from (Result(), Result(failed=Device.MAP))
        case _:
            yield Result()


def has_grain(runs: Runs | range) -> bool:
    """Whether the grain that is followed is among these."""
    return any(GRAIN in run for run in ((runs,) if isinstance(runs, range) else runs))


def _some_of(grains: range) -> Iterator[Runs]:
    for chosen in product((False, True), repeat=len(grains)):
        picked = [grain for grain, taken in zip(grains, chosen, strict=True) if taken]
        if len(picked) > 1:
            yield (range(picked[0], picked[-1] + 1),)
        else:
            yield tuple(range(grain, grain + 1) for grain in picked)


def _resume(generator: Request, effect: Effect, result: Result) -> tuple[Any, Any]:
    if result.failed is None:
        return generator.send, result.value
    lost = isinstance(effect, effects.Flush)
    error = ERRORS[result.failed](
        f"{type(effect).__name__} on the {result.failed.value}", earlier_writes_lost=lost
    )
    return generator.throw, error


def _key(result: Result) -> Any:
    value = "data" if isinstance(result.value, Bytes) else result.value
    return value, result.failed
