"""From the head of a trace to the three devices that a simulation opens.

The area of the map file that is not in use holds the worst that an earlier generation could have
left there: everything copied, nothing modified.
"""

from pathlib import Path

from flashcopy.harness import mapdisk
from flashcopy.harness.requests import Options
from flashcopy.harness.simulation import BLOCK_BYTES
from flashcopy.impl import bitmap
from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device, Standing
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import Header, Identity
from flashcopy.model import volume as model
from flashcopy.model.grain import Grain
from flashcopy.model.lifecycle import State
from flashcopy.model.trace import Initial, Trace

_STANDINGS = {
    State.IDLE: Standing.IDLE,
    State.COPYING: Standing.TRACKING,
    State.COPIED: Standing.TRACKING,
    State.STOPPED: Standing.STOPPED,
}


def options_of(trace: Trace) -> Options:
    """What the relationship of a trace was created with."""
    return Options(trace.target_writable, trace.settings.get("keep_target") == "yes")


def initial_of(trace: Trace) -> Initial:
    """The state a trace starts in; two fresh volumes of zeros unless it says otherwise."""
    if trace.initial is not None:
        return trace.initial
    machine = model.create(trace.geometry)
    return Initial(machine.state, machine.grains, machine.cursor)


def sides_of(initial: Initial) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The contents of the two volumes themselves, block by block: source and target."""
    source = tuple(content for grain in initial.grains for content in grain.source)
    return source, tuple(content for grain in initial.grains for content in grain.target)


def target_image_of(initial: Initial) -> tuple[int, ...]:
    """What a reader of the target sees at first, block by block."""
    return tuple(
        content
        for grain in initial.grains
        for content in (grain.target if grain.copied else grain.source)
    )


def devices_of(trace: Trace) -> dict[Device, tuple[bytes, ...]]:
    """The durable blocks of source, target and map file at the start of a trace."""
    sizes, options, initial = trace.geometry, options_of(trace), initial_of(trace)
    geometry = Geometry(sizes.size, sizes.block_size, sizes.grain_size)
    identity = Identity(
        geometry,
        Path("source"),
        Path("target"),
        options.target_writable,
        options.keep_target,
        id=bytes(16),
    )
    source, target = (
        tuple(content.to_bytes(BLOCK_BYTES, "little") for content in side)
        for side in sides_of(initial)
    )
    size = bitmap.map_bytes(geometry.grains)
    maps = (
        _map_of(initial.grains, "copied"),
        _map_of(initial.grains, "modified"),
        b"\xff" * size,
        bytes(size),
    )
    header = Header(1, _STANDINGS[initial.state], area=0)
    return {SOURCE: source, TARGET: target, MAP: mapdisk.new(identity, header, maps)}


def _map_of(grains: tuple[Grain, ...], name: str) -> bytes:
    bits = bitmap.make(len(grains))
    for at, grain in enumerate(grains):
        bits[at] = getattr(grain, name)
    return bytes(memoryview(bits))
