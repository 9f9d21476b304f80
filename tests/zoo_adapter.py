"""A member of the zoo as an adapter in this process: a run of all of them takes seconds so.

One request is carried out as a whole after the other; a member that pauses is pushed on at once.
"""

from pathlib import Path
from typing import Any

from flashcopy.conformance.adapter import Bitmaps, Capability, Hello, RefusedError, Status
from flashcopy.conformance.zoo import right
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Refusal

CLAIMED = frozenset(Capability) - {Capability.POWER_LOSS, Capability.CONCURRENT}


class ZooAdapter:
    """See `Adapter`."""

    def __init__(self, member: type[right.Right]) -> None:
        self._member = _unlocked(member)()

    def hello(self) -> Hello:
        return Hello(type(self._member).__name__, "1", CLAIMED)

    def create(self, directory: Path, geometry: Geometry, *, target_writable: bool) -> None:
        sizes = (geometry.size, geometry.block_size, geometry.grain_size)
        self._ask("create", str(directory), *sizes, target_writable)

    def open(self, directory: Path) -> None:
        self._ask("open", str(directory))

    def start(self) -> None:
        self._ask("start")

    def sync(self) -> None:
        self._ask("sync")

    def stop(self) -> None:
        self._ask("stop")

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        return bytes(self._ask("read", volume.value, offset, length)["data"])

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        self._ask("write", volume.value, offset, data)

    def write_zeroes(self, volume: Volume, offset: int, length: int) -> None:
        self._ask("write_zeroes", volume.value, offset, length)

    def flush(self, volume: Volume) -> None:
        self._ask("flush", volume.value)

    def background_copy(self, grains: int | None) -> int:
        return int(self._ask("background_copy", grains)["copied"])

    def status(self) -> Status:
        said = self._ask("status")
        return Status(State(said["state"]), said["copied"], said["grains"])

    def bitmaps(self) -> Bitmaps:
        said = self._ask("bitmaps")
        return Bitmaps(said["copied"], said["modified"])

    def power_loss(self, seed: int) -> None:
        raise RefusedError(Refusal.INVALID_ARGUMENT, f"power_loss {seed} is not claimed")

    def close(self) -> None:
        self._member.close()

    def kill(self) -> None:
        """What is saved is saved."""

    def _ask(self, method: str, *params: Any) -> dict[str, Any]:
        try:
            outcome = getattr(self._member, method)(*params)
        except right.RefusedError as error:
            raise RefusedError(Refusal(error.kind), str(error)) from None
        while not isinstance(outcome, dict):
            try:
                next(outcome)
            except StopIteration as end:
                outcome = end.value
        return outcome


def _unlocked(member: type[right.Right]) -> type[right.Right]:
    """The member without its lock: only the end of its process would give that back (ERR-8)."""
    return type(member.__name__, (member,), {"lock": _lock_nothing})


def _lock_nothing(_member: right.Right, _directory: str) -> None:
    pass
