"""The parts of a state as numbered values, and what is done to them as look-ups.

Everything here is a thin layer of tables (`tables`) over the plain functions of `memory`,
`mapdisk`, `block`, `crash` and `final`.
"""

from collections.abc import Callable
from typing import Any, Literal

from attrs import frozen

from flashcopy.impl.effect import MAP, SOURCE, TARGET
from flashcopy.impl.geometry import Geometry
from flashcopy.model.trace import Fault
from flashcopy.proofs.explorer import block as blocks
from flashcopy.proofs.explorer import crash, doubt, final, mapdisk, worlds
from flashcopy.proofs.explorer.answers import Failed
from flashcopy.proofs.explorer.layout import MOST_REQUESTS
from flashcopy.proofs.explorer.memory import Held, MemoryMachine, Outcome, complaint_at
from flashcopy.proofs.explorer.move import FAULTS
from flashcopy.proofs.explorer.program import STATES, End, Program, code_of
from flashcopy.proofs.explorer.starts import OLD_SOURCE, OLD_TARGET
from flashcopy.proofs.explorer.tables import Column, Numbers, Pairs, Values

Complaint = tuple[str, str]


class Parts:
    """All tables of one exploration. Complaints are numbered from 1 on; 0 is none.

    `waste` is whether MIN-1 and MIN-2 count, `rules` what holds of flushes after one that failed.
    `recovered` gathers what crashes lead to.
    """

    def __init__(
        self,
        program: Program,
        geometry: Geometry,
        machine: MemoryMachine,
        *,
        waste: bool,
        rules: doubt.Rules,
    ) -> None:
        self.program = program
        self.geometry = geometry
        self.machine = machine
        self.waste = waste
        self._rules = rules
        self.memories: Values[Held] = Values()
        self.outcomes: Values[Outcome] = Values()
        self.maps: Values[mapdisk.MapDisk] = Values()
        self.blocks: Values[blocks.Block] = Values()
        self.doubts: Values[doubt.Doubts] = Values()
        self.doubts.number(doubt.Doubts())
        self.complaints: Values[Complaint | None] = Values()
        self.complaints.number(None)
        self.recovered: set[crash.Recovered] = set()
        # Memory.
        self.outcome = Pairs(self._outcome)
        self.outcome_memory = Column(lambda n: self.memories.number(self.outcomes[n].held))
        self.outcome_code = Column(lambda n: code_of(self.geometry, self.outcomes[n].result))
        self.outcome_change = Column(self._map_changes)
        self.outcome_asks = Column(lambda n: int(self.outcomes[n].asks))
        self.outcome_complaint = Column(lambda n: self._complaint(self.outcomes[n].complaint))
        self.state_code = Column(lambda n: STATES.index(self.machine.state(self.memories[n])))
        self.memory_complaint = Column(
            lambda n: self._complaint(complaint_at(self.machine.thaw(self.memories[n])[0]))
        )
        # Map file and blocks.
        self.change_map = Pairs(
            lambda n, c: self.maps.number(_changed(self.maps[n], self.program.map_changes[c]))
        )
        self.change_block = Pairs(self._change_block)
        self.source_content = Column(lambda n: self.blocks[n].source)
        self.target_content = Column(lambda n: self.blocks[n].target)
        self.target_image = Column(lambda n: self.blocks[n].image)
        # Devices in doubt. Flushes are numbered with who asks and which fault there is.
        self._flushed: Values[doubt.Flushed | None] = Values()
        self.flushed = Pairs(self._flush)
        self.flushed_doubts = Column(lambda n: self._of_flush(n, self._doubts_after))
        self.flushed_map = Column(lambda n: self._of_flush(n, self._map_flushed))
        self.flushed_blocks = Column(lambda n: self._of_flush(n, self._blocks_flushed))
        self.flushed_lost = Column(lambda n: self._of_flush(n, self._blocks_lost))
        self.flushed_code = Column(self._flush_code)
        self.failures_left = Column(lambda n: self.doubts[n].left)
        self.change_doubts = Pairs(self._change_doubts)
        # Crash: blocks to a grain, grains to a volume, volume and map to a verdict.
        self._outlooks: Values[Any] = Values()
        self._map_outlooks: Values[crash.MapOutlook] = Values()
        self.map_outlook = Column(
            lambda n: self._map_outlooks.number(crash.outlook_of_map(self.maps[n]))
        )
        self.block_outlook = Column(
            lambda n: self._outlooks.number(crash.outlook_of_block(self.blocks[n]))
        )
        self.join_outlooks = _Joining(self._outlooks, geometry.grain_blocks)
        self.crash_complaint = Pairs(self._crash_complaint)
        # Worlds that failed starts and syncs have left.
        self.order_worlds = _Ordering(self.maps, self.blocks, geometry.blocks)
        # The end of all requests.
        self._endings: Values[Any] = Values()
        self._rests: Values[Any] = Values()
        self.block_ending = Column(
            lambda n: self._endings.number(final.ending_of_block(self.blocks[n]))
        )
        self.join_endings = _Joining(self._endings, geometry.grain_blocks)
        self.with_doubts = Pairs(self._with_doubts)
        self.final_complaint = Pairs(self._final_complaint)
        self.end_complaint = Pairs(self._end_complaint)

    @property
    def entries(self) -> int:
        """How many values the largest tables hold, about."""
        tables = (self.outcome, self.change_map, self.crash_complaint, self.final_complaint)
        return sum(table.filled for table in tables)

    def write_change(self, *, on_target: bool, content: int, by_host: bool) -> int:
        """The number of the change that a write of one block is."""
        device = TARGET if on_target else SOURCE
        return self.program.block_changes.number(blocks.WriteBlock(device, content, by_host))

    def answer_change(self, end: End) -> tuple[int, int]:
        """The numbers of the changes, to map file and blocks, that an answer brings."""
        refused = bool(end.judged.refused)
        on_map, on_blocks = 0, 0
        match end.request:
            case "start" | "sync":
                how: Literal["answered", "refused"] = "refused" if refused else "answered"
                on_map = self.program.map_changes.number(mapdisk.MoveMapPoint(how))
                on_blocks = self.program.block_changes.number(blocks.MovePoint(how))
            case "flush_source" if not refused:
                secure = blocks.Secure(SOURCE, 1 << OLD_SOURCE)
                on_blocks = self.program.block_changes.number(secure)
            case "flush_target" if not refused:
                secure = blocks.Secure(TARGET, 1 << OLD_TARGET)
                on_blocks = self.program.block_changes.number(secure)
        return on_map, on_blocks

    def flush_number(self, flush: Numbers, request: int, fault: Fault) -> Numbers:
        """The number of a flush of these devices by a request, as `flushed` takes it."""
        return (flush * MOST_REQUESTS + request) * len(FAULTS) + FAULTS.index(fault)

    def complain(self, clause: str, text: str) -> int:
        """The number of a complaint."""
        return self._complaint((clause, text))

    def _complaint(self, found: Complaint | None) -> int:
        if found and found[0].startswith("MIN-") and not self.waste:
            return 0
        return self.complaints.number(found)

    def _outcome(self, memory: int, effect: int) -> int:
        asked = self.program.memory_effects[effect - 1]
        return self.outcomes.number(self.machine.carry_out(self.memories[memory], asked))

    def _map_changes(self, outcome: int) -> int:
        changes = self.outcomes[outcome].changes
        return self.program.map_changes.number(_Both(changes) if changes else None)  # type: ignore[arg-type]

    def _change_block(self, number: int, change: int) -> int:
        done = self.program.block_changes[change]
        value = self.blocks[number]
        return self.blocks.number(blocks.change(value, done) if done else value)

    def _flush(self, number: int, asked: int) -> int:
        rest, fault = divmod(asked, len(FAULTS))
        devices, request = divmod(rest, MOST_REQUESTS)
        flushing = doubt.Flushing(self.program.flushes[devices], request, FAULTS[fault])
        done = doubt.flush(self.doubts[number], flushing, self._rules)
        return self._flushed.number(done)

    def _of_flush(self, number: int, find: Callable[[doubt.Flushed], int]) -> int:
        done = self._flushed[number]
        return find(done) if done else 0

    def _doubts_after(self, done: doubt.Flushed) -> int:
        return self.doubts.number(done.doubts)

    def _map_flushed(self, done: doubt.Flushed) -> int:
        changed: mapdisk.Change | None = mapdisk.FlushMap() if MAP in done.devices else None
        if done.lost is MAP:
            changed = mapdisk.FailFlushOfMap()
        return self.program.map_changes.number(changed)

    def _blocks_flushed(self, done: doubt.Flushed) -> int:
        volumes = tuple(device for device in done.devices if device is not MAP)
        return self.program.block_changes.number(blocks.FlushBlocks(volumes) if volumes else None)

    def _blocks_lost(self, done: doubt.Flushed) -> int:
        lost = done.lost if done.lost is not MAP else None
        return self.program.block_changes.number(blocks.FailFlush(lost) if lost else None)

    def _flush_code(self, number: int) -> int:
        """The code of a flush's result; -1 if it cannot be."""
        done = self._flushed[number]
        if done is None:
            return -1
        failed = Failed(done.blamed, earlier_writes_lost=True) if done.blamed else None
        return code_of(self.geometry, failed)

    def _change_doubts(self, number: int, asked: int) -> int:
        what, request = divmod(asked, MOST_REQUESTS)
        return self.doubts.number(doubt.change(self.doubts[number], what, request, self._rules))

    def _with_doubts(self, ending: int, number: int) -> int:
        return self._rests.number((self.join_endings[ending], self.doubts[number].doubted))

    def _crash_complaint(self, map_outlook: int, volume: int) -> int:
        outlook = self._map_outlooks[map_outlook]
        grains = self.join_outlooks[volume]
        self.recovered.update(crash.recovered(outlook))
        return self._complaint(crash.complaint(outlook, grains))

    def _final_complaint(self, memory: int, ending: int) -> int:
        held = self.memories[memory]
        volume, doubted = self._rests[ending]
        return self._complaint(final.complaint(self.machine, held, volume, doubted))

    def _end_complaint(self, memory: int, end: int) -> int:
        state = self.machine.state(self.memories[memory])
        return self._complaint(final.complaint_of_answer(self.program.ends[end], state))


@frozen
class _Both:
    """Several changes to the map file, in order."""

    changes: tuple[mapdisk.Change, ...]


def _changed(disk: mapdisk.MapDisk, done: object) -> mapdisk.MapDisk:
    if isinstance(done, _Both):
        for one in done.changes:
            disk = mapdisk.change(disk, one)
        return disk
    return mapdisk.change(disk, done) if done else disk  # type: ignore[arg-type]


class _Joining:
    """From the numbers of a volume's blocks to the number of the volume, grain by grain."""

    def __init__(self, blocks: Values[Any], grain_blocks: int) -> None:
        self._grain_blocks = grain_blocks
        self._grains = _Rows(blocks)
        self._volumes = _Rows(self._grains.values)

    def __call__(self, columns: list[Numbers]) -> Numbers:
        size = self._grain_blocks
        grains = [self._grains(columns[at : at + size]) for at in range(0, len(columns), size)]
        return self._volumes(grains)

    def __getitem__(self, number: int) -> Any:
        return self._volumes.values[number]


class _Rows:
    """From the numbers of some things to the number of the row of them."""

    def __init__(self, things: Values[Any]) -> None:
        self.values: Values[Any] = Values()
        self._things = things
        self._append = Pairs(self._appended)
        self.values.number(())

    def __call__(self, columns: list[Numbers]) -> Numbers:
        joined = columns[0] * 0
        for column in columns:
            joined = self._append(joined, column)
        return joined

    def _appended(self, before: int, last: int) -> int:
        return self.values.number((*self.values[before], self._things[last]))


class _Ordering:
    """Map files and their blocks, the same but for the order of their worlds (see `worlds`).

    `left` is how many worlds a map file has, but for that of a start or sync in flight.
    """

    def __init__(
        self, maps: Values[mapdisk.MapDisk], found: Values[blocks.Block], count: int
    ) -> None:
        self._maps, self._blocks = maps, found
        self.left = Column(lambda n: maps[n].left)
        self._volumes = _Rows(found)
        self._ordered: Values[tuple[int, ...]] = Values()
        self._order = Pairs(self._in_order)
        self._parts = [Column(self._part(at)) for at in range(count + 1)]

    def __call__(self, disks: Numbers, columns: list[Numbers]) -> list[Numbers]:
        """The numbers of the map files, then those of the blocks, column by column."""
        ordered = self._order(disks, self._volumes(columns))
        return [part(ordered) for part in self._parts]

    def _in_order(self, disk: int, volume: int) -> int:
        ordered, volumes = worlds.in_order(self._maps[disk], self._volumes.values[volume])
        numbers = (self._blocks.number(block) for block in volumes)
        return self._ordered.number((self._maps.number(ordered), *numbers))

    def _part(self, at: int) -> Callable[[int], int]:
        return lambda n: self._ordered[n][at]
