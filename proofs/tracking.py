"""What the merge relies on: that every write to either side was tracked.

The merge can only be as right as the modified map it is given. Here that map is made by the grain
machine's own writes, and the claim is about the data: what the merge leaves copied is equal.
"""

from typing import Any

from attrs import evolve, frozen

from flashcopy.impl import bitmap
from flashcopy.model.choice import implies
from flashcopy.model.grain import Grain
from flashcopy.model.images import Volume
from flashcopy.proofs.grain_faults import grain_mutants
from flashcopy.proofs.grains import GrainMachine, choose_grain, shipped
from flashcopy.proofs.maps import AnyMap, Index
from flashcopy.proofs.merge_faults import Merge, take_or
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import MAP, NUMBER, SIDE
from flashcopy.proofs.stories import partial_write, tell


@frozen
class Tracking:
    """A merge, and the writes whose marks it relies on."""

    merge: Merge
    machine: GrainMachine


def sees_all_writes(
    tracking: Tracking,
    copied: Any,
    data: Any,
    to_source: Any,
    to_target: Any,
    written: Any,
    grain: Index,
) -> Statement:
    """Clean and uncopied grains, written or not on either side; then the merge."""
    point_in_time = Grain(data(grain), data(grain), copied(grain), False)

    def change(_: Any) -> Any:
        return written(grain)

    m = tracking.machine
    after = choose_grain(to_source(grain), m.write_source(point_in_time, change), point_in_time)
    after = choose_grain(to_target(grain), m.write_target(after, change), after)
    merged = tracking.merge(AnyMap(lambda _: after.copied), AnyMap(lambda _: after.modified))
    return Statement(
        given=grain >= 0,
        claim=implies(merged.at(grain), after.target == after.source),
    )


def tracking_story(
    tracking: Tracking, grain: int, copied: Any, data: Any, to_source: Any, to_target: Any, **_: Any
) -> Picture:
    """The writes and the sync, the sync's merge being the tracking's."""

    def sync(g: Grain) -> Grain:
        merged = tracking.merge(AnyMap(lambda _: g.copied), AnyMap(lambda _: g.modified))
        return evolve(g, copied=merged.at(0), modified=False)

    writes = ((Volume.SOURCE, to_source), (Volume.TARGET, to_target))
    requests = [partial_write(side) for side, happens in writes if happens(grain)]
    before = Grain(data(grain), data(grain), copied(grain), False)
    return tell(evolve(tracking.machine, sync=sync), [before], requests)


def obligations() -> tuple[Obligation, ...]:
    """Of the merge after writes."""
    tracking = Tracking(bitmap.merge, shipped())
    return (
        Obligation(
            name="merge.sees-all-writes",
            clauses=("SYNC-2", "WRITE-1", "WRITE-3"),
            says="After writes to either side, the merge leaves copied only equal sides.",
            variables={"copied": MAP, "data": SIDE, "to_source": MAP, "to_target": MAP}
            | {"written": SIDE, "grain": NUMBER},
            subject=tracking,
            state=sees_all_writes,
            mutants=(
                *(
                    Mutant(fault.name, evolve(tracking, machine=fault.subject))
                    for fault in grain_mutants(
                        "target write not marked", "modified set only at the first copy"
                    )
                ),
                Mutant("or", evolve(tracking, merge=take_or)),
            ),
            picture=tracking_story,
        ),
    )
