"""Where the runs of a study train: in this process, in several, or on a Ray cluster."""

from __future__ import annotations

import concurrent.futures
import functools
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing.connection import Connection
from typing import Any

from tqdm import tqdm

from lcs import cost
from lcs.errors import ConfigError, LcsError, one_line
from lcs.files import FOLDERS, expanded

RETRIES = 3  # of a task whose worker or machine is lost, on Ray
# variables of the environment that go along to Ray
CARRIED = ("LCS_CHECKPOINTS", "LCS_CUDA_GRAPHS", "LCS_DATA")
CANCEL_SECONDS = 10.0  # that a task on Ray has to end by itself
SILENT_SECONDS = 5.0  # without an answer of Ray, after which that is said
JOIN_SECONDS = 30.0  # after which Ray may not try again; an attempt takes 40
KEPT = "what is finished is kept, and the same command goes on"


class StudyExecutor(concurrent.futures.Executor):
    """An executor of `concurrent.futures`, with what the scheduler needs to know of each."""

    device: str  # that the runs train on
    slots: int  # groups that train at once
    lost: tuple[type[Exception], ...] = ()  # errors of a group whose worker is gone

    def why_ended(self, error: Exception) -> str:
        """Return why nothing trains there any more and what to do, if an error says so, else ""."""
        return ""

    def stop(self) -> None:
        """End what is running; checkpoints stay."""


class InThisProcess(StudyExecutor):
    """This process: one group after the other, on one device."""

    slots = 1

    def __init__(self, device: str) -> None:
        self.device = device

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function; its future is done."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Processes(ProcessPoolExecutor, StudyExecutor):
    """Processes of this machine, each with its share of the cores; they end when this one does."""

    def __init__(self, device: str, workers: int) -> None:
        import torch

        self.device, self.slots = device, workers
        context = multiprocessing.get_context("spawn")
        # closed by `stop`, or by the system when this process is killed
        parent, self._alive = context.Pipe(duplex=False)
        threads = max(1, torch.get_num_threads() // workers)
        super().__init__(workers, context, _start_worker, (parent, threads))

    def why_ended(self, error: Exception) -> str:
        """Say that a worker was killed, which ends all."""
        if not isinstance(error, BrokenProcessPool):
            return ""
        return (
            "a worker was killed, perhaps for lack of memory; run the same with fewer workers, it "
            "goes on from the last checkpoints (a script has to call this under "
            'if __name__ == "__main__":)'
        )

    def stop(self) -> None:
        """End the workers; checkpoints stay."""
        self._alive.close()


def _start_worker(parent: Connection, threads: int) -> None:
    import torch

    def end_with_parent() -> None:
        with suppress(EOFError, OSError):
            parent.recv()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the parent stops the others
    tqdm.set_lock(threading.RLock())  # its own is a semaphore, which would stay behind
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)


class OnRay(StudyExecutor):
    """A Ray cluster, whose machines share the folders of records and of checkpoints.

    A group whose worker or machine is lost is trained elsewhere, from its checkpoints on.

    Args:
        device: that the runs train on; "auto": GPUs, if the cluster has any.
        workers: groups at once on each machine without a GPU; None: as many as it has cores.
        address: of the cluster; None: that of `$RAY_ADDRESS` or on this machine, else a new one.
        gpus_per_run: share of a GPU that a group takes.

    Raises:
        LcsError: Ray is not installed, or there is no such cluster, or it does not answer.
        ConfigError: no machine has the device.
    """

    def __init__(
        self, device: str, workers: int | None, address: str | None, gpus_per_run: float
    ) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # else Ray warns that this will be so
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ModuleNotFoundError:
            raise LcsError(
                "ray is not installed; in the checkout, pip install -e '.[ray]'"
            ) from None
        self._ray, self._joined = ray, not ray.is_initialized()
        self._tasks: dict[Future[Any], Any] = {}  # that have not ended
        errors = ray.exceptions
        self.lost = (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError)
        if self._joined:
            quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
            place = address or os.environ.get("RAY_ADDRESS")
            try:
                with _joining(place) if place else nullcontext():
                    ray.init(address, include_dashboard=False, **quiet)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise LcsError(f"the Ray cluster cannot be reached: {one_line(error)}") from error
        machines = self._machines()
        has_gpus = any("GPU" in machine for machine in machines)
        auto = "cuda" if has_gpus else "cpu"
        self.device = auto if device == "auto" else cost.device_type(device)
        kind = "GPU" if self.device == "cuda" else "CPU"
        machines = [machine for machine in machines if machine.get(kind)]
        if not machines:
            self.shutdown()
            raise ConfigError(f"device: no machine of the Ray cluster has a {kind}")
        if kind == "GPU":
            cores = min(m.get("CPU", 0.0) * min(1.0, gpus_per_run / m["GPU"]) for m in machines)
        else:
            cores = min(m["CPU"] // min(workers or m["CPU"], m["CPU"]) for m in machines)
        threads = max(1, int(cores))
        self._needs = {"CPU": min(cores, threads)} | ({kind: gpus_per_run} if kind == "GPU" else {})
        # the folders of this process, and how it trains; others may have been started with others
        given = {name: os.environ[name] for name in CARRIED if os.environ.get(name)}
        given |= {name: str(expanded(given[name]).absolute()) for name in FOLDERS.keys() & given}
        shares = {"num_cpus": self._needs["CPU"], "num_gpus": self._needs.get("GPU", 0)}
        retries = {"max_retries": RETRIES, "retry_exceptions": False}
        task = ray.remote(_on_machine).options(**shares, **retries)
        self._submit = functools.partial(task.remote, given, sys.argv, threads)

    def _machines(self) -> list[dict[str, float]]:
        # which may wait for a minute or longer, deaf to signals; then Ray may end this process
        with _said_if_late(f"the Ray cluster does not answer; if it is lost, {KEPT}"):
            return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    @property
    def slots(self) -> int:  # type: ignore[override]
        """Groups that train at once, on the machines that are there now."""
        needs = {name: need for name, need in self._needs.items() if need}
        fits = (min(int(m.get(n, 0) / need) for n, need in needs.items()) for m in self._machines())
        return max(1, sum(fits))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand a call to the cluster."""
        task = self._submit(functools.partial(fn, *args, **kwargs))
        future: Future[Any] = task.future()
        self._tasks[future] = task
        future.add_done_callback(self._tasks.pop)
        return future

    def why_ended(self, error: Exception) -> str:
        """Say that this process has lost the cluster."""
        errors = self._ray.exceptions
        lost = isinstance(error, errors.RayError) and not isinstance(error, errors.RayTaskError)
        return f"the Ray cluster is lost ({one_line(error)}); {KEPT}" if lost else ""

    def stop(self) -> None:
        """Interrupt what is running, as Ctrl-C does; checkpoints stay."""
        tasks = [*self._tasks.values()]
        for force in (False, True):
            for task in tasks:
                self._ray.cancel(task, force=force)
            if tasks:
                _, tasks = self._ray.wait(tasks, num_returns=len(tasks), timeout=CANCEL_SECONDS)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, unless the caller was in it before."""
        if self._joined:
            self._ray.shutdown()


@contextmanager
def _said_if_late(text: str) -> Iterator[None]:
    """Print a text to stderr if this takes long."""
    timer = threading.Timer(SILENT_SECONDS, print, [text], {"file": sys.stderr, "flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Late(BaseException):
    """No Exception: for those Ray tries again."""


@contextmanager
def _joining(address: str) -> Iterator[None]:
    """Give up a cluster that does not answer; only a process's main thread has the timer for it.

    Raises:
        LcsError: it has not answered.
    """

    def give_up(*_: object) -> None:
        raise _Late

    cluster = f"the Ray cluster at {address}"
    timed = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, give_up) if timed else None
    try:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, JOIN_SECONDS)
        with _said_if_late(f"{cluster} does not answer yet; waiting for at most a minute"):
            yield
    except _Late:
        raise LcsError(f"{cluster} does not answer; start it, or give the right address") from None
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _on_machine(
    variables: dict[str, str], command: list[str], threads: int, call: Callable[[], Any]
) -> Any:
    import torch

    os.environ.update(variables)
    sys.argv = command  # which records tell
    torch.set_num_threads(threads)
    return call()
