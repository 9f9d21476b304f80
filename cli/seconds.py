"""Seconds on the command line: more than none, and not for ever."""

import math
from typing import Any

import click


class _Seconds(click.FloatRange):
    """A number of seconds; `nan` and `inf` are numbers to Python, but no time to wait for."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds; refuses what is no time."""
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return seconds


SECONDS = _Seconds(min=0, min_open=True)
