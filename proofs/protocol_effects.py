"""What each effect does to the block that is followed: the symbolic interpreter's half of `effect`.

For an effect and one of its results, `Effects.carry_out` says under which condition it gives that
result and what the state is then. A result that is an error leaves what the device did before it
failed to an arbitrary choice: nothing, all, or a part. Memory's effects are restated here for one
grain, as `impl.memory` has them; `tests/test_proofs_protocol_effects.py` holds the two together.

Mutants replace a method.
"""

from typing import Any, cast

from attrs import evolve, frozen

from flashcopy.impl import bitmap
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device, Effect, Point, Standing
from flashcopy.impl.effect import State as Lifecycle
from flashcopy.model.choice import Condition
from flashcopy.proofs.protocol_devices import (
    Choice,
    either,
    either_maps,
    either_part,
    fail_flush,
    flush_device,
    promise,
    target_is_promised,
    write_bits,
    write_block,
)
from flashcopy.proofs.protocol_logic import conj, disj, neg, same
from flashcopy.proofs.protocol_rely import Holding, Mode
from flashcopy.proofs.protocol_request import BLOCK, GEOMETRY, Bytes, Result, has_grain
from flashcopy.proofs.protocol_state import Header, State

# `keep`: a crash keeps the write. `landed`: a device that failed had done it. `calm`: before the
# step no flush of the map file failed.
CHOICES = (
    *("keep data", "keep copied", "keep modified", "keep header"),
    *("landed", "landed copied", "landed modified", "other device landed", "other device failed"),
    *("same sector", "others uncopied", "others differ", "calm"),
)


_NOTHING_HELD = Holding()


@frozen
class Local:
    """What a request knows or has done itself.

    `may_record` is whether it distrusted the maps and no flush of them has failed since,
    `distrusts` whether it distrusted them at all. `wrote` is whether it carried out its own write,
    `source_durable` and `target_durable` whether a flush of its own made durable what was there.
    `found` is whether it found anything to copy, `took` whether the grain was uncopied,
    `was_stopped` whether the relationship was stopped when it was given its grains; None where it
    never asked.
    """

    holding: Holding = _NOTHING_HELD
    may_record: Condition = False
    distrusts: bool = False
    wrote: bool = False
    found: bool | None = None
    took: bool | None = None
    was_stopped: Condition | None = None
    source_durable: Condition = False
    target_durable: Condition = False


@frozen
class Moment:
    """A request before an effect."""

    state: State
    local: Local
    choice: Choice
    data: Bytes


# Under a condition a result comes about, with what the state and the request are then.
Outcome = tuple[Condition, State, Local]


class Effects:
    """Every effect, on one block."""

    def carry_out(self, effect: Any, result: Result, moment: Moment) -> Outcome:
        """One effect with one result."""
        method = getattr(self, type(effect).__name__.lower())
        outcome: Outcome = method(effect, result, moment)
        return outcome

    def acquirecopier(self, _: Effect, result: Result, m: Moment) -> Outcome:
        holding = evolve(m.local.holding, copier=True)
        return _is_state(result.value, m), m.state, evolve(m.local, holding=holding)

    def acquiregrains(self, effect: effects.AcquireGrains, result: Result, m: Moment) -> Outcome:
        holding = evolve(m.local.holding, mode=self.mode(effect))
        memory = m.state.memory
        stopped = neg(disj(memory.tracking, memory.idle))
        local = evolve(m.local, holding=holding, was_stopped=stopped)
        return _is_state(result.value, m), m.state, local

    def mode(self, effect: effects.AcquireGrains) -> Mode:
        """What of the grains is held then."""
        if not effect.grains:
            return Mode.NONE
        if effect.mode is effects.SHARED:
            return Mode.SHARED if has_grain(effect.grains) else Mode.OTHERS
        if effect.grains == GEOMETRY.all_grains():
            return Mode.ALL
        return Mode.EXCLUSIVE if has_grain(effect.grains) else Mode.OTHERS

    def read(self, _: effects.Read, __: Result, m: Moment) -> Outcome:
        return True, m.state, m.local

    def value_read(self, effect: effects.Read, state: State) -> Bytes:
        """What a read gives of the block that is followed."""
        if BLOCK not in effect.blocks:
            return Bytes()
        return Bytes((state.source if effect.device is SOURCE else state.target).now)

    def write(self, effect: effects.Write, result: Result, m: Moment) -> Outcome:
        own = cast(Any, effect.data) is m.data
        local = evolve(m.local, wrote=m.local.wrote or (own and result.failed is None))
        if BLOCK not in effect.blocks:
            return True, m.state, local
        given: Any = effect.data
        value = given.value if isinstance(given, Bytes) else None
        if value is None:
            value = m.choice("garbage")
        kept = m.choice("keep data")
        state = write_block(m.state, effect.device, value, kept)
        if own and effect.device is TARGET:
            state = promise(state, value, kept)
        if result.failed:
            state = either(m.choice("landed"), state, m.state)
        return True, state, local

    def flush(self, effect: effects.Flush, result: Result, m: Moment) -> Outcome:
        state, local = m.state, m.local
        condition: Condition = True
        for device in effect.devices:
            works = self.may_flush(device, m)
            if result.failed is device:
                state = fail_flush(state, device)
                if device is MAP:
                    local = evolve(local, may_record=False)
            elif result.failed:
                landed = either(
                    conj(works, m.choice("other device landed")),
                    flush_device(state, device),
                    state,
                )
                failed = m.choice("other device failed")
                state = either(failed, fail_flush(landed, device), landed)
                if device is MAP:
                    local = evolve(local, may_record=conj(local.may_record, neg(failed)))
            else:
                condition = conj(condition, works)
                state = flush_device(state, device)
        if result.failed is None:
            if SOURCE in effect.devices:
                local = evolve(local, source_durable=same(state.source.now, state.source.after))
            if TARGET in effect.devices:
                local = evolve(local, target_durable=target_is_promised(state))
        return condition, state, local

    def may_flush(self, device: Device, m: Moment) -> Condition:
        """After a flush failed only who distrusted the maps after it may go on (ERR-5)."""
        doubt = {
            SOURCE: m.state.source.doubt,
            TARGET: m.state.target.doubt,
            MAP: m.state.maps.doubt,
        }[device]
        return disj(neg(doubt), device is MAP and m.local.may_record)

    def unsettled(self, _: Effect, result: Result, m: Moment) -> Outcome:
        unsettled = neg(self.skips(m.state))
        return same(unsettled, has_grain(result.value)), m.state, m.local

    def skips(self, state: State) -> Condition:
        """What decides that a write needs no preparation."""
        return state.memory.settled

    def uncopied(self, effect: effects.Uncopied, result: Result, m: Moment) -> Outcome:
        if not has_grain(effect.grains):
            return True, m.state, evolve(m.local, took=False)
        found = has_grain(result.value)
        local = evolve(m.local, took=found)
        return same(neg(m.state.memory.copied), found), m.state, local

    def nextuncopied(self, _: Effect, result: Result, m: Moment) -> Outcome:
        memory = m.state.memory
        local = evolve(m.local, found=bool(result.value))
        if not result.value:
            return True, m.state, local
        uncopied = neg(memory.copied) if has_grain(result.value) else True
        return conj(memory.tracking, uncopied), m.state, local

    def markcopied(self, effect: effects.MarkCopied, _: Result, m: Moment) -> Outcome:
        if not has_grain(effect.runs):
            return True, m.state, m.local
        return True, _remember(m.state, copied=True), m.local

    def markdiverged(self, effect: effects.MarkDiverged, _: Result, m: Moment) -> Outcome:
        if not has_grain(effect.runs):
            return True, m.state, m.local
        return True, _remember(m.state, copied=True, modified=True), m.local

    def settle(self, effect: effects.Settle, _: Result, m: Moment) -> Outcome:
        if not has_grain(effect.runs):
            return True, m.state, m.local
        return True, _remember(m.state, settled=True), m.local

    def distrust(self, _: Effect, __: Result, m: Moment) -> Outcome:
        state = _remember(m.state, tracking=False, idle=False, settled=False, prepared=False)
        return True, state, evolve(m.local, may_record=True, distrusts=True)

    def adopt(self, effect: effects.Adopt, _: Result, m: Moment) -> Outcome:
        local = evolve(m.local, may_record=False, distrusts=False)
        state = evolve(m.state, torn=False)
        memory = m.state.memory
        if effect.standing is Standing.TRACKING:
            state = _remember(
                state,
                tracking=True,
                idle=False,
                copied=memory.next_copied,
                modified=memory.next_modified,
                settled=False,
                prepared=False,
            )
            return True, evolve(state, image=state.maps.header.image), local
        if effect.standing is Standing.IDLE:
            state = _remember(state, copied=True, modified=True)
        else:
            state = evolve(
                state,
                target=evolve(state.target, doubt=False),
                maps=evolve(state.maps, doubt=False),
            )
        idle = effect.standing is Standing.IDLE
        return (
            True,
            _remember(state, tracking=False, idle=idle, settled=True, prepared=False),
            local,
        )

    def save(self, effect: effects.Save, result: Result, m: Moment) -> Outcome:
        memory, maps = m.state.memory, m.state.maps
        written: Condition = disj(has_grain(effect.runs), m.choice("same sector"))
        current = write_bits(
            maps.current, memory.copied, memory.modified, written, result, m.choice
        )
        return True, evolve(m.state, maps=evolve(maps, current=current)), m.local

    def prepare(self, effect: effects.Prepare, result: Result, m: Moment) -> Outcome:
        memory, maps = m.state.memory, m.state.maps
        copied, modified = self.at_new_point(effect.point, m.state)
        known = conj(
            memory.prepared,
            same(memory.next_copied, copied),
            same(memory.next_modified, modified),
        )
        elsewhere = m.choice("others differ")
        if result.failed:
            changed: Condition = True
        else:
            changed = same(disj(neg(known), elsewhere), result.value)
        written = disj(neg(known), conj(elsewhere, m.choice("same sector")))
        other = write_bits(maps.other, copied, modified, written, result, m.choice)
        # Not known means that the whole area is written.
        if result.failed is None:
            other = evolve(other, fresh=disj(other.fresh, neg(memory.prepared)))
        state = evolve(m.state, maps=evolve(maps, other=other))
        done = result.failed is None
        return (
            changed,
            _remember(state, prepared=done, next_copied=copied, next_modified=modified),
            m.local,
        )

    def at_new_point(self, point: Point, state: State) -> tuple[Condition, Condition]:
        """The grain's bits at a new point in time, by the shipped merge."""
        if point is Point.START:
            return False, False
        return bitmap.merge(state.memory.copied, state.memory.modified), False

    def commit(self, effect: effects.Commit, result: Result, m: Moment) -> Outcome:
        state = m.state
        if effect.standing is Standing.TRACKING:
            state = self.flip(state)
            header = Header(True, False, True, state.source.now, state.source.now)
        else:
            header = evolve(
                state.maps.header, tracking=False, idle=effect.standing is Standing.IDLE, here=True
            )
        stopped = neg(disj(state.memory.tracking, state.memory.idle))
        torn: Condition = True
        if effect.standing is Standing.STOPPED:
            torn = disj(state.torn, neg(stopped))
        state = evolve(state, torn=torn)
        maps = state.maps
        kept = m.choice("keep header")
        written = evolve(
            maps,
            header=header,
            after=either_part(Header, kept, header, maps.after),
            header_fresh=True,
        )
        landed = m.choice("landed") if result.failed else True
        return True, evolve(state, maps=either_maps(landed, written, maps)), m.local

    def flip(self, state: State) -> State:
        """From here on memory calls the other area the current one."""
        maps = state.maps
        flipped = [evolve(h, here=neg(h.here)) for h in (maps.header, maps.after)]
        return evolve(
            state,
            maps=evolve(
                maps,
                current=maps.other,
                other=maps.current,
                header=flipped[0],
                after=flipped[1],
            ),
        )


def _is_state(state: Lifecycle, m: Moment) -> Condition:
    """Whether memory is in a lifecycle state; other grains may be uncopied or not."""
    memory = m.state.memory
    uncopied = disj(neg(memory.copied), m.choice("others uncopied"))
    return {
        Lifecycle.IDLE: memory.idle,
        Lifecycle.COPYING: conj(memory.tracking, uncopied),
        Lifecycle.COPIED: conj(memory.tracking, neg(uncopied)),
        Lifecycle.STOPPED: neg(disj(memory.tracking, memory.idle)),
    }[state]


def _remember(state: State, **bits: Condition) -> State:
    return evolve(state, memory=evolve(state.memory, **bits))
