"""A plugin for nbdkit: an implementation under test as two NBD exports, `source` and `target`.

nbdkit runs this file in a Python of its own, so it uses the standard library alone. Start, sync
and the background copy, which NBD has no words for, come through a socket: one line a request,
the method's name and its params as JSON; one line comes back.

    nbdkit --unix nbd python nbd_bridge.py program='["COMMAND", "ARG"]' control=SOCKET \
        create='{"directory": …, "size": …}'
"""

import base64
import itertools
import json
import socket
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

import nbdkit  # type: ignore[import-not-found]

API_VERSION = 2
_ANSWER_SECONDS = 10.0


class Iut:
    """The program, with any number of requests in flight."""

    def __init__(self, command: Sequence[str]) -> None:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        self._requests, self._responses = process.stdin, process.stdout
        self._numbers = itertools.count(1)
        self._waiting: dict[int, threading.Event] = {}
        self._answers: dict[int, dict[str, Any]] = {}
        self._mutex = threading.Lock()
        threading.Thread(target=self._receive, daemon=True).start()

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """The result of a request. Raises OSError if it is refused or never answered."""
        answered = threading.Event()
        with self._mutex:
            number = next(self._numbers)
            self._waiting[number] = answered
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            self._requests.write(json.dumps(message).encode() + b"\n")
            self._requests.flush()
        if not answered.wait(_ANSWER_SECONDS):
            raise OSError(f"{method}: no answer")
        response = self._answers.pop(number)
        if "result" not in response:
            raise OSError(f"{method}: {response['error']}")
        result: dict[str, Any] = response["result"]
        return result

    def _receive(self) -> None:
        for line in self._responses:
            response = json.loads(line)
            self._answers[response["id"]] = response
            self._waiting.pop(response["id"]).set()


class Plugin:
    """What the command line says, and the program once it runs."""

    settings: dict[str, str]
    iut: Iut

    def __init__(self) -> None:
        self.settings = {}

    def start(self) -> None:
        """Start the program and listen for what NBD cannot say."""
        self.iut = Iut(json.loads(self.settings["program"]))
        self.iut.call("hello", protocol=1)
        self.iut.call("create", **json.loads(self.settings["create"]))
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(self.settings["control"])
        listening.listen()
        threading.Thread(target=self._control, args=(listening,), daemon=True).start()

    def _control(self, listening: socket.socket) -> None:
        while True:
            connection, _ = listening.accept()
            with connection, connection.makefile("rw") as lines:
                for line in lines:
                    method, _, params = line.partition(" ")
                    try:
                        answer = self.iut.call(method, **json.loads(params))
                    except OSError as error:
                        answer = {"error": str(error)}
                    lines.write(json.dumps(answer) + "\n")
                    lines.flush()


plugin = Plugin()


# nbdkit finds what follows by name, and gives every argument by place.


def config(key: str, value: str) -> None:
    """What the command line says: `program`, `control` and `create`."""
    plugin.settings[key] = value


def thread_model() -> int:
    """Requests come as they come: what they do to each other is what is looked at."""
    model: int = nbdkit.THREAD_MODEL_PARALLEL
    return model


def after_fork() -> None:
    """Before this nbdkit may still change its process."""
    plugin.start()


def open(_readonly: bool) -> str:
    """The volume that an export is called after."""
    volume: str = nbdkit.export_name()
    return volume


def get_size(_volume: str) -> int:
    """Both volumes have the same."""
    size: int = json.loads(plugin.settings["create"])["size"]
    return size


def pread(volume: str, buffer: bytearray, offset: int, _flags: int) -> None:
    """A read."""
    answer = plugin.iut.call("read", volume=volume, offset=offset, length=len(buffer))
    buffer[:] = base64.b64decode(answer["data"])


def pwrite(volume: str, buffer: bytearray, offset: int, _flags: int) -> None:
    """A write."""
    data = base64.b64encode(buffer).decode()
    plugin.iut.call("write", volume=volume, offset=offset, data=data)


def flush(volume: str, _flags: int) -> None:
    """A flush."""
    plugin.iut.call("flush", volume=volume)
