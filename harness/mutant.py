"""A protocol broken on purpose: what is changed, and what that would let happen.

A mutant is a patch, never a copy of the protocol. It replaces effects of the shipped generators
as they go by, or a method of memory or map file, or, where neither can say it, one generator.
"""

from collections.abc import Callable, Generator
from typing import Any

from attrs import field, frozen

from flashcopy.harness.requests import Ask, Options
from flashcopy.harness.requests import generator as shipped
from flashcopy.harness.simulation import Simulation
from flashcopy.impl.effect import Effect
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import MapFile
from flashcopy.impl.memory import Memory
from flashcopy.impl.protocol import Request

# Carries out something in place of an effect, and gives what the effect would.
Act = Callable[[Effect, Ask], Generator[Effect, Any, Any]]
# What an oracle that sees only contents can convict a fault of data by.
DATA = ("READ-2", "INV-1", "INV-2", "CRASH-1", "CRASH-2", "CRASH-3", "COPY-3", "LIFE-1")

# A generator in place of a shipped one.
Make = Callable[[Geometry, Options, Ask], Request]


@frozen
class Mutant:
    """One fault of the protocol.

    `clauses` are those of which at least one must be named when it is caught, `harm` says what
    it would let happen, `faults` are its numbers in the list of `docs/faults.md`. `rule` is the
    ordering rule it breaks, if it is about one. `act` replaces effects of the requests named in
    `only` (all, if empty), `make` whole requests by name; `memory`, `mapfile` and `simulation` (of
    what devices do) are subclasses of the shipped ones.
    """

    name: str
    clauses: tuple[str, ...]
    harm: str
    faults: tuple[int, ...] = ()
    rule: str = ""
    act: Act | None = None
    only: tuple[str, ...] = ()
    make: dict[str, Make] = field(factory=dict)
    memory: type[Memory] = Memory
    mapfile: type[MapFile] = MapFile
    simulation: type[Simulation] = Simulation


SHIPPED = Mutant("", (), "")


def generator(mutant: Mutant, geometry: Geometry, options: Options, asked: Ask) -> Request:
    """The generator of a request, as the mutant has it."""
    made = mutant.make.get(asked.name)
    request = made(geometry, options, asked) if made else shipped(geometry, options, asked)
    if mutant.act and (not mutant.only or asked.name in mutant.only):
        return _rewritten(request, mutant.act, asked)
    return request


def _rewritten(request: Request, act: Act, asked: Ask) -> Request:
    """The request with every effect carried out by `act`."""
    resume: Callable[[Any], Effect] = request.send
    value: Any = None
    while True:
        try:
            effect = resume(value)
        except StopIteration as end:
            return end.value
        try:
            value = yield from act(effect, asked)
            resume = request.send
        except FlashCopyError as error:
            value, resume = error, request.throw
