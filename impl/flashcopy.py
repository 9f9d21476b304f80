"""Incremental flashcopy between two files: the part of the implementation that its user sees.

A relationship ties a *source* to a *target* of the same size, and a *map file* remembers how.
`start` makes the target the source as it is now; `sync` does so again and copies only what
changed since. Both are answered at once, and reading and writing go on meanwhile:

    with FlashCopy.create("disk", "copy", "disk.map") as pair:
        pair.start()
        pair.source.write(0, data)     # the target keeps what was there before
        pair.wait()                    # the background copy is complete
        pair.sync()                    # now the target has it too

Any number of threads may use a relationship at a time. Everything it refuses or fails to do is
an exception of its own (`errors`), raised before anything changed unless that says otherwise.
"""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from attrs import frozen

from flashcopy.impl import opening
from flashcopy.impl.copier import Batches, Copier, require_complete
from flashcopy.impl.direct import direct_protocol
from flashcopy.impl.effect import MAP, SOURCE, TARGET, State
from flashcopy.impl.engine import Engine
from flashcopy.impl.errors import InvalidArgumentError, InvalidStateError
from flashcopy.impl.files import File
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.opening import Opened, OpenFile
from flashcopy.impl.volume import Volume, source_volume, target_volume

# `full` survives a loss of power, `process` only a crash of the process (DUR-1).
Durability = Literal["full", "process"]
FilePath = str | os.PathLike[str]


@frozen
class Flushes:
    """How often each device was flushed since the relationship was opened."""

    source: int
    target: int
    map: int


@frozen
class Status:
    """What a relationship is at. `copied` and `grains` count grains; see `effect.State`.

    `generation` counts the starts, syncs and stops of its life; `error` is what the background
    copy stopped on, None while all is well.
    """

    state: State
    copied: int
    grains: int
    generation: int
    error: Exception | None
    flushes: Flushes


@frozen
class Bitmaps:
    """Both maps at one moment: bit g of byte g//8 counted from the least significant."""

    copied: bytes
    modified: bytes


class FlashCopy:
    """One open relationship; made by `create` and `open`. Ends with `close` or a `with` block."""

    def __init__(self, opened: Opened, *, durability: Durability, background: bool) -> None:
        self._engine = Engine(
            opened.files, opened.mapfile, opened.memory, durable=durability == "full"
        )
        self._files = opened.files
        self._closing = threading.Lock()
        self._batches = Batches(self._engine)
        self._copier = Copier(self._engine) if background else None
        self.geometry: Geometry = opened.mapfile.identity.geometry
        self.source: Volume = source_volume(self._engine)
        self.target: Volume = target_volume(self._engine)

    @classmethod
    def create(
        cls,
        source: FilePath,
        target: FilePath,
        map: FilePath,
        *,
        grain_size: int = 65536,
        block_size: int = 4096,
        target_writable: bool = True,
        keep_target: bool = False,
        durability: Durability = "full",
        background: bool = True,
        open_file: OpenFile = File,
    ) -> Self:
        """A new relationship, idle, between two files or block devices; it changes neither.

        Sizes are bytes. With `durability` "full" what was flushed survives a loss of power, with
        "process" only a crash of the process (DUR-1). With `keep_target` a target that cannot be
        written (a full disk) fails the write to the source instead of stopping the relationship
        (ERR-5). `background` is whether a thread copies by itself; without it, only `copy` does.
        `open_file` makes the three files, so that a test can give failing ones.

        Raises GeometryError, SameFileError, MapExistsError, or a DeviceError for a file that
        cannot be opened (ERR-9). There is no map file then.
        """
        _check_durability(durability)
        opened = opening.create(
            Path(source),
            Path(target),
            Path(map),
            open_file,
            block_size=block_size,
            grain_size=grain_size,
            target_writable=target_writable,
            keep_target=keep_target,
        )
        return cls(opened, durability=durability, background=background)

    @classmethod
    def open(
        cls,
        map: FilePath,
        *,
        source: FilePath | None = None,
        target: FilePath | None = None,
        durability: Durability = "full",
        background: bool = True,
        open_file: OpenFile = File,
    ) -> Self:
        """The relationship that a map file tells of, after a close or a crash (REC-1).

        `source` and `target` say where the files are now if they were moved; other files than
        the ones they were make the copy wrong, and nothing can tell.

        Raises MapFileError, GeometryError, SameFileError or a DeviceError; nothing has changed.
        """
        _check_durability(durability)
        opened = opening.reopen(
            Path(map),
            Path(source) if source is not None else None,
            Path(target) if target is not None else None,
            open_file,
            durable=durability == "full",
        )
        return cls(opened, durability=durability, background=background)

    def start(self) -> None:
        """START-1: the target becomes the source as it is now. Allowed in every state."""
        self._engine.run(direct_protocol.start)
        self._wake()

    def sync(self) -> None:
        """SYNC-1: the target becomes the source as it is now; only what differs is copied.

        Raises NotStartedError in idle and stopped.
        """
        self._engine.run(direct_protocol.sync)
        self._wake()

    def stop(self) -> None:
        """STOP-1: end tracking; the target is usable after only if all was copied."""
        self._engine.run(direct_protocol.stop)
        self._wake()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, so many seconds at most, until every grain is copied. Whether it came to that.

        Raises what the background copy failed on, TargetStoppedError if it was stopped.
        """
        if self._copier is not None:
            return self._copier.wait(timeout)
        if self._engine.memory.state is State.COPYING:
            raise InvalidStateError("wait without a background copy: use copy instead")
        require_complete(self._engine)
        return True

    def copy(self, grains: int | None = None) -> int:
        """COPY-2: copy up to so many uncopied grains in this thread; all if None. Gives how many.

        It needs no background copy and may run beside one.
        """
        if grains is not None and grains < 0:
            raise InvalidArgumentError(f"copy {grains} grains: give 0 or more, or None for all")
        left = self.geometry.grains if grains is None else grains
        copied = 0
        while copied < left and self._engine.memory.state is State.COPYING:
            copied += self._batches.copy(left - copied)
        return copied

    def pause(self) -> None:
        """COPY-6: the background copy copies nothing after the batch under way."""
        self._require_copier("pause").pause()

    def resume(self) -> None:
        """COPY-6: the background copy goes on, after a pause or an error."""
        self._require_copier("resume").resume()

    def set_rate(self, bytes_per_second: int | None) -> None:
        """COPY-6: the background copy keeps to this rate; None for no limit."""
        self._require_copier("set_rate").set_rate(bytes_per_second)

    def status(self) -> Status:
        """What the relationship is at, in one consistent view but for the flush counts."""
        state, copied, generation = self._engine.status()
        flushes = {device: commits.done for device, commits in self._engine.flushes.items()}
        return Status(
            state=state,
            copied=copied,
            grains=self.geometry.grains,
            generation=generation,
            error=self._copier.error if self._copier else None,
            flushes=Flushes(flushes[SOURCE], flushes[TARGET], flushes[MAP]),
        )

    def bitmaps(self) -> Bitmaps:
        """Both maps. Where nothing is tracked every grain counts as copied and modified."""
        return Bitmaps(*self._engine.bitmaps())

    def close(self) -> None:
        """Wait for the requests under way, flush everything, give the files back."""
        self._end(flush=True)

    def abandon(self) -> None:
        """End as if the process had been killed between two requests: nothing is flushed."""
        self._end(flush=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _end(self, *, flush: bool) -> None:
        with self._closing:
            if self._engine.closed:
                return
            if self._copier is not None:
                self._copier.close()
            self._engine.shut()
            try:
                if flush:
                    self._engine.flush_all()
            finally:
                for file in self._files.values():
                    file.close()

    def _wake(self) -> None:
        if self._copier is not None:
            self._copier.wake()

    def _require_copier(self, asked: str) -> Copier:
        if self._copier is None:
            raise InvalidStateError(f"{asked} without a background copy: it was opened without")
        return self._copier


def _check_durability(durability: Durability) -> None:
    if durability not in ("full", "process"):
        raise InvalidArgumentError(f"durability {durability!r}: use full or process")
