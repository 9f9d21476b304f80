"""How long the proofs take: the whole command, start-up included, and each family by itself."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, micro

LIMIT = 10.0


def run() -> Iterator[Figure]:
    """`flashcopy prove --json` in a process of its own."""
    command = [str(Path(sys.executable).with_name("flashcopy")), "prove", "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    taken = time.perf_counter() - began
    yield Figure(
        "all proofs, start-up included",
        micro(taken),
        f"limit {LIMIT:.0f} s",
        taken / LIMIT,
        "≤ 1",
        taken <= LIMIT,
    )
    families: Counter[str] = Counter()
    for obligation in json.loads(done.stdout)["obligations"]:
        families[obligation["family"]] += obligation["seconds"]
    for family, spent in families.items():
        yield Figure(f"family {family}", micro(spent))
