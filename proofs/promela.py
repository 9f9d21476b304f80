"""A third opinion: the Promela model in `proofs/spin/`, checked by SPIN.

Like the TLA+ modules (`tlc`) it was written by hand from `docs/spec.md`, not from the code, and in
another style: a process for each request, and of a power failure everything that it could leave
judged at once. `proofs/spin/manifest.json` lists the configurations: the scope, the mistake that is
switched on, what it must come to, with the exact numbers of distinct states and transitions.

SPIN makes a C program of the model, so it needs a C compiler, too. Neither is needed for anything
else here. By hand: `python -m flashcopy.proofs.promela --help`.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from math import comb
from pathlib import Path

import click
from attrs import Factory, frozen

from flashcopy.proofs.second_opinion import HOLDS, check_all, chosen, entries

FOLDER = Path(__file__).parent / "spin"
AGAIN = "python -m flashcopy.proofs.promela"
MODEL = "flashcopy.pml"

# No partial-order reduction (-DNOREDUCE) and no merging of what SPIN takes for dead variables
# (-o2): every state is counted, and the model itself says what is no longer needed.
_SPIN = ("spin", "-o2", "-a")
_COMPILE = ("gcc", "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c")
# No list of what was never reached (-n); how deep it may go, in steps of SPIN's; a small table.
_RUN = ("./pan", "-n", "-m100000", "-w20")


class SpinError(Exception):
    """SPIN or a C compiler is not there, or one of them broke down, or there is no verdict."""


@frozen
class Scope:
    """What is in flight: as in the explorer, `short` being the blocks the last grain lacks."""

    grains: int = 1
    grain_blocks: int = 1
    in_flight: int = 2
    short: int = 0
    flushes: bool = False

    @property
    def requests(self) -> int:
        """How many requests there are to choose from."""
        runs = self.grains
        if self.grain_blocks > 1:
            runs += self.grains - (self.grain_blocks - self.short == 1) + self.grains - 1
        return 4 * runs + 4 + 2 * self.flushes

    @property
    def initial_states(self) -> int:
        """Sets of requests, times states at rest, each once more where it can be used."""
        chosen = sum(comb(self.requests + n - 1, n) for n in range(1, self.in_flight + 1))
        of_grains: int = 2 * 4**self.grains - 3**self.grains
        return chosen * (4 + of_grains)

    def options(self) -> list[str]:
        """The same as definitions for SPIN."""
        options = [
            f"-DGRAINS={self.grains}",
            f"-DGRAIN_BLOCKS={self.grain_blocks}",
            f"-DIN_FLIGHT={self.in_flight}",
            f"-DSHORT={self.short}",
        ]
        return options + ["-DFLUSHES"] * self.flushes


@frozen
class Configuration:
    """An entry of the manifest.

    `expected` is `holds`, or the name of the assertion that must be violated, and then nothing is
    counted. `tlc` names the entry of the TLA+ manifest that has the same scope and counts; `why`
    says what the entry shows.
    """

    name: str
    why: str
    scope: Scope = Factory(Scope)
    fault: str = "NO_FAULT"
    expected: str = HOLDS
    states: int = 0
    transitions: int = 0
    tlc: str = ""


@frozen
class Outcome:
    """What SPIN came to. Seconds: to make the C program, to compile it, to run it."""

    verdict: str
    states: int
    transitions: int
    generated: float
    compiled: float
    seconds: float
    output: str


def configurations() -> tuple[Configuration, ...]:
    """All entries of the manifest."""
    return entries(FOLDER, Configuration)


def faults() -> tuple[str, ...]:
    """The mistakes that the model knows."""
    text = (FOLDER / "faults.pml").read_text(encoding="utf-8")
    return tuple(re.findall(r"^#define (\w+) [1-9]\d*$", text, re.M))


def missing() -> str:
    """What is not there to run SPIN with, or nothing."""
    if shutil.which("spin") is None:
        return "there is no SPIN: install it (Debian: apt-get install spin), version 6.5"
    if shutil.which("gcc") is None:
        return "there is no gcc, which SPIN needs to compile what it makes of a model"
    return ""


def run(configuration: Configuration, optimise: int = 0) -> Outcome:
    """Check a configuration; `optimise` is what the compiler is told (-O). Raises SpinError."""
    if reason := missing():
        raise SpinError(reason)
    if configuration.fault not in ("NO_FAULT", *faults()):
        raise SpinError(f"the model knows no fault {configuration.fault}: {', '.join(faults())}")
    with tempfile.TemporaryDirectory(prefix="flashcopy-spin-") as scratch:
        # SPIN writes beside what it reads.
        for part in FOLDER.glob("*.pml"):
            shutil.copy(part, scratch)
        options = [*configuration.scope.options(), f"-DFAULT={configuration.fault}"]
        commands = (
            [*_SPIN, *options, MODEL],
            [_COMPILE[0], f"-O{optimise}", *_COMPILE[1:]],
            [*_RUN],
        )
        taken, output = [], ""
        for command in commands:
            began = time.monotonic()
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
            taken.append(time.monotonic() - began)
            output = done.stdout + done.stderr
            if done.returncode:
                raise SpinError(f"{command[0]} broke down:\n{output}")
    return parse(output, configuration.scope, *taken)


def parse(output: str, scope: Scope, generated: float, compiled: float, seconds: float) -> Outcome:
    """What the program printed. Raises SpinError if that is no verdict."""
    verdict = _verdict(output)
    stored = re.search(r"^\s*(\d+) states, stored", output, re.M)
    taken = re.search(r"^\s*(\d+) transitions", output, re.M)
    if not (verdict and stored and taken):
        raise SpinError("SPIN came to no verdict:\n" + "\n".join(output.splitlines()[-20:]))
    # One state is that before anything is chosen, with a transition to each initial one; SPIN
    # counts coming to it as well. And from every state the judge's leads to itself.
    states = int(stored[1]) - 1
    transitions = int(taken[1]) - 1 - scope.initial_states - states
    if verdict != HOLDS:
        states = transitions = 0
    return Outcome(verdict, states, transitions, generated, compiled, seconds, output)


def table() -> str:
    """The manifest as the table in `proofs/spin/README.md`."""
    names = ("configuration", "grains", "blocks each", "in flight", "fault", "verdict")
    lines = [
        f"| {' | '.join((*names, 'states', 'transitions'))} |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for entry in configurations():
        scope = entry.scope
        blocks = f"{scope.grain_blocks}" + f", the last {scope.short} less" * bool(scope.short)
        flight = f"{scope.in_flight}" + ", flushes too" * scope.flushes
        fault = "" if entry.fault == "NO_FAULT" else entry.fault
        verdict = HOLDS if entry.expected == HOLDS else f"violates {entry.expected}"
        counts = (f"{entry.states:,}", f"{entry.transitions:,}") if entry.states else ("", "")
        cells = (entry.name, str(scope.grains), blocks, flight, fault, verdict, *counts)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _verdict(output: str) -> str:
    if "max search depth too small" in output:
        return ""
    if broken := re.search(r"assertion violated \((\w+)\|\|", output):
        return broken[1]
    if "invalid end state" in output.partition("State-vector")[0].partition("pan:1:")[2]:
        return "invalid end state"
    return HOLDS if re.search(r"errors: 0$", output, re.M) else ""


@click.command()
@click.argument("names", nargs=-1)
@click.option("--output", is_flag=True, help="Show what SPIN prints.")
@click.option("--table", "as_table", is_flag=True, help="Print the manifest as a table instead.")
def main(names: tuple[str, ...], output: bool, as_table: bool) -> None:
    """Check configurations of the Promela model by their names in the manifest, else all."""
    if as_table:
        click.echo(table())
        return
    if reason := missing():
        raise click.UsageError(reason)
    some = chosen(names, configurations(), configurations())
    sys.exit(0 if check_all(some, run, AGAIN, output=output) else 1)


if __name__ == "__main__":
    main()
