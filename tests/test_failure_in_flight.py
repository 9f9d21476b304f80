"""A device fails while other requests are in flight, which must not go by maps gone meaningless.

Two requests on the simulated disk, stepped by hand so that the failure of one falls between two
steps of the other.
"""

from pathlib import Path

import pytest

from flashcopy.harness import mapdisk
from flashcopy.harness.simulation import BLOCK_BYTES, Flight, Simulation
from flashcopy.impl import protocol
from flashcopy.impl.bitmap import SECTOR
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    TARGET,
    Commit,
    Effect,
    Read,
    Save,
    Standing,
    State,
    Uncopied,
    Write,
)
from flashcopy.impl.errors import MapFailedError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import Header, Identity
from flashcopy.model.trace import Fault

GRAINS = 4
GEOMETRY = Geometry(size=GRAINS * SECTOR, block_size=SECTOR, grain_size=SECTOR)
OLD, NEW, JUNK = (letter * BLOCK_BYTES for letter in (b"o", b"n", b"?"))
# A read or write of grain 0 is in flight; a write to another grain is what fails.
FIRST, LAST = range(1), range(GRAINS - 1, GRAINS)


@pytest.fixture
def pair() -> Simulation:
    """Just started: no grain is copied, and the target holds junk."""
    identity = Identity.new(GEOMETRY, Path("source"), Path("target"))
    header = Header(generation=1, standing=Standing.TRACKING, area=0)
    return Simulation(
        {
            SOURCE: (OLD,) * GRAINS,
            TARGET: (JUNK,) * GRAINS,
            MAP: mapdisk.new(identity, header, (bytes(SECTOR),) * 4),
        }
    )


def _step_to(pair: Simulation, flight: Flight, effect: type[Effect]) -> None:
    while not isinstance(flight.effect, effect):
        pair.step(flight.number)


def _finish(pair: Simulation, flight: Flight) -> None:
    while not flight.ended:
        pair.step(flight.number)


def _fail_a_copy(pair: Simulation) -> Flight:
    """A write to the last grain, whose copy on write fails; it is about to record the stop."""
    failing = pair.submit(9, protocol.write_source(GEOMETRY, LAST, NEW))
    _step_to(pair, failing, Write)
    pair.step(failing.number, Fault.LOST)
    _step_to(pair, failing, Commit)
    assert pair.memory.state is State.STOPPED
    return failing


def test_a_fake_read_in_flight_stays_one(pair: Simulation) -> None:
    """CONC-3, LIFE-2: stopping makes no grain look copied to a read that is under way."""
    read = pair.submit(1, protocol.read_target(GEOMETRY, FIRST))
    _step_to(pair, read, Uncopied)
    _finish(pair, _fail_a_copy(pair))
    _finish(pair, read)
    assert read.result == OLD


def test_a_map_write_in_flight_saves_nothing_untrue(pair: Simulation) -> None:
    """CRASH-2, ERR-5: until the stop is durable, a crash leaves a header that believes the maps."""
    write = pair.submit(1, protocol.write_source(GEOMETRY, FIRST, NEW))
    _step_to(pair, write, Save)
    _fail_a_copy(pair)
    _finish(pair, write)
    pair.crash(pair.pending())
    pair.open()
    assert pair.memory.state is State.COPYING
    read = pair.submit(2, protocol.read_target(GEOMETRY, range(GRAINS)))
    _step_to(pair, read, Read)
    _finish(pair, read)
    assert read.result == OLD * GRAINS


def test_a_start_records_an_unrecorded_stop_before_it_prepares(pair: Simulation) -> None:
    """ORDER-4: after a commit that failed, either area may be the one the header names."""
    sync = pair.submit(1, protocol.sync(GEOMETRY))
    _step_to(pair, sync, Commit)
    for _ in ("the sync", "the stop"):
        _step_to(pair, sync, Commit)
        pair.step(sync.number, Fault.LOST)
    _finish(pair, sync)
    assert isinstance(sync.error, MapFailedError)
    assert pair.memory.state is State.STOPPED
    start = pair.submit(2, protocol.start(GEOMETRY))
    _step_to(pair, start, Commit)
    assert start.effect == Commit(Standing.STOPPED)
    assert not pair.devices[MAP].disk.pending
    _finish(pair, start)
    assert start.error is None
