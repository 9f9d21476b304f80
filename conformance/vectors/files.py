"""Vectors in a directory: a file a subject, the schema, and an index that vouches for all of them.

The index names the version and the SHA-256 of every other file. It is taken away first and written
last, so a directory that was not filled to the end has none and is not read. Filling replaces what
an earlier filling left, as it was left, and nothing else: in a directory with anything of somebody
else's, or with a file of ours that was edited, nothing is written.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from flashcopy.conformance.vectors.all_vectors import all_vectors
from flashcopy.conformance.vectors.vector import InvalidVectorsError, Vector, dumps, loads

INDEX = "index.json"
INDEX_FORMAT = "flashcopy-vectors-index"
SCHEMA = "vectors.schema.json"
MAJOR = 1


class CannotFillError(ValueError):
    """A directory that vectors cannot be written to without harm; the message says why."""


def packaged(name: str) -> str:
    """The text of a file that comes with this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def released_version() -> str:
    """The version of the vectors, "major.minor.patch"."""
    return str(json.loads(packaged("released.json"))["version"])


def texts() -> dict[str, str]:
    """Every file by its name, the index last. The same text each time, byte for byte."""
    version = released_version()
    files = {f"{file.subject}.json": dumps(file) for file in all_vectors(version)}
    files[SCHEMA] = packaged(SCHEMA)
    digests = {name: _digest(text.encode()) for name, text in files.items()}
    index = {"format": INDEX_FORMAT, "version": version, "files": digests}
    return {**files, INDEX: json.dumps(index, indent=1) + "\n"}


def fill(directory: Path) -> list[Path]:
    """Write the vectors and give the files. Raises CannotFillError before anything is changed.

    Raises OSError if the system will not write. What was there before is lost only when all that
    takes its place is written.
    """
    new = texts()
    old = _own_files(directory)
    directory.mkdir(parents=True, exist_ok=True)
    staged = {name: directory / f".{name}.new" for name in new}
    try:
        for name, text in new.items():
            staged[name].write_bytes(text.encode())
        (directory / INDEX).unlink(missing_ok=True)
        for name in new:
            os.replace(staged[name], directory / name)
    finally:
        for path in staged.values():
            path.unlink(missing_ok=True)
    for name in old - set(new):
        (directory / name).unlink(missing_ok=True)
    return [directory / name for name in new]


def load(directory: Path) -> tuple[str, list[Vector]]:
    """The version and the vectors in a directory. Raises InvalidVectorsError."""
    index = _read_index(directory)
    version = index["version"]
    if version.partition(".")[0] != str(MAJOR):
        raise InvalidVectorsError(
            f"{directory}: vectors of version {version}; this program reads version {MAJOR}.x."
            " Fill a directory anew, or use the flashcopy that filled this one"
        )
    vectors: list[Vector] = []
    for name, digest in index["files"].items():
        data = _read(directory / name)
        if _digest(data) != digest:
            says = "is not as it was filled (its SHA-256 differs from the index's)"
            raise InvalidVectorsError(f"{directory / name} {says}: fill a directory anew")
        if name != SCHEMA:
            vectors += loads(data.decode(), str(directory / name)).vectors
    return version, vectors


def _own_files(directory: Path) -> set[str]:
    """The files that an earlier filling left. Raises CannotFillError if there is anything else."""
    if not directory.exists():
        return set()
    there = {path.name for path in directory.iterdir()}
    if not there:
        return set()
    refuse = f"{directory} is not empty, and nothing was written to it: "
    if INDEX not in there:
        raise CannotFillError(f"{refuse}give a directory that is new, empty, or filled before")
    files: Mapping[str, str] = _read_index(directory)["files"]
    foreign = sorted(there - set(files) - {INDEX})
    if foreign:
        raise CannotFillError(f"{refuse}{foreign[0]} is no file of the vectors")
    edited = [name for name in files if name in there and not _is(directory / name, files[name])]
    if edited:
        raise CannotFillError(f"{refuse}{edited[0]} was changed since it was filled")
    return there


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and _digest(path.read_bytes()) == digest


def _read_index(directory: Path) -> dict[str, Any]:
    path = directory / INDEX
    try:
        index = json.loads(_read(path))
    except ValueError as error:
        if isinstance(error, InvalidVectorsError):
            raise
        raise InvalidVectorsError(f"{path}: not JSON: {error}") from None
    if not isinstance(index, dict) or index.get("format") != INDEX_FORMAT:
        raise InvalidVectorsError(f'{path}: no "format": "{INDEX_FORMAT}" at its top level')
    files = index.get("files")
    if not isinstance(index.get("version"), str) or not isinstance(files, dict):
        raise InvalidVectorsError(f"{path}: it says no version, or no files")
    wrong = [n for n, d in files.items() if Path(n).name != n or not isinstance(d, str)]
    if wrong:
        raise InvalidVectorsError(f"{path}: {wrong[0]!r} is no name of a file beside it")
    return index


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidVectorsError(f"{path}: {error.strerror}") from None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
