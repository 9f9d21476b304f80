"""Examples in the documents, run as they stand.

Two kinds: Python sessions with `>>>`, which are doctests, and shell sessions in blocks marked
`console`, in which each line with `$ ` is a command and what follows is its output, to the letter.
The console blocks of one document run one after the other in one empty directory, in a shell that
finds the `flashcopy` that belongs to this Python. `make` is not run from here: it runs this.
"""

import doctest
import re
import subprocess
import sys
from pathlib import Path

from attrs import frozen

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "


@frozen
class Command:
    """A command of a shell session, and the output that the document says it has."""

    line: str
    output: str


def blocks(document: str, language: str) -> list[str]:
    """The code blocks of a Markdown document in one language, without their fences."""
    return [body for of, body in _BLOCK.findall(document) if of == language]


def commands(session: str) -> list[Command]:
    """The commands of a shell session. Raises ValueError for output that no command stands over."""
    found: list[Command] = []
    for line in session.splitlines(keepends=True):
        if line.startswith(_PROMPT):
            found.append(Command(line.removeprefix(_PROMPT).rstrip("\n"), ""))
        elif found:
            found[-1] = Command(found[-1].line, found[-1].output + line)
        else:
            raise ValueError(f"a session begins with a command, not with {line!r}")
    return found


def run(command: Command, directory: Path) -> str:
    """What a command writes, to standard output and standard error together."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["/bin/sh", "-c", command.line],
        cwd=directory,
        env={"PATH": path, "LC_ALL": "C.UTF-8", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        encoding="utf-8",
    )
    return done.stdout


def failed_doctests(document: str, name: str) -> list[str]:
    """What goes wrong in the Python sessions of a document, which share their names."""
    source = "\n".join(blocks(document, "python"))
    test = doctest.DocTestParser().get_doctest(source, {}, name, name, 0)
    complaints: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=complaints.append)
    return complaints
