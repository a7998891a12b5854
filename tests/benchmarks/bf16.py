"""A step of S-FC in bfloat16, by torch's own products and by those in float32, and in float32.

Of use on a processor without instructions for bfloat16: there the library takes the second way.

    bf16.py [alpha ...]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from unittest import mock

import torch
from parts import CONFIG, batch, new_step, normalised
from timing import Report, interleaved

from lcs.optim import mixed_precision

REPEATS = 5
OWN, BY_FLOAT32, FLOAT32 = "bfloat16, torch's own", "bfloat16 by float32", "float32"


def main() -> None:
    report = Report("bf16")
    for width in [int(word) for word in sys.argv[1:]] or [1, 4]:
        with ExitStack() as epochs:
            actions = {
                OWN: step(epochs, width, "bf16", native=True),
                BY_FLOAT32: step(epochs, width, "bf16", native=False),
                FLOAT32: step(epochs, width, "fp32", native=True),
            }
            times = interleaved(actions, repeats=REPEATS)
        report.table(
            f"S-FC, α = {width}: a step of {CONFIG.batch_size} images",
            times,
            unit="milliseconds a step",
            ratios=[(OWN, BY_FLOAT32, ""), (BY_FLOAT32, FLOAT32, "<= 1.2")],
            measured="bf16 step",
            model="s-fc",
            base_channels=width,
        )


def step(epochs: ExitStack, width: int, precision: str, *, native: bool) -> Callable[[], None]:
    """Return a step as on a processor that has instructions for bfloat16, or has none."""
    cpu = torch.device("cpu")
    made = new_step(CONFIG.replace(base_channels=width, precision=precision), cpu)
    network = epochs.enter_context(made.network("dense"))
    images, labels = batch(cpu)
    x = normalised(images).to(torch.bfloat16 if precision == "bf16" else torch.float32)

    def on_such_a_processor() -> None:
        with mock.patch.object(mixed_precision, "has_bf16", return_value=native):
            made.take(network, x, labels)

    return on_such_a_processor


if __name__ == "__main__":
    main()
