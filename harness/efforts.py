"""How much the validation does at each effort, in one place.

`quick` is over within a minute, `standard` takes a quarter of an hour, `deep` a night. The tests
have an effort of their own, `ci`, and take another from the environment variable
FLASHCOPY_PROFILE.
"""

import os

from attrs import frozen


@frozen
class Effort:
    """Runs of each part; a run of the threaded part is one load of threads on fresh files."""

    stateful_runs: int
    stateful_steps: int
    interleaved_runs: int
    threaded_loads: int
    mebibytes: int
    proof_seeds: int
    explorer: str


EFFORTS = {
    "quick": Effort(
        stateful_runs=150,
        stateful_steps=50,
        interleaved_runs=400,
        threaded_loads=8,
        mebibytes=64,
        proof_seeds=1,
        explorer="quick",
    ),
    "ci": Effort(
        stateful_runs=300,
        stateful_steps=50,
        interleaved_runs=800,
        threaded_loads=8,
        mebibytes=64,
        proof_seeds=1,
        explorer="quick",
    ),
    "standard": Effort(
        stateful_runs=1500,
        stateful_steps=60,
        interleaved_runs=5000,
        threaded_loads=60,
        mebibytes=256,
        proof_seeds=5,
        explorer="standard",
    ),
    "deep": Effort(
        stateful_runs=15_000,
        stateful_steps=80,
        interleaved_runs=60_000,
        threaded_loads=600,
        mebibytes=1024,
        proof_seeds=5,
        explorer="standard",
    ),
}


def effort_of_tests() -> Effort:
    """What the environment asks of the tests, `ci` if it says nothing."""
    return EFFORTS[os.environ.get("FLASHCOPY_PROFILE", "ci")]
