"""An IUT beside the model, one request at a time: every answer is the model's or a violation.

What the model leaves open is taken from the IUT: how far the background copy is when nobody says
so, and so whether a stop leaves the target usable.
"""

from attrs import define, evolve, field

from flashcopy.conformance.adapter import RefusedError, Status
from flashcopy.conformance.check import Finding, ViolationError
from flashcopy.conformance.checks.asks import Ask, AskStatus
from flashcopy.conformance.checks.failing import after_a_failed_write, ask_until_it_works
from flashcopy.conformance.session import Session
from flashcopy.conformance.shrinking.diagnosis import explain
from flashcopy.conformance.wrong import NOT_SAID, Kind, Wrong, of_unreadable
from flashcopy.model import trace
from flashcopy.model import volume as model
from flashcopy.model.content import UnreadableBlockError
from flashcopy.model.geometry import blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import (
    FAILED,
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
from flashcopy.model.trace import Answer, Entry, Submit, Trace
from flashcopy.model.volume import Machine

_CLAUSES: dict[type[Operation], str] = {
    Write: "WRITE-2",
    WriteZeroes: "WRITE-4",
    Flush: "FLUSH-1",
    Start: "START-1",
    Sync: "SYNC-1",
    Stop: "STOP-1",
    BackgroundCopy: "COPY-2",
}
_REFUSALS = {
    Refusal.INVALID_ARGUMENT: "ERR-1",
    Refusal.INVALID_STATE: "ERR-2",
    Refusal.READ_ONLY: "ERR-3",
    Refusal.IO_ERROR: "ERR-6",
}


@define
class Comparison:
    """A session with an IUT, and the machine that says what it must answer.

    `asked` counts the requests, `writes` the writes: that is what their contents are taken from, so
    that no two on one IUT are alike.
    """

    session: Session
    writes: int = 0
    asked: int = field(default=0, init=False)
    _machine: Machine = field(init=False)
    _entries: list[Entry] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._machine = model.create(
            self.session.geometry, target_writable=self.session.target_writable
        )

    def step(self, operation: Operation) -> Outcome:
        """Ask one thing and hold the answer against the model's. Raises ViolationError.

        What fails in a device is asked again, but for a write: of that some blocks may have landed.
        """
        if not isinstance(operation, Write | WriteZeroes):
            seen = ask_until_it_works(self._asked, operation)
        else:
            seen = self._asked(operation)
            refused = isinstance(model.apply(self._machine, operation)[1], Refused)
            if seen == FAILED and not refused:
                self._keep_what_landed(operation)
                return seen
        if operation == Stop():
            self._follow_the_copy()
        self._machine, expected = model.apply(self._machine, operation)
        self._compare(operation, expected, seen)
        return seen

    def _asked(self, operation: Operation) -> Outcome:
        """Ask one thing and note the answer."""
        number, self.asked = self.asked, self.asked + 1
        self._entries.append(Submit(number, operation))
        try:
            seen = self.session.carry_out(operation)
        except UnreadableBlockError as error:
            expected = model.apply(self._machine, operation)[1]
            if isinstance(expected, Refused):
                why = f"{name(operation)}: must be {say(expected)}, was answered with data"
                wrong = Wrong(Kind.NOT_REFUSED, requests=(number,))
                raise self.violation(_REFUSALS[expected.kind], why, wrong) from None
            wrong = of_unreadable(error).seen_by(number)
            why = f"{name(operation)}: {error}"
            raise self.violation(_clause(operation), why, wrong) from None
        except RefusedError as error:
            why = f"{name(operation)} was answered `internal`: {error}"
            wrong = Wrong(Kind.INTERNAL, requests=(number,))
            raise self.violation(_clause(operation), why, wrong) from None
        self._entries.append(Answer(number, seen))
        return seen

    def _keep_what_landed(self, write: Write | WriteZeroes) -> None:
        """ERR-5, ERR-6: after a failed write each block is as it was or as it was to be."""
        self._machine, neither = after_a_failed_write(self._asked, self._machine, write)
        if neither:
            says = f"{name(write)} failed, and {write.volume.value} block {neither[0]} is neither"
            clause = "ERR-6" if write.volume is Volume.SOURCE else "ERR-5"
            wrong = Wrong(None, tuple(neither), (self.asked - 1,))
            raise self.violation(clause, f"{says} as it was nor as it was to be", wrong)

    def ask(self, asked: Ask) -> None:
        """Any ask; a write gets a content that is new, whatever it says."""
        if isinstance(asked, AskStatus):
            self.status()
        elif isinstance(asked, Write):
            self.writes += 1
            self.step(evolve(asked, content=self.writes))
        else:
            self.step(asked)

    def write(self, volume: Volume, first: int, blocks: int) -> Outcome:
        """Write a content that is new to a run of blocks."""
        self.writes += 1
        size = self.session.geometry.block_size
        return self.step(Write(volume, first * size, blocks * size, self.writes))

    def write_zeroes(self, volume: Volume, first: int, blocks: int) -> Outcome:
        """Zero a run of blocks."""
        size = self.session.geometry.block_size
        return self.step(WriteZeroes(volume, first * size, blocks * size))

    def read(self, volume: Volume, first: int = 0, blocks: int | None = None) -> Outcome:
        """Read a run of blocks; the whole volume if not said otherwise."""
        geometry = self.session.geometry
        blocks = geometry.blocks - first if blocks is None else blocks
        size = geometry.block_size
        return self.step(Read(volume, first * size, blocks * size))

    def look(self) -> None:
        """Read both volumes whole."""
        for volume in Volume:
            self.read(volume)

    def status(self) -> Status:
        """LIFE-1, COPY-4, COPY-5: the state is the model's, but for how far the copy is.

        Right after a background copy of all grains none may be left.
        """
        status = self.session.status()
        just_copied = self._entries[-2:-1] == [Submit(self.asked - 1, BackgroundCopy(None))]
        self._entries.append(trace.Status(status.state, status.copied, status.grains))
        if status.grains != self.session.geometry.grains:
            says = f"status says {status.grains} grains, there are {self.session.geometry.grains}"
            raise self.violation("GEO-1", says, Wrong(Kind.WRONG_STATE))
        # How far the copy is may differ, for an IUT may copy more than it must.
        tracking = {State.COPYING, State.COPIED}
        right = tracking if self._machine.state in tracking else {self._machine.state}
        if status.state not in right:
            says = f"the state is {status.state.value}, it must be {self._machine.state.value}"
            raise self.violation("LIFE-1", says, Wrong(Kind.WRONG_STATE))
        if (status.state is State.COPYING) == (status.copied == status.grains):
            says = f"{status.copied} of {status.grains} grains copied in state {status.state.value}"
            raise self.violation("COPY-4", says, Wrong(Kind.WRONG_STATE))
        if status.state is State.COPYING and just_copied:
            left = status.grains - status.copied
            says = (
                f"after a background copy of all grains (request #{self.asked - 1}) {left} of"
                f" {status.grains} are not copied: it has to begin at grain 0 again after each"
                " start and sync, and to leave none behind"
            )
            wrong = Wrong(Kind.NOT_COPIED, requests=(self.asked - 1,))
            raise self.violation("COPY-5", says, wrong)
        return status

    def copy_all(self) -> None:
        """COPY-4, COPY-5: a background copy of all grains that is asked for leaves none behind."""
        self.step(BackgroundCopy(None))
        self.status()

    def _follow_the_copy(self) -> None:
        """Before the model stops: has the IUT copied what the model has not?"""
        if self._machine.state is State.COPYING and self.session.status().state is State.IDLE:
            self._machine, _ = model.apply(self._machine, BackgroundCopy(None))

    def _compare(self, operation: Operation, expected: Outcome, seen: Outcome) -> None:
        if expected == seen:
            return
        what = name(operation)
        if isinstance(operation, Read) and isinstance(expected, Contents):
            if isinstance(seen, Contents):
                why, wrong = self._explain(operation, expected, seen)
                raise self.violation(_clause(operation), why, wrong)
        elif isinstance(expected, Copied) and isinstance(seen, Copied):
            asked = operation.grains if isinstance(operation, BackgroundCopy) else None
            if seen.grains < 0 or (asked is not None and seen.grains > asked):
                raise self.violation("COPY-2", f"{what} copied {seen.grains}", NOT_SAID)
            # How far a copy is beyond what was asked is the IUT's affair; its end is not.
            return
        clause = _REFUSALS[expected.kind] if isinstance(expected, Refused) else _clause(operation)
        kind = Kind.NOT_REFUSED if isinstance(expected, Refused) else None
        kind = Kind.REFUSED if kind is None and isinstance(seen, Refused) else kind
        wrong = Wrong(kind, requests=(self.asked - 1,))
        raise self.violation(clause, f"{what}: must be {say(expected)}, was {say(seen)}", wrong)

    def _explain(self, operation: Read, expected: Contents, seen: Contents) -> tuple[str, Wrong]:
        """The first block that is wrong, what its content is instead, and the likeliest cause."""
        blocks = blocks_of_request(self.session.geometry, operation.offset, operation.length)
        block, *contents = next(
            (block, right, wrong)
            for block, right, wrong in zip(blocks, expected.contents, seen.contents, strict=True)
            if right != wrong
        )
        history = [
            (entry.request, entry.operation) for entry in self._entries if isinstance(entry, Submit)
        ]
        geometry, (right, wrong) = self.session.geometry, contents
        says, why = explain(geometry, history[:-1], operation.volume, block, (right, wrong))
        return says, why.seen_by(history[-1][0])

    def violation(self, clause: str, explanation: str, wrong: Wrong) -> ViolationError:
        """A violation, that a check itself has seen too, with what led to it."""
        found = Trace(
            geometry=self.session.geometry,
            entries=tuple(self._entries),
            target_writable=self.session.target_writable,
            origin="conform",
            clause=clause,
            finding=explanation,
        )
        return ViolationError(Finding(clause, explanation, found, wrong=wrong))


def name(operation: Operation) -> str:
    """An operation in words, offsets and lengths in bytes."""
    word = type(operation).__name__.lower()
    match operation:
        case Read(volume, offset, length) | Write(volume, offset, length):
            return f"{word} {volume.value} {offset}+{length}"
        case WriteZeroes(volume, offset, length):
            return f"write zeroes {volume.value} {offset}+{length}"
        case Flush(volume):
            return f"flush {volume.value}"
        case BackgroundCopy(grains):
            return f"background copy of {'all' if grains is None else grains} grains"
    return word


def say(outcome: Outcome) -> str:
    """An outcome in words."""
    match outcome:
        case Refused(kind):
            return f"refused with {kind.value}"
        case Contents(contents):
            return f"answered with {len(contents)} blocks"
        case Copied(grains):
            return f"answered with {grains} copied"
        case Done():
            return "done"


def _clause(operation: Operation) -> str:
    if isinstance(operation, Read):
        return "READ-1" if operation.volume is Volume.SOURCE else "READ-2"
    if isinstance(operation, Write) and operation.volume is Volume.TARGET:
        return "WRITE-3"
    return _CLAUSES[type(operation)]
