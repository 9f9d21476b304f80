"""How a relationship comes to be and comes back: the checks, the map file, recovery.

Creation changes neither volume, and leaves a map file that is complete and durable or none at
all: it is written under a passing name and then linked to its own. Opening believes nothing that
has not been checked (ERR-7, ERR-9), and flushes what it found before anything counts as durable:
after a crash of the process, what the map says may be no further than the page cache (REC-1).
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from attrs import frozen

from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device, Standing
from flashcopy.impl.errors import (
    GeometryError,
    MapExistsError,
    MapFailedError,
    MapFileError,
    TruncatedMapError,
)
from flashcopy.impl.files import File, require_different
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import (
    PAGE,
    Header,
    Identity,
    MapFile,
    decode_first_page,
    encode_first_page,
    file_size,
)
from flashcopy.impl.memory import Memory

OpenFile = Callable[[Device, Path], File]

_NEW = Header(generation=0, standing=Standing.IDLE, area=0)
_PIECE = 1 << 20


@frozen
class Opened:
    """What an engine works on: three open files, the map file locked, and the first memory."""

    files: dict[Device, File]
    mapfile: MapFile
    memory: Memory


def create(
    source: Path,
    target: Path,
    map_path: Path,
    open_file: OpenFile,
    *,
    block_size: int,
    grain_size: int,
    target_writable: bool,
    keep_target: bool,
) -> Opened:
    """A new relationship, idle. Raises FlashCopyError, and leaves nothing behind then."""
    if os.path.lexists(map_path):
        raise _exists(map_path)
    with ExitStack() as undo:
        volumes = _open_volumes(source, target, open_file, undo)
        size = volumes[SOURCE].size
        if size != volumes[TARGET].size:
            raise GeometryError(
                f"source {source} has {size} bytes and target {target}"
                f" {volumes[TARGET].size}: both must have the same size"
            )
        identity = Identity.new(
            Geometry(size, block_size, grain_size),
            Path(os.path.abspath(source)),
            Path(os.path.abspath(target)),
            target_writable=target_writable,
            keep_target=keep_target,
        )
        map_file = _create_map(identity, map_path, open_file)
        undo.callback(map_file.close)
        mapfile = MapFile(identity, _NEW)
        memory = _load(mapfile, map_file)
        undo.pop_all()
    return Opened(volumes | {MAP: map_file}, mapfile, memory)


def reopen(
    map_path: Path, source: Path | None, target: Path | None, open_file: OpenFile, *, durable: bool
) -> Opened:
    """REC-1: a relationship as its map file has it. Paths given override those in the file."""
    with ExitStack() as undo:
        map_file = _opened(open_file, MAP, map_path, undo)
        map_file.lock()
        mapfile = _read_map(map_file)
        identity = mapfile.identity
        volumes = _open_volumes(
            source or identity.source, target or identity.target, open_file, undo
        )
        files = volumes | {MAP: map_file}
        require_different(list(files.values()))
        for file in volumes.values():
            if file.size != identity.geometry.size:
                raise GeometryError(
                    f"{file.device.value} {file.path} has {file.size} bytes, but map file"
                    f" {map_path} was made for volumes of {identity.geometry.size}"
                )
        if durable:
            for device in (SOURCE, TARGET, MAP):  # the map last: it vouches for the others
                files[device].flush()
        memory = _load(mapfile, map_file)
        undo.pop_all()
    return Opened(files, mapfile, memory)


def _open_volumes(
    source: Path, target: Path, open_file: OpenFile, undo: ExitStack
) -> dict[Device, File]:
    paths = {SOURCE: source, TARGET: target}
    files = {device: _opened(open_file, device, path, undo) for device, path in paths.items()}
    require_different(list(files.values()))
    return files


def _opened(open_file: OpenFile, device: Device, path: Path, undo: ExitStack) -> File:
    file = open_file(device, path)
    undo.callback(file.close)
    return file


def _create_map(identity: Identity, path: Path, open_file: OpenFile) -> File:
    """MAP-1: the file whole and durable under its name, and locked before anybody can find it.

    Zeros are written, not left out: later writes of the maps then need no new room.
    """
    page = encode_first_page(identity, _NEW)
    directory = path.absolute().parent
    try:
        handle, passing = tempfile.mkstemp(prefix=f".{path.name}.", dir=directory)
        os.close(handle)
    except OSError as error:
        raise MapFailedError(f"map file {path}: cannot create it: {error.strerror}") from error
    try:
        with ExitStack() as undo:
            file = _opened(open_file, MAP, Path(passing), undo)
            file.path = path
            file.lock()
            size = file_size(identity.geometry)
            for at in range(PAGE, size, _PIECE):
                file.write(at, bytes(min(_PIECE, size - at)))
            file.write(0, page)
            file.flush()
            _link(passing, path)
            undo.pop_all()
    finally:
        os.unlink(passing)
    return file


def _link(passing: str, path: Path) -> None:
    try:
        os.link(passing, path)
        directory = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise MapFailedError(f"map file {path}: cannot create it: {error.strerror}") from error


def _read_map(file: File) -> MapFile:
    """ERR-7: raises MapFileError, naming the file, for anything that is no intact map file."""
    try:
        identity, header = decode_first_page(file.read(0, min(PAGE, file.size)))
    except MapFileError as error:
        raise type(error)(f"{file.path}: {error}") from None
    expected = file_size(identity.geometry)
    if file.size != expected:
        raise TruncatedMapError(
            f"{file.path}: the map file has {file.size} bytes, its header says {expected}"
        )
    return MapFile(identity, header)


def _load(mapfile: MapFile, file: File) -> Memory:
    return mapfile.load(file.read(PAGE, file_size(mapfile.identity.geometry) - PAGE))


def _exists(path: Path) -> MapExistsError:
    return MapExistsError(
        f"map file {path} exists already: open it, or choose another name or remove it first"
    )
