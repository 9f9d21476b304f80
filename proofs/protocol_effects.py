"""What each effect does to the block that is followed: the symbolic interpreter's half of `effect`.

For an effect and one of its results, `Effects.carry_out` says under which condition it gives that
result and what the state is then. A result that is an error leaves what the device did before it
failed to an arbitrary choice: nothing, all, or a part. Memory's effects are restated here for one
grain, as `impl.memory` has them; `tests/test_proofs_protocol_effects.py` holds the two together.

Mutants replace a method.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from flashcopy.impl import bitmap
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device, Effect, Point, Standing
from flashcopy.impl.effect import State as Lifecycle
from flashcopy.model.choice import Condition
from flashcopy.proofs.protocol_logic import conj, disj, ite, neg, same
from flashcopy.proofs.protocol_rely import Holding, Mode
from flashcopy.proofs.protocol_request import BLOCK, GEOMETRY, Bytes, Result, has_grain
from flashcopy.proofs.protocol_state import Area, Header, Maps, Side, State, build, get

# An arbitrary choice of this step, by name; `garbage` is data that nobody read.
Choice = Callable[[str], Any]
# `keep`: a crash keeps the write. `landed`: a device that failed had done it. `calm`: before the
# step no flush of the map file failed.
CHOICES = (
    *("keep data", "keep copied", "keep modified", "keep header"),
    *("landed", "landed copied", "landed modified", "other device landed", "other device failed"),
    *("same sector", "others uncopied", "others differ", "calm"),
)


@frozen
class Local:
    """What a request knows or has done itself.

    `may_record` is whether it distrusted the maps and no flush of them has failed since, `distrusts`
    whether it distrusted them at all. `wrote` is
    whether it carried out its own write, `source_durable` and `target_durable` whether a flush of
    its own made durable what was there. `found` is whether it found anything to copy, `took` whether
    the grain was uncopied, `was_stopped` whether the relationship was stopped when it was given
    its grains; None where it never asked.
    """

    holding: Holding = Holding()
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

    def read(self, effect: effects.Read, _: Result, m: Moment) -> Outcome:
        return True, m.state, m.local

    def value_read(self, effect: effects.Read, state: State) -> Bytes:
        """What a read gives of the block that is followed."""
        if BLOCK not in effect.blocks:
            return Bytes()
        return Bytes((state.source if effect.device is SOURCE else state.target).now)

    def write(self, effect: effects.Write, result: Result, m: Moment) -> Outcome:
        own = effect.data is m.data
        local = evolve(m.local, wrote=m.local.wrote or (own and result.failed is None))
        if BLOCK not in effect.blocks:
            return True, m.state, local
        given: Any = effect.data
        value = given.value if isinstance(given, Bytes) else None
        if value is None:
            value = m.choice("garbage")
        kept = m.choice("keep data")
        state = _write(m.state, effect.device, value, kept)
        if own and effect.device is TARGET:
            state = _promise(state, value, kept)
        if result.failed:
            state = _either(m.choice("landed"), state, m.state)
        return True, state, local

    def flush(self, effect: effects.Flush, result: Result, m: Moment) -> Outcome:
        state, local = m.state, m.local
        condition: Condition = True
        for device in effect.devices:
            works = self.may_flush(device, m)
            if result.failed is device:
                state = _fail_flush(state, device)
                if device is MAP:
                    local = evolve(local, may_record=False)
            elif result.failed:
                landed = _either(
                    conj(works, m.choice("other device landed")),
                    _flush(state, device),
                    state,
                )
                failed = m.choice("other device failed")
                state = _either(failed, _fail_flush(landed, device), landed)
                if device is MAP:
                    local = evolve(local, may_record=conj(local.may_record, neg(failed)))
            else:
                condition = conj(condition, works)
                state = _flush(state, device)
        if result.failed is None:
            if SOURCE in effect.devices:
                local = evolve(local, source_durable=same(state.source.now, state.source.after))
            if TARGET in effect.devices:
                local = evolve(local, target_durable=_target_is_promised(state))
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
        current = _write_bits(
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
        other = _write_bits(maps.other, copied, modified, written, result, m.choice)
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
            after=_either_part(Header, kept, header, maps.after),
            header_fresh=True,
        )
        landed = m.choice("landed") if result.failed else True
        return True, evolve(state, maps=_either_maps(landed, written, maps)), m.local

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


def _write(state: State, device: Device, value: Any, kept: Condition) -> State:
    """DISK-1, DISK-4: seen at once; after a crash if this write is kept."""
    side = state.source if device is SOURCE else state.target
    side = evolve(side, now=value, after=ite(kept, value, side.after), fresh=True)
    return evolve(state, source=side) if device is SOURCE else evolve(state, target=side)


def _promise(state: State, value: Any, kept: Condition) -> State:
    """WRITE-3: a host's write to the target changes the image, now and where it survives."""

    def promised(header: Header) -> Header:
        return evolve(header, image=value, survives=ite(kept, value, header.survives))

    maps = state.maps
    maps = evolve(maps, header=promised(maps.header), after=promised(maps.after))
    return evolve(state, maps=maps, image=value)


def _target_is_promised(state: State) -> Condition:
    """CRASH-1: every write to the target so far survives, where the target is an image."""
    after = state.maps.after
    return disj(same(after.image, after.survives), neg(disj(after.tracking, after.idle)))


def _flush(state: State, device: Device) -> State:
    """DISK-3, except for what an earlier flush may have lost."""
    maps = state.maps
    if device is SOURCE:
        return evolve(state, source=_flush_side(state.source))
    if device is TARGET:
        fresh = state.target.fresh

        def promised(header: Header) -> Header:
            return evolve(header, survives=ite(fresh, header.image, header.survives))

        maps = evolve(maps, header=promised(maps.header), after=promised(maps.after))
        return evolve(state, target=_flush_side(state.target), maps=maps)
    maps = evolve(
        maps,
        after=_either_part(Header, maps.header_fresh, maps.header, maps.after),
        current=_flush_area(maps.current),
        other=_flush_area(maps.other),
    )
    return evolve(state, maps=maps)


def _flush_side(side: Side) -> Side:
    return evolve(side, after=ite(side.fresh, side.now, side.after))


def _flush_area(area: Area) -> Area:
    return evolve(
        area,
        copied_after=ite(area.fresh, area.copied, area.copied_after),
        modified_after=ite(area.fresh, area.modified, area.modified_after),
    )


def _fail_flush(state: State, device: Device) -> State:
    """What was written so far may be lost although later flushes succeed."""
    if device is SOURCE:
        return evolve(state, source=evolve(state.source, fresh=False, doubt=True))
    if device is TARGET:
        return evolve(state, target=evolve(state.target, fresh=False, doubt=True))
    maps = state.maps
    maps = evolve(
        maps,
        doubt=True,
        header_fresh=False,
        current=evolve(maps.current, fresh=False),
        other=evolve(maps.other, fresh=False),
    )
    return evolve(state, maps=maps)


def _write_bits(
    area: Area,
    copied: Condition,
    modified: Condition,
    written: Condition,
    result: Result,
    choice: Choice,
) -> Area:
    """Both bits are written, in two sectors; of a write that failed any part may have landed."""
    lands = [
        conj(written, choice(f"landed {bit}")) if result.failed else written
        for bit in ("copied", "modified")
    ]
    keeps = [
        conj(land, choice(f"keep {bit}"))
        for land, bit in zip(lands, ("copied", "modified"), strict=True)
    ]
    return Area(
        copied=ite(lands[0], copied, area.copied),
        copied_after=ite(keeps[0], copied, area.copied_after),
        modified=ite(lands[1], modified, area.modified),
        modified_after=ite(keeps[1], modified, area.modified_after),
        fresh=area.fresh,
    )


def _either(condition: Condition, then: State, otherwise: State) -> State:
    state: State = build(lambda path: ite(condition, get(then, path), get(otherwise, path)))
    return state


def _either_part(part: type, condition: Condition, then: Any, otherwise: Any) -> Any:
    names = [a.name for a in part.__attrs_attrs__]  # type: ignore[attr-defined]
    return part(**{n: ite(condition, getattr(then, n), getattr(otherwise, n)) for n in names})


def _either_maps(condition: Condition, then: Maps, otherwise: Maps) -> Maps:
    return evolve(
        otherwise,
        header=_either_part(Header, condition, then.header, otherwise.header),
        after=_either_part(Header, condition, then.after, otherwise.after),
        header_fresh=ite(condition, then.header_fresh, otherwise.header_fresh),
    )
