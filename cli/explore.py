"""`flashcopy explore`: all schedules of a few requests, and everything a crash can leave.

This file only reads options and prints; what is explored and why that is enough is told in
`docs/explorer.md` and in `proofs/explorer`.
"""

import json
import os
import sys
from pathlib import Path

import click

from flashcopy.cli.entry import INTERRUPTED
from flashcopy.cli.report import progress, say_finding, write_trace
from flashcopy.harness.mutants import UnknownMutantError
from flashcopy.proofs.explorer import coverage, efforts, report, runs, trace
from flashcopy.proofs.explorer.automaton import EndlessRequestError
from flashcopy.proofs.explorer.explorer import Explorer
from flashcopy.proofs.explorer.layout import TooLargeError
from flashcopy.proofs.explorer.requests import UnknownRequestError, parse

VIOLATED = 1
_MIB = 1 << 20


@click.command()
@click.option("--effort", type=click.Choice(list(efforts.EFFORTS)), default="quick")
@click.option("--grains", type=int, help="Grains of the volumes.")
@click.option("--blocks", type=int, help="Blocks of a grain.")
@click.option(
    "--requests", "wanted", help="Which kinds: source-write:0-1,target-read:0,copy:1,sync"
)
@click.option("--in-flight", type=int, help="Most requests at a time.")
@click.option(
    "--from",
    "state",
    type=click.Choice(["idle", "copying", "copied", "stopped"]),
    help="Only initial states of this kind; all there are otherwise.",
)
@click.option("--short", type=int, default=0, help="Blocks that the last grain lacks.")
@click.option(
    "--failures", type=click.IntRange(0), default=0, help="How many effects a device may fail."
)
@click.option("--keep-target", is_flag=True, help="With the option keep_target (ERR-5).")
@click.option("--crashes", type=click.IntRange(1), default=1, help="How many crashes in a row.")
@click.option("--mutant", default="", help="A broken protocol of this name instead of the shipped.")
@click.option("--waste/--no-waste", default=True, help="Whether MIN-1 and MIN-2 count.")
@click.option("--symmetry/--no-symmetry", default=True, help="Skip scopes equal up to grains.")
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Processes; one a processor by default."
)
@click.option("--memory", type=click.IntRange(64), default=4096, help="Most MiB for each of them.")
@click.option(
    "--traces", type=click.Path(path_type=Path), default=Path("traces"), help="Where findings go."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def explore(
    effort: str,
    grains: int | None,
    blocks: int | None,
    wanted: str | None,
    in_flight: int | None,
    state: str | None,
    short: int,
    failures: int,
    keep_target: bool,
    crashes: int,
    mutant: str,
    waste: bool,
    symmetry: bool,
    workers: int | None,
    memory: int,
    traces: Path,
    as_json: bool,
) -> None:
    """Run the protocol through every schedule, with a crash at every step.

    An effort has several parts; with any option about the scope, one is explored, as the option
    says. Exit status: 0 everything holds, 1 a violation or not all could be covered, 2 wrong usage.
    """
    settings = runs.Settings(mutant, waste, workers or os.cpu_count() or 1, memory * _MIB)
    asked = (grains, blocks, wanted, in_flight, state, short, failures, keep_target)
    whole = not any(asked) and crashes == 1 and symmetry
    try:
        like = efforts.EFFORTS[effort]
        sizes = (grains or like.grains, blocks or like.grain_blocks, short)
        plan = efforts.plan(
            effort,
            grains=grains,
            grain_blocks=blocks,
            in_flight=in_flight,
            kinds=parse(wanted, *sizes) if wanted else None,
            state=state,
            reduce=symmetry,
            short=short,
            failures=failures,
            keep_target=keep_target,
        )
        plans = efforts.plans(effort) if whole else (plan,)
        expected = [runs.refuse_too_large(plan, settings) for plan in plans]
    except (
        UnknownRequestError,
        UnknownMutantError,
        efforts.BadScopeError,
        TooLargeError,
        EndlessRequestError,
    ) as error:
        raise click.UsageError(str(error)) from None
    if not as_json:
        click.echo(report.expected_line(expected))
    with progress("exploring") as tell:
        reports = (
            runs.explore_all(plans, settings, tell)
            if crashes == 1
            else runs.explore_crashes(plan, settings, crashes, tell)
        )
    told = [_tell(one, settings, traces, as_json=as_json) for one in reports]
    if as_json:
        several = {"parts" if crashes == 1 else "crashes": told}
        click.echo(json.dumps(told[0] if len(told) == 1 else several, indent=1))
    if any(one.stopped == "interrupted" for one in reports):
        sys.exit(INTERRUPTED)
    if not all(one.holds for one in reports):
        sys.exit(VIOLATED)


def _tell(
    one: runs.Report, settings: runs.Settings, traces: Path, *, as_json: bool
) -> dict[str, object]:
    """Print a report, unless it is for machines; and give it for them."""
    program = Explorer(one.plan, runs.protocol_of(settings)).program
    seen = coverage.cover(program, one.seen_of(program))
    shown, path = None, None
    if one.violation and one.scope:
        shown = trace.show(
            one.plan, one.scope, one.violation, settings.mutant, waste=settings.waste
        )
        path = write_trace(shown.finding, traces, _name(one, settings))
    if not as_json:
        click.echo("\n".join([*report.lines_of(one, seen), report.verdict(one), ""]))
        if shown:
            say_finding(shown.finding, path)
            if not shown.confirmed:
                click.echo("  only a map torn inside one word shows it, which no replay can do")
    return report.as_json(one, seen, settings, shown, str(path) if path else None)


def _name(one: runs.Report, settings: runs.Settings) -> str:
    assert one.violation is not None, "asked only where there is one"
    return f"explore-{settings.mutant or 'shipped'}-{one.violation.clause.lower()}"
