"""A bound on the gradient of a linear layer that costs less than the gradient.

The gradient of the weight between unit i and input j is a sum over the batch, g = δᵢ · xⱼ. The
images in which δ is large (A) are summed as they are. Those of the others (B) are split into a
projection on a few axes V and the rest R, X = C Vᵀ + R, and for any positive weights w

    |gᵢⱼ| ≤ |δᵢᴬ · xⱼᴬ + (δᵢᴮ C) · vⱼ| + ‖δᵢᴮ / w‖ ‖w rⱼ‖    (Cauchy–Schwarz):

a product with as many terms as A has images and V axes, and not as many as the batch has images.
It holds whatever V and C are, since R is what they leave. What the arithmetic rounds is added.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# number of axes; the last is the mean of the inputs
AXES = 32
# share of the images in A, from little work to all of it; at first, the mean is the only axis
SUMMED = (0.0, 0.0, 0.125, 0.25, 1.0)
# with fewer units the axes cost more than they save: only the first and last of `SUMMED` are used
AXES_FROM = 2048
# share of the entries that may be candidates: each costs as much as a hundred of the product
CANDIDATES = 1 / 512
# units at once: on a CPU, so that their product stays in the caches
UNITS = {"cpu": 256, "cuda": 1 << 14}
# integers that are in the order of floats without a sign, and that a CPU compares faster
INTEGERS = {torch.bfloat16: torch.int16, torch.float32: torch.int32}


class GradientBound:
    """Finds the few entries of a gradient that may reach a bound: no other does.

    How much of the gradient is computed for it grows from batch to batch, as it is needed.
    """

    def __init__(self) -> None:
        self.level = 0  # in `SUMMED`
        self.axes: Tensor | None = None  # all but the mean, (AXES − 1, inputs)

    @torch.no_grad()
    def candidates(self, delta: Tensor, x: Tensor, bound: float) -> tuple[Tensor, Tensor]:
        """Return units and inputs, int64 (P,), such that |g| is below the bound everywhere else.

        This holds for g in exact arithmetic, and as float32 sums it in any order.

        Args:
            delta: gradients of the layer's outputs, float32 (units, N).
            x: the layer's inputs (N, inputs), in the precision that products are to have.
            bound: positive.
        """
        parts = delta.split(UNITS[delta.device.type])
        while self.level < len(SUMMED) - 1:
            energy = torch.stack([part.square().sum(0) for part in parts]).sum(0)
            most = CANDIDATES * len(delta) * x.shape[1]
            found = _search(parts, self._split(energy, x), x.dtype, bound, most)
            if found is not None:
                return found
            self.level = self.level + 1 if len(delta) >= AXES_FROM else len(SUMMED) - 1
        return _search_whole(parts, x, bound)

    def _split(self, energy: Tensor, x: Tensor) -> _Split:
        """Divide the images by how large δ is in them, the squares of which are summed (N,)."""
        inputs = x.float()
        axes = inputs.mean(0, keepdim=True)
        if self.level:
            if self.axes is None:
                self.axes = _principal_axes(inputs - axes)
            axes = torch.cat([self.axes, axes])
        axes = axes.to(x.dtype).float()  # V (k, inputs)
        projections = (inputs @ axes[:-1].t() - axes[-1] @ axes[:-1].t()) / x.shape[1]
        coefficients = F.pad(projections, (0, 1), value=1.0)  # C (N, k)
        squares = torch.addmm(inputs, coefficients, axes, alpha=-1).square_()  # of R
        weights = (_positive(energy) / _positive(squares.sum(1))).sqrt_()  # w²
        weights.clamp_(1e-12, 1e12)  # finite also where nothing is left
        summed = energy.argsort(descending=True)[: int(len(x) * SUMMED[self.level])]
        others = torch.ones_like(energy).index_fill_(0, summed, 0.0)  # 1 in B, 0 in A
        coefficients *= others[:, None]
        return _Split(
            summed,
            coefficients,
            torch.cat([inputs[summed], axes]),
            torch.stack([torch.ones_like(others), 1 - others, others / weights], 1),
            ((others * weights) @ squares).sqrt_(),
            _longest(inputs) + coefficients.norm() * _longest(axes),
        )


class _Split(NamedTuple):
    """What the bound needs of a batch's inputs."""

    summed: Tensor  # images of A
    coefficients: Tensor  # C (N, k), zero in A
    right: Tensor  # xᴬ and V, (|A| + k, inputs)
    squares: Tensor  # (N, 3): δ² by these gives ‖δ‖², ‖δᴬ‖², ‖δᴮ / w‖²
    rest: Tensor  # ‖w rⱼ‖ (inputs,)
    longest: Tensor  # the terms of any sum with δ are at most ‖δ‖ times this in all


def _search(
    parts: tuple[Tensor, ...], split: _Split, dtype: torch.dtype, bound: float, most: float
) -> tuple[Tensor, Tensor] | None:
    """Return the entries that may reach the bound; None if there are more than `most`."""
    summing = _error_of_sums(len(split.coefficients) + AXES)
    rounding, longest = 2 * torch.finfo(dtype).eps, _longest(split.right)
    rest = split.rest * (1 + 2 * summing)
    largest_rest, right = rest.max(), split.right.to(dtype)
    found, first, count = [], 0, 0
    for part in parts:
        norm, norm_summed, scaled = (part.square() @ split.squares).sqrt_().unbind(1)
        projected = part @ split.coefficients
        product = (norm_summed.square() + projected.square().sum(1)).sqrt_() * longest
        margin = bound * (1 - 1e-6) - summing * norm * split.longest - rounding * product
        rows = (product + scaled * largest_rest >= margin).nonzero()[:, 0]
        if len(rows):  # else the product itself is not needed
            left = torch.cat([part.index_select(1, split.summed), projected], 1)
            sizes = (left.to(dtype) @ right).abs_()
            rows = (_largest(sizes) + scaled * largest_rest >= margin).nonzero()[:, 0]
        if len(rows):
            reached = torch.addr(sizes[rows].float(), scaled[rows], rest) >= margin[rows, None]
            row, column = reached.nonzero(as_tuple=True)
            found.append((first + rows[row], column))
            count += len(row)
            if count > most:
                return None
        first += len(part)
    return _joined(found, rest.device)


def _search_whole(parts: tuple[Tensor, ...], x: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Return the entries of the whole gradient that may reach the bound, but for rounding."""
    error = _error_of_sums(len(x)) + 2 * torch.finfo(x.dtype).eps
    longest, found, first = _longest(x.float()), [], 0
    for part in parts:
        margin = bound * (1 - 1e-6) - error * longest * part.norm(dim=1)
        sizes = (part.to(x.dtype) @ x).abs_()
        rows = (_largest(sizes) >= margin).nonzero()[:, 0]
        if len(rows):
            row, column = (sizes[rows].float() >= margin[rows, None]).nonzero(as_tuple=True)
            found.append((first + rows[row], column))
        first += len(part)
    return _joined(found, x.device)


def _largest(sizes: Tensor) -> Tensor:
    """Return the largest of each row of numbers without a sign, in float32."""
    return sizes.view(INTEGERS[sizes.dtype]).amax(1).view(sizes.dtype).float()


def _joined(found: list[tuple[Tensor, Tensor]], device: torch.device) -> tuple[Tensor, Tensor]:
    none = torch.empty(0, dtype=torch.int64, device=device)
    units, columns = zip((none, none), *found, strict=True)
    return torch.cat(units), torch.cat(columns)


def _error_of_sums(terms: int) -> float:
    """Return the relative error of sums of so many products in float32, twice over."""
    exact = torch.get_float32_matmul_precision() == "highest"
    return terms * 2.0**-22 + (0.0 if exact else 2.0**-6)


def _principal_axes(centred: Tensor) -> Tensor:
    """Return about the first principal axes, (AXES − 1, inputs), of length √inputs."""
    axes = centred[: AXES - 1].t()
    for _ in range(3):
        axes = torch.linalg.qr(centred.t() @ (centred @ axes)).Q
    return axes.t() * centred.shape[1] ** 0.5


def _positive(numbers: Tensor) -> Tensor:
    return numbers + 1e-6 * numbers.mean() + torch.finfo(numbers.dtype).tiny


def _longest(columns: Tensor) -> Tensor:
    return columns.square().sum(0).max().sqrt()
