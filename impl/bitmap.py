"""The bitmaps, and the merge that a sync is named for.

A map holds one bit a grain, bit *g* of byte *g*//8 counted from the least significant, padded to
whole sectors so that any part of it can be written to disk as it lies. What the padding holds
means nothing: every function here stops at the last grain.
"""

from typing import TypeVar

from bitarray import bitarray

# The unit in which a map is written to the map file; disks write a sector whole or not at all.
SECTOR = 512
_SECTOR_BITS = SECTOR * 8

Bits = TypeVar("Bits")


def merge(copied: Bits, modified: Bits) -> Bits:
    """SYNC-2: copied and not modified, computed into `copied` where its type allows.

    Works on whatever has `|=` and `^=`: bitarrays, words, a solver's terms. Not `copied ^=
    modified` alone, which is as good only while modified grains are always copied; and `|` then
    `^` is the fastest and-not that bitarray has. Cut off between the two and run again, it still
    gives the same.
    """
    copied |= modified  # type: ignore[operator]
    copied ^= modified  # type: ignore[operator]
    return copied


def make(grains: int) -> bitarray:
    """A map of that many grains, all bits 0."""
    bits = bitarray(-(-grains // _SECTOR_BITS) * _SECTOR_BITS, endian="little")
    bits.setall(0)
    return bits


def map_bytes(grains: int) -> int:
    """The size of such a map in bytes: whole sectors."""
    return -(-grains // _SECTOR_BITS) * SECTOR


def zero_runs(bits: bitarray, grains: range) -> tuple[range, ...]:
    """The runs of grains, within `grains`, whose bits are 0."""
    at = bits.find(0, grains.start, grains.stop)
    if at < 0:
        return ()
    runs = []
    while at >= 0:
        end = bits.find(1, at, grains.stop)
        if end < 0:
            end = grains.stop
        runs.append(range(at, end))
        at = bits.find(0, end, grains.stop)
    return tuple(runs)


def next_zero_run(bits: bitarray, grains: range, limit: int) -> range:
    """The first run of zeros within `grains`, cut to `limit`; empty if there is none."""
    at = bits.find(0, grains.start, grains.stop)
    if at < 0:
        return range(grains.stop, grains.stop)
    stop = min(at + limit, grains.stop)
    end = bits.find(1, at, stop)
    return range(at, end if end >= 0 else stop)


def set_run(bits: bitarray, run: range) -> int:
    """Set the bits of a run to 1. Gives how many of them were 0."""
    zeros = bits.count(0, run.start, run.stop)
    bits[run.start : run.stop] = 1
    return zeros


def count_zeros(bits: bitarray, grains: int) -> int:
    """How many of the first `grains` bits are 0."""
    return bits.count(0, 0, grains)


def sectors_of(run: range) -> range:
    """The sectors of a map that hold the bits of a run of grains."""
    return range(run.start // _SECTOR_BITS, -(-run.stop // _SECTOR_BITS))


def sector_bytes(bits: bitarray, sectors: range) -> bytes:
    """The bytes of a run of sectors of a map, as they are now."""
    return bytes(memoryview(bits)[sectors.start * SECTOR : sectors.stop * SECTOR])


def load(data: bytes) -> bitarray:
    """The map that such bytes, whole sectors, hold."""
    bits = bitarray(endian="little")
    bits.frombytes(data)
    return bits


def differing_sectors(old: bitarray, new: bitarray) -> tuple[range, ...]:
    """The runs of sectors in which two maps of one length differ.

    Its time goes with the number of such sectors: hosts may be waiting for it.
    """
    if old == new:
        return ()
    differing = old ^ new
    runs: list[range] = []
    at = differing.find(1)
    while at >= 0:
        sector = at // _SECTOR_BITS
        if runs and runs[-1].stop == sector:
            runs[-1] = range(runs[-1].start, sector + 1)
        else:
            runs.append(range(sector, sector + 1))
        at = differing.find(1, (sector + 1) * _SECTOR_BITS)
    return tuple(runs)
