"""The protocol as plain calls: the same text as `protocol`, run without generators.

A generator that yields effects can be run by anyone, but on the path of every I/O it costs more
than the I/O: an object for each effect, a switch for each yield. So for real use the text of
`protocol.py` is translated, once, when this module is loaded, by two rules and nothing else:

    yield Read(SOURCE, blocks)        becomes    do.read(SOURCE, blocks)
    yield from _diverge(geometry, g)  becomes    _diverge(do, geometry, g)

in every function that gives a `Request`, which gets `do` as its first parameter. There is no
second protocol to keep in step, and no path around the first: what is fast is what is proved. A
test drives both forms through every branch and holds their effects together.
"""

import ast
import inspect
import re
from types import ModuleType
from typing import Any, get_args

from flashcopy.impl import protocol
from flashcopy.impl.effect import Effect

_EFFECTS = {effect.__name__ for effect in get_args(Effect)}
_DO = "do"


def method_name(effect: str) -> str:
    """The method that carries out an effect: `AcquireGrains` is `acquire_grains`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", effect).lower()


class _Translation(ast.NodeTransformer):
    """The two rules, within functions that give a Request."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if not (isinstance(node.returns, ast.Name) and node.returns.id == "Request"):
            return node  # a plain function, or a generator of something else
        self.generic_visit(node)
        node.args.args.insert(0, ast.arg(_DO))
        node.returns = None
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        call = node.value
        if not (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id in _EFFECTS
        ):
            raise SyntaxError(f"protocol.py, line {node.lineno}: a request yields effects only")
        self.generic_visit(call)
        call.func = ast.Attribute(_do(), method_name(call.func.id), ast.Load())
        return call

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        call = node.value
        if not isinstance(call, ast.Call):
            raise SyntaxError(f"protocol.py, line {node.lineno}: yield from takes a call here")
        self.generic_visit(call)
        call.args.insert(0, _do())
        return call


def _do() -> ast.Name:
    return ast.Name(_DO, ast.Load())


def translate(module: ModuleType) -> Any:
    """A module's functions with each that gives a Request made direct; tracebacks keep its lines.

    The result is a module whose functions no type checker can see: hence Any.
    """
    tree = _Translation().visit(ast.parse(inspect.getsource(module)))
    direct = ModuleType(f"{module.__name__} (direct)", module.__doc__)
    code = compile(ast.fix_missing_locations(tree), inspect.getfile(module), "exec")
    exec(code, direct.__dict__)
    return direct


# Each of these takes what carries out the effects, then what its namesake in `protocol` takes.
direct_protocol: Any = translate(protocol)
