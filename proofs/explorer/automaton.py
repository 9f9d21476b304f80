"""A request unrolled: every program point it can be at, and where each result leads from there.

A generator is deterministic, so its next effect is a function of the results it was sent. It is
run here once along every sequence of results that its effects can have, and what comes out is a
small graph without cycles. Afterwards nobody runs a generator again. Program points from which
everything that follows is the same are one, unless they stand on different lines.

Data is opaque to the protocol, so a read gives tokens, one a block, and a write says which tokens
it writes; the explorer keeps what they stand for in a register for each block. A read or write of
several blocks is one program point a block, for nothing says that they happen at one instant
(CONC-1). Where devices may fail, an error is one more result that an effect can have.
"""

from collections.abc import Iterator
from itertools import product
from types import CodeType
from typing import Any

from attrs import evolve, field, frozen

from flashcopy.harness import mutant as mutants
from flashcopy.harness.mutant import Mutant
from flashcopy.harness.requests import Ask, Options
from flashcopy.harness.simulation import BLOCK_BYTES
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    AcquireCopier,
    AcquireGrains,
    Adopt,
    Commit,
    Effect,
    Flush,
    Mode,
    NextUncopied,
    Prepare,
    Read,
    Save,
    Standing,
    State,
    Uncopied,
    Unsettled,
    Write,
)
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.protocol import Request
from flashcopy.proofs.explorer.answers import Failed, Judged, judge

# No request of the protocol does more; one that does is taken for endless.
LONGEST = 400


class EndlessRequestError(ValueError):
    """A request that goes on and on, or does what the explorer cannot follow."""


@frozen
class Claim:
    """A run of grains that a request holds or waits for."""

    grains: range
    exclusive: bool


@frozen
class Locks:
    """What a request holds at a program point."""

    copier: bool = False
    claim: Claim | None = None


@frozen
class Node:
    """A program point: where it is, what happens next, what is held, where results lead.

    `line` is the generator function and line. For a Read or Write `block` is the block of this
    step and `token` the register a write takes its content from, None for the host's own data.
    `successors` are pairs of a result and the number of a node. A node without an effect is an
    end, and `judged` says how the request ended and what can be said of that already.
    """

    line: str
    effect: Effect | None
    locks: Locks
    successors: tuple[tuple[Any, int], ...] = ()
    block: int = -1
    token: int | None = None
    by_host: bool = False
    judged: Judged | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """Nodes of the same key are the same. Effects have no hash, so their text stands in."""
        return (
            self.line,
            repr(self.effect),
            self.locks,
            self.successors,
            self.block,
            self.token,
            self.by_host,
            self.judged,
        )


@frozen
class Automaton:
    """All program points of one request; those later in the tuple lead to earlier ones only."""

    asked: Ask
    nodes: tuple[Node, ...]
    start: int


def unroll(
    protocol: Mutant,
    geometry: Geometry,
    asked: Ask,
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    failing: bool = False,
) -> Automaton:
    """The request of a protocol as a graph, with errors if devices may be `failing`.

    Raises EndlessRequestError.
    """
    return _Unrolling(protocol, geometry, asked, options, failing).automaton()


def failures_of(effect: Effect) -> tuple[Failed, ...]:
    """Every way in which a device can fail an effect."""
    match effect:
        case Read(device, blocks) | Write(device, blocks) if blocks:
            return (Failed(device),)
        case Flush(devices):
            return tuple(Failed(device, earlier_writes_lost=True) for device in devices)
        case Save() | Prepare() | Commit():
            return (Failed(MAP),)
    return ()


def results_of(effect: Effect, grains: int) -> Iterator[Any]:
    """Every result an effect can have if no device fails, whatever memory holds."""
    match effect:
        case AcquireCopier() | AcquireGrains():
            yield from State
        case Unsettled(run) | Uncopied(run):
            for bits in product((False, True), repeat=len(run)):
                yield _runs([g for g, chosen in zip(run, bits, strict=True) if chosen])
        case NextUncopied(limit):
            yield range(grains, grains)
            for first in range(grains):
                for stop in range(first + 1, min(first + limit, grains) + 1):
                    yield range(first, stop)
        case Prepare():
            yield from (False, True)
        case _:
            yield None


def _runs(grains: list[int]) -> tuple[range, ...]:
    """Runs of a sorted list of grains."""
    runs: list[range] = []
    for grain in grains:
        if runs and runs[-1].stop == grain:
            runs[-1] = range(runs[-1].start, grain + 1)
        else:
            runs.append(range(grain, grain + 1))
    return tuple(runs)


@frozen(eq=False)
class _Unrolling:
    protocol: Mutant
    geometry: Geometry
    asked: Ask
    options: Options
    failing: bool
    nodes: list[Node] = field(factory=list)
    numbers: dict[tuple[Any, ...], int] = field(factory=dict)

    def automaton(self) -> Automaton:
        start = self._from((), Locks())
        if self.nodes[start].effect is None:
            # It does nothing at all, not even that: it still has to take its turn.
            nothing = Node("end", Read(SOURCE, range(0)), Locks(), ((None, start),))
            start = self._number(nothing)
        return Automaton(self.asked, tuple(self.nodes), start)

    def _from(self, results: tuple[Any, ...], locks: Locks) -> int:
        """The node reached by these results, and all that can follow."""
        if len(results) > LONGEST:
            raise EndlessRequestError(f"{self.asked.name} has not ended after {LONGEST} effects")
        generator = mutants.generator(self.protocol, self.geometry, self.options, self.asked)
        line = _line(generator)
        moved = False
        try:
            effect = generator.send(None)
            for result in results:
                moved = moved or _takes_point(effect)
                if isinstance(result, Failed):
                    effect = generator.throw(result.error())
                else:
                    effect = generator.send(result)
        except StopIteration:
            return self._end(results, None, moved=moved)
        except FlashCopyError as error:
            return self._end(results, error, moved=moved)
        line = _line(generator)
        failures = tuple(
            (failed, self._from((*results, failed), locks))
            for failed in (failures_of(effect) if self.failing else ())
        )
        if isinstance(effect, (Read, Write)) and effect.blocks:
            following = self._from((*results, _tokens(effect)), locks)
            return self._blocks(effect, line, locks, following, failures)
        held = self._locked(effect, locks)
        successors = tuple(
            (result, self._from((*results, self._given(effect, result)), held))
            for result in results_of(effect, self.geometry.grains)
        )
        return self._number(Node(line, effect, locks, (*successors, *failures)))

    def _end(self, results: tuple[Any, ...], error: FlashCopyError | None, *, moved: bool) -> int:
        judged = judge(self.asked, self.options, results, error, moved=moved)
        return self._number(Node("end", None, Locks(), judged=judged))

    def _given(self, effect: Effect, result: Any) -> Any:
        return b"" if isinstance(effect, Read) else result

    def _blocks(
        self,
        effect: Read | Write,
        line: str,
        locks: Locks,
        following: int,
        failures: tuple[tuple[Failed, int], ...],
    ) -> int:
        """One node a block, the last of which leads on."""
        by_host = self._is_hosts(effect)
        for at in reversed(range(len(effect.blocks))):
            token = None
            if isinstance(effect, Write) and not by_host:
                token = _token(effect.data[at * BLOCK_BYTES :][:BLOCK_BYTES])
                if token not in range(self.geometry.blocks):
                    raise EndlessRequestError(f"{self.asked.name} writes what it never read")
            successors = ((None, following), *failures)
            node = Node(line, effect, locks, successors, effect.blocks[at], token, by_host)
            following = self._number(node)
        return following

    def _is_hosts(self, effect: Read | Write) -> bool:
        return self.asked.writes(effect) if isinstance(effect, Write) else self.asked.reads

    def _locked(self, effect: Effect, locks: Locks) -> Locks:
        if isinstance(effect, AcquireCopier):
            return evolve(locks, copier=True)
        if isinstance(effect, AcquireGrains):
            if locks.claim is not None:
                raise EndlessRequestError(f"{self.asked.name} takes grains while it holds some")
            return evolve(locks, claim=Claim(effect.grains, effect.mode is Mode.EXCLUSIVE))
        return locks

    def _number(self, node: Node) -> int:
        number = self.numbers.setdefault(node.key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        return number


def _tokens(effect: Read | Write) -> bytes | None:
    """What a read gives: for each block the register that holds its content, which is its number.

    One more than that, for no content that is merely unknown may be taken for zeroes.
    """
    if isinstance(effect, Write):
        return None
    return b"".join((block + 1).to_bytes(BLOCK_BYTES, "little") for block in effect.blocks)


def _token(data: bytes) -> int:
    """The register that a block of data names."""
    return int.from_bytes(data, "little") - 1


def _takes_point(effect: Effect) -> bool:
    """Whether with this effect a start or sync takes place, for all who read."""
    return isinstance(effect, Adopt) and effect.standing is Standing.TRACKING


def _line(generator: Request) -> str:
    """The innermost generator function of ours and the line where it waits."""
    inner: Any = generator
    found = inner
    while inner is not None and hasattr(inner, "gi_code"):
        found = inner
        inner = inner.gi_yieldfrom
    code: CodeType = found.gi_code
    line = found.gi_frame.f_lineno if found.gi_frame else code.co_firstlineno
    return f"{code.co_name}:{line}"
