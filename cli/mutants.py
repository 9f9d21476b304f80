"""`flashcopy mutants`: the protocol broken in every way we know, and who notices.

The other way round from `check`: here a method that finds nothing has failed.
"""

import json
import statistics
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from flashcopy.cli.report import console, progress
from flashcopy.harness.mutants import MUTANTS
from flashcopy.model.trace import dumps
from flashcopy.proofs.matrix import METHODS, Budget, Row, matrix

UNCAUGHT = 1


@click.command()
@click.argument("names", nargs=-1, metavar="[MUTANT]...")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the harness's draws.")
@click.option(
    "--runs", type=click.IntRange(1), default=6000, show_default=True, help="Most of them a mutant."
)
@click.option(
    "--traces",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the shortest ones here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, not a table.")
def mutants(
    names: tuple[str, ...], seed: int, runs: int, traces: Path | None, as_json: bool
) -> None:
    """Run every mutant of the protocol against every method, or those named.

    Prints which method caught it, by which clause, after how much and in what time. Exit status
    1 if nobody caught one.
    """
    for name in names:
        if name not in MUTANTS:
            raise click.UsageError(f"no mutant is called {name}; there are: {', '.join(MUTANTS)}")
    wanted = list(names or MUTANTS)
    rows = []
    with progress("mutants") as tell:
        for row in matrix(wanted, Budget(runs=runs, seed=seed, traces=traces is not None)):
            rows.append(row)
            tell(len(rows) / len(wanted), row.mutant.name)
    if traces:
        _write(rows, traces)
    if as_json:
        click.echo(json.dumps(_as_json(rows, seed), indent=1))
    else:
        _print(rows, seed)
    if not all(row.caught for row in rows):
        raise SystemExit(UNCAUGHT)


def _write(rows: list[Row], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for row in rows:
        if row.shortest:
            path = directory / f"{row.mutant.name}.json"
            path.write_text(dumps(row.shortest), encoding="utf-8")


def _print(rows: list[Row], seed: int) -> None:
    table = Table("mutant", "faults", *METHODS, "shortest trace")
    for row in rows:
        length = str(len(row.shortest.entries)) if row.shortest else ""
        name = row.mutant.name if row.caught else f"[bold red]{row.mutant.name}: NOBODY[/]"
        numbers = ", ".join(map(str, row.mutant.faults))
        table.add_row(name, numbers, *(_say(row, how) for how in METHODS), length)
    console().print(table)
    for how in METHODS:
        catches = [c for row in rows if (c := row.catches[how])]
        seconds = sorted(catch.seconds for catch in catches)
        line = f"{how}: {len(catches)} of {len(rows)} caught"
        if seconds:
            late = seconds[min(len(seconds) - 1, len(seconds) * 95 // 100)]
            middle = statistics.median(seconds)
            line += f", median {middle:.2f} s, 95th percentile {late:.2f} s"
        click.echo(line)
    missed = [row.mutant.name for row in rows if not row.caught]
    verdict = f"not caught by anybody: {', '.join(missed)}" if missed else "every mutant is caught"
    click.echo(f"{len(rows)} mutants, {verdict} (seed {seed})")


def _say(row: Row, how: str) -> str:
    catch = row.catches[how]
    if catch is None:
        return f"- {row.misses[how]}"
    what = f"{catch.amount:,} {catch.unit}" if catch.amount > 1 else catch.unit
    return f"{catch.clause}: {what}, {catch.seconds:.2f} s"


def _as_json(rows: list[Row], seed: int) -> dict[str, Any]:
    return {
        "verdict": "holds" if all(row.caught for row in rows) else "violation",
        "seed": seed,
        "mutants": [
            {
                "name": row.mutant.name,
                "clauses": row.mutant.clauses,
                "rule": row.mutant.rule,
                "harm": row.mutant.harm,
                "faults": row.mutant.faults,
                "misses": row.misses,
                "caught": row.caught,
                "shortest_trace": len(row.shortest.entries) if row.shortest else None,
                "methods": {
                    how: catch
                    and {
                        "clause": catch.clause,
                        catch.unit: catch.amount,
                        "seconds": round(catch.seconds, 4),
                    }
                    for how, catch in row.catches.items()
                },
            }
            for row in rows
        ],
    }
