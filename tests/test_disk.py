"""The simulated disk: reads see the cache, a flush makes durable, a crash keeps any subset."""

from hypothesis import given
from hypothesis import strategies as st

from flashcopy.model.disk import Disk, crash, flush, read, write

BLOCKS = 3
WRITES = st.lists(st.tuples(st.integers(0, BLOCKS - 1), st.integers(1, 99)), max_size=8)
FRESH = Disk((0,) * BLOCKS)


def written(writes: list[tuple[int, int]]) -> Disk:
    disk = FRESH
    for serial, (number, block) in enumerate(writes):
        disk = write(disk, number, block, serial)
    return disk


def contents(disk: Disk) -> list[int]:
    return [read(disk, number) for number in range(BLOCKS)]


def latest(writes: list[tuple[int, int]]) -> list[int]:
    return [({**dict(enumerate([0] * BLOCKS)), **dict(writes)})[n] for n in range(BLOCKS)]


@given(WRITES)
def test_read_sees_the_latest_write(writes: list[tuple[int, int]]) -> None:
    """DISK-1, DISK-2: flushed or not; and nothing is durable yet."""
    disk = written(writes)
    assert contents(disk) == latest(writes)
    assert disk.durable == FRESH.durable


@given(WRITES)
def test_flush_makes_everything_durable(writes: list[tuple[int, int]]) -> None:
    """DISK-3: a crash after it loses nothing, whatever it keeps."""
    disk = flush(written(writes))
    assert list(disk.durable) == latest(writes)
    assert crash(disk, ()) == disk


@given(WRITES, st.sets(st.integers(0, 9)))
def test_crash_keeps_just_the_chosen_writes(writes: list[tuple[int, int]], kept: set[int]) -> None:
    """DISK-4: as if only those had been written; serials of others are ignored."""
    survivors = [one for serial, one in enumerate(writes) if serial in kept]
    assert contents(crash(written(writes), kept)) == latest(survivors)
    assert crash(written(writes), kept).pending == ()
