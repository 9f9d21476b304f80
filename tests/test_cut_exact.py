"""The cut against all orders of effects: agreeing on every small random history, both ways.

IMG-1, IMG-2, READ-1, READ-2, CONC-1, CONC-2, CONC-3, CRASH-3, ERR-5, ERR-6. Then the oracle is
broken on purpose, and the same comparison must notice: it convicts a right history then, or
acquits a wrong one.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import evolve, frozen

from flashcopy.conformance.oracle import block as of_block
from flashcopy.conformance.oracle import cut, evidence, moments, paths
from flashcopy.conformance.oracle.evidence import NEVER, Account, Evidence
from flashcopy.conformance.oracle.history import History, from_trace, to_trace
from flashcopy.conformance.oracle.touches import (
    CUT,
    READ_SOURCE,
    READ_TARGET,
    WRITE_TARGET,
    Touch,
    Touches,
    touches_of,
)
from flashcopy.model.trace import dumps
from tests.brute_force import is_right
from tests.random_histories import draw

SEED = 4
# How many histories, by how many starts and syncs may be in flight at once.
HISTORIES = {1: 5000, 3: 3000}


@frozen
class Judged:
    """A history, how to draw it again, and whether it is right."""

    seed: str
    history: History
    right: bool


def _draw_all() -> Iterator[Judged]:
    for syncs_at_once, amount in HISTORIES.items():
        for number in range(amount):
            seed = f"{SEED} {syncs_at_once} {number}"
            history = draw(random.Random(seed), syncs_at_once=syncs_at_once)
            yield Judged(seed, history, is_right(history))


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    """All the histories, each judged by going through every order of effects."""
    return list(_draw_all())


def test_agrees_with_every_order_tried(judged: list[Judged]) -> None:
    """Neither is a right history convicted nor a wrong one acquitted; both kinds are plenty."""
    clauses: Counter[str] = Counter()
    for each in judged:
        violation = cut.check(each.history)
        assert (violation is None) == each.right, (
            f"seed {each.seed!r}: right is {each.right}, the cut says {violation}\n"
            f"{dumps(to_trace(each.history, origin='test'))}"
        )
        if violation:
            clauses[violation.clause] += 1
    assert sum(each.right for each in judged) > len(judged) // 2
    assert sum(clauses.values()) > len(judged) // 10
    assert min(clauses[clause] for clause in ("READ-1", "READ-2", "IMG-1", "CONC-2")) >= 10


def test_a_trace_keeps_the_verdict(judged: list[Judged]) -> None:
    """A history and the trace of it are judged alike, kills included."""
    for each in judged[:500]:
        again = from_trace(to_trace(each.history, origin="test"))
        assert (cut.check(again) is None) == each.right, each.seed


Change = Callable[[Touch], Touch | None]


def with_touches(change: Change) -> Callable[[History], Touches]:
    """`touches_of`, but for what touches a block, and the cuts, being changed or left out."""

    def changed(history: History) -> Touches:
        touches = touches_of(history)

        def apply(of_one: Sequence[Touch]) -> list[Touch]:
            return [after for touch in of_one if (after := change(touch)) is not None]

        return evolve(
            touches, blocks=[apply(each) for each in touches.blocks], cuts=apply(touches.cuts)
        )

    return changed


def ignores_source_reads(touch: Touch) -> Touch | None:
    return None if touch[2] == READ_SOURCE else touch


def ignores_target_writes(touch: Touch) -> Touch | None:
    return None if touch[2] == WRITE_TARGET else touch


def ignores_the_cuts_own_interval(touch: Touch) -> Touch | None:
    return (0, NEVER - 1, *touch[2:]) if touch[2] == CUT else touch


def takes_overlapping_reads_as_evidence(touch: Touch) -> Touch | None:
    begin, end = 2 * touch[0], 2 * touch[1]
    return (begin, begin + 1 if touch[2] in (READ_SOURCE, READ_TARGET) else end, *touch[2:])


def ignores_reads_that_overlap_a_cut(history: History) -> Touches:
    touches = touches_of(history)
    return evolve(
        touches,
        blocks=[
            [
                touch
                for touch in of_one
                if touch[2] != READ_TARGET
                or not any(each[0] < touch[1] and touch[0] < each[1] for each in touches.cuts)
            ]
            for of_one in touches.blocks
        ],
    )


def takes_unanswered_for_done(touch: Touch) -> Touch | None:
    return (*touch[:4], False, touch[5])


def takes_unanswered_for_not_done(touch: Touch) -> Touch | None:
    return None if touch[4] and touch[2] != CUT else touch


def never_compares_blocks(self: moments.Moments, told: Evidence) -> None:
    del self, told


def lets_each_block_decide_about_a_killed_sync(self: moments.Moments, told: Evidence) -> None:
    if not any(fact[1] == NEVER for account in told.accounts for fact in account):
        self._told.append(told)


def believes_the_first_account(
    these: tuple[Account, ...], those: tuple[Account, ...]
) -> tuple[Account, ...]:
    del those
    return these


def takes_a_write_beside_a_cut_for_earlier(
    source: int, target: int, touch: Touch, cut: Touch
) -> paths.Places:
    places = paths.beside_cut(source, target, touch, cut)
    return dict(list(places.items())[:1])


# What is broken: where, which name, and what takes its place.
FAULTS: dict[str, tuple[object, str, object]] = {
    "ignores source reads": (cut, "touches_of", with_touches(ignores_source_reads)),
    "ignores target writes": (cut, "touches_of", with_touches(ignores_target_writes)),
    "ignores the sync's own interval": (
        cut,
        "touches_of",
        with_touches(ignores_the_cuts_own_interval),
    ),
    "takes overlapping reads as evidence": (
        cut,
        "touches_of",
        with_touches(takes_overlapping_reads_as_evidence),
    ),
    "ignores reads that overlap a sync": (cut, "touches_of", ignores_reads_that_overlap_a_cut),
    "takes what was not answered for done": (
        cut,
        "touches_of",
        with_touches(takes_unanswered_for_done),
    ),
    "takes what was not answered for not done": (
        cut,
        "touches_of",
        with_touches(takes_unanswered_for_not_done),
    ),
    "never compares blocks": (moments.Moments, "tell", never_compares_blocks),
    "lets each block decide about a killed sync": (
        moments.Moments,
        "tell",
        lets_each_block_decide_about_a_killed_sync,
    ),
    "believes the first account": (paths, "either", believes_the_first_account),
    "takes a write beside a sync for earlier": (
        of_block,
        "beside_cut",
        takes_a_write_beside_a_cut_for_earlier,
    ),
}


@pytest.mark.mutation
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_oracle_disagrees(
    fault: str, judged: list[Judged], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison notices each fault of the oracle itself."""
    where, name, what = FAULTS[fault]
    monkeypatch.setattr(where, name, what)
    assert any((cut.check(each.history) is None) != each.right for each in judged)


@pytest.mark.mutation
@pytest.mark.parametrize("limit", ["_MOST_ACCOUNTS", "_MOST_TRIES"])
def test_a_limit_never_convicts(
    limit: str, judged: list[Judged], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the oracle gives up, it acquits: some wrong history, and no right one is convicted."""
    monkeypatch.setattr(evidence if limit == "_MOST_ACCOUNTS" else moments, limit, 1)
    verdicts = [(each.right, cut.check(each.history) is None) for each in judged]
    assert (True, False) not in verdicts
    if limit == "_MOST_ACCOUNTS":
        assert (False, True) in verdicts
