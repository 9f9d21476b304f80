"""What the two bits are good for: idle grains, start by sync, minimality.

The rest of what is proved of one grain, beside refinement. That the second half of the invariant
is needed shows here: without "modified implies copied" no reader would see anything wrong, but a
grain that was just copied could still count as modified and be copied again.
"""

from typing import Any

from attrs import evolve

from flashcopy.model import operation as op
from flashcopy.model.choice import both, implies, negate
from flashcopy.model.grain import Change, Data, Grain
from flashcopy.model.images import Images, Volume
from flashcopy.proofs.grain_faults import grain_mutants
from flashcopy.proofs.grains import (
    GrainMachine,
    choose_grain,
    image_of,
    same_images,
    shipped,
    with_diverge,
)
from flashcopy.proofs.obligation import Obligation, Picture, Statement
from flashcopy.proofs.refinement import GRAIN
from flashcopy.proofs.sorts import CHANGE, NUMBER, Sort
from flashcopy.proofs.stories import partial_write, tell


def starts_right(m: GrainMachine, source: Data, target: Data) -> Statement:
    idle = m.idle_grain(source, target)
    independent = same_images(image_of(m, idle), Images(source, target))
    return Statement(given=True, claim=both(m.invariant(idle), independent))


def ties_nothing(m: GrainMachine, source: Data, target: Data, change: Change) -> Statement:
    """In an idle grain a write needs no preparation: it is diverged and stays as it is."""
    idle = m.idle_grain(source, target)
    written = m.write_source(idle, change)
    return Statement(
        given=True,
        claim=both(m.is_diverged(idle), both(written.target == target, m.is_diverged(written))),
    )


def is_mark_and_sync(m: GrainMachine, **parts: Any) -> Statement:
    grain = Grain(**parts)
    marked = m.mark_modified(grain)
    return Statement(
        given=m.invariant(grain),
        claim=both(marked.modified, _same(m.start(grain), m.sync(marked))),
    )


def needs_no_preparation(m: GrainMachine, **parts: Any) -> Statement:
    """A grain is diverged exactly if preparing it changes neither of its bits."""
    grain = Grain(**parts)
    prepared = m.diverge(grain)
    unchanged = both(prepared.copied == grain.copied, prepared.modified == grain.modified)
    return Statement(
        given=True, claim=both(m.is_diverged(prepared), m.is_diverged(grain) == unchanged)
    )


def is_minimal(m: GrainMachine, **parts: Any) -> Statement:
    grain = Grain(**parts)
    after = m.sync(grain)
    clean = both(grain.copied, negate(grain.modified))
    return Statement(given=m.invariant(grain), claim=after.copied == clean)


def is_clean_after_copy(m: GrainMachine, **parts: Any) -> Statement:
    """An uncopied grain, once copied, is left alone by the next sync."""
    grain = Grain(**parts)
    kept = m.sync(m.copy(grain)).copied
    return Statement(given=m.invariant(grain), claim=implies(negate(grain.copied), kept))


def is_copied_once(m: GrainMachine, **parts: Any) -> Statement:
    grain = Grain(**parts)
    once = m.copy(grain)
    same = both(_same(m.copy(once), once), implies(grain.copied, _same(once, grain)))
    return Statement(given=m.invariant(grain), claim=both(once.copied, same))


def both_halves(m: GrainMachine, **parts: Any) -> Statement:
    """The invariant says no less than its two halves."""
    grain = Grain(**parts)
    halves = both(
        implies(both(grain.copied, negate(grain.modified)), grain.target == grain.source),
        implies(grain.modified, grain.copied),
    )
    return Statement(given=True, claim=m.invariant(grain) == halves)


def _same(first: Grain, second: Grain) -> Any:
    sides = both(first.source == second.source, first.target == second.target)
    bits = both(first.copied == second.copied, first.modified == second.modified)
    return both(sides, bits)


def _story(*requests: op.Operation) -> Any:
    def picture(m: GrainMachine, **parts: Any) -> Picture:
        return tell(m, [Grain(**parts)], requests)

    return picture


def _idle_story(m: GrainMachine, source: Data, target: Data, **_: Any) -> Picture:
    return tell(m, [m.idle_grain(source, target)], [_SYNC])


def _start_story(m: GrainMachine, **parts: Any) -> Picture:
    """The start, or, if nothing is wrong with that, marking and syncing in its place."""
    told = tell(m, [Grain(**parts)], [op.Start()])
    if told.trace and told.trace.finding:
        return told
    marking = evolve(m, start=lambda grain: m.sync(m.mark_modified(grain)))
    return tell(marking, [Grain(**parts)], [op.Start()])


def _skipping_story(m: GrainMachine, **parts: Any) -> Picture:
    """A write that prepares only grains that do not count as diverged."""
    skipping = with_diverge(m, lambda g: choose_grain(m.is_diverged(g), g, m.diverge(g)))
    return tell(skipping, [Grain(**parts)], [partial_write(Volume.SOURCE)])


_COPY, _SYNC = op.BackgroundCopy(None), op.Sync()


def obligations() -> tuple[Obligation, ...]:
    """Of one grain, beyond refinement."""
    m = shipped()
    sides: dict[str, Sort] = {"source": NUMBER, "target": NUMBER}
    return (
        Obligation(
            name="refinement.invariant-idle",
            clauses=("INV-1", "INV-2", "LIFE-2"),
            says="The invariant holds at first, when the two sides have nothing to do with each"
            " other.",
            variables=sides,
            subject=m,
            state=starts_right,
            mutants=grain_mutants("idle grains count as clean", "idle grains count as uncopied"),
            picture=_idle_story,
        ),
        Obligation(
            name="refinement.idle",
            clauses=("LIFE-2", "WRITE-1"),
            says="In an idle grain a write to one side needs no preparation and spares the other.",
            variables=sides | {"change": CHANGE},
            subject=m,
            state=ties_nothing,
            mutants=grain_mutants("idle grains count as clean", "idle grains count as uncopied"),
            picture=_idle_story,
        ),
        Obligation(
            name="refinement.start-is-mark-and-sync",
            clauses=("START-1", "SYNC-1"),
            says="To start is to mark the grain modified and then to sync it.",
            variables=GRAIN,
            subject=m,
            state=is_mark_and_sync,
            mutants=grain_mutants(
                "marking does nothing",
                "start is a sync",
                "start forgets to clear modified",
                "sync forgets to clear modified",
            ),
            picture=_start_story,
        ),
        Obligation(
            name="refinement.diverged",
            clauses=("WRITE-1",),
            says="A grain is diverged exactly if a write to it needs no preparation.",
            variables=GRAIN,
            subject=m,
            state=needs_no_preparation,
            mutants=grain_mutants(
                "copied alone counts as diverged",
                "modified alone counts as diverged",
                "diverged without the modified bit",
            ),
            picture=_skipping_story,
        ),
        Obligation(
            name="refinement.sync-is-minimal",
            clauses=("MIN-1", "SYNC-1"),
            says="A sync leaves copied exactly what is copied and not modified.",
            variables=GRAIN,
            subject=m,
            state=is_minimal,
            mutants=grain_mutants("sync uncopies everything", "sync overwrites copied"),
            picture=_story(_SYNC, _COPY),
        ),
        Obligation(
            name="refinement.copy-is-kept",
            clauses=("MIN-1", "INV-2"),
            says="A grain that was copied and not written since is not copied again after a sync.",
            variables=GRAIN,
            subject=m,
            state=is_clean_after_copy,
            mutants=grain_mutants("without INV-2", "sync uncopies everything"),
            picture=_story(_COPY, _SYNC, _COPY),
        ),
        Obligation(
            name="refinement.copied-once",
            clauses=("MIN-2", "COPY-1"),
            says="A copy leaves a copied grain alone, so a grain is copied once a point in time.",
            variables=GRAIN,
            subject=m,
            state=is_copied_once,
            mutants=grain_mutants("copy ignores the copied bit", "copy does not set copied"),
            picture=_story(_COPY, _COPY),
        ),
        Obligation(
            name="refinement.invariant-halves",
            clauses=("INV-1", "INV-2"),
            says="The invariant is these two: a clean copy is equal, and modified is copied.",
            variables=GRAIN,
            subject=m,
            state=both_halves,
            mutants=grain_mutants("without INV-1", "without INV-2"),
            picture=_story(_SYNC),
        ),
    )
