"""The lock table: who is granted what, in which order (CONC-4)."""

from flashcopy.impl.effect import EXCLUSIVE, SHARED
from flashcopy.impl.locks import LockTable


def test_readers_share_and_writers_do_not() -> None:
    """Two shared runs overlap; an exclusive one waits for both."""
    table = LockTable()
    assert table.request("a", range(0, 4), SHARED)
    assert table.request("b", range(2, 6), SHARED)
    assert not table.request("w", range(3, 5), EXCLUSIVE)
    assert table.release("a") == []
    assert table.release("b") == ["w"]
    assert table.release("w") == []


def test_disjoint_runs_do_not_wait() -> None:
    """Neighbours are no neighbours' business, and nobody needs an empty run."""
    table = LockTable()
    assert table.request("a", range(0, 4), EXCLUSIVE)
    assert table.request("b", range(4, 8), EXCLUSIVE)
    assert table.request("c", range(0), EXCLUSIVE)


def test_a_sync_is_not_starved() -> None:
    """Who comes after a waiting sync waits behind it, even if it could go on now."""
    table = LockTable()
    assert table.request("writer", range(1), EXCLUSIVE)
    assert not table.request("sync", range(9), EXCLUSIVE)
    assert not table.request("late", range(5, 6), SHARED)
    assert table.release("writer") == ["sync"]
    assert table.release("sync") == ["late"]


def test_who_gives_up_waiting_lets_others_pass() -> None:
    """A waiter that ends frees whoever waited only for it."""
    table = LockTable()
    assert table.request("reader", range(4), SHARED)
    assert not table.request("writer", range(4), EXCLUSIVE)
    assert not table.request("other", range(4), SHARED)
    assert table.release("writer") == ["other"]


def test_several_are_granted_in_order() -> None:
    """All readers behind a writer go on together."""
    table = LockTable()
    assert table.request("writer", range(4), EXCLUSIVE)
    assert not table.request("a", range(1), SHARED)
    assert not table.request("b", range(1), SHARED)
    assert not table.request("c", range(2), EXCLUSIVE)
    assert table.release("writer") == ["a", "b"]
    assert table.release("a") == []
    assert table.release("b") == ["c"]
