"""What commands have in common when they speak: progress on a terminal, tables, findings, traces.

Progress goes to standard error and only to a terminal, results go to standard output; so a pipe
or a file gets the results alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from flashcopy.harness.result import Finding
from flashcopy.harness.result import Progress as Tell
from flashcopy.model.trace import dumps

# Wide enough for every table when the output is no terminal and has no width of its own.
_PIPE_WIDTH = 120


def console() -> Console:
    """Where results are printed."""
    to_terminal = Console()
    return to_terminal if to_terminal.is_terminal else Console(width=_PIPE_WIDTH)


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """A bar on the terminal for as long as something takes; nothing where there is none."""
    bar = Progress(
        TextColumn("{task.fields[what]:<12}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )
    with bar:
        task = bar.add_task("", total=1.0, what=what)
        yield lambda fraction, doing: bar.update(task, completed=fraction, description=doing)


def write_trace(finding: Finding, directory: Path, name: str) -> Path | None:
    """Write a finding's trace to a file and give its path; None if it has none.

    A file that cannot be written is said on standard error: the finding itself must not be lost.
    """
    if finding.trace is None:
        return None
    path = directory / f"{name.replace(' ', '-')}.json"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(dumps(finding.trace), encoding="utf-8")
    except OSError as error:
        click.echo(f"flashcopy: cannot write the trace {path}: {error.strerror}", err=True)
        return None
    return path


def say_finding(finding: Finding, trace: Path | None) -> None:
    """The clause, what was seen, and how to see it again."""
    click.echo(f"{finding.clause} is violated: {finding.explanation}")
    if trace is not None:
        click.echo(f"  see it:       flashcopy show {trace}")
        click.echo(f"  see it again: flashcopy replay {trace}")
