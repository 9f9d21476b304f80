"""Where the command begins: before anything is imported, so that an interrupt then is one, too.

A build server that gives up sends SIGTERM, a terminal that is closed SIGHUP. Both are interrupts
here: a report of what was done so far, and no process and no temporary directory left behind.
"""

import signal
import sys

INTERRUPTED = 130


def main() -> None:
    """The console script."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup it is not
            signal.signal(number, signal.default_int_handler)
    try:
        # Half a second, in which people change their minds.
        from flashcopy.cli.main import main as main_of_all  # noqa: PLC0415

        main_of_all()
    except KeyboardInterrupt:
        sys.stderr.write("flashcopy: interrupted\n")
        sys.exit(INTERRUPTED)
