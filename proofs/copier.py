"""The background copy on a volume of any length, and what can be wrong with it.

A volume is a function from grain to grain's state, with a cursor. What is proved of the machine
over small volumes (`volume_progress`) is that it does just this; what follows from it for any
number of grains is in `progress`.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from flashcopy.model.grain import Grain
from flashcopy.proofs.grains import GrainMachine, choose_grain

# The grains of a volume of any length, and the cursor.
Position = tuple[Callable[[Any], Grain], Any]


@frozen
class Copier:
    """What moves the cursor: a step of the background copy, and a new point in time."""

    machine: GrainMachine
    step: Callable[[GrainMachine, Position], Position]
    move: Callable[[Callable[[Grain], Grain], Position], Position]


def step(machine: GrainMachine, position: Position) -> Position:
    """As it must be: the grain under the cursor is copied, and the cursor moves on."""
    grains, cursor = position
    return lambda n: choose_grain(n == cursor, machine.copy(grains(n)), grains(n)), cursor + 1


def move(operate: Callable[[Grain], Grain], position: Position) -> Position:
    """As it must be: every grain at once, and the cursor back to 0."""
    grains, _ = position
    return lambda n: operate(grains(n)), 0


def step_to_neighbour(machine: GrainMachine, position: Position) -> Position:
    grains, cursor = position
    return lambda n: choose_grain(n == cursor + 1, machine.copy(grains(n)), grains(n)), cursor + 1


def step_over_one(machine: GrainMachine, position: Position) -> Position:
    after, cursor = step(machine, position)
    return after, cursor + 1


def step_copying_nothing(_: GrainMachine, position: Position) -> Position:
    grains, cursor = position
    return grains, cursor + 1


def move_keeping_cursor(operate: Callable[[Grain], Grain], position: Position) -> Position:
    after, _ = move(operate, position)
    return after, position[1]
