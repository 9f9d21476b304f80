"""One run of the protocol under judgement: simulation, oracle and monitors together.

Whoever drives a trial (Hypothesis, a plain random driver, the replay of a trace) says what
happens next: submit, step, crash, reopen. The trial makes it happen, tells the oracle what took
effect, has every answer judged, and writes down what was done. It raises ViolationError, with
the trace that shows it, the moment something is wrong.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from attrs import evolve, frozen

from flashcopy.harness import coverage, judgement, mutants, requests, setup, wording
from flashcopy.harness.images_oracle import violation
from flashcopy.harness.judgement import Pending
from flashcopy.harness.minimality import MinimalityMonitor
from flashcopy.harness.mutant import Mutant, generator
from flashcopy.harness.patience import Patience
from flashcopy.harness.requests import Ask
from flashcopy.harness.result import Finding, ViolationError
from flashcopy.harness.rules import RuleMonitor
from flashcopy.harness.simulation import FAILED_DEVICE, Flight
from flashcopy.impl.effect import (
    Adopt,
    Commit,
    Device,
    Distrust,
    Effect,
    MarkCopied,
    MarkDiverged,
    NextUncopied,
    Read,
    Standing,
    Write,
)
from flashcopy.impl.errors import DeviceError
from flashcopy.model.lifecycle import Event, State, after, is_tracking
from flashcopy.model.operation import (
    Flush as FlushOperation,
)
from flashcopy.model.operation import (
    Operation,
    Outcome,
    Refused,
    Start,
    Stop,
    Sync,
    WriteZeroes,
)
from flashcopy.model.operation import (
    Write as WriteOperation,
)
from flashcopy.model.trace import Answer, Crash, Entry, Fault, Reopen, Step, Submit, Trace

# The number of the request that reads everything after a crash.
OBSERVER: Final = -1

_STATES = {Standing.IDLE: State.IDLE, Standing.STOPPED: State.STOPPED}
_EVENTS = {"start": Event.START, "sync": Event.SYNC, "stop": Event.STOP}


@frozen
class Watch:
    """Who may convict beside the oracle: the monitor of the ordering rules, that of minimality.

    The rules are watched in any case, to explain what the oracle finds.
    """

    rules: bool = True
    minimality: bool = True


ALL: Final = Watch()
ORACLE_ALONE: Final = Watch(rules=False, minimality=False)


class Trial:
    """A relationship in a simulation, judged as it goes. `head` says how it begins."""

    def __init__(
        self, head: Trace, watch: Watch = ALL, find: Callable[[str], Mutant] = mutants.by_name
    ) -> None:
        """`find` gives the mutant that the head names. Raises what it raises."""
        self.head = head
        self.mutant = find(head.settings.get("mutant", ""))
        self.options = setup.options_of(head)
        initial = setup.initial_of(head)
        self.simulation = self.mutant.simulation(
            setup.devices_of(head), self.mutant.memory, self.mutant.mapfile
        )
        setup.resume(self.simulation, initial)
        self.oracle = setup.oracle_of(initial)
        self.watch = watch
        self.rules = RuleMonitor(self.simulation)
        self.minimality = MinimalityMonitor(self.simulation, watch.minimality)
        self.minimality.begin()
        self.patience = Patience(self.simulation)
        self.in_flight: dict[int, Pending] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.failed: set[Device] = set()
        self.crashed = False
        self.counts: Counter[str] = Counter()
        self.steps = 0
        self._submitted = 0
        self.points = 0
        self._entries: list[Entry | tuple[int, Effect, int, Fault]] = []

    @property
    def state(self) -> State:
        """The state of the relationship, as its memory has it."""
        return State(self.simulation.memory.state.value)

    def submit(self, operation: Operation) -> int:
        """Hand a request over. Gives its number."""
        number = self._submitted
        self._submitted += 1
        self._entries.append(Submit(number, operation))
        geometry = self.simulation.geometry
        refused = requests.refuse(geometry, self.options, operation)
        if refused:
            self._record(number, refused)
            return number
        asked = requests.ask(geometry, operation)
        self._count_request(operation, asked)
        pending = Pending(operation, asked, self.oracle.answers, self.points, self.oracle.state)
        self.in_flight[number] = pending
        made = generator(self.mutant, geometry, self.options, asked)
        flight = self.simulation.submit(number, made)
        if flight.ended:
            self._answer(flight, pending)
        return number

    def step(self, number: int, fault: Fault = Fault.NONE) -> None:
        """A request carries out its next effect; with a fault, its device fails."""
        flight, pending = self.simulation.flights[number], self.in_flight[number]
        effect, done, was = flight.effect, flight.done, self.state
        assert effect is not None, "a request that has ended is not in flight"
        self._entries.append((number, effect, done, fault))
        self.steps += 1
        self.counts[f"effect {type(effect).__name__}"] += 1
        try:
            self._before(flight, pending, effect)
            result = self.simulation.step(number, fault)
            if isinstance(result, DeviceError):
                self._device_failed(number, pending, effect, result)
            if fault is not Fault.NONE:
                self.patience.begin()
            if fault is not Fault.LOST:
                self._took_effect(number, pending, effect, done)
            self._after(flight, pending, effect, was, result)
            if flight.ended:
                self._answer(flight, pending)
            if self.simulation.flights and not self.simulation.runnable():
                raise violation("CONC-4", "a deadlock: every request in flight waits for a lock")
        except ViolationError as error:
            raise self._explained(error) from None

    def crash(self, kept: Iterable[int]) -> None:
        """The power fails."""
        for flight in self.simulation.flights.values():
            self.counts[f"crash before {type(flight.effect).__name__}"] += 1
        self.counts["crashes"] += 1
        survivors = tuple(kept)
        self._entries.append(Crash(survivors))
        self.simulation.crash(survivors)
        self.in_flight.clear()
        self.crashed = True

    def reopen(self) -> None:
        """REC-1: the relationship is opened, and what it holds is compared with what may be."""
        self._entries.append(Reopen())
        self.simulation.crash(self.simulation.pending())
        self.in_flight.clear()
        self.failed.clear()
        self.crashed = False
        self.simulation.open()
        self.minimality.begin()
        self.patience.begin()
        try:
            source = self._read_all(Ask("read_source", self._every_block()))
            if source is None:
                raise violation("READ-1", "the source cannot be read after the crash")
            target = self._read_all(Ask("read_target", self._every_block()))
            self.oracle.recovered(self.state, source, target)
        except ViolationError as error:
            raise self._explained(error) from None

    def check_at_rest(self) -> None:
        """INV-1, INV-2 and READ-2 for every grain, from bits and raw devices; nothing in flight."""
        try:
            judgement.check_grains(self.simulation, self.oracle)
            if self.watch.rules and self.rules.broken:
                raise violation(*self.rules.broken)
        except ViolationError as error:
            raise self._explained(error) from None

    def complaint(self, clause: str, explanation: str) -> ViolationError:
        """A violation that only the driver of the trial could see, with its trace."""
        return self._explained(violation(clause, explanation))

    def trace(self, finding: Finding | None = None) -> Trace:
        """What was done so far, as a trace that replays it."""
        entries = tuple(
            entry
            if not isinstance(entry, tuple)
            else Step(entry[0], wording.of_effect(entry[1], entry[2]), entry[3])
            for entry in self._entries
        )
        clause, text = (finding.clause, finding.explanation) if finding else ("", "")
        return evolve(self.head, entries=entries, clause=clause, finding=text)

    def _before(self, flight: Flight, pending: Pending, effect: Effect) -> None:
        asked = pending.asked
        self.rules.before(flight, asked, effect)
        is_host_write = isinstance(effect, Write) and asked.writes(effect)
        self.minimality.before(flight, effect, is_host_write=is_host_write)
        if isinstance(effect, Read) and asked.reads and flight.done < len(effect.blocks):
            block = effect.blocks[flight.done]
            pending.expected[block] = self.oracle.image(asked.volume, block)
        elif isinstance(effect, Commit):
            if effect.standing is not Standing.TRACKING:
                self.oracle.standing_offered(_STATES[effect.standing])
            elif pending.world is None:
                pending.world = self.oracle.point_offered(flight.number)

    def _took_effect(self, number: int, pending: Pending, effect: Effect, done: int) -> None:
        """Tell the oracle what has changed for readers, at this instant."""
        if isinstance(effect, Write):
            if pending.asked.writes(effect) and done < len(effect.blocks):
                block, volume = effect.blocks[done], pending.asked.volume
                content = requests.decode(effect.data)[done]
                pending.records.append(self.oracle.wrote(volume, block, content, number))
        elif isinstance(effect, Distrust):
            self.oracle.standing_taken(State.STOPPED)
        elif isinstance(effect, Adopt):
            if effect.standing is not Standing.TRACKING:
                self.oracle.standing_recorded(_STATES[effect.standing])
                return
            self.points += 1
            if pending.world is None:
                pending.world = self.oracle.point_offered(number)
            self.oracle.point_taken(pending.world)

    def _after(
        self, flight: Flight, pending: Pending, effect: Effect, was: State, result: Any
    ) -> None:
        """Let the monitors see it, and judge what it did to the state."""
        self.rules.after(flight, effect, result)
        if flight.waiting:
            self.counts[f"wait for {type(effect).__name__}"] += 1
        elif isinstance(effect, Adopt):
            if effect.standing is Standing.TRACKING:
                self.minimality.after_point(is_sync=pending.asked.name == "sync")
            event = _EVENTS.get(pending.asked.name)
            if event and (effect.standing is Standing.TRACKING) == (event is not Event.STOP):
                self._moved(was, event)
        elif isinstance(effect, Distrust):
            if is_tracking(was):
                self._moved(was, Event.FAILURE)
        elif isinstance(effect, (MarkCopied, MarkDiverged)):
            if was is State.COPYING and self.state is State.COPIED:
                self._moved(was, Event.LAST_GRAIN_COPIED)
        elif isinstance(effect, NextUncopied) and not result and self.state is State.COPYING:
            raise violation("COPY-3", "background copy finds nothing left, yet a grain is uncopied")

    def _moved(self, was: State, event: Event) -> None:
        """LIFE-1: the table says where an event leads."""
        self.counts[coverage.edge(was, event)] += 1
        now = self.state
        if after(was, event, all_copied=now is State.COPIED) is not now:
            raise violation("LIFE-1", f"{event.value} in state {was.value} leads to {now.value}")

    def _device_failed(
        self, number: int, pending: Pending, effect: Effect, error: DeviceError
    ) -> None:
        device = FAILED_DEVICE[type(error)]
        self.counts[f"failure of {type(effect).__name__}"] += 1
        self.failed.add(device)
        pending.failed.add(device)
        self.minimality.failed(number)

    def _answer(self, flight: Flight, pending: Pending) -> None:
        del self.in_flight[flight.number]
        self.minimality.ended(flight.number)
        outcome = requests.outcome(pending.asked, flight.result, flight.error)
        self._record(flight.number, outcome)
        judgement.judge(self, flight.number, pending, outcome)
        self.patience.ended(pending.operation, outcome)
        oracle = self.oracle
        if isinstance(outcome, Refused):
            return
        match pending.operation:
            case WriteOperation() | WriteZeroes():
                oracle.answered(pending.records)
            case FlushOperation(volume):
                oracle.flushed(volume, pending.since)
            case Start() | Sync():
                assert pending.world is not None, "judged already"
                oracle.point_answered(pending.world)
            case Stop():
                oracle.stop_answered()

    def _record(self, number: int, outcome: Outcome) -> None:
        self._entries.append(Answer(number, outcome))
        self.outcomes[number] = outcome

    def _read_all(self, asked: Ask) -> tuple[int, ...] | None:
        """A volume as its readers see it; None if it refuses I/O. Not part of the trace."""
        made = generator(self.mutant, self.simulation.geometry, self.options, asked)
        flight = self.simulation.submit(OBSERVER, made)
        while not flight.ended:
            self.simulation.step(OBSERVER)
        return None if flight.error else requests.decode(flight.result)

    def _every_block(self) -> range:
        return range(self.simulation.geometry.blocks)

    def _count_request(self, operation: Operation, asked: Ask) -> None:
        self.counts[f"request {asked.name}"] += 1
        if isinstance(operation, WriteZeroes):
            self.counts["zeroes"] += 1
        if (asked.reads or asked.is_write) and not asked.blocks:
            self.counts["nothing"] += 1
        if len(self.simulation.geometry.grains_of(asked.blocks)) > 1:
            self.counts["several grains"] += 1

    def _explained(self, error: ViolationError) -> ViolationError:
        """The violation with its trace, and with the ordering rule that was broken before it."""
        finding = error.finding
        broken = self.rules.broken
        if broken and broken[0] != finding.clause:
            finding = evolve(
                finding, explanation=f"{finding.explanation}. Before that, {broken[0]}: {broken[1]}"
            )
        return ViolationError(evolve(finding, trace=self.trace(finding)))
