"""Run the benchmarks and print one table: what was measured, beside what, against which goal."""

import importlib
import json
from contextlib import nullcontext

import attrs
import click
from rich.console import Console
from rich.table import Table

from benchmarks.figure import Figure

NAMES = (
    "merge",
    "host_io",
    "first_touch",
    "background",
    "sync_stall",
    "memory",
    "model_steps",
    "proofs",
    "explorer",
    "checkers",
    "mutants",
    "oracle",
    "stdio",
    "conviction",
)


@click.command()
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="Run these only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list instead of the table.")
def main(only: tuple[str, ...], as_json: bool) -> None:
    """Measure, each figure against a limit or a peer in the same run."""
    figures: list[Figure] = []
    status = Console(stderr=True)
    for name in only or NAMES:
        with status.status(f"{name} …") if status.is_terminal else nullcontext():
            figures += importlib.import_module(f"benchmarks.{name}").run()
    if as_json:
        click.echo(json.dumps([attrs.asdict(figure) for figure in figures], indent=1))
        return
    table = Table("what", "measured", "beside", "ratio", "goal", "")
    for figure in figures:
        table.add_row(
            figure.name,
            figure.value,
            figure.peer,
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.goal,
            {None: "", True: "met", False: "MISSED"}[figure.met],
        )
    # A table that goes into a file or a note is not to be cut to the width of a terminal.
    console = Console()
    Console(width=None if console.is_terminal else 150).print(table)


if __name__ == "__main__":
    main()
