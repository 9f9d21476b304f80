"""A program behind three pipes: started, fed, emptied and, whatever happens, ended.

The kit must never wait for a program that waits for the kit. So one step of the conversation does
all at once: it writes what the program takes, reads what it has written, and empties its standard
error, of which the end is kept. No thread does this beside the kit; whoever waits for answers does.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from flashcopy.conformance.adapter import IutBrokeDownError

_STDERR_TAIL = 2000
# As much as a pipe holds, unless somebody made it larger.
_CHUNK = 1 << 16
# How long one that has closed its output may take to be gone, which is a moment.
_TO_END = 2.0
# How long to wait for what follows a SIGKILL at once, if the machine is not overloaded.
_AFTER_KILL = 5.0


class Program:
    """A running program. `ended` is whether it will write no more, `deaf` whether it reads none.

    Raises IutBrokeDownError if it cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # so that its children can be killed with it
            )
        except OSError as error:
            raise IutBrokeDownError(f"{command[0]} cannot be started: {error.strerror}") from None
        streams = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._stdin, self._stdout, self._stderr = (stream.fileno() for stream in streams if stream)
        os.set_blocking(self._stdin, False)
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)
        self._poll.register(self._stderr, select.POLLIN)
        self._unsent = memoryview(b"")
        self._tail = bytearray()
        self.ended = False
        self.deaf = False
        self._discarded = False

    @property
    def sending(self) -> bool:
        """Whether something is left that it has not read."""
        return bool(self._unsent)

    def send(self, data: bytes | memoryview) -> None:
        """Give it this to read, as much as it takes now; the rest goes with the next steps."""
        if self._unsent:
            self._unsent = memoryview(bytes(self._unsent) + data)
            return
        try:
            taken = os.write(self._stdin, data)
        except BlockingIOError:
            taken = 0
        except BrokenPipeError:
            self.deaf = True
            return
        if taken < len(data):
            self._unsent = memoryview(data)[taken:]
            self._poll.register(self._stdin, select.POLLOUT)

    def step(self, wait: float) -> bytes:
        """What it has written, as soon as there is some; nothing after `wait` seconds at most."""
        written = b""
        for stream, _ in self._poll.poll(wait * 1000):
            if stream == self._stdout:
                written = os.read(stream, _CHUNK)
                if not written:
                    self.ended = True
                    self._poll.unregister(stream)
            elif stream == self._stderr:
                if not self._keep_stderr():
                    self._poll.unregister(stream)
            else:
                self._poll.unregister(stream)
                unsent, self._unsent = self._unsent, memoryview(b"")
                self.send(unsent)
        return written

    def last_words(self) -> str:
        """The end of its standard error, once it was killed."""
        self._until_nobody_writes(self._stderr)
        return bytes(self._tail).decode(errors="replace").strip()

    def end(self) -> None:
        """SIGKILL for it and its children. It is not reaped: its number cannot become another's."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def discard(self) -> None:
        """Reap it and give the pipes back, after `end`. Allowed more than once."""
        self._process.wait(_AFTER_KILL)
        if not self._discarded:
            # Its children have ended, too, when nobody holds the other ends any more.
            for number in (self._stdout, self._stderr):
                self._until_nobody_writes(number)
        self._discarded = True
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None and not stream.closed:
                stream.close()

    def status(self) -> str:
        """How it ended, in words, without waiting for one that only closed its output."""
        options = os.WEXITED | os.WNOWAIT | os.WNOHANG
        deadline = time.monotonic() + _TO_END
        while time.monotonic() < deadline:
            try:
                ended = os.waitid(os.P_PID, self._process.pid, options)
            except ChildProcessError:
                return ""  # the kit killed it meanwhile, and has reaped it
            if ended is not None:
                word = "with exit status" if ended.si_code == os.CLD_EXITED else "by signal"
                return f" {word} {ended.si_status}"
            time.sleep(0.005)
        return " its output"

    def _keep_stderr(self) -> bool:
        """Keep the end of what is there; whether more may come."""
        chunk = os.read(self._stderr, _CHUNK)
        self._tail += chunk
        del self._tail[:-_STDERR_TAIL]
        return bool(chunk)

    def _until_nobody_writes(self, stream: int) -> None:
        """Empty a pipe to its end; whoever has left the program's session may keep it open."""
        until = time.monotonic() + _AFTER_KILL
        only = select.poll()
        only.register(stream, select.POLLIN)
        while only.poll(max(0.0, until - time.monotonic()) * 1000):
            if not (self._keep_stderr() if stream == self._stderr else os.read(stream, _CHUNK)):
                return
