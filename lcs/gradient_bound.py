"""Which entries of a linear layer's gradient can reach a value, found with less than the gradient.

The gradient of the weight between unit i and input j is a sum over the batch, g = δᵢ · xⱼ. With
positive weights w of the images and a matrix Q with orthonormal columns, let a = δᵢ / w and
r = w xⱼ − Q Qᵀ (w xⱼ). Then

    |gᵢⱼ| ≤ |(a Q) · Qᵀ(w xⱼ)| + ‖a − a Q Qᵀ‖ ‖r‖    (Cauchy–Schwarz):

a product with as many terms as Q has columns, and not as many as the batch has images. The columns
are the first principal axes of the batch, found from those of the batch before; images in which δ
is large weigh more. It holds for any w and Q; what the arithmetic rounds is added.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# number of axes, from little work on; then the whole gradient is computed
TERMS = (1, 32, 64, 96)
# with fewer units the axes cost more than they save: only the first of `TERMS` is used
AXES_FROM = 2048
# share of the entries that may be candidates: each costs as much as a hundred of the product
CANDIDATES = 1 / 512
# units at once: on a CPU, so that their product stays in the caches
UNITS = {"cpu": 256, "cuda": 1 << 14}
# integers that are in the order of floats without a sign, and that a CPU compares faster
INTEGERS = {torch.bfloat16: torch.int16, torch.float32: torch.int32}


class GradientBound:
    """Finds the few entries of a gradient that may reach a value: no other does.

    How many axes it takes grows from batch to batch, as they are needed.
    """

    def __init__(self) -> None:
        self.level = 0  # in `TERMS`, or behind its end: the whole gradient
        self.axes: Tensor | None = None  # of the last batch, (terms, inputs)

    @torch.no_grad()
    def candidates(self, delta: Tensor, x: Tensor, value: float) -> tuple[Tensor, Tensor]:
        """Return units and inputs, int64 (P,), such that |g| is below the value everywhere else.

        This holds for g in exact arithmetic, and as float32 sums it in any order.

        Args:
            delta: gradients of the layer's outputs, float32 (units, N).
            x: the layer's inputs (N, inputs), in the precision that products are to have.
            value: positive.
        """
        parts = delta.split(UNITS[delta.device.type])
        most = CANDIDATES * len(delta) * x.shape[1]
        while self.level < len(TERMS) and TERMS[self.level] <= len(x):
            found = _search(parts, self._split(parts, x), x.dtype, value, most)
            if found is not None:
                return found
            self.level = self.level + 1 if len(delta) >= AXES_FROM else len(TERMS)
        return _search_whole(parts, x, value)

    def _split(self, parts: tuple[Tensor, ...], x: Tensor) -> _Split:
        """Project the weighted images on some of their principal axes."""
        inputs = x.float()
        energy = torch.stack([part.square().sum(0) for part in parts]).sum(0)
        centred = (inputs - inputs.mean(0)).square().sum(1)
        weights = (_positive(energy) / _positive(centred)).pow_(0.25).clamp_(1e-6, 1e6)
        inputs = inputs * weights[:, None]
        # δ sums to nearly nothing over the batch, so the direction of the mean comes first
        directions = [weights[:, None]]
        if TERMS[self.level] > 1:
            directions.append(self._near_axes(inputs.to(x.dtype), TERMS[self.level] - 1))
        basis = torch.linalg.qr(torch.cat(directions, 1)).Q  # (N, terms)
        product = basis.t() @ inputs
        coefficients = product.to(x.dtype).float()  # (terms, inputs)
        self.axes = coefficients
        exact = basis.double()
        overlap = (exact.t() @ exact).sub_(torch.eye(basis.shape[1], device=x.device)).float()
        squares = inputs.square().sum(0)
        longest, longest_coefficients = squares.max().sqrt(), _longest(coefficients)
        frobenius, summing = basis.norm(), _error_of_sums(len(x) + basis.shape[1])
        rounded = (product - coefficients).square_().sum(0)
        far = overlap.norm() * (1 + summing) + 1e-9
        aside = (
            rounded.max().sqrt()
            + summing * frobenius * (longest + longest_coefficients)
            + far * longest_coefficients
        )
        # ‖r‖² = ‖w x‖² − ‖Qᵀ(w x)‖² but for rounding
        rest = squares - product.square().sum(0) + rounded
        rest += 4 * summing * squares
        rest += (
            2 * summing * frobenius * longest + far * longest_coefficients
        ) * longest_coefficients
        return _Split(
            basis / weights[:, None],
            weights.square().reciprocal_(),
            coefficients,
            rest.clamp_(min=0).sqrt_() * (1 + 2 * summing),
            far,
            aside * (1 + 2 * summing),
            longest * (1 + summing),
            longest_coefficients * (1 + summing),
        )

    def _near_axes(self, inputs: Tensor, count: int) -> Tensor:
        """Return directions (N, count) near the first principal axes, by a step of iteration.

        It starts from the axes of the last batch, and from random ones where there are not enough.
        """
        known = self.axes[1:].to(inputs.dtype) if self.axes is not None else inputs[:0]
        if len(known) < count:
            generator = torch.Generator().manual_seed(count)
            more = torch.randn(count - len(known), inputs.shape[1], generator=generator)
            known = torch.cat([known, more.to(inputs)])
        near = torch.nn.functional.normalize(inputs @ known[:count].t(), dim=0)
        return (inputs @ (inputs.t() @ near)).float()


class _Split(NamedTuple):
    """What the bound needs of a batch's inputs."""

    basis: Tensor  # Q / w (N, terms)
    scales: Tensor  # 1 / w² (N,)
    coefficients: Tensor  # Qᵀ(w x), rounded to the precision of products (terms, inputs)
    rest: Tensor  # at least ‖r‖ (inputs,)
    overlap: Tensor  # at least ‖QᵀQ − 1‖
    aside: Tensor  # at least ‖Qᵀr‖: it is zero but for rounding
    longest: Tensor  # of the columns w x
    longest_coefficients: Tensor


def _search(
    parts: tuple[Tensor, ...], split: _Split, dtype: torch.dtype, value: float, most: float
) -> tuple[Tensor, Tensor] | None:
    """Return the entries that may reach the value; None if there are more than `most`."""
    terms = len(split.coefficients)
    frobenius = (terms * (1 + split.overlap)) ** 0.5
    summing, rounding = _error_of_sums(len(split.basis) + terms), torch.finfo(dtype).eps
    largest_rest, right = split.rest.max(), split.coefficients.to(dtype)
    found, first, count = [], 0, 0
    for part in parts:
        square = part.square() @ split.scales  # ‖a‖²
        norm = square.sqrt() * (1 + summing)
        projected = part @ split.basis  # a Q
        lost = summing * frobenius * norm  # at most, of ‖a Q‖, by rounding
        length = projected.norm(dim=1)
        inside = (length * (1 - summing) - lost).clamp_(min=0).square_() * (1 - split.overlap)
        outside = (square * (1 + 4 * summing) - inside).clamp_(min=0).sqrt_() * (1 + 2 * summing)
        left = projected.to(dtype)
        dropped = (projected - left.float()).norm(dim=1) * (1 + summing)
        # what rounding may hide: of g itself, of a Q, of the product, and along Q in the rest
        margin = value * (1 - 1e-6) - (
            summing * norm * split.longest
            + (dropped + lost + summing * (length + lost)) * split.longest_coefficients
            + (length * (1 + summing) + lost) * split.aside
        )
        reach = outside * largest_rest
        within = length * split.longest_coefficients * (1 + 2 * rounding)
        # what is not a number is never below the margin
        rows = (~(within + reach < margin)).nonzero()
        if len(rows):  # else the product itself is not needed
            sizes = (left @ right).abs_()
            rows = (~(_largest(sizes) * (1 + rounding) + reach < margin)).nonzero()[:, 0]
        if len(rows):
            size = sizes[rows].float().mul_(1 + rounding)
            below = torch.addr(size, outside[rows], split.rest) < margin[rows, None]
            row, column = (~below).nonzero(as_tuple=True)
            found.append((first + rows[row], column))
            count += len(row)
            if count > most:
                return None
        first += len(part)
    return _joined(found, split.rest.device)


def _search_whole(parts: tuple[Tensor, ...], x: Tensor, value: float) -> tuple[Tensor, Tensor]:
    """Return the entries of the whole gradient that may reach the value, but for rounding."""
    error = _error_of_sums(len(x)) + 2 * torch.finfo(x.dtype).eps
    longest, found, first = _longest(x.float()), [], 0
    for part in parts:
        margin = value * (1 - 1e-6) - error * longest * part.norm(dim=1)
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
    """Return the relative error of sums of so many products in float32, and as much again."""
    exact = torch.get_float32_matmul_precision() == "highest"
    return terms * 2.0**-23 + (0.0 if exact else 2.0**-6)


def _positive(numbers: Tensor) -> Tensor:
    return numbers + 1e-6 * numbers.mean() + torch.finfo(numbers.dtype).tiny


def _longest(columns: Tensor) -> Tensor:
    return columns.square().sum(0).max().sqrt()
