"""Faults that show only when zeroes, a flush or a stop have company: a sync comes in between."""

from typing import ClassVar

from flashcopy.conformance.zoo.pausing import Paused
from flashcopy.conformance.zoo.right import Outcome, Right


class ZeroesStraddleSync(Right):
    """Writing zeroes, which has a path of its own, marks, and the zeroes land later."""

    fault: ClassVar[str] = "1"

    def write_zeroes(self, volume: str, offset: int, length: int) -> Outcome:
        self.require_writable(volume, offset, length)
        return self.in_two(volume, offset, length)

    def in_two(self, volume: str, offset: int, length: int) -> Paused:
        """The marks, then the zeroes; a write would do both at once."""
        for grain in self.grains_of(offset, length):
            self.prepare(volume, grain)
        yield
        self.store(volume, offset, bytes(length))
        return {}


class FlushPutsMapsBack(Right):
    """A flush saves the maps as they were when it began, and goes on with these."""

    fault: ClassVar[str] = "49"

    def flush(self, volume: str) -> Outcome:
        self.require_io(volume, 0, 0)
        return self.in_two()

    def in_two(self) -> Paused:
        """What it has read, it writes: a mark that was set meanwhile is wiped."""
        before = list(self.copied), list(self.modified)
        yield
        self.copied, self.modified = before
        self.save()
        return {}


class StopLooksTooSoon(Right):
    """A stop looks whether all is copied, and ends tracking later: a sync in between is lost."""

    fault: ClassVar[str] = "44"

    def stop(self) -> Outcome:
        if self.state not in ("copying", "copied"):
            return super().stop()
        return self.in_two()

    def in_two(self) -> Paused:
        """The look, then the end."""
        state = "idle" if all(self.copied) else "stopped"
        yield
        if self.state in ("copying", "copied"):  # no other stop came in between
            self.end_tracking(state)
            self.save()
        return {}
