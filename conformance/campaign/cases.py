"""A campaign: checks by seeds by targets, each of them a *case* that can be judged by itself.

A case says by words what is to be judged, so any process on any machine that has the same flashcopy
installed can do it: it makes the implementation under test itself. What comes of a case depends on
nothing but the case, chance of timing aside; so one that was lost with its worker is run again.
"""

from collections.abc import Callable, Iterator, Sequence

from attrs import evolve, frozen

from flashcopy.conformance.adapter import Hello
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import Target
from flashcopy.conformance.report.value import Judged, Run, entries_of, lines_of
from flashcopy.conformance.runner import Result, Verdict

_CHECK = {check.id: check for check in CHECKS}


@frozen
class Campaign:
    """What to do. A target is its words on the command line; `timeout` is seconds a request."""

    targets: tuple[tuple[str, ...], ...]
    checks: tuple[str, ...]
    effort: str
    seeds: tuple[int, ...]
    timeout: float


@frozen
class Case:
    """One check of one target with one seed."""

    target: tuple[str, ...]
    check: str
    seed: int


@frozen
class Outcome:
    """What came of a case; `hello` is who the target said it is, if it came to that."""

    case: Case
    result: Result
    hello: Hello | None = None


# Makes a target of its words and a timeout; a function that can be pickled by its name. It raises
# an exception that says why, for words that name nothing.
MakeTarget = Callable[[Sequence[str], float], Target]


def cases_of(campaign: Campaign) -> Iterator[Case]:
    """All cases. Every target meets every check soon: the seeds are the outermost."""
    for seed in campaign.seeds:
        for check in campaign.checks:
            for target in campaign.targets:
                yield Case(target, check, seed)


def lost(case: Case, times: int) -> Outcome:
    """The outcome of a case that no worker survived."""
    reason = f"the process that judged it was lost, {times} times in a row"
    return Outcome(case, Result(_CHECK[case.check], Verdict.ERRORED, 0, 0.0, reason=reason))


def given_up(case: Case) -> Outcome:
    """The outcome of a case that its campaign did not wait for."""
    return Outcome(case, Result(_CHECK[case.check], Verdict.ERRORED, 0, 0.0, reason="given up"))


def targets_of(campaign: Campaign, outcomes: Sequence[Outcome]) -> tuple[Judged, ...]:
    """What is said of each target, without the files of traces. Runs come in order of seeds."""
    judged = []
    ordered = sorted(outcomes, key=lambda outcome: outcome.case.seed)
    for words in campaign.targets:
        mine = [outcome for outcome in ordered if outcome.case.target == words]
        runs = [Run(outcome.case.seed, outcome.result) for outcome in mine]
        hello = next((outcome.hello for outcome in mine if outcome.hello), None)
        lines = lines_of([_CHECK[check] for check in campaign.checks], runs)
        judged.append(Judged(name_of(words), words, hello, lines))
    return tuple(judged)


def name_of(words: Sequence[str]) -> str:
    """What a target is called in a report."""
    return " ".join(word for word in words if word != "--")


def trimmed(outcome: Outcome, shortest: dict[tuple[object, ...], int]) -> Outcome:
    """The outcome; without the trace, if one as short is known of the same check of the target.

    `shortest` says how long the known ones are, and is kept up to date.
    """
    case, finding = outcome.case, outcome.result.finding
    if finding is None or finding.trace is None:
        return outcome
    key = (case.target, case.check)
    if key in shortest and shortest[key] <= entries_of(finding):
        return evolve(outcome, result=evolve(outcome.result, finding=evolve(finding, trace=None)))
    shortest[key] = entries_of(finding)
    return outcome
