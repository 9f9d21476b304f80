"""`flashcopy replay`: run a trace again, step for step."""

import json
from pathlib import Path

import click

from flashcopy.harness.replay import Replay, on_engine
from flashcopy.harness.replay import replay as run_again
from flashcopy.model.trace import load
from flashcopy.proofs.protocol_mutants import by_name

VIOLATION = 1


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--engine", is_flag=True, help="Force it on the threaded engine and real files, too.")
def replay(trace: Path, as_json: bool, engine: bool) -> None:
    """Run a trace again, step for step.

    A trace with steps runs on the simulation, as it did; any other on the model and, one request
    after the other, on the simulation. Exit status 1 if a violation comes up, or if the run goes
    another way than the trace says.
    """
    loaded = load(trace)
    runs = run_again(loaded, by_name)
    if engine:
        runs.append(on_engine(loaded))
    if as_json:
        click.echo(json.dumps({"runs": [_as_json(run) for run in runs]}, indent=1))
    else:
        for run in runs:
            click.echo(f"{run.ran_on}: {_say(run)}")
        if loaded.finding and not any(run.finding for run in runs):
            click.echo(f"The trace was made to show {loaded.clause}: that no longer happens.")
    if any(run.finding for run in runs):
        raise SystemExit(VIOLATION)


def _say(run: Replay) -> str:
    if run.note:
        return run.note
    if run.finding is None:
        return f"all {run.entries} entries as the trace says"
    where = f"entry {run.entry} of {run.entries}"
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
