"""What an exploration says when it is done: for people as lines, for machines as a dictionary."""

from collections.abc import Sequence
from typing import Any

from flashcopy.proofs.explorer.coverage import Coverage
from flashcopy.proofs.explorer.requests import Plan
from flashcopy.proofs.explorer.runs import Estimate, Report, Settings
from flashcopy.proofs.explorer.trace import Shown


def expected_line(parts: Sequence[Estimate]) -> str:
    """The estimate, before anything starts."""
    scopes, states = (sum(getattr(part, name) for part in parts) for name in ("scopes", "states"))
    return (
        f"{scopes:,} scopes; about {states:,} states,"
        f" {max(part.bytes for part in parts) >> 20:,} MiB of memory"
    )


def scope_of(plan: Plan) -> str:
    """What a plan explores, in a few words."""
    words = [f"{plan.grains} grains of {plan.grain_blocks} blocks"]
    if plan.short:
        words.append(f"the last {plan.short} short")
    words.append(f"up to {plan.in_flight} of {len(plan.kinds)} kinds of request in flight")
    words.append(f"{len(plan.starts)} initial states")
    failures = "a failure" if plan.failures == 1 else f"{plan.failures} failures"
    words.append(f"up to {failures}" if plan.failures else "no device fails")
    if plan.keep_target:
        words.append("keep_target")
    return ", ".join(words)


def lines_of(report: Report, coverage: Coverage) -> list[str]:
    """The report, a line an idea."""
    tally = report.tally
    rate = tally.states / report.seconds if report.seconds else 0
    lines = [
        f"{report.covered:,} of {report.scopes:,} scopes: {scope_of(report.plan)}",
        f"{tally.states:,} distinct states, {tally.transitions:,} transitions, depth {tally.depth}",
        f"{report.seconds:.1f} s, {rate:,.0f} states/s, {report.bytes >> 20:,} MiB a worker",
        "seen: {} of {} program points, {} of {} lines of the protocol, {} of {} branches".format(
            *coverage.points, *coverage.lines, *coverage.branches
        ),
        f"crashes lead to {len(report.recovered)} kinds of state, "
        + (
            f"{len(report.foreign)} of them not among the initial ones: see --crashes"
            if report.foreign
            else "all among the initial ones: one crash stands for any number"
        ),
    ]
    if coverage.unseen_lines:
        lines.append(f"never seen: {', '.join(coverage.unseen_lines)}")
    return lines


def verdict(report: Report) -> str:
    """One word and what it rests on."""
    if report.violation:
        return "VIOLATED"
    if report.stopped:
        return f"STOPPED: {report.stopped}; what was covered holds"
    return "HOLDS"


def as_json(
    report: Report, coverage: Coverage, settings: Settings, shown: Shown | None, trace: str | None
) -> dict[str, Any]:
    """The same for machines."""
    tally = report.tally
    return {
        "holds": report.holds,
        "stopped": report.stopped,
        "mutant": settings.mutant,
        "grains": report.plan.grains,
        "blocks": report.plan.grain_blocks,
        "in_flight": report.plan.in_flight,
        "short": report.plan.short,
        "failures": report.plan.failures,
        "keep_target": report.plan.keep_target,
        "requests": [str(kind) for kind in report.plan.kinds],
        "initial_states": [str(start) for start in report.plan.starts],
        "scopes": report.scopes,
        "covered": report.covered,
        "states": tally.states,
        "transitions": tally.transitions,
        "depth": tally.depth,
        "seconds": round(report.seconds, 3),
        "states_per_second": round(tally.states / report.seconds) if report.seconds else 0,
        "bytes": report.bytes,
        "workers": settings.workers,
        "coverage": {
            "points": coverage.points,
            "lines": coverage.lines,
            "branches": coverage.branches,
            "effects": coverage.effects,
            "unseen_points": coverage.unseen_points,
            "unseen_lines": coverage.unseen_lines,
        },
        "recovered": len(report.recovered),
        "recovered_not_initial": len(report.foreign),
        "violation": shown
        and report.violation
        and {
            "clause": report.violation.clause,
            "explanation": shown.finding.explanation,
            "shown_by": report.violation.how,
            "steps": len(report.violation.moves),
            "scope": str(report.scope),
            "confirmed_by_replay": shown.confirmed,
            "trace": trace,
        },
    }
