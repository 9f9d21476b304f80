"""How long the proofs take, start-up and mutants included, and each family by itself.

The families about the merge, the grain and the lifecycle under five seeds, and those about the
protocol, which run its generators with failing devices at every effect, under one.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, micro

# Families, seeds, and the limit in seconds.
RUNS = (
    (("merge", "refinement", "progress", "lifecycle"), 5, 10.0),
    (("locks", "protocol", "mapfile"), 1, 30.0),
)


def run() -> Iterator[Figure]:
    """`flashcopy prove --json` in a process of its own, for each group of families."""
    for families, seeds, limit in RUNS:
        yield from _measure(families, seeds, limit)


def _measure(families: tuple[str, ...], seeds: int, limit: float) -> Iterator[Figure]:
    command = [str(Path(sys.executable).with_name("flashcopy")), "prove", "--json"]
    chosen = [word for family in families for word in ("--family", family)]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, *chosen, "--seeds", str(seeds)], check=True, capture_output=True, text=True
    )
    taken = time.perf_counter() - began
    yield Figure(
        f"proofs: {', '.join(families)}, {seeds} seed{'s' * (seeds > 1)}",
        micro(taken),
        f"limit {limit:.0f} s",
        taken / limit,
        "≤ 1",
        taken <= limit,
    )
    spent: Counter[str] = Counter()
    for obligation in json.loads(done.stdout)["obligations"]:
        spent[obligation["family"]] += obligation["seconds"]
    for family, seconds in spent.items():
        yield Figure(f"family {family}", micro(seconds))
