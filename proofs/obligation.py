"""What a theorem is here: an obligation, and the mutants that must break it.

An obligation makes a statement about a *subject*, which is code: the shipped merge, the grain
machine, the lifecycle table. The statement is an ordinary function of the subject and of
variables; run on a solver's terms it gives the formulas to prove, run on Python values it says
whether this one case holds. A *mutant* is another subject with a fault in it. So what refutes the
mutant is the same statement that proves the subject, and a counterexample is replayed by calling
it once more.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len

from flashcopy.model.choice import Condition
from flashcopy.model.trace import Trace
from flashcopy.proofs.sorts import Sort

Subject = Any


@frozen
class Statement:
    """Under these hypotheses, this claim; both conditions, concrete or symbolic."""

    given: Condition
    claim: Condition


@frozen
class Picture:
    """A counterexample for people: lines of text, and a trace where there are requests."""

    lines: tuple[str, ...]
    trace: Trace | None = None


@frozen
class Mutant:
    """A subject with a fault; the name says the fault."""

    name: str
    subject: Subject


@frozen
class Obligation:
    """A theorem about `subject`, for all values of the variables.

    `name` begins with the family; `says` is the theorem in one sentence. `state` takes the
    subject and the variables by name. `picture` takes the same, with concrete values that make
    the claim false, and shows them; without it the values alone are shown.

    `state` may go about it as it likes, for instance run generators symbolically and state
    something of every path. It must give the same Statement for the same arguments.

    `refute` may be a faster way to values that break a mutant: it takes the subject, the values of
    the one variable that is `OneOf`, and whom to ask. What it gives is replayed like any
    counterexample, and if it gives None the solver is asked the whole question. `trace` takes what
    `picture` does, with the mutant's name, and gives a trace that shows what the fault does.
    """

    name: str
    clauses: tuple[str, ...] = field(validator=min_len(1))
    says: str
    variables: Mapping[str, Sort]
    subject: Subject
    state: Callable[..., Statement]
    mutants: tuple[Mutant, ...] = field(validator=min_len(1))
    picture: Callable[..., Picture] | None = None
    refute: Callable[..., Mapping[str, Any] | None] | None = None
    trace: Callable[..., Trace | None] | None = None

    @property
    def family(self) -> str:
        """The family the obligation belongs to."""
        return self.name.partition(".")[0]
