"""All members of the zoo by name: their class names, in lower case with hyphens."""

import re

from flashcopy.conformance.zoo import (
    copier,
    failing,
    wrong_flushes,
    wrong_merge,
    wrong_order,
    wrong_writes,
)
from flashcopy.conformance.zoo.cached import Cached
from flashcopy.conformance.zoo.right import Right


def _name(member: type[Right]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", member.__name__).lower()


MEMBERS: dict[str, type[Right]] = {
    _name(member): member
    for member in [Right, Cached]
    + [
        member
        for module in (wrong_merge, wrong_writes, wrong_order, wrong_flushes, failing, copier)
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, Right)
        and member.__module__ == module.__name__
    ]
}
# Nothing is wrong with these.
RIGHT = ("right", "cached", "fails-now-and-then", "copies-by-itself")
# Right answers, at more cost than need be: to be reported, and not convicted.
WASTEFUL = ("sync-is-start",)
