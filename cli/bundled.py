"""The bundled implementation as an adapter of the conformance kit, in the kit's own process."""

from pathlib import Path

from flashcopy.cli.server import CAPABILITIES, Server
from flashcopy.conformance.adapter import Bitmaps, Capability, Hello, RefusedError, Status
from flashcopy.impl import FlashCopy
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.volume import Volume as OpenVolume
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Refusal


class BundledAdapter:
    """The bundled implementation on files in a directory; see `Adapter`.

    What `serve` does for the wire is done here without one: files, claims and refusals are its.
    """

    def __init__(self) -> None:
        self._server = Server("process")

    def hello(self) -> Hello:
        """Who this is."""
        said = self._server.hello(1)
        claimed = frozenset(Capability(name) for name in CAPABILITIES)
        return Hello(said["name"], said["version"], claimed)

    def create(self, directory: Path, geometry: Geometry, *, target_writable: bool) -> None:
        """GEO-1."""
        sizes = (geometry.size, geometry.block_size, geometry.grain_size)
        with _Refusing():
            self._server.create(str(directory), *sizes, target_writable)

    def open(self, directory: Path) -> None:
        """REC-1."""
        with _Refusing():
            self._server.open(str(directory))

    def start(self) -> None:
        """START-1."""
        with _Refusing():
            self._pair.start()

    def sync(self) -> None:
        """SYNC-1."""
        with _Refusing():
            self._pair.sync()

    def stop(self) -> None:
        """STOP-1."""
        with _Refusing():
            self._pair.stop()

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        """READ-1, READ-2."""
        with _Refusing():
            return self._side(volume).read(offset, length)

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        """WRITE-2, WRITE-3."""
        with _Refusing():
            self._side(volume).write(offset, data)

    def write_zeroes(self, volume: Volume, offset: int, length: int) -> None:
        """WRITE-4."""
        with _Refusing():
            self._side(volume).write_zeroes(offset, length)

    def flush(self, volume: Volume) -> None:
        """FLUSH-1."""
        with _Refusing():
            self._side(volume).flush()

    def background_copy(self, grains: int | None) -> int:
        """COPY-2."""
        with _Refusing():
            return self._pair.copy(grains)

    def status(self) -> Status:
        """State and counts."""
        now = self._pair.status()
        return Status(State(now.state.value), now.copied, now.grains)

    def bitmaps(self) -> Bitmaps:
        """Both maps, without the padding that follows them."""
        maps, length = self._pair.bitmaps(), -(-self._pair.geometry.grains // 8)
        return Bitmaps(maps.copied[:length], maps.modified[:length])

    def power_loss(self, seed: int) -> None:
        """Not claimed: a real file forgets nothing on demand."""
        raise RefusedError(Refusal.INVALID_ARGUMENT, f"power_loss {seed} is not claimed")

    def close(self) -> None:
        """Flush everything and give the files back."""
        self._server.close()

    def kill(self) -> None:
        """As a crash of the process would, but between two requests."""
        self._server.abandon()

    @property
    def _pair(self) -> FlashCopy:
        return self._server.pair

    def _side(self, volume: Volume) -> OpenVolume:
        return self._pair.source if volume is Volume.SOURCE else self._pair.target


class _Refusing:
    """Turns the implementation's refusals into the kit's."""

    def __enter__(self) -> None:
        """Nothing to do before."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, FlashCopyError):
            kinds = {refusal.value: refusal for refusal in Refusal}
            raise RefusedError(kinds.get(error.kind), str(error)) from error
