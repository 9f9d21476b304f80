"""Why one block of one grain stands for all blocks of all grains.

The proofs follow one block, and a request touches it, its neighbour, another grain, or all. Here
that is justified. A request for a run of blocks over several grains is seen from one of them: of
every effect only what concerns that grain is kept. What is left is what the same request for that
part alone would do, but for flushes, which the other grains caused and which anybody may do at any
time. And the shipped memory does to each grain's bits what it would do if there were no other.

Both are checked for every run and every state of the bits on a small volume with a short last
grain. Beyond it nothing new can happen: the generators only cut runs at grain borders
(`Geometry`, GEO-1) and loop over runs of bits, one after the other and all in the same way.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

from attrs import frozen

from flashcopy.harness.mutant import SHIPPED, generator
from flashcopy.harness.mutant import Mutant as HarnessMutant
from flashcopy.harness.mutants import by_name
from flashcopy.harness.requests import Ask, Options
from flashcopy.impl import bitmap
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import Effect, Runs, Standing, State
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.memory import Memory
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import OneOf

GEOMETRY = Geometry(5 * 512, 512, 1024)

# A grain's bits: uncopied, clean, copied and modified but not settled, settled.
_BITS = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1))
# An effect in a form that can be compared: its kind, what of the grain it concerns.
_Seen = tuple[Any, ...]


@frozen
class Case:
    """A request for a run of blocks, and every grain's bits before it."""

    name: str
    blocks: range
    bits: tuple[tuple[int, int, int], ...]


def _cases() -> tuple[Case, ...]:
    names = ("read_source", "read_target", "write_source", "write_target")
    runs = [
        range(first, last)
        for first in range(GEOMETRY.blocks)
        for last in range(first + 1, GEOMETRY.blocks + 1)
    ]
    bits = list(product(_BITS, repeat=GEOMETRY.grains))
    return tuple(Case(*chosen) for chosen in product(names, runs, bits))


def _memory(bits: tuple[tuple[int, int, int], ...]) -> Memory:
    maps = [bitmap.make(len(bits)) for _ in range(3)]
    for grain, of_grain in enumerate(bits):
        for each, bit in zip(maps, of_grain, strict=True):
            each[grain] = bit
    memory = Memory(len(bits), Standing.TRACKING, maps[0], maps[1])
    memory.settled = maps[2]
    return memory


def _run(mutant: HarnessMutant, case: Case, blocks: range) -> Iterator[Effect]:
    """The effects of a request, all of which work, on the shipped memory."""
    memory = _memory(case.bits)
    data = b"".join(bytes([block]) for block in blocks)
    running = generator(mutant, GEOMETRY, Options(), Ask(case.name, blocks, data))
    result: Any = None
    while True:
        try:
            effect = running.send(result)
        except StopIteration:
            return
        yield effect
        result = _result(memory, effect)


def _result(memory: Memory, effect: Effect) -> Any:
    match effect:
        case effects.AcquireGrains():
            return State.COPYING
        case effects.Unsettled(grains):
            return memory.unsettled(grains)
        case effects.Uncopied(grains):
            return memory.uncopied(grains)
        case effects.Read(_, blocks):
            return bytes(block for block in blocks)
        case effects.MarkDiverged(runs):
            memory.mark_diverged(runs)
        case effects.Settle(runs):
            memory.settle(runs)
        case _:
            pass
    return None


def _seen_from(grain: int, effect: Effect) -> _Seen | None:
    """What of an effect concerns one grain; None if nothing does. Flushes concern nobody."""
    of_grain = GEOMETRY.blocks_of(range(grain, grain + 1))
    kind = type(effect).__name__
    match effect:
        case effects.Read(device, blocks):
            part = _meet(blocks, of_grain)
            return (kind, device, part) if part else None
        case effects.Write(device, blocks, data):
            part = _meet(blocks, of_grain)
            cut = data[part.start - blocks.start : part.stop - blocks.start] if part else b""
            return (kind, device, part, bytes(cut)) if part else None
        case effects.AcquireGrains(grains, mode):
            return (kind, mode) if grain in grains else None
        case effects.Unsettled(grains) | effects.Uncopied(grains):
            return (kind,) if grain in grains else None
        case effects.MarkDiverged(runs) | effects.Save(runs) | effects.Settle(runs):
            return (kind,) if any(grain in run for run in runs) else None
        case _:
            return None


def _meet(run: range, other: range) -> range:
    return range(max(run.start, other.start), max(min(run.stop, other.stop), run.start))


def _order_kept(alone: list[Effect], together: list[Effect]) -> bool:
    """Flushes of the request alone have their counterparts between the same neighbours."""
    done = 0
    for effect in together:
        if done < len(alone) and _stands_for(effect, alone[done]):
            done += 1
    return done == len(alone)


def _stands_for(effect: Effect, wanted: Effect) -> bool:
    if isinstance(wanted, effects.Flush):
        return isinstance(effect, effects.Flush) and set(wanted.devices) <= set(effect.devices)
    return type(effect) is type(wanted)


def is_each_grains_own(mutant: HarnessMutant, case: Case) -> Statement:
    """Seen from every grain it touches, the request is the one for that grain's part alone."""
    together = list(_run(mutant, case, case.blocks))
    claim = True
    for grain in GEOMETRY.grains_of(case.blocks):
        part = _meet(case.blocks, GEOMETRY.blocks_of(range(grain, grain + 1)))
        alone = list(_run(mutant, case, part))
        seen = [[s for e in run if (s := _seen_from(grain, e))] for run in (together, alone)]
        claim = claim and seen[0] == seen[1] and _order_kept(alone, together)
        claim = claim and not (set(_outside(together)) - set(case.blocks))
    return Statement(given=True, claim=claim)


def _outside(run: list[Effect]) -> Iterator[int]:
    """The blocks that the request reads for itself or writes, beyond whole grains it copies."""
    for effect in run[-1:]:
        if isinstance(effect, effects.Read | effects.Write):
            yield from effect.blocks


def is_each_bits_own(
    memory: type[Memory], bits: tuple[Any, ...], runs: Runs, what: str
) -> Statement:
    """An effect on several grains' bits does to each what it does to it where it is alone."""
    whole = _memory(bits)
    whole.__class__ = memory
    getattr(whole, what)(runs)
    claim = True
    for grain, of_grain in enumerate(bits):
        lone = _memory((of_grain,))
        touched = any(grain in run for run in runs)
        if touched:
            getattr(lone, what)((range(1),))
        for name in ("copied", "modified", "settled"):
            claim = claim and getattr(whole, name)[grain] == getattr(lone, name)[0]
    return Statement(given=True, claim=claim)


class _MarksOneMore(Memory):
    """Marks the grain after each run as well, where there is one."""

    def mark_copied(self, runs: Runs) -> None:
        super().mark_copied(tuple(range(r.start, min(r.stop + 1, self.grains)) for r in runs))


class _SettlesFirst(Memory):
    """Settles the first run only."""

    def settle(self, runs: Runs) -> None:
        super().settle(runs[:1])


def _case_picture(mutant: HarnessMutant, case: Case) -> Picture:
    lines = [f"{case.name} of blocks {list(case.blocks)}, two to a grain"]
    names = dict(zip(_BITS, ("uncopied", "clean", "diverged", "settled"), strict=True))
    lines += [f"grain {number}: {names[bits]}" for number, bits in enumerate(case.bits)]
    lines += [str(effect) for effect in _run(mutant, case, case.blocks)]
    return Picture(tuple(lines))


def _bits_picture(_: type[Memory], bits: tuple[Any, ...], runs: Runs, what: str) -> Picture:
    lines = [f"grain {n}: copied, modified, settled {of_grain}" for n, of_grain in enumerate(bits)]
    return Picture((*lines, f"{what} of grains {[list(run) for run in runs]}"))


def obligations() -> tuple[Obligation, ...]:
    """Of requests, and of memory."""
    grains = range(GEOMETRY.grains)
    runs: list[Runs] = [(range(a, b),) for a in grains for b in range(a + 1, GEOMETRY.grains + 1)]
    runs.append((range(1), range(2, 3)))
    return (
        Obligation(
            name="protocol.lifting-requests",
            clauses=("GEO-1", "WRITE-1", "READ-2"),
            says="A request over several grains is, seen from each of them and but for flushes,"
            " the request for that grain's part alone.",
            variables={"case": OneOf(_cases())},
            subject=SHIPPED,
            state=is_each_grains_own,
            mutants=tuple(
                Mutant(name, by_name(name))
                for name in (
                    "only-first-grain-prepared",
                    "last-grain-of-request-missed",
                    "only-first-grain-marked",
                    "one-bit-decides-for-all",
                )
            ),
            picture=_case_picture,
        ),
        Obligation(
            name="protocol.lifting-memory",
            clauses=("WRITE-1", "COPY-1"),
            says="What memory does to the bits of several grains it does to each by itself.",
            variables={
                "bits": OneOf(product(_BITS, repeat=GEOMETRY.grains)),
                "runs": OneOf(runs),
                "what": OneOf(("mark_copied", "mark_diverged", "settle")),
            },
            subject=Memory,
            state=is_each_bits_own,
            picture=_bits_picture,
            mutants=(
                Mutant("marks one more", _MarksOneMore),
                Mutant("settles the first run only", _SettlesFirst),
            ),
        ),
    )
