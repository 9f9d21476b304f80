"""How a request ended, and what its own way there says of that: which answers must not be.

A refusal needs a reason, after some failures the relationship must have stopped (ERR-5, ERR-6), and
a start or sync that is answered has moved the point in time. All that follows from the results that
the request was given, so it is said once for each way through it; what depends on the state at the
answer is left to `final`.
"""

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from flashcopy.harness.requests import Ask, Options
from flashcopy.harness.simulation import FAILED_DEVICE
from flashcopy.impl.effect import MAP, TARGET, Device, State
from flashcopy.impl.errors import DeviceError, FlashCopyError

_ERRORS = {device: error for error, device in FAILED_DEVICE.items()}


@frozen
class Failed:
    """A result that is an error: which device failed, and whether earlier writes may be gone."""

    device: Device
    earlier_writes_lost: bool = False

    def error(self) -> DeviceError:
        """The error that the protocol gets."""
        text = f"the {self.device.value} failed"
        return _ERRORS[self.device](text, earlier_writes_lost=self.earlier_writes_lost)


@frozen
class Judged:
    """`refused` is the kind of the error, or empty. `wrong` is what must not be, as a clause.

    With `stops`, what failed on the way must have stopped a relationship that was tracking.
    """

    refused: str = ""
    stops: bool = False
    wrong: str = ""


def judge(
    asked: Ask,
    options: Options,
    results: Iterable[Any],
    error: FlashCopyError | None,
    *,
    moved: bool,
) -> Judged:
    """What can be said of a request that was given these results and then ended.

    `moved` is whether it has moved the point in time.
    """
    given = [result for result in results if isinstance(result, State)]
    failures = [result for result in results if isinstance(result, Failed)]
    refused = error.kind if error else ""
    stops = any(_stops(asked, options, failed) for failed in failures)
    if not error:
        if asked.name in ("start", "sync") and not moved:
            return Judged(refused, stops, "CRASH-3")
        used = asked.name.endswith("_target") and given and given[-1] is State.STOPPED
        return Judged(refused, stops, "LIFE-3" if used else "")
    if not isinstance(error, DeviceError):
        return Judged(refused, stops)
    goes_on = asked.name == "write_source" and not options.keep_target
    only_target = {failed.device for failed in failures} == {TARGET}
    return Judged(refused, stops, "ERR-5" if not failures or (goes_on and only_target) else "")


def _stops(asked: Ask, options: Options, failed: Failed) -> bool:
    """ERR-5: whether a failure under this request must stop a relationship that is tracking."""
    if failed.device is MAP:
        return True
    if failed.device is not TARGET or asked.name not in (
        "write_source",
        "write_target",
        "background_copy",
    ):
        return False
    harmless = options.keep_target or asked.name == "write_target"
    return failed.earlier_writes_lost or not harmless
