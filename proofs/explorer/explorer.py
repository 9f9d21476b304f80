"""The tables of one plan and one protocol, and the search of some of its scopes.

Everything the search needs is made here once: the requests unrolled and linked into one program,
the tables of the parts, the layout, and the first state of any scope.
"""

from collections.abc import Callable

import numpy as np

from flashcopy.harness.mutant import SHIPPED, Mutant
from flashcopy.impl import protocol as protocols
from flashcopy.impl.effect import MAP, SOURCE, Flush
from flashcopy.impl.errors import DeviceError
from flashcopy.model.geometry import Geometry
from flashcopy.proofs.explorer.automaton import unroll
from flashcopy.proofs.explorer.doubt import Doubts, Rules
from flashcopy.proofs.explorer.layout import SCOPE_BITS, Rows, lay_out
from flashcopy.proofs.explorer.linking import link
from flashcopy.proofs.explorer.memory import MemoryMachine
from flashcopy.proofs.explorer.parts import Parts
from flashcopy.proofs.explorer.program import ENDED
from flashcopy.proofs.explorer.requests import Plan, Scope
from flashcopy.proofs.explorer.search import NO_LIMIT, Search
from flashcopy.proofs.explorer.starts import (
    Start,
    block_of,
    make_geometry,
    mapdisk_of,
    memory_of,
    open_simulation,
)
from flashcopy.proofs.explorer.steps import Stepper

# How many scopes a search takes.
MOST_SCOPES = 1 << SCOPE_BITS


class Explorer:
    """The tables of one plan and one protocol; runs batches of its scopes."""

    def __init__(self, plan: Plan, protocol: Mutant = SHIPPED, *, waste: bool = False) -> None:
        self.plan = plan
        self.protocol = protocol
        self.sizes = make_geometry(plan.grains, plan.grain_blocks, plan.short)
        geometry = plan.geometry
        automata = [
            unroll(protocol, geometry, kind.asked(), plan.options, failing=plan.failures > 0)
            for kind in plan.kinds
        ]
        self.program = link(geometry, automata)
        start = plan.starts[0]
        simulation = open_simulation(start, self.sizes, protocol)
        machine = MemoryMachine(simulation.mapfile.identity, protocol)
        rules = _rules_of(start, self.sizes, protocol)
        self.parts = Parts(self.program, geometry, machine, waste=waste, rules=rules)
        self.layout = lay_out(
            plan.grains, geometry.blocks, plan.in_flight, failing=plan.failures > 0
        )
        self.stepper = Stepper(self.parts, self.layout, plan.in_flight, failing=plan.failures > 0)
        self._points = {kind: self.program.starts[kind.asked()] for kind in plan.kinds}
        self._memories: dict[Start, int] = {}

    def roots(self, scopes: list[Scope]) -> Rows:
        """The first state of each scope."""
        rows = np.zeros((self.layout.words, len(scopes)), np.uint64)
        plan, layout, parts = self.plan, self.layout, self.parts
        layout.scope.put(rows, np.arange(len(scopes)))
        layout.memory.put(rows, np.array([self._memory(s.start) for s in scopes]))
        if plan.failures:
            fresh = parts.doubts.number(Doubts(plan.failures))
            layout.doubts.put(rows, np.full(len(scopes), fresh))
        maps = [parts.maps.number(mapdisk_of(s.start, plan.grains)) for s in scopes]
        layout.mapdisk.put(rows, np.array(maps))
        for number, field in enumerate(layout.blocks):
            grain = number // plan.grain_blocks
            values = [parts.blocks.number(block_of(s.start, grain)) for s in scopes]
            field.put(rows, np.array(values))
        for request, field in enumerate(layout.node):
            points = [
                self._points[s.kinds[request]] if request < len(s.kinds) else ENDED for s in scopes
            ]
            field.put(rows, np.array(points))
        return rows

    def _memory(self, start: Start) -> int:
        """The number of what memory holds in an initial state."""
        number = self._memories.get(start)
        if number is None:
            opened = memory_of(start, self.sizes, self.protocol)
            number = self._memories[start] = self.parts.memories.number(opened)
        return number

    def search(
        self,
        scopes: list[Scope],
        shorter_than: int = NO_LIMIT,
        check: Callable[[int], None] = lambda _: None,
    ) -> Search:
        """A search of these scopes, ready to `run` from their `roots`.

        `check` is told how many states were visited, and may raise to stop it.
        """
        assert len(scopes) <= MOST_SCOPES, "a scope's number has a field of its own"
        return Search(self.parts, self.layout, self.stepper, check, shorter_than)


def _rules_of(start: Start, sizes: Geometry, protocol: Mutant) -> Rules:
    """What holds of flushes after one that failed: rules of devices, so a mutant can break them.

    ERR-5, ERR-6, LOCK-6: it is asked of the simulation that the protocol comes with.
    """
    refusing = open_simulation(start, sizes, protocol)
    refusing.devices[SOURCE].in_doubt = True
    host = refusing.submit(0, protocols.flush_source())
    refusing.step(0)
    known = open_simulation(start, sizes, protocol)
    recording = known.submit(0, protocols._stop_durably())
    while not isinstance(recording.effect, Flush):
        known.step(0)
    known.doubt(MAP)
    result = known.step(0)
    return Rules(refusing=host.error is not None, known=isinstance(result, DeviceError))
