"""An adapter in the kit's own process: what it raises beside refusals is a breakdown.

A class in this process cannot be killed when it hangs; who needs that gives a program.
"""

import traceback
from collections.abc import Callable
from typing import Any

from flashcopy.conformance.adapter import Adapter, IutBrokeDownError, KilledError, RefusedError

_ANSWERS = (RefusedError, IutBrokeDownError, KilledError)


class _Guarded:
    """An adapter whose every method raises only what an Adapter may."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._adapter, name, None)
        if method is None:
            raise IutBrokeDownError(f"{type(self._adapter).__name__} has no method {name}")

        def guarded(*args: Any, **options: Any) -> Any:
            try:
                return method(*args, **options)
            except _ANSWERS:
                raise
            except Exception as error:
                raise IutBrokeDownError(_say(name, error)) from error

        return guarded


def guard(make: Callable[[], Adapter]) -> Callable[[], Adapter]:
    """Makes adapters whose exceptions are sorted into answers and breakdowns."""

    def guarded() -> Adapter:
        try:
            adapter: Any = _Guarded(make())
        except Exception as error:
            raise IutBrokeDownError(_say("its construction", error)) from error
        guarded_adapter: Adapter = adapter
        return guarded_adapter

    return guarded


def _say(what: str, error: Exception) -> str:
    last = traceback.format_exception(error)[-3:]
    return f"{what} raised {type(error).__name__}: {error}\n{''.join(last)}".rstrip()
