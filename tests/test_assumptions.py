"""The simulated disk is exactly as weak as the specification assumes disks to be."""

from hypothesis import given
from hypothesis import strategies as st

from flashcopy.model import disk as disks
from flashcopy.model.disk import Disk

BLOCKS = 3
FRESH = Disk(("a",) * BLOCKS)

# What was written, in order: a block number and a content each.
writes = st.lists(st.tuples(st.integers(0, BLOCKS - 1), st.sampled_from("bcd")), max_size=6)


def _written(disk: Disk, done: list[tuple[int, str]], first_serial: int = 0) -> Disk:
    for serial, (number, block) in enumerate(done, first_serial):
        disk = disks.write(disk, number, block, serial)
    return disk


def _contents(disk: Disk) -> list[str]:
    return [disks.read(disk, number) for number in range(BLOCKS)]


def _after(contents: list[str], done: list[tuple[int, str]]) -> list[str]:
    contents = list(contents)
    for number, block in done:
        contents[number] = block
    return contents


@given(writes, writes)
def test_reads_see_the_latest_write(
    flushed: list[tuple[int, str]], done: list[tuple[int, str]]
) -> None:
    """DISK-1: flushed or not, and the latest of several."""
    disk = _written(disks.flush(_written(FRESH, flushed)), done, len(flushed))
    assert _contents(disk) == _after(_contents(FRESH), flushed + done)


@given(writes)
def test_what_was_flushed_survives(done: list[tuple[int, str]]) -> None:
    """DISK-3: a flush changes nothing that is read, and a crash then loses nothing."""
    disk = disks.flush(_written(FRESH, done))
    assert _contents(disk) == _contents(disks.crash(disk, ())) == _after(["a"] * BLOCKS, done)


@given(writes, st.data())
def test_any_subset_of_the_rest_survives(done: list[tuple[int, str]], data: st.DataObject) -> None:
    """DISK-2, DISK-4: each write alone, whole, and nothing else; the kept ones in their order."""
    kept = data.draw(st.sets(st.sampled_from(range(len(done))))) if done else set()
    disk = disks.crash(_written(FRESH, done), kept)
    survivors = [write for serial, write in enumerate(done) if serial in kept]
    assert _contents(disk) == _after(["a"] * BLOCKS, survivors)
    assert disk == disks.flush(disk), "nothing is left to be lost"
