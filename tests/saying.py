"""What a failed test says (the finding, its trace, how to replay it), and how deep the tests go."""

import os
from pathlib import Path

from flashcopy.harness.result import Result
from flashcopy.model.trace import dumps

# Whether the tests are asked for everything there is.
IS_DEEP = os.environ.get("FLASHCOPY_PROFILE") == "deep"


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
