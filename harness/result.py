"""What a part of the validation says when it is done: how much was done, and what was found."""

from collections.abc import Callable

from attrs import field, frozen

from flashcopy.model.trace import Trace

# Told how far a part has come, as a fraction from 0 to 1, and what it is doing.
Progress = Callable[[float, str], None]


@frozen
class Finding:
    """Something that must not be: the clause it breaks, what was seen, the trace that shows it."""

    clause: str
    explanation: str
    trace: Trace | None = None


@frozen
class Result:
    """One part of the validation.

    `amount` says how much was done, in words; `counts` says it in numbers, by name. `repeat` is
    the command that does the same again.
    """

    part: str
    amount: str
    seconds: float
    finding: Finding | None
    counts: dict[str, int] = field(factory=dict)
    repeat: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return self.finding is None


class ViolationError(AssertionError):
    """Raised where a violation is found; carries the finding out of a test or a run."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.clause}: {finding.explanation}")
        self.finding = finding


def silent(fraction: float, what: str) -> None:
    """A Progress that says nothing."""
    del fraction, what
