"""What a failed test says: the finding, where its trace is, and the command that replays it."""

from pathlib import Path

from flashcopy.harness.result import Result
from flashcopy.model.trace import dumps


def explain(result: Result) -> str:
    """For an assertion's message; writes the trace to `traces/` beside the project."""
    finding = result.finding
    if finding is None:
        return f"{result.part}: nothing was found"
    said = f"{finding.clause} is violated: {finding.explanation}"
    if finding.trace is not None:
        path = Path("traces") / f"{result.part}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dumps(finding.trace), encoding="utf-8")
        said += f"\nreplay it: flashcopy replay {path}"
    return f"{said}\nrepeat it: {result.repeat}"
