"""A report for machines: one JSON object.

A report of one target has the target's fields at the top; one of a campaign has them a target each
in `targets`. Both have `verdict`, `interrupted`, `effort`, `seed` or `seeds`, `versions`.
"""

import json
from typing import Any

from flashcopy.conformance.report.value import Judged, Line, Report, Shown
from flashcopy.conformance.runner import Verdict


def dumps(report: Report, *, campaign: bool = False) -> str:
    """The report as JSON text."""
    as_object = of_campaign if campaign else of_target
    return json.dumps(as_object(report), indent=1)


def of_target(report: Report) -> dict[str, Any]:
    """The report on one target, with one seed."""
    (judged,) = report.targets
    (seed,) = report.seeds
    return {
        "verdict": report.verdict.value,
        "interrupted": report.interrupted,
        **_judged(report, judged),
        "effort": report.effort,
        "seed": seed,
        "notes": list(report.notes),
        "versions": report.versions,
    }


def of_campaign(report: Report) -> dict[str, Any]:
    """The report on several targets, with several seeds."""
    return {
        "verdict": report.verdict.value,
        "interrupted": report.interrupted,
        "targets": [
            {"verdict": judged.verdict.value, **_judged(report, judged)}
            for judged in report.targets
        ],
        "effort": report.effort,
        "seeds": list(report.seeds),
        "notes": list(report.notes),
        "versions": report.versions,
    }


def _judged(report: Report, judged: Judged) -> dict[str, Any]:
    hello = judged.hello
    return {
        "target": judged.name,
        "iut": hello and {"name": hello.name, "version": hello.version},
        "errored": judged.broke or None,
        "violations": [_violation(report, judged, shown) for shown in judged.violations],
        "skipped": [
            {"check": line.check.id, "reason": line.reason}
            for line in judged.lines
            if line.verdict is Verdict.SKIPPED
        ],
        "checks": [_line(line) for line in judged.lines],
    }


def _violation(report: Report, judged: Judged, shown: Shown) -> dict[str, Any]:
    check, wrong = shown.line.check, shown.finding.wrong
    return {
        "check": check.id,
        "clause": shown.finding.clause,
        "kind": wrong.name or None,
        "blocks": list(wrong.blocks),
        "requests": list(wrong.requests),
        "fault": check.fault,
        "explanation": shown.finding.explanation,
        "trace": str(shown.trace) if shown.trace else None,
        "seed": shown.seed,
        "again": report.again(judged, check.id, shown.seed),
        "commands": dict(report.commands(judged, shown)),
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "id": line.check.id,
        "verdict": line.verdict.value,
        "runs": len(line.runs),
        "steps": line.requests,
        "seconds": round(line.seconds, 3),
        "waste": list(line.waste),
        "failures": line.failures,
        "errored": line.reason if line.verdict is Verdict.ERRORED else None,
        "seeds": {
            verdict.value: list(line.seeds(verdict))
            for verdict in (Verdict.VIOLATION, Verdict.ERRORED)
        },
    }
