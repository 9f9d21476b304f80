"""All theorems, family by family.

`flashcopy check` and `flashcopy prove` take them from here and hand them to `runner.prove`, which
gives one `Result` for each: the obligation, its verdict, the seconds it took, and its mutants,
each with its own verdict and counterexample.
"""

from collections.abc import Callable, Mapping

from flashcopy.proofs import (
    bits,
    flip_map,
    lifecycle,
    lifting,
    lock_order,
    lock_table,
    merge,
    merge_words,
    padding,
    progress,
    protocol_ground,
    protocol_lifting,
    protocol_obligations,
    refinement,
    tracking,
    volume_lifecycle,
    volume_progress,
    volume_refinement,
)
from flashcopy.proofs.obligation import Obligation

# Each module makes its obligations about the code as it is when it is asked.
FAMILIES: Mapping[str, tuple[Callable[[], tuple[Obligation, ...]], ...]] = {
    "merge": (
        merge.obligations,
        tracking.obligations,
        merge_words.obligations,
        padding.obligations,
    ),
    "refinement": (
        refinement.obligations,
        bits.obligations,
        lifting.obligations,
        volume_refinement.obligations,
    ),
    "progress": (progress.obligations, volume_progress.obligations),
    "lifecycle": (lifecycle.obligations, volume_lifecycle.obligations),
    "locks": (lock_table.obligations, lock_order.obligations),
    "protocol": (
        protocol_ground.obligations,
        protocol_lifting.obligations,
        protocol_obligations.obligations,
    ),
    "mapfile": (flip_map.obligations,),
}


def obligations_of(family: str) -> tuple[Obligation, ...]:
    """The obligations of one family. Raises KeyError for a family there is not."""
    return tuple(obligation for make in FAMILIES[family] for obligation in make())


def all_obligations() -> tuple[Obligation, ...]:
    """Every obligation, in the order in which the story is told."""
    return tuple(obligation for family in FAMILIES for obligation in obligations_of(family))
