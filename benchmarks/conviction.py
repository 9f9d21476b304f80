"""The kit beside two ordinary testers: which of the zoo's wrong members each convicts, how soon.

The kit goes first and alone, for its times count; they include the search for a short history,
which the others do not make. Each tester then has twice as long as the kit took for a member, and
five seconds at least; two members at a time. A tester that convicts what is right says nothing: so
each is held first to the right members, and not asked of the wrong ones made from a right one that
it convicts. Nor is it asked of those that only a kill, a loss of power or a second process brings
to light, for an ordinary tester does none of this; asked all the same, for eight seconds each,
neither convicted one.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from attrs import frozen

from benchmarks.figure import Figure, micro
from benchmarks.testers import fio_verify, random_writes
from flashcopy.cli.target import parse_target, zoo_command
from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import EFFORTS
from flashcopy.conformance.runner import Plan, Verdict
from flashcopy.conformance.zoo.members import MEMBERS, RIGHT, WASTEFUL
from flashcopy.conformance.zoo_score import Score, score

SEED = 1
TIMEOUT = 10.0
MEDIAN, LATE = 2.0, 10.0
# A tester's time: so many times the kit's, and so many seconds at least.
_TIMES, _LEAST = 2.0, 5.0
_AT_A_TIME = 2
# What breaks these is not seen without a kill, a loss of power or a second process.
_UNUSUAL = ("CRASH-", "REC-", "ERR-8")

# Whether a tester convicts a member within so many seconds.
Convicts = Callable[[str, float], bool]


@frozen
class Tried:
    """After how many seconds a tester convicted a member, if it did; or why it was not asked."""

    seconds: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        return self.reason or ("no" if self.seconds is None else micro(self.seconds))


def run() -> Iterator[Figure]:
    """How many each convicts; and how soon the kit does, at quick effort."""
    wrong = [name for name in MEMBERS if name not in (*RIGHT, *WASTEFUL)]
    plan = Plan(CHECKS, EFFORTS["quick"], SEED, TIMEOUT)
    yield from compare(wrong, testers(), plan, _LEAST)


def testers() -> dict[str, Convicts | str]:
    """The ordinary ones by name, or why one is not here."""
    return {
        "random writes and a shadow": by_random_writes,
        "fio --verify through NBD": fio_verify.missing() or by_fio,
    }


def compare(
    wrong: Sequence[str], others: Mapping[str, Convicts | str], plan: Plan, least: float
) -> Iterator[Figure]:
    """The kit's score of these members, those of the others, and then member by member.

    `least` is how many seconds the others have for a member at least.
    """
    scores = {name: _score(name, plan) for name in wrong}
    took = sorted(each.seconds for each in scores.values() if each.verdict is Verdict.VIOLATION)
    yield _convicted("the conformance kit, quick effort", took, wrong, _score("right", plan).right)
    yield _within("median time to conviction", statistics.median(took), MEDIAN)
    yield _within("95th percentile of it", took[int(0.95 * (len(took) - 1))], LATE)
    yield _within("the last of it", took[-1], None)
    tried: dict[str, dict[str, Tried]] = {}
    for tester, convicts in others.items():
        if isinstance(convicts, str):
            yield Figure(tester, f"not run: {convicts}")
            continue
        rights, tried[tester] = _try_all(scores, convicts, least)
        seconds = sorted(t.seconds for t in tried[tester].values() if t.seconds is not None)
        yield _convicted(tester, seconds, wrong, rights["right"].seconds is None)
    for name, told in scores.items():
        kit = f"{micro(told.seconds)} by {told.check}" if told.check else "no"
        beside = "; ".join(f"{tester.split()[0]} {tried[tester][name]}" for tester in tried)
        yield Figure(name, kit, beside)


def _try_all(
    scores: Mapping[str, Score], convicts: Convicts, least: float
) -> tuple[dict[str, Tried], dict[str, Tried]]:
    """What a tester makes of the right members, and of the wrong ones."""
    with ProcessPoolExecutor(_AT_A_TIME) as pool:

        def try_each(limits: Mapping[str, float]) -> dict[str, Tried]:
            outcomes = pool.map(partial(_try, convicts), limits, limits.values())
            return dict(zip(limits, outcomes, strict=True))

        of_right = try_each(dict.fromkeys({"right", *map(_made_from, scores)}, _TIMES * least))
        reasons = {name: _why_not(told, of_right) for name, told in scores.items()}
        of_wrong = try_each(
            {
                name: max(least, _TIMES * told.seconds)
                for name, told in scores.items()
                if not reasons[name]
            }
        )
    return of_right, {name: Tried(reason=why) for name, why in reasons.items()} | of_wrong


def _why_not(told: Score, of_right: Mapping[str, Tried]) -> str:
    """Why a tester is not asked of a member, or nothing."""
    twin = _made_from(told.name)
    if of_right[twin].seconds is not None:
        return f"not asked: convicts {twin}"
    return f"not asked: convicted by {told.check}" if told.clause.startswith(_UNUSUAL) else ""


def _made_from(name: str) -> str:
    """The right member that a wrong one differs from by its fault."""
    by_class = {MEMBERS[right]: right for right in RIGHT}
    return next(by_class[each] for each in MEMBERS[name].__mro__ if each in by_class)


def _try(convicts: Convicts, name: str, seconds: float) -> Tried:
    began = time.monotonic()
    return Tried(time.monotonic() - began if convicts(name, seconds) else None)


def _score(name: str, plan: Plan) -> Score:
    return score(name, parse_target(["zoo", name], TIMEOUT), plan)


def by_random_writes(name: str, seconds: float) -> bool:
    """Whether random writes and a shadow show it."""
    return random_writes.convicts(parse_target(["zoo", name], TIMEOUT), SEED, seconds)


def by_fio(name: str, seconds: float) -> bool:
    """Whether fio sees it."""
    copies = Capability.BACKGROUND_COPY.value not in MEMBERS[name].lacks
    return fio_verify.convicts(zoo_command(name), SEED, seconds, copies=copies)


def _convicted(name: str, took: list[float], wrong: Sequence[str], acquits_right: bool) -> Figure:
    if not acquits_right:
        return Figure(name, "convicts the right member: says nothing", met=False)
    soon = f"median {micro(statistics.median(took))}" if took else ""
    value = f"{len(took)} of {len(wrong)} wrong ones convicted"
    return Figure(name, value, soon, ratio=len(took) / len(wrong))


def _within(name: str, took: float, limit: float | None) -> Figure:
    if limit is None:
        return Figure(name, micro(took))
    value, beside = micro(took), f"limit {limit:.0f} s"
    return Figure(name, value, beside, took / limit, "≤ 1", took <= limit)
