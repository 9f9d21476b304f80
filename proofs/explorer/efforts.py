"""The scopes that have a name: three efforts of several parts, and how a command line makes others.

An effort is a list of plans, explored one after the other. The first takes as many requests as the
effort says and no device fails; the others are smaller and look at what is rare: a short last
grain, devices that fail, failures with the option `keep_target`.
"""

from typing import Final

from attrs import frozen

from flashcopy.model.lifecycle import State
from flashcopy.proofs.explorer.layout import MOST_REQUESTS, TooLargeError
from flashcopy.proofs.explorer.requests import Kind, Plan, all_kinds, starts_of

MOST_GRAINS, MOST_BLOCKS, MOST_IN_FLIGHT, MOST_FAILURES = 8, 8, MOST_REQUESTS, 4
MOST_SCOPES = 2_000_000


@frozen
class Effort:
    """How much to explore where nothing else is said."""

    grains: int
    grain_blocks: int
    in_flight: int


@frozen
class Part:
    """A further part of an effort, as far as it differs from the first."""

    in_flight: int
    failures: int = 0
    short: int = 0
    keep_target: bool = False


EFFORTS: Final = {
    "quick": Effort(2, 2, 2),
    "standard": Effort(2, 2, 3),
    "deep": Effort(2, 2, 4),
}
_PARTS: Final = {
    "quick": (
        Part(2, short=1),
        Part(1, failures=2),
        Part(1, failures=2, keep_target=True),
        Part(2, failures=1),
    ),
    "standard": (
        Part(2, short=1),
        Part(2, failures=2),
        Part(2, failures=2, short=1),
        Part(2, failures=2, keep_target=True),
    ),
    "deep": (
        Part(3, short=1),
        Part(2, failures=4),
        Part(2, failures=4, keep_target=True),
        Part(3, failures=2),
        Part(3, failures=2, keep_target=True),
    ),
}


class BadScopeError(ValueError):
    """A scope that makes no sense."""


def plans(effort: str) -> tuple[Plan, ...]:
    """Every part of an effort."""
    first = plan(effort)
    parts = [
        plan(
            effort,
            in_flight=part.in_flight,
            short=part.short,
            failures=part.failures,
            keep_target=part.keep_target,
        )
        for part in _PARTS[effort]
    ]
    return (first, *parts)


def plan(
    effort: str,
    *,
    grains: int | None = None,
    grain_blocks: int | None = None,
    in_flight: int | None = None,
    kinds: tuple[Kind, ...] | None = None,
    state: str | None = None,
    reduce: bool = True,
    short: int = 0,
    failures: int = 0,
    keep_target: bool = False,
) -> Plan:
    """The first plan of an effort, with what is said otherwise. `state` keeps one initial state.

    Raises BadScopeError, TooLargeError.
    """
    like = EFFORTS[effort]
    grains = like.grains if grains is None else grains
    blocks = like.grain_blocks if grain_blocks is None else grain_blocks
    flight = like.in_flight if in_flight is None else in_flight
    for what, number in (("grains", grains), ("blocks", blocks), ("in flight", flight)):
        if number < 1:
            raise BadScopeError(f"{what}: {number} is too few, take 1 or more")
    if blocks & (blocks - 1):
        raise BadScopeError(f"blocks: {blocks} is no power of two")
    if not 0 <= short < blocks:
        raise BadScopeError(f"short: the last of grains of {blocks} blocks cannot lack {short}")
    too_many = grains > MOST_GRAINS or grains * blocks - short > MOST_BLOCKS
    if too_many or flight > MOST_IN_FLIGHT or failures > MOST_FAILURES:
        raise TooLargeError(
            f"{grains} grains of {blocks} blocks, {flight} requests in flight, {failures} failures:"
            f" the explorer takes up to {MOST_GRAINS} grains, {MOST_BLOCKS} blocks in all,"
            f" {MOST_IN_FLIGHT} requests in flight and {MOST_FAILURES} failures; the proofs cover"
            " any number"
        )
    starts = starts_of(grains)
    if state is not None:
        starts = tuple(start for start in starts if start.state is State(state))
    kinds = kinds or all_kinds(grains, blocks, short)
    made = Plan(grains, blocks, kinds, flight, starts, reduce, short, failures, keep_target)
    if made.most_scopes > MOST_SCOPES:
        raise TooLargeError(
            f"{made.most_scopes:,} scopes (sets of requests in flight, from {len(starts)} initial"
            f" states): the bound is {MOST_SCOPES:,}; name fewer kinds of --requests, or take"
            " fewer grains or requests in flight"
        )
    return made
