"""A request run symbolically among any others: every path, and what must hold on it.

Before each effect the state is anything that the others may have made of it: the invariant holds,
and what the request relies on by its locks (`protocol_rely`). After each effect the invariant must
hold again, for the power may fail there, and the step must be one that the others can live with.
At the end the request must have done what its clauses say. Nobody says how many others there are.

One formula comes out, a tree: under the condition of each result, this step is right, and under
what may happen then, so is the rest.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import z3
from attrs import define, evolve, field, frozen

from flashcopy.harness.requests import Ask
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import Effect
from flashcopy.impl.protocol import Request
from flashcopy.model.choice import Condition
from flashcopy.proofs.obligation import Picture, Statement
from flashcopy.proofs.protocol_claims import HARM, at_end, of_step
from flashcopy.proofs.protocol_effects import CHOICES, Effects, Local, Moment, Outcome
from flashcopy.proofs.protocol_invariant import invariant, quiet
from flashcopy.proofs.protocol_logic import conj, disj, imp, neg
from flashcopy.proofs.protocol_rely import Holding, Mode, keep, rely
from flashcopy.proofs.protocol_request import (
    Asked,
    Bytes,
    Make,
    Path,
    Result,
    Rewrite,
    Runner,
    Stop,
    results,
)
from flashcopy.proofs.protocol_state import LEAVES, STATES, State, get, state_at
from flashcopy.proofs.solvers import Answer, Satisfiable, ask_z3
from flashcopy.proofs.sorts import BIT, NUMBER, Function, OneOf, Sort, Table
from flashcopy.proofs.symbolic import as_formula

# Whatever these give, the state is the same; only what follows can tell two results apart.
_ALIKE = (effects.AcquireCopier, effects.AcquireGrains, effects.Unsettled, effects.Prepare)

VARIABLES: Mapping[str, Sort] = {
    **STATES,
    **{name: Function((NUMBER,), BIT) for name in CHOICES},
    "garbage": Function((NUMBER,), NUMBER),
    "data": NUMBER,
}


# Puts a formula to a solver.
Solve = Callable[[Any], Answer]


def as_shipped(make: Make, _: Ask) -> Request:
    """No fault in it."""
    return make()


@frozen
class Subject:
    """What is proved: the generators, and the meaning of their effects."""

    rewrite: Rewrite = as_shipped
    effects: Effects = field(factory=Effects)


def state_theorem(subject: Subject, asked: Asked, **variables: Any) -> Statement:
    """The theorem about one request. Terms have the names of the variables and no others."""
    if z3.is_expr(variables["data"]):
        return _symbolic(subject, asked)
    return _Run(subject, asked, variables).statement()


@lru_cache(maxsize=8)
def _symbolic(subject: Subject, asked: Asked) -> Statement:
    # A formula has a hundred thousand terms and no circles among them, and looking for circles
    # takes as long as making the terms.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _Run(subject, asked, _symbols()).statement()
    finally:
        if collects:
            gc.enable()


@cache
def _symbols() -> dict[str, Any]:
    """The variables as terms; each value of a function is made once."""
    return {
        name: cache(sort.symbol(name)) if isinstance(sort, Function) else sort.symbol(name)
        for name, sort in VARIABLES.items()
        if not isinstance(sort, OneOf)
    }


def picture(subject: Subject, asked: Asked, **variables: Any) -> Picture:
    """The first step at which a request goes wrong, and how it came there."""
    run = _Run(subject, asked, variables, story=[])
    run.statement()
    return Picture(tuple(run.story or ()))


@frozen
class Lonely:
    """A request that goes wrong although nobody else does anything: from which state, and how."""

    first: State
    path: Path


def alone(
    subject: Subject,
    asked: Asked,
    among: Callable[[State], Condition],
    seconds: float,
    seed: int = 0,
) -> Iterator[Lonely]:
    """The request from one of these states, with nobody else about, where that can go wrong.

    First so that a crash shows it at once, if there is such a way. Which state it is depends on the
    solver's seed.
    """
    for harm_only in (True, False):
        run = _Run(subject, asked, _symbols(), alone=True, harm_only=harm_only)
        values = _values(run, among, lambda formula: ask_z3(formula, seed, seconds))
        if values:
            run = _Run(subject, asked, values, story=[], alone=True, harm_only=harm_only)
            run.statement()
            yield Lonely(state_at(values, 0, {}), run.wrong or ())


def refute(subject: Subject, asked: tuple[Asked, ...], ask: Solve) -> Mapping[str, Any] | None:
    """Values that break the theorem about one of the requests, with nobody else about.

    Nobody else is a case of anybody else, and a question a fifth the size; so most faults are
    refuted by it. The values say of every step what they say of the step before it.
    """
    for one in asked:
        run = _Run(subject, one, _symbols(), alone=True)
        values = _values(run, lambda _: True, ask)
        if values:
            run = _Run(subject, one, values, story=[], alone=True)
            run.statement()
            wrong = run.wrong or ()
            on_the_way = {
                step: run.states[wrong[:step]]
                for step in range(1, len(wrong) + 1)
                if wrong[:step] in run.states
            }
            on_the_way[0] = state_at(values, 0, {})
            still = {
                path: Table(
                    {(step,): get(state, path) for step, state in on_the_way.items()},
                    otherwise=get(on_the_way[0], path),
                )
                for path in LEAVES
            }
            return {**values, **still, "calm": Table({}, otherwise=True), "asked": one}
    return None


def _values(run: "_Run", among: Callable[[State], Condition], ask: Solve) -> dict[str, Any] | None:
    """Values of the variables with which the run goes wrong from one of these states."""
    collects = gc.isenabled()
    gc.disable()
    try:
        statement = run.statement()
    finally:
        if collects:
            gc.enable()
    first = state_at(run.variables, 0, {})
    answer = ask(as_formula(conj(statement.given, among(first), neg(statement.claim))))
    if answer.verdict is not Satisfiable.YES:
        return None
    return {
        name: answer.values.get(name, sort.default())
        for name, sort in VARIABLES.items()
        if not isinstance(sort, OneOf)
    }


def reachable_points(subject: Subject, asked: Asked) -> list[tuple[str, Condition]]:
    """Each program point of a request on each path, and under what hypotheses it is reached."""
    run = _Run(subject, asked, _symbols(), reached=[])
    run.statement()
    return run.reached or []


@define
class _Run:
    """One request with given values, or terms, of the variables."""

    subject: Subject
    asked: Asked
    variables: Mapping[str, Any]
    story: list[str] | None = None
    reached: list[tuple[str, Condition]] | None = None
    # Nobody else does anything between the steps; and if only harm counts, a step is wrong where a
    # crash shows it.
    alone: bool = False
    harm_only: bool = False
    # Where the values are concrete: the path at whose end something is not so, and, if nobody else
    # is about, the state after each path.
    wrong: Path | None = None
    states: dict[Path, State] = field(factory=dict)
    runner: Runner = field(init=False)
    data: Bytes = field(init=False)
    # What has been assumed on the way to here.
    under: list[Condition] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.data = Bytes(self.variables["data"])
        self.runner = Runner(self.asked, self.subject.rewrite, self.data)

    def statement(self) -> Statement:
        first = state_at(self.variables, 0, {})
        given = conj(invariant(first), *_granted(Holding(), first))
        if self.story is not None:
            self.story.append(str(self.asked))
        self.under = [given]
        return Statement(given, self._from((), first, Local()))

    def _from(self, path: Path, state: State, local: Local) -> Condition:
        """The request is right from here on."""
        stop = self.runner.at(path)
        if stop.effect is None:
            # No crash shows what is wrong only with how it ends.
            claims = {} if self.harm_only else at_end(self.asked, stop, state, local)
            ended = self._judge(stop.point, "at its end", claims)
            if ended is False:
                self.wrong = path
            return ended
        if self.reached is not None:
            self.reached.append((stop.point, conj(*self.under)))
        moment = Moment(state, local, lambda name: self.variables[name](len(path)), self.data)
        ways = [
            self._under(path, stop, result, outcome, moment)
            for result, outcome in self._outcomes(path, stop.effect, moment)
        ]
        return conj(*ways)

    def _outcomes(self, path: Path, effect: Effect, moment: Moment) -> list[tuple[Result, Outcome]]:
        """Each result and when it comes; of states that make no difference, one stands for all."""
        found: dict[Any, tuple[Result, Outcome]] = {}
        for number, result in enumerate(results(effect)):
            condition, after, local = self.subject.effects.carry_out(effect, result, moment)
            if condition is False:
                continue
            key: Any = number
            if isinstance(effect, _ALIKE) and not result.failed:
                key = self.runner.future((*path, result))
            earlier = found[key][1][0] if key in found else False
            found[key] = result, (disj(earlier, condition), after, local)
        return list(found.values())

    def _under(
        self, path: Path, stop: Stop, result: Result, outcome: Outcome, moment: Moment
    ) -> Condition:
        """If the effect gives this result, the step is right, and so is all that follows."""
        effect = stop.effect
        assert effect is not None
        condition, after, local = outcome
        before, step = moment.state, len(path)
        given = conj(condition, *_granted(local.holding, before))
        if given is False:
            return True
        value = result.value
        if isinstance(effect, effects.Read) and result.failed is None:
            result = evolve(result, value=self.subject.effects.value_read(effect, before))
        if self.story is not None:
            failed = f" fails on the {result.failed.value}" if result.failed else f" gives {value}"
            said = "" if value is None or isinstance(value, Bytes) else failed
            self.story.append(f"{stop.point}: {_say(effect)}{failed if result.failed else said}")
        claims = of_step(effect, result.failed is not None, moment, after, local)
        if self.harm_only:
            claims = {name: claim for name, claim in claims.items() if name == HARM}
        right = self._judge(stop.point, _say(effect), claims)
        if right is False:
            self.wrong = (*path, result)
            return neg(given)
        if self.alone:
            self.states[(*path, result)] = after
            self.under.append(given)
            rest = self._from((*path, result), after, local)
            self.under.pop()
            return imp(given, conj(right, rest))
        following = state_at(self.variables, step + 1, keep(local.holding, after))
        calm = self.variables["calm"](step + 1)
        local = evolve(local, may_record=conj(local.may_record, calm))
        others = conj(
            rely(local.holding, after, following, calm),
            invariant(following),
            *_granted(local.holding, following),
        )
        self.under += [given, others]
        rest = True if others is False else self._from((*path, result), following, local)
        del self.under[-2:]
        if self.story is not None and rest is not False:
            self.story.pop()
        return imp(given, conj(right, imp(others, rest)))

    def _judge(self, point: str, doing: str, claims: Mapping[str, Condition]) -> Condition:
        if self.story is not None:
            for name, claim in claims.items():
                if claim is False:
                    self.story.append(f"{point}, {doing}: not so: {name}")
                    return False
        return conj(*claims.values())


def _granted(holding: Holding, state: State) -> list[Condition]:
    """Who holds any lock knows that no start, sync or stop is at its last steps, but its own."""
    return [quiet(state)] if holding.anything and holding.mode is not Mode.ALL else []


def _say(effect: Effect) -> str:
    """An effect in a few words."""
    name = type(effect).__name__
    match effect:
        case effects.Read(device, blocks) | effects.Write(device, blocks, _):
            return f"{name} {device.value} {list(blocks)}"
        case effects.Flush(devices):
            return f"{name} {' and '.join(device.value for device in devices)}"
        case effects.Commit(standing) | effects.Adopt(standing):
            return f"{name} {standing.name.lower()}"
        case effects.Prepare(point):
            return f"{name} {point.value}"
        case _:
            return name
