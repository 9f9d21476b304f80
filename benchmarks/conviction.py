"""The kit beside two ordinary testers: how many of the zoo's wrong members does each convict?

Every tester has about the time that the kit's slowest conviction is allowed. Each is held to the
right member, too: a tester that convicts that one says nothing.
"""

import statistics
from collections.abc import Callable, Iterator

from benchmarks.figure import Figure, micro
from benchmarks.testers import fio_verify, random_writes
from flashcopy.cli.target import parse_target, zoo_command
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import EFFORTS
from flashcopy.conformance.runner import Plan, Verdict
from flashcopy.conformance.zoo.members import MEMBERS, WASTEFUL
from flashcopy.conformance.zoo_score import score

SEED = 1
TIMEOUT = 10.0
MEDIAN, LATE = 2.0, 10.0
_FIO_ROUNDS = 6


def run() -> Iterator[Figure]:
    """How many each convicts; and how soon the kit does, at quick effort."""
    wrong = [name for name in MEMBERS if name != "right" and name not in WASTEFUL]
    plan = Plan(CHECKS, EFFORTS["quick"], SEED, TIMEOUT)
    scores = [score(name, parse_target(["zoo", name], TIMEOUT), plan) for name in wrong]
    took = sorted(each.seconds for each in scores if each.verdict is Verdict.VIOLATION)
    late = took[int(0.95 * (len(took) - 1))]
    median = statistics.median(took)
    yield _convicted("the conformance kit, quick effort", len(took), wrong)
    yield _within("median time to conviction", median, MEDIAN)
    yield _within("95th percentile of it", late, LATE)
    yield _tester("random writes and a shadow", wrong, _by_random_writes)
    if reason := fio_verify.missing():
        yield Figure("fio --verify through NBD", f"not run: {reason}")
    else:
        yield _tester("fio --verify through NBD", wrong, _by_fio)


def _by_random_writes(name: str) -> bool:
    return random_writes.convicts(parse_target(["zoo", name], TIMEOUT), SEED, LATE)


def _by_fio(name: str) -> bool:
    return fio_verify.convicts(zoo_command(name), SEED, _FIO_ROUNDS)


def _tester(name: str, wrong: list[str], convicts: Callable[[str], bool]) -> Figure:
    if convicts("right"):
        return Figure(name, "convicts the right member: says nothing", met=False)
    return _convicted(name, sum(convicts(each) for each in wrong), wrong)


def _convicted(name: str, convicted: int, wrong: list[str]) -> Figure:
    value = f"{convicted} of {len(wrong)} wrong ones convicted"
    return Figure(name, value, ratio=convicted / len(wrong))


def _within(name: str, took: float, limit: float) -> Figure:
    value, beside = micro(took), f"limit {limit:.0f} s"
    return Figure(name, value, beside, took / limit, "≤ 1", took <= limit)
