"""Requests linked into one program: numbers are given, then every array of `program` is filled.

Ranks are found from a request's start down to its ends, the registers that are still to be written
from the ends up. What the lock table of `impl.locks` says of two claims is asked of it here, once.
"""

import numpy as np

from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    TARGET,
    AcquireCopier,
    AcquireGrains,
    Adopt,
    Commit,
    Device,
    Distrust,
    Effect,
    Flush,
    Prepare,
    Read,
    Save,
    Standing,
    Write,
)
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.locks import _conflicts
from flashcopy.model.trace import Fault
from flashcopy.proofs.explorer import block as blocks
from flashcopy.proofs.explorer import doubt, mapdisk
from flashcopy.proofs.explorer.answers import Failed
from flashcopy.proofs.explorer.automaton import Automaton, Claim, Node
from flashcopy.proofs.explorer.memory import Asked, Copying, Failing
from flashcopy.proofs.explorer.program import (
    COPIER_LINE,
    ERRORS,
    GRAINS_LINE,
    End,
    Kind,
    Program,
    code_of,
    codes,
)
from flashcopy.proofs.explorer.tables import Numbers, Values


def link(geometry: Geometry, automata: list[Automaton]) -> Program:
    """One program of several requests."""
    return _Linking(geometry, automata).program()


_ARRAYS = (
    *("kind", "rank", "live", "memory_effect", "map_change", "block_change", "block", "token"),
    *("by_host", "on_target", "of_target", "is_start"),
    *("holds_grains", "holds_copier", "waits_for", "waits_line"),
    *("faults", "lost_effect", "landed_effect", "error", "failing", "flush", "doubt"),
)


class _Linking:
    """Numbers are given first, then every array is filled."""

    def __init__(self, geometry: Geometry, automata: list[Automaton]) -> None:
        self.geometry = geometry
        self.automata = automata
        self.nodes: list[Node | None] = [None]
        self.names = ["ended"]
        self.kinds = [Kind.ENDED]
        self.requests = [""]
        self.numbers: dict[tuple[int, int], int] = {}
        self.ends: list[End] = []
        self._ends: dict[tuple[int, int], End] = {}
        self.memory_effects: Values[Asked] = Values()
        self.map_changes: Values[mapdisk.Change | None] = Values()
        self.block_changes: Values[blocks.Change | None] = Values()
        self.claims: Values[Claim | None] = Values()
        self.flushes: Values[tuple[Device, ...]] = Values()
        for values in (self.map_changes, self.block_changes, self.claims):
            values.number(None)
        # A request holds the copier as claim 1.
        self.claims.number(_claim(AcquireCopier()))
        for at, automaton in enumerate(automata):
            for number, node in enumerate(automaton.nodes):
                self._place(at, number, node, automaton.asked.name)

    def _place(self, at: int, number: int, node: Node, request: str) -> None:
        if node.effect is None:
            assert node.judged is not None, "an end is judged"
            end = End(request, node.judged)
            self._ends[at, number] = end
            if end not in self.ends:
                self.ends.append(end)
            return
        self.numbers[at, number] = len(self.nodes)
        kinds = (
            (Kind.ASK, Kind.WAITING, Kind.GRANTED)
            if isinstance(node.effect, (AcquireCopier, AcquireGrains))
            else (_kind(node),)
        )
        for kind in kinds:
            self.nodes.append(node)
            self.kinds.append(kind)
            self.requests.append(request)
            what = f"{node.effect}" if node.block < 0 else f"{type(node.effect).__name__}"
            within = "" if node.block < 0 else f" block {node.block}"
            self.names.append(f"{request} {node.line} {what}{within} {kind.name.lower()}")

    def program(self) -> Program:
        size = len(self.nodes) + len(self.ends)
        arrays = {name: np.zeros(size, np.int64) for name in _ARRAYS}
        follow = np.zeros((size, codes(self.geometry) + ERRORS), np.int64)
        arrays["kind"][: len(self.kinds)] = self.kinds
        for at, automaton in enumerate(self.automata):
            self._fill(at, automaton, arrays, follow)
        top = int(arrays["rank"].max()) + 1
        arrays["rank"][0] = top
        arrays["rank"][len(self.nodes) :] = top
        starts = {a.asked: self.numbers[at, a.start] for at, a in enumerate(self.automata)}
        arrays["is_start"][list(starts.values())] = 1
        return Program(
            starts=starts,
            nodes=tuple(self.nodes),
            names=tuple(self.names),
            ends_from=len(self.nodes),
            ends=tuple(self.ends),
            follow=follow,
            conflicts=self._conflicts(),
            memory_effects=self.memory_effects,
            map_changes=self.map_changes,
            block_changes=self.block_changes,
            flushes=self.flushes,
            **arrays,
        )

    def _fill(
        self, at: int, automaton: Automaton, arrays: dict[str, Numbers], follow: Numbers
    ) -> None:
        """Ranks go from the start down, live registers from the ends up."""
        rank = dict.fromkeys(range(len(automaton.nodes)), 0)
        live: dict[int, int] = {}
        begun: dict[int, frozenset[int]] = dict.fromkeys(rank, frozenset())
        order = list(enumerate(automaton.nodes))
        for number, node in reversed(order):
            begun[number] |= self._copies(node)
            weight = 3 if isinstance(node.effect, (AcquireCopier, AcquireGrains)) else 1
            for _, after in node.successors:
                rank[after] = max(rank[after], rank[number] + weight)
                begun[after] |= begun[number]
        for number, node in order:
            live[number] = self._live(node, live)
            if node.effect is None:
                continue
            first = self.numbers[at, number]
            for offset in range(3 if self.kinds[first] is Kind.ASK else 1):
                point = first + offset
                arrays["rank"][point] = rank[number] + offset
                arrays["live"][point] = live[number]
                self._fill_point(point, node, automaton.asked.name, arrays)
                if begun[number]:
                    failing = Failing(tuple(sorted(begun[number])))
                    arrays["failing"][point] = self._asked(failing, "")
                for result, after in node.successors:
                    follow[point, code_of(self.geometry, result)] = self._number(at, after)

    def _copies(self, node: Node) -> frozenset[int]:
        """The grains that are copied with this step."""
        match node.effect:
            case Write(device, blocks) if device is TARGET and not node.by_host:
                return frozenset(self.geometry.grains_of(blocks))
        return frozenset()

    def _live(self, node: Node, live: dict[int, int]) -> int:
        """Registers, by their bits, whose content may still be written from here on."""
        after = 0
        for _, successor in node.successors:
            after |= live[successor]
        if isinstance(node.effect, Read) and node.block >= 0:
            return after & ~(1 << node.block)
        return after | (1 << node.token if node.token is not None else 0)

    def _number(self, at: int, node: int) -> int:
        if (at, node) in self.numbers:
            return self.numbers[at, node]
        return len(self.nodes) + self.ends.index(self._ends[at, node])

    def _fill_point(self, point: int, node: Node, request: str, arrays: dict[str, Numbers]) -> None:
        effect, kind = node.effect, self.kinds[point]
        assert effect is not None
        arrays["holds_grains"][point] = self.claims.number(node.locks.claim)
        arrays["holds_copier"][point] = int(node.locks.copier)
        if isinstance(effect, (AcquireCopier, AcquireGrains)):
            copier = isinstance(effect, AcquireCopier)
            claim = self.claims.number(_claim(effect))
            if kind is Kind.GRANTED:
                arrays["holds_copier" if copier else "holds_grains"][point] = claim
            else:
                arrays["waits_for"][point] = claim
                arrays["waits_line"][point] = COPIER_LINE if copier else GRAINS_LINE
            return
        arrays["block"][point] = node.block
        arrays["token"][point] = -1 if node.token is None else node.token
        arrays["by_host"][point] = node.by_host
        self._fill_faults(point, node, request, arrays)
        arrays["of_target"][point] = request.endswith("_target")
        if isinstance(effect, (Read, Write)):
            arrays["on_target"][point] = effect.device is TARGET
            if self._copies(node) and effect.blocks[0] == node.block:
                copying = Copying(self.geometry.grains_of(effect.blocks))
                arrays["memory_effect"][point] = self._asked(copying, request)
            return
        if not isinstance(effect, Flush):
            arrays["memory_effect"][point] = self._asked(effect, request)
        on_map, on_blocks = _changes(effect)
        arrays["map_change"][point] = self.map_changes.number(on_map)
        arrays["block_change"][point] = self.block_changes.number(on_blocks)

    def _fill_faults(
        self, point: int, node: Node, request: str, arrays: dict[str, Numbers]
    ) -> None:
        """What a fault does here. Of a read, and of the flush of one device, the two are one."""
        match node.effect:
            case Flush(devices):
                arrays["faults"][point] = 3 if len(devices) > 1 else 1
                arrays["flush"][point] = self.flushes.number(devices)
            case Read(device) | Write(device) if node.block >= 0:
                arrays["faults"][point] = 3 if isinstance(node.effect, Write) else 1
                arrays["error"][point] = code_of(self.geometry, Failed(device))
            case Save() | Prepare() | Commit():
                arrays["faults"][point] = 3
                arrays["error"][point] = code_of(self.geometry, Failed(MAP))
                for name, fault in (("lost_effect", Fault.LOST), ("landed_effect", Fault.LANDED)):
                    arrays[name][point] = self._asked(node.effect, request, fault)
            case Distrust():
                arrays["doubt"][point] = doubt.DISTRUSTED
            case Adopt(standing):
                arrays["doubt"][point] = doubt.said(standing)

    def _asked(
        self, effect: Effect | Copying | Failing, request: str, fault: Fault = Fault.NONE
    ) -> int:
        """Numbered from 1 on: 0 is no effect on memory."""
        return 1 + self.memory_effects.number(Asked(effect, request, fault))

    def _conflicts(self) -> Numbers:
        """Which claims exclude each other, as the shipped lock table has it."""
        claims = self.claims.values
        table = np.zeros((len(claims), len(claims)), np.int64)
        for i, one in enumerate(claims):
            for j, other in enumerate(claims):
                if one and other:
                    table[i, j] = _conflicts(
                        (one.grains, one.exclusive), {0: (other.grains, other.exclusive)}
                    )
        return table


def _claim(effect: AcquireCopier | AcquireGrains) -> Claim:
    """The copier is a run of one thing that is held alone."""
    if isinstance(effect, AcquireCopier):
        return Claim(range(1), exclusive=True)
    return Claim(effect.grains, effect.mode.value == "exclusive")


def _kind(node: Node) -> Kind:
    match node.effect:
        case Read() if node.block >= 0:
            return Kind.READ
        case Write() if node.block >= 0:
            return Kind.WRITE
        case Read() | Write():
            return Kind.NOTHING
        case Flush():
            return Kind.FLUSH
        case Commit() | Adopt(Standing.TRACKING):
            return Kind.POINT
    return Kind.MEMORY


def _changes(effect: Effect) -> tuple[mapdisk.Change | None, blocks.Change | None]:
    """What an effect does to map file and blocks, apart from what memory makes it write."""
    match effect:
        case Flush(devices):
            volumes = tuple(d for d in devices if d in (SOURCE, TARGET))
            return (
                mapdisk.FlushMap() if MAP in devices else None,
                blocks.FlushBlocks(volumes) if volumes else None,
            )
        case Commit(Standing.TRACKING):
            return mapdisk.MoveMapPoint("offered"), blocks.MovePoint("offered")
        case Commit(standing):
            return mapdisk.OfferStanding(standing), None
        case Adopt(Standing.TRACKING):
            return mapdisk.MoveMapPoint("taken"), blocks.MovePoint("taken")
        case Adopt(standing):
            return mapdisk.TakeStanding(standing), None
    return None, None
