"""What the kit asks of an implementation under test, the IUT, as a Python class.

`Adapter` has one method for each method of the wire protocol (`docs/protocol.md`), with the same
meaning. `stdio` makes one of a program in any language; who writes an IUT in Python can give the
class itself, and needs no process. A method returns when the request is answered. The kit calls
from several threads at a time if, and only if, the IUT claims `concurrent`.

The kit itself works with a `Conversation`, which can be asked further things before it has
answered. `stdio` and `inprocess` make one of a program and of a class.

What an adapter raises decides the verdict: RefusedError is an answer and is judged like any other;
whatever else comes out means that the IUT broke down.
"""

from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Refusal

PROTOCOL = 1


class Capability(Enum):
    """What an IUT may claim; what it does not claim is not tried."""

    TARGET_WRITE = "target_write"
    BACKGROUND_COPY = "background_copy"
    BITMAPS = "bitmaps"
    CONCURRENT = "concurrent"
    RESTART = "restart"
    POWER_LOSS = "power_loss"
    STOP = "stop"
    WRITE_ZEROES = "write_zeroes"


@frozen
class Hello:
    """Who an IUT says it is, and what it claims."""

    name: str
    version: str
    capabilities: frozenset[Capability]


@frozen
class Status:
    """What an IUT says it is at; both counts are grains."""

    state: State
    copied: int
    grains: int


@frozen
class Bitmaps:
    """Both maps: bit g of byte g//8, counted from the least significant, is grain g."""

    copied: bytes
    modified: bytes


class RefusedError(Exception):
    """The IUT refused a request. `kind` is None for `internal`, which no clause ever allows."""

    def __init__(self, kind: Refusal | None, message: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class IutBrokeDownError(Exception):
    """The IUT died, hung, or wrote what is no response: *errored*, which is not *failed*."""


class KilledError(Exception):
    """A request was not answered because the kit itself killed the IUT meanwhile."""


class Adapter(Protocol):
    """An implementation under test. Offsets and lengths are bytes.

    Methods raise RefusedError for a request that is refused. One object lives from `create` or
    `open` to `close` or `kill`; after that the kit makes another.
    """

    def hello(self) -> Hello:
        """The first request: who this is."""

    def create(self, directory: Path, geometry: Geometry, *, target_writable: bool) -> None:
        """Two volumes of zeros, idle; all that must survive a restart lives in `directory`."""

    def open(self, directory: Path) -> None:
        """Recover what an earlier object left in `directory`."""

    def start(self) -> None:
        """START-1."""

    def sync(self) -> None:
        """SYNC-1."""

    def stop(self) -> None:
        """STOP-1. Capability `stop`."""

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        """READ-1, READ-2."""

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        """WRITE-2, WRITE-3."""

    def write_zeroes(self, volume: Volume, offset: int, length: int) -> None:
        """WRITE-4. Capability `write_zeroes`."""

    def flush(self, volume: Volume) -> None:
        """FLUSH-1."""

    def background_copy(self, grains: int | None) -> int:
        """COPY-2: how many grains were copied. Capability `background_copy`."""

    def status(self) -> Status:
        """What the relationship is at."""

    def bitmaps(self) -> Bitmaps:
        """Both maps at one moment. Capability `bitmaps`."""

    def power_loss(self, seed: int) -> None:
        """Lose some of what was not flushed, and recover. Capability `power_loss`."""

    def close(self) -> None:
        """Shut down cleanly; nothing of the IUT is left running."""

    def kill(self) -> None:
        """End at once, as if by SIGKILL. Allowed at any moment, and more than once."""


class Conversation(Adapter, Protocol):
    """An adapter with any number of requests in flight; one thread at a time talks to it.

    `kill` may come from any thread at any moment. The methods of Adapter still wait for their own
    answer, and keep the answers to others that come meanwhile.
    """

    def begin(self, method: str, *arguments: Any) -> int:
        """Queue a call of a method of Adapter; its number. It goes out when somebody waits."""

    def answer_to(self, number: int) -> Any:
        """Send what is queued, and wait for one answer; others that come meanwhile are kept.

        It is what `answers` would give for it, and raises the same.
        """

    def answers(self, wait: float | None = None) -> list[tuple[int, Any]]:
        """Send what is queued; the answers that are there, by number, in the order they came.

        An answer is what the method returns, or a RefusedError; of a method that returns nothing
        it says nothing. At least one if any is awaited; with `wait`, none if none has come in so
        many seconds, and with 0 nothing is waited for.
        Raises KilledError if the kit itself killed the IUT, and IutBrokeDownError, which a request
        that is not answered in time is, too.
        """
