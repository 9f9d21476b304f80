"""Every fault that the protocol proofs refute, as a mutant that the simulation can run.

The mutants of the harness are found by their names. The smallest faults, an effect left out or two
swapped, are found by the names that the proofs give them, `without _diverge: Save` for instance;
so are faulty lock tables, and one that harms nobody, which the harness therefore has not. So a
counterexample of the proofs is a trace that names its fault, and runs again.
"""

from functools import lru_cache, partial
from typing import Final

from flashcopy.harness import mutants
from flashcopy.harness.mutant import DATA, Mutant
from flashcopy.harness.mutant_parts import Acted
from flashcopy.harness.mutants import UnknownMutantError
from flashcopy.harness.requests import Ask, Options
from flashcopy.harness.requests import generator as shipped
from flashcopy.harness.simulation import BLOCK_BYTES
from flashcopy.impl.effect import MAP, Effect, Flush, Prepare, Runs, Write
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.memory import Memory
from flashcopy.impl.protocol import Request
from flashcopy.proofs import lock_faults
from flashcopy.proofs.protocol_points import points, swapped, without
from flashcopy.proofs.protocol_request import Bytes, Make, Rewrite, requests


class SettlesByMark(Memory):
    """Setting the bits settles the grain, before the map is flushed (ORDER-3)."""

    def mark_diverged(self, runs: Runs) -> None:
        super().mark_diverged(runs)
        self.settle(runs)


HARMLESS: Final = Mutant("settled by the mark", DATA, "none", memory=SettlesByMark)
# What a write holds whose data was never read, and what a read gives that never read.
_GARBAGE = b"\xee" * BLOCK_BYTES


UNFLUSHED: Final = "prepared maps never flushed"


def unflushed(make: Make, _: Ask) -> Request:
    """Without the flush after the first Prepare: the second one, which finds nothing changed, has
    none of its own."""
    inner = make()
    prepared = 0
    effect = inner.send(None)
    while True:
        try:
            if isinstance(effect, Prepare):
                prepared += 1
            if isinstance(effect, Flush) and prepared == 1 and MAP in effect.devices:
                effect = inner.send(None)
                continue
            effect = inner.send((yield effect))
        except StopIteration as end:
            return end.value


@lru_cache(maxsize=64)
def by_name(name: str) -> Mutant:
    """The mutant of that name; the protocol as shipped for the empty name.

    Raises UnknownMutantError.
    """
    if name == HARMLESS.name:
        return HARMLESS
    if name in lock_faults.MUTANTS:
        return lock_faults.MUTANTS[name]
    rewrite = _rewrite_of(name)
    if rewrite is None:
        return mutants.by_name(name)

    def make(geometry: Geometry, options: Options, asked: Ask) -> Request:
        result = yield from rewrite(partial(shipped, geometry, options, asked), asked)
        return _GARBAGE * len(asked.blocks) if asked.reads and result is None else result

    names = {asked.name for asked in requests()}
    return Mutant(name, DATA, "see the proofs", act=_made_up, make=dict.fromkeys(names, make))


def _rewrite_of(name: str) -> Rewrite | None:
    """`without X` and `Y before X`, where X and Y are points of the protocol."""
    if name == UNFLUSHED:
        return unflushed
    by = {point.name: point for point in points()}
    second, before, first = name.partition(" before ")
    if name.startswith("without "):
        second, before, first = "", "", name.removeprefix("without ")
    elif not before:
        return None
    if first not in by or (before and second not in by):
        raise UnknownMutantError(f"{name!r} names no two points of the protocol, or not one")
    return swapped(by[first], by[second]) if before else without(by[first])


def _made_up(effect: Effect, _: Ask) -> Acted:
    """Data that nobody read is written as something."""
    if isinstance(effect, Write) and isinstance(effect.data, Bytes):
        effect = Write(effect.device, effect.blocks, _GARBAGE * len(effect.blocks))
    return (yield effect)
