"""The scopes that have a name: three efforts, and how a command line makes others."""

from typing import Final

from attrs import frozen

from flashcopy.model.lifecycle import State
from flashcopy.proofs.explorer.layout import TooLargeError
from flashcopy.proofs.explorer.requests import Kind, Plan, every_kind, starts_of

# Beyond these a request unrolls into more program points than are worth having.
MOST_GRAINS, MOST_BLOCKS, MOST_IN_FLIGHT = 4, 8, 4
MOST_SCOPES = 2_000_000


@frozen
class Effort:
    """How much to explore where nothing else is said."""

    grains: int
    grain_blocks: int
    in_flight: int


EFFORTS: Final = {
    "quick": Effort(2, 2, 2),
    "standard": Effort(2, 2, 3),
    "deep": Effort(2, 2, 4),
}


class BadScopeError(ValueError):
    """A scope that makes no sense."""


def plan(
    effort: str,
    *,
    grains: int | None = None,
    grain_blocks: int | None = None,
    in_flight: int | None = None,
    kinds: tuple[Kind, ...] | None = None,
    state: str | None = None,
    reduce: bool = True,
) -> Plan:
    """The plan of an effort, with what is said otherwise. `state` keeps one initial state.

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
    if grains > MOST_GRAINS or grains * blocks > MOST_BLOCKS or flight > MOST_IN_FLIGHT:
        raise TooLargeError(
            f"{grains} grains of {blocks} blocks, {flight} requests in flight: the explorer takes"
            f" up to {MOST_GRAINS} grains, {MOST_BLOCKS} blocks in all and {MOST_IN_FLIGHT}"
            " requests in flight; the proofs cover any number"
        )
    starts = starts_of(grains)
    if state is not None:
        starts = tuple(start for start in starts if start.state is State(state))
    made = Plan(grains, blocks, kinds or every_kind(grains, blocks), flight, starts, reduce)
    if made.most_scopes > MOST_SCOPES:
        raise TooLargeError(
            f"{made.most_scopes:,} scopes (sets of requests in flight, from {len(starts)} initial"
            f" states): the bound is {MOST_SCOPES:,}; name fewer kinds of --requests, or take"
            " fewer grains or requests in flight"
        )
    return made
