"""Holds an implementation under test against a vector.

A vector has volumes of its own, so the implementation is started for each. The requests go through
the same adapter as those of the checks. A few of them say what its typed methods cannot (a volume
that is none, impossible sizes): those are sent as they are to a program, and not tried on a class.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from flashcopy.conformance.adapter import (
    Adapter,
    Capability,
    IutBrokeDownError,
    RefusedError,
)
from flashcopy.conformance.check import Target
from flashcopy.conformance.iut.stdio import StdioAdapter
from flashcopy.conformance.runner import Verdict
from flashcopy.conformance.vectors.judge import Refused, Seen, Wrong, data_of, what_is_wrong
from flashcopy.conformance.vectors.vector import How, Request, Restart, Step, Vector
from flashcopy.model.geometry import Geometry, InvalidGeometryError
from flashcopy.model.images import Volume

_SIZES = ("size", "block_size", "grain_size")
# What judges a vector that never gets as far as a volume; no answer of it is about blocks.
_NO_VOLUME = Geometry(512, 512, 512)


@frozen
class Outcome:
    """What came of one vector. `step` counts from 1; `reason` is why it was skipped or errored."""

    vector: Vector
    verdict: Verdict
    requests: int
    seconds: float
    step: int = 0
    wrong: Wrong | None = None
    reason: str = ""

    @property
    def explanation(self) -> str:
        """What went wrong, with the step at which it did."""
        if self.wrong is None:
            return self.reason
        said = say(self.vector.steps[self.step - 1])
        where = f"step {self.step} of {len(self.vector.steps)}, {said}"
        return f"{where}: {self.wrong.explanation}"


def run_all(
    target: Target, capabilities: frozenset[Capability], vectors: Sequence[Vector]
) -> Iterator[Outcome]:
    """What comes of each vector, in turn."""
    for vector in vectors:
        yield run(target, capabilities, vector)


def run(target: Target, capabilities: frozenset[Capability], vector: Vector) -> Outcome:
    """Ask what the vector asks until an answer is wrong."""
    missing = sorted(each.value for each in set(vector.needs) - capabilities)
    if missing:
        reason = f"{target.name} does not claim {', '.join(missing)}"
        return Outcome(vector, Verdict.SKIPPED, 0, 0.0, reason=reason)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flashcopy-") as name:
        return _Life(target.make, Path(name), vector).live(began)


class _Life:
    """The implementation through all steps of one vector."""

    def __init__(self, make: Callable[[], Adapter], directory: Path, vector: Vector) -> None:
        self._make = make
        self._directory = directory
        self._vector = vector
        self._adapter = make()
        self._geometry = _geometry_of(vector)
        # How many writes there were, and how many of them before the point in time.
        self._written = self._point = 0

    def live(self, began: float) -> Outcome:
        """Every step in turn. Nothing of the implementation is left afterwards."""
        wordless = not isinstance(self._adapter, StdioAdapter)
        requests, verdict, wrong, reason = 0, Verdict.CONFORMING, None, ""
        try:
            self._adapter.hello()
            for step in self._vector.steps:
                if wordless and isinstance(step, Request) and _is_wordless(step):
                    verdict = Verdict.SKIPPED
                    reason = "the methods of a class cannot say what it asks; give a program"
                    break
                requests += 1
                wrong = self._take(step)
                if wrong is not None:
                    verdict = Verdict.VIOLATION
                    break
            else:
                self._adapter.close()
        except IutBrokeDownError as error:
            verdict, reason = Verdict.ERRORED, f"step {requests}: {error}"
        except RefusedError as error:
            verdict, reason = Verdict.ERRORED, f"step {requests}: it refuses to go on: {error}"
        finally:
            self._adapter.kill()
        seconds = time.monotonic() - began
        return Outcome(self._vector, verdict, requests, seconds, requests, wrong, reason)

    def _take(self, step: Step) -> Wrong | None:
        if isinstance(step, Restart):
            self._restart(step.restart)
            return None
        seen = self._answer(step)
        if step.method in ("start", "sync") and not isinstance(seen, Refused):
            self._point = self._written
        self._written += step.method == "write"
        return what_is_wrong(step, seen, self._geometry, self._point)

    def _restart(self, how: How) -> None:
        if how is How.CLOSE:
            self._adapter.close()
        self._adapter.kill()
        self._adapter = self._make()
        self._adapter.hello()
        self._adapter.open(self._directory)

    def _answer(self, request: Request) -> Seen:
        try:
            if _is_wordless(request) and isinstance(self._adapter, StdioAdapter):
                return self._adapter.ask(request.method, self._as_on_the_wire(request))
            return self._call(request.method, request.params)
        except RefusedError as error:
            return Refused(error.kind.value if error.kind else "internal")

    def _as_on_the_wire(self, request: Request) -> Mapping[str, Any]:
        if request.method == "create":
            return {"directory": str(self._directory), **request.params}
        return request.params

    def _call(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """A request through the adapter's method; the fields of its result."""
        adapter = self._adapter
        match method:
            case "create":
                writable = params["target_writable"]
                adapter.create(self._directory, self._geometry, target_writable=writable)
            case "start" | "sync" | "stop":
                getattr(adapter, method)()
            case "read":
                volume, extent = Volume(params["volume"]), (params["offset"], params["length"])
                return {"data": adapter.read(volume, *extent)}
            case "write":
                data = data_of(params, self._geometry.block_size)
                adapter.write(Volume(params["volume"]), params["offset"], data)
            case "write_zeroes":
                extent = (params["offset"], params["length"])
                adapter.write_zeroes(Volume(params["volume"]), *extent)
            case "flush":
                adapter.flush(Volume(params["volume"]))
            case "background_copy":
                return {"copied": adapter.background_copy(params["grains"])}
            case "status":
                status = adapter.status()
                state = status.state.value
                return {"state": state, "copied": status.copied, "grains": status.grains}
            case "bitmaps":
                maps = adapter.bitmaps()
                return {"copied": maps.copied, "modified": maps.modified}
        return {}


def say(step: Step) -> str:
    """A step in words, offsets and lengths in bytes."""
    if isinstance(step, Restart):
        return f"{step.restart.value} and open again"
    params = step.params
    words = [step.method.replace("_", " ")]
    words += [str(params[name]) for name in ("volume",) if name in params]
    words += [f"at {params['offset']}" for name in ("offset",) if name in params]
    words += [f"{params['length']} bytes" for name in ("length",) if name in params]
    if "grains" in params:
        words.append("all grains" if params["grains"] is None else f"{params['grains']} grains")
    if isinstance(params.get("data"), list):
        words += [f"{run['blocks']} blocks of {run['hold'][0]}" for run in params["data"]]
    if step.method == "create":
        words += [f"{name} {params[name]}" for name in _SIZES]
    return " ".join(words)


def _geometry_of(vector: Vector) -> Geometry:
    create = vector.steps[0]
    assert isinstance(create, Request), "a vector begins with create"
    try:
        return Geometry(*(create.params[name] for name in _SIZES))
    except InvalidGeometryError:
        return _NO_VOLUME


def _is_wordless(request: Request) -> bool:
    """Whether the typed methods of an adapter have no words for a request."""
    if request.method == "create":
        return request.answers[0].error is not None
    return request.params.get("volume", "source") not in [volume.value for volume in Volume]
