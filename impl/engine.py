"""The effects of the protocol on real files, with threads.

A request runs in the thread that made it, in the protocol's direct form (`direct`), and calls one
method of the engine for each effect. The bits, the locks and the map file's bytes are those of
`memory`, `locks` and `mapfile`, one thread at a time (LOCK-5); device I/O runs side by side. A
thread makes one request at a time, so the thread's number stands for it in the lock tables.

The effects of an ordinary host request, whose locks are free and whose grains are settled, are
kept short: every microsecond here is felt.
"""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import get_ident
from typing import Any

from flashcopy.impl.effect import (
    EXCLUSIVE,
    MAP,
    SOURCE,
    TARGET,
    Device,
    Mode,
    Point,
    Runs,
    Standing,
    State,
)
from flashcopy.impl.errors import ClosedError, DeviceError, FlashCopyError
from flashcopy.impl.files import Data, File
from flashcopy.impl.flush import GroupCommit
from flashcopy.impl.locks import LockTable
from flashcopy.impl.mapfile import MapFile, MapWrite
from flashcopy.impl.memory import Memory

_EVERYTHING = range(1)


class Engine:
    """The devices, memory and locks of one open relationship, and the effects on them.

    `durable` is whether flushes reach the disk; without, they are counted and left out, and what
    was written survives the process but not the machine. `requests` counts those that took
    grains, which is how the background copy sees that hosts are active.
    """

    def __init__(
        self, files: dict[Device, File], mapfile: MapFile, memory: Memory, *, durable: bool
    ) -> None:
        self.files = files
        self.mapfile = mapfile
        self.memory = memory
        self.flushes = {
            device: GroupCommit(file.flush if durable else _nothing)
            for device, file in files.items()
        }
        self.requests = 0
        self.closed = False
        self._read_source, self._write_source = files[SOURCE].read, files[SOURCE].write
        self._read_target, self._write_target = files[TARGET].read, files[TARGET].write
        self.geometry = mapfile.identity.geometry
        self._block_size = self.geometry.block_size
        self._grains = LockTable()
        self._copier = LockTable()
        self._waiting: dict[Hashable, threading.Event] = {}
        # The bits and the lock tables; never held during device I/O.
        self._mutex = threading.Lock()
        # What the way of an ordinary request needs of them, looked up once.
        self._enter = self._mutex.acquire
        self._leave = self._mutex.release
        self._request_grains = self._grains.request
        self._release_grains = self._grains.release
        # The map file's bytes: what is written to it is written in the order it was computed in.
        self._map_mutex = threading.Lock()
        # Who has committed a header that memory does not follow yet.
        self._committed: int | None = None
        # Who has distrusted the maps, and so relies on nothing that the map file's flushes have
        # lost up to then: the last one that had failed.
        self._distrusting: dict[int, int] = {}
        self._helper = ThreadPoolExecutor(1, "flashcopy-flush")

    def run(self, request: Callable[..., Any], *args: Any, **options: bool) -> Any:
        """Run a request of the direct protocol to its end and give its result, or raise its error.

        Whoever is in a greater hurry calls the request itself, and `release` after it.
        """
        try:
            return request(self, self.geometry, *args, **options)
        except FlashCopyError:
            raise
        except BaseException:  # an interrupt, say, at any line
            self._distrust_if_committed()
            raise
        finally:
            self.release()

    def status(self) -> tuple[State, int, int]:
        """The state, the number of copied grains, and the generation, at one moment."""
        with self._mutex:
            memory = self.memory
            copied = memory.grains - memory.uncopied_count
            return memory.state, copied, self.mapfile.header.generation

    def bitmaps(self) -> tuple[bytes, bytes]:
        """The copied and the modified map, at one moment; the padding may hold anything."""
        with self._mutex:
            memory = self.memory
            if memory.standing is not Standing.TRACKING:
                everything = b"\xff" * (len(memory.copied) // 8)
                return everything, everything
            return memory.copied.tobytes(), memory.modified.tobytes()

    def stands_in_line(self, thread: int) -> bool:
        """Whether the request of that thread waits for a lock."""
        with self._mutex:
            return thread in self._waiting

    def flush_all(self) -> None:
        """Make all three devices durable; one that fails keeps no other from it."""
        with ExitStack() as every:
            for flushes in self.flushes.values():
                every.callback(flushes.flush)

    def shut(self) -> None:
        """Wait until every request has ended, and refuse new ones from then on.

        Raises ClosedError if somebody else does so already.
        """
        self._take(self._copier, self, _EVERYTHING, EXCLUSIVE)
        self._take(self._grains, self, self.geometry.all_grains(), EXCLUSIVE)
        with self._mutex:
            self.closed = True
            for event in self._waiting.values():
                event.set()
        self._helper.shutdown()

    def _distrust_if_committed(self) -> None:
        """ERR-5: cut off between header and memory, a request leaves the two apart: so stop.

        Its locks are still held, so nobody has gone by the wrong one yet.
        """
        if self._committed == get_ident():
            self.distrust()

    def _take(self, table: LockTable, holder: Hashable, run: range, mode: Mode) -> None:
        """Take a run in a lock table, waiting for it if need be."""
        with self._mutex:
            if self.closed:
                raise _closed()
            if table.request(holder, run, mode):
                return
            event = self._stand_in_line(holder)
        self._await(event)

    def _stand_in_line(self, holder: Hashable) -> threading.Event:
        if self.closed:
            raise _closed()
        self._waiting[holder] = event = threading.Event()
        return event

    def _await(self, event: threading.Event) -> None:
        event.wait()
        if self.closed:
            raise _closed()

    def release(self) -> None:
        """This thread's request has ended: its locks go on to whoever waits for them."""
        me = get_ident()
        self._enter()
        granted = self._release_grains(me)
        if self._copier.held:
            granted = granted + self._copier.release(me)
        if granted:
            for holder in granted:
                self._waiting.pop(holder).set()
        if self._distrusting:
            self._distrusting.pop(me, None)
        self._leave()

    # The effects, in the order of `effect`, which says what each does.

    def acquire_copier(self) -> State:
        """Effect `AcquireCopier`."""
        self._take(self._copier, get_ident(), _EVERYTHING, EXCLUSIVE)
        return self.memory.state

    def acquire_grains(self, grains: range, mode: Mode) -> State:
        """Effect `AcquireGrains`."""
        me = get_ident()
        self._enter()
        self.requests += 1
        if self._request_grains(me, grains, mode):
            self._leave()
            return self.memory.state
        try:
            event = self._stand_in_line(me)
        finally:
            self._leave()
        self._await(event)
        return self.memory.state

    def read(self, device: Device, blocks: range) -> Data:
        """Effect `Read`."""
        start, block_size = blocks.start, self._block_size
        read = self._read_source if device is SOURCE else self._read_target
        return read(start * block_size, (blocks.stop - start) * block_size)

    def write(self, device: Device, blocks: range, data: Data) -> None:
        """Effect `Write`."""
        write = self._write_source if device is SOURCE else self._write_target
        write(blocks.start * self._block_size, data)

    def flush(self, devices: tuple[Device, ...]) -> None:
        """Effect `Flush`: several devices at the same time."""
        if self.closed:
            raise _closed()
        # Who has distrusted the maps may record that in the map file; the others are not spared.
        knowing = dict.fromkeys(devices, 0) | {MAP: self._distrusting.get(get_ident(), 0)}
        first, *others = devices
        flushing = [
            self._helper.submit(self.flushes[device].flush, knowing=knowing[device])
            for device in others
        ]
        errors: list[BaseException] = []
        try:
            self.flushes[first].flush(knowing=knowing[first])
        except DeviceError as error:
            errors.append(error)
        errors += [failure for future in flushing if (failure := future.exception())]
        if errors:
            raise errors[-1]  # the map comes last, and its failure has the gravest consequence

    def unsettled(self, grains: range) -> Runs:
        """Effect `Unsettled`.

        Without the mutex: a write holds these grains alone, so nobody sets a bit of them meanwhile
        but to stop. A start that finds the state stopped asks of all grains, and only whether
        there are any: a bit that is set beside it changes nothing in that.
        """
        return self.memory.unsettled(grains)

    def uncopied(self, grains: range) -> Runs:
        """Effect `Uncopied`. Reads ask too, and the background copy shares their grains.

        The bit of one grain needs no mutex: while the grain is held, it can only become 1.
        """
        first = grains.start
        if grains.stop == first + 1 and self.memory.copied[first]:
            return ()
        with self._mutex:
            return self.memory.uncopied(grains)

    def next_uncopied(self, limit: int) -> range:
        """Effect `NextUncopied`."""
        with self._mutex:
            return self.memory.next_uncopied(limit)

    def mark_copied(self, runs: Runs) -> None:
        """Effect `MarkCopied`."""
        with self._mutex:
            self.memory.mark_copied(runs)

    def mark_diverged(self, runs: Runs) -> None:
        """Effect `MarkDiverged`."""
        with self._mutex:
            self.memory.mark_diverged(runs)

    def settle(self, runs: Runs) -> None:
        """Effect `Settle`."""
        with self._mutex:
            self.memory.settle(runs)

    def distrust(self) -> None:
        """Effect `Distrust`: this request relies on nothing that was flushed before."""
        with self._mutex:
            self.mapfile.distrust(self.memory)
            self._committed = None
            self._distrusting[get_ident()] = self.flushes[MAP].failed

    def adopt(self, standing: Standing) -> None:
        """Effect `Adopt`. Once stopped, nobody relies on what a failed flush lost."""
        with self._mutex:
            self.mapfile.adopt(self.memory, standing)
            self._committed = None
            self._distrusting.pop(get_ident(), None)
        if standing is Standing.STOPPED:
            for device in (TARGET, MAP):
                self.flushes[device].forgive()

    def save(self, runs: Runs) -> None:
        """Effect `Save`."""
        with self._map_mutex:
            with self._mutex:
                writes = self.mapfile.save(self.memory, runs)
            self._write_map(writes)

    def prepare(self, point: Point) -> bool:
        """Effect `Prepare`."""
        with self._map_mutex:
            with self._mutex:
                writes = self.mapfile.prepare(self.memory, point)
            try:
                self._write_map(writes)
            except DeviceError:
                self.mapfile.unprepare()
                raise
        return bool(writes)

    def commit(self, standing: Standing) -> None:
        """Effect `Commit`."""
        with self._map_mutex:
            with self._mutex:
                writes = self.mapfile.commit(standing)
                self._committed = get_ident()
            self._write_map(writes)

    def _write_map(self, writes: list[MapWrite]) -> None:
        for offset, data in writes:
            self.files[MAP].write(offset, data)


class ReadingInto:
    """An engine whose reads go into one buffer and give a view of it, valid until the next.

    For the background copy, which passes on what it read and forgets it: no new memory for each
    batch.
    """

    def __init__(self, engine: Engine, buffer: memoryview) -> None:
        self._engine = engine
        self._buffer = buffer

    def __getattr__(self, effect: str) -> Any:
        return getattr(self._engine, effect)

    def read(self, device: Device, blocks: range) -> memoryview:
        """Effect `Read`."""
        block_size = self._engine.geometry.block_size
        part = self._buffer[: len(blocks) * block_size]
        self._engine.files[device].read_into(part, blocks.start * block_size)
        return part


def _nothing() -> None:
    """What a flush does where durability ends with the process."""


def _closed() -> ClosedError:
    return ClosedError("the relationship is closed: open it again")
