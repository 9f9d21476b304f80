"""A faulty lock table as a schedule: the shortest of a few drawn runs that go wrong.

A counterexample of the lock table is two claims in one table, which by themselves harm nobody. So
the harness draws runs with that table, and its oracle says what came of it.
"""

import random
from collections import Counter
from typing import Any, Final

from flashcopy.harness import interleaved
from flashcopy.harness.result import ViolationError
from flashcopy.harness.trial import ORACLE_ALONE
from flashcopy.model.trace import Trace
from flashcopy.proofs import protocol_mutants
from flashcopy.proofs.lock_faults import NO_RUN

# So many runs are drawn at most, until so many have gone wrong.
_RUNS: Final = 400
_WRONG: Final = 2


def trace_of(name: str, _: Any, **values: Any) -> Trace | None:
    """The trace of the fault of that name; none for one that no run shows."""
    del values
    if name in NO_RUN:
        return None
    wrong: list[Trace] = []
    for number in range(_RUNS):
        draw = random.Random(f"1 {number}").randrange
        try:
            interleaved.run_once(draw, Counter(), name, ORACLE_ALONE, protocol_mutants.by_name)
        except ViolationError as error:
            wrong += filter(None, (error.finding.trace,))
        if len(wrong) == _WRONG:
            break
    return min(wrong, key=lambda trace: len(trace.entries), default=None)
