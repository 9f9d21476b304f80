"""The background copy completes, pauses, keeps a rate, reports, starts over (COPY-1 to COPY-6)."""

import errno
from pathlib import Path

import pytest

from flashcopy.impl import State
from flashcopy.impl.copier import Pace
from flashcopy.impl.effect import TARGET
from flashcopy.impl.errors import ClosedError, TargetFailedError, TargetStoppedError
from tests.pairs import BLOCK, GRAIN, GRAINS, NEW, SIZE, Faults, create


def test_it_completes_and_starts_over(tmp_path: Path) -> None:
    """COPY-3, COPY-4: after start and after sync, every grain gets copied."""
    with create(tmp_path, background=True) as pair:
        pair.start()
        assert pair.wait()
        assert pair.status().state is State.COPIED
        pair.source.write(0, NEW)
        pair.sync()
        assert pair.wait()
        assert pair.status().copied == GRAINS
    assert (tmp_path / "source").read_bytes() == (tmp_path / "target").read_bytes()


def test_paused_it_copies_nothing(tmp_path: Path) -> None:
    """COPY-6: waiting for it ends at the time-out; resumed, it completes."""
    with create(tmp_path, background=True) as pair:
        pair.pause()
        pair.start()
        assert not pair.wait(timeout=0.05)
        assert pair.status().copied == 0
        pair.resume()
        assert pair.wait()


def test_hosts_can_complete_it(tmp_path: Path) -> None:
    """COPY-4: waiting ends when writes were what copied the last grain."""
    with create(tmp_path, background=True) as pair:
        pair.pause()
        pair.start()
        pair.source.write(0, bytes(SIZE))
        assert pair.wait()
        assert pair.status().state is State.COPIED


def test_rate_in_figures() -> None:
    """COPY-6: a batch pays for itself before the next; unused time is not saved up."""
    pace = Pace(1000)
    assert pace.limit(grain_size=10, most=99) == 10
    assert pace.limit(grain_size=4096, most=99) == 1
    assert pace.delay(now=5.0) == 0
    pace.copied(500, now=5.0)
    assert pace.delay(now=5.0) == pytest.approx(0.5)
    assert pace.delay(now=5.4) == pytest.approx(0.1)
    assert pace.delay(now=9.0) == 0
    pace.copied(100, now=9.0)
    assert pace.delay(now=9.0) == pytest.approx(0.1)
    unlimited = Pace()
    unlimited.copied(1 << 40, now=0.0)
    assert unlimited.delay(now=0.0) == 0
    assert unlimited.limit(grain_size=10, most=99) == 99


def test_a_rate_can_be_lifted(tmp_path: Path) -> None:
    """COPY-6: at one grain an hour the second does not come; without a rate all do."""
    with create(tmp_path, background=True) as pair:
        pair.set_rate(1)
        pair.start()
        assert not pair.wait(timeout=0.2)
        assert pair.status().copied <= 1
        pair.set_rate(None)
        assert pair.wait()


@pytest.mark.parametrize("keep_target", [False, True])
def test_it_stops_on_an_error_and_keeps_it(tmp_path: Path, keep_target: bool) -> None:
    """ERR-5: status and wait tell it; after it a start, or with keep_target a resume, goes on."""
    faults = Faults(errno.ENOSPC)
    pair = create(tmp_path, background=True, open_file=faults.open_file, keep_target=keep_target)
    with pair:
        faults.failing = {(TARGET, "write")}
        pair.start()
        with pytest.raises(TargetFailedError, match="No space left"):
            pair.wait()
        assert isinstance(pair.status().error, TargetFailedError)
        faults.failing = set()
        if keep_target:
            assert pair.status().state is State.COPYING
            pair.resume()
        else:
            assert pair.status().state is State.STOPPED
            pair.start()
        assert pair.wait()
        assert pair.status().error is None


def test_stopped_it_will_never_complete(tmp_path: Path) -> None:
    """STOP-1: who waits is told."""
    with create(tmp_path, background=True) as pair:
        pair.pause()
        pair.start()
        pair.stop()
        with pytest.raises(TargetStoppedError):
            pair.wait()


def test_copying_by_hand_beside_it(tmp_path: Path) -> None:
    """COPY-2, MIN-2: between them every grain is copied once, from the cursor on."""
    with create(tmp_path, background=True) as pair:
        pair.pause()
        pair.start()
        assert pair.copy(2) == 2
        assert pair.bitmaps().copied[0] == 0b11
        assert pair.copy() == GRAINS - 2
        assert pair.target.read(2 * GRAIN, BLOCK) == pair.source.read(2 * GRAIN, BLOCK)


def test_closed_before_all_was_copied(tmp_path: Path) -> None:
    """COPY-4: waiting does not say that all was copied when it was not."""
    with create(tmp_path, background=True) as pair:
        pair.pause()
        pair.start()
    with pytest.raises(ClosedError, match="before all was copied"):
        pair.wait()
