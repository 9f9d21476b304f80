"""Names of members: their class names in lower case, with hyphens. One is found by its name."""

from importlib import import_module

from flashcopy.conformance.zoo.right import Right

# Where there are members; what else is in these modules was imported there.
MODULES = (
    "right",
    "cached",
    "wrong_merge",
    "wrong_writes",
    "wrong_order",
    "wrong_flushes",
    "wrong_company",
    "failing",
    "copier",
)


def name_of(member: type[Right]) -> str:
    """`MergeOr` is `merge-or`."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in member.__name__).lstrip("-")


def members_of(module: str) -> dict[str, type[Right]]:
    """The members in a module, in the order in which they stand there."""
    loaded = import_module(f"flashcopy.conformance.zoo.{module}")
    return {
        name_of(each): each
        for each in vars(loaded).values()
        if isinstance(each, type) and issubclass(each, Right) and each.__module__ == loaded.__name__
    }


def named(name: str) -> type[Right]:
    """The member of a name, for which no more is imported than it takes. Raises KeyError."""
    for module in MODULES:
        members = members_of(module)
        if name in members:
            return members[name]
    raise KeyError(name)
