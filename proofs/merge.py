"""The merge that a sync is named for, on maps of any length.

Everything here runs the very function that ships, `impl.bitmap.merge`, on maps that are
functions from grain to bit, and claims something of an arbitrary grain. So it holds for maps of
every length. `merge_words` adds what only machine words and padding can get wrong.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from flashcopy.impl import bitmap
from flashcopy.model import grain as grain_machine
from flashcopy.model.choice import Condition, both, implies, negate
from flashcopy.model.grain import Grain
from flashcopy.proofs.maps import AnyMap, Index, cut_off, steps_of
from flashcopy.proofs.merge_faults import Merge, merge_mutants, take_and, take_or
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import MAP, NUMBER, SIDE, Function, Sort, Table


def is_and_not(merge: Merge, copied: Any, modified: Any, grain: Index) -> Statement:
    merged = merge(AnyMap(copied), AnyMap(modified)).at(grain)
    must_be = both(copied(grain), negate(modified(grain)))
    return Statement(given=grain >= 0, claim=merged == must_be)


def is_sound(
    merge: Merge, copied: Any, modified: Any, source: Any, target: Any, grain: Index
) -> Statement:
    before = Grain(source(grain), target(grain), copied(grain), modified(grain))
    merged = merge(AnyMap(copied), AnyMap(modified)).at(grain)
    return Statement(
        given=both(grain >= 0, grain_machine.clean_copy_is_equal(before)),
        claim=implies(merged, before.target == before.source),
    )


def is_minimal(merge: Merge, copied: Any, modified: Any, grain: Index) -> Statement:
    merged = merge(AnyMap(copied), AnyMap(modified)).at(grain)
    clean = both(copied(grain), negate(modified(grain)))
    return Statement(given=grain >= 0, claim=implies(clean, merged))


def only_clears(merge: Merge, copied: Any, modified: Any, grain: Index) -> Statement:
    merged = merge(AnyMap(copied), AnyMap(modified)).at(grain)
    return Statement(given=grain >= 0, claim=implies(merged, copied(grain)))


def is_idempotent(merge: Merge, copied: Any, modified: Any, grain: Index) -> Statement:
    once = merge(AnyMap(copied), AnyMap(modified))
    twice = merge(once, AnyMap(modified))
    return Statement(given=grain >= 0, claim=twice.at(grain) == once.at(grain))


def survives_cutting(
    merge: Merge, copied: Any, modified: Any, steps: Any, grain: Index
) -> Statement:
    """Cut off after so many steps, at each grain a different number, and run again."""
    torn = cut_off(steps_of(merge, AnyMap(copied), AnyMap(modified)), steps)
    must_be = both(copied(grain), negate(modified(grain)))
    return Statement(given=grain >= 0, claim=merge(*torn).at(grain) == must_be)


def adds_up(merge: Merge, copied: Any, first: Any, second: Any, grain: Index) -> Statement:
    one_by_one = merge(merge(AnyMap(copied), AnyMap(first)), AnyMap(second))
    union = merge(AnyMap(copied), AnyMap(first) | AnyMap(second))
    return Statement(given=grain >= 0, claim=one_by_one.at(grain) == union.at(grain))


@frozen
class Tied:
    """A merge, and what ties the modified map to the copied one."""

    merge: Merge
    tie: Callable[[Grain], Condition]


def is_exclusive_or(tied: Tied, copied: Any, modified: Any, grain: Index) -> Statement:
    before = Grain(0, 0, copied(grain), modified(grain))
    merged = tied.merge(AnyMap(copied), AnyMap(modified)).at(grain)
    exclusive_or = (AnyMap(copied) ^ AnyMap(modified)).at(grain)
    return Statement(given=both(grain >= 0, tied.tie(before)), claim=merged == exclusive_or)


def picture(subject: Any, grain: int, copied: Any, **others: Any) -> Picture:
    """The maps at the grains that matter, before and after."""
    maps = {"copied": copied, **{n: m for n, m in others.items() if isinstance(m, Table)}}
    grains = sorted({g for m in maps.values() for (g,) in m.entries if g >= 0} | {grain})
    rows: dict[str, list[Any]] = {"grain": list(grains)}
    for name, map_ in maps.items():
        rows[name.replace("_", " ")] = [int(map_(g)) for g in grains]
    merge = subject if callable(subject) else subject.merge
    modified = [others[name] for name in ("modified", "first", "second") if name in others]
    merged = AnyMap(copied)
    for map_ in modified:
        merged = merge(merged, AnyMap(map_))
    if modified:
        rows["after the merge"] = [int(merged.at(g)) for g in grains]
        clean = [copied(g) and not any(m(g) for m in modified) for g in grains]
        rows["copied and not modified"] = [int(bit) for bit in clean]
    width = max(len(name) for name in rows)
    return Picture(
        tuple(
            f"{name:{width}} " + "".join(f"{value:>7}" for value in values)
            for name, values in rows.items()
        )
    )


_MAPS: dict[str, Sort] = {"copied": MAP, "modified": MAP, "grain": NUMBER}


def obligations() -> tuple[Obligation, ...]:
    """Of maps of any length."""
    merge = bitmap.merge
    tied = Tied(merge, grain_machine.modified_is_copied)
    return (
        Obligation(
            name="merge.and-not",
            clauses=("SYNC-2", "SYNC-1"),
            says="The merge leaves copied exactly what was copied and not modified.",
            variables=_MAPS,
            subject=merge,
            state=is_and_not,
            mutants=merge_mutants(
                "or",
                "and",
                "exclusive or",
                "copied := not modified",
                "modified cleared before the merge",
                "first word only",
                "first page only",
            ),
            picture=picture,
        ),
        Obligation(
            name="merge.sound",
            clauses=("SYNC-2", "INV-1"),
            says="What the merge leaves copied has two equal sides, if clean copies had.",
            variables=_MAPS | {"source": SIDE, "target": SIDE},
            subject=merge,
            state=is_sound,
            mutants=merge_mutants("or", "and", "copied := not modified", "first word only"),
            picture=picture,
        ),
        Obligation(
            name="merge.minimal",
            clauses=("SYNC-2", "MIN-1"),
            says="The merge does not uncopy a grain that is copied and not modified.",
            variables=_MAPS,
            subject=merge,
            state=is_minimal,
            mutants=(
                *merge_mutants("and"),
                Mutant("everything uncopied", lambda copied, _: copied ^ copied),
            ),
            picture=picture,
        ),
        Obligation(
            name="merge.only-clears",
            clauses=("SYNC-2",),
            says="The merge makes no grain copied that was not.",
            variables=_MAPS,
            subject=merge,
            state=only_clears,
            mutants=merge_mutants("or", "exclusive or", "copied := not modified"),
            picture=picture,
        ),
        Obligation(
            name="merge.idempotent",
            clauses=("SYNC-2",),
            says="Merging the same modified map again changes nothing.",
            variables=_MAPS,
            subject=merge,
            state=is_idempotent,
            mutants=merge_mutants("exclusive or"),
            picture=picture,
        ),
        Obligation(
            name="merge.safe-to-cut-off",
            clauses=("SYNC-2", "CRASH-3"),
            says="Cut off after any step, at each grain another one, and run again: the same.",
            variables=_MAPS | {"steps": Function((NUMBER,), NUMBER)},
            subject=merge,
            state=survives_cutting,
            mutants=merge_mutants(
                "exclusive or", "modified cleared before the merge", "modified cleared half way"
            ),
            picture=picture,
        ),
        Obligation(
            name="merge.adds-up",
            clauses=("SYNC-2",),
            says="Two modified maps merged one after the other equal their union merged once.",
            variables={"copied": MAP, "first": MAP, "second": MAP, "grain": NUMBER},
            subject=merge,
            state=adds_up,
            mutants=merge_mutants("exclusive or", "and", "copied := not modified"),
            picture=picture,
        ),
        Obligation(
            name="merge.exclusive-or",
            clauses=("SYNC-2", "INV-2"),
            says="While every modified grain is copied, the merge equals exclusive or.",
            variables=_MAPS,
            subject=tied,
            state=is_exclusive_or,
            mutants=(
                Mutant("modified grains need not be copied", Tied(merge, lambda _: True)),
                Mutant("or", Tied(take_or, tied.tie)),
                Mutant("and", Tied(take_and, tied.tie)),
            ),
            picture=picture,
        ),
    )
