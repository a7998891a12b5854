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
from parts import CONFIG, batch, new_step, normalised
from timing import Report, interleaved

from lcs.config import Config

REPEATS = 20
SGD = Config(loss=CONFIG.loss, precision=CONFIG.precision, momentum=0.9, weight_decay=5e-4)
METHODS = {"SGD with momentum": SGD, "β-LASSO": CONFIG}
# of glibc: no block is mapped by itself, and the heap is never trimmed
KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 60)}


def main() -> None:
    widths = [int(word) for word in sys.argv[1:]] or [8, 32]
    report = Report("memory")
    for width in widths:
        for method, base in METHODS.items():
            config = base.replace(base_channels=width)
            with child(config, keep=True) as kept, child(config, keep=False) as freed:
                times = interleaved({"kept": kept, "given back": freed}, repeats=REPEATS)
            report.table(
                f"S-FC, α = {width}, {method}: freed memory",
                times,
                unit="milliseconds a step",
                ratios=[("kept", "given back", "<= 1")],
                measured="freed memory",
                model="s-fc",
                base_channels=width,
                optimizer=config.optimizer,
            )


@contextmanager
def child(config: Config, *, keep: bool) -> Iterator[Callable[[], object]]:
    """Yield an action: a step in a process that keeps what it frees, or does not."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, config), daemon=True
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


def serve(parent: Connection, config: Config) -> None:
    """Take a step whenever the parent asks for one."""
    cpu = torch.device("cpu")
    taken, (images, labels) = new_step(config, cpu), batch(cpu)
    x = normalised(images)
    with taken.network("dense") as network:
        while parent.recv():
            taken.train_step(network, x, labels)
            parent.send(True)


if __name__ == "__main__":
    main()
