"""What is expected of every named scope, exact state counts included.

`manifest.json` beside this file lists scopes that must hold, with their counts, and broken
protocols, with the clause that must convict them and the length of the shortest way there. A
test holds the small ones to it. A change of the protocol changes counts: look at why, then
`python -m flashcopy.proofs.explorer.manifest` measures everything anew.
"""

import json
from pathlib import Path
from typing import Any

import cattrs
from attrs import evolve, field, frozen

from flashcopy.proofs.explorer import efforts, runs
from flashcopy.proofs.explorer.requests import Plan, parse

FILE = Path(__file__).with_name("manifest.json")


@frozen
class Expected:
    """What must come of it. Counts are those of a scope that holds; the others of a violation."""

    verdict: str
    scopes: int = 0
    states: int = 0
    transitions: int = 0
    depth: int = 0
    clause: str = ""
    shown_by: str = ""
    steps: int = 0


@frozen
class Entry:
    """A scope by its options, as the command line takes them. `small` ones are tested."""

    name: str
    effort: str = "quick"
    small: bool = True
    grains: int | None = None
    blocks: int | None = None
    in_flight: int | None = None
    requests: str = ""
    state: str | None = None
    short: int = 0
    failures: int = 0
    keep_target: bool = False
    mutant: str = ""
    waste: bool = True
    expected: Expected = field(factory=lambda: Expected("holds"))


def entries() -> list[Entry]:
    """Every named scope."""
    text = FILE.read_text(encoding="utf-8")
    return cattrs.structure(json.loads(text)["scopes"], list[Entry])


def plan_of(entry: Entry) -> Plan:
    """What to explore for it."""
    like = efforts.EFFORTS[entry.effort]
    grains, blocks = entry.grains or like.grains, entry.blocks or like.grain_blocks
    return efforts.plan(
        entry.effort,
        grains=entry.grains,
        grain_blocks=entry.blocks,
        in_flight=entry.in_flight,
        kinds=parse(entry.requests, grains, blocks, entry.short) if entry.requests else None,
        state=entry.state,
        short=entry.short,
        failures=entry.failures,
        keep_target=entry.keep_target,
    )


def measure(entry: Entry, workers: int = 1) -> Expected:
    """What comes of it now."""
    settings = runs.Settings(entry.mutant, entry.waste, workers)
    report = runs.explore(plan_of(entry), settings)
    found = report.violation
    if found is not None:
        return Expected("violated", clause=found.clause, shown_by=found.how, steps=len(found.moves))
    tally = report.tally
    return Expected("holds", report.scopes, tally.states, tally.transitions, tally.depth)


def main() -> None:
    """Measure everything anew, and write it down."""
    lines = []
    for entry in entries():
        now = evolve(entry, expected=measure(entry, workers=1 if entry.small else 2))
        lines.append(f"  {json.dumps(_told(now))}")
    text = ",\n".join(lines)
    FILE.write_text(f'{{\n "scopes": [\n{text}\n ]\n}}\n', encoding="utf-8")


def _told(entry: Entry) -> dict[str, Any]:
    """An entry without what goes without saying."""
    fields = cattrs.unstructure(entry)
    usual = cattrs.unstructure(Entry(entry.name))
    told = {k: v for k, v in fields.items() if k in ("name", "expected") or v != usual[k]}
    told["expected"] = {k: v for k, v in fields["expected"].items() if v}
    return told


if __name__ == "__main__":
    main()
