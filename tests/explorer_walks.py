"""Random walks that the explorer and the simulation take side by side.

A walk is one scope and one schedule. At every step both say what they hold, in the same words,
so that a test can compare them.
"""

import random
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from flashcopy.harness import mapdisk as words
from flashcopy.harness import mutants
from flashcopy.harness.requests import decode
from flashcopy.harness.simulation import DeviceState, Flight, Simulation
from flashcopy.harness.trial import ORACLE_ALONE, Trial
from flashcopy.impl import mapfile
from flashcopy.impl.effect import MAP, SOURCE, TARGET
from flashcopy.model.trace import Fault
from flashcopy.proofs.explorer import trace
from flashcopy.proofs.explorer.block import contents
from flashcopy.proofs.explorer.explorer import Explorer
from flashcopy.proofs.explorer.layout import Rows
from flashcopy.proofs.explorer.move import Move
from flashcopy.proofs.explorer.program import Kind
from flashcopy.proofs.explorer.requests import ZEROES, Plan, Scope
from flashcopy.proofs.explorer.starts import FIRST_WRITE, OLD_SOURCE, OLD_TARGET

Seen = dict[str, Any]
# How often a walk takes a step whose device fails, where there is one.
FAULTY = 0.2


@frozen
class Place:
    """A place on a walk: the way there, the explorer's row, the harness's trial."""

    scope: Scope
    moves: tuple[Move, ...]
    rows: Rows
    trial: Trial


def walk(explorer: Explorer, scope: Scope, mutant: str, draw: random.Random) -> Iterator[Place]:
    """The places of one walk. The trial raises ViolationError where the explorer complains."""
    trial = trace.follow(explorer.plan, scope, (), mutant, ORACLE_ALONE)
    first = trial._submitted - len(scope.kinds)
    rows = explorer.roots([scope])
    moves: tuple[Move, ...] = ()
    while True:
        yield Place(scope, moves, rows, trial)
        able = list(explorer.stepper.all_steps(rows))
        runnable = [number - first for number in trial.simulation.runnable()]
        assert {steps.move.request for steps in able} <= set(runnable)
        assert bool(able) == bool(runnable)
        if not able:
            return
        faults = [steps for steps in able if steps.move.fault is not Fault.NONE]
        steps = draw.choice(faults if faults and draw.random() < FAULTY else able)
        if steps.complaint.any():
            return
        trial.step(first + steps.move.request, steps.move.fault)
        moves = (*moves, steps.move)
        rows = steps.rows


def explored(explorer: Explorer, rows: Rows) -> Seen:
    """What the explorer's state says."""
    layout, parts, program = explorer.layout, explorer.parts, explorer.program
    memory = parts.machine.thaw(parts.memories[int(layout.memory.get(rows)[0])])[0]
    disk = parts.maps[int(layout.mapdisk.get(rows)[0])]
    blocks = [parts.blocks[int(field.get(rows)[0])] for field in layout.blocks]
    doubts = parts.doubts[int(layout.doubts.get(rows)[0])]
    kinds = [Kind(int(program.kind[int(field.get(rows)[0])])) for field in layout.node]
    return {
        **_memory(memory),
        "source": [(b.source, contents(b.sources)) for b in blocks],
        "target": [(b.target, contents(b.targets)) for b in blocks],
        "words": [(word.bit, sorted(word.after_crash)) for word in disk.words],
        "headings": {(h.standing, h.area) for h in disk.headings},
        "waiting": [n for n, kind in enumerate(kinds) if kind is Kind.WAITING],
        "granted": [n for n, kind in enumerate(kinds) if kind is Kind.GRANTED],
        "ended": [n for n, kind in enumerate(kinds) if kind is Kind.ENDED],
        "in doubt": {device.value for device in doubts.doubted},
        "knowing": sorted(doubts.knowing),
    }


def simulated(plan: Plan, scope: Scope, trial: Trial) -> Seen:
    """What the simulation holds, in the explorer's words."""
    simulation = trial.simulation
    first = trial._submitted - len(scope.kinds)
    flights = {number - first: flight for number, flight in simulation.flights.items()}
    return {
        **_memory(simulation.memory),
        "source": _blocks(scope, simulation.devices[SOURCE]),
        "target": _blocks(scope, simulation.devices[TARGET]),
        "words": _words(plan, simulation),
        "headings": _headings(simulation),
        "waiting": [n for n, flight in sorted(flights.items()) if flight.waiting],
        "granted": [n for n, flight in sorted(flights.items()) if flight.granted],
        "ended": [n for n in range(plan.in_flight) if n not in flights],
        "in doubt": {name.value for name, d in simulation.devices.items() if d.in_doubt},
        "knowing": _knowing(flights, simulation.devices[MAP]),
    }


def _knowing(flights: dict[int, Flight], device: DeviceState) -> list[int]:
    """Requests that may flush a map in doubt, for they distrusted it after its last failure."""
    if not device.in_doubt:
        return []
    return [n for n, f in sorted(flights.items()) if f.distrusted_after == device.failures]


def protocol(name: str) -> Any:
    """The protocol of that name, the shipped one for an empty name."""
    return mutants.by_name(name)


def _memory(memory: Any) -> Seen:
    grains = range(memory.grains)
    return {
        "standing": memory.standing,
        "state": memory.state,
        "cursor": memory.cursor,
        **{
            name: [getattr(memory, name)[grain] for grain in grains]
            for name in ("copied", "modified", "settled")
        },
    }


def _possible(device: DeviceState, number: int) -> list[Any]:
    """What a crash may leave of a block, and last what it holds."""
    disk = device.disk
    return [disk.durable[number], *(w.block for w in disk.pending if w.number == number)]


def _blocks(scope: Scope, device: DeviceState) -> list[tuple[int, list[int]]]:
    found = []
    for number in range(len(device.disk.durable)):
        possible = [_content(scope, decode(block)[0]) for block in _possible(device, number)]
        found.append((possible[-1], sorted(set(possible))))
    return found


def _content(scope: Scope, number: int) -> int:
    """The explorer's number for a content of a trace."""
    if number >= 2000:
        return number % 10
    if number >= 1000:
        return FIRST_WRITE + number - 1000
    if number == 0:
        (zeroes,) = [at for at, kind in enumerate(scope.kinds) if kind.name in ZEROES]
        return FIRST_WRITE + zeroes
    is_target = number >= 200
    grain = (number % 100) // 2
    if grain in scope.start.dirty:
        of_target = scope.start.state.value != "stopped"
        if not is_target:
            return OLD_SOURCE
        return OLD_TARGET if of_target else 1
    return int(is_target)


def _words(plan: Plan, simulation: Simulation) -> list[tuple[bool, list[bool]]]:
    found = []
    for area in (0, 1):
        for which in (0, 1):
            for grain in range(plan.grains):
                number = words.word_of(simulation.geometry, area, which, grain)
                bits = [
                    words.has_bit(word, grain)
                    for word in _possible(simulation.devices[MAP], number)
                ]
                found.append((bits[-1], sorted(set(bits))))
    return found


def _headings(simulation: Simulation) -> set[tuple[Any, int]]:
    disk = simulation.devices[MAP].disk
    headers = [
        mapfile.decode_first_page(words.first_page((sector, disk.durable[1])))[1]
        for sector in _possible(simulation.devices[MAP], words.HEADER)
    ]
    return {(header.standing, header.area) for header in headers}
