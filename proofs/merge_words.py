"""The merge on machine words, and on the whole map that a sync hands to it.

A machine merges a map in words. So two things are added to `merge`: on words of every usual width
the shipped function gives the same as said there, and merging a map word by word gives the same
as merging it whole. And the way from the implementation's memory to the merge, `at_new_point`, is
run as it ships, on maps that reach into a third sector: no page of them may be forgotten.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import evolve, frozen
from bitarray import bitarray

from flashcopy.impl import bitmap
from flashcopy.impl.effect import Point, Standing
from flashcopy.impl.memory import Memory
from flashcopy.model.choice import both, choose
from flashcopy.proofs.merge_faults import Merge, merge_mutants
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.sorts import OneOf, Word
from flashcopy.proofs.symbolic import all_of

_WIDTHS = (8, 16, 32, 64)
_WORDS = 4


def is_and_not_on_words(merge: Merge, **words: Any) -> Statement:
    """`copied8`, `modified8` and so on: at every width."""
    pairs = [(words[f"copied{width}"], words[f"modified{width}"]) for width in _WIDTHS]
    return Statement(
        given=True,
        claim=all_of([merge(copied, modified) == copied & ~modified for copied, modified in pairs]),
    )


# Merges the words of a map with a merge of one word; a word is an int or a term.
Loop = Callable[[Merge, Sequence[Any], Sequence[Any]], Sequence[Any]]


@frozen
class InWords:
    """A merge of one word, and how a map's words are gone through."""

    merge: Merge
    loop: Loop


def every_word(merge: Merge, copied: Sequence[Any], modified: Sequence[Any]) -> Sequence[Any]:
    """As it must be."""
    return [merge(c, m) for c, m in zip(copied, modified, strict=True)]


def _first_word(merge: Merge, copied: Sequence[Any], modified: Sequence[Any]) -> Sequence[Any]:
    return [merge(copied[0], modified[0]), *copied[1:]]


def _all_but_last_word(
    merge: Merge, copied: Sequence[Any], modified: Sequence[Any]
) -> Sequence[Any]:
    return [*every_word(merge, copied[:-1], modified[:-1]), copied[-1]]


def _until_zero(merge: Merge, copied: Sequence[Any], modified: Sequence[Any]) -> Sequence[Any]:
    """Fault: a word without modified grains is taken for the end."""
    merged, going_on = [], True
    for c, m in zip(copied, modified, strict=True):
        going_on = both(going_on, m != 0)
        merged.append(choose(going_on, merge(c, m), c))
    return merged


def is_whole(in_words: InWords, width: int, **maps: Any) -> Statement:
    copied, modified = maps[f"copied{width}"], maps[f"modified{width}"]
    merged = in_words.loop(in_words.merge, _cut(copied, width), _cut(modified, width))
    whole = _cut(in_words.merge(copied, modified), width)
    return Statement(
        given=True, claim=all_of([part == word for part, word in zip(merged, whole, strict=True)])
    )


def _cut(whole: Any, width: int) -> list[Any]:
    """The words of a map, each in the low bits of a value as wide as the map."""
    mask = (1 << width) - 1
    return [whole >> (width * number) & mask for number in range(_WORDS)]


# The grains that a pattern is about: at the edges of bytes, words and sectors.
_EDGES = (0, 7, 8, 63, 64, 4095, 4096, 8191, 8192)
AtNewPoint = Callable[[bitarray, bitarray], tuple[bitarray, bitarray]]


def at_new_point(copied: bitarray, modified: bitarray) -> tuple[bitarray, bitarray]:
    """The maps that a sync makes of these, by the implementation's own memory."""
    memory = Memory(len(copied), Standing.TRACKING, copied, modified)
    return memory.at_new_point(Point.SYNC)


def _pages(limit: int) -> AtNewPoint:
    def merge_part(copied: bitarray, modified: bitarray) -> tuple[bitarray, bitarray]:
        merged, cleared = at_new_point(copied, modified)
        return merged[:limit] + copied[limit:], cleared

    return merge_part


def _forgets_to_clear(copied: bitarray, modified: bitarray) -> tuple[bitarray, bitarray]:
    return at_new_point(copied, modified)[0], modified


def is_the_whole_map(point: AtNewPoint, copied: int, modified: int, edge: int) -> Statement:
    """Two neighbouring grains at an edge, everything else copied and clean."""
    merged, cleared = _at_edge(point, copied, modified, edge)
    return Statement(
        given=not modified & ~copied,
        claim=merged == _edge_map(copied & ~modified, edge, 1) and not cleared.any(),
    )


def _at_edge(point: AtNewPoint, copied: int, modified: int, edge: int) -> tuple[bitarray, bitarray]:
    return point(_edge_map(copied, edge, 1), _edge_map(modified, edge, 0))


def _edge_map(pattern: int, edge: int, otherwise: int) -> bitarray:
    """A map that holds a pattern of two bits at an edge."""
    bits = bitarray([otherwise]) * (bitmap.map_bytes(_EDGES[-1] + 2) * 8)
    bits[edge], bits[edge + 1] = pattern & 1, pattern >> 1
    return bits


def _edge_picture(point: AtNewPoint, copied: int, modified: int, edge: int) -> Picture:
    """The two grains at the edge."""
    merged, cleared = _at_edge(point, copied, modified, edge)
    return Picture(
        (
            f"{'grain':24}{edge:>6}{edge + 1:>6}",
            *(
                f"{name:24}{bits & 1:>6}{bits >> 1:>6}"
                for name, bits in {
                    "copied": copied,
                    "modified": modified,
                    "copied, after the sync": merged[edge] | merged[edge + 1] << 1,
                    "modified, after the sync": cleared[edge] | cleared[edge + 1] << 1,
                    "copied and not modified": copied & ~modified,
                }.items()
            ),
        )
    )


def _words_picture(merge: Merge, **words: int) -> Picture:
    """The widths at which the merge goes wrong."""
    lines = []
    for width in _WIDTHS:
        copied, modified = words[f"copied{width}"], words[f"modified{width}"]
        merged = merge(copied, modified) & (1 << width) - 1
        if merged != copied & ~modified:
            maps = {"copied": copied, "modified": modified, "after the merge": merged}
            maps["copied and not modified"] = copied & ~modified
            lines += [f"{name:25}{word:0{width}b}" for name, word in maps.items()]
    return Picture(tuple(lines))


def _loop_picture(in_words: InWords, width: int, **maps: int) -> Picture:
    """The words of the map, the first one first."""
    copied, modified = maps[f"copied{width}"], maps[f"modified{width}"]
    merged = in_words.loop(in_words.merge, _cut(copied, width), _cut(modified, width))
    rows = {
        "copied": _cut(copied, width),
        "modified": _cut(modified, width),
        "merged word by word": merged,
        "merged whole": _cut(in_words.merge(copied, modified), width),
    }
    return Picture(
        tuple(
            f"{name:20}" + " ".join(f"{word:0{width // 4}x}" for word in words)
            for name, words in rows.items()
        )
    )


def obligations() -> tuple[Obligation, ...]:
    """Of words, and of the maps that a sync makes."""
    in_words = InWords(bitmap.merge, every_word)
    maps = ("copied", "modified")
    return (
        Obligation(
            name="merge.machine-words",
            clauses=("SYNC-2",),
            says="On words of 8, 16, 32 and 64 bits the merge is copied and not modified.",
            variables={f"{name}{width}": Word(width) for width in _WIDTHS for name in maps},
            subject=bitmap.merge,
            state=is_and_not_on_words,
            mutants=merge_mutants(
                "or",
                "and",
                "exclusive or",
                "copied := not modified",
                "modified cleared before the merge",
            ),
            picture=_words_picture,
        ),
        Obligation(
            name="merge.word-by-word",
            clauses=("SYNC-2",),
            says="A map of four words merged word by word equals the map merged whole.",
            variables={"width": OneOf(_WIDTHS)}
            | {f"{name}{width}": Word(width * _WORDS) for width in _WIDTHS for name in maps},
            subject=in_words,
            state=is_whole,
            mutants=(
                Mutant("first word only", evolve(in_words, loop=_first_word)),
                Mutant("all but the last word", evolve(in_words, loop=_all_but_last_word)),
                Mutant("stops at the first word of zeros", evolve(in_words, loop=_until_zero)),
            ),
            picture=_loop_picture,
        ),
        Obligation(
            name="merge.whole-map",
            clauses=("SYNC-2", "SYNC-1"),
            says="The maps that a sync makes are merged and cleared to the end of the map.",
            variables={
                "copied": OneOf(range(4)),
                "modified": OneOf(range(4)),
                "edge": OneOf(_EDGES),
            },
            subject=at_new_point,
            state=is_the_whole_map,
            mutants=(
                Mutant("first word only", _pages(64)),
                Mutant("first sector only", _pages(4096)),
                Mutant("modified not cleared", _forgets_to_clear),
            ),
            picture=_edge_picture,
        ),
    )
