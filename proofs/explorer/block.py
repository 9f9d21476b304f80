"""One block of both volumes: what the disks hold, what a crash may leave, and what is right.

Contents are small numbers (`starts`). Of a device's block a state keeps the content now and the
*set* of contents a crash may leave there, as bits: the durable one, or that of any write since
the last flush. No more is needed, for each of those writes survives or not on its own (DISK-4),
and of the survivors to one block the latest is what it holds. If a flush failed, what it was to
make durable stays *doubtful* whatever is flushed later, until the block is written anew.

The oracle is that of `harness.images_oracle`, of one block: a *world* says what a crash may leave
(CRASH-1). While a start or sync is in flight there is one where it happened beside those where it
did not (CRASH-3); one that failed leaves its world behind, for nobody knows whether it happened
(ERR-5). What a reader of the target sees is the image, and there is one of that.
"""

from collections.abc import Callable
from typing import Literal

from attrs import evolve, frozen

from flashcopy.impl.effect import SOURCE, TARGET, Device


@frozen
class World:
    """What may be after a crash: sets of contents of either volume, the target's as read."""

    sources: int
    targets: int


@frozen
class Block:
    """A block of both volumes. `image` is what a reader of the target must see (READ-2).

    While a start or sync is in flight and has reached the disk, the last world is its, and
    `offered` what the image becomes with it; else that is None.
    """

    source: int
    sources: int
    target: int
    targets: int
    worlds: tuple[World, ...]
    image: int
    offered: int | None = None
    source_doubtful: bool = False
    target_doubtful: bool = False


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
class FailFlush:
    """A flush of a device failed: what it held that was not durable may be lost for good."""

    device: Device


@frozen
class Secure:
    """A flush was answered: contents that were there before it was asked are no longer replaced.

    `replaced` are those that a write answered before has replaced, as bits.
    """

    device: Device
    replaced: int


@frozen
class MovePoint:
    """A start or sync is offered to the disk, taken by memory, and answered or refused."""

    how: Literal["offered", "taken", "answered", "refused"]


Change = WriteBlock | FlushBlocks | FailFlush | Secure | MovePoint


def change(block: Block, done: Change) -> Block:
    """The block after something was done."""
    match done:
        case WriteBlock(device, content, by_host):
            return _write(block, device, content, by_host)
        case FlushBlocks(devices):
            if SOURCE in devices and not block.source_doubtful:
                block = evolve(block, sources=1 << block.source)
            if TARGET in devices and not block.target_doubtful:
                block = evolve(block, targets=1 << block.target)
            return block
        case FailFlush(device):
            if device is SOURCE:
                return evolve(block, source_doubtful=block.sources.bit_count() > 1)
            return evolve(block, target_doubtful=block.targets.bit_count() > 1)
        case Secure(device, replaced):
            return _in_all_worlds(block, lambda world: _secured(world, device, replaced))
        case MovePoint(how):
            return _move(block, how)


def _move(block: Block, how: str) -> Block:
    match how:
        case "offered":
            return _offer(block)
        case "taken":
            block = _offer(block)
            return evolve(block, image=_shown(block))
        case "answered" if block.offered is not None:
            return evolve(block, worlds=block.worlds[-1:], image=_shown(block), offered=None)
    return evolve(block, offered=None)


def contents(bits: int) -> list[int]:
    """The contents in a set."""
    return [content for content in range(bits.bit_length()) if bits >> content & 1]


def _offer(block: Block) -> Block:
    """START-1, SYNC-1: where it happens the target is what the source is when it is offered."""
    if block.offered is not None:
        return block
    happened = World(1 << block.source, 1 << block.source)
    return evolve(block, worlds=(*block.worlds, happened), offered=block.source)


def _shown(block: Block) -> int:
    """What readers of the target see once the start or sync in flight has happened, if any."""
    return block.image if block.offered is None else block.offered


def _write(block: Block, device: Device, content: int, by_host: bool) -> Block:
    bit = 1 << content
    if device is SOURCE:
        sources = block.sources | bit
        written = evolve(block, source=content, sources=sources, source_doubtful=False)
    else:
        targets = block.targets | bit
        written = evolve(block, target=content, targets=targets, target_doubtful=False)
    if not by_host:
        return written
    if device is TARGET:
        offered = None if block.offered is None else content
        written = evolve(written, image=content, offered=offered)
    return _in_all_worlds(written, lambda world: _host_wrote(world, device, content))


def _in_all_worlds(block: Block, changed: Callable[[World], World]) -> Block:
    return evolve(block, worlds=tuple(changed(world) for world in block.worlds))


def _secured(world: World, device: Device, replaced: int) -> World:
    if device is TARGET:
        return evolve(world, targets=world.targets & ~replaced)
    return evolve(world, sources=world.sources & ~replaced)


def _host_wrote(world: World, device: Device, content: int) -> World:
    if device is TARGET:
        return evolve(world, targets=world.targets | 1 << content)
    return evolve(world, sources=world.sources | 1 << content)
