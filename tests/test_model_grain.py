"""One grain, on all small values: every operation keeps the invariant and does what it says."""

from collections.abc import Callable
from itertools import product

import pytest

from flashcopy.model import grain
from flashcopy.model.choice import choose
from flashcopy.model.grain import Grain

BITS = (False, True)
EVERY = [Grain(*values) for values in product((0, 1), (0, 1), BITS, BITS)]
GRAINS = [one for one in EVERY if grain.invariant(one)]


def change(_: int) -> int:
    return 7


@pytest.mark.parametrize("before", GRAINS)
def test_operations_keep_the_invariant_and_move_the_images(before: Grain) -> None:
    """INV-1, INV-2, COPY-1, WRITE-1 to WRITE-3, SYNC-1, START-1: image by image."""
    source, target = grain.read_source(before), grain.read_target(before)
    moves: dict[Callable[[Grain], Grain], tuple[int, int]] = {
        grain.copy: (source, target),
        grain.diverge: (source, target),
        grain.sync: (source, source),
        grain.start: (source, source),
        lambda one: grain.write_source(one, change): (7, target),
        lambda one: grain.write_target(one, change): (source, 7),
    }
    for move, images in moves.items():
        following = move(before)
        assert grain.invariant(following)
        assert (grain.read_source(following), grain.read_target(following)) == images


@pytest.mark.parametrize("before", GRAINS)
def test_sync_leaves_exactly_the_clean_copies(before: Grain) -> None:
    """MIN-1, SYNC-2."""
    assert grain.sync(before).copied is (before.copied and not before.modified)


@pytest.mark.parametrize("before", GRAINS)
def test_start_is_a_sync_of_a_grain_marked_modified(before: Grain) -> None:
    """START-1: but for the bits of an uncopied grain, which a sync leaves alone as well."""
    assert grain.start(before) == grain.sync(grain.mark_modified(before))


def test_a_condition_nobody_knows_is_refused() -> None:
    with pytest.raises(TypeError, match="no case for a condition of type str"):
        choose("true", 1, 2)
