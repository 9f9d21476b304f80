"""Three checkers on one specification and the same scopes: the explorer, TLC and SPIN.

All three judge every crash, and come to the same states (TLC has some more, for it takes a crash as
a step; its rate counts them). TLC and SPIN are measured where they are installed.

Start-ups are counted alike. Each checker runs as a program of its own, from its call to its answer;
what it takes on the smallest scope there is (one request, one grain, one block) is its start-up:
for the explorer Python and its imports, for TLC the Java machine, for SPIN making and compiling the
C program. It is a line of its own, and the rates are those of states above it, in processor time,
which a busy machine does not distort as much.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain

from attrs import frozen

from benchmarks.figure import Figure, micro
from flashcopy.proofs import promela, tlc

# No scope is tried that is likely to take longer, in seconds of processor time.
PATIENCE = 15.0
SMALLEST = promela.Scope(1, 1, 1)
COMMON = promela.Scope(2, 1, 2)
MOST_GRAINS = 8

_EXPLORE = """
import json, sys
from flashcopy.proofs.explorer.requests import Plan, every_kind, starts_of
from flashcopy.proofs.explorer.runs import Settings, explore
grains, blocks, flight = map(int, sys.argv[1:])
plan = Plan(grains, blocks, every_kind(grains, blocks), flight, starts_of(grains), reduce=False)
report = explore(plan, Settings())
assert report.holds
print(json.dumps(report.tally.states))
"""


@frozen
class Run:
    """How many states a checker came to, and its processor time in seconds, start-up included."""

    states: int
    seconds: float


def run() -> Iterator[Figure]:
    """Start-ups, rates on one scope, and the whole time as grains are added."""
    checkers: dict[str, tuple[Callable[[promela.Scope], Run], str]] = {
        "explorer": (_explorer, ""),
        "TLC": (_tlc, tlc.missing()),
        "SPIN": (_spin, promela.missing()),
    }
    rates: dict[str, float] = {}
    growths: list[Iterator[Figure]] = []
    for name, (measure, reason) in checkers.items():
        if reason:
            yield Figure(name, "", reason)
            continue
        check = cache(measure)
        growths.append(_growing(name, check))
        start_up = check(SMALLEST).seconds
        yield Figure(f"{name}, start-up", micro(start_up))
        one = check(COMMON)
        rates[name] = one.states / max(one.seconds - start_up, 1e-3)
        peers = [f"{p} {r:,.0f} states/s" for p, r in rates.items() if p != name]
        yield Figure(
            f"{name}, two grains, {one.states:,} states",
            f"{rates[name]:,.0f} states/s",
            peers[0] if peers else "",
            rates[name] / rates["explorer"],
        )
    yield from chain.from_iterable(growths)


def _growing(name: str, check: Callable[[promela.Scope], Run]) -> Iterator[Figure]:
    """The whole time, as far as it goes: every two requests on 1, 2, 3 … grains of a block."""
    start_up, before = check(SMALLEST), Run(0, 0.0)
    factor = 1.0
    for grains in range(1, MOST_GRAINS + 1):
        # The search grows as the number of states does, and the start-up does not.
        if start_up.seconds + (before.seconds - start_up.seconds) * factor > PATIENCE:
            return
        done = check(promela.Scope(grains, 1, 2))
        yield Figure(
            f"{name}, {grains} grain{'s' * (grains > 1)}",
            micro(done.seconds),
            f"{done.states:,} states",
        )
        factor, before = done.states / (before.states or done.states), done


def _explorer(scope: promela.Scope) -> Run:
    sizes = map(str, (scope.grains, scope.grain_blocks, scope.in_flight))
    seconds, output = _timed([sys.executable, "-c", _EXPLORE, *sizes])
    return Run(json.loads(output), seconds)


def _tlc(scope: promela.Scope) -> Run:
    configuration = tlc.Configuration(
        name="benchmark",
        module="Scopes",
        cfg="Crashes.cfg",
        why="",
        constants={
            "LastGrain": str(scope.grains - 1),
            "GrainBlocks": str(scope.grain_blocks),
            "Scopes": {1: "UpToOne", 2: "UpToTwo"}[scope.in_flight],
        },
    )
    before = _spent()
    outcome = tlc.run(configuration)
    return Run(outcome.states, _spent() - before)


def _spin(scope: promela.Scope) -> Run:
    before = _spent()
    outcome = promela.run(promela.Configuration("benchmark", "", scope), optimise=2)
    return Run(outcome.states, _spent() - before)


def _timed(command: list[str]) -> tuple[float, str]:
    before = _spent()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return _spent() - before, done.stdout


def _spent() -> float:
    """Processor time of all programs that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
