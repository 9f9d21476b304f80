"""What to judge, as the command line says it: from its words to something that makes IUTs.

    stdio -- COMMAND [ARG...]     a program in any language that speaks docs/protocol.md
    python MODULE:CLASS           a class in this process; see flashcopy.conformance.adapter
    bundled                       the implementation of this project
    zoo NAME                      one of the kit's own right and wrong ones

Who ships an adapter registers it as an entry point of the group `flashcopy.adapters`; its name is
then a target, too.
"""

import difflib
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

import click

from flashcopy.conformance.adapter import Adapter
from flashcopy.conformance.check import Target
from flashcopy.conformance.iut.inprocess import guard
from flashcopy.conformance.iut.stdio import StdioAdapter
from flashcopy.conformance.zoo.members import MEMBERS, PROGRAM

GROUP = "flashcopy.adapters"


def parse_target(words: Sequence[str], timeout: float) -> Target:
    """The target that these words name. Raises click.UsageError."""
    match words:
        case ["stdio", "--", *command] | ["stdio", *command] if command:
            return _program(" ".join(command), command, timeout)
        case ["zoo", name] if name in MEMBERS:
            return _program(f"zoo {name}", zoo_command(name), timeout)
        case ["zoo", name]:
            near = ", ".join(difflib.get_close_matches(name, MEMBERS))
            instead = f", but {near}" if near else ""
            raise click.UsageError(f"the zoo has no {name}{instead}; zoo alone says who there is")
        case ["zoo"]:
            raise click.UsageError(f"give --all, or one name of the zoo: {', '.join(MEMBERS)}")
        case ["python", name]:
            return Target(f"python {name}", guard(_class(name), timeout))
        case [name]:
            for entry in entry_points(group=GROUP, name=name):
                return Target(name, guard(_loaded(name, entry.load), timeout))
    registered = ", ".join(sorted(entry.name for entry in entry_points(group=GROUP)))
    option = next((word for word in words if word.startswith("--") and word != "--"), "")
    early = f"; options such as {option} go before the target" if option else ""
    raise click.UsageError(
        f"no such target: {' '.join(words) or '(none)'}{early}. Give `stdio -- COMMAND [ARG...]`,"
        f" `python MODULE:CLASS`, `zoo NAME`, or one of: {registered}"
    )


def zoo_command(name: str) -> list[str]:
    """The program that is a member of the zoo; without installed packages it starts sooner."""
    return [sys.executable, "-S", PROGRAM, name]


def _program(name: str, command: list[str], timeout: float) -> Target:
    if shutil.which(command[0]) is None:
        is_there = os.path.dirname(command[0]) and os.path.exists(command[0])
        why = "that is no program that may be run" if is_there else "no such command"
        raise click.UsageError(f"{why}: {command[0]}")
    return Target(name, lambda: StdioAdapter(command, timeout))


def _class(name: str) -> Callable[[], Adapter]:
    module_name, _, class_name = name.partition(":")
    if not (module_name and class_name):
        raise click.UsageError(f"python {name}: give MODULE:CLASS")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return _loaded(
        f"python {name}", lambda: getattr(importlib.import_module(module_name), class_name)
    )


def _loaded(name: str, load: Callable[[], Any]) -> Callable[[], Adapter]:
    """What makes the adapters of somebody else's module, which may do anything when imported."""
    try:
        made: Callable[[], Adapter] = load()
    except (ImportError, AttributeError) as error:
        raise click.UsageError(f"{name}: {error}; give MODULE:CLASS") from None
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}"
        raise click.UsageError(f"{name} cannot be imported: {why}") from None
    if not callable(made):
        raise click.UsageError(f"{name}: that is no class; give MODULE:CLASS")
    return made
