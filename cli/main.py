"""The command `flashcopy`: which subcommands there are, and how errors reach the user.

A subcommand's module is imported when it is asked for, so that `flashcopy volume status` does not
wait for a solver to load. Whatever is wrong with what was asked becomes one line on standard error
and exit status 2; 1 means that a violation was found.
"""

import importlib
import sys
from typing import Any

import click

from flashcopy.impl.errors import FlashCopyError
from flashcopy.model.trace import InvalidTraceError

# Each subcommand, and the line that `flashcopy --help` says of it without importing it.
SUBCOMMANDS = {
    "check": "Check the whole case for the bundled implementation: one table, one verdict.",
    "conform": "Judge anybody's flashcopy, in any language, with explanations.",
    "campaign": "Judge with many seeds, over processes or a cluster; one report.",
    "prove": "Prove the obligations, and refute every mutant of each.",
    "explore": "Explore all schedules of a few requests, with every crash.",
    "mutants": "Break the protocol in every way we know, and see who notices.",
    "replay": "Run a trace again, step for step.",
    "show": "Show a trace as a table.",
    "serve": "Speak the conformance protocol for the bundled implementation.",
    "vectors": "Fixed requests with the answers they must get, for test suites in any language.",
    "volume": "Use the bundled implementation on real files.",
}

WRONG_USAGE = 2
READER_GONE = 141  # as the shell says of a program that a closed pipe ended


class ReaderGoneError(Exception):
    """Whoever read our output has closed it."""


class Subcommands(click.Group):
    """A group that imports its subcommands one by one, on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all subcommands."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of that name, or None."""
        del ctx
        if cmd_name not in SUBCOMMANDS:
            return None
        command = getattr(importlib.import_module(f"flashcopy.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # click would end with 1 here, which says that a violation was found.
            raise ReaderGoneError from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of subcommands in `--help`, without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


@click.group(cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flashcopy")
def flashcopy() -> None:
    """A formally checked reference of incremental flashcopy.

    Exit status: 0 what was checked holds, 1 a violation was found, 2 wrong usage or input, 3 the
    implementation under test broke down, 130 interrupted.
    """


def main() -> None:
    """The command. Never shows a traceback for what a user can put right; see also `entry`."""
    try:
        flashcopy.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(WRONG_USAGE)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" (see `{context.command_path} --help`)" if context else ""
        click.echo(f"flashcopy: {error.format_message()}{hint}", err=True)
        sys.exit(WRONG_USAGE)
    except (FlashCopyError, InvalidTraceError) as error:
        click.echo(f"flashcopy: {error}", err=True)
        sys.exit(WRONG_USAGE)
    except click.Abort:
        raise KeyboardInterrupt from None
    except OSError as error:
        # A file given to a command, or its own output, cannot be written.
        named = f"{error.filename}: " if error.filename is not None else ""
        click.echo(f"flashcopy: {named}{error.strerror}", err=True)
        sys.exit(WRONG_USAGE)
    except ReaderGoneError:
        # They have seen enough; nothing is left to be flushed to them.
        sys.stdout = None
        sys.exit(READER_GONE)
