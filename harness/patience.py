"""What must come to an end if only one tries again: said of runs that end, so that one can show it.

That background copy finishes (COPY-5), and that a relationship gets out of a doubt (ERR-5), no run
shows by itself, for it might happen later. But each copy leaves fewer grains uncopied, and after a
stop that was refused, since it could not be recorded, the next start begins by recording it. That
many tries in vain, with no failure in between, are enough.
"""

from attrs import define

from flashcopy.harness.images_oracle import violation
from flashcopy.harness.simulation import Simulation
from flashcopy.impl.effect import SOURCE
from flashcopy.impl.effect import State as ProtocolState
from flashcopy.model.operation import (
    BackgroundCopy,
    Operation,
    Outcome,
    Refused,
    Start,
    Stop,
)


@define
class Patience:
    """Counts the tries in vain of one simulation."""

    simulation: Simulation
    # Background copies that have ended one after the other, with nothing else between.
    _copies: int = 0
    # Whether a stop was refused, and neither a start nor a failure has come since.
    _stop_refused: bool = False

    def begin(self) -> None:
        """A device has failed, or the relationship is opened: nothing was tried since."""
        self._copies, self._stop_refused = 0, False

    def ended(self, operation: Operation, outcome: Outcome) -> None:
        """A request has ended. Raises ViolationError."""
        if isinstance(operation, BackgroundCopy):
            self._copies += operation.grains != 0
            copying = self.simulation.memory.state is ProtocolState.COPYING
            if self._copies > self.simulation.memory.grains and copying:
                raise violation("COPY-5", "background copy goes on and never finishes")
            return
        self._copies = 0
        refused = isinstance(outcome, Refused)
        if isinstance(operation, Stop):
            self._stop_refused = refused
        elif isinstance(operation, Start):
            if refused and self._stop_refused and not self.simulation.devices[SOURCE].in_doubt:
                raise violation("ERR-5", "a device stays in doubt, and nothing ends that")
            self._stop_refused = False
