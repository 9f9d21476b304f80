"""All vectors, by subject: a subject is a file of the directory that is filled."""

from functools import cache

from flashcopy.conformance.vectors import (
    of_copying,
    of_edges,
    of_lifecycle,
    of_points,
    of_refusals,
    of_requests,
    of_restarts,
)
from flashcopy.conformance.vectors.draft import build
from flashcopy.conformance.vectors.vector import Vector, VectorFile

DRAFTS = {
    "requests": of_requests.DRAFTS,
    "points-in-time": of_points.DRAFTS,
    "copying": of_copying.DRAFTS,
    "lifecycle": of_lifecycle.DRAFTS,
    "refusals": of_refusals.DRAFTS,
    "edges": of_edges.DRAFTS,
    "restarts": of_restarts.DRAFTS,
}


def all_vectors(version: str) -> list[VectorFile]:
    """Every vector with its answers, as of this version of them."""
    return [VectorFile(version, subject, vectors) for subject, vectors in _built().items()]


@cache
def _built() -> dict[str, tuple[Vector, ...]]:
    """It takes a second or two, and is the same each time."""
    return {subject: tuple(map(build, drafts)) for subject, drafts in DRAFTS.items()}
