"""Which program points, lines of the protocol and branches an exploration has seen.

A branch is a program point with one of its results. Not all can come up: a request is unrolled
for every result an effect can have by itself, also for those that memory never gives there (a
sync that finds a state which its locks exclude). What is left out is listed, so that it can be
looked at.
"""

import numpy as np
import numpy.typing as npt
from attrs import frozen

from flashcopy.proofs.explorer.program import Kind, Program


@frozen
class Coverage:
    """Counts as pairs of seen and all; names of what was not seen. `effects` are those seen."""

    points: tuple[int, int]
    lines: tuple[int, int]
    branches: tuple[int, int]
    effects: tuple[str, ...]
    unseen_points: tuple[str, ...]
    unseen_lines: tuple[str, ...]


def cover(program: Program, seen: npt.NDArray[np.bool_]) -> Coverage:
    """What was seen of a program, from its points and the codes of the results seen there."""
    points = [
        point
        for point in range(1, program.ends_from)
        if program.kind[point] not in (Kind.ENDED, Kind.WAITING)
    ]
    is_seen = {point: bool(seen[point].any()) for point in points}
    lines: dict[str, bool] = {}
    effects = set()
    branches = 0
    for point in points:
        node = program.nodes[point]
        assert node is not None, "only number 0 has no node"
        lines[node.line] = lines.get(node.line, False) or is_seen[point]
        branches += len(node.successors)
        if is_seen[point]:
            effects.add(type(node.effect).__name__)
    return Coverage(
        points=(sum(is_seen.values()), len(points)),
        lines=(sum(lines.values()), len(lines)),
        branches=(int(seen[points].sum()), branches),
        effects=tuple(sorted(effects)),
        unseen_points=tuple(program.names[point] for point in points if not is_seen[point]),
        unseen_lines=tuple(sorted(line for line, was in lines.items() if not was)),
    )
