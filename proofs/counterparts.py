"""The proof of every mutant of the harness: which obligation refutes which fault.

Most mutants stand in an obligation of the protocol, the locks or the map file under their own
names. Faults of the merge, the copier's cursor and recovery are those of other families, where they
are told of their own subjects. A few have none, with the reason.
"""

from collections.abc import Mapping
from functools import cache

from flashcopy.harness.mutant import Mutant as HarnessMutant
from flashcopy.proofs.obligation import Mutant, Obligation
from flashcopy.proofs.registry import all_obligations

# Obligation and the mutant's name there.
_ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "merge-first-word-only": ("merge.word-by-word", "first word only"),
    "merge-up-to-zero-byte": ("merge.word-by-word", "stops at the first word of zeros"),
    "modified-outlives-sync": ("refinement.invariant-sync", "sync forgets to clear modified"),
    "copied-rounds-outwards": ("merge.marks-only-the-run", "rounded outwards to bytes"),
    "cursor-not-rewound": ("progress.volume-restart", "cursor not sent back by sync"),
    "cursor-leaves-grains-behind": (
        "progress.none-behind-copy",
        "the grain under the cursor skipped",
    ),
    "last-grain-never-copied": ("progress.volume-step", "the short last grain skipped"),
    "copier-marks-neighbour": ("protocol.lifting-memory", "marks one more"),
    "torn-maps-trusted": ("protocol.recovery", "modified trusted without copied"),
    "copied-map-dropped-at-restart": ("protocol.recovery", "everything counts as copied"),
    "zeroes-skip-copy-on-write": ("refinement.volume-write-zeroes", "no copy on write"),
    "zeroes-not-marked": ("refinement.volume-write-zeroes", "taken for no change"),
}
WITHOUT: Mapping[str, str] = {
    "zeroes-not-copied": "the proofs do not look into data",
    "blocks-copied-to-wrong-place": "the proofs follow one block, which has no place",
    "short-last-grain-not-copied": "the grain that is followed is never the short one",
    "merge-rounds-outwards": "waste; the shipped merge is proved minimal, without this mutant",
}


def counterpart(mutant: HarnessMutant) -> tuple[Obligation, Mutant] | None:
    """The obligation that this mutant breaks, and how it is called there; None without one."""
    if mutant.name in _ELSEWHERE:
        return _by_names()[_ELSEWHERE[mutant.name]]
    for (_, name), pair in _by_names().items():
        if name == mutant.name:
            return pair
    return None


@cache
def _by_names() -> Mapping[tuple[str, str], tuple[Obligation, Mutant]]:
    return {
        (obligation.name, mutant.name): (obligation, mutant)
        for obligation in all_obligations()
        for mutant in obligation.mutants
    }
