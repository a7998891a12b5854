"""Where the runs of a study train: in this process, in several, or on a Ray cluster."""

import concurrent.futures
import functools
import logging
import multiprocessing
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from tqdm import tqdm

from lcs.errors import ConfigError, LcsError, one_line
from lcs.files import FOLDERS, expanded
from lcs.study.options import Options

# variables of the environment that go along to Ray
CARRIED = ("LCS_CHECKPOINTS", "LCS_CUDA_GRAPHS", "LCS_DATA")
CANCEL_SECONDS = 10.0  # that a task on Ray has to end by itself
ANSWER_SECONDS = 10.0  # in which the machine of a cluster has to answer


class StudyExecutor(concurrent.futures.Executor):
    """An executor of `concurrent.futures`, with what the scheduler needs to know of each."""

    device: str  # that the runs train on
    slots: int = 1  # groups that train at once; others wait in the executor's own queue
    has_queue: bool = True
    lost: tuple[type[Exception], ...] = ()  # errors of a group whose worker is gone

    def why_ended(self, error: Exception) -> str:
        """Return why nothing trains there any more and what to do, if an error says so, else ""."""
        return ""

    def stop(self) -> None:
        """End what is running; checkpoints stay."""


def choose(how: Options, groups: int) -> StudyExecutor:
    """Return the executor that is asked for; an LcsError: no such device or cluster is there."""
    if how.on == "ray":
        return OnRay(how.device, how.workers, how.address, how.gpus_per_run)
    from lcs.train.device import choose_device

    choose_device(how.device)  # refuses one that is not here
    workers = min(how.workers or 1, groups)
    return Processes(how.device, workers) if workers > 1 else InThisProcess(how.device)


class InThisProcess(StudyExecutor):
    """This process: one group after the other, on one device."""

    has_queue = False

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
        killed = "a worker was killed, perhaps for lack of memory; run the same with fewer workers"
        script = 'a script has to call this under if __name__ == "__main__":'
        return f"{killed}, it goes on ({script})" if isinstance(error, BrokenProcessPool) else ""

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
            raise LcsError("ray is not installed; pip install -e '.[ray]'") from None
        from lcs.train.device import device_type

        self._ray, self._joined = ray, not ray.is_initialized()
        self._tasks: dict[Future[Any], Any] = {}  # that have not ended
        errors = ray.exceptions
        self.lost = (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError)
        if self._joined:
            self._join(address)
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        auto = "cuda" if any("GPU" in machine for machine in machines) else "cpu"
        self.device = auto if device == "auto" else device_type(device)
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
        shares = {"CPU": min(cores, threads), "GPU": gpus_per_run if kind == "GPU" else 0}
        self.slots = max(1, int(sum(machine[kind] // shares[kind] for machine in machines)))
        # the folders of this process, and how it trains; others may have been started with others
        variables = {name: os.environ[name] for name in CARRIED if os.environ.get(name)}
        for name in FOLDERS.keys() & variables:
            variables[name] = str(expanded(variables[name]).absolute())
        task = ray.remote(_on_machine).options(
            num_cpus=shares["CPU"], num_gpus=shares["GPU"],
            max_retries=3, retry_exceptions=False,  # of a task whose worker or machine is lost
        )  # fmt: skip
        self._submit = functools.partial(task.remote, variables, sys.argv, threads)

    def _join(self, address: str | None) -> None:
        place = address or os.environ.get("RAY_ADDRESS", "")
        try:
            # else Ray itself tries for minutes
            if at := re.fullmatch(r"(?:ray://)?(.+):(\d+)", place):
                socket.create_connection((at[1], int(at[2])), ANSWER_SECONDS).close()
            quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
            self._ray.init(address, include_dashboard=False, **quiet)
        except (OSError, OverflowError, RuntimeError, ValueError) as error:
            reason = f"does not answer ({one_line(error)}); start it, or give the right address"
            raise LcsError(f"the Ray cluster{place and f' at {place}'} {reason}") from error

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand a call to the cluster."""
        task = self._submit(functools.partial(fn, *args, **kwargs))
        future: Future[Any] = task.future()
        self._tasks[future] = task
        future.add_done_callback(self._tasks.pop)
        return future

    def why_ended(self, error: Exception) -> str:
        """Say that this process has lost the cluster."""
        ours = isinstance(error, self._ray.exceptions.RayTaskError)
        if ours or not isinstance(error, self._ray.exceptions.RayError):
            return ""
        kept = "what is finished is kept, and the same command goes on"
        return f"the Ray cluster is lost ({one_line(error)}); {kept}"

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


def _on_machine(
    variables: dict[str, str], command: list[str], threads: int, call: Callable[[], Any]
) -> Any:
    import torch

    os.environ.update(variables)
    sys.argv = command  # which records tell
    torch.set_num_threads(threads)
    return call()
