"""`flashcopy campaign`: many seeds, many targets, over processes or a cluster, and one report.

    flashcopy campaign --seeds 100 --target bundled --target "stdio -- ./my-adapter"
    flashcopy campaign --resume

Every outcome is written down in the report directory as it comes, so an interrupted campaign goes
on where it was.
"""

import json
import os
import random
import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from flashcopy.cli.conform import EXIT
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
from flashcopy.conformance.campaign.cases import (
    Campaign,
    Outcome,
    cases_of,
    targets_of,
    trimmed,
)
from flashcopy.conformance.campaign.journal import Journal, JournalError, opened, require_same
from flashcopy.conformance.campaign.pools import ClusterPool, LocalPool, NoClusterError, Pool
from flashcopy.conformance.campaign.run import WorkerError, run
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import EFFORTS
from flashcopy.conformance.report.as_json import of_campaign
from flashcopy.conformance.report.value import DEFAULT_TIMEOUT, Report
from flashcopy.conformance.runner import Verdict

_SEEDS = 10


@click.command()
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="WORDS",
    help="As `conform` takes it, in quotes; repeatable.",
)
@click.option("--effort", type=click.Choice(list(EFFORTS)), help="Of each case.  [default: quick]")
@click.option("--seeds", type=click.IntRange(1), help=f"How many seeds.  [default: {_SEEDS}]")
@click.option(
    "--seed", type=click.IntRange(0), help="The first; the others follow it.  [default: any]"
)
@click.option(
    "--timeout",
    type=SECONDS,
    help=f"Seconds that a request may take.  [default: {DEFAULT_TIMEOUT:g}]",
)
@click.option("--check", "checks", multiple=True, metavar="ID", help="Only this check; repeatable.")
@click.option(
    "--workers", type=click.IntRange(1), help="How many processes here.  [default: one a processor]"
)
@click.option("--scheduler", metavar="ADDRESS", help="Use the Dask cluster with this scheduler.")
@click.option("--stop-early", is_flag=True, help="Stop at the first violation.")
@click.option("--resume", is_flag=True, help="Go on with the campaign in the report directory.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("campaign"),
    show_default=True,
    help="Where reports, traces and the journal are written.",
)
@format_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, not a table.")
def campaign(
    targets: tuple[str, ...],
    effort: str | None,
    seeds: int | None,
    seed: int | None,
    timeout: float | None,
    checks: tuple[str, ...],
    workers: int | None,
    scheduler: str | None,
    stop_early: bool,
    resume: bool,
    report: Path,
    formats: tuple[str, ...],
    as_json: bool,
) -> None:
    """Judge implementations with many seeds, over processes or a cluster.

    Every check with every seed on every target, each in a process that makes the implementation
    itself; one report of all. With --resume nothing that is done is done again, and what is not
    said again is as it was. Exit status: 0 all conform, 1 a violation was found, 2 wrong usage,
    3 one broke down, 130 interrupted.
    """
    if workers and scheduler:
        raise click.UsageError("--workers are processes here, --scheduler has workers of its own")
    require_report_directory(report)
    try:
        with opened(report, resume=resume) as journal:
            before = journal.campaign
            plan = _plan(before, targets, effort, seeds, seed, timeout, checks)
            if scheduler is None:
                for words in plan.targets:
                    parse_target(words, plan.timeout)  # what is wrong with it is said at once
            if before is None:
                pool = _pool(plan, workers, scheduler)
                journal.begin(plan)
            else:
                require_same(plan, journal)
                pool = _pool(plan, workers, scheduler)
            done, broke_off = _go_on(plan, journal, pool, report, stop_early=stop_early)
    except (JournalError, NoClusterError) as error:
        raise click.UsageError(str(error)) from None
    written = write_reports(done, report, formats, campaign=True)
    if as_json:
        click.echo(json.dumps(of_campaign(done), indent=1))
    else:
        _print(done, written)
    if broke_off:
        raise click.ClickException(broke_off)
    raise SystemExit(INTERRUPTED if done.interrupted else EXIT[done.verdict])


def _plan(
    before: Campaign | None,
    targets: tuple[str, ...],
    effort: str | None,
    seeds: int | None,
    seed: int | None,
    timeout: float | None,
    checks: tuple[str, ...],
) -> Campaign:
    """The campaign that was asked for; what is not said is as it was before, if there was one."""
    known = [check.id for check in CHECKS]
    for id_ in checks:
        if id_ not in known:
            raise click.UsageError(f"no check is called {id_}; there are: {', '.join(known)}")
    if before is None:
        if not targets:
            raise click.UsageError('give at least one --target, as in --target "zoo right"')
        first = random.SystemRandom().randrange(1 << 32)
        drawn = tuple(range(first, first + _SEEDS))
        before = Campaign((), tuple(known), "quick", drawn, DEFAULT_TIMEOUT)
    first = before.seeds[0] if seed is None else seed
    return Campaign(
        tuple(dict.fromkeys(tuple(_words(each)) for each in targets)) or before.targets,
        tuple(id_ for id_ in known if id_ in checks) or before.checks,
        effort or before.effort,
        tuple(range(first, first + (seeds or len(before.seeds)))),
        timeout or before.timeout,
    )


def _words(target: str) -> list[str]:
    try:
        return shlex.split(target)
    except ValueError as error:
        raise click.UsageError(f"--target {target}: {error}") from None


def _pool(plan: Campaign, workers: int | None, scheduler: str | None) -> Pool:
    if scheduler is not None:
        return ClusterPool(parse_target, plan, scheduler)
    return LocalPool(parse_target, plan, workers or len(os.sched_getaffinity(0)))


def _go_on(
    plan: Campaign, journal: Journal, pool: Pool, directory: Path, *, stop_early: bool
) -> tuple[Report, str]:
    """Do what is not done yet. What interrupts it leaves what was done so far.

    Beside the report, why it could not go on, if it could not.
    """
    began = datetime.now(UTC).isoformat(timespec="seconds")
    interrupted, broke_off = False, ""
    kept = len(journal.done)
    lengths: dict[tuple[object, ...], int] = {}
    for outcome in journal.done:
        trimmed(outcome, lengths)
    try:
        for outcome in _with_progress(plan, journal, pool):
            journal.add(trimmed(outcome, lengths))
            if stop_early and outcome.result.verdict is Verdict.VIOLATION:
                break
    except KeyboardInterrupt:
        interrupted = True
    except (NoClusterError, WorkerError) as error:
        interrupted, broke_off = True, str(error)
    targets = targets_of(plan, journal.done)
    report = Report(
        tuple(with_traces(judged, directory, _slug(judged.name)) for judged in targets),
        plan.effort,
        plan.seeds,
        plan.timeout,
        began,
        interrupted=interrupted,
        notes=(*([broke_off] if broke_off else []), *_notes(plan, journal, pool, kept)),
    )
    return report, broke_off


def _with_progress(plan: Campaign, journal: Journal, pool: Pool) -> Iterator[Outcome]:
    done = {outcome.case for outcome in journal.done}
    cases = list(cases_of(plan))
    found = sum(outcome.result.verdict is Verdict.VIOLATION for outcome in journal.done)
    to_do = [case for case in cases if case not in done]
    with progress("campaign") as tell, closing(run(to_do, pool)) as outcomes:
        for number, outcome in enumerate(outcomes, start=1 + len(cases) - len(to_do)):
            found += outcome.result.verdict is Verdict.VIOLATION
            said = f"{number} of {len(cases)} cases, {found} violations, {pool.lost} workers lost"
            tell(number / len(cases), said)
            yield outcome


def _notes(plan: Campaign, journal: Journal, pool: Pool, kept: int) -> Iterator[str]:
    """What else must be said: what was not done, and what did not go straight."""
    every = len(list(cases_of(plan)))
    done = len(journal.done)
    if done < every:
        yield f"{every - done} of {every} cases were not judged; --resume judges them."
    if kept:
        yield f"{kept} cases had been judged before, and were not judged again."
    if pool.lost:
        workers = "worker was" if pool.lost == 1 else "workers were"
        yield f"{pool.lost} {workers} lost, and what they were at was judged again."


def _slug(target: str) -> str:
    """A target's name as the beginning of a file's."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", target).strip("-") + "-"


def _print(report: Report, written: list[Path]) -> None:
    table = Table("target", "check", "runs", "violations", "errored", "skipped", "requests")
    for judged in report.targets:
        for line in judged.lines:
            counts = [
                str(len(line.seeds(verdict)) or "")
                for verdict in (Verdict.VIOLATION, Verdict.ERRORED, Verdict.SKIPPED)
            ]
            runs = str(len(line.runs))
            table.add_row(judged.name, line.check.id, runs, *counts, str(line.requests))
    console().print(table)
    for judged in report.targets:
        for shown in judged.violations:
            check = shown.line.check.id
            click.echo(f"{judged.name}: {check}: {shown.finding.clause} is violated")
            click.echo(f"  {shown.finding.explanation}")
            if shown.trace:
                click.echo(f"  the requests: flashcopy show {shown.trace}")
            click.echo(f"  again:        {report.again(judged, check, shown.seed)}")
        for line in judged.lines:
            if line.verdict is Verdict.ERRORED:
                click.echo(f"{judged.name}: {line.check.id}: errored, {line.reason}")
    for note in report.notes:
        click.echo(note)
    if report.interrupted:
        click.echo("interrupted: this is what was done so far")
    for path in written:
        click.echo(f"report: {path}")
    click.echo(f"{report.heading.lower()}; effort {report.effort}, {report.seeds_said}")
