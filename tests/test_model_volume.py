"""The machine over whole volumes refines the two images, request by request.

READ-1, READ-2, WRITE-1 to WRITE-4, START-1, SYNC-1, STOP-1, COPY-1 to COPY-5, IMG-1, IMG-2, INV-1,
INV-2, LIFE-1 to LIFE-3, ERR-1 to ERR-4, MIN-1, GEO-1.
"""

from hypothesis import given
from hypothesis import strategies as st

from flashcopy.model import images, volume
from flashcopy.model import operation as op
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.images import Images, Volume
from flashcopy.model.lifecycle import TABLE, Event, State, after, edge

SHAPES = st.builds(
    lambda grain_blocks, blocks: Geometry(blocks * 512, 512, grain_blocks * 512),
    st.sampled_from([1, 2, 4]),
    st.integers(1, 9),
)
EXTENT = (st.integers(-1, 10).map(lambda n: n * 512), st.integers(0, 6).map(lambda n: n * 512))
VOLUMES = st.sampled_from(Volume)
OPERATIONS = st.one_of(
    st.builds(op.Read, VOLUMES, *EXTENT),
    st.builds(op.Write, VOLUMES, *EXTENT, st.integers(1, 1 << 20)),
    st.builds(op.WriteZeroes, VOLUMES, *EXTENT),
    st.builds(op.Flush, VOLUMES),
    st.sampled_from([op.Start(), op.Sync(), op.Sync(), op.Stop()]),
    st.builds(op.BackgroundCopy, st.none() | st.integers(-1, 4)),
)


def expected(before: Images, operation: op.Operation) -> Images:
    """What the two images become by a request that is carried out."""
    match operation:
        case op.Write(side, offset, length, content):
            return overwrite(before, side, offset, length, content)
        case op.WriteZeroes(side, offset, length):
            return overwrite(before, side, offset, length, 0)
        case op.Start() | op.Sync():
            return images.move_point_in_time(before)
    return before


def overwrite(before: Images, side: Volume, offset: int, length: int, content: int) -> Images:
    image = list(images.read(before, side))
    first, count = offset // 512, length // 512
    image[first : first + count] = [content] * count
    return images.write(before, side, tuple(image))


@given(SHAPES, st.lists(OPERATIONS, max_size=12), st.booleans())
def test_machine_refines_the_two_images(
    geometry: Geometry, operations: list[op.Operation], writable: bool
) -> None:
    """IMG-1, IMG-2: each request does to the images what it says, and a refused one nothing."""
    machine = volume.create(
        geometry,
        target_writable=writable,
        source=range(1, geometry.blocks + 1),
        target=range(101, geometry.blocks + 101),
    )
    for operation in operations:
        before = volume.images(machine)
        following, outcome = volume.apply(machine, operation)
        assert volume.invariant(following)
        if isinstance(outcome, op.Refused):
            assert following == machine
            continue
        seen = volume.images(following)
        assert seen.source == expected(before, operation).source
        if following.state is not State.STOPPED:
            assert seen.target == expected(before, operation).target
        if isinstance(operation, op.Read):
            image = images.read(before, operation.volume)
            first = operation.offset // 512
            assert outcome == op.Contents(image[first : first + operation.length // 512])
        machine = following


@given(SHAPES, st.lists(OPERATIONS, max_size=12))
def test_background_copy_always_finishes(
    geometry: Geometry, operations: list[op.Operation]
) -> None:
    """COPY-3, COPY-4, COPY-5: whatever came before, one full copy leaves no grain uncopied."""
    machine, _ = volume.start(volume.create(geometry), op.Start())
    for operation in operations:
        machine, _ = volume.apply(machine, operation)
    uncopied = sum(not grain.copied for grain in machine.grains)
    was = machine.state
    machine, outcome = volume.background_copy(machine, op.BackgroundCopy(None))
    assert outcome == op.Copied(uncopied)
    assert all(grain.copied for grain in machine.grains)
    assert machine.state is (State.COPIED if was is State.COPYING else was)


@given(SHAPES, st.lists(OPERATIONS, max_size=12))
def test_failure_only_ends_tracking(geometry: Geometry, operations: list[op.Operation]) -> None:
    """ERR-5, LIFE-2: the source stays, the target refuses, nothing is tracked any more."""
    machine = volume.create(geometry, source=range(1, geometry.blocks + 1))
    for operation in operations:
        machine, _ = volume.apply(machine, operation)
    tracked = machine.state in (State.COPYING, State.COPIED)
    failed = volume.fail(machine)
    assert volume.images(failed).source == volume.images(machine).source
    assert failed == machine if not tracked else failed.state is State.STOPPED
    if failed.state is State.STOPPED:
        _, outcome = volume.read(failed, op.Read(Volume.TARGET, 0, 512))
        assert outcome == op.Refused(op.Refusal.INVALID_STATE)


def test_lifecycle_table_is_what_the_machine_does() -> None:
    """LIFE-1: every cell for start, sync and stop, the refused ones too."""
    geometry = Geometry(2048, 512, 512)
    for state in State:
        for event, operation in (
            (Event.START, op.Start()),
            (Event.SYNC, op.Sync()),
            (Event.STOP, op.Stop()),
        ):
            machine = reach(geometry, state)
            following, outcome = volume.apply(machine, operation)
            if edge(state, event) is None:
                assert outcome == op.Refused(op.Refusal.INVALID_STATE)
                assert following == machine
            else:
                all_copied = all(grain.copied for grain in following.grains)
                assert following.state is after(state, event, all_copied=all_copied)
    assert len({(cell.state, cell.event) for cell in TABLE}) == len(TABLE)


def test_sync_of_an_unchanged_copy_stays_copied() -> None:
    """LIFE-1, MIN-1: nothing differs, so nothing is copied again."""
    machine, outcome = volume.sync(reach(Geometry(2048, 512, 512), State.COPIED), op.Sync())
    assert outcome == op.Done()
    assert machine.state is State.COPIED


def test_short_last_grain_has_its_own_blocks_only() -> None:
    """GEO-1."""
    geometry = Geometry(5 * 512, 512, 2048)
    assert list(blocks_of_grain(geometry, 1)) == [4]
    assert [len(g.source) for g in volume.create(geometry).grains] == [4, 1]


def reach(geometry: Geometry, state: State) -> volume.Machine:
    """A machine in that state, by requests."""
    machine = volume.create(geometry)
    path: dict[State, list[op.Operation]] = {
        State.IDLE: [],
        State.COPYING: [op.Start()],
        State.COPIED: [op.Start(), op.BackgroundCopy(None)],
        State.STOPPED: [op.Start(), op.Stop()],
    }
    for operation in path[state]:
        machine, _ = volume.apply(machine, operation)
    assert machine.state is state
    return machine
