"""What one block says about the points in time.

Nobody sees the moment of a start or sync. A block that shows a write says that the moment lies
after the write took effect; a block that misses one, that it lies before. Often there are several
ways to explain what a block shows, so evidence is a choice of *accounts*: at least one of them is
true. An account is a tuple of facts, all of them true.
"""

from attrs import frozen

# The moment at which a start or sync took effect that never did.
NEVER = 1 << 62

# Point in time `cut` (by number, in order of submission) lies between two ticks. Nothing is said of
# the order of two that overlap, for they do the same: where both can be, either can come first.
Fact = tuple[int, int, int]
Account = tuple[Fact, ...]

# No facts at all: whatever the points in time are, the block can be explained.
ALWAYS: tuple[Account, ...] = ((),)

# One block of a long history may be explained in so many ways that it would take for ever to go
# through them. Beyond this many accounts only what they have in common is kept, which can acquit
# a wrong history and never convict a right one.
_MOST_ACCOUNTS = 200


@frozen
class Evidence:
    """One of `accounts` is true, says `block`; `by` is the request that showed it last."""

    block: int
    accounts: tuple[Account, ...]
    by: int


def with_fact(accounts: tuple[Account, ...], fact: Fact) -> tuple[Account, ...]:
    """Each account with one more fact, in the order of the cuts."""
    return tuple(
        [
            (*account, fact)
            if not account or account[-1][0] < fact[0]
            else tuple(sorted((*account, fact)))
            for account in accounts
        ]
    )


def either(these: tuple[Account, ...], those: tuple[Account, ...]) -> tuple[Account, ...]:
    """All the accounts of both; two that differ in one interval that adjoins become one."""
    if these == those or () in these:
        return these
    if () in those:
        return those
    accounts = list(these)
    for account in those:
        _add(accounts, account)
    return tuple(accounts) if len(accounts) <= _MOST_ACCOUNTS else _in_common(accounts)


def _add(accounts: list[Account], account: Account) -> None:
    for at, other in enumerate(accounts):
        joined = _joined(account, other)
        if joined is not None:
            accounts[at] = joined
            return
    accounts.append(account)


def _joined(account: Account, other: Account) -> Account | None:
    """One account for two, if they are the same or differ in but one interval that adjoins."""
    if len(account) != len(other):
        return None
    place = None
    for at, (fact, also) in enumerate(zip(account, other, strict=True)):
        if fact == also:
            continue
        apart = fact[0] != also[0] or fact[1] > also[2] or also[1] > fact[2]
        if apart or place is not None:
            return None
        place = at
    if place is None:
        return account
    (cut, low, high), (_, first, last) = account[place], other[place]
    return (*account[:place], (cut, min(low, first), max(high, last)), *account[place + 1 :])


def _in_common(accounts: list[Account]) -> tuple[Account, ...]:
    """One account, weaker than each of these: an interval for each moment all of them place."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for account in accounts:
        for cut, low, high in account:
            spans.setdefault(cut, []).append((low, high))
    return (
        tuple(
            (cut, min(low for low, _ in span), max(high for _, high in span))
            for cut, span in sorted(spans.items())
            if len(span) == len(accounts)
        ),
    )
