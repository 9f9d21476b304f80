"""The mutants: every way in which we know this protocol can be broken, by name.

Each names the clauses it may be convicted by and what it would let happen. They are gathered
from the modules below, one for each part of the protocol.
"""

from flashcopy.harness import (
    mutants_failures,
    mutants_locks,
    mutants_maps,
    mutants_order,
    mutants_points,
    mutants_writes,
)
from flashcopy.harness.mutant import SHIPPED, Mutant

MUTANTS: dict[str, Mutant] = {
    mutant.name: mutant
    for module in (
        mutants_order,
        mutants_failures,
        mutants_locks,
        mutants_maps,
        mutants_points,
        mutants_writes,
    )
    for mutant in module.MUTANTS
}


class UnknownMutantError(ValueError):
    """A trace or a command names a mutant that there is not."""


def by_name(name: str) -> Mutant:
    """The mutant of that name; the protocol as shipped for the empty name."""
    if not name:
        return SHIPPED
    if name not in MUTANTS:
        raise UnknownMutantError(f"no mutant is called {name!r}; there are: {', '.join(MUTANTS)}")
    return MUTANTS[name]
