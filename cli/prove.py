"""`flashcopy prove`: every obligation, its verdict, and what became of its mutants.

One table, one line an obligation. What does not hold is explained below it: the clause, the
theorem, the counterexample as it was replayed, and how to run it again.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from attrs import evolve
from rich import box
from rich.table import Table

from flashcopy.cli.report import console, progress, write_trace
from flashcopy.cli.seconds import SECONDS
from flashcopy.harness.result import Finding as Found
from flashcopy.model.trace import dumps
from flashcopy.proofs.obligation import Obligation
from flashcopy.proofs.registry import FAMILIES, all_obligations
from flashcopy.proofs.runner import Finding, Options, Result, Verdict
from flashcopy.proofs.runner import prove as prove_all
from flashcopy.proofs.solvers import SOLVERS

# The name of what is proved, beside those of its mutants.
_SHIPPED = "shipped"


class WrongUsageError(click.ClickException):
    """What was asked for cannot be done; one line says why."""

    exit_code = 2


@click.command()
@click.option(
    "--family",
    "families",
    multiple=True,
    help=f"Only this family, one of {', '.join(FAMILIES)}; may be repeated.",
)
@click.option("--obligation", "names", multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Ask every question under that many seeds, 0 and up.",
)
@click.option(
    "--solver",
    type=click.Choice(sorted(SOLVERS)),
    default="z3",
    show_default=True,
    help="cvc5 is given the questions as SMT-LIB 2 text.",
)
@click.option(
    "--budget",
    type=SECONDS,
    default=Options().budget,
    show_default=True,
    help="Seconds for each obligation; one that takes longer is unknown, which is a failure.",
)
@click.option(
    "--smt2",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write every question into this folder as an SMT-LIB 2 file.",
)
@click.option(
    "--traces",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write every counterexample that has a trace into this folder; without it, those of"
    " what does not hold as it is go to `traces`.",
)
@click.option("--counterexamples", is_flag=True, help="Show what refutes each mutant, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, not a table.")
def prove(
    families: tuple[str, ...],
    names: tuple[str, ...],
    seeds: int,
    solver: str,
    budget: float,
    smt2: Path | None,
    traces: Path | None,
    counterexamples: bool,
    as_json: bool,
) -> None:
    """Prove the obligations, and refute every mutant of each.

    An obligation holds if its hypotheses can be met, its claim is proved, and each of its mutants
    is refuted by a counterexample that does the same on Python values.
    """
    obligations = _chosen(families, names)
    for folder in (smt2, traces):
        if folder:
            _make(folder)
    options = Options(tuple(range(seeds)), solver, budget, smt2, traces=traces is not None)
    with progress("proofs") as tell:
        results = []
        for number, result in enumerate(prove_all(obligations, options), start=1):
            tell(number / len(obligations), result.obligation.name)
            results.append(result)
    written = _write_traces(results, traces)
    if as_json:
        click.echo(json.dumps(_as_json(results, options), indent=1))
    else:
        _print(results, options, counterexamples)
        for path in written if traces is None else ():
            click.echo(f"  see it:       flashcopy show {path}")
            click.echo(f"  see it again: flashcopy replay {path}")
    raise SystemExit(0 if all(result.holds for result in results) else 1)


def _chosen(families: tuple[str, ...], names: tuple[str, ...]) -> list[Obligation]:
    every = all_obligations()
    known = {obligation.name for obligation in every}
    for family in families:
        if family not in FAMILIES:
            raise WrongUsageError(f"no family {family!r}: there are {', '.join(FAMILIES)}")
    for name in names:
        if name not in known:
            raise WrongUsageError(f"no obligation {name!r}: `flashcopy prove` lists them all")
    chosen = [
        obligation
        for obligation in every
        if (not families or obligation.family in families)
        and (not names or obligation.name in names)
    ]
    if not chosen:
        raise WrongUsageError("none of these obligations is in these families")
    return chosen


def _make(folder: Path) -> None:
    """The folder, seen to be writable before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise WrongUsageError(f"cannot write into {folder}: {error.strerror}") from None


def _print(results: list[Result], options: Options, counterexamples: bool) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("obligation", no_wrap=True)
    table.add_column("clauses")
    table.add_column("verdict", no_wrap=True)
    table.add_column("mutants", justify="right")
    table.add_column("sec", justify="right")
    family = results[0].obligation.family
    for result in results:
        if result.obligation.family != family:
            table.add_section()
            family = result.obligation.family
        table.add_row(*_row(result))
    out = console()
    out.print(table)
    for result in results:
        _explain(result, options, counterexamples)
    held = sum(result.holds for result in results)
    mutants = sum(len(result.mutants) for result in results)
    refuted = sum(result.refuted for result in results)
    seeds = f"{len(options.seeds)} seed{'s' * (len(options.seeds) > 1)}"
    colour = "green" if held == len(results) else "bold red"
    out.print(
        f"[{colour}]{held} of {len(results)} obligations hold, {refuted} of {mutants} mutants"
        f" refuted[/] ({options.solver}, {seeds}, {sum(r.seconds for r in results):.1f} s)",
        soft_wrap=True,
        highlight=False,
    )


def _row(result: Result) -> tuple[str, ...]:
    verdict = result.finding.verdict
    colour = "green" if verdict is Verdict.PROVED else "bold red"
    mutants = f"{result.refuted}/{len(result.mutants)}"
    if result.refuted < len(result.mutants):
        mutants = f"[bold red]{mutants}[/]"
    return (
        result.obligation.name,
        ", ".join(result.obligation.clauses),
        f"[{colour}]{verdict.value}[/]",
        mutants,
        f"{result.seconds:.2f}",
    )


def _explain(result: Result, options: Options, counterexamples: bool) -> None:
    """What does not hold, or everything if it is asked for."""
    obligation = result.obligation
    if result.holds and not counterexamples:
        return
    click.echo(f"{obligation.name} ({', '.join(obligation.clauses)}): {obligation.says}")
    if result.finding.verdict is not Verdict.PROVED:
        _say("the code as it is", result.finding)
    for mutant in result.mutants:
        if mutant.finding.verdict is not Verdict.REFUTED or counterexamples:
            _say(f"mutant: {mutant.name}", mutant.finding)
    if not result.holds:
        again = f"flashcopy prove --obligation {obligation.name} --seeds {len(options.seeds)}"
        click.echo(f"  again: {again} --solver {options.solver} --budget {options.budget:g}")
    click.echo()


def _say(whose: str, finding: Finding) -> None:
    why = f": {finding.why}" if finding.why else ""
    click.echo(f"  {whose}: {finding.verdict.value}{why}")
    if not finding.counterexample:
        return
    lines = finding.counterexample.picture.lines or tuple(
        f"{name} = {value}" for name, value in finding.counterexample.values.items()
    )
    for line in lines:
        click.echo(f"    {line}")


def _traces_of(result: Result) -> Iterator[tuple[str, Any]]:
    """Each counterexample's trace, by the name of the mutant or of the shipped code."""
    findings = {_SHIPPED: result.finding} | {m.name: m.finding for m in result.mutants}
    for name, finding in findings.items():
        if finding.counterexample and finding.counterexample.picture.trace:
            trace = finding.counterexample.picture.trace
            yield name, evolve(trace, settings=trace.settings | {"subject": name})


def _write_traces(results: list[Result], folder: Path | None) -> list[Path]:
    """All that were asked for; if none were, those of what does not hold as it is. The paths."""
    written = []
    for result in results:
        for name, trace in _traces_of(result):
            if folder is None and name != _SHIPPED:
                continue
            file_name = f"{result.obligation.name}.{name}.json".replace(" ", "-").replace(":", "")
            finding = Found(trace.clause, trace.finding, trace)
            path = write_trace(finding, folder or Path("traces"), file_name.removesuffix(".json"))
            written += [path] if path else []
    return written


def _as_json(results: list[Result], options: Options) -> dict[str, Any]:
    return {
        "verdict": "holds" if all(result.holds for result in results) else "violation",
        "solver": options.solver,
        "seeds": list(options.seeds),
        "obligations": [
            {
                "name": result.obligation.name,
                "family": result.obligation.family,
                "clauses": list(result.obligation.clauses),
                "says": result.obligation.says,
                "holds": result.holds,
                "seconds": round(result.seconds, 3),
                **_finding_as_json(result.finding),
                "mutants": [
                    {"name": mutant.name, **_finding_as_json(mutant.finding)}
                    for mutant in result.mutants
                ],
            }
            for result in results
        ],
    }


def _finding_as_json(finding: Finding) -> dict[str, Any]:
    found = finding.counterexample
    return {
        "verdict": finding.verdict.value,
        "why": finding.why,
        "counterexample": found
        and {
            "values": dict(found.values),
            "picture": list(found.picture.lines),
            "trace": found.picture.trace and json.loads(dumps(found.picture.trace)),
        },
    }
