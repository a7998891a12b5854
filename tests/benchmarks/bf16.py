"""A step of S-FC in bfloat16, by torch's own products and by those in float32, and in float32.

Of use on a processor without instructions for bfloat16: there the library takes the second way.

    bf16.py [alpha ...]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch
from timing import Report, interleaved

from lcs.config import Config
from lcs.optim import mixed_precision
from lcs.train.setup import build_model, make_optimizer
from lcs.train.step import stepped_network, train_step

REPEATS, BATCH = 5, 512
OWN, BY_FLOAT32, FLOAT32 = "bfloat16, torch's own", "bfloat16 by float32", "float32"


def main() -> None:
    report = Report("bf16")
    for width in [int(word) for word in sys.argv[1:]] or [1, 4]:
        with ExitStack() as epochs:
            actions = {
                OWN: epochs.enter_context(step(width, "bf16", native=True)),
                BY_FLOAT32: epochs.enter_context(step(width, "bf16", native=False)),
                FLOAT32: epochs.enter_context(step(width, "fp32", native=True)),
            }
            times = interleaved(actions, repeats=REPEATS)
        report.table(
            f"S-FC, α = {width}: a step of {BATCH} images",
            times,
            unit="milliseconds a step",
            scale=1e3,
            ratios=[(OWN, BY_FLOAT32, ""), (BY_FLOAT32, FLOAT32, "<= 1.2")],
            measured="bf16 step",
            model="s-fc",
            base_channels=width,
        )


@contextmanager
def step(width: int, precision: str, *, native: bool) -> Iterator[Callable[[], None]]:
    """Yield a step as on a processor that has instructions for bfloat16, or has none."""
    method = {"optimizer": "beta-lasso", "l1": 5e-5, "beta": 50.0, "precision": precision}
    config = Config(base_channels=width, batch_size=BATCH, **method)
    model = build_model(config)
    optimizer = make_optimizer(config, model)
    x, labels = torch.rand(BATCH, 3, 32, 32), torch.randint(10, (BATCH,))
    x = x.bfloat16() if config.bf16 else x
    with stepped_network(config, model, optimizer, "dense", None) as network:

        def on_such_a_processor() -> None:
            with mock.patch.object(mixed_precision, "has_bf16", return_value=native):
                train_step(config, network, optimizer, x, labels)

        yield on_such_a_processor


if __name__ == "__main__":
    main()
