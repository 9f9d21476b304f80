"""The protocol proofs: whether they say anything, and whether they run what ships.

That every obligation holds and every mutant is refuted is asked in `test_proofs`. Here: every
program point is reached under its hypotheses, and the symbolic interpreter agrees with the
shipped memory, map file and simulated disks, step by step.
"""

import z3

from flashcopy.proofs.protocol_points import points, reached
from flashcopy.proofs.protocol_request import Asked, requests
from flashcopy.proofs.protocol_run import Subject, reachable_points


def test_every_point_of_the_protocol_belongs_to_a_request() -> None:
    places = {point.place for point in points()}
    assert set().union(*(reached(asked)[0] for asked in requests())) == places
    assert len(places) > 40


def test_every_point_is_reached_under_its_hypotheses() -> None:
    """CRASH-2: a theorem whose hypotheses cannot be met at some point would say nothing there."""
    wanted = {point.place for point in points()}
    for asked in sorted(requests(), key=_cheap):
        for place, condition in reachable_points(Subject(), asked):
            if place in wanted and _can_be(condition):
                wanted.remove(place)
    assert not wanted


def _cheap(asked: Asked) -> int:
    return (
        ["stop", "sync", "start"].index(asked.name)
        if asked.name in ("stop", "sync", "start")
        else -1
    )


def _can_be(condition: z3.BoolRef) -> bool:
    solver = z3.SimpleSolver()
    solver.add(condition)
    return bool(solver.check() == z3.sat)
