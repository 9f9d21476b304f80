"""Distinct states a second of the explorer, and how scopes grow.

With every grain the scope of one fixed set of requests grows by a factor, with the symmetry of
grains and without; the proof that says the same of one grain, and by the lifting of any number,
takes as long as ever. TLC and SPIN on the same scopes are in `benchmarks.checkers`.
"""

import time
from collections.abc import Iterator

from attrs import evolve

from benchmarks.figure import Figure, micro
from flashcopy.proofs.explorer import efforts, requests, runs
from flashcopy.proofs.registry import obligations_of
from flashcopy.proofs.runner import Options, prove

GOAL = 50_000
WANTED = "source-write:0,target-read:0,copy:1,sync"
# Up to how many grains, with the symmetry of grains and without, which takes twice as much. The
# explorer goes up to 8, which takes minutes: docs/explorer.md has that.
MOST_GRAINS = {True: 7, False: 6}
# What the proofs say of these requests, one grain at a time and lifted to any number.
PROVED = (
    "protocol.invariant-is-safe",
    "protocol.write-source",
    "protocol.write-source-elsewhere",
    "protocol.read-target",
    "protocol.background-copy",
    "protocol.sync",
    "protocol.lifting-requests",
    "protocol.lifting-memory",
)


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
    for reduce, most in MOST_GRAINS.items():
        for grains in range(1, most + 1):
            yield _grown(grains, reduce=reduce)
    yield _proved()


def _grown(grains: int, *, reduce: bool) -> Figure:
    """Every pair of the same requests from every initial state of so many grains."""
    kinds = requests.parse(WANTED, grains, 1)
    plan = efforts.plan("quick", grains=grains, grain_blocks=1, kinds=kinds, reduce=reduce)
    began = time.process_time()
    report = runs.explore(plan, runs.Settings())
    seconds = time.process_time() - began
    how = "" if reduce else ", without symmetry"
    return Figure(
        f"explorer, {grains} grains{how}", micro(seconds), f"{report.tally.states:,} states"
    )


def _proved() -> Figure:
    """The same for any number of grains."""
    chosen = [one for one in obligations_of("protocol") if one.name in PROVED]
    assert len(chosen) == len(PROVED), "an obligation has another name"
    began = time.process_time()
    results = prove([evolve(one, mutants=one.mutants[:1]) for one in chosen], Options(seeds=(0,)))
    assert all(result.holds for result in results)
    seconds = time.process_time() - began
    return Figure(
        "proofs, any number of grains",
        micro(seconds),
        f"{len(chosen)} obligations, with a mutant each",
    )
