"""One block of both volumes: what the disks hold, what a crash may leave, and what is right.

Contents are small numbers (`starts`). Of a device's block a state keeps the content now and the
*set* of contents a crash may leave there, as bits: the durable one, or that of any write since
the last flush. No more is needed, for each of those writes survives or not on its own (DISK-4),
and of the survivors to one block the latest is what it holds.

The oracle is that of `harness.images_oracle`, of one block: a *world* says what a crash may leave
(CRASH-1) and what a reader of the target sees. While a start or sync is in flight there are two,
one where it happened and one where it did not (CRASH-3).
"""

from typing import Literal

from attrs import evolve, frozen

from flashcopy.impl.effect import SOURCE, TARGET, Device


@frozen
class World:
    """What may be after a crash: sets of contents of either volume; and the target's image now."""

    sources: int
    targets: int
    image: int


@frozen
class Block:
    """A block of both volumes. `taken` is whether readers see the new world already."""

    source: int
    sources: int
    target: int
    targets: int
    old: World
    new: World | None = None
    taken: bool = False

    @property
    def image(self) -> int:
        """READ-2: what a reader of the target must see."""
        return self.new.image if self.taken and self.new else self.old.image


@frozen
class WriteBlock:
    """A content is written to one side; `by_host` tells a host's write from a copy."""

    device: Device
    content: int
    by_host: bool


@frozen
class FlushBlocks:
    """Devices are flushed."""

    devices: tuple[Device, ...]


@frozen
class MovePoint:
    """A start or sync is offered to the disk, taken by memory, or answered."""

    how: Literal["offered", "taken", "answered"]


Change = WriteBlock | FlushBlocks | MovePoint


def change(block: Block, done: Change) -> Block:
    """The block after something was done."""
    match done:
        case WriteBlock(device, content, by_host):
            return _write(block, device, content, by_host)
        case FlushBlocks(devices):
            return evolve(
                block,
                sources=1 << block.source if SOURCE in devices else block.sources,
                targets=1 << block.target if TARGET in devices else block.targets,
            )
        case MovePoint("offered"):
            return block if block.new else evolve(block, new=_at_source(block))
        case MovePoint("taken"):
            return evolve(block, new=block.new or _at_source(block), taken=True)
        case MovePoint():
            return evolve(block, old=block.new or block.old, new=None, taken=False)


def contents(bits: int) -> list[int]:
    """The contents in a set."""
    return [content for content in range(bits.bit_length()) if bits >> content & 1]


def _at_source(block: Block) -> World:
    """START-1, SYNC-1: from here on the target is what the source is."""
    return World(1 << block.source, 1 << block.source, block.source)


def _write(block: Block, device: Device, content: int, by_host: bool) -> Block:
    bit = 1 << content
    if device is SOURCE:
        written = evolve(block, source=content, sources=block.sources | bit)
    else:
        written = evolve(block, target=content, targets=block.targets | bit)
    if not by_host:
        return written
    return evolve(
        written,
        old=_host_wrote(block.old, device, content),
        new=block.new and _host_wrote(block.new, device, content),
    )


def _host_wrote(world: World, device: Device, content: int) -> World:
    if device is TARGET:
        return evolve(world, targets=world.targets | 1 << content, image=content)
    return evolve(world, sources=world.sources | 1 << content)
