"""`flashcopy replay`: run a trace again, step for step."""

import json
from pathlib import Path

import click

from flashcopy.cli.seconds import SECONDS
from flashcopy.cli.target import parse_target
from flashcopy.conformance.adapter import IutBrokeDownError, RefusedError
from flashcopy.conformance.check import EFFORTS, Job, Target
from flashcopy.conformance.replaying import TIMES, CannotReplayError
from flashcopy.conformance.replaying import replay as replay_on
from flashcopy.conformance.runner import introduce
from flashcopy.harness.replay import Replay, on_engine
from flashcopy.harness.replay import replay as run_again
from flashcopy.harness.result import Finding
from flashcopy.model.trace import Trace, load
from flashcopy.proofs.protocol_mutants import by_name

VIOLATION = 1
BROKE_DOWN = 3


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.argument("target", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--engine", is_flag=True, help="Force it on the threaded engine and real files, too.")
@click.option(
    "--times",
    type=click.IntRange(min=1),
    default=TIMES,
    show_default=True,
    help="With a TARGET: how often to try the trace, as chance may be in it.",
)
@click.option(
    "--timeout",
    type=SECONDS,
    default=10.0,
    show_default=True,
    help="With a TARGET: seconds that a request may take.",
)
def replay(
    trace: Path, target: tuple[str, ...], as_json: bool, engine: bool, times: int, timeout: float
) -> None:
    """Run a trace again, step for step.

    With a TARGET, as `flashcopy conform` takes it, the requests are made of that implementation and
    its answers judged: one after the other, or overlapping as in the trace, and killed where that
    is. Without one, a trace with steps runs on the simulation, as it did; any other on the model
    and, one request after the other, on the simulation.

    Exit status 1 if a violation comes up, or if the run goes another way than the trace says; 3 if
    the target breaks down.
    """
    loaded = load(trace)
    if target:
        runs = [_on_target(loaded, parse_target(target, timeout), timeout, times)]
    else:
        runs = run_again(loaded, by_name)
        if engine:
            runs.append(on_engine(loaded))
    if as_json:
        click.echo(json.dumps({"runs": [_as_json(run) for run in runs]}, indent=1))
    else:
        for run in runs:
            click.echo(f"{run.ran_on}: {_say(run)}")
        if loaded.finding and not any(run.finding for run in runs):
            word = "no longer happens" if not target else "does not happen here"
            click.echo(f"The trace was made to show {loaded.clause}: that {word}.")
    if any(run.finding for run in runs):
        raise SystemExit(VIOLATION)


def _on_target(trace: Trace, target: Target, timeout: float, times: int) -> Replay:
    """The trace on an implementation under test; a breakdown ends the program."""
    try:
        hello = introduce(target)
        job = Job(target, hello.capabilities, EFFORTS["quick"], 0, timeout)
        replayed = replay_on(job, trace, times)
    except CannotReplayError as error:
        raise click.UsageError(f"this trace cannot be replayed: {error}") from None
    except (IutBrokeDownError, RefusedError) as error:
        click.echo(f"{target.name} broke down: {error}")
        raise SystemExit(BROKE_DOWN) from None
    entries = len(trace.entries)
    if replayed.finding is None:
        runs = "" if replayed.runs == 1 else f" in each of {replayed.runs} runs"
        return Replay(target.name, entries, note=f"every answer is right{runs}")
    found = replayed.finding
    # Of requests one after the other it is the last one made that shows it.
    at = len(found.trace.entries) - 1 if found.trace and replayed.runs == 1 else entries
    return Replay(target.name, entries, at, Finding(found.clause, found.explanation))


def _say(run: Replay) -> str:
    if run.note:
        return run.note
    if run.finding is None:
        return f"all {run.entries} entries as the trace says"
    where = f"entry {run.entry} of {run.entries}" if run.entry < run.entries else "all entries"
    if not run.finding.clause:
        return f"{where} differs: {run.finding.explanation}"
    return f"{where}: {run.finding.clause} is violated: {run.finding.explanation}"


def _as_json(run: Replay) -> dict[str, object]:
    finding = run.finding
    return {
        "ran_on": run.ran_on,
        "entries": run.entries,
        "entry": run.entry if finding else None,
        "clause": finding.clause if finding else None,
        "finding": finding.explanation if finding else None,
        "note": run.note,
    }
