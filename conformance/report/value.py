"""What a report knows: what came of each check of each target, with which seeds.

One run of `flashcopy conform` is one target with one seed; a campaign is many of both. The report
of either has the same form, so that each format is written once.
"""

import platform
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from attrs import field, frozen

from flashcopy.conformance.adapter import Hello
from flashcopy.conformance.check import Check, Finding
from flashcopy.conformance.runner import Result, Verdict, sum_up

# Seconds that a request may take if nobody says otherwise.
DEFAULT_TIMEOUT = 10.0
# How many seeds are worth to be read one by one.
_MOST_SEEDS = 20


@frozen
class Run:
    """What came of one check with one seed."""

    seed: int
    result: Result


@frozen
class Line:
    """What came of one check with all its seeds; there is at least one run."""

    check: Check
    runs: tuple[Run, ...]

    @property
    def verdict(self) -> Verdict:
        """A violation weighs most, then a breakdown; skipped is what was never tried."""
        if all(run.result.verdict is Verdict.SKIPPED for run in self.runs):
            return Verdict.SKIPPED
        return sum_up([run.result for run in self.runs])

    @property
    def requests(self) -> int:
        """How many requests were made in all runs together."""
        return sum(run.result.requests for run in self.runs)

    @property
    def seconds(self) -> float:
        """How long the runs took, one after the other."""
        return sum(run.result.seconds for run in self.runs)

    @property
    def reason(self) -> str:
        """Why the first run that came to nothing did: what is not claimed, or how it broke down."""
        return next((run.result.reason for run in self.runs if run.result.reason), "")

    @property
    def waste(self) -> tuple[str, ...]:
        """What was more work than need be (MIN-1, MIN-2), each once."""
        return tuple(dict.fromkeys(said for run in self.runs for said in run.result.waste))

    @property
    def failures(self) -> int:
        """How many requests failed in a device of the IUT, in all runs together."""
        return sum(run.result.failures for run in self.runs)

    @property
    def convicting(self) -> str:
        """The seeds with which a violation was found, the first of them if they are many."""
        seeds = [str(seed) for seed in self.seeds(Verdict.VIOLATION)]
        more = f" and {len(seeds) - _MOST_SEEDS} more" if len(seeds) > _MOST_SEEDS else ""
        return ", ".join(seeds[:_MOST_SEEDS]) + more

    def seeds(self, verdict: Verdict) -> tuple[int, ...]:
        """The seeds with which the check came to a verdict."""
        return tuple(run.seed for run in self.runs if run.result.verdict is verdict)


@frozen
class Shown:
    """The shortest violation that a check found of a target; `trace` is the file it is in."""

    line: Line
    seed: int
    finding: Finding
    trace: Path | None


@frozen
class Judged:
    """All that is said of one target, which `words` name on the command line.

    `hello` is who it said it is, if it came to that, and `broke` why not if it broke down;
    `traces` holds the file of each check's shortest violation, by the check's id.
    """

    name: str
    words: tuple[str, ...]
    hello: Hello | None
    lines: tuple[Line, ...]
    traces: dict[str, Path] = field(factory=dict)
    broke: str = ""

    @property
    def verdict(self) -> Verdict:
        """The verdict on the target."""
        results = [run.result for line in self.lines for run in line.runs]
        verdict = sum_up(results)
        return Verdict.ERRORED if self.broke and verdict is Verdict.CONFORMING else verdict

    @property
    def violations(self) -> tuple[Shown, ...]:
        """The shortest violation that each check found."""
        return tuple(
            Shown(line, run.seed, run.result.finding, self.traces.get(line.check.id))
            for line in self.lines
            if (run := shortest(line.runs)) and run.result.finding
        )


@frozen
class Report:
    """A whole report. `began` is when, in UTC as ISO 8601; `notes` what else must be said.

    `timeout` is seconds a request may take.
    """

    targets: tuple[Judged, ...]
    effort: str
    seeds: tuple[int, ...]
    timeout: float
    began: str
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(
        factory=lambda: {"flashcopy": version("flashcopy"), "python": platform.python_version()}
    )

    @property
    def verdict(self) -> Verdict:
        """The verdict on all targets: that on the worst of them."""
        verdicts = {judged.verdict for judged in self.targets}
        for verdict in (Verdict.VIOLATION, Verdict.ERRORED):
            if verdict in verdicts:
                return verdict
        return Verdict.CONFORMING

    @property
    def heading(self) -> str:
        """The verdict for people: what was not judged to the end is not acquitted."""
        if self.verdict is not Verdict.CONFORMING:
            return {Verdict.VIOLATION: "Violation found"}.get(self.verdict, "Broke down")
        if self.interrupted:
            return "Nothing wrong so far"
        lines = [line for judged in self.targets for line in judged.lines]
        skipped = all(line.verdict is Verdict.SKIPPED for line in lines)
        return "Nothing was checked" if skipped else "Conforming"

    @property
    def seeds_said(self) -> str:
        """The seeds in words: `seed 7`, or `seeds 1 to 100`."""
        first, *others = self.seeds
        if not others:
            return f"seed {first}"
        if self.seeds == tuple(range(first, first + len(self.seeds))):
            return f"seeds {first} to {others[-1]}"
        return f"seeds {', '.join(map(str, self.seeds))}"

    def again(self, judged: Judged, check: str, seed: int) -> str:
        """The command that runs one check again in the same way."""
        timeout = "" if self.timeout == DEFAULT_TIMEOUT else f" --timeout {self.timeout:g}"
        options = f"--effort {self.effort} --seed {seed}{timeout} --check {check}"
        return f"flashcopy conform {options} {shlex.join(judged.words)}"

    def commands(self, judged: Judged, shown: Shown) -> tuple[tuple[str, str], ...]:
        """The commands that show and repeat a violation, each after what it does."""
        check = (
            "the check on this implementation",
            self.again(judged, shown.line.check.id, shown.seed),
        )
        if shown.trace is None:
            return (check,)
        replay = f"flashcopy replay {shown.trace}"
        return (
            ("the requests", f"flashcopy show {shown.trace}"),
            ("again on this implementation", f"{replay} -- {shlex.join(judged.words)}"),
            ("on the model", replay),
            ("on the bundled implementation", f"{replay} bundled"),
            check,
        )


def lines_of(checks: Sequence[Check], runs: Sequence[Run]) -> tuple[Line, ...]:
    """The runs by check, in the order of the checks; a check without a run has no line."""
    lines = []
    for check in checks:
        of_check = tuple(run for run in runs if run.result.check.id == check.id)
        if of_check:
            lines.append(Line(check, of_check))
    return tuple(lines)


def shortest(runs: Sequence[Run]) -> Run | None:
    """The violation with the fewest requests in its trace, the first of several; None if none."""
    found = [run for run in runs if run.result.finding is not None]
    return min(found, key=lambda run: entries_of(run.result.finding), default=None)


def entries_of(finding: Finding | None) -> int:
    """How long a finding's trace is; one that is not there is longer than any."""
    no_trace = 1 << 62
    return len(finding.trace.entries) if finding and finding.trace else no_trace
