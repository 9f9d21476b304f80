"""A vector as its author writes it: what it is after, and the requests; the model does the rest.

A draft is a function that asks a recorder for one thing after the other. Its docstring is what the
implementation must do. Each module of vectors keeps its drafts in a list, in their order.
"""

from collections.abc import Callable

from attrs import frozen

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.vectors.recorder import Recorder
from flashcopy.conformance.vectors.vector import Kind, LooksFor, Vector
from flashcopy.model.geometry import Geometry

BLOCK = 512
# Three grains of two blocks and a short last one of one.
SMALL = Geometry(7 * BLOCK, BLOCK, 2 * BLOCK)


@frozen
class Draft:
    """What a vector is made of."""

    id: str
    clauses: tuple[str, ...]
    looks_for: LooksFor
    geometry: Geometry
    target_writable: bool
    ask: Callable[[Recorder], None]


def drafted(
    drafts: list[Draft],
    id_: str,
    clauses: str,
    kind: Kind,
    mechanism: str,
    harm: str,
    *,
    fault: str = "",
    geometry: Geometry = SMALL,
    target_writable: bool = True,
) -> Callable[[Callable[[Recorder], None]], Callable[[Recorder], None]]:
    """Add the function it decorates to the drafts. `clauses` are separated by blanks."""

    def add(ask: Callable[[Recorder], None]) -> Callable[[Recorder], None]:
        looks_for = LooksFor(kind, fault, mechanism, harm)
        draft = Draft(id_, tuple(clauses.split()), looks_for, geometry, target_writable, ask)
        drafts.append(draft)
        return ask

    return add


def build(draft: Draft) -> Vector:
    """The vector with its answers.

    Asked twice where it never says how far to copy: only the first time shows that, and then
    implementations that copy by themselves must be thought of, too.
    """
    recorder = _record(draft, told=True)
    if Capability.BACKGROUND_COPY not in recorder.needs:
        recorder = _record(draft, told=False)
    says = " ".join((draft.ask.__doc__ or "").split())
    needs = tuple(sorted(recorder.needs, key=lambda need: need.value))
    return Vector(draft.id, says, draft.clauses, needs, draft.looks_for, tuple(recorder.steps))


def _record(draft: Draft, *, told: bool) -> Recorder:
    recorder = Recorder(draft.geometry, draft.target_writable, told=told)
    draft.ask(recorder)
    return recorder
