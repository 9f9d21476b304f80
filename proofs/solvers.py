"""Asking a solver: Z3 in this process, or cvc5 through SMT-LIB 2 text.

cvc5 never sees Z3's data structures: it parses the text that Z3 writes, the same text that
`--smt2` puts into files, so that any third solver can be asked too. Both are in this process, both
are given a seed and a time limit, and both answer with plain Python values.
"""

import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import z3
from attrs import field, frozen

from flashcopy.proofs.sorts import Scalar, Table


class Satisfiable(Enum):
    """What a solver can say of a formula."""

    YES = "sat"
    NO = "unsat"
    UNKNOWN = "unknown"


@frozen
class Answer:
    """What a solver said. `values` by name: scalars and Tables; only those that it needed."""

    verdict: Satisfiable
    values: Mapping[str, Any] = field(factory=dict)
    reason: str = ""


# A formula, a seed and a time limit in seconds.
Solver = Callable[[z3.BoolRef, int, float], Answer]


def ask_z3(formula: z3.BoolRef, seed: int, seconds: float) -> Answer:
    """Z3's answer, which depends on the formula and the seed and on nothing asked before.

    Z3 goes by the numbers of its terms, and these by all the terms that were made before in the
    same context. So each question gets a context of its own.
    """
    context = z3.Context()
    solver = z3.SimpleSolver(ctx=context)
    # Z3 would catch Ctrl-C and answer unknown, which counts as a proof that failed.
    solver.set(random_seed=seed, timeout=_milliseconds(seconds), ctrl_c=False)
    solver.add(formula.translate(context))
    verdict = Satisfiable(str(solver.check()))
    if verdict is Satisfiable.UNKNOWN:
        return Answer(verdict, reason=solver.reason_unknown())
    if verdict is Satisfiable.NO:
        return Answer(verdict)
    model = solver.model()
    return Answer(verdict, {symbol.name(): _z3_value(model[symbol]) for symbol in model.decls()})


def ask_cvc5(formula: z3.BoolRef, seed: int, seconds: float) -> Answer:
    """cvc5's answer to the formula as SMT-LIB 2 text."""
    import cvc5  # noqa: PLC0415 - only who asks for it pays for loading it

    solver = cvc5.Solver()
    options = {"seed": seed, "sat-random-seed": seed, "tlimit-per": _milliseconds(seconds)}
    for name, value in options.items():
        solver.setOption(name, str(value))
    for name in ("produce-models", "produce-assertions"):
        solver.setOption(name, "true")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, as_smt2(formula), "question")
    symbols = parser.getSymbolManager()
    said = ""
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, symbols).strip() or said
    if said not in {verdict.value for verdict in Satisfiable}:
        return Answer(Satisfiable.UNKNOWN, reason=said)
    verdict = Satisfiable(said)
    if verdict is Satisfiable.UNKNOWN:
        return Answer(verdict, reason="no answer within the time limit")
    if verdict is Satisfiable.NO:
        return Answer(verdict)
    return Answer(verdict, _cvc5_values(cvc5, solver, symbols))


SOLVERS: Mapping[str, Solver] = {"z3": ask_z3, "cvc5": ask_cvc5}


def as_smt2(formula: z3.BoolRef, comment: tuple[str, ...] = ()) -> str:
    """The formula as a complete SMT-LIB 2 script that asks whether it can be satisfied."""
    context = z3.Context()  # where what was made before does not count the terms on
    solver = z3.SimpleSolver(ctx=context)
    solver.add(formula.translate(context))
    text: str = solver.to_smt2()
    script = text.partition("(set-info :status unknown)\n")[2]
    return "".join(f"; {line}\n" for line in comment) + f"(set-logic ALL)\n{script}"


def deadline_in(seconds: float) -> Callable[[], float]:
    """A clock that gives the seconds left, never less than 0."""
    end = time.monotonic() + seconds
    return lambda: max(0.0, end - time.monotonic())


def _milliseconds(seconds: float) -> int:
    # A limit of 0 means none to both solvers.
    return max(1, int(seconds * 1000))


def _z3_value(value: Any) -> Any:
    if isinstance(value, z3.FuncInterp):
        *entries, otherwise = value.as_list()
        return Table(
            {tuple(map(_z3_scalar, entry[:-1])): _z3_scalar(entry[-1]) for entry in entries},
            _z3_scalar(otherwise),
        )
    return _z3_scalar(value)


def _z3_scalar(value: Any) -> Scalar:
    scalar: Scalar = value.as_long() if hasattr(value, "as_long") else z3.is_true(value)
    return scalar


def _cvc5_values(cvc5: Any, solver: Any, symbols: Any) -> dict[str, Any]:
    """The constants by name; of functions the value wherever an assertion applies them."""

    def value(term: Any) -> Scalar:
        bits = solver.getValue(term)
        if bits.getSort().isBitVector():
            return int(bits.getBitVectorValue(10))
        scalar: Scalar = bits.toPythonObj()
        return scalar

    values: dict[str, Any] = {}
    tables: dict[str, dict[tuple[Scalar, ...], Scalar]] = {}
    for term in symbols.getDeclaredTerms():
        if term.getSort().isFunction():
            tables[term.getSymbol()] = {}
        else:
            values[term.getSymbol()] = value(term)
    seen = set()
    todo = list(solver.getAssertions())
    while todo:
        term = todo.pop()
        if term in seen:
            continue
        seen.add(term)
        todo.extend(term)
        if term.getKind() == cvc5.Kind.APPLY_UF:
            function, *arguments = term
            tables[function.getSymbol()][tuple(map(value, arguments))] = value(term)
    for name, entries in tables.items():
        # Elsewhere any value will do; one that it takes somewhere is of the right type.
        values[name] = Table(entries, next(iter(entries.values())))
    return values
