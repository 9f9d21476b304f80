"""The explorer's verdict on all crashes at once, against each of them one by one.

`proofs/explorer/crash.py` judges every subset of the unflushed writes without listing any (CRASH-1,
CRASH-2, CRASH-3, INV-1). Here each is listed, the shipped code recovers from it, and the harness's
oracle reads both volumes: on every place of a walk the one convicts if and only if the other does.
The protocols that walk are the shipped one and broken ones, so that there is something to convict;
and devices fail, or do not.

With one grain the simulated disk's words are as fine as the explorer's; with more, the explorer
may see a map torn where the disk keeps it whole, and only what the harness convicts must be seen.
"""

import random

import pytest

from flashcopy.harness.result import ViolationError
from flashcopy.harness.trial import ORACLE_ALONE
from flashcopy.proofs.explorer import trace
from flashcopy.proofs.explorer.explorer import Explorer
from flashcopy.proofs.explorer.requests import Plan, Scope, parse, starts_of
from tests import explorer_walks as walks

BROKEN = (
    "copy-on-write-without-target-flush",
    "write-without-map-flush",
    "copier-without-flush",
    "point-without-source-flush",
    "header-not-flushed",
    "point-in-place",
    "modified-cleared-before-merge",
)
KINDS = "source-write:0-1,source-write:0,target-write:0-1,target-write:1,copy:1,sync,start,stop"
# With the requests that walk. Of a write whose bits are not recorded, most others show nothing.
FAILING = {
    "stop-in-memory-only": KINDS,
    "header-not-flushed": KINDS,
    "map-errors-ignored": "source-write:0-1,source-write:0",
}
# Walks of a broken protocol go on until so many places were convicted, or there were so many.
ENOUGH, MOST = 2, 200


def test_the_shipped_protocol_is_acquitted_by_both() -> None:
    assert _convicted("", 1, most=8) == 0


@pytest.mark.parametrize("mutant", BROKEN)
def test_both_convict_the_same_crashes_of_a_broken_protocol(mutant: str) -> None:
    assert _convicted(mutant, 1, MOST) >= ENOUGH


@pytest.mark.parametrize("mutant", BROKEN[:2])
def test_what_is_convicted_with_two_grains_is_seen(mutant: str) -> None:
    assert _convicted(mutant, 2, MOST) >= ENOUGH


@pytest.mark.parametrize("keep_target", [False, True])
def test_the_shipped_protocol_is_acquitted_by_both_where_devices_fail(keep_target: bool) -> None:
    """ERR-5, ERR-6: what a failed flush has lost, and a start or sync that may have happened."""
    assert _convicted("", 1, most=15, failures=3, keep_target=keep_target) == 0


@pytest.mark.parametrize("mutant", FAILING)
def test_both_convict_the_same_crashes_where_devices_fail(mutant: str) -> None:
    assert _convicted(mutant, 1, MOST, failures=3, kinds=FAILING[mutant]) >= ENOUGH


def _convicted(
    mutant: str,
    grains: int,
    most: int,
    *,
    failures: int = 0,
    keep_target: bool = False,
    kinds: str = KINDS,
) -> int:
    """At how many places a crash is convicted. Fails where the two do not agree."""
    plan = Plan(
        grains,
        2,
        parse(kinds, grains, 2),
        2,
        starts_of(grains),
        failures=failures,
        keep_target=keep_target,
    )
    explorer = Explorer(plan, walks.protocol(mutant))
    draw = random.Random(f"{mutant} {grains}")
    convicted = 0
    for _ in range(most):
        if convicted >= ENOUGH:
            break
        chosen = tuple(sorted(draw.choices(plan.kinds, k=2), key=plan.kinds.index))
        scope = Scope(draw.choice(plan.starts), chosen)
        for place in walks.walk(explorer, scope, mutant, draw):
            seen = _seen(explorer, place)
            found = _found(plan, place, mutant)
            assert seen or not found, f"{scope} after {place.moves}: only the harness sees {found}"
            if grains == 1:
                assert found or not seen, f"{scope} after {place.moves}: only we see {seen}"
            convicted += bool(found)
    return convicted


def _seen(explorer: Explorer, place: walks.Place) -> object:
    layout, parts = explorer.layout, explorer.parts
    outlook = parts.map_outlook(layout.mapdisk.get(place.rows))
    volume = parts.join_outlooks(
        [parts.block_outlook(field.get(place.rows)) for field in layout.blocks]
    )
    return parts.complaints[int(parts.crash_complaint(outlook, volume)[0])]


def _found(plan: Plan, place: walks.Place, mutant: str) -> str:
    """What the harness finds wrong after some crash here; nothing if no crash shows anything."""
    for kept in trace.different_crashes(place.trial):
        again = trace.follow(plan, place.scope, place.moves, mutant, ORACLE_ALONE)
        again.crash(kept)
        try:
            again.reopen()
            again.check_at_rest()
        except ViolationError as error:
            return str(error)
    return ""
