"""`flashcopy show`: a trace as a table, one row an event, one column a request in flight."""

from pathlib import Path

import click
from rich.table import Table

from flashcopy.cli.report import console
from flashcopy.model.trace import (
    Answer,
    Crash,
    Entry,
    Fault,
    Kill,
    PowerLoss,
    Reopen,
    Status,
    Step,
    Submit,
    Trace,
    load,
)
from flashcopy.model.wording import of_operation, of_outcome


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
def show(trace: Path) -> None:
    """Show a trace as a table.

    Time runs downwards. A request keeps its column from submission to answer; then another one
    may have it.
    """
    loaded = load(trace)
    out = console()
    out.print(_head(loaded), highlight=False, markup=False)
    for line in _beginning(loaded):
        out.print(line, highlight=False, markup=False)
    out.print(_table(loaded))
    if loaded.finding:
        out.print(f"{loaded.clause} is violated: {loaded.finding}", highlight=False, markup=False)


def _head(trace: Trace) -> str:
    geometry = trace.geometry
    start = trace.initial.state.value if trace.initial else "idle, two fresh volumes"
    settings = ", ".join(f"{name} {value}" for name, value in sorted(trace.settings.items()))
    parts = [
        f"{geometry.blocks} blocks of {geometry.block_size} bytes",
        f"{geometry.grains} grains of {geometry.grain_blocks} blocks",
        f"target {'writable' if trace.target_writable else 'read-only'}",
        f"starts {start}",
        trace.origin,
        settings,
    ]
    return "; ".join(part for part in parts if part)


def _beginning(trace: Trace) -> list[str]:
    """What a trace that begins in the middle of things begins with, a line a grain."""
    initial = trace.initial
    if initial is None or not initial.durable:
        return []
    lines = []
    for number, (grain, kept) in enumerate(zip(initial.grains, initial.durable, strict=True)):
        sides = [
            f"{name} {_both(seen, durable)}"
            for name, seen, durable in (
                ("source", grain.source, kept.source),
                ("target", grain.target, kept.target),
            )
        ]
        bits = [
            f"{name} {_both(bit, durable, written)}"
            for name, bit, written, durable in (
                ("copied", grain.copied, kept.written_copied, kept.copied),
                ("modified", grain.modified, kept.written_modified, kept.modified),
            )
        ]
        settled = ["settled"] if kept.settled else []
        lines.append(f"grain {number}: {'; '.join([*sides, *bits, *settled])}")
    if initial.recorded and initial.recorded is not initial.state:
        lines.append(f"the map file's header says {initial.recorded.value}")
    if initial.doubtful:
        lines.append(f"a flush has failed: {', '.join(initial.doubtful)}")
    return lines


def _both(seen: object, durable: object, written: object = None) -> str:
    """What is seen, and what the disk holds where that is something else."""
    parts = [_plain(seen)]
    if written is not None and written != seen:
        parts.append(f"written {_plain(written)}")
    if durable != seen:
        parts.append(f"durably {_plain(durable)}")
    return f"{parts[0]} ({', '.join(parts[1:])})" if parts[1:] else parts[0]


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _table(trace: Trace) -> Table:
    columns = _columns(trace.entries)
    width = max(columns.values(), default=0) + 1
    table = Table("entry", *[f"request in flight {n + 1}" for n in range(width)])
    for at, entry in enumerate(trace.entries):
        if isinstance(entry, (Submit, Step, Answer)):
            cells = [""] * width
            cells[columns[entry.request]] = f"{entry.request}: {_cell(trace, entry)}"
            table.add_row(str(at), *cells)
        else:
            table.add_row(str(at), f"[bold]{_event(entry)}", end_section=entry == Reopen())
    return table


def _event(entry: Crash | Reopen | Kill | PowerLoss | Status) -> str:
    match entry:
        case Crash(kept):
            survive = ", ".join(map(str, kept)) or "none"
            return f"the power fails; unflushed writes that survive: {survive}"
        case Kill():
            return "killed"
        case PowerLoss(seed):
            return f"loses power (seed {seed}) and recovers"
        case Status(state, copied, grains):
            return f"status: {state.value}, {copied} of {grains} grains copied"
    return "opened again"


def _cell(trace: Trace, entry: Submit | Step | Answer) -> str:
    if isinstance(entry, Submit):
        return f"[bold]{of_operation(trace.geometry, entry.operation)}[/bold]"
    if isinstance(entry, Answer):
        return f"-> {of_outcome(entry.outcome)}"
    failed = {
        Fault.NONE: "",
        Fault.LOST: " [bold]fails[/bold]",
        Fault.LANDED: " [bold]happens, and is reported as failed[/bold]",
    }
    return f"{entry.effect or 'next step'}{failed[entry.fault]}"


def _columns(entries: tuple[Entry, ...]) -> dict[int, int]:
    """The column of each request: the first that is free when it is submitted."""
    columns: dict[int, int] = {}
    busy: dict[int, int] = {}
    for entry in entries:
        if isinstance(entry, Submit):
            column = next(n for n in range(len(entries)) if n not in busy.values())
            columns[entry.request] = busy[entry.request] = column
        elif isinstance(entry, Answer):
            busy.pop(entry.request, None)
        elif isinstance(entry, Crash | Kill | PowerLoss):
            busy.clear()
    return columns
