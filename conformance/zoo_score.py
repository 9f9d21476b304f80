"""The kit's own test: which member of the zoo is convicted by which check, and how soon.

Checks run in their order until one convicts. They do so three times: first very little of each,
then some, then all that the effort asks for, so that a fault which one check shows at once does not
wait for another to come to its end. A member that is acquitted has been through all three.
"""

import time
from collections.abc import Iterator

from attrs import evolve, frozen

from flashcopy.conformance.check import GLANCE, GLIMPSE, Target
from flashcopy.conformance.runner import Plan, Result, Verdict, introduce, judge
from flashcopy.conformance.zoo.members import MEMBERS, WASTEFUL


@frozen
class Score:
    """What came of one member. `check` is empty if no check convicted it.

    `requests` and `seconds` are those until it was convicted, or all there were.
    """

    name: str
    fault: str
    harm: str
    verdict: Verdict
    check: str
    clause: str
    explanation: str
    requests: int
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the verdict is the one that this member deserves."""
        deserved = Verdict.VIOLATION
        if self.fault == "" or self.name in WASTEFUL:
            deserved = Verdict.CONFORMING
        return self.verdict is deserved


def score(name: str, target: Target, plan: Plan) -> Score:
    """Judge one member until the first violation or breakdown."""
    member = MEMBERS[name]
    harm = (member.__doc__ or "").strip().splitlines()[0]
    verdict, check, clause, explanation, requests = Verdict.CONFORMING, "", "", "", 0
    began = time.monotonic()
    for result in _in_passes(target, plan):
        requests += result.requests
        if result.verdict in (Verdict.VIOLATION, Verdict.ERRORED):
            verdict, check, explanation = result.verdict, result.check.id, result.reason
            if result.finding:
                clause, explanation = result.finding.clause, result.finding.explanation
            break
    seconds = time.monotonic() - began
    return Score(name, member.fault, harm, verdict, check, clause, explanation, requests, seconds)


def _in_passes(target: Target, plan: Plan) -> Iterator[Result]:
    """Every check a little, and then in full; what is found is shrunk as the effort says."""
    hello = introduce(target)
    for effort in (GLIMPSE, GLANCE, plan.effort):
        shrinking = evolve(effort, shrink_seconds=plan.effort.shrink_seconds)
        yield from judge(target, hello, evolve(plan, effort=shrinking))
