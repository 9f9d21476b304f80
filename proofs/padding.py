"""Padding: what a map holds past the last grain never counts.

A map is whole sectors long, the volume hardly ever. The shipped functions that count, find and
set bits are held to the volume's end here. Where they only count they are run on symbolic words;
where they search a bitarray, on every small map.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen
from bitarray import bitarray

from flashcopy.impl import bitmap
from flashcopy.model.choice import both, choose, negate
from flashcopy.proofs.maps import CountingMap
from flashcopy.proofs.merge_faults import Merge, take_and, take_or, take_xor
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import OneOf, Word

# Bits of a map in one word, most of them past the last grain.
_WORD = 8
# Bits of a map that marks are set in.
_LENGTH = 16


@frozen
class Counting:
    """The merge, and the shipped functions that look for zeros in a map or set its bits."""

    merge: Merge = bitmap.merge
    count_zeros: Callable[[Any, int], Any] = bitmap.count_zeros
    zero_runs: Callable[[Any, range], tuple[range, ...]] = bitmap.zero_runs
    next_zero_run: Callable[[Any, range, int], range] = bitmap.next_zero_run
    set_run: Callable[[Any, range], int] = bitmap.set_run


def counts_no_padding(
    counting: Counting, grains: int, copied: Any, modified: Any, copied_too: Any, modified_too: Any
) -> Statement:
    """Two pairs of maps that are the same up to the last grain: merged, they count the same."""
    mask = (1 << grains) - 1
    maps = [
        CountingMap(word, length=_WORD) for word in (copied, modified, copied_too, modified_too)
    ]
    first, second = counting.merge(*maps[:2]), counting.merge(*maps[2:])
    expected = sum(
        choose(both(maps[0].bit(g), negate(maps[1].bit(g))), 0, 1) for g in range(grains)
    )
    counted = counting.count_zeros(first, grains)
    return Statement(
        given=both(copied & mask == copied_too & mask, modified & mask == modified_too & mask),
        claim=both(counted == expected, counting.count_zeros(second, grains) == counted),
    )


def finds_no_padding(
    counting: Counting, grains: int, bits: int, padding: int, limit: int
) -> Statement:
    """Runs of zeros lie within the map and are just its zeros, whatever the padding holds."""
    map_ = _map(grains, bits, padding)
    zeros = [g for g in range(grains) if not bits >> g & 1]
    runs = counting.zero_runs(map_, range(grains))
    found = [g for run in runs for g in run]
    first = counting.next_zero_run(map_, range(grains), limit)
    must_be = list(runs[0])[:limit] if runs else []
    return Statement(
        given=bits < 1 << grains,
        claim=found == zeros and all(runs) and list(first) == must_be and first.stop <= grains,
    )


def sets_only_the_run(counting: Counting, bits: int, start: int, length: int) -> Statement:
    """The run's bits and no others; it says how many of them were 0."""
    stop = start + length
    map_ = _map(_LENGTH, bits, 0)
    run = ((1 << length) - 1) << start
    changed = counting.set_run(map_, range(start, stop))
    return Statement(
        given=stop <= _LENGTH,
        claim=map_ == _map(_LENGTH, bits | run, 0) and changed == (run & ~bits).bit_count(),
    )


def _map(grains: int, bits: int, padding: int) -> bitarray:
    """A shipped map whose grains and whose padding hold this."""
    map_ = bitmap.make(grains)
    map_.setall(padding)
    for grain in range(grains):
        map_[grain] = bits >> grain & 1
    return map_


def _count_picture(counting: Counting, grains: int, **words: int) -> Picture:
    """Both pairs of maps, grain 0 last, and what is counted in them."""
    lines = [f"{grains} grains"]
    for pair in (("copied", "modified"), ("copied_too", "modified_too")):
        maps = [CountingMap(words[name], length=_WORD) for name in pair]
        counted = counting.count_zeros(counting.merge(*maps), grains)
        must_be = sum(not maps[0].bit(g) or bool(maps[1].bit(g)) for g in range(grains))
        copied, modified = (f"{words[name]:0{_WORD}b}" for name in pair)
        lines.append(f"copied {copied}, modified {modified}: {counted} uncopied, must be {must_be}")
    return Picture(tuple(lines))


def _runs_picture(counting: Counting, grains: int, bits: int, padding: int, limit: int) -> Picture:
    map_ = _map(grains, bits, padding)
    runs = counting.zero_runs(map_, range(grains))
    first = counting.next_zero_run(map_, range(grains), limit)
    return Picture(
        (
            f"{grains} grains, grain 0 last: {bits:0{grains}b}, then padding of {padding}",
            f"uncopied: {', '.join(map(_run_text, runs)) or 'none'}",
            f"next to copy, {limit} at most: {_run_text(first) if first else 'none'}",
        )
    )


def _run_text(run: range) -> str:
    return f"grains {run.start} to {run.stop - 1}"


def _set_picture(counting: Counting, bits: int, start: int, length: int) -> Picture:
    map_ = _map(_LENGTH, bits, 0)
    changed = counting.set_run(map_, range(start, start + length))
    run = ((1 << length) - 1) << start
    return Picture(
        (
            f"{'before':8} {bits:0{_LENGTH}b}, grain 0 last; mark {length} from grain {start}",
            f"{'after':8} {map_[:_LENGTH][::-1].to01()}, {changed} changed",
            f"{'must be':8} {bits | run:0{_LENGTH}b}, {(run & ~bits).bit_count()} changed",
        )
    )


def obligations() -> tuple[Obligation, ...]:
    """Of counting, finding and setting bits."""
    counting = Counting()
    return (
        Obligation(
            name="merge.padding-not-counted",
            clauses=("SYNC-2", "COPY-4"),
            says="What the maps hold past the last grain is not counted as uncopied.",
            variables={"grains": OneOf(range(1, _WORD))}
            | {name: Word(_WORD) for name in ("copied", "modified", "copied_too", "modified_too")},
            subject=counting,
            state=counts_no_padding,
            mutants=(
                Mutant(
                    "counts the whole map",
                    evolve(counting, count_zeros=lambda bits, _: bits.count(0)),
                ),
                Mutant(
                    "counts whole bytes",
                    evolve(
                        counting,
                        count_zeros=lambda bits, grains: bits.count(0, 0, -(-grains // 8) * 8),
                    ),
                ),
                Mutant(
                    "the last grain not counted",
                    evolve(counting, count_zeros=lambda bits, grains: bits.count(0, 0, grains - 1)),
                ),
                Mutant("or", evolve(counting, merge=take_or)),
                Mutant("and", evolve(counting, merge=take_and)),
                Mutant("exclusive or", evolve(counting, merge=take_xor)),
            ),
            picture=_count_picture,
        ),
        Obligation(
            name="merge.padding-not-found",
            clauses=("COPY-2", "COPY-4"),
            says="No run of uncopied grains reaches past the last grain or leaves one out.",
            variables={
                "grains": OneOf(range(1, 6)),
                "bits": OneOf(range(1 << 5)),
                "padding": OneOf((0, 1)),
                "limit": OneOf((1, 2, 9)),
            },
            subject=counting,
            state=finds_no_padding,
            mutants=(
                Mutant(
                    "runs reach into the padding",
                    evolve(
                        counting,
                        zero_runs=lambda bits, _: bitmap.zero_runs(bits, range(len(bits))),
                    ),
                ),
                Mutant(
                    "only the first run",
                    evolve(counting, zero_runs=lambda bits, run: bitmap.zero_runs(bits, run)[:1]),
                ),
                Mutant(
                    "the limit is ignored",
                    evolve(
                        counting,
                        next_zero_run=lambda bits, run, _: bitmap.next_zero_run(
                            bits, run, len(run)
                        ),
                    ),
                ),
                Mutant(
                    "the limit reaches into the padding",
                    evolve(
                        counting,
                        next_zero_run=lambda bits, run, limit: bitmap.next_zero_run(
                            bits, range(run.start, len(bits)), limit
                        ),
                    ),
                ),
            ),
            picture=_runs_picture,
        ),
        Obligation(
            name="merge.marks-only-the-run",
            clauses=("WRITE-1", "COPY-1"),
            says="Marking a run of grains marks no neighbour.",
            variables={
                "bits": OneOf((0, 0b1, 0b0101010101010101, 0xFF00, 0xFFFF)),
                "start": OneOf(range(_LENGTH)),
                "length": OneOf(range(_LENGTH)),
            },
            subject=counting,
            state=sets_only_the_run,
            mutants=(
                Mutant(
                    "rounded outwards to bytes",
                    evolve(counting, set_run=_set_whole_bytes),
                ),
                Mutant(
                    "the neighbour instead",
                    evolve(
                        counting,
                        set_run=lambda bits, run: bitmap.set_run(
                            bits, range(run.start + 1, run.stop + 1)
                        ),
                    ),
                ),
            ),
            picture=_set_picture,
        ),
    )


def _set_whole_bytes(bits: bitarray, run: range) -> int:
    start, stop = run.start // 8 * 8, -(-run.stop // 8) * 8
    return bitmap.set_run(bits, range(start, min(stop, len(bits))))
