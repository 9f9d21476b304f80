"""What `flashcopy explore` finds: the manifest, the symmetries, and how it speaks and stops.

Every schedule and every crash of a few requests, so CONC-1, CONC-2, CONC-3, CONC-4, CRASH-1,
CRASH-2, CRASH-3, INV-1, INV-2, READ-1, READ-2, COPY-3, COPY-5, MIN-1, MIN-2; with flushes, zeroes
and a short last grain FLUSH-1, WRITE-4 and GEO-1; with failing devices ERR-5, ERR-6, LIFE-3.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from click.testing import CliRunner

from flashcopy.cli.explore import explore
from flashcopy.harness import replay
from flashcopy.harness.mutant import DATA
from flashcopy.harness.mutants import MUTANTS
from flashcopy.impl.mapfile import MapFile
from flashcopy.impl.memory import Memory
from flashcopy.model import trace as traces
from flashcopy.proofs.explorer import coverage, efforts, manifest, runs, trace
from flashcopy.proofs.explorer.beyond import BEYOND
from flashcopy.proofs.explorer.doubt import Doubts
from flashcopy.proofs.explorer.explorer import Explorer
from flashcopy.proofs.explorer.memory import Held, MemoryMachine
from flashcopy.proofs.explorer.requests import Kind, Plan, Scope, parse, starts_of

SMALL = [entry for entry in manifest.entries() if entry.small]
HELD = [entry for entry in SMALL if not entry.mutant]
BROKEN = [entry for entry in SMALL if entry.mutant]
FEW = "source-write:0-1,source-write:2,target-write:0,target-read:2-3,sync,start"


@pytest.mark.parametrize("entry", HELD, ids=lambda entry: entry.name)
def test_a_scope_has_as_many_states_as_the_manifest_says(entry: manifest.Entry) -> None:
    assert manifest.measure(entry) == entry.expected, (
        "if the protocol was changed on purpose: python -m flashcopy.proofs.explorer.manifest"
    )


@pytest.mark.mutation
@pytest.mark.parametrize("entry", BROKEN, ids=lambda entry: entry.name)
def test_a_broken_protocol_is_convicted_and_its_trace_replays(entry: manifest.Entry) -> None:
    settings = runs.Settings(entry.mutant, entry.waste)
    plan = manifest.plan_of(entry)
    report = runs.explore(plan, settings)
    assert report.violation is not None
    assert report.scope is not None
    found = report.violation
    expected = entry.expected
    assert (found.clause, found.how, len(found.moves)) == (
        expected.clause,
        expected.shown_by,
        expected.steps,
    )
    assert set(MUTANTS[entry.mutant].clauses) & {found.clause, "ERR-5", *DATA}
    shown = trace.show(plan, report.scope, found, entry.mutant, waste=entry.waste)
    assert shown.confirmed
    assert shown.finding.trace is not None
    if shown.finding.clause == "ERR-5" and found.how == "rest":
        return  # that a doubt never ends is no answer that a replay could judge
    if any(isinstance(entry_, traces.Step) for entry_ in shown.finding.trace.entries):
        (again,) = replay.replay(shown.finding.trace)
        assert again.finding is not None
        # A replay watches for waste too, and ends at the first thing it finds.
        assert again.finding.clause in {shown.finding.clause, "MIN-1", "MIN-2"}


def test_every_point_but_those_of_failures_is_seen() -> None:
    plan = efforts.plan("quick")
    report = runs.explore(plan, runs.Settings())
    program = Explorer(plan).program
    seen = coverage.cover(program, report.seen_of(program))
    functions = {line.partition(":")[0] for line in seen.unseen_lines}
    assert functions <= {"_stop_durably"}, "no device fails here, so only what records a failure"


def test_every_line_is_seen_where_devices_fail() -> None:
    plan = efforts.plan("quick", in_flight=1, failures=2)
    report = runs.explore(plan, runs.Settings())
    program = Explorer(plan).program
    seen = coverage.cover(program, report.seen_of(program))
    assert not seen.unseen_lines
    assert report.recovered
    assert not report.foreign


def test_every_mutant_is_in_the_manifest_or_beyond_it() -> None:
    convicted = {entry.mutant for entry in BROKEN}
    assert convicted | BEYOND.keys() == MUTANTS.keys()
    assert not convicted & BEYOND.keys()


def test_failures_only_add_states() -> None:
    """Without a failure left, a scope with failures is the scope without."""
    kinds = parse("source-write:0,target-write:0,copy:1,sync", 1, 1)
    counts: list[int] = []
    for failures in (0, 1, 2):
        plan = efforts.plan("quick", grains=1, grain_blocks=1, kinds=kinds, failures=failures)
        explorer = Explorer(plan)
        scopes = list(plan.scopes())
        if failures:
            none_left = explorer.parts.doubts.number(Doubts(0))
            rows = explorer.roots(scopes)
            explorer.layout.doubts.put(rows, np.full(len(scopes), none_left))
            search = explorer.search(scopes)
            search.run(rows)
            assert search.tally.states == counts[0]
        search = explorer.search(scopes)
        search.run(explorer.roots(scopes))
        assert search.violation is None
        counts.append(search.tally.states)
    assert counts[0] < counts[1] < counts[2]


def test_bits_past_the_last_grain_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """MAP-1: no part of a state are the bits of memory's maps that stand for no grain."""
    plan = efforts.plan("quick", kinds=parse("start,stop,copy:1", 2, 2), failures=1)
    cleared = runs.explore(plan, runs.Settings())
    shipped = MemoryMachine.thaw

    def thaw_with_all_set(machine: MemoryMachine, value: Held) -> tuple[Memory, MapFile]:
        memory, mapfile = shipped(machine, value)
        for bits in (memory.copied, memory.modified, memory.settled):
            assert len(bits) > memory.grains
            bits[memory.grains :] = 1
        return memory, mapfile

    monkeypatch.setattr(MemoryMachine, "thaw", thaw_with_all_set)
    assert runs.explore(plan, runs.Settings()).tally == cleared.tally


def test_keep_target_makes_a_difference() -> None:
    """ERR-5: with it a target that cannot be written does not stop the relationship."""
    kinds = parse("source-write:0,copy:1", 1, 1)
    reports = [
        runs.explore(
            efforts.plan(
                "quick", grains=1, grain_blocks=1, kinds=kinds, failures=1, keep_target=keep
            ),
            runs.Settings(),
        )
        for keep in (False, True)
    ]
    assert all(report.holds for report in reports)
    assert reports[0].tally.states != reports[1].tally.states


def test_efforts_have_parts_that_differ() -> None:
    for effort in efforts.EFFORTS:
        first, *rest = efforts.plans(effort)
        assert not first.failures
        assert any(plan.failures and plan.keep_target for plan in rest)
        assert any(plan.short for plan in rest)
        assert len({(p.failures, p.short, p.keep_target) for p in rest}) == len(rest)


def test_whatever_a_crash_leaves_is_an_initial_state() -> None:
    report = runs.explore(efforts.plan("quick", in_flight=1), runs.Settings())
    assert report.recovered
    assert not report.foreign


def test_crashes_in_a_row_reach_nothing_new_in_the_end() -> None:
    plan = efforts.plan("quick", in_flight=1, state="idle")
    reports = runs.explore_crashes(plan, runs.Settings(), crashes=9)
    assert 1 < len(reports) < 9
    assert all(report.holds for report in reports)


def test_scopes_that_are_left_out_have_as_many_states_as_those_that_stand_for_them() -> None:
    kinds = parse("source-write:0-1,source-write:2-3,target-read:0,target-read:2,stop", 2, 2)
    rested = tuple(start for start in starts_of(2) if not start.used)
    every = Plan(2, 2, kinds, 2, rested, reduce=False)
    explorer = Explorer(every)
    counts = {scope: _states(explorer, scope) for scope in every.scopes()}
    kept = set(evolve(every, reduce=True).scopes())
    assert len(kept) < 0.6 * len(counts)
    for scope in counts.keys() - kept:
        assert counts[scope] == counts[_exchanged(scope, kept)], str(scope)


def test_equal_requests_in_the_other_order_lead_to_nothing_else() -> None:
    kinds = parse("source-write:0-1,copy:1,sync", 2, 2)
    plan = Plan(2, 2, kinds, 2, starts_of(2))
    scopes = [scope for scope in plan.scopes() if len(set(scope.kinds)) < len(scope.kinds)]
    few, all_of_them = (_pictures(plan, scopes, in_order=in_order) for in_order in (True, False))
    assert set(few) == set(all_of_them)
    assert len(few) < len(all_of_them)


def test_workers_and_batches_change_no_count() -> None:
    plan = efforts.plan("quick", kinds=parse(FEW, 2, 2))
    one, two = (runs.explore(plan, runs.Settings(workers=n)) for n in (1, 2))
    assert one.tally == two.tally
    assert one.covered == two.covered == one.scopes


def test_a_bound_on_memory_stops_with_what_was_covered() -> None:
    plan = efforts.plan("quick", kinds=parse(FEW, 2, 2))
    report = runs.explore(plan, runs.Settings(memory=1))
    assert "memory bound" in report.stopped
    assert not report.holds
    assert report.covered < report.scopes


def test_an_interrupt_ends_with_what_was_covered() -> None:
    plan = efforts.plan("quick", kinds=parse(FEW, 2, 2))

    def interrupt(fraction: float, what: str) -> None:
        del fraction, what
        raise KeyboardInterrupt

    report = runs.explore(plan, runs.Settings(), interrupt)
    assert report.stopped == "interrupted"
    assert 0 < report.covered <= report.scopes
    assert report.tally.states > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--requests", "source-wipe:0"], "source-wipe"),
        (["--requests", "source-write:9"], "blocks 0 to 3"),
        (["--requests", "source-write:x"], "no number"),
        (["--requests", ","], "at least one"),
        (["--grains", "9"], "9 grains"),
        (["--grains", "0"], "too few"),
        (["--blocks", "3"], "power of two"),
        (["--mutant", "none-such"], "none-such"),
        (["--short", "2"], "cannot lack 2"),
        (["--failures", "9"], "9 failures"),
        (["--short", "1", "--requests", "source-write:3"], "blocks 0 to 2"),
        (["--effort", "deep", "--grains", "4"], "scopes"),
        (["--effort", "standard", "--memory", "64"], "MiB"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(explore, arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_it_speaks_json_and_ends_with_0() -> None:
    arguments = ["--in-flight", "1", "--workers", "1", "--json"]
    result = CliRunner().invoke(explore, arguments)
    assert result.exit_code == 0
    told = json.loads(result.output)
    assert told["holds"]
    assert told["covered"] == told["scopes"]
    assert told["violation"] is None


def test_a_violation_ends_with_1_and_leaves_a_trace(tmp_path: Path) -> None:
    arguments = ["--mutant", "write-without-map-flush", "--requests", "source-write:0"]
    result = CliRunner().invoke(explore, [*arguments, "--workers", "1", "--traces", str(tmp_path)])
    assert result.exit_code == 1
    assert "flashcopy replay" in result.output
    (file,) = tmp_path.iterdir()
    assert traces.load(file).clause


def _exchanged(scope: Scope, kept: set[Scope]) -> Scope:
    """The scope with grains 0 and 1 exchanged, as it was kept."""
    grains = tuple(reversed(scope.start.grains))
    moved = {_moved(kind) for kind in scope.kinds}
    start = evolve(scope.start, grains=grains)
    (same,) = [one for one in kept if one.start == start and _same(one, moved, len(scope.kinds))]
    return same


def _moved(kind: Kind) -> Kind:
    first = (kind.blocks.start + 2) % 4
    return evolve(kind, blocks=range(first, first + len(kind.blocks))) if kind.blocks else kind


def _same(scope: Scope, kinds: set[Kind], size: int) -> bool:
    return set(scope.kinds) == kinds and len(scope.kinds) == size


def _pictures(plan: Plan, scopes: list[Scope], *, in_order: bool) -> list[tuple[object, ...]]:
    """Every state, as far as it stays the same when two equal requests are exchanged."""
    explorer = Explorer(plan)
    explorer.stepper.in_order = in_order
    pictures: list[tuple[object, ...]] = []
    rows, layout, parts = explorer.roots(scopes), explorer.layout, explorer.parts
    known: set[bytes] = set()
    while rows.shape[1]:
        for at in range(rows.shape[1]):
            state = rows[:, at : at + 1]
            if state.tobytes() in known:
                continue
            known.add(state.tobytes())
            nodes = sorted(int(field.get(state)[0]) for field in layout.node)
            memory = parts.memories[int(layout.memory.get(state)[0])]
            disk = parts.maps[int(layout.mapdisk.get(state)[0])]
            pictures.append((int(layout.scope.get(state)[0]), *nodes, memory, disk))
        rows = np.concatenate(
            [steps.rows for steps in explorer.stepper.all_steps(rows)] or [rows[:, :0]], axis=1
        )
    return pictures


def _states(explorer: Explorer, scope: Scope) -> int:
    search = explorer.search([scope])
    search.run(explorer.roots([scope]))
    assert search.violation is None
    return search.tally.states
