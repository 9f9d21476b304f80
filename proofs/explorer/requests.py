"""What is explored: which requests, and how many of them at a time, from which initial states.

A scope is one initial state and one multiset of requests, all of them in flight from the start;
in which order they begin is part of the schedule. An exploration is every scope of its size.

Two reductions, each exact. Requests that are equal begin in their order, for the other order is
the same with the two exchanged (`steps`). And where nothing tells the grains apart, of two scopes
that differ only in their numbers one is explored (`symmetry`).
"""

from collections.abc import Iterator
from itertools import combinations_with_replacement
from math import comb

from attrs import frozen

from flashcopy.harness.requests import Ask, Options, encode
from flashcopy.impl.geometry import Geometry
from flashcopy.model import operation as operations
from flashcopy.model.images import Volume
from flashcopy.model.operation import Operation
from flashcopy.proofs.explorer.starts import BLOCK_SIZE, Start, all_starts, make_geometry
from flashcopy.proofs.explorer.symmetry import Symmetry

HOST = ("source-write", "target-write", "source-read", "target-read")
# WRITE-4: a write whose data is zeros; nothing but its data is different.
ZEROES = ("source-zeroes", "target-zeroes")
# FLUSH-1: asked for at first, so it makes durable what was written and answered before.
FLUSHES = ("source-flush", "target-flush")
OTHERS = ("copy", "sync", "start", "stop")


class UnknownRequestError(ValueError):
    """A request that is none, or lies outside the volumes."""


@frozen
class Kind:
    """One kind of request: a word of the lists above, with blocks or a limit of grains."""

    name: str
    blocks: range = range(0)
    limit: int = 0

    def __str__(self) -> str:
        if self.name == "copy":
            return f"copy:{self.limit}"
        if not self.blocks:
            return self.name
        first, last = self.blocks[0], self.blocks[-1]
        return f"{self.name}:{first}" if first == last else f"{self.name}:{first}-{last}"

    def operation(self, content: int) -> Operation:
        """The same in the model's words; a write writes that content."""
        volume, extent = Volume.SOURCE, (0, 0)
        if self.name in HOST + ZEROES:
            volume = Volume(self.name.partition("-")[0])
            extent = (self.blocks.start * BLOCK_SIZE, len(self.blocks) * BLOCK_SIZE)
        if self.name.endswith("-write"):
            return operations.Write(volume, *extent, content)
        if self.name in ZEROES:
            return operations.WriteZeroes(volume, *extent)
        if self.name.endswith("-read"):
            return operations.Read(volume, *extent)
        if self.name in FLUSHES:
            return operations.Flush(Volume(self.name.partition("-")[0]))
        if self.name == "copy":
            return operations.BackgroundCopy(self.limit)
        without_extent: dict[str, Operation] = {
            "sync": operations.Sync(),
            "start": operations.Start(),
            "stop": operations.Stop(),
        }
        return without_extent[self.name]

    def asked(self) -> Ask:
        """The request of the protocol."""
        if self.name in HOST:
            volume, _, verb = self.name.partition("-")
            data = encode((1,) * len(self.blocks)) if verb == "write" else b""
            return Ask(f"{verb}_{volume}", self.blocks, data)
        if self.name in ZEROES:
            volume = self.name.partition("-")[0]
            return Ask(f"write_{volume}", self.blocks, encode((0,) * len(self.blocks)))
        if self.name == "copy":
            return Ask("background_copy", limit=self.limit)
        if self.name in FLUSHES:
            return Ask(f"flush_{self.name.partition('-')[0]}")
        return Ask(self.name)


@frozen
class Scope:
    """An initial state and the requests in flight, in a fixed order."""

    start: Start
    kinds: tuple[Kind, ...]

    def __str__(self) -> str:
        return f"{self.start} with {', '.join(map(str, self.kinds))}"


@frozen
class Plan:
    """What to explore. `reduce` is whether scopes that are the same up to grains are left out.

    The last grain lacks `short` blocks; so many effects as `failures` may fail.
    """

    grains: int
    grain_blocks: int
    kinds: tuple[Kind, ...]
    in_flight: int
    starts: tuple[Start, ...]
    reduce: bool = True
    short: int = 0
    failures: int = 0
    keep_target: bool = False

    @property
    def options(self) -> Options:
        """What the relationship was created with."""
        return Options(keep_target=self.keep_target)

    @property
    def geometry(self) -> Geometry:
        """The sizes the protocol is run with."""
        sizes = make_geometry(self.grains, self.grain_blocks, self.short)
        return Geometry(sizes.size, sizes.block_size, sizes.grain_size)

    @property
    def most_scopes(self) -> int:
        """How many scopes there are before any is left out."""
        multisets = sum(comb(len(self.kinds) + n - 1, n) for n in range(1, self.in_flight + 1))
        return multisets * len(self.starts)

    def scopes(self) -> Iterator[Scope]:
        """Every scope, small ones first."""
        # A short last grain is not like the others.
        alike = self.grains - 1 if self.short else self.grains
        for size in range(1, self.in_flight + 1):
            for chosen in combinations_with_replacement(range(len(self.kinds)), size):
                of_kinds = tuple(self.kinds[kind] for kind in chosen)
                if not self.reduce:
                    yield from (Scope(start, of_kinds) for start in self.starts)
                    continue
                symmetry = Symmetry(self.kinds, chosen, alike, self.grain_blocks)
                if symmetry.is_first:
                    kept = filter(symmetry.keeps, self.starts)
                    yield from (Scope(start, of_kinds) for start in kept)


def parse(text: str, grains: int, grain_blocks: int, short: int = 0) -> tuple[Kind, ...]:
    """The requests a text names, such as `source-write:0-1,target-read:0,copy:2,sync`.

    Host requests name their blocks, one or a run. Raises UnknownRequestError.
    """
    kinds = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        name, _, rest = word.partition(":")
        if name in HOST + ZEROES:
            kinds.append(Kind(name, _blocks(word, rest, grains * grain_blocks - short)))
        elif name == "copy":
            kinds.append(Kind(name, limit=_number(word, rest or "1")))
        elif name in FLUSHES + OTHERS and not rest:
            kinds.append(Kind(name))
        else:
            raise UnknownRequestError(
                f"request {word!r}: use {', '.join(HOST + ZEROES)} with blocks (source-write:0-1),"
                f" copy with a number of grains (copy:1), {', '.join(FLUSHES + OTHERS[1:])}"
            )
    if not kinds:
        raise UnknownRequestError("no requests: name at least one, as in source-write:0,sync")
    return tuple(dict.fromkeys(kinds))


def _blocks(word: str, text: str, blocks: int) -> range:
    first, _, last = text.partition("-")
    run = range(_number(word, first), _number(word, last or first) + 1)
    if not run or run.stop > blocks:
        raise UnknownRequestError(f"request {word!r}: the volumes have blocks 0 to {blocks - 1}")
    return run


def _number(word: str, text: str) -> int:
    if not text.isdecimal():
        raise UnknownRequestError(f"request {word!r}: {text!r} is no number")
    return int(text)


def every_kind(grains: int, grain_blocks: int, short: int = 0) -> tuple[Kind, ...]:
    """Writes and reads: whole grains, the first block of each, one across grains; and OTHERS."""
    blocks = grains * grain_blocks - short
    runs = [range(g * grain_blocks, min((g + 1) * grain_blocks, blocks)) for g in range(grains)]
    if grain_blocks > 1:
        runs += [range(run.start, run.start + 1) for run in runs if len(run) > 1]
        runs += [range(run.stop - 1, run.stop + 1) for run in runs[: grains - 1]]
    hosts = [Kind(name, run) for name in HOST for run in runs]
    return (*hosts, Kind("copy", limit=1), *(Kind(name) for name in OTHERS[1:]))


def all_kinds(grains: int, grain_blocks: int, short: int = 0) -> tuple[Kind, ...]:
    """The requests of an effort: those above, zeroes over the first grain, and flushes."""
    first = range(min(grain_blocks, grains * grain_blocks - short))
    zeroes = [Kind(name, first) for name in ZEROES]
    flushes = [Kind(name) for name in FLUSHES]
    return (*every_kind(grains, grain_blocks, short), *zeroes, *flushes)


def starts_of(grains: int) -> tuple[Start, ...]:
    """Every initial state."""
    return tuple(all_starts(grains))
