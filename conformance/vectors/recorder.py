"""Asks the model what must be answered, and writes it down as the steps of a vector.

Where the specification leaves an implementation free, three machines are asked instead of one: the
model itself; the most wasteful one that is right, to which every sync is a start (MIN-1); and,
where the vector does not need `background_copy`, the one that copies everything at once whenever
it can. Whatever lies between their answers is admissible. They agree on all data, for copying is
invisible (IMG-2); a vector in which they do not is refused here, and must be written in another
way. After a kill the contents that may have survived take the place of the one there must be.
"""

import base64
from itertools import groupby
from typing import Any

from attrs import define, field

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.vectors.survivors import Survivors
from flashcopy.conformance.vectors.vector import (
    ZEROS,
    Answer,
    Count,
    Grains,
    How,
    Request,
    Restart,
    Result,
    Run,
    Step,
)
from flashcopy.model import volume as model
from flashcopy.model.geometry import Geometry, blocks_of_request, is_within
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State, is_tracking
from flashcopy.model.operation import (
    BackgroundCopy,
    Contents,
    Copied,
    Done,
    Flush,
    Operation,
    Outcome,
    Read,
    Refusal,
    Refused,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.volume import Machine

DONE = (Answer(Result()),)
_NEEDS = {
    "background_copy": Capability.BACKGROUND_COPY,
    "bitmaps": Capability.BITMAPS,
    "stop": Capability.STOP,
    "write_zeroes": Capability.WRITE_ZEROES,
}


@define
class Recorder:
    """A vector in the making. `told` is whether the implementation copies only when told."""

    geometry: Geometry
    target_writable: bool
    told: bool
    steps: list[Step] = field(init=False)
    needs: set[Capability] = field(factory=set)
    _machines: list[Machine] = field(init=False)
    _survivors: Survivors = field(init=False)
    _volume_of: dict[int, Volume] = field(factory=dict)
    # After a kill nobody knows which grains are copied, and which modified.
    _unsure_copied: bool = False
    _unsure_modified: bool = False

    def __attrs_post_init__(self) -> None:
        machine = model.create(self.geometry, target_writable=self.target_writable)
        self._machines = [machine] * (2 if self.told else 3)
        self._survivors = Survivors(self.geometry.blocks)
        sizes = {
            name: getattr(self.geometry, name) for name in ("size", "block_size", "grain_size")
        }
        params = {**sizes, "target_writable": self.target_writable}
        self.steps = [Request("create", params, DONE)]

    def write(self, volume: Volume, first: int, blocks: int = 1) -> None:
        """Write a new content to a run of blocks."""
        size = self.geometry.block_size
        content = len(self._volume_of) + 1
        self._volume_of[content] = volume
        self.ask(Write(volume, first * size, blocks * size, content))

    def zero(self, volume: Volume, first: int, blocks: int = 1) -> None:
        """Zero a run of blocks."""
        size = self.geometry.block_size
        self.ask(WriteZeroes(volume, first * size, blocks * size))

    def read(self, volume: Volume, first: int = 0, blocks: int | None = None) -> None:
        """Read a run of blocks, or the whole volume."""
        blocks = self.geometry.blocks - first if blocks is None else blocks
        size = self.geometry.block_size
        self.ask(Read(volume, first * size, blocks * size))

    def look(self) -> None:
        """Read both volumes whole."""
        for volume in Volume:
            self.read(volume)

    def start(self) -> None:
        """START-1."""
        self.ask(Start())

    def sync(self) -> None:
        """SYNC-1."""
        self.ask(Sync())

    def stop(self) -> None:
        """STOP-1."""
        self.ask(Stop())

    def flush(self, volume: Volume) -> None:
        """FLUSH-1."""
        self.ask(Flush(volume))

    def copy(self, grains: int | None = None) -> None:
        """COPY-2: all grains if not said otherwise."""
        self.ask(BackgroundCopy(grains))

    def status(self) -> None:
        """LIFE-1, COPY-4: a state, and a number of copied grains that goes with it."""
        grains = self.geometry.grains
        if self._unsure_copied:
            answers = _of_state(State.COPYING, 0, grains - 1, grains)
            answers += _of_state(State.COPIED, grains, grains, grains)
            self._add("status", {}, answers)
            return
        answers = ()
        for state in dict.fromkeys(machine.state for machine in self._machines):
            counts = [_copied(m) for m in self._machines if m.state is state]
            # Whoever is still copying may be anywhere between the laziest and the end.
            most = max(counts) if len(counts) == len(self._machines) else grains - 1
            most = grains if state is not State.COPYING else most
            answers += _of_state(state, min(counts), most, grains)
        self._add("status", {}, answers)

    def bitmaps(self) -> None:
        """WRITE-1, SYNC-2: the bits on which there is no choice."""
        self._require_known("the maps")
        maps = [
            Grains(
                tuple(g for g, bits in enumerate(each) if all(bits)),
                tuple(g for g, bits in enumerate(each) if not any(bits)),
            )
            for each in (
                list(zip(*([g.copied for g in m.grains] for m in self._machines), strict=True)),
                list(zip(*([g.modified for g in m.grains] for m in self._machines), strict=True)),
            )
        ]
        self._add("bitmaps", {}, (Answer(Result(copied=maps[0], modified=maps[1])),))

    def kill(self) -> None:
        """CRASH-1, CRASH-2, REC-1: an end without warning, and what is opened afterwards."""
        self._survivors.kill()
        self._unsure_copied = is_tracking(self._machines[0].state)
        self._unsure_modified = self._unsure_copied
        self._restart(How.KILL)

    def close(self) -> None:
        """IMG-2: a clean end and an opening change nothing."""
        self._survivors.settle()
        self._restart(How.CLOSE)

    def creation_refused(self, size: int, block_size: int, grain_size: int) -> None:
        """GEO-1, ERR-9: sizes that make no volume, in the place of those that do."""
        sizes = {"size": size, "block_size": block_size, "grain_size": grain_size}
        params = {**sizes, "target_writable": self.target_writable}
        refused = Answer(error=Refusal.INVALID_ARGUMENT.value)
        self.steps = [Request("create", params, (refused,))]

    def unknown_volume(self, method: str, params: dict[str, Any]) -> None:
        """ERR-1: a request for a volume that there is not."""
        self._add(method, params, (Answer(error=Refusal.INVALID_ARGUMENT.value),))

    def ask(self, operation: Operation) -> None:
        """One request, with the answers that the machines give."""
        outcomes = []
        for at, machine in enumerate(self._machines):
            self._machines[at], outcome = _apply(machine, operation, wasteful=at == 1)
            if at == 2:
                self._machines[at], _ = model.apply(self._machines[at], BackgroundCopy(None))
            outcomes.append(outcome)
        method, params = self._request(operation)
        self._add(method, params, self._answers(operation, outcomes))
        if not isinstance(outcomes[0], Refused):
            self._survive(operation)

    def _restart(self, how: How) -> None:
        self.needs.add(Capability.RESTART)
        self.steps.append(Restart(how))

    def _add(self, method: str, params: dict[str, Any], answers: tuple[Answer, ...]) -> None:
        if method in _NEEDS:
            self.needs.add(_NEEDS[method])
        writes = method in ("write", "write_zeroes") and params["volume"] == "target"
        if writes and self.target_writable:
            self.needs.add(Capability.TARGET_WRITE)
        self.steps.append(Request(method, params, answers))

    def _answers(self, operation: Operation, outcomes: list[Outcome]) -> tuple[Answer, ...]:
        if all(isinstance(outcome, Copied) for outcome in outcomes):
            return self._counted(operation, [o.grains for o in outcomes if isinstance(o, Copied)])
        if any(outcome != outcomes[0] for outcome in outcomes):
            raise ValueError(f"{operation}: the specification leaves open which of {outcomes}")
        if self._unsure_copied and isinstance(operation, Stop):
            raise ValueError(f"{operation}: what a kill left of the copy decides about it")
        if isinstance(outcomes[0], Refused):
            return (Answer(error=outcomes[0].kind.value),)
        if isinstance(operation, Read):
            return (Answer(Result(data=self._data(operation))),)
        return DONE

    def _counted(self, operation: Operation, counts: list[int]) -> tuple[Answer, ...]:
        limit = operation.grains if isinstance(operation, BackgroundCopy) else None
        least, most = min(counts), max(counts)
        if self._unsure_copied:
            least, most = 0, self.geometry.grains if limit is None else limit
            self._unsure_copied = limit is not None
        return (Answer(Result(copied=Count(least, most))),)

    def _data(self, operation: Read) -> tuple[Run, ...]:
        """What the blocks may hold, equal ones in one run."""
        blocks = blocks_of_request(self.geometry, operation.offset, operation.length)
        _, seen = model.apply(self._machines[0], operation)
        newest = tuple(self._survivors.now(operation.volume, block)[0] for block in blocks)
        assert seen == Contents(newest), "the model and the survivors differ"
        may = [tuple(self._survivors.now(operation.volume, block)) for block in blocks]
        return tuple(
            Run(len(list(group)), tuple(map(self._said, contents)))
            for contents, group in groupby(may)
        )

    def _survive(self, operation: Operation) -> None:
        match operation:
            case Write(volume, offset, length, content):
                blocks = blocks_of_request(self.geometry, offset, length)
                self._survivors.write(volume, blocks, content)
            case WriteZeroes(volume, offset, length):
                blocks = blocks_of_request(self.geometry, offset, length)
                self._survivors.write(volume, blocks, model.ZERO)
            case Flush(volume):
                self._survivors.flush(volume)
            case Start():
                self._survivors.move_point_in_time()
                self._unsure_copied = self._unsure_modified = False
            case Sync():
                self._survivors.move_point_in_time()
                # Which grains it leaves copied depends on which were modified.
                self._unsure_copied = self._unsure_copied or self._unsure_modified

    def _request(self, operation: Operation) -> tuple[str, dict[str, Any]]:
        """The protocol's method and params."""
        match operation:
            case Read(volume, offset, length):
                return "read", {"volume": volume.value, "offset": offset, "length": length}
            case Write(volume, offset, length, _):
                data = self._bytes(operation)
                return "write", {"volume": volume.value, "offset": offset, "data": data}
            case WriteZeroes(volume, offset, length):
                return "write_zeroes", {"volume": volume.value, "offset": offset, "length": length}
            case Flush(volume):
                return "flush", {"volume": volume.value}
            case BackgroundCopy(grains):
                return "background_copy", {"grains": grains}
        return type(operation).__name__.lower(), {}

    def _bytes(self, write: Write) -> list[dict[str, Any]] | str:
        """The data of a write; as on the wire where it is no whole number of blocks."""
        blocks, rest = divmod(write.length, self.geometry.block_size)
        if rest:
            return base64.b64encode(bytes(write.length)).decode()
        content = write.content if is_within(self.geometry, write.offset, write.length) else 0
        return [{"blocks": blocks, "hold": [self._said(content)]}] if blocks else []

    def _said(self, content: int) -> str:
        return f"{self._volume_of[content].value} {content}" if content else ZEROS

    def _require_known(self, what: str) -> None:
        if self._unsure_modified or not is_tracking(self._machines[0].state):
            raise ValueError(f"{what} are not known here")


def _apply(machine: Machine, operation: Operation, *, wasteful: bool) -> tuple[Machine, Outcome]:
    after, outcome = model.apply(machine, operation)
    if wasteful and outcome == Done() and isinstance(operation, Sync):
        return model.apply(machine, Start())
    return after, outcome


def _copied(machine: Machine) -> int:
    return sum(bool(grain.copied) for grain in machine.grains)


def _of_state(state: State, least: int, most: int, grains: int) -> tuple[Answer, ...]:
    if least > most:
        return ()
    return (Answer(Result(state=state.value, copied=Count(least, most), grains=grains)),)
