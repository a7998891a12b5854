"""A training step counted: weights, operations, bytes, and its estimated floor."""

from __future__ import annotations

from typing import NamedTuple

from lcs import cost, data
from lcs.config import Config
from lcs.data.batches import steps_per_epoch
from lcs.exhibits.published import PAPER_BASE_CHANNELS, PAPER_EPOCHS
from lcs.exhibits.tables import Table

# of one pass of the optimizer over a weight: the gradient read and a copy written in bfloat16, the
# weight itself read and written in float32
BYTES_OF_A_WEIGHT = 2 + 2 + 4 + 4
# NVIDIA's data sheet of the H200 (SXM): dense bfloat16 products, and memory
H200 = {"operations": 989e12, "bytes": 4.8e12}


class Step(NamedTuple):
    """A training step of S-FC, counted: weights, floating-point operations, bytes."""

    weights: int
    operations: int
    bytes: int

    @property
    def floor(self) -> float:
        """Estimated least seconds on an H200: the products, then the optimizer's pass."""
        return self.operations / H200["operations"] + self.bytes / H200["bytes"]


def count_step(base_channels: int) -> Step:
    """Count a step of S-FC on CIFAR-10, with the usual batch, to the leading term.

    The operations are those of `cost.image_flops`, the bytes those of one pass of the optimizer.
    """
    config = Config(base_channels=base_channels)
    weights = cost.weights(config)
    return Step(weights, config.batch_size * cost.image_flops(config), BYTES_OF_A_WEIGHT * weights)


def counts_table() -> Table:
    """Return a step of S-FC at several widths, counted, and its estimated floor on an H200."""
    rows, batch = [], Config().batch_size
    steps = steps_per_epoch(data.spec("cifar10").train_size, batch)
    for width in (1, 4, 16, PAPER_BASE_CHANNELS):
        step = count_step(width)
        rows.append(
            [
                f"{width}",
                f"{step.weights / 1e6:,.1f}",
                f"{step.operations / 1e9:,.1f}",
                f"{step.bytes / 1e9:,.3f}",
                f"{1e3 * step.floor:.3g}",
                cost.duration(PAPER_EPOCHS * steps * step.floor),
            ]
        )
    caption = (
        f"A step of S-FC with {batch} images, counted, and what it and {PAPER_EPOCHS} epochs of "
        f"CIFAR-10 would take at the ceilings of an H200's data sheet "
        f"({H200['operations'] / 1e12:g} TFLOP/s in bfloat16, {H200['bytes'] / 1e12:g} TB/s): "
        "estimated, not measured."
    )
    columns = ["α", "weights (M)", "GFLOP", "GB", "floor of a step (ms)"]
    columns.append(f"of {PAPER_EPOCHS} epochs")
    return Table("tab-step", caption, columns, rows)
