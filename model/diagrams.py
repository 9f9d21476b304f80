"""The pictures and tables of the specification that are drawn from the model, not by hand.

`python -m flashcopy.model.diagrams` draws them anew into `docs/spec.md`, each between
its own pair of markers. The lifecycle is drawn from its table. A grain's life is drawn by
running the grain machine's operations on every small grain that satisfies the invariant, and
looking at where they lead. A test draws them again and compares, so they cannot drift.

The pictures are in the text form of Mermaid, which many viewers of Markdown draw.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path

from flashcopy.model import grain as grain_machine
from flashcopy.model.grain import Grain
from flashcopy.model.lifecycle import TABLE, Edge, Event, State, edge

# An arrow from one state's name to another's, and what it says.
_Arrow = tuple[str, str, str]

_REQUESTS = (Event.START, Event.SYNC, Event.STOP)

# Data as small as can tell two sides and a write apart.
_SMALL = (0, 1)
_OPERATIONS: dict[str, Callable[[Grain], Grain]] = {
    "copy": grain_machine.copy,
    "write to the source": lambda grain: grain_machine.write_source(grain, _other),
    "write to the target": lambda grain: grain_machine.write_target(grain, _other),
    "sync": grain_machine.sync,
    "start": grain_machine.start,
}


def lifecycle_table() -> str:
    """The lifecycle as a Markdown table: a row a state, a column an event."""
    heads = ["state", *(event.value for event in Event)]
    rows = [[state.value, *(_cell(state, event) for event in Event)] for state in State]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])


def lifecycle_diagram() -> str:
    """The lifecycle as a diagram."""
    arrows = [
        (cell.state.value, following.value, said)
        for cell in TABLE
        for following, said in _outcomes(cell)
    ]
    return _diagram(State.IDLE.value, arrows)


def grain_diagram() -> str:
    """One grain's life as a diagram; where an operation changes nothing, no arrow is drawn."""
    arrows = [
        (_name(grain), _name(after), said)
        for grain in _small_grains()
        for said, operation in _OPERATIONS.items()
        if (after := operation(grain)) != grain
    ]
    return _diagram(_name(grain_machine.idle_grain(*_SMALL)), arrows)


def replace(document: str, name: str, body: str) -> str:
    """The document with `body` between the markers of that name. Raises ValueError without them."""
    begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the document has no markers for {name!r}: {begin.strip()} … {end}")
    return f"{before}{begin}\n{body}\n\n{end}{after}"


def draw(document: str) -> str:
    """The document with everything in it that is drawn from the model drawn anew."""
    for name, body in (
        ("lifecycle-table", lifecycle_table()),
        ("lifecycle-diagram", lifecycle_diagram()),
        ("grain-diagram", grain_diagram()),
    ):
        document = replace(document, name, body)
    return document


def main(path: str = "docs/spec.md") -> None:
    """Draw the document in a file anew."""
    file = Path(path)
    file.write_text(draw(file.read_text(encoding="utf-8")), encoding="utf-8")


def _cell(state: State, event: Event) -> str:
    cell = edge(state, event)
    if cell is None:
        return "refused" if event in _REQUESTS else "cannot happen"
    if cell.next_if_all_copied is None:
        return cell.next.value
    return f"{cell.next.value}, or {cell.next_if_all_copied.value} if no grain was modified"


def _outcomes(cell: Edge) -> Iterator[tuple[State, str]]:
    """The states that a cell of the table can lead to, and what an arrow there says."""
    yield cell.next, cell.event.value
    if cell.next_if_all_copied is not None:
        yield cell.next_if_all_copied, f"{cell.event.value} (no grain modified)"


def _small_grains() -> Iterator[Grain]:
    bits = (False, True)
    for sides_and_bits in product(_SMALL, _SMALL, bits, bits):
        grain = Grain(*sides_and_bits)
        if grain_machine.invariant(grain):
            yield grain


def _other(data: int) -> int:
    """What a write does to a side of a small grain: it holds something else then."""
    return 1 - data


def _name(grain: Grain) -> str:
    if grain_machine.is_diverged(grain):
        return "diverged"
    return "copied and unmodified" if grain.copied else "uncopied"


def _diagram(first: str, arrows: Iterable[_Arrow]) -> str:
    """A state diagram; arrows between the same two states are drawn as one."""
    labels: dict[tuple[str, str], list[str]] = {}
    for before, after, said in arrows:
        of_arrow = labels.setdefault((before, after), [])
        if said not in of_arrow:
            of_arrow.append(said)
    names = dict.fromkeys(name for ends in labels for name in ends)
    ids = {name: f"s{number}" for number, name in enumerate(names)}
    lines = [f'    state "{name}" as {ids[name]}' for name in names]
    lines.append(f"    [*] --> {ids[first]}")
    lines += [
        f"    {ids[before]} --> {ids[after]} : {', '.join(said)}"
        for (before, after), said in labels.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


if __name__ == "__main__":
    main(*sys.argv[1:])
