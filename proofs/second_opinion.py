"""What the independent checkers have in common: a manifest of what each run must come to.

`tlc` and `promela` run models that were written by hand from `docs/spec.md`. Each has a folder with
a `manifest.json` of configurations, mistakes included that must be noticed; here these are read,
run one after the other, and held against what came out.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import cattrs
import click

HOLDS = "holds"


class Entry(Protocol):
    """A configuration. `expected` is `holds`, or what must be violated; then nothing is counted."""

    @property
    def name(self) -> str:
        """What it is called in the manifest."""

    @property
    def expected(self) -> str:
        """The verdict."""

    @property
    def states(self) -> int:
        """Distinct ones."""

    @property
    def transitions(self) -> int:
        """Between distinct states."""


class Result(Protocol):
    """What a checker came to, in the same words; `seconds` is how long it searched."""

    @property
    def verdict(self) -> str:
        """As `Entry.expected`."""

    @property
    def states(self) -> int:
        """Distinct ones."""

    @property
    def transitions(self) -> int:
        """Between distinct states."""

    @property
    def seconds(self) -> float:
        """Of the search."""

    @property
    def output(self) -> str:
        """All that the checker printed."""


_E = TypeVar("_E", bound=Entry)


def entries(folder: Path, of: type[_E]) -> tuple[_E, ...]:
    """All entries of the manifest in a folder."""
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    converter = cattrs.Converter(forbid_extra_keys=True)
    return tuple(converter.structure(each, of) for each in json.loads(text))


def difference(entry: Entry, result: Result, again: str) -> str:
    """What came out otherwise than expected, or nothing. `again` is the command to see it."""
    if result.verdict != entry.expected:
        return (
            f"{entry.name}: {result.verdict}, expected {entry.expected}."
            f" To see it: {again} --output {entry.name!r}"
        )
    expected = entry.states, entry.transitions
    if entry.expected == HOLDS and (result.states, result.transitions) != expected:
        return (
            f"{entry.name}: {result.states} distinct states and {result.transitions}"
            f" transitions, the manifest says {expected[0]} and {expected[1]}"
        )
    return ""


def chosen(names: Sequence[str], known: Sequence[_E], otherwise: Sequence[_E]) -> Sequence[_E]:
    """The entries of these names, or `otherwise` if there are none. Raises click.UsageError."""
    by_name = {entry.name: entry for entry in known}
    for name in names:
        if name not in by_name:
            raise click.UsageError(f"no configuration {name!r}; there are: {', '.join(by_name)}")
    return [by_name[name] for name in names] or otherwise


def check_all(some: Sequence[_E], run: Callable[[_E], Result], again: str, *, output: bool) -> bool:
    """Run configurations and say of each what came of it. Whether all came out as expected."""
    right = True
    for entry in some:
        result = run(entry)
        if output:
            click.echo(result.output)
        different = difference(entry, result, again)
        right = right and not different
        said = different or (
            f"{entry.name}: {result.verdict}, as expected;"
            f" {result.states:,} states, {result.transitions:,} transitions"
        )
        click.echo(f"{said}, {result.seconds:.1f} s")
    return right
