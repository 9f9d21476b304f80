"""The whole kit as a test class: one test a check, one a vector, in anybody's pytest.

    from flashcopy.conformance.suite import FlashcopyConformance

    class TestMine(FlashcopyConformance):
        command = ["./my-adapter"]

A violation fails its test with the explanation, the history and the commands that show it again;
what the implementation does not claim is skipped with the reason; a breakdown is an error.
"""

import json
import shlex
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import frozen

from flashcopy.conformance.adapter import Adapter, Hello, IutBrokeDownError
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import EFFORTS, Check, Finding, Target
from flashcopy.conformance.checks.comparison import name, say
from flashcopy.conformance.iut.inprocess import guard
from flashcopy.conformance.iut.stdio import StdioAdapter
from flashcopy.conformance.pytest_plugin import seed_of
from flashcopy.conformance.runner import Plan, Result, Verdict, introduce, judge
from flashcopy.conformance.vectors.all_vectors import all_vectors
from flashcopy.conformance.vectors.files import packaged, released_version
from flashcopy.conformance.vectors.release import RELEASED
from flashcopy.conformance.vectors.run import Outcome, run
from flashcopy.conformance.vectors.vector import Vector
from flashcopy.model.trace import Answer, Submit, Trace, dumps

# Their names alone: to make them takes a second or two, for which no collection need wait.
VECTORS = tuple(json.loads(packaged(RELEASED))["vectors"])
_LONGEST_HISTORY = 40


class FlashcopyConformance:
    """Derive from this, under a name that begins with `Test`, and set one of the two.

    `command` is a program that speaks docs/protocol.md, `adapter` a class or function that gives
    an `Adapter`. The options --flashcopy-effort, -seed, -timeout and -report say how much to do.
    """

    command: ClassVar[Sequence[str] | None] = None
    adapter: ClassVar[Callable[[], Adapter] | None] = None

    @pytest.mark.parametrize("flashcopy_check", CHECKS, ids=[check.id for check in CHECKS])
    def test_check(self, flashcopy_iut: "Introduced", flashcopy_result: Result) -> None:
        """It conforms, or what is violated and how to see it."""
        if flashcopy_result.verdict is Verdict.SKIPPED:
            pytest.skip(flashcopy_result.reason)
        if flashcopy_result.finding is not None:
            pytest.fail(flashcopy_iut.explain(flashcopy_result), pytrace=False)

    @pytest.mark.parametrize("flashcopy_vector", VECTORS)
    def test_vector(self, flashcopy_iut: "Introduced", flashcopy_outcome: Outcome) -> None:
        """Likewise of a vector."""
        if flashcopy_outcome.verdict is Verdict.SKIPPED:
            pytest.skip(flashcopy_outcome.reason)
        if flashcopy_outcome.wrong is not None:
            pytest.fail(flashcopy_iut.explain_vector(flashcopy_outcome), pytrace=False)


@frozen
class Introduced:
    """An implementation that has said who it is. `words` name it to the flashcopy command."""

    target: Target
    words: str
    hello: Hello
    plan: Plan
    report: Path

    def judge(self, check: Check) -> Result:
        """What comes of a check; a breakdown fails whatever asked."""
        plan = Plan((check,), self.plan.effort, self.plan.seed, self.plan.timeout)
        (result,) = judge(self.target, self.hello, plan)
        if result.verdict is Verdict.ERRORED:
            pytest.fail(f"{self.target.name} broke down: {result.reason}", pytrace=False)
        return result

    def run(self, vector: str) -> Outcome:
        """What comes of a vector; likewise."""
        outcome = run(self.target, self.hello.capabilities, _vectors()[vector])
        if outcome.verdict is Verdict.ERRORED:
            pytest.fail(f"{self.target.name} broke down: {outcome.reason}", pytrace=False)
        return outcome

    def explain(self, result: Result) -> str:
        """A violation: what, after which requests, and how to see it again."""
        assert result.finding is not None
        options = f"--effort {self.plan.effort.name} --seed {self.plan.seed}"
        lines = [f"{result.finding.clause} is violated: {result.finding.explanation}", ""]
        lines += _history(result.finding.trace)
        lines += [f"again: flashcopy conform {options} --check {result.check.id} {self.words}"]
        return "\n".join(lines + self._written(result.check.id, result.finding))

    def explain_vector(self, outcome: Outcome) -> str:
        """The same of a vector."""
        vector = outcome.vector
        return "\n".join(
            [
                f"{', '.join(vector.clauses)}: {outcome.explanation}",
                f"it must be so: {vector.says}",
                f"it looks for: {vector.looks_for.mechanism}",
                f"which would mean: {vector.looks_for.harm}",
                "again: flashcopy vectors fill vectors &&"
                f" flashcopy vectors run --vector {vector.id} vectors {self.words}",
            ]
        )

    def _written(self, check: str, finding: Finding) -> list[str]:
        if finding.trace is None:
            return []
        path = self.report / f"{check}.json"
        try:
            self.report.mkdir(parents=True, exist_ok=True)
            path.write_text(dumps(finding.trace), encoding="utf-8")
        except OSError as error:
            return [f"its trace cannot be written to {path}: {error.strerror}"]
        return [f"the requests: flashcopy show {path}", f"replay them: flashcopy replay {path}"]


def introduced(suite: type[FlashcopyConformance], config: pytest.Config) -> Introduced:
    """The implementation of a suite; one that breaks down at once fails whatever asked."""
    effort, timeout = EFFORTS[config.getoption("--flashcopy-effort")], _timeout(config)
    plan = Plan(CHECKS, effort, seed_of(config), timeout)
    target, words = _target(suite, timeout)
    report = config.rootpath / str(config.getoption("--flashcopy-report"))
    try:
        return Introduced(target, words, introduce(target), plan, report)
    except IutBrokeDownError as error:
        pytest.fail(f"{target.name} broke down: {error}", pytrace=False)


def _timeout(config: pytest.Config) -> float:
    timeout = float(config.getoption("--flashcopy-timeout"))
    if timeout <= 0:
        raise pytest.UsageError(f"--flashcopy-timeout {timeout:g}: give seconds, more than none")
    return timeout


def _target(suite: type[FlashcopyConformance], timeout: float) -> tuple[Target, str]:
    command, make = suite.command, suite.adapter
    if (command is None) == (make is None):
        pytest.fail(f"{suite.__name__}: set one of command and adapter", pytrace=False)
    if command is not None:
        line, words = list(command), shlex.join(command)
        return Target(words, lambda: StdioAdapter(line, timeout)), f"stdio -- {words}"
    assert make is not None
    place = f"{make.__module__}:{getattr(make, '__qualname__', make)}"
    return Target(place, guard(make, timeout)), f"python {place}"


@cache
def _vectors() -> dict[str, Vector]:
    return {v.id: v for file in all_vectors(released_version()) for v in file.vectors}


def _history(trace: Trace | None) -> list[str]:
    """The requests and their answers, one a line; of a long history the end."""
    if trace is None:
        return []
    lines = []
    for at, entry in enumerate(trace.entries):
        if isinstance(entry, Submit):
            answers = [e for e in trace.entries[at:] if isinstance(e, Answer)]
            mine = [say(e.outcome) for e in answers if e.request == entry.request]
            lines.append(f"  {entry.request}: {name(entry.operation)} -> {''.join(mine[:1])}")
        elif not isinstance(entry, Answer):
            lines.append(f"  {type(entry).__name__.lower()}")
    left = len(lines) - _LONGEST_HISTORY
    if left > 0:
        lines = [f"  ({left} before these)", *lines[left:]]
    return [*lines, ""]
