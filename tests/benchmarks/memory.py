"""A step of S-FC where freed memory is kept for the next one, and where the system has it back.

    memory.py [alpha ...]

On Linux with glibc. Either has a process of its own, for what is kept cannot be given back.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import torch
from parts import EPOCHS, batch, network, normalised, steps
from timing import Report, interleaved

from lcs.optim import SGD

REPEATS = 20
MOMENTUM = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
METHODS = ("SGD with momentum", "β-LASSO")
# options of glibc's allocator, from its header malloc.h
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def main() -> None:
    widths = [int(word) for word in sys.argv[1:]] or [8, 32]
    report = Report("memory")
    for width in widths:
        for method in METHODS:
            with child(width, method, keep=True) as kept, child(width, method, keep=False) as freed:
                times = interleaved({"kept": kept, "given back": freed}, repeats=REPEATS)
            report.table(
                f"S-FC, α = {width}, {method}: freed memory",
                times,
                unit="milliseconds a step",
                scale=1e3,
                ratios=[("kept", "given back", "<= 1")],
            )


@contextmanager
def child(width: int, method: str, *, keep: bool) -> Iterator[Callable[[], object]]:
    """Yield an action: a step in a process that keeps what it frees, or does not."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, width, method, keep), daemon=True
    )
    process.start()
    theirs.close()  # so that its end is seen here

    def step() -> None:
        ours.send(True)
        ours.recv()

    try:
        yield step
    finally:
        ours.send(False)
        process.join()


def serve(parent: Connection, width: int, method: str, keep: bool) -> None:
    """Take a step whenever the parent asks for one."""
    if keep:
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)  # never trim
    step = make_step(width, method, torch.device("cpu"))
    while parent.recv():
        step()
        parent.send(True)
    EPOCHS.close()


def make_step(width: int, method: str, device: torch.device) -> Callable[[], None]:
    images, labels = batch(device)
    x = normalised(images)
    net, lasso = network("s-fc", width, device)
    sgd = SGD(net.parameters(), **MOMENTUM, compiled=lasso.compiled)
    return steps(net, lasso if method == "β-LASSO" else sgd, "dense", x, labels)


if __name__ == "__main__":
    main()
