"""Grains, requests and answers in a few words, for counterexamples that people read."""

from collections.abc import Iterable

from flashcopy.model import operation as op
from flashcopy.model.grain import Grain


def grain_text(grain: Grain) -> str:
    """What a grain holds; a side is the contents of its blocks."""
    bits = [name for name in ("copied", "modified") if getattr(grain, name)]
    return (
        f"source {_contents_text(grain.source)}, target {_contents_text(grain.target)},"
        f" {' and '.join(bits) or 'not copied'}"
    )


def operation_text(operation: op.Operation, block_size: int) -> str:
    """What is asked, in blocks."""
    if isinstance(operation, op.BackgroundCopy):
        limit = "" if operation.grains is None else f" of {operation.grains} at most"
        return f"background copy{limit}"
    if isinstance(operation, op.Start | op.Sync | op.Stop):
        return _name(operation)
    if isinstance(operation, op.Flush):
        return f"flush {operation.volume.value}"
    if isinstance(operation, op.Read):
        what = f"read {operation.volume.value}"
    else:
        content = operation.content if isinstance(operation, op.Write) else 0
        what = f"write {content} to {operation.volume.value}"
    return f"{what} {_blocks_text(operation.offset / block_size, operation.length / block_size)}"


def outcome_text(outcome: op.Outcome) -> str:
    """What is answered."""
    if isinstance(outcome, op.Contents):
        return _contents_text(outcome.contents)
    if isinstance(outcome, op.Copied):
        return f"{outcome.grains} copied"
    if isinstance(outcome, op.Refused):
        return f"refused, {outcome.kind.value}"
    return _name(outcome)


def _blocks_text(offset: float, length: float) -> str:
    if not length:
        return "of no blocks"
    if length == 1:
        return f"block {offset:g}"
    return f"blocks {offset:g} to {offset + length - 1:g}"


def _name(thing: object) -> str:
    return type(thing).__name__.lower()


def _contents_text(contents: Iterable[int]) -> str:
    return " ".join(map(str, contents)) or "nothing"
