"""A violation as a trace that anybody can run again.

The explorer's steps are those of `harness.simulation`, one for one. So its way to a violation is
handed to a `harness.trial.Trial` step by step, and that oracle, which shares nothing with the
explorer's but what it judges, has to find the same. What the explorer saw at once is played out:
a crash whose survivors must be found, requests to be ended, the sync and the copy that follow.
"""

from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import Any

from attrs import frozen

from flashcopy.harness import mapdisk, mutants
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.replay import HARM_ALONE
from flashcopy.harness.result import Finding, ViolationError
from flashcopy.harness.trial import ORACLE_ALONE, Trial, Watch
from flashcopy.impl.effect import MAP
from flashcopy.impl.geometry import Geometry
from flashcopy.model import lifecycle
from flashcopy.model.geometry import blocks_of_grain
from flashcopy.model.images import Volume
from flashcopy.model.operation import BackgroundCopy, Operation, Read, Start, Stop, Sync, Write
from flashcopy.proofs.explorer.move import Move
from flashcopy.proofs.explorer.requests import Plan, Scope
from flashcopy.proofs.explorer.search import Violation
from flashcopy.proofs.explorer.starts import BLOCK_SIZE, head_of, make_geometry

# Contents of writes: of the requests in flight, and of those that made a state used.
_CONTENT, _USED_CONTENT = 1000, 2000
# More crashes than this are not tried one by one.
_MOST_CRASHES = 1 << 13
_LONGEST = 2000

Find = Callable[[str], Mutant]


@frozen
class Shown:
    """A finding with its trace; `confirmed` is whether the harness's oracle finds it too.

    It cannot where only a map torn between two bits of one word shows it: the simulated disk
    keeps a word whole, and small volumes have no more than one.
    """

    finding: Finding
    confirmed: bool


def show(
    plan: Plan,
    scope: Scope,
    violation: Violation,
    mutant: str,
    *,
    waste: bool,
    find: Find = mutants.by_name,
) -> Shown:
    """The violation as a trace of the shortest way to it. `find` gives the mutant of that name."""
    try:
        watch = Watch(rules=False, minimality=waste)
        trial = follow(plan, scope, violation.moves, mutant, watch, find)
        if violation.how == "crash":
            _crash(plan, scope, violation.moves, mutant, find)
        else:
            _play_out(trial)
    except ViolationError as error:
        return Shown(error.finding, confirmed=True)
    # No oracle but the explorer's has seen anything wrong.
    finding = Finding(violation.clause, f"{violation.text}, in {scope}")
    return Shown(Finding(finding.clause, finding.explanation, trial.trace(finding)), False)


def follow(
    plan: Plan,
    scope: Scope,
    moves: tuple[Move, ...],
    mutant: str,
    watch: Watch,
    find: Find = mutants.by_name,
) -> Trial:
    """The steps the explorer took. Raises ViolationError if they show it already."""
    settings = {"mutant": mutant} if mutant else {}
    if plan.keep_target:
        settings["keep_target"] = "yes"
    if not watch.minimality:
        settings |= HARM_ALONE
    geometry = make_geometry(plan.grains, plan.grain_blocks, plan.short)
    trial = Trial(head_of(scope.start, geometry, settings), watch, find)
    for grain in scope.start.dirty:
        blocks = blocks_of_grain(geometry, grain)
        for volume in Volume:
            if volume is Volume.SOURCE or scope.start.state is not lifecycle.State.STOPPED:
                content = _USED_CONTENT + grain * 10 + (volume is Volume.TARGET)
                extent = (blocks.start * BLOCK_SIZE, len(blocks) * BLOCK_SIZE)
                _complete(trial, Write(volume, *extent, content))
    numbers = [trial.submit(kind.operation(_CONTENT + at)) for at, kind in enumerate(scope.kinds)]
    for move in moves:
        if numbers[move.request] in trial.in_flight:  # it may have nothing to do at all
            trial.step(numbers[move.request], move.fault)
    return trial


def _crash(plan: Plan, scope: Scope, moves: tuple[Move, ...], mutant: str, find: Find) -> None:
    """Every outcome of a crash is recovered, until one is convicted. Raises ViolationError.

    The oracle alone convicts; then the run is repeated with those watching who explain.
    """
    for kept in different_crashes(follow(plan, scope, moves, mutant, ORACLE_ALONE, find)):
        for watch in (ORACLE_ALONE, Watch(rules=True, minimality=False)):
            again = follow(plan, scope, moves, mutant, watch, find)
            again.crash(kept)
            try:
                again.reopen()
                again.check_at_rest()
            except ViolationError:
                if watch is not ORACLE_ALONE:
                    raise
            else:
                break


def different_crashes(trial: Trial) -> Iterator[tuple[int, ...]]:
    """Survivors, for every way the disks can be left that differs from the others.

    A block holds what was durable, or the latest write to it that survives; so at most one write
    to each block is kept. Words of the map past the last grain mean nothing and are lost.
    """
    choices: list[list[tuple[int, ...]]] = []
    meaningful = _words_with_bits(trial.simulation.geometry)
    for name, device in trial.simulation.devices.items():
        for number in sorted({write.number for write in device.disk.pending}):
            if name is MAP and number not in meaningful:
                continue
            left: dict[Any, tuple[int, ...]] = {device.disk.durable[number]: ()}
            for write in device.disk.pending:
                if write.number == number:
                    left.setdefault(write.block, (write.serial,))
            choices.append(list(left.values()))
    for chosen in islice(product(*choices), _MOST_CRASHES):
        yield tuple(serial for kept in chosen for serial in kept)


def _words_with_bits(geometry: Geometry) -> set[int]:
    """The blocks of the map file that hold a grain's bit, and the header."""
    return {mapdisk.HEADER} | {
        mapdisk.word_of(geometry, area, which, grain)
        for area in (0, 1)
        for which in (0, 1)
        for grain in geometry.all_grains()
    }


def _play_out(trial: Trial) -> None:
    """End what is in flight, copy, read, sync, copy and read again. Raises ViolationError."""
    _drain(trial)
    trial.check_at_rest()
    if any(device.in_doubt for device in trial.simulation.devices.values()):
        for operation in (Start(), Stop(), Start()):
            _complete(trial, operation)
            _complete(trial, BackgroundCopy(None))
    size = trial.head.geometry.size
    whole = Read(Volume.TARGET, 0, size)
    _complete(trial, Read(Volume.SOURCE, 0, size))
    _complete(trial, whole)
    _copy_all(trial)
    tracking = lifecycle.is_tracking(trial.state)
    _complete(trial, Sync() if tracking else Start())
    _complete(trial, whole)
    _copy_all(trial)
    _complete(trial, whole)
    trial.check_at_rest()


def _copy_all(trial: Trial) -> None:
    """COPY-5: background copy finishes, or the trial says that it does not."""
    for _ in range(trial.simulation.geometry.grains + 1):
        _complete(trial, BackgroundCopy(None))


def _complete(trial: Trial, operation: Operation) -> None:
    trial.submit(operation)
    _drain(trial)


def _drain(trial: Trial) -> None:
    for _ in range(_LONGEST):
        runnable = trial.simulation.runnable()
        if not runnable:
            return
        trial.step(runnable[0])
    raise trial.complaint("CONC-4", "a request goes on and never ends")
