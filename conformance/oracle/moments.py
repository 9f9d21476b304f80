"""Is there a moment for each point in time that suits every block?

Where a block leaves no choice, it says of one point in time between which two ticks it lies, and
all that is needed is that these intervals have a moment in common. Intervals on a line that have
none contain two that are already disjoint: so the answer is two blocks. Only where a block can be
explained in several ways that concern several points in time, or the order of two that overlap,
are the ways tried one after the other, with whatever follows from each.
"""

from collections.abc import Iterable, Sequence

from attrs import define, field

from flashcopy.conformance.oracle.evidence import NEVER, Account, Evidence, either
from flashcopy.conformance.oracle.touches import Touch

# For each point in time the intervals its moment can be in, ascending.
_Domains = dict[int, list[tuple[int, int]]]

# Beyond so many ways tried it is taken that one would have suited: a wrong history may be
# acquitted then, a right one is never convicted.
_MOST_TRIES = 20_000


@define
class Moments:
    """What the blocks said so far."""

    cuts: Sequence[Touch]
    _told: list[Evidence] = field(factory=list, init=False)

    def tell(self, evidence: Evidence) -> None:
        """Take one block's evidence, and what it says of each point in time alone."""
        if _only_cut(evidence) is not None:
            self._told.append(evidence)
            return
        for cut in sorted(_cuts_of(evidence)):
            alone = _of_one(evidence, cut)
            if alone:
                self._told.append(alone)
        # One account says nothing beyond that.
        if len(evidence.accounts) > 1:
            self._told.append(evidence)

    def contradiction(self) -> list[Evidence]:
        """Evidence that contradicts itself, as little of it as suffices; empty if there is none."""
        simple: dict[int, list[Evidence]] = {}
        entangled: list[Evidence] = []
        for evidence in self._told:
            cut = _only_cut(evidence)
            if cut is None:
                entangled.append(evidence)
            else:
                simple.setdefault(cut, []).append(evidence)
        domains: _Domains = {}
        for cut, told in simple.items():
            domains[cut] = self._domain(cut)
            for evidence in told:
                domains[cut] = _both(domains[cut], _intervals(evidence.accounts))
                if not domains[cut]:
                    return self._least(told)
        for group in _connected(entangled):
            involved = {cut for each in group for cut in _cuts_of(each)}
            if not self._suit(group, domains):
                return self._least(
                    group + [each for cut in involved for each in simple.get(cut, [])]
                )
        return []

    def _domain(self, cut: int) -> list[tuple[int, int]]:
        begin, end, _, _, unsure, _ = self.cuts[cut]
        return [(begin, end)] + ([(NEVER, NEVER + 1)] if unsure else [])

    def _suit(self, told: list[Evidence], known: _Domains) -> bool:
        domains = {
            cut: known.get(cut) or self._domain(cut) for each in told for cut in _cuts_of(each)
        }
        search = _Search()
        return search.suits(domains, [each.accounts for each in told])

    def _least(self, told: list[Evidence]) -> list[Evidence]:
        """Leave out whatever can be left out: two are left wherever two suffice."""
        pair = _disjoint_pair(told)
        if pair:
            return pair
        chunk = len(told) // 2 or 1
        while True:
            at = 0
            while at < len(told) and len(told) > 1:
                fewer = told[:at] + told[at + chunk :]
                if fewer and not self._suit(fewer, {}):
                    told = fewer
                else:
                    at += chunk
            if chunk == 1:
                return told
            chunk //= 2


@define
class _Search:
    """Trying the accounts of entangled evidence."""

    _tries: int = field(default=0, init=False)

    def suits(self, domains: _Domains, undecided: list[tuple[Account, ...]]) -> bool:
        """Whether the moments can be chosen so that one account of each is true."""
        self._tries += 1
        if self._tries > _MOST_TRIES:
            return True
        domains = dict(domains)
        while True:
            left: list[tuple[Account, ...]] = []
            for accounts in undecided:
                possible = tuple(each for each in accounts if _is_possible(each, domains))
                if not possible:
                    return False
                if len(possible) > 1:
                    left.append(possible)
                    continue
                for cut, low, high in possible[0]:
                    domains[cut] = _both(domains[cut], [(low, high)])
            if len(left) == len(undecided):
                break
            undecided = left
        if not undecided:
            return True
        first, *others = sorted(undecided, key=len)
        return any(self.suits(domains, [(account,), *others]) for account in first)


def _is_possible(account: Account, domains: _Domains) -> bool:
    return all(_both(domains[cut], [(low, high)]) for cut, low, high in account)


def _only_cut(evidence: Evidence) -> int | None:
    """The one point in time that it concerns, if it is but one."""
    first = evidence.accounts[0][0][0]
    for account in evidence.accounts:
        if len(account) > 1 or account[0][0] != first:
            return None
    return first


def _of_one(evidence: Evidence, cut: int) -> Evidence | None:
    """Where one point in time lies by any of the accounts, if all of them say."""
    accounts: tuple[Account, ...] = ()
    for account in evidence.accounts:
        placed = tuple(fact for fact in account if fact[0] == cut)
        if not placed:
            return None
        accounts = either(accounts, (placed,)) if accounts else (placed,)
    return Evidence(evidence.block, accounts, evidence.by)


def _cuts_of(evidence: Evidence) -> set[int]:
    return {cut for account in evidence.accounts for cut, _, _ in account}


def _intervals(accounts: Iterable[Account]) -> list[tuple[int, int]]:
    return sorted((low, high) for ((_, low, high),) in accounts)


def _both(these: list[tuple[int, int]], those: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The moments that are in both. Intervals are open, and ticks are no moments."""
    return [
        (max(low, first), min(high, last))
        for low, high in these
        for first, last in those
        if max(low, first) < min(high, last)
    ]


def _disjoint_pair(told: list[Evidence]) -> list[Evidence]:
    """The evidence that puts a moment last and the one that puts it first, if they are disjoint."""
    by_cut: dict[int, list[tuple[int, int, Evidence]]] = {}
    for evidence in told:
        cut = _only_cut(evidence)
        if cut is not None:
            spans = _intervals(evidence.accounts)
            by_cut.setdefault(cut, []).append((spans[0][0], spans[-1][1], evidence))
    for spans_of_cut in by_cut.values():
        low, _, late = max(spans_of_cut, key=lambda span: span[0])
        _, high, early = min(spans_of_cut, key=lambda span: span[1])
        if low >= high:
            return [late, early]
    return []


def _connected(entangled: list[Evidence]) -> list[list[Evidence]]:
    """Groups that have no point in time in common."""
    leader: dict[int, int] = {}

    def find(cut: int) -> int:
        while leader.setdefault(cut, cut) != cut:
            leader[cut] = leader[leader[cut]]
            cut = leader[cut]
        return cut

    for evidence in entangled:
        first, *others = _cuts_of(evidence)
        for other in others:
            leader[find(other)] = find(first)
    groups: dict[int, list[Evidence]] = {}
    for evidence in entangled:
        groups.setdefault(find(next(iter(_cuts_of(evidence)))), []).append(evidence)
    return list(groups.values())
