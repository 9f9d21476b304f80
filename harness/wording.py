"""Effects in words, for traces that people read; operations and outcomes are in `model.wording`."""

from enum import Enum
from typing import Any

from attrs import fields

from flashcopy.impl.effect import Effect, Read, Write
from flashcopy.model.wording import run


def of_effect(effect: Effect, done: int = 0) -> str:
    """An effect, or of a Read or Write the block that comes after `done` others."""
    if isinstance(effect, (Read, Write)):
        block = effect.blocks[done] if done < len(effect.blocks) else "none"
        return f"{type(effect).__name__} {effect.device.value} block {block}"
    values = [_plain(getattr(effect, a.name)) for a in fields(type(effect))]
    return " ".join([type(effect).__name__, *values])


def _plain(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value).lower() if isinstance(value.value, str) else value.name.lower()
    if isinstance(value, range):
        return run(value)
    if isinstance(value, tuple):
        return ", ".join(_plain(one) for one in value)
    return str(value)
