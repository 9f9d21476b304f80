"""A schedule forced on the threaded engine: the steps of a trace, on real files.

Every request gets a thread and runs as in real use, except that between the protocol and the
engine stands a turnstile: it lets an effect through only when the trace says that this request
takes its step. So what was found on the simulation can be seen on the engine, effect by effect.
What cannot be forced: a loss of power (files keep what was written), and the instant of each
block within one read or write (the system's call takes them all).
"""

import errno
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from attrs import define, field

from flashcopy.conformance.blocks import contents_of, data_of, fill
from flashcopy.harness import mapdisk, requests, setup, wording
from flashcopy.harness.schedule import BLOCK
from flashcopy.impl import opening
from flashcopy.impl.direct import direct_protocol, method_name
from flashcopy.impl.effect import MAP, Device, Effect
from flashcopy.impl.engine import Engine
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.files import File
from flashcopy.model.content import UnreadableBlockError
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    Contents,
    Copied,
    Done,
    Operation,
    Outcome,
    Read,
    Refusal,
    Refused,
    Write,
    WriteZeroes,
)
from flashcopy.model.trace import (
    Answer,
    Crash,
    Entry,
    Fault,
    Kill,
    PowerLoss,
    Reopen,
    Step,
    Submit,
    Trace,
)
from flashcopy.model.wording import of_outcome

# Seconds after which a thread that did not come to its next effect never will.
_PATIENCE = 10.0
_EFFECTS = {method_name(kind.__name__): kind for kind in get_args(Effect)}
_DEVICE_OF_MAP_EFFECTS = {"save": MAP, "prepare": MAP, "commit": MAP}


class EngineDiffersError(Exception):
    """The engine went another way than the trace says."""


class CannotBeForcedError(Exception):
    """The trace asks for what nobody can make real files do."""


@define
class Turnstile:
    """Stands in for the engine before one request; `arrived` is the effect that waits here."""

    engine: Engine
    turn: threading.Condition = field(factory=threading.Condition)
    arrived: Effect | None = None
    devices: tuple[Device, ...] = ()
    blocks: int = 1
    open: bool = False
    busy: bool = False
    parked: bool = False

    def says(self, done: int) -> str:
        """The effect that waits here, in a trace's words."""
        return wording.of_effect(self.arrived, done) if self.arrived else "nothing"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The protocol calls a method for each effect."""

        def carry_out(*fields: Any) -> Any:
            with self.turn:
                self.arrived = _EFFECTS[name](*fields)
                self.devices = _devices(name, fields)
                self.blocks = len(fields[1]) if name in ("read", "write") else 1
                self.turn.notify_all()
                self.turn.wait_for(lambda: self.open)
                self.open, self.arrived = False, None
            try:
                return getattr(self.engine, name)(*fields)
            finally:
                with self.turn:
                    self.busy = False
                    self.turn.notify_all()
                    # Who stood in line has its lock now, and takes another step to go on with it.
                    self.turn.wait_for(lambda: not self.parked or self.open)
                    self.open = self.parked = False

        return carry_out


@define
class Runner:
    """A request in a thread of its own. `done` counts the steps of its effect taken so far."""

    geometry: Geometry
    operation: Operation
    stile: Turnstile
    thread: threading.Thread = field(init=False)
    done: int = 0
    outcome: Outcome | None = None

    def __attrs_post_init__(self) -> None:
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def step(self, effect: str, fault: Fault, files: dict[Device, File]) -> None:
        """Let the request carry out its next effect. Raises EngineDiffersError.

        A read or write of several blocks, a step each, is carried out at the last of them: its
        grains are held all the while, so nobody can tell.
        """
        stile = self.stile
        with stile.turn:
            if stile.parked:
                self._await(lambda: not stile.busy, "gets its lock")
                stile.open = True
                stile.turn.notify_all()
                self._await_next()
                return
            self._await(lambda: bool(stile.arrived), "comes to its next effect")
            if effect not in ("", stile.says(self.done)):
                raise EngineDiffersError(f"the engine goes on with {stile.says(self.done)}")
            self.done += 1
            if self.done < stile.blocks and fault is Fault.NONE:
                return
            breakage = Breakage(files, stile.devices, fault, self.done - 1)
            self.done = 0
            stile.open = stile.busy = True
            stile.turn.notify_all()
            # A request that stands in line for a lock goes on by itself when its time comes.
            self._await(lambda: not stile.busy or self._in_line(), "ends its effect")
            stile.parked = stile.busy
            breakage.mend()
            if not stile.parked:
                self._await_next()
            if fault is not Fault.NONE and not breakage.happened:
                raise CannotBeForcedError("the engine does not use the device that is to fail")

    def end(self) -> Outcome:
        """The outcome; raises EngineDiffersError if the request does not end."""
        self.thread.join(_PATIENCE)
        if self.outcome is None:
            raise EngineDiffersError("the request does not end here")
        return self.outcome

    def _await_next(self) -> None:
        """Until it stands before its next effect or has ended, and so given back its locks."""
        self._await(lambda: self.stile.arrived is not None or not self.thread.is_alive(), "goes on")

    def _in_line(self) -> bool:
        return self.stile.engine.stands_in_line(self.thread.ident or 0)

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        """Wait, looking now and then as well: nobody notifies of a request that stands in line."""
        for _ in range(int(_PATIENCE / 0.002)):
            if condition():
                return
            self.stile.turn.wait(0.002)
        raise EngineDiffersError(f"the request never {what}")

    def _work(self) -> None:
        try:
            self.outcome = self._carry_out()
        except FlashCopyError as error:
            self.outcome = Refused(Refusal(error.kind))
        except UnreadableBlockError:
            self.outcome = None

    def _carry_out(self) -> Outcome:
        identity = self.stile.engine.mapfile.identity
        options = requests.Options(identity.target_writable, identity.keep_target)
        refused = requests.refuse(identity.geometry, options, self.operation)
        if refused:
            return refused
        asked = requests.ask(identity.geometry, self.operation)
        request = getattr(direct_protocol, asked.name)
        try:
            result = request(self.stile, *self._arguments(asked), **_keep(asked, options))
        finally:
            self.stile.engine.release()
        if isinstance(self.operation, Read):
            first = asked.blocks.start
            return Contents(contents_of(self.geometry, self.operation.volume, first, result))
        return Copied(result) if asked.name == "background_copy" else Done()

    def _arguments(self, asked: requests.Ask) -> tuple[Any, ...]:
        geometry = self.stile.engine.geometry
        match self.operation:
            case Read():
                return geometry, asked.blocks
            case Write():
                data = data_of(self.geometry, self.operation)
                return geometry, asked.blocks, data
            case WriteZeroes(_, _, length):
                return geometry, asked.blocks, bytes(length)
        if asked.name.startswith("flush"):
            return ()
        return (geometry, asked.limit) if asked.name == "background_copy" else (geometry,)


def _keep(asked: requests.Ask, options: requests.Options) -> dict[str, bool]:
    takes_it = asked.name in ("write_source", "background_copy")
    return {"keep_target": options.keep_target} if takes_it else {}


def _devices(name: str, fields: tuple[Any, ...]) -> tuple[Device, ...]:
    """The devices that an effect uses, and whose failure makes it fail."""
    if name in ("read", "write"):
        return (fields[0],)
    if name == "flush":
        devices: tuple[Device, ...] = fields[0]
        return devices
    return (_DEVICE_OF_MAP_EFFECTS[name],) if name in _DEVICE_OF_MAP_EFFECTS else ()


class Breakage:
    """A device that fails until it is mended, after so many blocks of a write have landed.

    The first of the effect's devices fails, having done nothing more; or, if its work is to land
    all the same, the last one. Of a read or write of several blocks it is one block that fails, so
    one more has landed then, and not those behind it.
    """

    def __init__(
        self, files: dict[Device, File], devices: tuple[Device, ...], fault: Fault, landed: int
    ) -> None:
        self.happened = False
        self._fault = fault
        self._file = files[devices[-1 if fault is Fault.LANDED else 0]] if devices else None
        self._landed: int | None = (landed + (fault is Fault.LANDED)) * BLOCK
        if fault is Fault.LANDED and MAP in devices:
            self._landed = None  # everything: what is written to the map file is one step
        if fault is not Fault.NONE and self._file is not None:
            self._whole = self._file.pread, self._file.pwrite, self._file.fdatasync
            self._file.pread, self._file.pwrite, self._file.fdatasync = (
                self._read,
                self._write,
                self._flush,
            )

    def mend(self) -> None:
        """The device works again."""
        if self._fault is not Fault.NONE and self._file is not None:
            self._file.pread, self._file.pwrite, self._file.fdatasync = self._whole

    def _read(self, *_: Any) -> bytes:
        raise self._error()

    def _write(self, fd: int, data: Any, offset: int) -> int:
        self._whole[1](fd, data[: self._landed], offset)
        raise self._error()

    def _flush(self, *_: Any) -> None:
        raise self._error()

    def _error(self) -> OSError:
        self.happened = True
        return OSError(errno.EIO, "made to fail")


def open_engine(trace: Trace, directory: Path) -> tuple[Engine, dict[Device, File]]:
    """Real files that hold what the trace starts with, and an engine on them."""
    geometry, initial = trace.geometry, setup.initial_of(trace)
    source, target = setup.sides_of(initial)
    data = fill(geometry, Volume.SOURCE, source)
    (directory / "source").write_bytes(data)
    block = geometry.block_size
    # A block that both sides hold is one the target got from the source, data and all.
    own = fill(geometry, Volume.TARGET, target)
    (directory / "target").write_bytes(
        b"".join(
            (data if target[at] == source[at] else own)[at * block : (at + 1) * block]
            for at in range(geometry.blocks)
        )
    )
    blocks = setup.devices_of(trace)[MAP]
    (directory / "map").write_bytes(mapdisk.file_bytes(blocks))
    opened = opening.reopen(
        directory / "map", directory / "source", directory / "target", File, durable=True
    )
    return Engine(opened.files, opened.mapfile, opened.memory, durable=True), opened.files


def force(trace: Trace) -> int:
    """Run the trace on the engine. Gives how many entries there are, all as the trace says.

    Raises EngineDiffersError where the engine goes another way and CannotBeForcedError where
    nobody can make it go that way, both with the number of the entry.
    """
    with tempfile.TemporaryDirectory(prefix="flashcopy-") as directory:
        engine, files = open_engine(trace, Path(directory))
        runners: dict[int, Runner] = {}
        try:
            for at, entry in enumerate(trace.entries):
                try:
                    _carry_out(trace, entry, engine, files, runners)
                except (EngineDiffersError, CannotBeForcedError) as error:
                    where = f"entry {at} of {len(trace.entries)}"
                    raise type(error)(f"{where}: {error}") from None
        finally:
            for file in files.values():
                file.close()
    return len(trace.entries)


def _carry_out(
    trace: Trace,
    entry: Entry,
    engine: Engine,
    files: dict[Device, File],
    runners: dict[int, Runner],
) -> None:
    match entry:
        case Submit(number, operation):
            runners[number] = Runner(trace.geometry, operation, Turnstile(engine))
        case Step(number, effect, fault):
            runners[number].step(effect, fault, files)
        case Answer(number, outcome):
            seen = runners[number].end()
            if seen != outcome:
                raise EngineDiffersError(
                    f"the engine answers request {number}: {of_outcome(seen)};"
                    f" the trace says {of_outcome(outcome)}"
                )
        case Crash() | PowerLoss():
            raise CannotBeForcedError("files keep what was written when the power fails")
        case Kill() | Reopen():
            raise CannotBeForcedError("the trace goes on with another engine")
