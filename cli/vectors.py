"""`flashcopy vectors`: fixed requests with the answers they must get, to take away or to run.

    flashcopy vectors fill my-vectors
    flashcopy vectors run my-vectors stdio -- ./my-adapter

What is in a vector, and how to run one without this project, is in docs/vectors.md.
"""

import json
import shlex
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from flashcopy.cli.entry import INTERRUPTED
from flashcopy.cli.report import progress
from flashcopy.cli.seconds import SECONDS
from flashcopy.cli.target import parse_target
from flashcopy.conformance.adapter import Hello, IutBrokeDownError
from flashcopy.conformance.check import Target
from flashcopy.conformance.runner import Verdict, introduce
from flashcopy.conformance.vectors.files import CannotFillError, fill, load, released_version
from flashcopy.conformance.vectors.run import Outcome, run_all
from flashcopy.conformance.vectors.vector import InvalidVectorsError, Vector

EXIT = {Verdict.CONFORMING: 0, Verdict.VIOLATION: 1, Verdict.ERRORED: 3}


@frozen
class Report:
    """What came of a run. `broke` is why the target was not even introduced."""

    words: tuple[str, ...]
    directory: Path
    version: str
    target: Target
    hello: Hello | None
    outcomes: tuple[Outcome, ...]
    broke: str = ""
    interrupted: bool = False

    @property
    def verdict(self) -> Verdict:
        """One violation is enough, and weighs more than a breakdown."""
        seen = {outcome.verdict for outcome in self.outcomes}
        if Verdict.VIOLATION in seen:
            return Verdict.VIOLATION
        return Verdict.ERRORED if self.broke or Verdict.ERRORED in seen else Verdict.CONFORMING

    def again(self, outcome: Outcome) -> str:
        """The command that runs one vector again."""
        directory = shlex.quote(str(self.directory))
        chosen = f"--vector {outcome.vector.id} {directory}"
        return f"flashcopy vectors run {chosen} {shlex.join(self.words)}"


@click.group()
def vectors() -> None:
    """Fixed requests with the answers they must get.

    For test suites in any language; docs/vectors.md says how to run them there.
    """


@vectors.command("fill")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def fill_directory(directory: Path) -> None:
    """Write the vectors to DIRECTORY, which is new, empty, or was filled before.

    The same files each time, byte for byte, with their JSON Schema.
    """
    try:
        files = fill(directory)
    except (CannotFillError, InvalidVectorsError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write to {directory}: {error.strerror}") from None
    _, filled = load(directory)
    click.echo(
        f"{directory}: {len(filled)} vectors in {len(files)} files, version {released_version()}"
    )


@vectors.command("run", context_settings={"allow_interspersed_args": False})
@click.option("--vector", "ids", multiple=True, metavar="ID", help="Only this one; repeatable.")
@click.option(
    "--timeout",
    type=SECONDS,
    default=10.0,
    show_default=True,
    help="Seconds that a request may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, not a line each.")
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("target", nargs=-1)
def run_directory(
    ids: tuple[str, ...], timeout: float, as_json: bool, directory: Path, target: tuple[str, ...]
) -> None:
    """Hold an implementation against the vectors in DIRECTORY.

    TARGET is as for `flashcopy conform`. Exit status: 0 it conforms, 1 a violation was found,
    2 wrong usage, 3 it broke down.
    """
    try:
        of_version, filled = load(directory)
    except InvalidVectorsError as error:
        raise click.UsageError(str(error)) from None
    chosen = _chosen(ids, filled)
    judged = parse_target(target, timeout)
    report = _run(Report(target, directory, of_version, judged, None, ()), chosen, as_json)
    if as_json:
        click.echo(json.dumps(as_object(report), indent=1))
    else:
        _conclude(report)
    raise SystemExit(INTERRUPTED if report.interrupted else EXIT[report.verdict])


def as_object(report: Report) -> dict[str, Any]:
    """The report for machines."""
    return {
        "verdict": report.verdict.value,
        "interrupted": report.interrupted,
        "target": report.target.name,
        "iut": report.hello and {"name": report.hello.name, "version": report.hello.version},
        "errored": report.broke or None,
        "vectors": [
            {
                "id": outcome.vector.id,
                "clauses": list(outcome.vector.clauses),
                "verdict": outcome.verdict.value,
                "requests": outcome.requests,
                "seconds": round(outcome.seconds, 3),
                "step": outcome.step if outcome.wrong else None,
                "kind": outcome.wrong.kind.value if outcome.wrong else None,
                "explanation": outcome.explanation or None,
                "again": report.again(outcome) if outcome.wrong else None,
            }
            for outcome in report.outcomes
        ],
        "versions": {"vectors": report.version, "flashcopy": version("flashcopy")},
    }


def _chosen(ids: Iterable[str], filled: list[Vector]) -> list[Vector]:
    known = {vector.id for vector in filled}
    for id_ in ids:
        if id_ not in known:
            raise click.UsageError(f"no vector is called {id_}; {len(known)} others are there")
    return [vector for vector in filled if not ids or vector.id in ids]


def _run(report: Report, chosen: list[Vector], as_json: bool) -> Report:
    """Run them, with a line each as it comes; an interrupt leaves what was done so far."""
    hello, broke, interrupted = None, "", False
    outcomes: list[Outcome] = []
    try:
        hello = introduce(report.target)
        with progress("vectors") as tell:
            for outcome in run_all(report.target, hello.capabilities, chosen):
                outcomes.append(outcome)
                tell(len(outcomes) / len(chosen), outcome.vector.id)
                if not as_json:
                    _say(report, outcome)
    except IutBrokeDownError as error:
        broke = str(error)
    except KeyboardInterrupt:
        interrupted = True
    done = tuple(outcomes)
    return Report(
        report.words,
        report.directory,
        report.version,
        report.target,
        hello,
        done,
        broke,
        interrupted,
    )


def _say(report: Report, outcome: Outcome) -> None:
    vector = outcome.vector
    clauses = ", ".join(vector.clauses)
    click.echo(f"{outcome.verdict.value:<10}  {vector.id} ({clauses})")
    if outcome.explanation:
        click.echo(f"  {outcome.explanation}")
    if outcome.wrong is not None:
        click.echo(f"  it must be so: {vector.says}")
        click.echo(f"  it looks for: {vector.looks_for.mechanism}")
        click.echo(f"  which would mean: {vector.looks_for.harm}")
        click.echo(f"  again: {report.again(outcome)}")


def _conclude(report: Report) -> None:
    if report.broke:
        click.echo(f"{report.target.name} broke down: {report.broke}")
    if report.interrupted:
        click.echo("interrupted: this is what was done so far")
    counts = dict.fromkeys(Verdict, 0)
    for outcome in report.outcomes:
        counts[outcome.verdict] += 1
    said = ", ".join(f"{count} {each.value}" for each, count in counts.items() if count)
    click.echo(f"{report.verdict.value}: {said or 'nothing was run'}; version {report.version}")
