"""The public interface on real files: what each request does, and what is there after a reopen."""

import threading
from pathlib import Path

import pytest

from flashcopy.impl import FlashCopy, State
from flashcopy.impl.effect import Device
from flashcopy.impl.errors import ClosedError, TargetStoppedError
from flashcopy.impl.volume import PIECE
from tests.pairs import BLOCK, GRAIN, GRAINS, NEW, OLD, OTHER, SIZE, Faults, create, reopen


def test_the_target_reads_as_the_source_did(tmp_path: Path) -> None:
    """READ-2, WRITE-2, SYNC-1: a fake read, copy on write, and a later point in time."""
    with create(tmp_path) as pair:
        assert pair.target.read(0, BLOCK) == OTHER
        pair.start()
        assert pair.target.read(0, SIZE) == OLD * (SIZE // BLOCK)
        pair.source.write(BLOCK, NEW)
        assert pair.source.read(0, 3 * BLOCK) == OLD + NEW + OLD
        assert pair.target.read(0, 3 * BLOCK) == OLD * 3
        pair.sync()
        assert pair.target.read(0, 3 * BLOCK) == OLD + NEW + OLD
        assert pair.status().copied == 0


def test_only_what_differs_is_copied_again(tmp_path: Path) -> None:
    """MIN-1, MIN-2: one grain written on either side is one grain to copy."""
    with create(tmp_path) as pair:
        pair.start()
        assert pair.copy() == GRAINS
        pair.source.write(0, NEW)
        pair.target.write(GRAIN, NEW)
        pair.sync()
        assert pair.copy(1) == 1
        assert pair.copy() == 1
        assert pair.copy() == 0
    assert (tmp_path / "source").read_bytes() == (tmp_path / "target").read_bytes()


def test_zeroes_are_a_write(tmp_path: Path) -> None:
    """WRITE-4: they copy first, and leave the rest of the grain."""
    with create(tmp_path) as pair:
        pair.start()
        pair.source.write_zeroes(BLOCK, BLOCK)
        assert pair.source.read(0, 2 * BLOCK) == OLD + bytes(BLOCK)
        assert pair.target.read(0, 2 * BLOCK) == OLD * 2
        pair.target.write_zeroes(0, SIZE)
        assert pair.target.read(0, SIZE) == bytes(SIZE)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_any_bytes_can_be_written(tmp_path: Path, kind: type) -> None:
    """A buffer of another kind is written like bytes."""
    with create(tmp_path) as pair:
        pair.source.write(0, kind(NEW))
        assert pair.source.read(0, BLOCK) == NEW


def test_large_requests_are_cut(tmp_path: Path) -> None:
    """CONC-1: a request longer than a piece is read and written all the same."""
    size = 2 * PIECE + 4096
    for name in ("source", "target"):
        (tmp_path / name).write_bytes(bytes(size))
    data = bytes(range(256)) * ((size - 8192) // 256)
    with FlashCopy.create(tmp_path / "source", tmp_path / "target", tmp_path / "map") as pair:
        pair.start()
        pair.source.write(4096, data)
        assert pair.source.read(4096, len(data)) == data
        assert pair.target.read(0, size) == bytes(size)


def test_first_touch_flushes_and_later_writes_do_not(tmp_path: Path) -> None:
    """ORDER-1, ORDER-3: target and map once for a grain, then nothing."""
    with create(tmp_path) as pair:
        pair.start()
        before = pair.status().flushes
        pair.source.write(0, NEW)
        first = pair.status().flushes
        pair.source.write(BLOCK, NEW)
        pair.target.write(0, NEW)
        assert (first.target, first.map) == (before.target + 1, before.map + 1)
        assert pair.status().flushes == first


def test_process_durability_counts_its_flushes(tmp_path: Path) -> None:
    """DUR-1: the same flushes are asked for, and none reaches the disk."""
    faults = Faults()
    with create(tmp_path, durability="process", open_file=faults.open_file) as pair:
        faults.failing = {(device, "flush") for device in Device}
        pair.start()
        pair.source.write(0, NEW)
        assert pair.status().flushes.map == 3
        pair.source.flush()


def _idle(pair: FlashCopy) -> None:
    """Nothing was started."""


def _copying(pair: FlashCopy) -> None:
    pair.start()
    pair.copy(2)
    pair.source.write(GRAIN, NEW)
    pair.source.write(5 * GRAIN, NEW)
    pair.target.write(7 * GRAIN, NEW)


def _copied(pair: FlashCopy) -> None:
    _copying(pair)
    pair.copy()


def _stopped(pair: FlashCopy) -> None:
    _copying(pair)
    pair.stop()


@pytest.mark.parametrize("end", [FlashCopy.close, FlashCopy.abandon], ids=["close", "abandon"])
@pytest.mark.parametrize(
    ("prepare", "state"),
    [
        (_idle, State.IDLE),
        (_copying, State.COPYING),
        (_copied, State.COPIED),
        (_stopped, State.STOPPED),
    ],
)
def test_reopened_as_it_was(tmp_path: Path, prepare, state, end) -> None:  # type: ignore[no-untyped-def]
    """REC-1: state, images, maps and generation survive a close and a crash, in every state."""
    pair = create(tmp_path)
    prepare(pair)
    before, maps = pair.status(), pair.bitmaps()
    images = _images(pair)
    end(pair)
    with reopen(tmp_path) as pair:
        after = pair.status()
        assert after.state is state
        assert (after.copied, after.generation) == (before.copied, before.generation)
        assert _images(pair) == images
        assert _bits(pair.bitmaps().copied) == _bits(maps.copied)
        assert _bits(pair.bitmaps().modified) == _bits(maps.modified)


def _images(pair: FlashCopy) -> tuple[bytes, bytes | None]:
    try:
        target = pair.target.read(0, SIZE)
    except TargetStoppedError:
        target = None
    return pair.source.read(0, SIZE), target


def _bits(data: bytes) -> list[int]:
    return [data[g // 8] >> g % 8 & 1 for g in range(GRAINS)]


def test_stop_of_a_complete_copy_leaves_two_volumes(tmp_path: Path) -> None:
    """STOP-1, LIFE-2: nothing ties them; a write touches one side only and flushes nothing."""
    with create(tmp_path) as pair:
        pair.start()
        pair.copy()
        pair.stop()
        flushes = pair.status().flushes
        pair.source.write(0, NEW)
        assert pair.target.read(0, BLOCK) == OLD
        assert pair.status().state is State.IDLE
        assert pair.status().flushes == flushes


def test_the_files_may_be_elsewhere_now(tmp_path: Path) -> None:
    """Paths given at open override those in the map file."""
    create(tmp_path).close()
    (tmp_path / "source").rename(tmp_path / "moved")
    with reopen(tmp_path, source=tmp_path / "moved") as pair:
        assert pair.source.read(0, BLOCK) == OLD


def test_nothing_works_after_close(tmp_path: Path) -> None:
    """Every request says so, and closing again does nothing."""
    pair = create(tmp_path)
    pair.start()
    pair.close()
    pair.close()
    for request in (
        pair.start,
        pair.sync,
        pair.stop,
        pair.copy,
        pair.source.flush,
        pair.target.flush,
        lambda: pair.source.read(0, BLOCK),
        lambda: pair.target.read(0, BLOCK),
        lambda: pair.target.read(0, 0),
        lambda: pair.source.write(0, NEW),
    ):
        with pytest.raises(ClosedError):
            request()


def test_threads_hammering(tmp_path: Path) -> None:
    """CONC-1, CONC-4: writers, readers, syncs and the background copy side by side, to an end."""
    pair = create(tmp_path, background=True, durability="process")
    pair.start()
    failures: list[BaseException] = []

    def work(number: int) -> None:
        block = bytes([number]) * BLOCK
        try:
            for turn in range(150):
                at = (turn * 7 + number * 5) % (SIZE // BLOCK - 1) * BLOCK
                (pair.source if number % 2 else pair.target).write(at, block)
                for side in (pair.source, pair.target):
                    seen = side.read(at, 2 * BLOCK)
                    assert seen[:BLOCK] == seen[:1] * BLOCK
                if turn % 50 == number:
                    pair.sync()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    pair.sync()
    assert pair.wait()
    assert pair.source.read(0, SIZE) == pair.target.read(0, SIZE)
    pair.close()
    assert (tmp_path / "source").read_bytes() == (tmp_path / "target").read_bytes()
