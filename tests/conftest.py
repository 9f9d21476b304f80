"""What all tests have in common: the same examples each time, and no clock that judges them.

Some tests interrupt what they start. A shell that runs the tests in the background, or without a
terminal, may have them ignore that, and so would whatever they start.

The deep profile draws other examples each time, and Hypothesis prints what repeats a failure.
"""

import signal

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

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
