"""Distinct states a second of the explorer, beside TLC on the same scope, and how scopes grow.

TLC is measured where there is a Java, on one worker as the explorer is, its start-up included on
both sides; both come to the same number of states. With every grain the scope grows by a factor,
while what the proofs say of one grain they say of all: their time is in `benchmarks.proofs`.
"""

import time
from collections.abc import Iterator

from benchmarks.figure import Figure, at_least, micro
from flashcopy.proofs import tlc
from flashcopy.proofs.explorer import efforts, requests, runs

GOAL = 50_000
WANTED = "source-write:0,target-read:0,copy:1,sync"


def run() -> Iterator[Figure]:
    """The rate, the rate against TLC, and the time as grains grow."""
    report = runs.explore(efforts.plan("quick"), runs.Settings())
    rate = report.tally.states / report.seconds
    yield Figure(
        f"explorer, {report.tally.states:,} states on one core",
        f"{rate:,.0f} states/s",
        f"limit {GOAL:,} states/s",
        rate / GOAL,
        "≥ 1",
        rate >= GOAL,
    )
    if reason := tlc.missing():
        yield Figure("explorer against TLC", "", reason)
    else:
        yield _against_tlc()
    for grains in range(1, efforts.MOST_GRAINS + 1):
        kinds = requests.parse(WANTED, grains, 1)
        plan = efforts.plan("quick", grains=grains, grain_blocks=1, kinds=kinds)
        report = runs.explore(plan, runs.Settings())
        states = f"{report.tally.states:,} states"
        yield Figure(f"explorer, {grains} grains", micro(report.seconds), states)


def _against_tlc() -> Figure:
    """The largest scope that both have and that is not slow."""
    both = [c for c in tlc.configurations() if c.explorer and c.expected == tlc.HOLDS]
    chosen = max((c for c in both if not c.slow), key=lambda c: c.states)
    scope = chosen.explorer
    assert scope is not None, "chosen for having one"
    outcome = tlc.run(chosen)
    began = time.perf_counter()
    report = runs.explore(
        efforts.plan(
            "quick",
            grains=scope.grains,
            grain_blocks=scope.grain_blocks,
            in_flight=scope.in_flight,
            reduce=False,
        ),
        runs.Settings(),
    )
    ours = time.perf_counter() - began
    return at_least(
        f"explorer, scope '{chosen.name}'",
        f"{report.tally.states:,} states, {micro(ours)}",
        f"TLC {outcome.states:,} states, {micro(outcome.seconds)}",
        outcome.seconds / ours,
    )
