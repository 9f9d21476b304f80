"""`flashcopy conform`: judge anybody's flashcopy.

    flashcopy conform stdio -- ./my-adapter --fast
    flashcopy conform --effort deep --check data --check interleaving bundled

Says of each check whether the implementation conforms, violates a clause, broke down, or was not
tried and why. A violation is explained and written as a trace that can be shown and replayed.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from flashcopy.cli.entry import INTERRUPTED
from flashcopy.cli.report import console, progress
from flashcopy.cli.seconds import SECONDS
from flashcopy.cli.target import parse_target
from flashcopy.cli.written import (
    format_option,
    require_report_directory,
    with_traces,
    write_reports,
)
from flashcopy.cli.zoo import score_all
from flashcopy.conformance.adapter import Hello, IutBrokeDownError
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import EFFORTS, Check, Target
from flashcopy.conformance.report.as_json import of_target
from flashcopy.conformance.report.value import (
    DEFAULT_TIMEOUT,
    Judged,
    Line,
    Report,
    Run,
    Shown,
    lines_of,
)
from flashcopy.conformance.runner import Plan, Result, Verdict, introduce, judge

EXIT = {Verdict.CONFORMING: 0, Verdict.VIOLATION: 1, Verdict.ERRORED: 3}
# Of the kit's own score: each member judged right, not each, interrupted.
_SCORE_EXIT = {True: 0, False: 1, None: INTERRUPTED}
_COLOURS = {
    Verdict.CONFORMING: "green",
    Verdict.VIOLATION: "bold red",
    Verdict.ERRORED: "bold magenta",
    Verdict.SKIPPED: "dim",
}


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--effort", type=click.Choice(list(EFFORTS)), default="quick", show_default=True)
@click.option("--seed", type=int, help="Repeat the run that printed this seed.")
@click.option(
    "--timeout",
    type=SECONDS,
    default=DEFAULT_TIMEOUT,
    show_default=True,
    help="Seconds that a request may take.",
)
@click.option("--check", "ids", multiple=True, metavar="ID", help="Only this check; repeatable.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write reports and the traces of violations here. Without it only traces, to `traces`.",
)
@format_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, not a table.")
@click.option("--list", "list_checks", is_flag=True, help="List the checks, and do nothing.")
@click.argument("target", nargs=-1)
def conform(
    effort: str,
    seed: int | None,
    timeout: float,
    ids: tuple[str, ...],
    report: Path | None,
    formats: tuple[str, ...],
    as_json: bool,
    list_checks: bool,
    target: tuple[str, ...],
) -> None:
    """Judge an implementation of incremental flashcopy.

    TARGET is `stdio -- COMMAND [ARG...]` for a program that speaks docs/protocol.md,
    `python MODULE:CLASS`, `bundled`, `zoo NAME`, or `zoo --all` for the kit's own score. Exit
    status: 0 it conforms, 1 a violation was found, 2 wrong usage, 3 it broke down, 130 interrupted.
    """
    checks = _selected(ids)
    if list_checks:
        _list(checks, as_json=as_json)
        return
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    plan = Plan(checks, EFFORTS[effort], seed, timeout)
    if formats and report is None:
        raise click.UsageError("--format says which reports are written; --report DIR says where")
    if target == ("zoo", "--all"):
        if report is not None:
            raise click.UsageError("zoo --all prints the score of the kit itself, and no report")
        raise SystemExit(_SCORE_EXIT[score_all(plan, as_json=as_json)])
    done = _judge(parse_target(target, timeout), target, plan, report or Path("traces"))
    written = write_reports(done, report, formats) if report else []
    if as_json:
        click.echo(json.dumps(of_target(done), indent=1))
    else:
        _print(done)
        for path in written:
            click.echo(f"report: {path}")
    raise SystemExit(INTERRUPTED if done.interrupted else EXIT[done.verdict])


def _selected(ids: tuple[str, ...]) -> tuple[Check, ...]:
    known = {check.id: check for check in CHECKS}
    for id_ in ids:
        if id_ not in known:
            raise click.UsageError(f"no check is called {id_}; there are: {', '.join(known)}")
    return tuple(check for check in CHECKS if not ids or check.id in ids)


def _list(checks: tuple[Check, ...], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_described(check) for check in checks], indent=1))
        return
    table = Table("check", "clauses", "needs", "the fault it is after")
    for check in checks:
        needs = ", ".join(sorted(each.value for each in check.needs))
        table.add_row(check.id, ", ".join(check.clauses), needs, check.fault)
    console().print(table)


def _described(check: Check) -> dict[str, Any]:
    needs = sorted(each.value for each in check.needs)
    return {"id": check.id, "clauses": check.clauses, "needs": needs, "fault": check.fault}


def _judge(target: Target, words: tuple[str, ...], plan: Plan, directory: Path) -> Report:
    """Run the checks, and write the traces; an interrupt leaves what was done so far."""
    require_report_directory(directory)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    results: list[Result] = []
    hello, broke, interrupted = None, "", False
    try:
        hello = introduce(target)
        results.extend(_with_progress(target, hello, plan))
    except IutBrokeDownError as error:
        broke = str(error)
    except KeyboardInterrupt:
        interrupted = True
    lines = lines_of(plan.checks, [Run(plan.seed, result) for result in results])
    judged = with_traces(Judged(target.name, words, hello, lines, broke=broke), directory)
    return Report(
        (judged,), plan.effort.name, (plan.seed,), plan.timeout, began, interrupted=interrupted
    )


def _with_progress(target: Target, hello: Hello, plan: Plan) -> Iterator[Result]:
    with progress("conform") as tell:
        tell(0.0, plan.checks[0].id)
        for number, result in enumerate(judge(target, hello, plan), start=1):
            yield result
            following = plan.checks[number].id if number < len(plan.checks) else ""
            tell(number / len(plan.checks), following)


def _print(report: Report) -> None:
    (judged,) = report.targets
    if judged.hello:
        click.echo(f"{judged.name}: {judged.hello.name} {judged.hello.version}")
    table = Table("check", "requests", "seconds", "verdict")
    for line in judged.lines:
        verdict = f"[{_COLOURS[line.verdict]}]{line.verdict.value}[/]"
        table.add_row(line.check.id, str(line.requests), f"{line.seconds:.1f}", verdict)
    console().print(table)
    shown = {each.line.check.id: each for each in judged.violations}
    said: dict[str, str] = {}
    for line in judged.lines:
        _say(report, judged, line, shown.get(line.check.id), said)
    if judged.broke:
        click.echo(f"{judged.name} broke down: {judged.broke}")
    if report.interrupted:
        click.echo("interrupted: this is what was done so far")
    (seed,) = report.seeds
    click.echo(f"{report.heading.lower()}; effort {report.effort}, seed {seed}")


def _say(
    report: Report, judged: Judged, line: Line, shown: Shown | None, said: dict[str, str]
) -> None:
    """What is to be said of a check. `said` are explanations, and the first check that gave each.

    One fault shows in many checks, often in the same few requests, and what breaks down does so in
    all of them with the same last words: these are told once.
    """
    check = line.check.id
    for waste in line.waste:
        click.echo(f"{check}: waste, not wrong: {waste}")
    if line.failures:
        click.echo(f"{check}: {line.failures} requests failed in a device (io_error)")
    if line.verdict is Verdict.SKIPPED:
        click.echo(f"{check}: skipped, {line.reason}")
    if line.verdict is Verdict.ERRORED:
        first = said.setdefault(line.reason, check)
        reason = line.reason if first == check else f"as {first}"
        click.echo(f"{check}: errored, {reason}")
        click.echo(f"  again:        {report.again(judged, check, line.runs[0].seed)}")
    if shown is None:
        return
    first = said.setdefault(shown.finding.explanation, check)
    if first != check:
        click.echo(f"{check}: {shown.finding.clause} is violated, as {first} has shown")
        return
    click.echo(f"{check}: {shown.finding.clause} is violated")
    click.echo(f"  {shown.finding.explanation}")
    for does, command in report.commands(judged, shown):
        click.echo(f"  {does}: {command}")
