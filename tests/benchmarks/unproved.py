"""How much of the first layer's gradient must be summed to prove that no zero returns?

Counts, along the run of `bound`, the units with an entry of which a bound proves nothing. The
bounds are tighter than that of `lcs.optim.gradient_bound`: with exact principal axes of each
batch, with δ projected too, and without what is added for rounding.

    unproved.py [cpu|cuda] [alpha ...]
"""

from __future__ import annotations

import sys
from functools import partial

import torch
from bound import EPOCHS, along_a_run, operands
from timing import Report, device_asked
from torch import Tensor

from lcs.train.run import Run

# how many terms are summed, of as many as the batch has images
TERMS = (1, 16, 32, 64, 128, 256)


def main() -> None:
    device = device_asked()
    report = Report("unproved", device.type)
    for width in [int(word) for word in sys.argv[2:]] or [4, 16]:
        along_a_run(width, device, partial(count, report))


def count(report: Report, run: Run, epoch: int) -> None:
    """Count, for one batch, the units that each bound does not clear."""
    weight = run.model.conv1.weight
    delta, x, value = operands(run, epoch)
    density = int(torch.count_nonzero(weight)) / weight.numel()
    shares = {}
    for weighted in (False, True):
        for terms in TERMS:
            reached = bounds(delta, x.float(), terms, weighted=weighted) >= value
            name = "weighted" if weighted else "equal"
            shares[f"{name}: {terms}"] = float(reached.any(1).float().mean())
    shares["returning"] = float(((delta @ x.float()).abs() >= value).any(1).float().mean())
    report.shares(
        f"S-FC, α = {run.config.base_channels}, after {epoch} epochs: {density:.1%} left",
        shares,
        measured="unproved",
        base_channels=run.config.base_channels,
        epoch=epoch,
        epochs=EPOCHS,
        density=density,
        images=len(x),
    )


def bounds(delta: Tensor, x: Tensor, terms: int, *, weighted: bool) -> Tensor:
    """Bound |δ X| by the projection of X on the first principal axes of the batch itself.

    Args:
        delta: (units, N).
        x: (N, inputs).
        terms: of the product: the mean, and the axes; one is the mean alone.
        weighted: whether images in which δ is large weigh more when the axes are found.

    Returns:
        Bounds (units, inputs).
    """
    centred = x - x.mean(0)
    weights = torch.ones(len(x), dtype=x.dtype, device=x.device)
    if weighted:
        weights = (delta.square().sum(0) / centred.square().sum(1)).clamp_(1e-12, 1e12).pow_(0.25)
    delta, x = delta / weights, weights[:, None] * x
    # the direction along which δ sums to its mean, and the axes of what is left
    mean = torch.nn.functional.normalize(weights, dim=0)[:, None]
    left = x - mean @ (mean.t() @ x)
    first = torch.linalg.eigh(left @ left.t()).eigenvectors[:, len(x) - terms + 1 :]
    basis = torch.linalg.qr(torch.cat([mean, first], 1)).Q  # (N, terms)
    projected, inputs = delta @ basis, basis.t() @ x
    rest_of_delta, rest = delta - projected @ basis.t(), x - basis @ inputs
    return (projected @ inputs).abs() + torch.outer(rest_of_delta.norm(dim=1), rest.norm(dim=0))


if __name__ == "__main__":
    main()
