"""Writing reports: each format into its file, as a whole or not at all.

That a directory cannot be written is found out before the work is done, not after. A file is
written under another name first and then renamed, so a reader never sees half of it.
"""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from flashcopy.conformance.report import as_json, junit, markdown, page
from flashcopy.conformance.report.value import Report
from flashcopy.model.trace import Trace
from flashcopy.model.trace import dumps as trace_text

FILES = {
    "json": "report.json",
    "junit": "report.xml",
    "markdown": "report.md",
    "html": "report.html",
}


class UnwritableDirectoryError(ValueError):
    """Nothing can be written there; the message says to where and why."""


def require_writable(directory: Path) -> None:
    """Raises UnwritableDirectoryError; leaves no empty directory where nothing is written later."""
    there = directory.absolute()
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):  # not all file systems say so beforehand
            pass
    except OSError:
        raise UnwritableDirectoryError(f"{directory}: nothing can be written to {there}") from None


def write_report(
    report: Report, directory: Path, formats: Iterable[str], *, campaign: bool = False
) -> list[Path]:
    """Write the report in these formats (keys of FILES); the files in that order."""
    texts: dict[str, Callable[[], str]] = {
        "json": lambda: as_json.dumps(report, campaign=campaign) + "\n",
        "junit": lambda: junit.dumps(report),
        "markdown": lambda: markdown.dumps(report),
        "html": lambda: page.dumps(report),
    }
    return [write_whole(directory / FILES[name], texts[name]()) for name in formats]


def write_trace(trace: Trace, path: Path) -> Path:
    """Write a trace to a file."""
    return write_whole(path, trace_text(trace))


def write_whole(path: Path, text: str) -> Path:
    """Write a text file so that it is either there with all of it or as it was before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    written = Path(name)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        written.chmod(0o644)  # a temporary file is for its maker's eyes alone
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return path
