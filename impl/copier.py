"""The background copier: one thread that copies batches while hosts go on.

It gives way (COPY-6): a batch is as small as a grain while host requests come in between, and
doubles up to `LARGEST_BATCH` while none do. Larger batches need fewer flushes; smaller ones keep
fewer grains from being written, for a shorter time. It works whenever a grain is uncopied,
unless it is paused or has failed, and it starts over with every start and sync (COPY-3): the
cursor is memory's, so there is nothing here to rewind.
"""

import threading
import time

from flashcopy.impl.direct import direct_protocol
from flashcopy.impl.effect import State
from flashcopy.impl.engine import Engine, ReadingInto
from flashcopy.impl.errors import ClosedError, InvalidArgumentError, TargetStoppedError

LARGEST_BATCH = 32 << 20  # bytes; a grain, if that is larger
# A rate holds over any stretch of this many seconds: batches are cut to what fits in.
_RATE_WINDOW = 0.1
# A host's write may be what copies the last grain; so often, in seconds, a waiter looks.
_LOOK = 0.05


class Batches:
    """Copies batch after batch, in whichever thread calls; one reused buffer for the data."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.grain_size = engine.geometry.grain_size
        self.most = max(1, min(LARGEST_BATCH // self.grain_size, engine.geometry.grains))
        self._buffer: memoryview | None = None

    def copy(self, limit: int) -> int:
        """Copy the next uncopied grains, `limit` or `most` at most. Gives how many (COPY-2)."""
        limit = min(limit, self.most)
        buffer = self._buffer  # another thread may put its own in place meanwhile
        if buffer is None or len(buffer) < limit * self.grain_size:
            self._buffer = buffer = memoryview(bytearray(limit * self.grain_size))
        engine = self._engine
        try:
            copied: int = direct_protocol.background_copy(
                ReadingInto(engine, buffer),
                engine.geometry,
                limit,
                keep_target=engine.mapfile.identity.keep_target,
            )
        finally:
            engine.release()
        return copied


class Pace:
    """When the next batch may begin, so that a rate in bytes a second is kept (COPY-6).

    Times are seconds of any monotonic clock. Raises InvalidArgumentError for a rate below 1.
    """

    def __init__(self, rate: int | None = None) -> None:
        if rate is not None and rate <= 0:
            raise InvalidArgumentError(
                f"rate {rate}: give 1 or more bytes a second, or none for no limit"
            )
        self.rate = rate
        self._free_at = 0.0

    def limit(self, grain_size: int, most: int) -> int:
        """How many grains a batch may have; `most` if no rate says less."""
        if self.rate is None:
            return most
        return min(most, max(1, int(self.rate * _RATE_WINDOW) // grain_size))

    def delay(self, now: float) -> float:
        """How long to wait before the next batch."""
        return 0.0 if self.rate is None else max(0.0, self._free_at - now)

    def copied(self, size: int, now: float) -> None:
        """So many bytes were copied in a batch; time not used is not saved up."""
        if self.rate is not None:
            self._free_at = max(self._free_at, now) + size / self.rate


class Copier:
    """The thread, and what its owner can ask of it."""

    def __init__(self, engine: Engine) -> None:
        self.error: Exception | None = None
        self.paused = False
        self._engine = engine
        self._batches = Batches(engine)
        self._pace = Pace()
        self._closing = False
        self._turn = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="flashcopy-copier", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to copy again; an earlier error is forgotten."""
        with self._turn:
            self.error = None
            self._turn.notify_all()

    def pause(self) -> None:
        """Copy nothing after the batch under way."""
        with self._turn:
            self.paused = True

    def resume(self) -> None:
        """Go on after a pause or an error."""
        with self._turn:
            self.paused = False
        self.wake()

    def set_rate(self, rate: int | None) -> None:
        """Copy at most so many bytes a second; None for as fast as hosts and devices allow."""
        pace = Pace(rate)
        with self._turn:
            self._pace = pace
            self._turn.notify_all()

    def wait(self, timeout: float | None) -> bool:
        """Whether all was copied within so many seconds; raises what made that impossible."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._turn:
            while self.error is None and self._has_work() and not self._closing:
                left = _LOOK if until is None else min(_LOOK, until - time.monotonic())
                if left <= 0:
                    return False
                self._turn.wait(left)
            if self.error is not None:
                raise self.error
            if self._closing and self._has_work():
                raise ClosedError("the relationship was closed before all was copied")
        require_complete(self._engine)
        return True

    def close(self) -> None:
        """End the thread, after the batch under way."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        self._thread.join()

    def _has_work(self) -> bool:
        return self._engine.memory.state is State.COPYING

    def _work(self) -> None:
        limit, requests = 1, self._engine.requests
        while (at_most := self._await_turn()) is not None:
            # One request since the last look is our own batch.
            hosts_active = self._engine.requests > requests + 1
            requests = self._engine.requests
            limit = 1 if hosts_active else min(2 * limit, self._batches.most)
            try:
                copied = self._batches.copy(min(limit, at_most))
            except Exception as error:  # kept for whoever waits, whatever it is
                with self._turn:
                    self.error = error
                    self._turn.notify_all()
                continue
            with self._turn:
                self._pace.copied(copied * self._batches.grain_size, time.monotonic())
                self._turn.notify_all()

    def _await_turn(self) -> int | None:
        """Wait until there is a batch to copy. Gives its greatest size; None to end."""
        with self._turn:
            while not self._closing:
                if self.paused or self.error is not None or not self._has_work():
                    self._turn.wait()
                elif delay := self._pace.delay(time.monotonic()):
                    self._turn.wait(delay)
                else:
                    return self._pace.limit(self._batches.grain_size, self._batches.most)
        return None


def require_complete(engine: Engine) -> None:
    """Raises TargetStoppedError if copying ended without an image on the target."""
    if engine.memory.state is State.STOPPED:
        raise TargetStoppedError(
            "copying was stopped before it was complete, or a device failed: start again"
        )
