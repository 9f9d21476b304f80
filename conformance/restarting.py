"""The IUT is killed and started again; what was flushed is there, and so is the point in time.

After a kill no more is relied on than after a loss of power: of each block there is a set of
contents that may be there. For a source block these are the last one flushed and all later ones.
For a target block it is what the source held at the point in time, and what was written to it
since, but nothing that was written to the source after.
"""

import random

from attrs import define, field

from flashcopy.conformance.adapter import Capability, RefusedError
from flashcopy.conformance.check import Finding, Job, ViolationError
from flashcopy.conformance.session import Session
from flashcopy.model.content import UnreadableBlockError
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    BackgroundCopy,
    Contents,
    Done,
    Flush,
    Operation,
    Outcome,
    Read,
    Start,
    Sync,
    Write,
)
from flashcopy.model.trace import Answer, Entry, Kill, Reopen, Submit, Trace
from flashcopy.model.volume import ZERO

BLOCK = 512
GEOMETRY = Geometry(15 * BLOCK, BLOCK, 2 * BLOCK)
SOURCE, TARGET = Volume.SOURCE, Volume.TARGET


@define
class Survivors:
    """For each volume and block, the contents that may be there: the newest comes last."""

    may: dict[Volume, list[list[int]]] = field(
        factory=lambda: {volume: [[ZERO] for _ in range(GEOMETRY.blocks)] for volume in Volume}
    )

    def write(self, volume: Volume, blocks: range, content: int) -> None:
        """A write that is not durable yet."""
        for block in blocks:
            self.may[volume][block].append(content)

    def flush(self, volume: Volume) -> None:
        """FLUSH-1: only the newest is left."""
        self.may[volume] = [contents[-1:] for contents in self.may[volume]]

    def move_point_in_time(self) -> None:
        """START-1, SYNC-1; CRASH-1: what came before a start or sync is durable with it."""
        self.flush(SOURCE)
        self.may[TARGET] = [list(contents) for contents in self.may[SOURCE]]

    def settle(self, volume: Volume, seen: tuple[int, ...]) -> None:
        """After a recovery, what is there is there for good."""
        self.may[volume] = [[content] for content in seen]


@define
class Life:
    """A session that is killed now and then, with what may be on its volumes."""

    session: Session
    survivors: Survivors = field(factory=Survivors)
    _entries: list[Entry] = field(factory=list)
    _number: int = 0
    _writes: int = 0

    def ask(self, operation: Operation) -> Outcome:
        """One request; anything but a refusal is right here or found later."""
        number, self._number = self._number, self._number + 1
        self._entries.append(Submit(number, operation))
        try:
            outcome = self.session.carry_out(operation)
        except (UnreadableBlockError, RefusedError) as error:
            raise self.violation("CRASH-1", f"{operation}: {error}") from None
        self._entries.append(Answer(number, outcome))
        return outcome

    def do(self, operation: Operation) -> None:
        """A request that must not be refused."""
        outcome = self.ask(operation)
        if outcome != Done():
            raise self.violation("REC-1", f"{operation} was answered with {outcome}")

    def write(self, volume: Volume, first: int, blocks: int) -> None:
        """Write a new content to a run of blocks."""
        self._writes += 1
        self.do(Write(volume, first * BLOCK, blocks * BLOCK, self._writes))
        self.survivors.write(volume, range(first, first + blocks), self._writes)

    def look(self, *, recovered: bool) -> None:
        """CRASH-1, CRASH-2: both volumes show what they must, or may after a kill."""
        for volume in Volume:
            outcome = self.ask(Read(volume, 0, GEOMETRY.size))
            if not isinstance(outcome, Contents):
                raise self.violation("REC-1", f"the {volume.value} cannot be read: {outcome}")
            for block, seen in enumerate(outcome.contents):
                may = self.survivors.may[volume][block]
                if seen not in (may if recovered else may[-1:]):
                    raise self.violation(*_explain(volume, block, may, seen, recovered))
            if recovered:
                self.survivors.settle(volume, outcome.contents)

    def restart(self) -> None:
        """Kill, and open again."""
        self.session.restart()
        self._entries += [Kill(), Reopen()]
        self.look(recovered=True)

    def violation(self, clause: str, explanation: str) -> ViolationError:
        """A violation, with what led to it."""
        entries = tuple(self._entries)
        trace = Trace(GEOMETRY, entries, origin="conform", clause=clause, finding=explanation)
        return ViolationError(Finding(clause, explanation, trace))


def restart(job: Job) -> None:
    """CRASH-1, CRASH-2, CRASH-3, REC-1: killed between requests at random and opened again."""
    chance = random.Random(f"{job.seed} restart")
    for _ in range(max(2, job.effort.examples // 10)):
        with job.session(GEOMETRY) as session:
            life = Life(session)
            life.write(SOURCE, 0, GEOMETRY.blocks)
            life.do(Start())
            life.survivors.move_point_in_time()
            for _ in range(4):
                for _ in range(chance.randint(1, 6)):
                    _anything(life, job, chance)
                life.restart()
            life.do(Sync())
            life.survivors.move_point_in_time()
            life.look(recovered=False)
            life.restart()


def _anything(life: Life, job: Job, chance: random.Random) -> None:
    kind = chance.choice(["write", "write", "write", "flush", "sync", "copy", "target"])
    first = chance.randrange(GEOMETRY.blocks)
    blocks = chance.randint(1, min(4, GEOMETRY.blocks - first))
    volume = chance.choice([SOURCE, TARGET])
    if kind == "write":
        life.write(SOURCE, first, blocks)
    elif kind == "target" and job.has(Capability.TARGET_WRITE):
        life.write(TARGET, first, blocks)
    elif kind == "flush":
        life.do(Flush(volume))
        life.survivors.flush(volume)
    elif kind == "sync":
        life.do(Sync())
        life.survivors.move_point_in_time()
    elif kind == "copy" and job.has(Capability.BACKGROUND_COPY):
        life.ask(BackgroundCopy(chance.choice([1, 3, None])))


def _explain(
    volume: Volume, block: int, may: list[int], seen: int, recovered: bool
) -> tuple[str, str]:
    may = may if recovered else may[-1:]
    clause = "CRASH-1" if volume is SOURCE else "CRASH-2"
    when = "after a kill and a restart" if recovered else "though nothing was killed since"
    right = " or ".join("zeros" if content == ZERO else f"write {content}" for content in may)
    shows = "zeros" if seen == ZERO else f"write {seen}"
    return clause, f"{volume.value} block {block} shows {shows} {when}; it must show {right}"
