"""What the theorems about requests stand on: what the invariant gives, where it comes from, and why
a pair of steps stands for any number.

A crash in a state that satisfies the invariant leaves the target's image. Opening the relationship
after it, by the shipped rule (REC-1), gives such a state again, and so does creating one. And what
a request relies on is reflexive and transitive: many steps of many others are one pair of states.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from flashcopy.model.choice import Condition
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.protocol_invariant import (
    CLAUSES,
    bits_after_crash,
    invariant,
    quiet,
    recovered_is_right,
)
from flashcopy.proofs.protocol_logic import conj, disj, imp, ite, neg, same
from flashcopy.proofs.protocol_rely import HOLDINGS, Holding, Mode, rely, together
from flashcopy.proofs.protocol_state import (
    LEAVES,
    STATES,
    Area,
    Header,
    Maps,
    Memory,
    Side,
    State,
    get,
    state_at,
)
from flashcopy.proofs.sorts import BIT, OneOf


def gives_the_image(clauses: tuple[str, ...], **variables: Any) -> Statement:
    """The invariant's own meaning."""
    state = state_at(variables, 0, {})
    return Statement(
        given=conj(*(CLAUSES[name](state) for name in clauses)), claim=recovered_is_right(state)
    )


Recover = Callable[[State], State]


def is_kept_by_recovery(recover: Recover, **variables: Any) -> Statement:
    """A crash and the opening after it lead from the invariant to the invariant."""
    before = state_at(variables, 0, {})
    after = recover(before)
    return Statement(
        given=invariant(before),
        claim=conj(
            invariant(after),
            quiet(after),
            imp(
                disj(after.memory.tracking, after.memory.idle),
                same(
                    ite(after.memory.copied, after.target.now, after.source.now),
                    before.maps.after.survives,
                ),
            ),
        ),
    )


def recovered(state: State) -> State:
    """REC-1: every device as the crash left it, made durable; memory from the surviving header."""
    maps, header = state.maps, state.maps.after
    copied, modified = bits_after_crash(state)
    areas = [
        Area(a.copied_after, a.copied_after, a.modified_after, a.modified_after, True)
        for a in (maps.current, maps.other)
    ]
    chosen = evolve(header, here=True, image=header.survives)
    untied = neg(header.tracking)
    return State(
        source=_as_left(state.source),
        target=_as_left(state.target),
        maps=Maps(
            header=chosen,
            after=chosen,
            header_fresh=True,
            current=_either_area(header.here, *areas),
            other=_either_area(header.here, *reversed(areas)),
            doubt=False,
        ),
        memory=Memory(
            tracking=header.tracking,
            idle=header.idle,
            copied=disj(copied, untied),
            modified=disj(modified, untied),
            settled=disj(modified, untied),
            prepared=False,
            next_copied=False,
            next_modified=False,
        ),
        image=header.survives,
        torn=False,
    )


def _as_left(side: Side) -> Side:
    return Side(side.after, side.after, fresh=True, doubt=False)


def _either_area(condition: Condition, then: Area, otherwise: Area) -> Area:
    names = ("copied", "copied_after", "modified", "modified_after", "fresh")
    return Area(*(ite(condition, getattr(then, n), getattr(otherwise, n)) for n in names))


def _remembering(**change: Callable[[State], Condition]) -> Recover:
    def recover(before: State) -> State:
        after = recovered(before)
        bits = {name: bit(before) for name, bit in change.items()}
        return evolve(after, memory=evolve(after.memory, **bits))

    return recover


def _modified_after_crash(state: State) -> Condition:
    """The modified bit as it is found, whatever became of the copied bit."""
    maps = state.maps
    return ite(maps.after.here, maps.current.modified_after, maps.other.modified_after)


def _from_other_area(before: State) -> State:
    header = before.maps.after
    turned = evolve(before.maps, after=evolve(header, here=neg(header.here)))
    return recovered(evolve(before, maps=turned))


def _not_made_durable(before: State) -> State:
    """What the system had in its cache is read, and believed to be on the disk."""
    after = recovered(before)
    current = evolve(after.maps.current, modified_after=before.maps.current.modified_after)
    current = evolve(current, modified=before.maps.current.modified)
    bits = evolve(after.memory, settled=current.modified)
    return evolve(after, maps=evolve(after.maps, current=current), memory=bits)


def is_closed(subject: Any, holding: Holding, calm: Any, calm_again: Any, **v: Any) -> Statement:
    """Nothing happening, and one change after another, are such changes too."""
    first, second, third = (state_at(v, step, {}) for step in range(3))
    return Statement(
        given=conj(
            subject(holding, first, second, calm), subject(holding, second, third, calm_again)
        ),
        claim=conj(
            subject(holding, first, third, conj(calm, calm_again)),
            subject(holding, first, first, True),
        ),
    )


def _lost_at_most_once(holding: Holding, before: State, after: State, calm: Condition) -> Condition:
    risen = [
        conj(bit, neg(old))
        for bit, old in (
            (after.memory.copied, before.memory.copied),
            (after.memory.modified, before.memory.modified),
        )
    ]
    return conj(rely(holding, before, after, calm), neg(conj(*risen)))


@frozen
class _Fresh:
    """A relationship as it is created, whatever the volumes hold."""

    settled: bool = True
    copied: bool = True


def is_made_by_creation(fresh: _Fresh, source: Any, target: Any) -> Statement:
    """LIFE-2, REC-1: an idle relationship, everything durable."""
    header = Header(False, True, True, target, target)
    area = Area(False, False, False, False, True)
    memory = Memory(
        tracking=False,
        idle=True,
        copied=fresh.copied,
        modified=True,
        settled=fresh.settled,
        prepared=False,
        next_copied=False,
        next_modified=False,
    )
    state = State(
        source=Side(source(0), source(0), True, False),
        target=Side(target(0), target(0), True, False),
        maps=Maps(
            evolve(header, image=target(0), survives=target(0)),
            evolve(header, image=target(0), survives=target(0)),
            True,
            area,
            area,
            False,
        ),
        memory=memory,
        image=target(0),
        torn=False,
    )
    return Statement(given=True, claim=conj(invariant(state), quiet(state)))


def can_be_together(pairs: frozenset[frozenset[Mode]], mode: Mode, other: Mode) -> Statement:
    """Holdings that the proofs take to be apart are apart by the rule of shared and exclusive.

    A grain tells: `other grains` stands for at least one, held in some mode.
    """
    conflict = any(
        (first[1] or second[1]) and first[0] & second[0]
        for first in _GRAINS[mode]
        for second in _GRAINS[other]
    )
    never = all(
        (first[1] or second[1]) and first[0] & second[0]
        for first in _GRAINS[mode]
        for second in _GRAINS[other]
    )
    said = frozenset((mode, other)) in pairs
    return Statement(given=True, claim=(not said or conflict) and (said == bool(never)))


# What grains each mode may mean, as the tracked grain (1) and another (2), and whether alone.
_GRAINS: dict[Mode, tuple[tuple[int, bool], ...]] = {
    Mode.NONE: ((0, False),),
    Mode.OTHERS: ((2, False), (2, True)),
    Mode.SHARED: ((1, False), (3, False)),
    Mode.EXCLUSIVE: ((1, True), (3, True)),
    Mode.ALL: ((3, True),),
}


def _modes_picture(_: Any, mode: Mode, other: Mode) -> Picture:
    return Picture((f"one request holds {mode.value}, another one {other.value}",))


def _state_picture(_: Any, **variables: Any) -> Picture:
    """The state that it goes wrong in; where there are several, the leaves that differ."""
    first, *others = (state_at(variables, step, {}) for step in range(3))
    lines = [f"{path}: {get(first, path)}" for path in LEAVES if get(first, path)]
    if "holding" in variables:
        lines = [f"held: {variables['holding'].mode.value}"]
        lines += [
            f"{path}: {get(first, path)}, {', '.join(str(get(o, path)) for o in others)}"
            for path in LEAVES
            if any(get(o, path) != get(first, path) for o in others)
        ]
    return Picture(tuple(lines) or ("every bit 0, all data the same",))


def _fresh_picture(fresh: _Fresh, **_: Any) -> Picture:
    return Picture((f"created with copied {fresh.copied}, settled {fresh.settled}",))


def obligations() -> tuple[Obligation, ...]:
    """The ground."""
    every = tuple(CLAUSES)
    apart = frozenset(
        frozenset((a.mode, b.mode))
        for a in HOLDINGS
        for b in HOLDINGS
        if not (a.copier or b.copier or together(a, b))
    )
    return (
        Obligation(
            name="protocol.invariant-is-safe",
            clauses=("CRASH-2", "CRASH-3", "INV-1"),
            says="In a state that satisfies the invariant, a crash leaves the target's image,"
            " whichever header and whichever writes survive.",
            variables=STATES,
            subject=every,
            state=gives_the_image,
            picture=_state_picture,
            mutants=tuple(
                Mutant(f"not knowing: {name}", tuple(n for n in every if n != name))
                for name in (
                    "copied is durable",
                    "uncopied is unchanged",
                    "clean is equal",
                    "idle is durable",
                )
            ),
        ),
        Obligation(
            name="protocol.recovery",
            clauses=("REC-1", "CRASH-2", "ORDER-3"),
            says="Opening after a crash shows the image that survived, and the invariant holds.",
            variables=STATES,
            subject=recovered,
            state=is_kept_by_recovery,
            picture=_state_picture,
            mutants=(
                Mutant(
                    "everything copied is settled",
                    _remembering(settled=lambda s: bits_after_crash(s)[0]),
                ),
                Mutant(
                    "everything counts as copied",
                    _remembering(copied=lambda _: True),
                ),
                Mutant(
                    "modified trusted without copied", _remembering(settled=_modified_after_crash)
                ),
                Mutant("the maps of the other area", _from_other_area),
                Mutant("read before it is durable", _not_made_durable),
                Mutant(
                    "stopped taken for idle",
                    _remembering(idle=lambda s: neg(s.maps.after.tracking)),
                ),
            ),
        ),
        Obligation(
            name="protocol.creation",
            clauses=("LIFE-2", "REC-1"),
            says="A relationship as it is created satisfies the invariant.",
            variables={"source": STATES["source.now"], "target": STATES["target.now"]},
            subject=_Fresh(),
            state=is_made_by_creation,
            picture=_fresh_picture,
            mutants=(
                Mutant("nothing settled", _Fresh(settled=False)),
                Mutant("nothing copied", _Fresh(copied=False)),
            ),
        ),
        Obligation(
            name="protocol.rely-is-closed",
            clauses=("CONC-1", "CONC-3"),
            says="Any number of steps of any number of other requests is one change that a request"
            " relies on.",
            variables={
                **STATES,
                "calm": BIT,
                "calm_again": BIT,
                "holding": OneOf(HOLDINGS),
            },
            subject=rely,
            state=is_closed,
            picture=_state_picture,
            mutants=(Mutant("one bit rises at a time", _lost_at_most_once),),
        ),
        Obligation(
            name="protocol.holdings",
            clauses=("CONC-1", "CONC-2"),
            says="Requests are taken to exclude each other exactly where they must share a grain"
            " that one of them has alone.",
            variables={"mode": OneOf(Mode), "other": OneOf(Mode)},
            subject=apart,
            state=can_be_together,
            mutants=(
                Mutant("readers exclude each other", apart | {frozenset((Mode.SHARED,))}),
                Mutant(
                    "a write lets readers in",
                    apart - {frozenset((Mode.EXCLUSIVE, Mode.SHARED))},
                ),
            ),
            picture=_modes_picture,
        ),
    )
