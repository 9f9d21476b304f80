"""The maps an IUT shows, beside what they must say after each request.

Only what the specification fixes is held against it. A grain that was written must be copied and
modified; what more is marked costs a copy and is not wrong. A sync leaves copied what was copied
and not modified, or less, which is waste; never more. Bits past the last grain may be anything, and
in idle and stopped the maps mean nothing (LIFE-2). An IUT that copies by itself may have copied
more each time one looks.
"""

import random

from attrs import define, evolve, field

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import Job, ViolationError
from flashcopy.conformance.checks.comparison import Comparison, name
from flashcopy.conformance.wrong import Kind, Wrong
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.images import Volume
from flashcopy.model.operation import FAILED, BackgroundCopy, Copied, Operation, Start, Sync, Write

_BLOCK = 512
# Maps of one byte and of several, and of more than a word; a short last grain, and none.
_GEOMETRIES = tuple(
    Geometry(blocks * _BLOCK, _BLOCK, 2 * _BLOCK) for blocks in (7, 16, 33, 130, 147)
)
_STEPS = 30


@define
class _Maps:
    """What the IUT showed last: the grains copied, and the grains modified."""

    comparison: Comparison
    job: Job
    copied: set[int] = field(factory=set)
    modified: set[int] = field(factory=set)

    def step(self, operation: Operation, touched: range = range(0)) -> None:
        """Ask, look, and hold the maps against those before. `touched` is what a write diverges."""
        outcome = self.comparison.step(operation)
        copied, modified = self._look(operation)
        after = f"after {name(operation)}"
        if modified - copied:
            self._wrong("INV-2", f"{after} grain {min(modified - copied)} is modified, not copied")
        if outcome != FAILED and set(touched) - modified:
            missing = min(set(touched) - modified)
            self._wrong("WRITE-1", f"{after} grain {missing} is not marked modified")
        if isinstance(operation, Start | Sync):
            self._moved(operation, copied, modified)
        elif self.copied - copied or self.modified - modified:
            lost = min((self.copied - copied) | (self.modified - modified))
            self._wrong("SYNC-2", f"{after} grain {lost} has lost a bit, and no start or sync came")
        if isinstance(outcome, Copied) and len(copied - self.copied) != outcome.grains:
            says = f"{len(copied - self.copied)} grains became copied, it says {outcome.grains}"
            self._wrong("COPY-2", f"{after} {says}")
        self.copied, self.modified = copied, modified

    def _moved(self, operation: Operation, copied: set[int], modified: set[int]) -> None:
        """START-1, SYNC-2: nothing is modified, and no more is copied than may stay so."""
        word = name(operation)
        if modified:
            self._wrong("SYNC-2", f"after {word} grain {min(modified)} is still modified")
        stays = self.copied - self.modified if isinstance(operation, Sync) else set()
        if copied - stays and self.job.has(Capability.BACKGROUND_COPY):
            grain = min(copied - stays)
            was = "modified" if grain in self.modified else "not copied"
            self._wrong("SYNC-2", f"after {word} grain {grain} is copied; before it was {was}")

    def _look(self, operation: Operation) -> tuple[set[int], set[int]]:
        """Both maps, and a status on either side of them that they must lie between."""
        before = self.comparison.status()
        maps = self.comparison.session.bitmaps()
        after = self.comparison.status()
        grains = self.comparison.session.geometry.grains
        length = -(-grains // 8)
        for which, octets in (("copied", maps.copied), ("modified", maps.modified)):
            if len(octets) != length:
                says = f"the {which} map has {len(octets)} bytes; {grains} grains take {length}"
                self._wrong("SYNC-2", says)
        copied, modified = (
            {grain for grain in range(grains) if octets[grain // 8] >> grain % 8 & 1}
            for octets in (maps.copied, maps.modified)
        )
        if not before.copied <= len(copied) <= after.copied:
            says = f"status counts {after.copied} copied grains, the map has {len(copied)}"
            self._wrong("COPY-4", f"after {name(operation)} {says}")
        return copied, modified

    def _wrong(self, clause: str, explanation: str) -> None:
        # The search for a shorter history asks what was asked, and does not look at maps.
        found = self.comparison.violation(clause, explanation, Wrong(Kind.WRONG_MAP)).finding
        raise ViolationError(evolve(found, is_short=True))


def bitmaps(job: Job) -> None:
    """INV-2, WRITE-1, SYNC-2, START-1, COPY-2, COPY-4: the maps after each of many requests."""
    for geometry in _GEOMETRIES[: job.effort.geometries]:
        chance = random.Random(f"{job.seed} maps {geometry.blocks}")
        with job.session(geometry) as session:
            maps = _Maps(Comparison(session), job)
            maps.step(Start())
            for _ in range(_STEPS):
                _anything(maps, job, chance, geometry)
            maps.comparison.look()


def _anything(maps: _Maps, job: Job, chance: random.Random, geometry: Geometry) -> None:
    kind = chance.random()
    if kind < 0.2:
        maps.step(Start() if kind < 0.02 else Sync())
    elif kind < 0.4 and job.has(Capability.BACKGROUND_COPY):
        maps.step(BackgroundCopy(chance.choice([0, 1, 3, None])))
    else:
        volumes = [Volume.SOURCE] * 2 + [Volume.TARGET] * job.has(Capability.TARGET_WRITE)
        first = chance.randrange(geometry.grains)
        last = min(geometry.grains - 1, first + chance.choice([0, 0, 1, 9]))
        begin, end = blocks_of_grain(geometry, first)[-1], blocks_of_grain(geometry, last)[0]
        end = max(begin, end)
        length = (end - begin + 1) * _BLOCK
        maps.comparison.writes += 1
        content = maps.comparison.writes
        write = Write(chance.choice(volumes), begin * _BLOCK, length, content)
        maps.step(write, range(first, last + 1))
