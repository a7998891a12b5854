"""A bound on the gradient of a linear layer that costs less than the gradient.

The gradient of the weight between unit i and input j is a sum over the images of a batch,
g = δᵢ · xⱼ. Split the inputs into a part in few directions and the rest, X = A C + R. For all
positive weights w of the images

    |gᵢⱼ| ≤ |(δᵢ A) · cⱼ| + ‖δᵢ / w‖ ‖w rⱼ‖    (Cauchy–Schwarz):

a product with as many terms as there are directions, and not as many as there are images. It holds
whatever A, C and w are, since R is what they leave; what the arithmetic rounds is added. It is
small where A C is the projection of w X on its first principal directions and w² is in proportion
to ‖δ‖ / ‖r‖, image by image.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

# how many directions, from little work to much; past them, the whole gradient costs less
DIRECTIONS = (1, 32, 64)
# with fewer units for each, directions cost more than they save
UNITS_EACH = 64
# after so many batches, fewer directions are tried again
PATIENCE = 64
# share of the entries that may be candidates: each costs as much as twenty of the gradient's
CANDIDATES = 1 / 128
# units at once: on a CPU, so that their product stays in the caches
UNITS = {"cpu": 512, "cuda": 1 << 14}
# groups of inputs with residuals of similar size
GROUPS = 64
# integers that are in the order of floats without a sign, and that a CPU compares faster
INTEGERS = {torch.bfloat16: torch.int16, torch.float32: torch.int32}
Parts = tuple[Tensor, ...]


class GradientBound:
    """Finds the few entries of a gradient that may reach a bound: no other does.

    How many directions are taken follows what the batches before have needed.
    """

    def __init__(self) -> None:
        self.level = 0  # in `DIRECTIONS`
        self.batches = 0
        self.axes: Tensor | None = None  # C of the batch before

    @torch.no_grad()
    def candidates(self, delta: Tensor, x: Tensor, bound: float) -> tuple[Tensor, Tensor]:
        """Return units and inputs, int64 (P,), such that |g| is below the bound everywhere else.

        This holds for g in exact arithmetic, and as float32 sums it in any order. Units ascend.

        Args:
            delta: gradients of the layer's outputs, float32 (units, N).
            x: the layer's inputs (N, inputs), in the precision that products are to have.
            bound: positive.
        """
        self.batches += 1
        if self.batches % PATIENCE == 0:
            self.level = max(0, self.level - 1)
        parts = delta.split(UNITS[delta.device.type])
        allowed = min(len(delta) // UNITS_EACH, len(x) // 2)
        while self.level < len(DIRECTIONS) and DIRECTIONS[self.level] <= allowed:
            split = self._split(parts, x, DIRECTIONS[self.level])
            found = split.search(parts, bound, CANDIDATES * len(delta) * x.shape[1])
            if found is not None:
                return found
            self.level += 1
        return _search_whole(parts, x, bound)

    def _split(self, parts: Parts, x: Tensor, directions: int) -> _Split:
        """Split the inputs of a batch, and weigh its images."""
        squares = x.float().square()
        energy = torch.stack([part.square().sum(0) for part in parts]).sum(0)
        weights = _weights(energy, squares)[:, None]
        if self.axes is None or len(self.axes) < directions:
            self.axes, steps = x[:directions], 3
        else:
            self.axes, steps = self.axes[:directions], 1  # one is enough from a batch to the next
        for _ in range(steps):  # of subspace iteration
            basis = torch.linalg.qr((x @ self.axes.t()).float().mul_(weights)).Q
            self.axes = (basis * weights).to(x.dtype).t() @ x
        left, right = (basis / weights).to(x.dtype), self.axes
        rest = (x - left @ right).float().square_()
        weights = _weights(energy, rest)
        square = weights.square()
        lengths, rests = (square @ squares).sqrt_(), (square @ rest).sqrt_()
        # A C, and what is left, are rounded here: by as much of ‖w A cⱼ‖ ≤ ‖w xⱼ‖ + ‖w rⱼ‖
        rounded = 1.01 * torch.finfo(x.dtype).eps / 2
        rests = (rests + rounded * lengths) / (1 - 2 * rounded)
        groups = math.gcd(len(rests), GROUPS)
        order = rests.argsort().view(groups, -1).t().flatten()
        return _Split(
            left,
            right[:, order],
            rests[order].view(-1, groups),
            order,
            square.reciprocal(),
            lengths.max(),
            (left.float() * weights[:, None]).norm() * _longest(right.float()),
        )


class _Split(NamedTuple):
    """What the bound needs of the inputs of a batch, in the order of what is left of them."""

    left: Tensor  # A (N, k)
    right: Tensor  # C (k, inputs)
    rest: Tensor  # ‖w rⱼ‖ (inputs / groups, groups)
    order: Tensor  # which input stands where (inputs,)
    scale: Tensor  # 1 / w² (N,)
    longest: Tensor  # of ‖w xⱼ‖
    terms: Tensor  # the terms of a sum in A C are at most ‖δ / w‖ times this in all

    def search(self, parts: Parts, bound: float, most: float) -> tuple[Tensor, Tensor] | None:
        """Return the entries that may reach the bound; None if there are more than `most`."""
        left, right, rest = self.left, self.right, self.rest
        largest_rest, longest_right = rest.amax(0), _longest(right.float())  # by groups; over all
        # A and C are as they are; what is rounded is δ, δ A, their product, and in float32 all sums
        rounded = 1.01 * torch.finfo(right.dtype).eps / 2
        slack = rounded * (self.longest + rest.max())  # ‖w A cⱼ‖ is at most ‖w xⱼ‖ + ‖w rⱼ‖
        slack += _error_of_sums(sum(left.shape)) * (self.longest + self.terms)
        found, first, count = [], 0, 0
        for part in parts:
            size = (part.square() @ self.scale).sqrt_()  # ‖δ / w‖
            projected = part.to(left.dtype) @ left
            product = projected.float().norm(dim=1) * longest_right
            margin = (bound * (1 - 1e-6) - size * slack - rounded * product) / (1 + rounded)
            # what is not a number is never below the margin
            unit = (~(product + size * rest.max() < margin)).nonzero()[:, 0]
            if len(unit):  # else the product itself is not needed
                sizes = (projected[unit] @ right).abs_().view(len(unit), *rest.shape)
                largest = sizes.view(INTEGERS[sizes.dtype]).amax(1).view(sizes.dtype).float()
                below = torch.addr(largest, size[unit], largest_rest) < margin[unit, None]
                row, group = (~below).nonzero(as_tuple=True)
                unit, sizes = unit[row], sizes[row, :, group].float()
                below = sizes + size[unit, None] * rest.t()[group] < margin[unit, None]
                row, place = (~below).nonzero(as_tuple=True)
                found.append((first + unit[row], self.order[place * rest.shape[1] + group[row]]))
                count += len(row)
                if count > most:
                    return None
            first += len(part)
        return _joined(found, rest.device)


def _search_whole(parts: Parts, x: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Return the entries of the whole gradient that may reach the bound, but for rounding."""
    rounded = 1.01 * torch.finfo(x.dtype).eps / 2
    slack = (_error_of_sums(len(x)) + rounded) * _longest(x.float())
    found, first = [], 0
    for part in parts:
        margin = (bound * (1 - 1e-6) - slack * part.norm(dim=1)) / (1 + rounded)
        product = part.to(x.dtype) @ x
        lowest, highest = product.aminmax()
        if torch.maximum(-lowest, highest) >= margin.min():
            largest = torch.maximum(-product.amin(1), product.amax(1)).float()
            unit = (largest >= margin).nonzero()[:, 0]
            sizes = product[unit].float().abs_()
            row, column = (sizes >= margin[unit, None]).nonzero(as_tuple=True)
            found.append((first + unit[row], column))
        first += len(part)
    return _joined(found, x.device)


def _joined(found: list[tuple[Tensor, Tensor]], device: torch.device) -> tuple[Tensor, Tensor]:
    none = torch.empty(0, dtype=torch.int64, device=device)
    units, columns = zip((none, none), *found, strict=True)
    return torch.cat(units), torch.cat(columns)


def _error_of_sums(terms: int) -> float:
    """Return the relative error of a few sums of so many products in float32, one on another."""
    exact = torch.get_float32_matmul_precision() == "highest"
    return terms * 2.0**-22 + (0.0 if exact else 2.0**-6)


def _weights(energy: Tensor, squares: Tensor) -> Tensor:
    """Return w (N,), of the squares of δ, summed (N,), and those of X or R (N, inputs)."""
    above, below = (n + 1e-6 * n.mean() + 1e-30 for n in (energy, squares.sum(1)))
    return (above / below).pow_(0.25).clamp_(1e-6, 1e6)


def _longest(columns: Tensor) -> Tensor:
    return columns.square().sum(0).max().sqrt()
