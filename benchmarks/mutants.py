"""How soon the drawn runs of the interleaved harness catch each mutant of the protocol.

Under several seeds, for one that is caught at once under one seed may take long under another.
The time is the processor's, so that a busy machine does not count.
"""

import statistics
import time
from collections.abc import Iterator

from benchmarks.figure import Figure, micro
from flashcopy.harness.mutants import MUTANTS
from flashcopy.proofs.matrix import Budget, by_harness

LIMIT = 5.0
SEEDS = (1, 2, 3)


def run() -> Iterator[Figure]:
    """Median and 95th percentile of the time to catch, over all mutants and seeds."""
    times = []
    missed = 0
    for mutant in MUTANTS.values():
        for seed in SEEDS:
            began = time.process_time()
            caught = by_harness(mutant, Budget(seed=seed)) is not None
            missed += not caught
            times.append(time.process_time() - began if caught else float("inf"))
    times.sort()
    late = times[len(times) * 95 // 100]
    yield Figure(
        f"{len(MUTANTS)} mutants, {len(SEEDS)} seeds, caught by drawn runs; {missed} not",
        f"median {micro(statistics.median(times))}, 95th percentile {micro(late)}",
        f"limit {LIMIT:.0f} s",
        late / LIMIT,
        "≤ 1",
        late <= LIMIT,
    )
