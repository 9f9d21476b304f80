"""Faulty grain machines: what can go wrong with two bits and two sides.

Each is the shipped machine with one function replaced. The names say the fault, and the theorems
pick by name the ones that must break them. Most have been seen in real products: a copy that
ignores the bit, a mark set only at the first copy, target writes that a sync does not know of.
"""

from collections.abc import Callable

from attrs import evolve

from flashcopy.model import grain as grain_machine
from flashcopy.model.choice import both, choose, negate
from flashcopy.model.grain import Change, Grain
from flashcopy.proofs.grains import GrainMachine, shipped, with_diverge
from flashcopy.proofs.obligation import Mutant


def grain_mutants(*faults: str) -> tuple[Mutant, ...]:
    """The faulty machines of these names."""
    machines = _faults(shipped())
    return tuple(Mutant(fault, machines[fault]) for fault in faults)


def _faults(m: GrainMachine) -> dict[str, GrainMachine]:
    """Faulty grain machines, by what is wrong with them."""

    def copied_without_data(grain: Grain) -> Grain:
        return evolve(grain, copied=True)

    def copied_always(grain: Grain) -> Grain:
        return evolve(m.copy(grain), target=grain.source)

    def copied_backwards(grain: Grain) -> Grain:
        return evolve(m.copy(grain), source=choose(grain.copied, grain.source, grain.target))

    def copy_forgets_bit(grain: Grain) -> Grain:
        return evolve(m.copy(grain), copied=grain.copied)

    def unmarked(write: Callable[[Grain, Change], Grain]) -> Callable[[Grain, Change], Grain]:
        return lambda grain, change: evolve(write(grain, change), modified=grain.modified)

    def marked_at_first_copy(grain: Grain, change: Change) -> Grain:
        marked = choose(grain.copied, grain.modified, True)
        return evolve(m.write_source(grain, change), modified=marked)

    def marked_if_copied(grain: Grain, change: Change) -> Grain:
        marked = choose(grain.copied, True, grain.modified)
        return evolve(m.write_source(grain, change), modified=marked)

    def not_copied_first(grain: Grain, change: Change) -> Grain:
        return evolve(grain, source=change(grain.source), modified=True)

    def copied_after(grain: Grain, change: Change) -> Grain:
        return m.diverge(evolve(grain, source=change(grain.source)))

    def not_filled(grain: Grain, change: Change) -> Grain:
        return evolve(m.diverge(grain), target=change(grain.target))

    def on_both_sides(grain: Grain, change: Change) -> Grain:
        return evolve(m.write_source(grain, change), target=change(grain.target))

    return {
        "copied without the data": evolve(m, copy=copied_without_data),
        "copy ignores the copied bit": evolve(m, copy=copied_always),
        "copy runs backwards": evolve(m, copy=copied_backwards),
        "copy does not set copied": evolve(m, copy=copy_forgets_bit),
        "diverged without the data": with_diverge(
            m, lambda g: evolve(g, copied=True, modified=True)
        ),
        "diverged without the modified bit": with_diverge(m, m.copy),
        "diverged without copying": with_diverge(m, lambda g: evolve(g, modified=True)),
        "no copy before a source write": evolve(m, write_source=not_copied_first),
        "copied after the source write": evolve(m, write_source=copied_after),
        "source write lands on both sides": evolve(m, write_source=on_both_sides),
        "source write not marked": evolve(m, write_source=unmarked(m.write_source)),
        "modified set only at the first copy": evolve(m, write_source=marked_at_first_copy),
        "modified set only if already copied": evolve(m, write_source=marked_if_copied),
        "target write not marked": evolve(m, write_target=unmarked(m.write_target)),
        "rest of the grain not filled": evolve(m, write_target=not_filled),
        "target write goes to the source": evolve(m, write_target=m.write_source),
        "fake read from the wrong side": evolve(
            m, read_target=lambda g: choose(g.copied, g.source, g.target)
        ),
        "target read without fake read": evolve(m, read_target=lambda g: g.target),
        "source read from the target": evolve(m, read_source=lambda g: g.target),
        "sync does nothing": evolve(m, sync=lambda g: g),
        "sync forgets to clear modified": evolve(
            m, sync=lambda g: evolve(m.sync(g), modified=g.modified)
        ),
        "sync clears modified only": evolve(m, sync=lambda g: evolve(g, modified=False)),
        "sync keeps what is modified": evolve(
            m, sync=lambda g: evolve(g, copied=both(g.copied, g.modified), modified=False)
        ),
        "sync overwrites copied": evolve(
            m, sync=lambda g: evolve(g, copied=negate(g.modified), modified=False)
        ),
        "sync uncopies everything": evolve(m, sync=m.start),
        "start does nothing": evolve(m, start=lambda g: g),
        "start is a sync": evolve(m, start=m.sync),
        "start forgets to clear modified": evolve(m, start=lambda g: evolve(g, copied=False)),
        "idle grains count as clean": evolve(
            m, idle_grain=lambda s, t: evolve(m.idle_grain(s, t), modified=False)
        ),
        "idle grains count as uncopied": evolve(
            m, idle_grain=lambda s, t: evolve(m.idle_grain(s, t), copied=False)
        ),
        "marking does nothing": evolve(m, mark_modified=lambda g: g),
        "copied alone counts as diverged": evolve(m, is_diverged=lambda g: g.copied),
        "modified alone counts as diverged": evolve(m, is_diverged=lambda g: g.modified),
        "without INV-1": evolve(m, invariant=grain_machine.modified_is_copied),
        "without INV-2": evolve(m, invariant=grain_machine.clean_copy_is_equal),
    }
