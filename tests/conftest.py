"""What all tests have in common: the same examples each time, and no clock that judges them.

The deep profile draws other examples each time, and Hypothesis prints what repeats a failure.
"""

from hypothesis import HealthCheck, settings

from tests.saying import IS_DEEP

settings.register_profile(
    "flashcopy",
    derandomize=not IS_DEEP,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("flashcopy")
