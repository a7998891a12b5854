"""Train many runs, in this process or in several; what fails with one does not stop the others.

Failures are errors of training and of checkpoints. What concerns all runs stops all: a disk that
cannot be written, a data set, a record or a configuration that is refused, the end of the budget.
"""

from __future__ import annotations

import functools
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from lcs.config import Config
from lcs.errors import CheckpointError, DiskError, LcsError, TrainingError

T = TypeVar("T")


def train_together(configs: Sequence[Config], *, deadline: float, **options: Any) -> None:
    """Train a group of runs until `deadline`; one by one what is missing after a failure.

    Raises:
        As `lcs.train.train`.
    """
    from lcs.train import train_group

    minutes = max(0.0, deadline - time.monotonic()) / 60
    try:
        train_group(configs, budget_minutes=minutes, **options)
    except (TrainingError, CheckpointError) as error:
        if isinstance(error, DiskError):
            raise
        if len(configs) == 1:
            print(error, file=sys.stderr, flush=True)  # a pause of another run would hide it
            raise
        print(f"{error}; what is missing is trained one by one", file=sys.stderr)
        alone = functools.partial(train_together, deadline=deadline, **options)
        each(alone, [[config] for config in configs])


def run_parallel(work: Callable[[T], object], items: Sequence[T], workers: int) -> None:
    """Work on all, on as many at once as there are workers.

    Each has a process of its own and its share of the cores; a single worker is this process.

    Raises:
        TrainingError: a worker was killed; or the first error of `each`.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        return each(work, items)
    import torch

    threads = max(1, torch.get_num_threads() // workers)
    try:
        with ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=torch.set_num_threads,
            initargs=(threads,),
        ) as pool:
            begun = [pool.submit(work, item) for item in items]
            try:
                each(lambda future: future.result(), begun)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    except BrokenProcessPool as error:
        raise TrainingError(
            "a worker was killed, perhaps for lack of memory; run the same with fewer workers, it "
            "goes on from the last checkpoints"
        ) from error


def each(work: Callable[[T], object], items: Sequence[T]) -> None:
    """Work on all, one after the other.

    Raises:
        TrainingError or CheckpointError: the first one, once all others are done.
        DiskError: at once, for the others would meet it too.
    """
    failures: list[LcsError] = []
    for item in items:
        try:
            work(item)
        except DiskError:
            raise
        except (TrainingError, CheckpointError) as error:
            failures.append(error.with_traceback(None))  # which would keep the run in memory
    if failures:
        raise failures[0]
