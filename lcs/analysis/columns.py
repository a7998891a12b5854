"""Columns of tables: what `by_condition` tells of the runs of a row, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lcs import data
from lcs.analysis.compare import interval, paired
from lcs.analysis.filters import neighbours
from lcs.analysis.names import LAYERS
from lcs.analysis.tables import NONE, PENDING
from lcs.config import CUT_BETWEEN_PERIODS
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd


def over(runs: pd.DataFrame, reference: pd.DataFrame) -> str:
    """Return the lead over other runs, paired by seed; a dash without these, or over the same."""
    if runs.empty:
        return PENDING
    same = reference.empty or runs.condition.iloc[0] == reference.condition.iloc[0]
    return NONE if same else f"{paired(runs, reference):+}"


def excess(runs: pd.DataFrame) -> str:
    """Return the excess window share in points; a dash if weights are too few."""
    return f"{interval(runs.excess):+}" if runs.excess.notna().all() else NONE


def weights(runs: pd.DataFrame) -> str:
    """Return how many weights remain in the first and in the second layer."""
    return " and ".join(f"{runs[f'nonzeros.{layer}'].mean():,.0f}" for layer in ("conv1", "fc1"))


def remaining(runs: pd.DataFrame) -> str:
    """Return how much of each layer remains, in per cent."""
    shares = (100 * (runs[f"nonzeros.{layer}"] / runs[f"weights.{layer}"]) for layer in LAYERS)
    return ", ".join(f"{share.mean():.1f}".replace("100.0", "100") for share in shares)


def units(runs: pd.DataFrame) -> str:
    """Return how many filters have no weight, and how many of S-FC's enough to be measured."""
    counts = [record.final.get("fan_in", {}).get("conv1", [0])[0] for record in runs.record]
    none = np.mean(counts)
    every = runs.condition.iloc[0].layer_sizes()["conv1"].units
    enough = f"{runs['locality.eligible'].mean():,.0f} of {every:,}" if every else NONE
    return f"{none:,.0f}; {enough}"


def near(runs: pd.DataFrame) -> str:
    """Return how often weights of a unit are neighbours, over chance."""
    ratio = neighbours(runs).mean
    return f"{ratio:.1f}" if np.isfinite(ratio) else NONE


def flops(runs: pd.DataFrame) -> str:
    """Return `sparse_flops`, in 10¹²."""
    return f"{np.mean([*map(sparse_flops, runs.record)]) / 1e12:,.3g}"


def sparse_flops(record: Record) -> float:
    """Return the FLOPs of a whole training without products by zeros, and needless gradients.

    A zero that may return needs its gradient at every step; one outside a mask, or frozen, does
    not. Zeros are those after each epoch. The dense gradients of RigL and SNIP, on one batch of an
    epoch, are not counted, nor is the run that a mask was taken from.
    """
    config, history = record.config, record.history
    epochs = np.arange(1, config.epochs + 1)
    unmasked = 0  # epochs in which every zero may return
    if config.pruning in CUT_BETWEEN_PERIODS:
        unmasked = config.cycle_epochs
    elif config.pruning == "none" and not config.frozen_zeros:
        unmasked = config.epochs
    products = 0.0  # multiply–adds of one image, over the epochs
    for name, counts in history["nonzeros"].items():
        left = np.interp(epochs, history["epoch"], counts)
        every = (epochs <= unmasked) & (name not in config.transfer.masked)
        gradients = np.where(every, record.final["weights"][name], left)
        # the gradient of the images is not needed
        products += ((1 if name == "conv1" else 2) * left + gradients).sum()
    return 2 * products * data.spec(config.dataset).train_size
