"""A fault that harms nobody by itself, shown among others: the explorer's shortest way to harm.

Some faults need another request in flight, or one before. For these the explorer tries every
schedule of two requests from every state at rest, with devices that fail, in the smallest volume
that shows it; what it finds is a trace that begins at rest, and the shortest there is. The solver's
state has no part in it, so that the same trace comes out whatever the solver says.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from flashcopy.harness.replay import replay
from flashcopy.harness.result import Finding
from flashcopy.proofs import protocol_mutants
from flashcopy.proofs.explorer import efforts
from flashcopy.proofs.explorer.explorer import Explorer
from flashcopy.proofs.explorer.requests import Plan, Scope, parse
from flashcopy.proofs.explorer.search import Tally, Violation
from flashcopy.proofs.explorer.trace import show

_EARLY: Final = (
    "the proof says that settled is durable at every step; it is too early only while its request"
    " holds the grain, so that nobody asks but a start, which asks for all grains; and while any"
    " grain is held the header cannot have turned to other maps, so the start writes over none"
)
# Refuted, and yet no run of the simulation shows any harm, not even waste; with the reason.
HARMLESS_ANYHOW: Final[Mapping[str, str]] = {
    "without read_source: AcquireGrains": (
        "the proof says that what was read is still there when the read is answered; without its"
        " lock it was there when it was read, and blocks are whole (CONC-1, DISK-2)"
    ),
    "without background_copy: Save": (
        "the proof says that the map file knows of the copy; where it does not, a crash only makes"
        " the copy be done again, and a sync writes all of the maps"
    ),
    "_diverge: Settle before _diverge: Flush": _EARLY,
    "settled by the mark": _EARLY,
}
# In how many scopes something is looked for that the harness's oracle sees as well.
_MOST_TRIED: Final = 12


@frozen
class Size:
    """A volume, and how many of the effects may fail."""

    grains: int
    grain_blocks: int
    failures: int


# From the smallest on. The second block or grain is for what touches a grain beside its neighbour.
SIZES: Final = (Size(1, 1, 0), Size(1, 1, 1), Size(1, 1, 2), Size(2, 1, 2), Size(1, 2, 2))
_HOSTS = ("source-write", "target-write", "source-read", "target-read")
_OTHERS = "copy:1,sync,start,stop,source-flush,target-flush"


def among_others(name: str, *, keep_target: bool = False) -> Finding | None:
    """The harm that two requests can come to, with its trace; else the waste, else None.

    `name` is that of the mutant, empty for the protocol as it is.
    """
    for waste in (False, True):
        for size in SIZES:
            found = _search(name, plan_of(size, keep_target=keep_target), waste=waste)
            if found:
                return found
    return None


def plan_of(size: Size, in_flight: int = 2, *, keep_target: bool = False) -> Plan:
    """All requests of one block each, so many of them at a time."""
    blocks = size.grains * size.grain_blocks
    hosts = [f"{host}:{block}" for host in _HOSTS for block in range(blocks)]
    kinds = parse(",".join((*hosts, _OTHERS)), size.grains, size.grain_blocks)
    return efforts.plan(
        "quick",
        grains=size.grains,
        grain_blocks=size.grain_blocks,
        in_flight=in_flight,
        kinds=kinds,
        failures=size.failures,
        keep_target=keep_target,
    )


def explored(name: str, plan: Plan, *, waste: bool) -> tuple[Tally, Violation | None]:
    """What the explorer counts on a plan that fits one batch, and the violation it finds."""
    search = Explorer(plan, protocol_mutants.by_name(name), waste=waste)
    scopes = list(plan.scopes())
    found = search.search(scopes)
    found.run(search.roots(scopes))
    return found.tally, found.violation


def _search(name: str, plan: Plan, *, waste: bool) -> Finding | None:
    """The shortest that the harness's oracle confirms, of the first few scopes that show any."""
    explorer = Explorer(plan, protocol_mutants.by_name(name), waste=waste)
    for scope, violation in _violations(explorer, list(plan.scopes())):
        shown = show(plan, scope, violation, name, waste=waste, find=protocol_mutants.by_name)
        if shown.confirmed and _replays(shown.finding):
            return shown.finding
    return None


def _replays(finding: Finding) -> bool:
    """Whether the trace by itself shows it: what only a driver saw who went on, it does not."""
    assert finding.trace is not None
    (again,) = replay(finding.trace, protocol_mutants.by_name)
    return again.finding is not None and again.finding.clause == finding.clause


def _violations(explorer: Explorer, scopes: list[Scope]) -> Iterator[tuple[Scope, Violation]]:
    """The shortest violation, and those of the scopes that are left without its scope."""
    for _ in range(_MOST_TRIED):
        search = explorer.search(scopes)
        search.run(explorer.roots(scopes))
        if search.violation is None:
            return
        yield scopes.pop(search.violation.scope), search.violation
