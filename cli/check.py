"""`flashcopy check`: the whole case for the bundled implementation, in one table.

The proofs say that the algorithm is right, the model and the merge as they ship; the other parts
hold what runs against the model: on real files one request at a time, under drawn schedules and
crashes, with real threads, and once through a whole life on a large image.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import click
from rich.table import Table

from flashcopy.cli.report import console, progress, say_finding, write_trace
from flashcopy.harness import end_to_end, interleaved, stateful, threaded
from flashcopy.harness.efforts import EFFORTS, Effort
from flashcopy.harness.result import Finding, Progress, Result
from flashcopy.proofs.explorer import efforts, runs
from flashcopy.proofs.explorer.trace import show
from flashcopy.proofs.registry import all_obligations
from flashcopy.proofs.runner import Options, prove

Part = Callable[[Effort, int, Progress], Result]
# As often is a part run again that did not come by everything it must.
MOST_ROUNDS = 4


def run_proofs(effort: Effort, seed: int, tell: Progress) -> Result:
    """Every obligation proved, every mutant of each refuted."""
    del seed  # the proofs have seeds of their own, always the same
    obligations = all_obligations()
    options = Options(seeds=tuple(range(effort.proof_seeds)))
    finding, mutants, seconds = None, 0, 0.0
    for number, result in enumerate(prove(obligations, options), start=1):
        tell(number / len(obligations), result.obligation.name)
        mutants += result.refuted
        seconds += result.seconds
        if not result.holds and finding is None:
            why = f"obligation {result.obligation.name} does not hold: run `flashcopy prove`"
            finding = Finding(", ".join(result.obligation.clauses), why)
    return Result(
        part="proofs",
        amount=f"{len(obligations)} obligations, {mutants} mutants refuted",
        seconds=seconds,
        finding=finding,
        counts={"obligations": len(obligations), "mutants": mutants},
        repeat="flashcopy prove",
    )


def run_stateful(effort: Effort, seed: int, tell: Progress) -> Result:
    """The implementation on real files beside the model."""

    def go(seed: int) -> Result:
        return stateful.run(effort.stateful_runs, effort.stateful_steps, seed, tell)

    return _until_all_fired(go, seed, stateful.missing)


def run_interleaved(effort: Effort, seed: int, tell: Progress) -> Result:
    """The protocol under drawn schedules, power failures and sick devices."""

    def go(seed: int) -> Result:
        return interleaved.run(effort.interleaved_runs, seed, tell)

    return _until_all_fired(go, seed, interleaved.missing)


def run_explorer(effort: Effort, seed: int, tell: Progress) -> Result:
    """The protocol under every schedule of a few requests, and every crash in each."""
    del seed  # nothing is drawn
    reports = runs.explore_all(efforts.plans(effort.explorer), runs.Settings(), tell)
    last, finding = reports[-1], None
    if last.violation and last.scope:
        finding = show(last.plan, last.scope, last.violation, "", waste=True).finding
    covered = sum(report.covered for report in reports)
    states = sum(report.tally.states for report in reports)
    return Result(
        part="explored",
        amount=f"{covered} scopes, {states} states, every crash in each",
        seconds=sum(report.seconds for report in reports),
        finding=finding,
        counts={"scopes": covered, "states": states},
        repeat=f"flashcopy explore --effort {effort.explorer}",
    )


def run_threaded(effort: Effort, seed: int, tell: Progress) -> Result:
    """Real threads on real files, with both ways of making things durable."""
    return threaded.run_many(effort.threaded_loads, seed, tell)


def run_end_to_end(effort: Effort, seed: int, tell: Progress) -> Result:
    """A whole life on a large image."""
    return end_to_end.run(effort.mebibytes, seed, tell)


PARTS: dict[str, Part] = {
    "proofs": run_proofs,
    "stateful": run_stateful,
    "interleaved": run_interleaved,
    "explored": run_explorer,
    "threaded": run_threaded,
    "end to end": run_end_to_end,
}


@click.command()
@click.option(
    "--effort",
    type=click.Choice(["quick", "standard", "deep"]),
    default="quick",
    show_default=True,
    help="How much: under a minute, a quarter of an hour, a night.",
)
@click.option("--seed", type=int, help="Repeat the run that printed this seed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, not a table.")
@click.option(
    "--traces",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("traces"),
    show_default=True,
    help="Where the trace of a violation is written.",
)
def check(effort: str, seed: int | None, as_json: bool, traces: Path) -> None:
    """Check the whole case for the bundled implementation.

    Proofs, then the implementation against the model: one request at a time, interleaved with
    crashes, with real threads, and end to end on a disk image.
    """
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    results = list(_run(EFFORTS[effort], seed))
    written = {r.part: write_trace(r.finding, traces, r.part) for r in results if r.finding}
    if as_json:
        click.echo(json.dumps(_as_json(results, written, effort, seed), indent=1))
    else:
        _print(results, written, effort, seed)
    raise SystemExit(0 if all(result.holds for result in results) else 1)


def _run(effort: Effort, seed: int) -> Iterator[Result]:
    for name, part in PARTS.items():
        with progress(name) as tell:
            yield part(effort, seed, tell)


def _until_all_fired(
    go: Callable[[int], Result], seed: int, missing: Callable[[dict[str, int]], list[str]]
) -> Result:
    """A run that never came to what it was to check says nothing of it: so go on, for a while."""
    results: list[Result] = []
    counts: Counter[str] = Counter()
    for again in range(MOST_ROUNDS):
        results.append(go(seed + again))
        counts.update(results[-1].counts)
        if results[-1].finding or not missing(counts):
            break
    whole = attrs.evolve(
        results[-1],
        amount="; ".join(result.amount for result in results),
        seconds=sum(result.seconds for result in results),
        counts=dict(counts),
    )
    if whole.finding is None and missing(counts):
        never = f"never came to: {', '.join(missing(counts))}; use a larger effort"
        return attrs.evolve(whole, finding=Finding("LIFE-1", never))
    return whole


def _print(results: list[Result], written: dict[str, Path | None], effort: str, seed: int) -> None:
    table = Table("what was checked", "how much", "seconds", "verdict")
    for result in results:
        verdict = "[green]holds[/]" if result.holds else "[bold red]VIOLATED[/]"
        table.add_row(result.part, result.amount, f"{result.seconds:.1f}", verdict)
    console().print(table)
    for result in results:
        if result.finding:
            say_finding(result.finding, written[result.part])
    click.echo(f"effort {effort}, seed {seed}: repeat with --effort {effort} --seed {seed}")


def _as_json(
    results: list[Result], written: dict[str, Path | None], effort: str, seed: int
) -> dict[str, Any]:
    return {
        "verdict": "holds" if all(result.holds for result in results) else "violation",
        "effort": effort,
        "seed": seed,
        "parts": [
            {
                "part": result.part,
                "amount": result.amount,
                "seconds": round(result.seconds, 3),
                "verdict": "holds" if result.holds else "violation",
                "counts": result.counts,
                "violation": result.finding
                and {
                    "clause": result.finding.clause,
                    "explanation": result.finding.explanation,
                    "trace": written[result.part] and str(written[result.part]),
                },
            }
            for result in results
        ],
    }
