"""What the lock table guarantees, proved of its own code with runs of any grains.

The table holds two claims and two wait for it; then one more is made, or one of the four ends. Two
of each are enough: the table asks of every pair of claims by itself whether they conflict. Proved:
that those who hold never conflict (so `protocol_rely` may go by it), that nobody is given a run
past somebody who waits for a part of it, and that nobody waits without having somebody to wait for,
which came earlier. So a waiter's predecessors only ever get fewer.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from attrs import frozen

from flashcopy.impl.effect import Mode
from flashcopy.impl.locks import LockTable
from flashcopy.model.choice import Condition
from flashcopy.proofs.lock_faults import TABLES
from flashcopy.proofs.lock_forks import Make, every_way
from flashcopy.proofs.lock_traces import trace_of
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.protocol_logic import conj, disj, imp, neg
from flashcopy.proofs.sorts import NUMBER, OneOf, Sort

HELD, WAITING, NEW = ("h", "i"), ("v", "w"), "n"
_HOLDERS = (*HELD, *WAITING, NEW)


@frozen
class _Claims:
    """Every holder's run, as two numbers, and whether it wants it alone."""

    runs: Mapping[str, tuple[Any, Any]]
    alone: Mapping[str, bool]

    def conflict(self, first: Hashable, second: Hashable) -> Condition:
        """Whether there is a grain in both runs, and one of the two wants its run alone."""
        (start, stop), (other_start, other_stop) = self.runs[str(first)], self.runs[str(second)]
        if not (self.alone[str(first)] or self.alone[str(second)]):
            return False
        lowest = start < other_stop
        return conj(start < stop, other_start < other_stop, lowest, other_start < stop)


@frozen
class _After:
    """The table after what happened, as names in order, and who ought to be in it."""

    held: tuple[str, ...]
    waiting: tuple[str, ...]
    granted: tuple[str, ...] = ()
    present: frozenset[str] = frozenset()


def _claims(alone: tuple[bool, ...], variables: Mapping[str, Any]) -> _Claims:
    runs = {name: (variables[f"{name}_start"], variables[f"{name}_stop"]) for name in _HOLDERS}
    return _Claims(runs, dict(zip(_HOLDERS, alone, strict=True)))


def _carry_out(table: type[LockTable], claims: _Claims, happens: str) -> Callable[[Make], _After]:
    def work(make: Make) -> _After:
        locked = table()
        for name in _HOLDERS[:-1]:
            line = locked.held if name in HELD else locked.waiting
            line[name] = (make(*claims.runs[name]), claims.alone[name])  # type: ignore[assignment]
        if happens == NEW:
            mode = Mode.EXCLUSIVE if claims.alone[NEW] else Mode.SHARED
            given = locked.request(NEW, make(*claims.runs[NEW]), mode)  # type: ignore[arg-type]
            granted: tuple[str, ...] = (NEW,) if given else ()
        else:
            granted = tuple(map(str, locked.release(happens)))
        held, waiting = tuple(map(str, locked.held)), tuple(map(str, locked.waiting))
        return _After(held, waiting, granted, frozenset(_HOLDERS[:-1]) ^ {happens})

    return work


Claim = Callable[[_Claims, _After], Condition]


def _state(
    claim: Claim,
) -> Callable[..., Statement]:
    """A theorem of the table: from a table in order, whatever happens, the claim holds."""

    def state(
        table: type[LockTable], happens: str, alone: tuple[bool, ...], **variables: Any
    ) -> Statement:
        claims = _claims(alone, variables)
        before = _After(HELD, WAITING)
        given = conj(
            *(_is_run(*claims.runs[name]) for name in _HOLDERS),
            excludes(claims, before),
            waits_for_somebody(claims, before),
        )
        ways = every_way(_carry_out(table, claims, happens))
        return Statement(
            given=given,
            claim=conj(*(imp(way, claim(claims, after)) for way, after in ways)),
        )

    return state


def _is_run(start: Any, stop: Any) -> Condition:
    """Some grains, or none from grain 0, which is how a request asks for none."""
    return conj(start >= 0, disj(start < stop, conj(start == 0, stop == 0)))


def excludes(claims: _Claims, table: _After) -> Condition:
    """No two that hold conflict."""
    pairs = [(a, b) for n, a in enumerate(table.held) for b in table.held[:n]]
    return conj(*(neg(claims.conflict(a, b)) for a, b in pairs))


def waits_for_somebody(claims: _Claims, table: _After) -> Condition:
    """Everyone who waits conflicts with one who holds or with one who waits before it."""
    return conj(
        *(
            disj(*(claims.conflict(w, other) for other in table.held + table.waiting[:n]))
            for n, w in enumerate(table.waiting)
        )
    )


def overtakes_nobody(claims: _Claims, table: _After) -> Condition:
    """Nobody is given what one waits for who came before it, and the others keep their order."""
    came = [name for name in _HOLDERS if name in table.waiting]
    return conj(
        list(table.waiting) == came,
        *(
            neg(claims.conflict(granted, waiter))
            for granted in table.granted
            for waiter in table.waiting
            if _HOLDERS.index(waiter) < _HOLDERS.index(granted)
        ),
    )


def loses_nobody(_: _Claims, table: _After) -> Condition:
    """Everybody holds or waits, once, but the one that ended; who is granted holds."""
    lines = sorted(table.held + table.waiting)
    return lines == sorted(table.present) and set(table.granted) <= set(table.held)


def _text(claims: _Claims, name: str) -> str:
    start, stop = claims.runs[name]
    return f"{name}: grains {start} to {stop - 1}{', alone' if claims.alone[name] else ''}"


def picture(
    table: type[LockTable], happens: str, alone: tuple[bool, ...], **variables: Any
) -> Picture:
    """The table before and after."""
    claims = _claims(alone, variables)
    ((_, after),) = every_way(_carry_out(table, claims, happens))
    what = "asks" if happens == NEW else "ends"
    return Picture(
        (
            f"held: {'; '.join(_text(claims, n) for n in HELD)}",
            f"waiting: {'; '.join(_text(claims, n) for n in WAITING)}",
            f"{_text(claims, happens)}; {what}",
            f"then held: {', '.join(after.held)}; waiting: {', '.join(after.waiting) or 'nobody'}",
        )
    )


# Held alone or shared, each of the five; as many as are not settled by one of them.
_ALONE = tuple(
    (first, second, third, fourth, fifth)
    for first in (False, True)
    for second in (False, True)
    for third in (False, True)
    for fourth in (False, True)
    for fifth in (False, True)
)


def _about(
    name: str, clauses: tuple[str, ...], says: str, claim: Claim, *mutants: Mutant
) -> Obligation:
    ends: dict[str, Sort] = {f"{n}_{end}": NUMBER for n in _HOLDERS for end in ("start", "stop")}
    return Obligation(
        name=f"locks.{name}",
        clauses=clauses,
        says=says,
        variables={
            **ends,
            "happens": OneOf((NEW, "h", "v")),
            "alone": OneOf(_ALONE),
        },
        subject=LockTable,
        state=_state(claim),
        mutants=mutants,
        picture=picture,
        trace=trace_of,
    )


def _faulty(name: str) -> Mutant:
    return Mutant(name, TABLES[name])


def obligations() -> tuple[Obligation, ...]:
    """Of the shipped table."""
    return (
        _about(
            "exclusion",
            ("CONC-1", "CONC-3"),
            "Two requests hold runs with a grain in common only if both share it.",
            excludes,
            _faulty("runs compared by their first grain"),
            _faulty("only two that are alone conflict"),
        ),
        _about(
            "in-order",
            ("CONC-4",),
            "Nobody is given grains past a request that waits for one of them and came earlier.",
            overtakes_nobody,
            _faulty("looks only at who holds"),
            _faulty("the last one first"),
        ),
        _about(
            "no-idle-waiting",
            ("CONC-4",),
            "Whoever waits has somebody to wait for, who came earlier and holds or waits: no"
            " wake-up is lost, and a waiter's predecessors only get fewer.",
            waits_for_somebody,
            _faulty("wakes the first only"),
        ),
        _about(
            "nobody-forgotten",
            ("CONC-4",),
            "Every request holds or waits until it ends.",
            loses_nobody,
            _faulty("a waiter forgotten"),
        ),
    )
