"""A step of S-FC where freed memory is kept for the next one, and where the system has it back.

    memory.py [alpha ...]

On Linux with glibc, whose allocator reads its options from the environment of a process.
"""

from __future__ import annotations

import multiprocessing
import os
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
METHODS = {"SGD with momentum": "sgd", "β-LASSO": "beta-lasso"}
# of glibc: no block is mapped by itself, and the heap is never trimmed
KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 60)}


def main() -> None:
    widths = [int(word) for word in sys.argv[1:]] or [8, 32]
    report = Report("memory")
    for width in widths:
        for method, optimizer in METHODS.items():
            with child(width, method, keep=True) as kept, child(width, method, keep=False) as freed:
                times = interleaved({"kept": kept, "given back": freed}, repeats=REPEATS)
            report.table(
                f"S-FC, α = {width}, {method}: freed memory",
                times,
                unit="milliseconds a step",
                scale=1e3,
                ratios=[("kept", "given back", "<= 1")],
                measured="freed memory",
                model="s-fc",
                base_channels=width,
                optimizer=optimizer,
            )


@contextmanager
def child(width: int, method: str, *, keep: bool) -> Iterator[Callable[[], object]]:
    """Yield an action: a step in a process that keeps what it frees, or does not."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, width, method), daemon=True
    )
    os.environ.update(KEEP if keep else {})
    process.start()
    for name in KEEP:
        os.environ.pop(name, None)
    theirs.close()  # so that its end is seen here

    def step() -> None:
        ours.send(True)
        ours.recv()

    try:
        yield step
    finally:
        ours.send(False)
        process.join()


def serve(parent: Connection, width: int, method: str) -> None:
    """Take a step whenever the parent asks for one."""
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
