"""Where the cases of a campaign are judged: processes here, or a Dask cluster.

Both are executors of the standard library. A local worker is an executor with one process, so that
a worker that is lost takes no other case with it and it is known which one it had.
"""

import importlib
import logging
import multiprocessing
import signal
import threading
import uuid
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from attrs import define, field

from flashcopy.conformance.campaign.cases import Campaign, Case, MakeTarget, Outcome
from flashcopy.conformance.campaign.told import Tellable, give_up, work_until_told
from flashcopy.conformance.campaign.work import FOR_THE_PARENT, prepare, work

# How long to wait, in seconds, until the workers of a cluster have given up what they were at.
_UNTIL_GIVEN_UP = 15.0


class NoClusterError(Exception):
    """There is no cluster to use; the message says why."""


class Pool(Protocol):
    """Workers. `lost` is how many were lost so far, while they had something to do."""

    lost: int

    def capacity(self) -> int:
        """How many cases it is worth to hand over at a time; at least one."""

    def submit(self, case: Case) -> "Future[Outcome]":
        """Have a case judged. What the future raises `was_lost` knows, or it is a fault of ours."""

    def was_lost(self, error: BaseException) -> bool:
        """Whether a case came to nothing because its worker was lost."""

    def stop(self) -> None:
        """Give up what is under way, and leave no process behind."""


@define
class _Worker:
    """One process, made when it is first needed and again after it was lost."""

    executor: ProcessPoolExecutor
    processes: set[BaseProcess]


@define(eq=False)
class LocalPool:
    """Processes on this machine, each with one case at a time."""

    make_target: MakeTarget
    campaign: Campaign
    workers: int
    lost: int = 0
    _idle: list[_Worker] = field(factory=list)
    _busy: dict["Future[Outcome]", _Worker] = field(factory=dict)

    def capacity(self) -> int:
        """One case a worker."""
        return self.workers

    def submit(self, case: Case) -> "Future[Outcome]":
        """Hand a case to an idle worker; a new one if there is none."""
        self._gather()
        worker = self._idle.pop() if self._idle else _hire()
        campaign = self.campaign
        arguments = (self.make_target, case, campaign.effort, campaign.timeout)
        try:
            future = worker.executor.submit(work, *arguments)
        except BrokenExecutor:  # lost while it was idle
            worker = _hire()
            future = worker.executor.submit(work, *arguments)
        self._busy[future] = worker
        return future

    def was_lost(self, error: BaseException) -> bool:
        """The executor says so."""
        return isinstance(error, BrokenExecutor)

    def stop(self) -> None:
        """Tell each worker to give up its case, and wait until it has ended."""
        self._gather()
        for worker in self._busy.values():
            for process in worker.processes:
                process.terminate()
        for worker in [*self._busy.values(), *self._idle]:
            worker.executor.shutdown(wait=True, cancel_futures=True)
        self._busy.clear()
        self._idle.clear()

    def _gather(self) -> None:
        """Workers that have done their case are idle again; those that were lost are not."""
        for future, worker in list(self._busy.items()):
            if future.done():
                del self._busy[future]
                if isinstance(future.exception(), BrokenExecutor):
                    self.lost += 1
                    worker.executor.shutdown()
                else:
                    self._idle.append(worker)


def _hire() -> _Worker:
    # An interrupt while it starts is not for it; `prepare` lets signals in again. Nor is the end of
    # a terminal for the process in which Python keeps count of what workers share.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_PARENT)
    try:
        # A forked process would inherit whatever locks the threads of this one hold.
        executor = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        others = set(multiprocessing.active_children())
        # The first executor that is made has let interrupts in again.
        signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_PARENT)
        executor.submit(prepare)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return _Worker(executor, set(multiprocessing.active_children()) - others)


class ClusterPool:
    """A Dask cluster, by the address of its scheduler, which has lost work run elsewhere by itself.

    Raises NoClusterError.
    """

    def __init__(self, make_target: MakeTarget, campaign: Campaign, address: str) -> None:
        try:
            # The extra `cluster`, which few need.
            dask: Any = importlib.import_module("distributed")
        except ImportError:
            raise NoClusterError(
                "--scheduler needs Dask: pip install 'flashcopy[cluster]'"
            ) from None
        # Whatever it logs of a cluster that fails, we say in one line.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            self._client: Any = dask.Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError) as error:
            raise NoClusterError(f"--scheduler {address}: {error}") from None
        self.lost = 0
        self._killed = dask.scheduler.KilledWorker
        self._executor = self._client.get_executor(pure=False)
        self._futures: set[Future[Outcome]] = set()
        self._make_target = Tellable(make_target, uuid.uuid4().hex)
        self._campaign = campaign
        self._client.subscribe_topic("all", self._note)

    def capacity(self) -> int:
        """What the workers there are at the moment can do, and as much again to keep them busy."""
        threads: int = sum(self._client.nthreads().values())
        return max(1, 2 * threads)

    def submit(self, case: Case) -> "Future[Outcome]":
        """Hand a case to the scheduler."""
        campaign = self._campaign
        arguments = (self._make_target, case, campaign.effort, campaign.timeout)
        future: Future[Outcome] = self._executor.submit(work_until_told, *arguments)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def was_lost(self, error: BaseException) -> bool:
        """The scheduler has given it up: it was lost with one worker after the other."""
        return isinstance(error, self._killed)

    def stop(self) -> None:
        """Take back what has not begun, and tell the workers to give up what has."""
        under_way = list(self._futures)
        for future in under_way:
            future.cancel()
        if self._client.status == "running":
            self._client.unsubscribe_topic("all")
            if under_way:
                telling = threading.Thread(target=self._tell_to_give_up, daemon=True)
                telling.start()
                telling.join(_UNTIL_GIVEN_UP)
        self._client.close()

    def _tell_to_give_up(self) -> None:
        # A worker that cannot be told is one that is lost, and its cases with it.
        with suppress(OSError, TimeoutError):
            self._client.run(give_up, self._make_target.campaign, on_error="ignore")

    def _note(self, event: tuple[float, dict[str, Any]]) -> None:
        _, said = event
        if said.get("action") == "remove-worker" and said.get("processing-tasks"):
            self.lost += 1
