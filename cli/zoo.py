"""`flashcopy conform zoo --all`: the score table of the conformance kit itself."""

import json
import statistics
from contextlib import suppress
from typing import Any

import click
from rich.table import Table

from flashcopy.cli.report import console, progress
from flashcopy.cli.target import parse_target
from flashcopy.conformance.runner import Plan
from flashcopy.conformance.zoo.members import MEMBERS
from flashcopy.conformance.zoo_score import Score, score


def score_all(plan: Plan, *, as_json: bool) -> bool | None:
    """Judge every member and print the table. Whether each got the verdict it deserves.

    None if that was interrupted: the table is of those that were judged until then.
    """
    rows: list[Score] = []
    with suppress(KeyboardInterrupt), progress("zoo") as tell:
        for name in MEMBERS:
            tell(len(rows) / len(MEMBERS), name)
            rows.append(score(name, parse_target(["zoo", name], plan.timeout), plan))
    if as_json:
        click.echo(json.dumps(_as_object(rows, plan), indent=1))
    else:
        _print(rows, plan)
    if len(rows) < len(MEMBERS):
        return None
    return all(row.right for row in rows)


def _as_object(rows: list[Score], plan: Plan) -> dict[str, Any]:
    return {
        "right": all(row.right for row in rows),
        "interrupted": len(rows) < len(MEMBERS),
        "members": [
            {
                "name": row.name,
                "fault": row.fault,
                "harm": row.harm,
                "verdict": row.verdict.value,
                "right": row.right,
                "check": row.check or None,
                "clause": row.clause or None,
                "explanation": row.explanation or None,
                "requests": row.requests,
                "seconds": round(row.seconds, 3),
            }
            for row in rows
        ],
        "effort": plan.effort.name,
        "seed": plan.seed,
    }


def _print(rows: list[Score], plan: Plan) -> None:
    table = Table("member", "fault", "verdict", "by", "clause", "requests", "seconds")
    for row in rows:
        colour = "green" if row.right else "bold red"
        verdict = f"[{colour}]{row.verdict.value}[/]"
        cells = (row.check, row.clause, str(row.requests), f"{row.seconds:.1f}")
        table.add_row(row.name, row.fault, verdict, *cells)
    console().print(table)
    for row in rows:
        if not row.right:
            click.echo(f"{row.name} was judged {row.verdict.value}: {row.explanation or row.harm}")
    seconds = sorted(row.seconds for row in rows if row.check)
    if len(seconds) > 1:
        median, late = statistics.median(seconds), seconds[int(0.95 * (len(seconds) - 1))]
        click.echo(f"time to conviction: median {median:.1f} s, 95th percentile {late:.1f} s")
    if len(rows) < len(MEMBERS):
        click.echo(f"interrupted: {len(MEMBERS) - len(rows)} of {len(MEMBERS)} were not judged")
    right = sum(row.right for row in rows)
    click.echo(f"{right} of {len(rows)} judged right; effort {plan.effort.name}, seed {plan.seed}")
