"""Writing the reports of `conform` and `campaign`, and what is said if that fails.

What was found in an hour of work must not be lost because a disk is full: what cannot be written is
said on standard error, and the command goes on to print what it found.
"""

from collections.abc import Iterable
from pathlib import Path

import click
from attrs import evolve

from flashcopy.conformance.report.value import Judged, Report
from flashcopy.conformance.report.write import (
    FILES,
    UnwritableDirectoryError,
    require_writable,
    write_report,
    write_trace,
)

format_option = click.option(
    "--format",
    "formats",
    type=click.Choice(list(FILES)),
    multiple=True,
    help="Which reports; repeatable. All of them if not said.",
)


def require_report_directory(directory: Path) -> None:
    """Before the work is done. Raises click.UsageError."""
    try:
        require_writable(directory)
    except UnwritableDirectoryError as error:
        raise click.UsageError(f"--report {error}") from None


def with_traces(judged: Judged, directory: Path, prefix: str = "") -> Judged:
    """The shortest violation of each check, written to a file named by the check."""
    traces: dict[str, Path] = {}
    for shown in judged.violations:
        check, trace = shown.line.check.id, shown.finding.trace
        path = directory / f"{prefix}{check}.json"
        if trace is not None:
            try:
                traces[check] = write_trace(trace, path)
            except OSError as error:
                _say(path, error)
    return evolve(judged, traces=traces)


def write_reports(
    report: Report, directory: Path, formats: Iterable[str], *, campaign: bool = False
) -> list[Path]:
    """Write the report in these formats, or all; the files that could be written."""
    written: list[Path] = []
    for name in formats or FILES:
        try:
            written += write_report(report, directory, [name], campaign=campaign)
        except OSError as error:
            _say(directory / FILES[name], error)
    return written


def _say(path: Path, error: OSError) -> None:
    click.echo(f"flashcopy: cannot write {path}: {error.strerror}", err=True)
