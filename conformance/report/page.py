"""A report as one page of HTML that needs nothing else: style and drawings are inside it."""

import functools
from pathlib import Path
from typing import Any

import jinja2

from flashcopy.conformance.report.drawing import GUTTER, draw
from flashcopy.conformance.report.shapes import Drawing
from flashcopy.conformance.report.value import Judged, Report, Shown
from flashcopy.conformance.runner import Verdict


def dumps(report: Report) -> str:
    """The report as HTML text."""
    return _template().render(
        report=report,
        drawing_of=_drawing_of,
        counts_of=_counts,
        commands_of=lambda judged, shown: _commands(report, judged, shown),
        Verdict=Verdict,
        gutter=GUTTER,
    )


@functools.cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _counts(judged: Judged) -> str:
    """How many checks came to what."""
    verdicts = [line.verdict for line in judged.lines]
    said = {
        Verdict.VIOLATION: "found a violation",
        Verdict.ERRORED: "saw it break down",
        Verdict.CONFORMING: "found nothing wrong",
        Verdict.SKIPPED: "could not be tried",
    }
    counts = [f"{n} {words}" for verdict, words in said.items() if (n := verdicts.count(verdict))]
    checks = "1 check" if len(verdicts) == 1 else f"{len(verdicts)} checks"
    return f"Of {checks} {', '.join(counts)}" if counts else "No check was run"


def _drawing_of(shown: Shown) -> Drawing | None:
    trace = shown.finding.trace
    return draw(trace, shown.finding.wrong) if trace is not None and trace.entries else None


def _commands(report: Report, judged: Judged, shown: Shown) -> list[dict[str, Any]]:
    return [{"does": does, "line": line} for does, line in report.commands(judged, shown)]
