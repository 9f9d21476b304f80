"""What several mutants are made of: effects left out, and the protocol's own steps by name."""

from collections.abc import Callable, Generator
from typing import Any

from flashcopy.harness.mutant import Act
from flashcopy.harness.requests import Ask
from flashcopy.impl import protocol
from flashcopy.impl.effect import MAP, Effect, Flush, MarkCopied, MarkDiverged, Runs, Save, Settle
from flashcopy.impl.errors import MapFailedError, TargetFailedError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.protocol import Request

WRITES = ("write_source", "write_target")
POINTS = ("start", "sync")
Acted = Generator[Effect, Any, Any]


def dropping(is_dropped: Callable[[Effect], bool]) -> Act:
    """Leaves out some effects; they give None."""

    def act(effect: Effect, _: Ask) -> Acted:
        if is_dropped(effect):
            return None
        return (yield effect)

    return act


def without_flush_of(*devices: object) -> Act:
    """Leaves some devices out of every flush."""

    def act(effect: Effect, _: Ask) -> Acted:
        if isinstance(effect, Flush):
            rest = tuple(device for device in effect.devices if device not in devices)
            if rest:
                yield Flush(rest)
            return None
        return (yield effect)

    return act


def giving_up_the_target(preparation: Request) -> Request:
    """A preparation that fails stops the relationship, as the shipped one does."""
    try:
        yield from preparation
    except (TargetFailedError, MapFailedError):
        yield from protocol._stop_durably()


def record_diverged(unsettled: Runs) -> Request:
    """The second half of the shipped preparation: bits, map flush, settled."""
    yield MarkDiverged(unsettled)
    yield Save(unsettled)
    yield Flush((MAP,))
    yield Settle(unsettled)


def copy_and_mark(geometry: Geometry, grains: range) -> Request:
    """What the copier does with a batch: copy it, all of it, and mark it."""
    yield from protocol._copy(geometry, (grains,))
    yield MarkCopied((grains,))
    yield Save((grains,))
