"""The merge of two maps of 2**28 grains (16 TiB at 64 KiB) against numpy's best and-not."""

from collections.abc import Callable, Iterator

import numpy as np
from bitarray import bitarray

from benchmarks.figure import Figure, at_least, in_turn, micro
from flashcopy.impl import bitmap

GRAINS = 1 << 28


def run() -> Iterator[Figure]:
    """The shipped merge against each way numpy has, the fastest of which is the peer."""
    rng = np.random.default_rng(1)
    words = [rng.integers(0, 1 << 63, GRAINS // 64, dtype=np.uint64) for _ in range(2)]
    copied, modified = (_bits(each) for each in words)
    a, b = words
    scratch = np.empty_like(a)

    def and_not() -> None:
        np.invert(b, out=scratch)
        np.bitwise_and(a, scratch, out=a)

    def or_xor() -> None:
        np.bitwise_or(a, b, out=a)
        np.bitwise_xor(a, b, out=a)

    def chunked() -> None:
        step = 1 << 14  # words: two chunks and the scratch stay in the cache
        for at in range(0, len(a), step):
            part = a[at : at + step]
            np.invert(b[at : at + step], out=scratch[:step])
            np.bitwise_and(part, scratch[:step], out=part)

    ways: dict[str, Callable[[], None]] = {
        "invert, and": and_not,
        "or, xor": or_xor,
        "invert, and, in chunks": chunked,
    }
    measured = {
        name: in_turn(lambda: bitmap.merge(copied, modified), way, 9) for name, way in ways.items()
    }
    best = min(measured, key=lambda name: measured[name][1])
    ours, theirs, ratio = measured[best]
    yield at_least(
        "merge of 2^28-bit maps",
        micro(ours),
        f"numpy ({best}) {micro(theirs)}",
        ratio,
        0.8,
    )


def _bits(words: "np.ndarray[tuple[int], np.dtype[np.uint64]]") -> bitarray:
    bits = bitarray(endian="little")
    bits.frombytes(words.tobytes())
    return bits
