"""Many requests in flight, judged by the cut.

The seed repeats what is asked and in which order it is first sent; when it is answered, and so
what overlaps what, is the IUT's choice. One IUT takes many loads: each begins with a start, which
gives the target a new point in time, so each is judged by itself. What convicts is then made small.
"""

from flashcopy.conformance.check import InterruptedViolationError, Job, ViolationError
from flashcopy.conformance.checks.flight import play
from flashcopy.conformance.checks.load import CONTENTS, draw
from flashcopy.conformance.shrinking.smaller import smallest
from flashcopy.model.geometry import Geometry

BLOCK = 512
# Grains that many lanes share, grains of one block, and more of them than a word has bits.
GEOMETRIES = (
    Geometry(29 * BLOCK, BLOCK, 4 * BLOCK),
    Geometry(13 * BLOCK, BLOCK, BLOCK),
    Geometry(139 * BLOCK, BLOCK, 2 * BLOCK),
)
# After so many loads another IUT is started, with another geometry.
_LOADS_EACH = 20


def interleaving(job: Job) -> None:
    """CONC-1, CONC-2, CONC-3: with many requests in flight there is one moment for each sync."""
    for first in range(0, job.effort.loads, _LOADS_EACH):
        geometry = GEOMETRIES[first // _LOADS_EACH % len(GEOMETRIES)]
        with job.session(geometry) as session:
            for number in range(first, min(first + _LOADS_EACH, job.effort.loads)):
                if number and job.is_over():
                    return
                seed = f"{job.seed} {number}"
                load = draw(seed, geometry, job.capabilities, number * CONTENTS + 1)
                played = play(session, load)
                if played.clause:
                    try:
                        finding = smallest(job, load, played)
                    except KeyboardInterrupt:
                        raise InterruptedViolationError(played.finding) from None
                    raise ViolationError(finding)
