"""Where the command begins: before anything is imported, so that an interrupt then is one, too."""

import sys

INTERRUPTED = 130


def main() -> None:
    """The console script."""
    try:
        # Half a second, in which people change their minds.
        from flashcopy.cli.main import main as main_of_all  # noqa: PLC0415

        main_of_all()
    except KeyboardInterrupt:
        sys.stderr.write("flashcopy: interrupted\n")
        sys.exit(INTERRUPTED)
