"""The cut: could a correct flashcopy have answered like this?

Every start and sync cuts the history at one moment: what the source held then is what the target
shows until the next. Nobody saw the moment, but what was read is evidence of it. If a target block
shows the source's write *w*, the cut lies after *w* took effect and before the block's next write
did. Each write took effect between its request and its answer, and reads narrow that down further.
A history is right if and only if every block can be explained for itself, and the evidence of all
of them, and the request's own interval, have a moment in common.

Requests may overlap in any way, starts and syncs too, except that no two writes to one block of
one volume do. The answer is exact: `None` if there is an order of effects, each between its
request and its answer and each block of a request for itself (CONC-1), in which the two images
answer like this (IMG-1, IMG-2, READ-1, READ-2, CONC-2, CONC-3), and a violation if there is none.
Whether the states allow the answers is another question (`lifecycle`).
Two limits, on evidence that is entangled beyond measure (`evidence`, `moments`), can only acquit.

A kill takes only what was not answered (CRASH-3). Whoever kills an implementation that may keep
answered writes in its own memory until they are flushed must flush both volumes before.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from flashcopy.conformance.oracle.block import bursts_of, judge_block
from flashcopy.conformance.oracle.explain import Violation, of_block, of_moments
from flashcopy.conformance.oracle.history import History
from flashcopy.conformance.oracle.moments import Moments
from flashcopy.conformance.oracle.paths import NoPathError, OverlappingWritesError
from flashcopy.conformance.oracle.touches import touches_of

__all__ = ["OverlappingWritesError", "Violation", "check"]


def check(history: History) -> Violation | None:
    """The first thing found wrong with a history, or None if a correct flashcopy could do it.

    Takes time linear in the number of blocks read and written, but for the sorting. Raises
    OverlappingWritesError for a history that cannot be judged.
    """
    with _no_collection():
        return _check(history)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Taking a long history apart makes millions of objects and no garbage among them.

    The collector would go through all of them again and again, to no effect.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check(history: History) -> Violation | None:
    touches = touches_of(history)
    bursts = bursts_of(touches.cuts)
    moments = Moments(touches.cuts)
    for block, of_this in enumerate(touches.blocks):
        try:
            judge_block(block, of_this, bursts, moments.tell)
        except NoPathError as error:
            return of_block(touches, block, error.touch)
    contradiction = moments.contradiction()
    return of_moments(touches, contradiction) if contradiction else None
