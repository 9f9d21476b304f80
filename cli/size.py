"""Sizes on the command line: bytes, or with a suffix K, M, G or T (powers of 1024)."""

import re

import click

_SUFFIXES = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_PATTERN = re.compile(r"(\d{1,20})([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII)


class Size(click.ParamType[int]):
    """A number of bytes, as `65536`, `64K` or `64KiB`."""

    name = "size"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The number of bytes; refuses what is no size."""
        if isinstance(value, int):
            return value
        match = _PATTERN.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is no size: use a number of bytes, or 64K, 1M, 2G", param, ctx)
        return int(match[1]) << _SUFFIXES[match[2].upper()]


SIZE = Size()
