"""From the head of a trace to the three devices that a simulation opens.

The area of the map file that is not in use holds the worst that an earlier generation could have
left there: everything copied, nothing modified. A trace may begin in the middle of things: then
the simulation opens what is durable, and `resume` puts on top what is in caches and in memory.
"""

from pathlib import Path

from attrs import evolve
from bitarray import bitarray

from flashcopy.harness import mapdisk
from flashcopy.harness.images_oracle import ImagesOracle
from flashcopy.harness.requests import Options
from flashcopy.harness.simulation import BLOCK_BYTES, Simulation
from flashcopy.impl import bitmap
from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device, Standing
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import Header, Identity
from flashcopy.impl.memory import Memory
from flashcopy.model import volume as model
from flashcopy.model.grain import Grain
from flashcopy.model.lifecycle import State
from flashcopy.model.trace import Durable, Initial, Trace

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
    """What a reader of the target sees at first, block by block; stopped, after a crash.

    LIFE-2: where the header says idle, a crash leaves the target for itself, whatever the bits of
    a relationship that memory has since given up say.
    """
    untied = (initial.recorded or initial.state) is State.IDLE
    return tuple(
        content
        for grain in initial.grains
        for content in (grain.target if grain.copied or untied else grain.source)
    )


def oracle_of(initial: Initial) -> ImagesOracle:
    """The two images at the start of a trace, and what a crash may leave of them."""
    oracle = ImagesOracle.new(initial.state, sides_of(initial)[0], target_image_of(initial))
    if initial.durable:
        durable = evolve(initial, grains=_durable_grains(initial))
        oracle.begin_with_unflushed(
            initial.recorded or initial.state, sides_of(durable)[0], target_image_of(durable)
        )
    return oracle


def devices_of(trace: Trace) -> dict[Device, tuple[bytes, ...]]:
    """The durable blocks of source, target and map file at the start of a trace."""
    sizes, options, initial = trace.geometry, options_of(trace), initial_of(trace)
    if initial.durable:
        initial = evolve(initial, grains=_durable_grains(initial))
    geometry = Geometry(sizes.size, sizes.block_size, sizes.grain_size)
    identity = Identity(
        geometry,
        Path("source"),
        Path("target"),
        options.target_writable,
        options.keep_target,
        id=bytes(16),
    )
    source, target = (tuple(map(_block, side)) for side in sides_of(initial))
    size = bitmap.map_bytes(geometry.grains)
    maps = (
        _map_of(initial.grains, "copied"),
        _map_of(initial.grains, "modified"),
        b"\xff" * size,
        bytes(size),
    )
    header = Header(1, _STANDINGS[initial.recorded or initial.state], area=0)
    return {SOURCE: source, TARGET: target, MAP: mapdisk.new(identity, header, maps)}


def resume(simulation: Simulation, initial: Initial) -> None:
    """What is in caches and in memory, on top of the durable blocks that were opened."""
    if not initial.durable:
        return
    memory = simulation.memory
    maps = {name: _bits_of(initial.grains, name) for name in ("copied", "modified")}
    Memory.__init__(memory, memory.grains, Standing.TRACKING, maps["copied"], maps["modified"])
    if initial.state is State.STOPPED:
        Memory.distrust(memory)
    elif initial.state is State.IDLE:
        Memory.adopt_standing(memory, Standing.IDLE)
    memory.settled = _bits_of(initial.durable, "settled")
    for device, sides in zip((SOURCE, TARGET), sides_of(initial), strict=True):
        simulation.cache(device, dict(enumerate(map(_block, sides))))
    geometry = simulation.geometry
    words = {}
    for which, name in enumerate(("written_copied", "written_modified")):
        written = bytes(memoryview(_bits_of(initial.durable, name)))
        first = mapdisk.word_of(geometry, 0, which, 0)
        for at in range(0, len(written), mapdisk.WORD):
            words[first + at // mapdisk.WORD] = written[at : at + mapdisk.WORD]
    simulation.cache(MAP, words)
    for device_name in initial.doubtful:
        simulation.doubt(Device(device_name))


def _durable_grains(initial: Initial) -> tuple[Grain, ...]:
    """The grains as a crash at the start would leave them (REC-1)."""
    untied = (initial.recorded or initial.state) is State.IDLE
    return tuple(
        Grain(
            kept.source,
            kept.target,
            copied=kept.copied or untied,
            modified=kept.modified or untied,
        )
        for kept in initial.durable
    )


def _block(content: int) -> bytes:
    return content.to_bytes(BLOCK_BYTES, "little")


def _bits_of(grains: tuple[Grain, ...] | tuple[Durable, ...], name: str) -> bitarray:
    bits = bitmap.make(len(grains))
    for at, grain in enumerate(grains):
        bits[at] = getattr(grain, name)
    return bits


def _map_of(grains: tuple[Grain, ...], name: str) -> bytes:
    return bytes(memoryview(_bits_of(grains, name)))
