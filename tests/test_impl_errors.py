"""Bad input and failing devices: each has its own exception and one clear line (ERR-1 to ERR-9)."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flashcopy.impl import FlashCopy, FlashCopyError, State
from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device
from flashcopy.impl.errors import (
    AlreadyOpenError,
    CorruptMapError,
    ForeignMapError,
    GeometryError,
    InvalidArgumentError,
    InvalidStateError,
    MapExistsError,
    MapFailedError,
    MapFileError,
    MisalignedError,
    NewerMapError,
    NotStartedError,
    OutOfRangeError,
    ReadOnlyTargetError,
    SameFileError,
    SourceFailedError,
    TargetFailedError,
    TargetStoppedError,
    TruncatedMapError,
)
from flashcopy.impl.mapfile import PAGE, decode_first_page
from tests.pairs import (
    BLOCK,
    GRAIN,
    GRAINS,
    NEW,
    OLD,
    OTHER,
    SIZE,
    Faults,
    create,
    make_files,
    reopen,
)


def _files(where: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in where.iterdir()}


def _shorter_target(where: Path) -> None:
    (where / "target").write_bytes(OTHER)


def _empty(where: Path) -> None:
    make_files(where, 0)


def _unaligned(where: Path) -> None:
    for name in ("source", "target"):
        (where / name).write_bytes(bytes(SIZE + 1))


def _linked(where: Path) -> None:
    (where / "target").unlink()
    (where / "target").hardlink_to(where / "source")


def _symbolic(where: Path) -> None:
    (where / "target").unlink()
    (where / "target").symlink_to(where / "source")


def _no_source(where: Path) -> None:
    (where / "source").unlink()


def _no_target(where: Path) -> None:
    (where / "target").unlink()


def _directory(where: Path) -> None:
    (where / "target").unlink()
    (where / "target").mkdir()
    (where / "target").rmdir()
    os.mkfifo(where / "target")


def _map_exists(where: Path) -> None:
    (where / "map").write_bytes(b"precious")


@pytest.mark.parametrize(
    ("spoil", "options", "error", "words"),
    [
        (_shorter_target, {}, GeometryError, "same size"),
        (_empty, {}, GeometryError, "volume size 0"),
        (_unaligned, {}, GeometryError, "no multiple of the block size 512"),
        (None, {"grain_size": 3072}, GeometryError, "grain size 3072: use a power of two"),
        (None, {"grain_size": 256}, GeometryError, "smaller than the block size"),
        (None, {"block_size": 256}, GeometryError, "block size 256"),
        (None, {"block_size": 1000}, GeometryError, "block size 1000"),
        (_linked, {}, SameFileError, "same file"),
        (_symbolic, {}, SameFileError, "same file"),
        (_no_source, {}, SourceFailedError, "No such file"),
        (_no_target, {}, TargetFailedError, "No such file"),
        (_directory, {}, InvalidArgumentError, "neither a file nor a block device"),
        (_map_exists, {}, MapExistsError, "exists already"),
        (None, {"durability": "perhaps"}, InvalidArgumentError, "use full or process"),
    ],
)
def test_creation_refused(  # type: ignore[no-untyped-def]
    tmp_path: Path, spoil: Callable[[Path], None] | None, options, error, words
) -> None:
    """ERR-9: nothing is there that was not there before, and nothing is different."""
    make_files(tmp_path)
    if spoil:
        spoil(tmp_path)
    fifo = (tmp_path / "target").is_fifo()
    before = None if fifo else _files(tmp_path)
    arguments = {"grain_size": GRAIN, "block_size": BLOCK} | options
    with pytest.raises(error, match=words):
        FlashCopy.create(tmp_path / "source", tmp_path / "target", tmp_path / "map", **arguments)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(before or ["source", "target"])
    assert fifo or _files(tmp_path) == before


def test_a_map_file_that_cannot_be_written_is_not_there(tmp_path: Path) -> None:
    """ERR-9: complete and durable, or not at all."""
    for what in ("write", "flush"):
        faults = Faults(errno.ENOSPC)
        faults.failing = {(MAP, what)}
        with pytest.raises(MapFailedError, match="No space left"):
            create(tmp_path, open_file=faults.open_file)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


def test_no_directory_for_the_map_file(tmp_path: Path) -> None:
    """ERR-9."""
    make_files(tmp_path)
    with pytest.raises(MapFailedError, match="No such file or directory"):
        FlashCopy.create(
            tmp_path / "source", tmp_path / "target", tmp_path / "no" / "map", block_size=BLOCK
        )


@pytest.mark.parametrize("state", ["idle", "tracked"])
def test_every_bit_of_the_first_page_counts(tmp_path: Path, state: str) -> None:
    """MAP-2: any single flipped bit is refused as what it is."""
    with create(tmp_path) as pair:
        if state == "tracked":
            pair.start()
    page = (tmp_path / "map").read_bytes()[:PAGE]
    decode_first_page(page)
    for bit in range(8 * PAGE):
        flipped = bytearray(page)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((ForeignMapError, NewerMapError, CorruptMapError)):
            decode_first_page(bytes(flipped))


def _truncate(data: bytes) -> bytes:
    return data[:-1]


def _within_first_page(data: bytes) -> bytes:
    return data[:100]


def _grow(data: bytes) -> bytes:
    return data + bytes(PAGE)


def _foreign(_: bytes) -> bytes:
    return b"#!/bin/sh\n" * 1000


def _nothing(_: bytes) -> bytes:
    return b""


def _newer(data: bytes) -> bytes:
    return data[:8] + b"\2\0\0\0" + data[12:]


def _flip(data: bytes) -> bytes:
    return data[:30] + bytes([data[30] ^ 4]) + data[31:]


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (_truncate, TruncatedMapError, "its header says"),
        (_within_first_page, TruncatedMapError, "within its first page"),
        (_grow, TruncatedMapError, "its header says"),
        (_foreign, ForeignMapError, "not a map file"),
        (_nothing, ForeignMapError, "not a map file"),
        (_newer, NewerMapError, "format version 2"),
        (_flip, CorruptMapError, "damaged"),
    ],
)
def test_bad_map_file_refused(  # type: ignore[no-untyped-def]
    tmp_path: Path, spoil: Callable[[bytes], bytes], error, words
) -> None:
    """ERR-7: and the file is named, left as it is, and unlocked again."""
    create(tmp_path).close()
    path = tmp_path / "map"
    good = path.read_bytes()
    path.write_bytes(spoil(good))
    before = _files(tmp_path)
    with pytest.raises(error, match=words) as raised:
        reopen(tmp_path)
    assert str(path) in str(raised.value)
    assert _files(tmp_path) == before
    path.write_bytes(good)
    reopen(tmp_path).close()


def test_missing_map_file(tmp_path: Path) -> None:
    """ERR-7."""
    with pytest.raises(MapFailedError, match="No such file"):
        FlashCopy.open(tmp_path / "map")


def test_a_volume_of_another_size_is_not_ours(tmp_path: Path) -> None:
    """ERR-9: whatever was done to the file meanwhile."""
    create(tmp_path).close()
    (tmp_path / "target").write_bytes(OTHER)
    with pytest.raises(GeometryError, match="was made for volumes of"):
        reopen(tmp_path)


def test_map_file_as_a_volume(tmp_path: Path) -> None:
    """ERR-9: three different files."""
    create(tmp_path).close()
    with pytest.raises(SameFileError):
        reopen(tmp_path, target=tmp_path / "map")


def test_one_at_a_time(tmp_path: Path) -> None:
    """ERR-8: neither in this process nor from another."""
    with create(tmp_path):
        with pytest.raises(AlreadyOpenError, match="already open"):
            reopen(tmp_path)
        program = "import sys; from flashcopy.impl import FlashCopy; FlashCopy.open(sys.argv[1])"
        other = subprocess.run(
            [sys.executable, "-c", program, tmp_path / "map"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert other.returncode != 0
        assert "AlreadyOpenError" in other.stderr
    reopen(tmp_path).close()


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    ("offset", "length", "error"),
    [
        (SIZE, BLOCK, OutOfRangeError),
        (0, SIZE + BLOCK, OutOfRangeError),
        (-BLOCK, BLOCK, OutOfRangeError),
        (-BLOCK, 0, OutOfRangeError),
        (SIZE + BLOCK, 0, OutOfRangeError),
        (1, BLOCK, MisalignedError),
        (0, BLOCK - 1, MisalignedError),
        (1, 0, MisalignedError),
    ],
)
def test_requests_that_make_no_sense(  # type: ignore[no-untyped-def]
    tmp_path: Path, side: str, offset: int, length: int, error
) -> None:
    """ERR-1: refused by every request, with nothing changed."""
    with create(tmp_path) as pair:
        pair.start()
        volume = getattr(pair, side)
        requests: list[Callable[[], object]] = [
            lambda: volume.read(offset, length),
            lambda: volume.write(offset, bytes(length)),
            lambda: volume.write_zeroes(offset, length),
        ]
        for request in requests:
            with pytest.raises(error, match=f"{length} bytes at {offset} of the {side}"):
                request()
        assert pair.bitmaps().modified[0] == 0
        assert pair.source.read(0, SIZE) == OLD * (SIZE // BLOCK)


def test_negative_lengths(tmp_path: Path) -> None:
    """ERR-1, and for counts and rates."""
    with create(tmp_path, background=True) as pair:
        for request in (lambda: pair.source.read(0, -BLOCK), lambda: pair.copy(-1)):
            with pytest.raises(InvalidArgumentError):
                request()
        with pytest.raises(InvalidArgumentError, match="rate 0"):
            pair.set_rate(0)


def test_zero_length_is_a_no_op(tmp_path: Path) -> None:
    """ERR-4: at any place of the volume, its end included; and no grain is touched."""
    with create(tmp_path) as pair:
        pair.start()
        for volume in (pair.source, pair.target):
            for offset in (0, BLOCK, SIZE):
                assert volume.read(offset, 0) == b""
                volume.write(offset, b"")
                volume.write_zeroes(offset, 0)
        assert pair.status().copied == 0


def test_sync_before_start(tmp_path: Path) -> None:
    """LIFE-1, SYNC-3."""
    with create(tmp_path) as pair:
        with pytest.raises(NotStartedError, match="use start instead"):
            pair.sync()
        assert pair.status().state is State.IDLE
        assert pair.status().generation == 0


def test_the_target_refuses_everything_when_stopped(tmp_path: Path) -> None:
    """ERR-2, LIFE-3: until the next start; the source works on."""
    with create(tmp_path) as pair:
        pair.start()
        pair.stop()
        for request in (
            lambda: pair.target.read(0, BLOCK),
            lambda: pair.target.read(0, 0),
            lambda: pair.target.write(0, NEW),
            lambda: pair.target.write(0, b""),
            lambda: pair.target.write_zeroes(0, BLOCK),
            pair.target.flush,
            pair.wait,
        ):
            with pytest.raises(TargetStoppedError):
                request()
        pair.source.write(0, NEW)
        pair.start()
        assert pair.target.read(0, BLOCK) == NEW


def test_read_only_target(tmp_path: Path) -> None:
    """ERR-3: it survives a reopen, and the copy still arrives."""
    create(tmp_path, target_writable=False).close()
    with reopen(tmp_path) as pair:
        pair.start()
        writes: list[Callable[[], None]] = [
            lambda: pair.target.write(0, NEW),
            lambda: pair.target.write(0, b""),
            lambda: pair.target.write_zeroes(0, BLOCK),
        ]
        for request in writes:
            with pytest.raises(ReadOnlyTargetError):
                request()
        assert pair.copy() == GRAINS


def test_what_needs_a_background_copy(tmp_path: Path) -> None:
    """COPY-6: without one there is nothing to wait for, pause or pace."""
    with create(tmp_path) as pair:
        pair.start()
        requests: list[Callable[[], object]] = [
            pair.wait,
            pair.pause,
            pair.resume,
            lambda: pair.set_rate(1),
        ]
        for request in requests:
            with pytest.raises(InvalidStateError, match="without a background copy"):
                request()


def test_full_target_disk_gives_up_the_target(tmp_path: Path) -> None:
    """ERR-5: the host's write succeeds, and that we stopped survives a crash."""
    faults = Faults(errno.ENOSPC)
    pair = create(tmp_path, open_file=faults.open_file)
    pair.start()
    faults.failing = {(TARGET, "write")}
    pair.source.write(0, NEW)
    assert pair.source.read(0, BLOCK) == NEW
    assert pair.status().state is State.STOPPED
    pair.abandon()
    with reopen(tmp_path) as pair:
        assert pair.status().state is State.STOPPED
        assert pair.source.read(0, BLOCK) == NEW


def test_full_target_disk_with_keep_target(tmp_path: Path) -> None:
    """ERR-5, the other policy: the write fails and changes nothing, until there is room."""
    faults = Faults(errno.ENOSPC)
    with create(tmp_path, open_file=faults.open_file, keep_target=True) as pair:
        pair.start()
        faults.failing = {(TARGET, "write")}
        with pytest.raises(TargetFailedError, match="writing 2048 bytes at 0: No space left"):
            pair.source.write(0, NEW)
        with pytest.raises(TargetFailedError):
            pair.copy()
        assert pair.source.read(0, BLOCK) == OLD
        assert pair.status().state is State.COPYING
        faults.failing = set()
        pair.source.write(0, NEW)
        assert pair.target.read(0, BLOCK) == OLD
        assert pair.copy() == GRAINS - 1


def test_write_to_a_target_that_fails(tmp_path: Path) -> None:
    """ERR-5: refused, and the grain still reads from the source."""
    faults = Faults(errno.ENOSPC)
    with create(tmp_path, open_file=faults.open_file) as pair:
        pair.start()
        faults.failing = {(TARGET, "write")}
        with pytest.raises(TargetFailedError):
            pair.target.write(0, NEW)
        assert pair.target.read(0, BLOCK) == OLD


def test_map_fails_but_stopping_can_be_recorded(tmp_path: Path) -> None:
    """ERR-5: a failed flush of the map ends it all, durably, before the source changes."""
    faults = Faults()
    pair = create(tmp_path, open_file=faults.open_file)
    pair.start()
    engine_map = pair._engine.files[MAP]
    working = engine_map.fdatasync
    engine_map.fdatasync = _once(working)
    pair.source.write(0, NEW)
    assert pair.status().state is State.STOPPED
    pair.abandon()
    with reopen(tmp_path) as pair:
        assert pair.status().state is State.STOPPED
        assert pair.source.read(0, BLOCK) == NEW


def _once(call: Callable[[int], None]) -> Callable[[int], None]:
    """A flush that fails the first time, as a system reports a lost write."""
    failed: list[int] = []

    def flush(fd: int) -> None:
        if not failed:
            failed.append(fd)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        call(fd)

    return flush


@pytest.mark.parametrize("what", ["write", "flush"])
def test_not_even_stopping_can_be_recorded(tmp_path: Path, what: str) -> None:
    """ERR-5: then writes fail and change nothing, until the map works again."""
    faults = Faults()
    with create(tmp_path, open_file=faults.open_file) as pair:
        pair.start()
        faults.failing = {(MAP, what)}
        for _ in range(2):
            with pytest.raises(MapFailedError, match=r"map file .*map: "):
                pair.source.write(0, NEW)
            assert pair.source.read(0, BLOCK) == OLD
        with pytest.raises(TargetStoppedError):
            pair.target.read(0, BLOCK)
        faults.failing = set()
        pair.source.write(0, NEW)
        assert pair.source.read(0, BLOCK) == NEW
        pair.start()
        assert pair.target.read(0, BLOCK) == NEW


@pytest.mark.parametrize("what", ["write", "flush"])
def test_a_start_that_the_map_fails(tmp_path: Path, what: str) -> None:
    """ERR-5: from idle it is refused; what it had prepared is not believed later."""
    faults = Faults()
    with create(tmp_path, open_file=faults.open_file) as pair:
        faults.failing = {(MAP, what)}
        with pytest.raises(MapFailedError):
            pair.start()
        assert pair.status().state is State.IDLE
        faults.failing = set()
        if what == "flush":  # nobody knows what was lost, until it is opened again
            with pytest.raises(MapFailedError):
                pair.start()
        else:
            pair.start()
        pair.abandon()
    with reopen(tmp_path) as pair:
        pair.start()
        pair.abandon()
    with reopen(tmp_path) as pair:
        assert pair.status().copied == 0
        assert pair.target.read(0, SIZE) == OLD * (SIZE // BLOCK)


def test_source_read_errors(tmp_path: Path) -> None:
    """ERR-6: read, fake read, copy and first write fail, and nothing has changed."""
    faults = Faults()
    with create(tmp_path, open_file=faults.open_file) as pair:
        pair.start()
        faults.failing = {(SOURCE, "read")}
        for request in (
            lambda: pair.source.read(0, BLOCK),
            lambda: pair.target.read(0, BLOCK),
            lambda: pair.source.write(0, NEW),
            lambda: pair.target.write(0, NEW),
            pair.copy,
        ):
            with pytest.raises(
                SourceFailedError, match=r"source .*: reading \d+ bytes at 0: Input"
            ):
                request()
        faults.failing = set()
        assert pair.status().copied == 0
        assert pair.source.read(0, SIZE) == pair.target.read(0, SIZE) == OLD * (SIZE // BLOCK)
        assert pair.copy() == GRAINS


def test_a_source_that_lost_writes_is_not_a_point_in_time(tmp_path: Path) -> None:
    """ERR-6: after a failed flush, sync refuses until the source was opened again."""
    faults = Faults()
    pair = create(tmp_path, open_file=faults.open_file)
    pair.start()
    faults.failing = {(SOURCE, "flush")}
    with pytest.raises(SourceFailedError) as raised:
        pair.source.flush()
    assert raised.value.earlier_writes_lost
    faults.failing = set()
    generation = pair.status().generation
    for request in (pair.sync, pair.start, pair.source.flush):
        with pytest.raises(SourceFailedError):
            request()
    assert pair.status().generation == generation
    pair.abandon()
    with reopen(tmp_path) as pair:
        pair.sync()


def test_short_reads_and_writes_are_continued(tmp_path: Path) -> None:
    """What the system does by halves is done in two; the end of a file is an error."""
    with create(tmp_path) as pair:
        source = pair._engine.files[SOURCE]
        source.pwrite = lambda fd, data, offset: os.pwrite(
            fd, memoryview(data)[: BLOCK // 2], offset
        )
        source.pread = lambda fd, length, offset: os.pread(fd, min(length, 100), offset)
        pair.source.write(0, NEW)
        assert pair.source.read(0, BLOCK) == NEW
        os.truncate(tmp_path / "source", BLOCK)
        with pytest.raises(SourceFailedError, match="the file ends at byte 512"):
            pair.source.read(0, 2 * BLOCK)


def test_recovery_flushes_before_it_believes(tmp_path: Path) -> None:
    """REC-1: what the map says may be no further than the page cache."""
    create(tmp_path).close()
    faults = Faults()
    reopen(tmp_path, open_file=faults.open_file).abandon()
    flushed = [device for device, what in faults.calls if what == "flush"]
    assert flushed == [SOURCE, TARGET, MAP]
    faults.failing = {(MAP, "flush")}
    with pytest.raises(MapFailedError):
        reopen(tmp_path, open_file=faults.open_file)


def test_every_error_is_one_line_of_a_kind() -> None:
    """The wire protocol's words are the only kinds there are."""
    kinds = {"invalid_argument", "invalid_state", "read_only", "io_error", "internal"}
    todo = [FlashCopyError]
    while todo:
        error = todo.pop()
        assert error.kind in kinds
        todo += error.__subclasses__()
    assert issubclass(AlreadyOpenError, MapFileError)


@pytest.mark.parametrize("sick", [SOURCE, TARGET, MAP])
def test_closing_flushes_what_can_be_flushed(tmp_path: Path, sick: Device) -> None:
    """FLUSH-1: a device that fails when all is closed keeps no other from being made durable."""
    faults = Faults()
    pair = create(tmp_path, open_file=faults.open_file)
    pair.start()
    faults.failing, faults.calls = {(sick, "flush")}, []
    with pytest.raises(FlashCopyError):
        pair.close()
    assert {(device, "flush") for device in (SOURCE, TARGET, MAP)} <= set(faults.calls)
