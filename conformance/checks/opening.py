"""Who opens what another has open must be refused: two that keep books of the same grains lose."""

import tempfile
from pathlib import Path

from flashcopy.conformance.adapter import RefusedError
from flashcopy.conformance.check import Finding, Job, ViolationError
from flashcopy.conformance.checks.comparison import Comparison
from flashcopy.conformance.session import Session
from flashcopy.conformance.wrong import Kind, Wrong
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import Refusal, Start

_BLOCK = 512
_GEOMETRY = Geometry(5 * _BLOCK, _BLOCK, 2 * _BLOCK)


def second_opener(job: Job) -> None:
    """ERR-8: while one IUT lives, another one is refused the same directory; the first goes on."""
    with tempfile.TemporaryDirectory(prefix="flashcopy-") as name:
        session = Session(job.target.make, Path(name), _GEOMETRY, True)
        try:
            session.create()
            first = Comparison(session)
            first.write(Volume.SOURCE, 0, 5)
            first.step(Start())
            first.write(Volume.SOURCE, 1, 2)
            _refused(job, Path(name))
            first.look()
            session.close()
        finally:
            job.requests += session.requests + 2
            session.kill()


def _refused(job: Job, directory: Path) -> None:
    second = job.target.make()
    try:
        second.hello()
        second.open(directory)
    except RefusedError as error:
        if error.kind is Refusal.INVALID_ARGUMENT:
            return
        kind = error.kind.value if error.kind else "internal"
        says = f"it is refused with {kind}, and must be with invalid_argument"
    else:
        says = "it is let in, and must be refused: each will undo what the other does"
    finally:
        second.kill()
    says = f"a second process opens the directory while the first has it open: {says}"
    raise ViolationError(Finding("ERR-8", says, wrong=Wrong(Kind.NOT_REFUSED)))
