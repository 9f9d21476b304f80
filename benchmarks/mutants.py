"""How soon the drawn runs of the interleaved harness catch each mutant of the protocol."""

import statistics
import time
from collections.abc import Iterator

from benchmarks.figure import Figure, micro
from flashcopy.harness.mutants import MUTANTS
from flashcopy.proofs.matrix import Budget, by_harness

LIMIT = 5.0


def run() -> Iterator[Figure]:
    """Median and 95th percentile of the time to catch, over all mutants, one seed."""
    times = []
    for mutant in MUTANTS.values():
        began = time.perf_counter()
        caught = by_harness(mutant, Budget()) is not None
        times.append(time.perf_counter() - began if caught else float("inf"))
    times.sort()
    late = times[len(times) * 95 // 100]
    yield Figure(
        f"{len(times)} mutants caught by drawn runs",
        f"median {micro(statistics.median(times))}, 95th percentile {micro(late)}",
        f"limit {LIMIT:.0f} s",
        late / LIMIT,
        "≤ 1",
        late <= LIMIT,
    )
