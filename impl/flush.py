"""Group commit: callers who want the same device flushed share one flush.

A flush covers every write that returned before it began. So whoever finds one under way waits
for the next, and of all who wait for that one, a single thread carries it out.

A failed flush is final. The system reports it once, to whoever asked first, and nobody knows
what was lost; so every later caller is told as well (LOCK-6), until it is certain that nobody
relies on what was written before (`forgive`).
"""

import threading
from collections.abc import Callable

from attrs import define, field

from flashcopy.impl.errors import DeviceError


@define
class GroupCommit:
    """The flushes of one device. `done` counts those carried out, `asked` those asked for."""

    _flush: Callable[[], None]
    asked: int = 0
    done: int = 0
    _begun: int = 0
    _running: bool = False
    _error: DeviceError | None = None
    _failed: int = 0  # the number of the last flush that failed, and
    _in_doubt: bool = False  # whether anybody may still rely on what it lost
    _turn: threading.Condition = field(factory=threading.Condition)

    @property
    def failed(self) -> int:
        """The number of the last flush that failed; 0 if none has."""
        return self._failed

    def flush(self, *, knowing: int = 0) -> None:
        """Return once a flush that began after this call is done. Raises DeviceError.

        `knowing` is for one who relies on nothing from before that failed flush: as long as it is
        the last that failed, it is no reason to fail again.
        """
        with self._turn:
            self.asked += 1
            mine = self._begun + 1
            while True:
                if self._failed >= mine or (self._in_doubt and knowing != self._failed):
                    raise self._again()
                if self.done >= mine:
                    return
                if not self._running:
                    break
                self._turn.wait()
            self._begun = mine
            self._running = True
        ended, error = False, None
        try:
            error = self._carry_out()
            ended = True
        finally:
            # One that was interrupted (by Ctrl-C) counts for nobody: whoever waits carries it out.
            with self._turn:
                self._running = False
                if ended:
                    self.done = mine
                if error is not None:
                    self._error, self._failed, self._in_doubt = error, mine, True
                self._turn.notify_all()
        if error is not None:
            raise error

    def forgive(self) -> None:
        """Nobody relies any longer on what was written before the failure."""
        with self._turn:
            self._in_doubt = False

    def _carry_out(self) -> DeviceError | None:
        try:
            self._flush()
        except DeviceError as error:
            return error
        return None

    def _again(self) -> DeviceError:
        """The error once more, for another thread: an exception that was raised belongs to one."""
        assert self._error is not None, "no flush has failed"
        return type(self._error)(str(self._error), earlier_writes_lost=True)
