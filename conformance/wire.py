"""A conversation with a program: JSON-RPC 2.0, one message a line, several requests in flight.

The program is somebody else's, so nothing is taken for granted. It may die, hang, stop reading,
write garbage, a line without end, an answer that nobody asked for or two to one request, and any
amount on standard error. Each of these ends the conversation with IutBrokeDownError, which says
what happened and shows the end of standard error; it is never taken for a wrong answer. Whatever
happens, the program and the processes it started are gone when the conversation is over.
"""

import itertools
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from attrs import define, field

from flashcopy.conformance.adapter import IutBrokeDownError, KilledError, RefusedError
from flashcopy.model.operation import Refusal

# No answer to the kit's requests comes near this; a longer line is garbage, not worth its memory.
LONGEST_LINE = 8 << 20
_STDERR_TAIL = 2000
_SHOWN = 80
# How long to wait for what follows a SIGKILL at once, if the machine is not overloaded.
_AFTER_KILL = 5.0


@define(eq=False)
class _Pending:
    """A request in flight, and its answer once there is one."""

    method: str
    answered: threading.Event = field(factory=threading.Event)
    response: dict[str, Any] | None = None


class Connection:
    """A running program that is asked and answers. Any number of threads may ask at a time.

    `timeout` is in seconds and holds for each request by itself. Raises IutBrokeDownError if the
    program cannot be started.
    """

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._broken = ""
        self._killed = False
        self._mutex = threading.Lock()
        self._sending = threading.Lock()
        self._stderr = bytearray()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # so that its children can be killed with it
            )
        except OSError as error:
            raise IutBrokeDownError(f"{command[0]} cannot be started: {error.strerror}") from None
        assert self._process.stdin is not None
        self._stdin = self._process.stdin.fileno()
        os.set_blocking(self._stdin, False)
        self._threads = [
            threading.Thread(target=run, daemon=True) for run in (self._receive, self._keep_stderr)
        ]
        for thread in self._threads:
            thread.start()

    def call(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request, wait for its answer and give the result.

        Raises RefusedError for an answer that is an error, KilledError if `kill` came in between,
        and IutBrokeDownError.
        """
        number, pending = next(self._ids), _Pending(method)
        with self._mutex:
            over = self._is_over()
            if not over:
                self._pending[number] = pending
        if over:
            self._fail()
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)}
        self._send(json.dumps(message).encode() + b"\n", method)
        if not pending.answered.wait(self._timeout):
            self._break(f"it did not answer {method} within {self._timeout:g} s")
        if pending.response is None:
            self._fail()
        return _result(pending.response)

    def close(self) -> None:
        """Ask the program to end, see that it does, and leave nothing running."""
        try:
            self.call("close", {})
            self._threads[0].join(self._timeout)
            if self._threads[0].is_alive():
                self._break(f"it did not end within {self._timeout:g} s of answering close")
                self._fail()
        finally:
            self.kill()

    def kill(self) -> None:
        """End the program and its children at once. May be called at any moment and again."""
        with self._mutex:
            self._killed = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_AFTER_KILL)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_AFTER_KILL)
        self._wake_all()
        with self._sending:
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None and not stream.closed:
                    stream.close()

    def _send(self, line: bytes, method: str) -> None:
        """Write a whole line, though the program may have stopped reading."""
        deadline = time.monotonic() + self._timeout
        with self._sending:
            left = memoryview(line)
            while left:
                if self._is_over():
                    self._fail()
                wait = deadline - time.monotonic()
                if wait <= 0:
                    self._break(f"it did not read {method} within {self._timeout:g} s")
                elif select.select([], [self._stdin], [], min(wait, 0.1))[1]:
                    try:
                        left = left[os.write(self._stdin, left) :]
                    except BrokenPipeError:
                        # Why is better known to whoever sees the end of its output.
                        self._threads[0].join(_AFTER_KILL)
                        self._break(f"it closed its standard input before {method}")

    def _receive(self) -> None:
        """The thread that reads answers, until there are no more or one is none."""
        assert self._process.stdout is not None
        while line := self._process.stdout.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                self._break(f"it wrote a line of more than {LONGEST_LINE} bytes: {_show(line)}")
                return
            wrong = self._accept(line)
            if wrong:
                self._break(f"{wrong}: {_show(line)}")
                return
        if self._is_over():
            return
        with self._mutex:
            waiting = sorted({pending.method for pending in self._pending.values()})
        status = _exit_status(self._process)
        during = f" while {', '.join(waiting)} had no answer" if waiting else ""
        self._break(f"it ended{status}{during}")

    def _accept(self, line: bytes) -> str:
        """Give an answer to who waits for it, or say what is wrong with it."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return "it wrote what is not JSON"
        wrong = _what_is_wrong(message)
        if wrong:
            return wrong
        with self._mutex:
            pending = self._pending.pop(message["id"], None)
        if pending is None:
            return "it answered what was not asked, or was answered before"
        pending.response = message
        pending.answered.set()
        return ""

    def _keep_stderr(self) -> None:
        """The thread that empties standard error, so that nobody waits for that."""
        assert self._process.stderr is not None
        while chunk := os.read(self._process.stderr.fileno(), 1 << 16):
            self._stderr += chunk
            del self._stderr[:-_STDERR_TAIL]

    def _break(self, why: str) -> None:
        """The conversation is over; the first reason is the one that counts."""
        with self._mutex:
            if not self._broken and not self._killed:
                self._broken = why
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._wake_all()

    def _wake_all(self) -> None:
        with self._mutex:
            waiting, self._pending = self._pending, {}
        for pending in waiting.values():
            pending.answered.set()

    def _is_over(self) -> bool:
        return bool(self._broken) or self._killed

    def _fail(self) -> NoReturn:
        if not self._broken:
            raise KilledError
        self._threads[1].join(_AFTER_KILL)
        said = bytes(self._stderr).decode(errors="replace").strip()
        tail = f"\nThe end of its standard error:\n{said}" if said else ""
        raise IutBrokeDownError(self._broken + tail)


def _what_is_wrong(message: Any) -> str:
    """Why a message is no response, or nothing if it is one."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return "it wrote what is no JSON-RPC 2.0 message"
    if type(message.get("id")) is not int:
        return "it wrote a response whose id is no number"
    if ("result" in message) == ("error" in message):
        return "it wrote a response with neither a result nor an error, or with both"
    if "result" in message:
        return "" if isinstance(message["result"], dict) else "it wrote a result that is no object"
    error = message["error"]
    data = error.get("data") if isinstance(error, dict) else None
    kinds = [refusal.value for refusal in Refusal] + ["internal"]
    if not isinstance(data, dict) or data.get("kind") not in kinds:
        return "it wrote an error without a data.kind of the protocol"
    return ""


def _result(response: dict[str, Any]) -> dict[str, Any]:
    if "error" in response:
        kind = response["error"]["data"]["kind"]
        message = str(response["error"].get("message", ""))
        raise RefusedError(None if kind == "internal" else Refusal(kind), message)
    result: dict[str, Any] = response["result"]
    return result


def _exit_status(process: subprocess.Popen[bytes]) -> str:
    """How a program ended, without waiting for one that only closed its output.

    It is not reaped here: as long as it is not, its number cannot become another's.
    """
    options = os.WEXITED | os.WNOWAIT | os.WNOHANG
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        try:
            ended = os.waitid(os.P_PID, process.pid, options)
        except ChildProcessError:
            return ""  # the kit killed it meanwhile, and has reaped it
        if ended is not None:
            word = "with exit status" if ended.si_code == os.CLD_EXITED else "by signal"
            return f" {word} {ended.si_status}"
        time.sleep(0.005)
    return " its output"


def _show(line: bytes) -> str:
    """The beginning of a line, for a message."""
    text = line[:_SHOWN].decode(errors="replace").rstrip()
    return repr(text) + ("…" if len(line) > _SHOWN else "")
