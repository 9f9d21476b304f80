"""All members of the zoo by name, and which of them are right."""

import os

from flashcopy.conformance.zoo.named import MODULES, members_of
from flashcopy.conformance.zoo.right import Right

MEMBERS: dict[str, type[Right]] = {
    name: member for module in MODULES for name, member in members_of(module).items()
}
# `python -S PROGRAM NAME` is any of them, as a program.
PROGRAM = os.path.join(os.path.dirname(__file__), "__main__.py")
# Nothing is wrong with these.
RIGHT = ("right", "cached", "fails-now-and-then", "copies-by-itself")
# Right answers, at more cost than need be: to be reported, and not convicted.
WASTEFUL = ("sync-is-start",)
