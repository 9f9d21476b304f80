"""The initial states: every state a relationship can be at rest in, within the scope.

After a restart all that a relationship is, is its standing and for each grain whether it is
uncopied, clean or diverged; everything is durable and the cursor is at grain 0. The contents are
as different as they may be: only a clean grain's sides are equal. That covers all other contents,
for nothing in the protocol looks at data; contents that happen to be equal can only hide a fault.
So whatever a crash leaves is again among the initial states, and one crash is as good as many:
the search collects what crashes lead to and this is checked.

Beside these, each is explored once more as *used*: hosts have written to both sides of every
grain that nothing ties (to the source only, where stopped) and the disks still hold those writes
in their caches.

Contents: 0 the source's, 1 the target's, 2 and 3 what was there before a write still cached, 4
and more what the requests in flight write.
"""

from collections.abc import Iterator
from enum import Enum
from itertools import product

from attrs import frozen

from flashcopy.harness import setup
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.simulation import Simulation
from flashcopy.impl.effect import Standing
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.grain import Grain, idle_grain
from flashcopy.model.lifecycle import State, is_tracking
from flashcopy.model.trace import Initial, Trace
from flashcopy.proofs.explorer.block import Block, World
from flashcopy.proofs.explorer.crash import Recovered
from flashcopy.proofs.explorer.mapdisk import Heading, MapDisk, Word
from flashcopy.proofs.explorer.memory import Held, held

SOURCE_CONTENT, TARGET_CONTENT, OLD_SOURCE, OLD_TARGET, FIRST_WRITE = range(5)
BLOCK_SIZE = 512


class GrainIs(Enum):
    """What a grain is at rest; the value is its copied and modified bit in the map file.

    TORN is what a crash can leave of a grain that was about to be diverged: uncopied to whoever
    opens it, but with a modified bit on the disk.
    """

    UNCOPIED = (False, False)
    TORN = (False, True)
    CLEAN = (True, False)
    DIVERGED = (True, True)


@frozen
class Start:
    """One initial state."""

    state: State
    grains: tuple[GrainIs, ...]
    used: bool = False

    def __str__(self) -> str:
        each = ",".join(g.name.lower() for g in self.grains) if is_tracking(self.state) else ""
        words = [self.state.value, each, "used" if self.used else ""]
        return ":".join(word for word in words if word)

    @property
    def recovered(self) -> Recovered:
        """The state as a crash would leave it."""
        if not is_tracking(self.state):
            standing = Standing.IDLE if self.state is State.IDLE else Standing.STOPPED
            return Recovered(standing, ())
        return Recovered(Standing.TRACKING, tuple(grain.value for grain in self.grains))

    @property
    def dirty(self) -> tuple[int, ...]:
        """The grains whose sides hold writes that are not durable."""
        if not self.used:
            return ()
        return tuple(g for g, is_ in enumerate(self.grains) if is_ is GrainIs.DIVERGED)


def make_geometry(grains: int, blocks: int, short: int = 0) -> Geometry:
    """The sizes of volumes of so many grains of so many blocks, of which the last lacks `short`."""
    return Geometry((grains * blocks - short) * BLOCK_SIZE, BLOCK_SIZE, blocks * BLOCK_SIZE)


def all_starts(grains: int) -> Iterator[Start]:
    """Every initial state, each rested and, where that differs, used."""
    nothing_tied = (GrainIs.DIVERGED,) * grains
    rested = [Start(state, nothing_tied) for state in (State.IDLE, State.STOPPED)]
    for each in product(GrainIs, repeat=grains):
        all_copied = all(copied for copied, _ in (is_.value for is_ in each))
        state = State.COPIED if all_copied else State.COPYING
        rested.append(Start(state, each))
    for start in rested:
        yield start
        if GrainIs.DIVERGED in start.grains:
            yield Start(start.state, start.grains, used=True)


def head_of(start: Start, geometry: Geometry, settings: dict[str, str]) -> Trace:
    """A trace that begins in this state, every content a number that no write uses again.

    A used state begins rested, with what its writes replace.
    """
    grains = []
    for number, is_ in enumerate(start.grains):
        source = tuple(100 + block for block in blocks_of_grain(geometry, number))
        target = source if is_ is GrainIs.CLEAN else tuple(c + 100 for c in source)
        copied, modified = is_.value
        grains.append(
            Grain(source, target, copied, modified)
            if is_tracking(start.state)
            else idle_grain(source, target)
        )
    return Trace(
        geometry,
        (),
        initial=Initial(start.state, tuple(grains)),
        origin="explorer",
        settings=settings,
    )


def memory_of(start: Start, geometry: Geometry, protocol: Mutant) -> Held:
    """What memory holds, as the shipped code makes it when it opens such a relationship."""
    simulation = open_simulation(start, geometry, protocol)
    memory = simulation.memory
    since = frozenset(g for g in range(memory.grains) if memory.copied[g])
    return held(memory, simulation.mapfile, since)


def open_simulation(start: Start, geometry: Geometry, protocol: Mutant) -> Simulation:
    """The shipped code, or a mutant's, opened on this state's devices."""
    devices = setup.devices_of(head_of(start, geometry, {}))
    return protocol.simulation(devices, protocol.memory, protocol.mapfile)


def mapdisk_of(start: Start, grains: int) -> MapDisk:
    """The map file; the area not in use holds the worst, everything copied, nothing modified."""
    standing = start.recovered.standing
    heading = Heading(standing, 0)
    bits = [is_.value if standing is Standing.TRACKING else (True, True) for is_ in start.grains]
    words = [Word(copied) for copied, _ in bits] + [Word(modified) for _, modified in bits]
    words += [Word(True)] * grains + [Word(False)] * grains
    return MapDisk(heading, frozenset({heading}), tuple(words), (frozenset({standing}),))


def block_of(start: Start, grain: int) -> Block:
    """A block of a grain."""
    is_ = start.grains[grain]
    target = SOURCE_CONTENT if is_ is GrainIs.CLEAN else TARGET_CONTENT
    image = target if is_.value[0] else SOURCE_CONTENT
    sources, targets = 1 << SOURCE_CONTENT, 1 << target
    seen = 1 << image
    if grain in start.dirty:
        sources |= 1 << OLD_SOURCE
        if start.state is not State.STOPPED:
            targets |= 1 << OLD_TARGET
            seen |= 1 << OLD_TARGET
    return Block(SOURCE_CONTENT, sources, target, targets, (World(sources, seen),), image)
