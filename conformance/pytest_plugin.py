"""The pytest plugin: options and fixtures for `FlashcopyConformance`, the base class of a suite.

pytest loads this module wherever flashcopy is installed, also for people who test something else.
So it imports nothing but pytest until a suite asks for it, and adds nothing but a few options.
"""

import random
from typing import Any

import pytest

_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much to do; the same as the options of `flashcopy conform`."""
    group = parser.getgroup("flashcopy", "conformance of a flashcopy")
    group.addoption(
        "--flashcopy-effort", choices=("quick", "standard", "deep"), default="quick", help="quick"
    )
    group.addoption("--flashcopy-seed", type=int, help="repeat the run that printed this seed")
    group.addoption(
        "--flashcopy-timeout", type=float, default=10.0, help="seconds a request may take (10)"
    )
    group.addoption(
        "--flashcopy-report", default="traces", help="where traces of violations go (traces)"
    )


def seed_of(config: pytest.Config) -> int:
    """The seed of this session: the one that was given, or one drawn once."""
    given = config.getoption("--flashcopy-seed")
    if given is not None:
        return int(given)
    return config.stash.setdefault(_SEED, random.SystemRandom().randrange(1 << 32))


@pytest.fixture(scope="class")
def flashcopy_iut(request: pytest.FixtureRequest) -> Any:
    """The implementation that the suite names, introduced. One that breaks down is an error."""
    from flashcopy.conformance import suite  # noqa: PLC0415 - only who has a suite pays for it

    return suite.introduced(request.cls, request.config)


@pytest.fixture
def flashcopy_result(flashcopy_iut: Any, flashcopy_check: Any, record_property: Any) -> Any:
    """What came of one check; made before the test, so that a breakdown is an error, no failure."""
    result = flashcopy_iut.judge(flashcopy_check)
    record_property("flashcopy_seed", flashcopy_iut.plan.seed)
    record_property("flashcopy_requests", result.requests)
    if result.waste:
        record_property("flashcopy_waste", "; ".join(result.waste))
    return result


@pytest.fixture
def flashcopy_outcome(flashcopy_iut: Any, flashcopy_vector: str) -> Any:
    """What came of one vector, likewise."""
    return flashcopy_iut.run(flashcopy_vector)
