"""Work on many things, in this process or in several; what fails with one does not stop the others.

What cannot be done are errors of training and of checkpoints; only a full disk stops all.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import torch

from lcs.errors import CheckpointError, DiskError, LcsError, TrainingError

T = TypeVar("T")


def run_parallel(work: Callable[[T], object], items: Sequence[T], workers: int) -> None:
    """Work on all, on as many at once as there are workers.

    Each has a process of its own and its share of the cores; a single worker is this process.

    Raises:
        TrainingError: a worker was killed; or the first error of `each`.
    """
    if workers == 1:
        return each(work, items)
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
            "a worker was killed, perhaps for lack of memory; the same with fewer workers goes on"
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
