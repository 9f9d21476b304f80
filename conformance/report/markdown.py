"""A report as Markdown, for an issue or a pull request: tables first, then what was found.

Whatever an implementation says of itself stands in tables and lists and must not end them, so it is
written on one line with everything escaped that Markdown takes for a sign.
"""

import re
from collections.abc import Iterable, Sequence

from flashcopy.conformance.report.value import Judged, Line, Report, Shown
from flashcopy.conformance.runner import Verdict

_SIGNS = re.compile(r"([\\`*_{}\[\]<>|#~])")


def dumps(report: Report) -> str:
    """The report as Markdown text."""
    parts = [f"# {report.heading}", _head(report)]
    if report.interrupted:
        parts.append("**Interrupted**: this is what was done so far.")
    parts += [_escaped(note) for note in report.notes]
    for judged in report.targets:
        parts += _target(report, judged)
    return "\n\n".join(parts) + "\n"


def _head(report: Report) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    return f"Effort {report.effort}, {report.seeds_said}; {versions}; begun {report.began}."


def _target(report: Report, judged: Judged) -> list[str]:
    named = f" ({judged.hello.name} {judged.hello.version})" if judged.hello else ""
    parts = [f"## {_escaped(judged.name + named)}: {judged.verdict.value}"]
    if judged.broke:
        parts += ["It broke down:", _block(judged.broke)]
    if judged.lines:
        rows = [_row(line) for line in judged.lines]
        head = ("check", "verdict", "runs", "requests", "seconds", "clauses", "remarks")
        parts.append(_table(head, rows))
    for shown in judged.violations:
        parts += _violation(report, judged, shown)
    for line in judged.lines:
        if line.verdict is Verdict.ERRORED:
            again = report.again(judged, line.check.id, line.seeds(Verdict.ERRORED)[0])
            parts += [f"### {line.check.id}: errored", _block(line.reason), _block(again)]
    return parts


def _row(line: Line) -> tuple[str, ...]:
    remarks = [f"waste, not wrong: {waste}" for waste in line.waste]
    if line.verdict is Verdict.SKIPPED:
        remarks.append(line.reason)
    if line.convicting and len(line.runs) > 1:
        remarks.append(f"convicted by seeds {line.convicting}")
    return (
        line.check.id,
        line.verdict.value,
        str(len(line.runs)),
        str(line.requests),
        f"{line.seconds:.1f}",
        ", ".join(line.check.clauses),
        "; ".join(remarks),
    )


def _violation(report: Report, judged: Judged, shown: Shown) -> list[str]:
    finding, check = shown.finding, shown.line.check
    kind = finding.wrong.name
    commands = [line for _, line in report.commands(judged, shown)]
    return [
        f"### {check.id}: {finding.clause} is violated{f', {kind}' if kind else ''}",
        _escaped(finding.explanation),
        _block("\n".join(commands)),
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head)]
    lines += [[_escaped(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _block(text: str) -> str:
    """Text as it is. The fence is longer than any that the text holds."""
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))
