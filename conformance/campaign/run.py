"""Running a campaign: hand out cases, take in outcomes, and hand out again what was lost."""

from collections import Counter, deque
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

from flashcopy.conformance.campaign.cases import Case, Outcome, lost
from flashcopy.conformance.campaign.pools import NoClusterError, Pool

# A case that loses so many workers in a row is taken to be why.
TRIES = 3


class WorkerError(Exception):
    """A worker could not do its work at all, which says nothing of any target."""


def run(cases: Iterable[Case], pool: Pool) -> Generator[Outcome, None, None]:
    """The outcome of each case, as it comes. Whoever stops listening stops the campaign.

    Raises WorkerError, and NoClusterError if the cluster is gone.
    """
    waiting = deque(cases)
    tries: Counter[Case] = Counter()
    in_flight: dict[Future[Outcome], Case] = {}
    try:
        while waiting or in_flight:
            while waiting and len(in_flight) < pool.capacity():
                case = waiting.popleft()
                in_flight[pool.submit(case)] = case
            done, _ = wait(in_flight, return_when=FIRST_COMPLETED)
            for future in done:
                case = in_flight.pop(future)
                outcome = _outcome(future, case, pool)
                if outcome is not None:
                    yield outcome
                    continue
                tries[case] += 1
                if tries[case] < TRIES:
                    waiting.appendleft(case)
                else:
                    yield lost(case, TRIES)
    finally:
        pool.stop()


def _outcome(future: "Future[Outcome]", case: Case, pool: Pool) -> Outcome | None:
    """What came of a case; None if it was lost with its worker."""
    try:
        return future.result()
    except CancelledError:
        raise NoClusterError("the cluster is gone; --resume goes on where it was") from None
    except Exception as error:
        if pool.was_lost(error):
            return None
        said = f"{type(error).__name__}: {error}"
        raise WorkerError(f"a worker could not judge {case}: {said}") from error
