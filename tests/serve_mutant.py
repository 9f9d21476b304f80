"""`python -m tests.serve_mutant NAME`: the bundled implementation with one fault, over the wire.

A mutant of the protocol is a patch of its generators (`harness.mutant`), and the engine runs
the protocol's direct form. So the requests of that form are replaced by ones that run the patched
generators on the engine, effect by effect. Between two effects others are let in, as they may be
anywhere: a fast disk hides races that a slow one shows.
"""

import random
import sys
import time
from collections.abc import Callable
from typing import Any

from flashcopy.cli.serve import serve_on
from flashcopy.cli.server import Server
from flashcopy.harness.mutant import Mutant, generator
from flashcopy.harness.mutants import by_name
from flashcopy.harness.requests import Ask, Options
from flashcopy.impl import opening
from flashcopy.impl.direct import direct_protocol, method_name
from flashcopy.impl.effect import Effect
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.files import File
from flashcopy.impl.mapfile import MapFile
from flashcopy.impl.memory import Memory
from flashcopy.impl.protocol import Request

REQUESTS = (
    *("read_source", "read_target", "write_source", "write_target"),
    *("flush_source", "flush_target", "background_copy", "start", "sync", "stop"),
)
# How often, and for how many seconds, others are let in between two effects.
_SLOW, _PAUSE = 0.3, 0.0003
_chance = random.Random(0)


def plant(mutant: Mutant) -> None:
    """Let the engine run a mutant from now on, in this process."""
    for name in REQUESTS:
        setattr(direct_protocol, name, _mutated(mutant, name))
    shipped: Callable[[MapFile, File], Memory] = opening._load

    def load(mapfile: MapFile, file: File) -> Memory:
        memory = shipped(mapfile, file)
        memory.__class__ = mutant.memory
        return memory

    opening._load = load
    vars(opening)["MapFile"] = mutant.mapfile


def _mutated(mutant: Mutant, name: str) -> Callable[..., Any]:
    """A request of the direct protocol that runs the mutant's generator."""

    def request(do: Any, *args: Any, keep_target: bool = False) -> Any:
        options = Options(keep_target=keep_target)
        return _run(do, generator(mutant, do.geometry, options, _ask(name, args[1:])))

    return request


def _ask(name: str, args: tuple[Any, ...]) -> Ask:
    """What a direct request was called with, after the geometry."""
    if name == "background_copy":
        return Ask(name, limit=args[0])
    if name.startswith("write"):
        return Ask(name, args[0], bytes(args[1]))
    return Ask(name, *args)


def _run(do: Any, request: Request) -> Any:
    """Carry out each effect on the engine."""
    resume: Callable[[Any], Effect] = request.send
    value: Any = None
    while True:
        try:
            effect = resume(value)
        except StopIteration as end:
            return end.value
        if _chance.random() < _SLOW:
            time.sleep(_PAUSE)
        fields = [getattr(effect, slot) for slot in effect.__match_args__]
        try:
            value = getattr(do, method_name(type(effect).__name__))(*fields)
            resume = request.send
        except FlashCopyError as error:
            value, resume = error, request.throw


if __name__ == "__main__":
    plant(by_name(sys.argv[1]))
    serve_on(sys.stdin.buffer, sys.stdout.buffer, Server("process"))
