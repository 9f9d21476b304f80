"""A disk that may lose what was not flushed, or keep it, block by block.

A write goes to the disk's cache; reads see it there; flush makes it durable. When the power
fails, any subset of the block writes that were not flushed survives: each on its own, in any
order. That is the weakest disk the specification assumes (DISK-1 to DISK-4 in `docs/spec.md`),
and the only one on which an ordering rule can be seen to matter.

The disk is a value: every step gives a new one, so a search can keep many.
"""

from collections.abc import Collection
from typing import Any

from attrs import evolve, frozen

Block = Any


@frozen
class PendingWrite:
    """A block write in the disk's cache; `serial` names it for as long as the disk lives."""

    serial: int
    number: int
    block: Block


@frozen
class Disk:
    """One device: its durable blocks, and the writes since the last flush in their order."""

    durable: tuple[Block, ...]
    pending: tuple[PendingWrite, ...] = ()


def read(disk: Disk, number: int) -> Block:
    """DISK-1: a read sees the latest write to the block, flushed or not."""
    for write_ in reversed(disk.pending):
        if write_.number == number:
            return write_.block
    return disk.durable[number]


def write(disk: Disk, number: int, block: Block, serial: int) -> Disk:
    """DISK-2: a block write is in the cache, whole, and nothing is said of its durability."""
    return evolve(disk, pending=disk.pending + (PendingWrite(serial, number, block),))


def flush(disk: Disk) -> Disk:
    """DISK-3: every write so far is durable."""
    return crash(disk, {write_.serial for write_ in disk.pending})


def crash(disk: Disk, kept: Collection[int]) -> Disk:
    """DISK-4: of the writes not flushed, those whose serials are in `kept` survive.

    Of several to one block the latest kept one is what the block holds. Serials of writes that
    are not pending are ignored, so that one set can be given to several disks.
    """
    blocks = list(disk.durable)
    for write_ in disk.pending:
        if write_.serial in kept:
            blocks[write_.number] = write_.block
    return Disk(durable=tuple(blocks))
