"""One step of a schedule: which request takes it, and whether its device fails."""

from attrs import frozen

from flashcopy.model.trace import Fault
from flashcopy.proofs.explorer.layout import MOST_REQUESTS

FAULTS = tuple(Fault)


@frozen
class Move:
    """A request's step. With a fault its device fails, before or after it has done it."""

    request: int
    fault: Fault = Fault.NONE

    @property
    def code(self) -> int:
        """The move as a small number."""
        return FAULTS.index(self.fault) * MOST_REQUESTS + self.request

    @classmethod
    def of(cls, code: int) -> "Move":
        """The move of that number."""
        fault, request = divmod(code, MOST_REQUESTS)
        return cls(request, FAULTS[fault])
