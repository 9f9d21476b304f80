"""`flashcopy conform`: judge anybody's flashcopy.

    flashcopy conform stdio -- ./my-adapter --fast
    flashcopy conform --effort deep --check data --check interleaving bundled

Says of each check whether the implementation conforms, violates a clause, broke down, or was not
tried and why. A violation is explained and written as a trace that can be shown and replayed.
"""

import json
import os
import platform
import random
import shlex
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from attrs import frozen
from rich.table import Table

from flashcopy.cli.report import console, progress
from flashcopy.cli.target import parse_target
from flashcopy.cli.zoo import score_all
from flashcopy.conformance.adapter import Hello, IutBrokeDownError
from flashcopy.conformance.check import EFFORTS, Check, Target
from flashcopy.conformance.checks import CHECKS
from flashcopy.conformance.runner import Plan, Result, Verdict, introduce, judge, sum_up
from flashcopy.model.trace import dumps

EXIT = {Verdict.CONFORMING: 0, Verdict.VIOLATION: 1, Verdict.ERRORED: 3}
INTERRUPTED = 130
_COLOURS = {
    Verdict.CONFORMING: "green",
    Verdict.VIOLATION: "bold red",
    Verdict.ERRORED: "bold magenta",
    Verdict.SKIPPED: "dim",
}


@frozen
class Report:
    """All that is said of a target in the end. `broke` is why it was not even introduced."""

    target: Target
    words: tuple[str, ...]
    plan: Plan
    hello: Hello | None
    results: tuple[Result, ...]
    traces: dict[str, Path]
    broke: str = ""
    interrupted: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict on the target."""
        return Verdict.ERRORED if self.broke else sum_up(self.results)

    def again(self, check: str) -> str:
        """The command that runs one check again in the same way."""
        options = f"--effort {self.plan.effort.name} --seed {self.plan.seed} --check {check}"
        return f"flashcopy conform {options} {shlex.join(self.words)}"


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--effort", type=click.Choice(list(EFFORTS)), default="quick", show_default=True)
@click.option("--seed", type=int, help="Repeat the run that printed this seed.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds that a request may take.",
)
@click.option("--check", "ids", multiple=True, metavar="ID", help="Only this check; repeatable.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("traces"),
    show_default=True,
    help="Where the traces of violations are written.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, not a table.")
@click.option("--list", "list_checks", is_flag=True, help="List the checks, and do nothing.")
@click.argument("target", nargs=-1)
def conform(
    effort: str,
    seed: int | None,
    timeout: float,
    ids: tuple[str, ...],
    report: Path,
    as_json: bool,
    list_checks: bool,
    target: tuple[str, ...],
) -> None:
    """Judge an implementation of incremental flashcopy.

    TARGET is `stdio -- COMMAND [ARG...]` for a program that speaks docs/protocol.md,
    `python MODULE:CLASS`, `bundled`, `zoo NAME`, or `zoo --all` for the kit's own score. Exit
    status: 0 it conforms, 1 a violation was found, 2 wrong usage, 3 it broke down.
    """
    checks = _selected(ids)
    if list_checks:
        _list(checks)
        return
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    plan = Plan(checks, EFFORTS[effort], seed, timeout)
    if target == ("zoo", "--all"):
        raise SystemExit(0 if score_all(plan, as_json=as_json) else EXIT[Verdict.VIOLATION])
    done = _judge(parse_target(target, timeout), target, plan, report)
    if as_json:
        click.echo(json.dumps(as_object(done), indent=1))
    else:
        _print(done)
    raise SystemExit(INTERRUPTED if done.interrupted else EXIT[done.verdict])


def as_object(report: Report) -> dict[str, Any]:
    """The report for machines."""
    results = report.results
    return {
        "verdict": report.verdict.value,
        "interrupted": report.interrupted,
        "target": report.target.name,
        "iut": report.hello and {"name": report.hello.name, "version": report.hello.version},
        "errored": report.broke or None,
        "violations": [
            {
                "check": result.check.id,
                "clause": result.finding.clause,
                "kind": result.check.fault,
                "explanation": result.finding.explanation,
                "trace": _path(report, result),
            }
            for result in results
            if result.finding
        ],
        "skipped": [
            {"check": result.check.id, "reason": result.reason}
            for result in results
            if result.verdict is Verdict.SKIPPED
        ],
        "checks": [
            {
                "id": result.check.id,
                "verdict": result.verdict.value,
                "steps": result.requests,
                "seconds": round(result.seconds, 3),
                "waste": list(result.waste),
                "errored": result.reason if result.verdict is Verdict.ERRORED else None,
            }
            for result in results
        ],
        "effort": report.plan.effort.name,
        "seed": report.plan.seed,
        "versions": {"flashcopy": version("flashcopy"), "python": platform.python_version()},
    }


def _selected(ids: tuple[str, ...]) -> tuple[Check, ...]:
    known = {check.id: check for check in CHECKS}
    for id_ in ids:
        if id_ not in known:
            raise click.UsageError(f"no check is called {id_}; there are: {', '.join(known)}")
    return tuple(check for check in CHECKS if not ids or check.id in ids)


def _list(checks: tuple[Check, ...]) -> None:
    table = Table("check", "clauses", "needs", "the fault it is after")
    for check in checks:
        needs = ", ".join(sorted(each.value for each in check.needs))
        table.add_row(check.id, ", ".join(check.clauses), needs, check.fault)
    console().print(table)


def _judge(target: Target, words: tuple[str, ...], plan: Plan, directory: Path) -> Report:
    """Run the checks, and write the traces; an interrupt leaves what was done so far."""
    _require_writable(directory)
    results: list[Result] = []
    hello, broke, interrupted = None, "", False
    try:
        hello = introduce(target)
        results.extend(_with_progress(target, hello, plan))
    except IutBrokeDownError as error:
        broke = str(error)
    except KeyboardInterrupt:
        interrupted = True
    traces = {
        result.check.id: path for result in results if (path := _write_trace(result, directory))
    }
    return Report(target, words, plan, hello, tuple(results), traces, broke, interrupted)


def _require_writable(directory: Path) -> None:
    """Before the work is done, not after; and without leaving an empty directory."""
    there = directory.absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise click.UsageError(f"--report {directory}: nothing can be written to {there}")


def _with_progress(target: Target, hello: Hello, plan: Plan) -> Iterator[Result]:
    with progress("conform") as tell:
        tell(0.0, plan.checks[0].id)
        for number, result in enumerate(judge(target, hello, plan), start=1):
            yield result
            following = plan.checks[number].id if number < len(plan.checks) else ""
            tell(number / len(plan.checks), following)


def _write_trace(result: Result, directory: Path) -> Path | None:
    if result.finding is None or result.finding.trace is None:
        return None
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{result.check.id}.json"
    path.write_text(dumps(result.finding.trace), encoding="utf-8")
    return path


def _path(report: Report, result: Result) -> str | None:
    path = report.traces.get(result.check.id)
    return str(path) if path else None


def _print(report: Report) -> None:
    if report.hello:
        click.echo(f"{report.target.name}: {report.hello.name} {report.hello.version}")
    table = Table("check", "requests", "seconds", "verdict")
    for result in report.results:
        verdict = f"[{_COLOURS[result.verdict]}]{result.verdict.value}[/]"
        table.add_row(result.check.id, str(result.requests), f"{result.seconds:.1f}", verdict)
    console().print(table)
    for result in report.results:
        _say(report, result)
    if report.broke:
        click.echo(f"{report.target.name} broke down: {report.broke}")
    if report.interrupted:
        click.echo("interrupted: this is what was done so far")
    click.echo(f"{report.verdict.value}; effort {report.plan.effort.name}, seed {report.plan.seed}")


def _say(report: Report, result: Result) -> None:
    for waste in result.waste:
        click.echo(f"{result.check.id}: waste, not wrong: {waste}")
    if result.verdict is Verdict.SKIPPED:
        click.echo(f"{result.check.id}: skipped, {result.reason}")
    if result.verdict is Verdict.ERRORED:
        click.echo(f"{result.check.id}: errored, {result.reason}")
        click.echo(f"  again:        {report.again(result.check.id)}")
    if result.finding is None:
        return
    click.echo(f"{result.check.id}: {result.finding.clause} is violated")
    click.echo(f"  {result.finding.explanation}")
    if trace := _path(report, result):
        click.echo(f"  the requests: flashcopy show {trace}")
        click.echo(f"  on the model and the bundled implementation: flashcopy replay {trace}")
    click.echo(f"  again:        {report.again(result.check.id)}")
