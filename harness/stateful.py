"""The implementation beside the model, one request at a time, on real files.

Hypothesis draws a pair of volumes and a sequence of requests, right and wrong ones, with
reopening and process crashes in between; the implementation and the model carry out the same and
must answer the same, be in the same state, with the same bits, and hold the same bytes. Every
operation, every refusal and every edge of the lifecycle is counted, so that a run can be
required to have seen them all.
"""

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flashcopy.conformance.blocks import content_of
from flashcopy.harness.bundled import carry_out
from flashcopy.harness.result import Finding, Progress, Result, ViolationError, silent
from flashcopy.impl import FlashCopy
from flashcopy.impl.errors import FlashCopyError
from flashcopy.model import volume as model
from flashcopy.model.content import UnreadableBlockError
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import TABLE, Event, State, is_tracking
from flashcopy.model.operation import (
    BackgroundCopy,
    Flush,
    Operation,
    Read,
    Refused,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.trace import Answer, Entry, Reopen, Submit, Trace

BLOCK = 512
# The edges a device failure takes are the interleaved harness's: here no device fails.
EDGES = frozenset((edge.state, edge.event) for edge in TABLE if edge.event is not Event.FAILURE)
_EVENTS: dict[type[Operation], Event] = {
    Start: Event.START,
    Sync: Event.SYNC,
    Stop: Event.STOP,
}

geometries = st.builds(
    lambda grain_blocks, blocks: Geometry(blocks * BLOCK, BLOCK, grain_blocks * BLOCK),
    grain_blocks=st.sampled_from([1, 2, 4, 1, 1]),
    # Grains on both sides of the edges of a map's bytes, and short last grains.
    blocks=st.sampled_from([1, 2, 3, 7, 9, 16, 17, 24, 9, 16, 17, 24]),
)


class Beside(RuleBasedStateMachine):
    """The implementation and the model, side by side. One run is one relationship's life."""

    # What all runs together have done.
    counts: ClassVar[Counter[str]] = Counter()
    progress: Progress = staticmethod(silent)
    goal = 1

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="flashcopy-"))
        self.entries: list[Entry] = []
        self.contents = 0

    @initialize(geometry=geometries, target_writable=st.sampled_from([True, True, True, False]))
    def create(self, geometry: Geometry, target_writable: bool) -> None:
        """Two fresh volumes of zeros and a relationship between them."""
        cls = type(self)
        cls.counts["runs"] += 1
        cls.progress(min(1.0, cls.counts["runs"] / cls.goal), f"{cls.counts['runs']} runs")
        self.geometry = geometry
        self.machine = model.create(geometry, target_writable=target_writable)
        for name in ("source", "target"):
            (self.directory / name).write_bytes(bytes(geometry.size))
        self.flashcopy = FlashCopy.create(
            self.directory / "source",
            self.directory / "target",
            self.directory / "map",
            block_size=geometry.block_size,
            grain_size=geometry.grain_size,
            target_writable=target_writable,
            background=False,
            durability="process",
        )

    @rule(volume=st.sampled_from(Volume), data=st.data())
    def write(self, volume: Volume, data: st.DataObject) -> None:
        """WRITE-2, WRITE-3: a write of fresh content."""
        offset, length = self._draw_run(data)
        self.contents += 1
        self._both(Write(volume, offset, length, self.contents))

    @rule(volume=st.sampled_from(Volume), data=st.data())
    def write_zeroes(self, volume: Volume, data: st.DataObject) -> None:
        """WRITE-4: zeroes, which have a path of their own."""
        self._both(WriteZeroes(volume, *self._draw_run(data)))

    @rule(volume=st.sampled_from(Volume), data=st.data())
    def read(self, volume: Volume, data: st.DataObject) -> None:
        """READ-1, READ-2: fake reads included."""
        self._both(Read(volume, *self._draw_run(data)))

    @rule(
        volume=st.sampled_from(Volume),
        offset=st.integers(-BLOCK, 26 * BLOCK),
        length=st.integers(0, 26 * BLOCK),
        kind=st.sampled_from([Read, Write, WriteZeroes]),
    )
    def any_request(self, volume: Volume, offset: int, length: int, kind: type[Operation]) -> None:
        """ERR-1 to ERR-4: any offset and length at all; most are refused."""
        if kind is Read:
            self._both(Read(volume, offset, length))
        elif kind is WriteZeroes:
            self._both(WriteZeroes(volume, offset, length))
        else:
            self.contents += 1
            self._both(Write(volume, offset, length, self.contents))

    @rule(volume=st.sampled_from(Volume))
    def flush(self, volume: Volume) -> None:
        """FLUSH-1."""
        self._both(Flush(volume))

    @precondition(lambda self: is_tracking(self.machine.state))
    @rule(volume=st.sampled_from(Volume), data=st.data())
    def write_and_sync(self, volume: Volume, data: st.DataObject) -> None:
        """SYNC-1, SYNC-2: what was written since the last point in time is to be copied again."""
        self.write(volume, data)
        self._both(Sync())

    @rule(request=st.sampled_from([Start(), Stop(), Sync()]))
    def change_state(self, request: Operation) -> None:
        """START-1, STOP-1, SYNC-3: in any state; one rule, so that most requests are I/O."""
        self._both(request)

    @precondition(lambda self: is_tracking(self.machine.state))
    @rule(grains=st.one_of(st.none(), st.integers(0, 5)))
    def background_copy(self, grains: int | None) -> None:
        """COPY-2 to COPY-4."""
        self._both(BackgroundCopy(grains))

    @precondition(lambda self: not is_tracking(self.machine.state))
    @rule()
    def background_copy_of_nothing(self) -> None:
        """COPY-2: where nothing is tracked there is nothing to copy."""
        self._both(BackgroundCopy(None))

    @rule(how=st.sampled_from(["reopen", "process crash"]))
    def reopen(self, how: str) -> None:
        """REC-1, DUR-1: all is there again, after a clean end or when the process died."""
        type(self).counts[how] += 1
        if how == "reopen":
            self.flashcopy.close()
        else:
            self.flashcopy.abandon()
        self.entries.append(Reopen())
        self.flashcopy = FlashCopy.open(
            self.directory / "map", background=False, durability="process"
        )

    @invariant()
    def agrees(self) -> None:
        """LIFE-1, SYNC-2, INV-1: same state, same bits, same bytes."""
        if not self.entries:
            return
        if is_tracking(self.machine.state):
            bitmaps = self.flashcopy.bitmaps()
            for name in ("copied", "modified"):
                bits = getattr(bitmaps, name)
                expected = [bool(getattr(grain, name)) for grain in self.machine.grains]
                seen = [bool(bits[g // 8] >> g % 8 & 1) for g in range(self.geometry.grains)]
                self._same("SYNC-2", f"{name} map", expected, seen)
        status = self.flashcopy.status()
        copied = sum(grain.copied for grain in self.machine.grains)
        self._same("LIFE-1", "state", self.machine.state.value, status.state.value)
        self._same("SYNC-2", "count of copied grains", copied, status.copied)
        self._sides_agree()

    def teardown(self) -> None:
        """Every run ends closed, and leaves nothing behind."""
        if hasattr(self, "flashcopy"):
            self.flashcopy.abandon()
        shutil.rmtree(self.directory)

    def _draw_run(self, data: st.DataObject) -> tuple[int, int]:
        """Offset and length of a request on whole blocks within the volume."""
        # Sampled, not drawn as integers: those keep to the small ones, and grain 0.
        first = data.draw(st.sampled_from(range(self.geometry.blocks)), label="first block")
        room = self.geometry.blocks - first
        count = data.draw(st.sampled_from(range(1, room + 1)), label="blocks")
        return first * BLOCK, count * BLOCK

    def _both(self, operation: Operation) -> None:
        """Carry out an operation on both sides, and hold the two outcomes together."""
        before = self.machine.state
        self.machine, expected = model.apply(self.machine, operation)
        number = sum(isinstance(entry, Submit) for entry in self.entries)
        self.entries.append(Submit(number, operation))
        self.entries.append(Answer(number, expected))
        try:
            seen = carry_out(self.flashcopy, self.geometry, operation)
        except UnreadableBlockError as error:
            self._violation("READ-2", str(error))
        except FlashCopyError as error:
            self._violation("ERR-6", f"{operation} failed: {error}")
        self._count(operation, expected, before)
        clause = "READ-2" if isinstance(operation, Read) else "LIFE-1"
        self._same(clause, f"outcome of {operation}", expected, seen)

    def _count(self, operation: Operation, outcome: Any, before: State) -> None:
        counts = type(self).counts
        counts["requests"] += 1
        counts[type(operation).__name__] += 1
        if isinstance(outcome, Refused):
            counts[f"refused {outcome.kind.value}"] += 1
            return
        event = _EVENTS.get(type(operation))
        if event:
            counts[edge_name(before, event)] += 1
        if before is State.COPYING and self.machine.state is State.COPIED and event is None:
            counts[edge_name(before, Event.LAST_GRAIN_COPIED)] += 1

    def _sides_agree(self) -> None:
        """Both files hold, byte for byte, what the model says each side holds."""
        source, target = ((self.directory / n).read_bytes() for n in ("source", "target"))
        for number, grain in enumerate(self.machine.grains):
            for within, block in enumerate(blocks_of_grain(self.geometry, number)):
                at = block * BLOCK
                for volume, data, side in (
                    (Volume.SOURCE, source, grain.source),
                    (Volume.TARGET, target, grain.target),
                ):
                    try:
                        seen = content_of(volume, block, data[at : at + BLOCK])
                    except UnreadableBlockError as error:
                        self._violation("INV-1", str(error))
                    what = f"content of {volume.value} block {block} (grain {number})"
                    self._same("INV-1", what, side[within], seen)

    def _same(self, clause: str, what: str, expected: object, seen: object) -> None:
        if expected != seen:
            self._violation(clause, f"{what}: the model says {expected}, the files {seen}")

    def _violation(self, clause: str, explanation: str) -> None:
        trace = Trace(
            geometry=self.geometry,
            entries=tuple(self.entries),
            target_writable=self.machine.target_writable,
            origin="stateful",
            clause=clause,
            finding=explanation,
        )
        raise ViolationError(Finding(clause, explanation, trace)) from None


def edge_name(state: State, event: Event) -> str:
    """How an edge of the lifecycle is counted."""
    return f"{state.value} -- {event.value}"


def run(
    runs: int,
    steps: int,
    random_seed: int,
    progress: Progress = silent,
    *,
    shrink: bool = True,
) -> Result:
    """That many runs of up to so many requests each; the same seed gives the same runs.

    Without `shrink` the first run that fails is reported as it is, for haste.
    """
    began = time.monotonic()
    drawn: type[Beside] = type("Beside", (Beside,), {"counts": Counter(), "goal": runs})
    drawn.progress = staticmethod(progress)
    finding = None
    try:
        run_state_machine_as_test(
            seed(random_seed)(drawn),
            settings=settings(
                max_examples=runs,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                print_blob=False,
                verbosity=Verbosity.quiet,
                phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
    except ViolationError as error:  # of the smallest run that fails
        finding = error.finding
    counts = dict(drawn.counts)
    return Result(
        part="stateful",
        amount=f"{counts.get('runs', 0)} runs, {counts.get('requests', 0)} requests",
        seconds=time.monotonic() - began,
        finding=finding,
        counts=counts,
        repeat=f"flashcopy check --seed {random_seed}",
    )


def missing(counts: dict[str, int]) -> list[str]:
    """What a run of any size must have fired and did not: operations, refusals, edges."""
    required = [kind.__name__ for kind in (Read, Write, WriteZeroes, Flush, Start, Sync, Stop)]
    required += ["BackgroundCopy", "reopen", "process crash"]
    required += [f"refused {kind}" for kind in ("invalid_argument", "invalid_state", "read_only")]
    required += [edge_name(*edge) for edge in EDGES]
    return sorted(name for name in required if not counts.get(name))
