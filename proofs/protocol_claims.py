"""What must hold after each step of a request, and at its end, by name.

After a step: the invariant, and what others rely on. At the end: what the request's own clauses
promise to who asked. A name is what a message says where the claim does not hold.
"""

from typing import Any, cast

from flashcopy.impl import effect as effects
from flashcopy.impl.effect import MAP, SOURCE, Effect, Standing
from flashcopy.model.choice import Condition
from flashcopy.proofs.protocol_effects import Local, Moment
from flashcopy.proofs.protocol_invariant import CLAUSES, quiet, recovered_is_right
from flashcopy.proofs.protocol_logic import conj, neg, same
from flashcopy.proofs.protocol_rely import Mode, guarantee
from flashcopy.proofs.protocol_request import Asked, Bytes, Stop
from flashcopy.proofs.protocol_state import State, holds_still, kept_by

# Recovery's own clause follows from the others (`protocol_ground`), and is said all the same.
HARM = "a crash leaves the target's image"
_ALWAYS = {**CLAUSES, HARM: recovered_is_right}


def of_step(
    effect: Effect, failed: bool, moment: Moment, after: State, local: Local
) -> dict[str, Condition]:
    """What must hold after a step."""
    before = moment.state
    claims: dict[str, Condition] = {}
    if after is not before:
        claims |= {name: holds_still(claim, before, after) for name, claim in _ALWAYS.items()}
        fails = isinstance(effect, effects.Flush) and MAP in effect.devices
        claims["others can rely on what they hold"] = guarantee(
            local.holding, before, after, calm=not (fails and failed)
        )
    if local.holding.mode is not Mode.ALL:
        claims["torn only if stopped"] = kept_by(quiet, before, after)
    match effect:
        case effects.Write(device, _, data) if (
            device is SOURCE and cast(Any, data) is not moment.data
        ):
            claims["only a host's write changes the source"] = False
        case effects.Adopt(standing) if standing is Standing.TRACKING:
            claims["the image is the source at one instant"] = same(after.image, before.source.now)
    return claims


def at_end(asked: Asked, stop: Stop, state: State, local: Local) -> dict[str, Condition]:
    """What must hold when a request ends."""
    claims: dict[str, Condition] = {"torn only if stopped": quiet(state)}
    if local.holding.mode is not Mode.ALL:
        claims = {}
    if stop.error is None:
        claims |= _ENDS[asked.name](stop, state, local)
        if asked.name.endswith("target"):
            asked_state = local.was_stopped is not None
            claims["a stopped target is refused"] = asked_state and neg(local.was_stopped)
    return claims


def _read_source(stop: Stop, state: State, _: Local) -> dict[str, Condition]:
    return {"READ-1": _gives(stop.result, state.source.now)}


def _read_target(stop: Stop, state: State, _: Local) -> dict[str, Condition]:
    return {"READ-2": _gives(stop.result, state.image)}


def _gives(result: Any, value: Any) -> Condition:
    if not isinstance(result, Bytes):
        return False
    return True if result.value is None else same(result.value, value)


def _write(_: Stop, __: State, local: Local) -> dict[str, Condition]:
    return {"the data is written": local.wrote}


def _flush_source(_: Stop, __: State, local: Local) -> dict[str, Condition]:
    return {"the source is durable": local.source_durable}


def _flush_target(_: Stop, __: State, local: Local) -> dict[str, Condition]:
    return {"the target is durable": local.target_durable}


def _background_copy(_: Stop, state: State, local: Local) -> dict[str, Condition]:
    if not local.took:
        looked = local.found is False or local.took is False
        return {"it looked for uncopied grains": looked}
    return {
        "the grain is copied": state.memory.copied,
        "and the map file says so": state.maps.current.copied,
    }


def _point(_: Stop, state: State, local: Local) -> dict[str, Condition]:
    maps, memory = state.maps, state.memory
    return {
        "it happened, durably": conj(
            *(conj(h.tracking, h.here) for h in (maps.header, maps.after)),
            memory.tracking,
            neg(state.torn),
        ),
        "the source is durable": local.source_durable,
        "the image is the source": same(state.image, state.source.now),
        "nothing is settled": neg(memory.settled),
    }


def _stop(_: Stop, state: State, __: Local) -> dict[str, Condition]:
    memory, after = state.memory, state.maps.after
    return {
        "it stopped, durably": conj(
            neg(memory.tracking),
            neg(after.tracking),
            same(after.idle, memory.idle),
            neg(state.torn),
        )
    }


_ENDS = {
    "read_source": _read_source,
    "read_target": _read_target,
    "write_source": _write,
    "write_target": _write,
    "flush_source": _flush_source,
    "flush_target": _flush_target,
    "background_copy": _background_copy,
    "start": _point,
    "sync": _point,
    "stop": _stop,
}
