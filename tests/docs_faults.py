"""The table in `docs/faults.md`: which mutants, obligations and zoo members are which fault.

Drawn from what the mutants and the members say of themselves. `python -m tests.docs_faults` draws
it anew.
"""

from collections.abc import Mapping
from pathlib import Path

from flashcopy.conformance.zoo.members import MEMBERS
from flashcopy.harness.mutants import MUTANTS
from flashcopy.model.diagrams import replace
from flashcopy.proofs.counterparts import counterpart

FAULTS = Path(__file__).parent.parent / "docs" / "faults.md"
COUNT = 49


def table() -> str:
    """A row for each fault, by number."""
    lines = ["| fault | mutants | refuted by | zoo |", "| --- | --- | --- | --- |"]
    for number in range(1, COUNT + 1):
        mutants = mutants_of(number)
        found = [counterpart(MUTANTS[name]) for name in mutants]
        obligations = sorted({pair[0].name for pair in found if pair})
        cells = (mutants, obligations, zoo()[number])
        said = (", ".join(f"`{name}`" for name in cell) or "none" for cell in cells)
        lines.append(f"| {number} | {' | '.join(said)} |")
    return "\n".join(lines)


def mutants_of(number: int) -> list[str]:
    """The names of the mutants that have this fault."""
    return [mutant.name for mutant in MUTANTS.values() if number in mutant.faults]


def zoo() -> Mapping[int, list[str]]:
    """The members of the zoo by the number of their fault; some have one that is not numbered."""
    return {
        number: [name for name, member in MEMBERS.items() if member.fault == str(number)]
        for number in range(1, COUNT + 1)
    }


if __name__ == "__main__":
    FAULTS.write_text(replace(FAULTS.read_text(encoding="utf-8"), "faults", table()), "utf-8")
