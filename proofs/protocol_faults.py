"""Faults of the protocol for the proofs: those of the harness, by name, and some in the effects.

A mutant of the harness that rewrites effects or a whole request runs here as it is. One that is a
subclass of the shipped memory or map file has its like here, for one grain: a subclass of
`Effects`. What is faulty is then the same, and what convicts it is a proof.
"""

from attrs import evolve

from flashcopy.harness.mutant import Mutant as HarnessMutant
from flashcopy.harness.mutant import generator
from flashcopy.harness.mutants import by_name
from flashcopy.harness.requests import Ask, Options
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import MAP, Device, Effect, Point, Standing
from flashcopy.impl.protocol import Request
from flashcopy.model.choice import Condition
from flashcopy.proofs.obligation import Mutant
from flashcopy.proofs.protocol_effects import Effects, Moment, Outcome
from flashcopy.proofs.protocol_logic import conj, disj, neg
from flashcopy.proofs.protocol_points import points, swapped, without
from flashcopy.proofs.protocol_request import GEOMETRY, Make, Result, Rewrite, has_grain
from flashcopy.proofs.protocol_run import Subject
from flashcopy.proofs.protocol_state import State


class VolatileSkip(Effects):
    """ORDER-3 broken: the modified bit in memory decides."""

    def skips(self, state: State) -> Condition:
        return state.memory.modified


class SettledWhenCopied(Effects):
    """A copied grain counts as settled."""

    def skips(self, state: State) -> Condition:
        return state.memory.copied


class SettledOutlivesPoint(Effects):
    """What was settled stays so at a new point in time."""

    def adopt(self, effect: effects.Adopt, result: Result, m: Moment) -> Outcome:
        condition, state, local = super().adopt(effect, result, m)
        if effect.standing is Standing.TRACKING:
            memory = evolve(state.memory, settled=m.state.memory.settled)
            state = evolve(state, memory=memory)
        return condition, state, local


class ForgetfulDistrust(Effects):
    """Distrusting sets all bits while requests in flight still save them."""

    def distrust(self, effect: Effect, result: Result, m: Moment) -> Outcome:
        condition, state, local = super().distrust(effect, result, m)
        memory = evolve(state.memory, copied=True, modified=True)
        return condition, evolve(state, memory=memory), local


class KeepsFailedPrepare(Effects):
    """Maps whose writing failed count as written."""

    def prepare(self, effect: effects.Prepare, result: Result, m: Moment) -> Outcome:
        condition, state, local = super().prepare(effect, result, m)
        return condition, evolve(state, memory=evolve(state.memory, prepared=True)), local


class InPlace(Effects):
    """ORDER-4 broken: the new maps are written over those that count."""

    def prepare(self, effect: effects.Prepare, result: Result, m: Moment) -> Outcome:
        maps = m.state.maps
        turned = evolve(m.state, maps=evolve(maps, current=maps.other, other=maps.current))
        condition, state, local = super().prepare(effect, result, evolve(m, state=turned))
        maps = state.maps
        back = evolve(state, maps=evolve(maps, current=maps.other, other=maps.current))
        return condition, back, local

    def flip(self, state: State) -> State:
        return state


class MergeOr(Effects):
    """SYNC-2 broken: modified grains stay copied."""

    def at_new_point(self, point: Point, state: State) -> tuple[Condition, Condition]:
        if point is Point.START:
            return False, False
        return disj(state.memory.copied, state.memory.modified), False


class MergeAnd(Effects):
    """SYNC-2 broken: the modified grains stay copied, and no others."""

    def at_new_point(self, point: Point, state: State) -> tuple[Condition, Condition]:
        if point is Point.START:
            return False, False
        return conj(state.memory.copied, state.memory.modified), False


class MergeNothing(Effects):
    """SYNC-2 broken: modified is cleared before it is merged."""

    def at_new_point(self, point: Point, state: State) -> tuple[Condition, Condition]:
        return (point is Point.SYNC and state.memory.copied), False


class StartKeepsCopied(Effects):
    """A start is a sync."""

    def at_new_point(self, _: Point, state: State) -> tuple[Condition, Condition]:
        return super().at_new_point(Point.SYNC, state)


class TakesModified(Effects):
    """Preparing takes the modified bit away from memory."""

    def prepare(self, effect: effects.Prepare, result: Result, m: Moment) -> Outcome:
        condition, state, local = super().prepare(effect, result, m)
        memory = evolve(state.memory, modified=False, settled=False)
        return condition, evolve(state, memory=memory), local


class MergeOverwrites(Effects):
    """SYNC-2 broken: copied becomes not modified, of grains that never were copied too."""

    def at_new_point(self, point: Point, state: State) -> tuple[Condition, Condition]:
        return (point is Point.SYNC and neg(state.memory.modified)), False


class AnyoneMayRecord(Effects):
    """Whoever distrusted the maps goes by a flush although another one failed since."""

    def may_flush(self, device: Device, m: Moment) -> Condition:
        return disj(super().may_flush(device, m), device is MAP and m.local.distrusts)


class FlushesInDoubt(Effects):
    """A flush after one that failed counts as any other."""

    def may_flush(self, device: Device, m: Moment) -> Condition:
        del device, m
        return True


class SettlesByMark(Effects):
    """Setting the bits in memory settles the grain."""

    def markdiverged(self, effect: effects.MarkDiverged, result: Result, m: Moment) -> Outcome:
        condition, state, local = super().markdiverged(effect, result, m)
        settled = disj(has_grain(effect.runs), state.memory.settled)
        return condition, evolve(state, memory=evolve(state.memory, settled=settled)), local


class DistrustKeepsSettled(Effects):
    """Distrusting leaves what is settled, so that the next write is not held up."""

    def distrust(self, effect: Effect, result: Result, m: Moment) -> Outcome:
        condition, state, local = super().distrust(effect, result, m)
        memory = evolve(state.memory, settled=m.state.memory.settled)
        return condition, evolve(state, memory=memory), local


class NeverForgetsPrepared(Effects):
    """Memory takes any maps it once prepared for those in the other area."""

    def distrust(self, effect: Effect, result: Result, m: Moment) -> Outcome:
        condition, state, local = super().distrust(effect, result, m)
        memory = evolve(state.memory, prepared=m.state.memory.prepared)
        return condition, evolve(state, memory=memory), local

    def adopt(self, effect: effects.Adopt, result: Result, m: Moment) -> Outcome:
        condition, state, local = super().adopt(effect, result, m)
        memory = evolve(state.memory, prepared=m.state.memory.prepared)
        return condition, evolve(state, memory=memory), local


# The likes of the harness's subclasses of memory and map file.
_LIKES: dict[str, type[Effects]] = {
    "distrust-forgets-bits": ForgetfulDistrust,
    "skip-by-volatile-bit": VolatileSkip,
    "settled-when-copied": SettledWhenCopied,
    "settled-outlives-point": SettledOutlivesPoint,
    "point-in-place": InPlace,
    "failed-prepare-kept": KeepsFailedPrepare,
    "merge-or": MergeOr,
    "merge-and": MergeAnd,
    "merge-overwrites": MergeOverwrites,
    "modified-cleared-before-merge": MergeNothing,
    "start-keeps-copied": StartKeepsCopied,
    "flush-in-doubt-trusted": FlushesInDoubt,
    "flush-of-another-trusted": AnyoneMayRecord,
    "distrust-keeps-settled": DistrustKeepsSettled,
    "prepared-never-forgotten": NeverForgetsPrepared,
    "sync-takes-modified-first": TakesModified,
}


# The proofs do not look into data: what depends on it they cannot run.
_LOOK_AT_DATA = (
    *("zeroes-skip-copy-on-write", "zeroes-not-marked", "zeroes-not-copied"),
    "blocks-copied-to-wrong-place",
)


def subject_of(mutant: HarnessMutant) -> Subject | None:
    """A mutant of the harness as a subject of the proofs; None for one that they cannot run."""
    if mutant.name in _LIKES:
        return Subject(effects=_LIKES[mutant.name]())
    if (mutant.act or mutant.make) and mutant.name not in _LOOK_AT_DATA:
        return Subject(rewrite=_rewrite(mutant))
    return None


def named(*names: str) -> tuple[Mutant, ...]:
    """Mutants of the harness by name, for an obligation."""
    found = [(name, subject_of(by_name(name))) for name in names]
    return tuple(Mutant(name, subject) for name, subject in found if subject)


def leaving_out(*names: str) -> tuple[Mutant, ...]:
    """The effects at these points left out, one at a time."""
    by = {point.name: point for point in points()}
    return tuple(Mutant(f"without {name}", Subject(without(by[name]))) for name in names)


def swapping(*pairs: tuple[str, str]) -> tuple[Mutant, ...]:
    """The effects at these points in the other order."""
    by = {point.name: point for point in points()}
    return tuple(
        Mutant(f"{second} before {first}", Subject(swapped(by[first], by[second])))
        for first, second in pairs
    )


def meaning(**kinds: type[Effects]) -> tuple[Mutant, ...]:
    """Effects that mean something else."""
    return tuple(
        Mutant(name.replace("_", " "), Subject(effects=kind())) for name, kind in kinds.items()
    )


def _rewrite(mutant: HarnessMutant) -> Rewrite:
    def rewritten(_: Make, ask: Ask) -> Request:
        return generator(mutant, GEOMETRY, Options(), ask)

    return rewritten
