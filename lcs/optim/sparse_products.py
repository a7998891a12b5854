"""S-FC with a first layer that is mostly zero: the same training, without products by zeros.

For an epoch, the layer is kept as a compressed sparse row matrix; at its end, the weights are
written back to the network, which is dense at every other time. In bfloat16, weights, products and
gradients are rounded where those of a dense layer are. Two modes:

exact
    The paper's algorithm, up to rounding. In a layer of many units the gradient is computed at the
    non-zeros, and at those zeros of which `GradientBound` does not prove that the step leaves them
    at zero; in a smaller one it is dense, and searched.
frozen
    The gradient is computed at the kept weights alone: the non-zeros, where zeros stay zero
    (`Config.frozen_zeros`), or the places of a mask (`lcs.optim.pruning`).
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.models.networks import Net
from lcs.optim.gradient_bound import GradientBound
from lcs.optim.mixed_precision import bf16_products, has_bf16
from lcs.optim.optimizer import has_fused_step, replace_parameter

# how an epoch is computed
MODES = ("dense", "exact", "frozen")
# share of kept weights below which each mode is faster than dense products, by the device and by
# the precision in which it computes these (`limits_name`), in layers of at least `PAYS_FROM`
# weights: in a smaller one, laying out the inputs costs what the product saves. Those of float32
# were measured on a processor without bfloat16. With matrix instructions (AMX) dense products are
# so fast that exact steps never pay: in the middle of a run at α = 32 they took twice as long.
# Those of a GPU are not measured yet; `lcs doctor` measures them
PAYS_BELOW = {
    "cpu, bf16": {"exact": 0.02, "frozen": 0.035},
    "cpu, bf16, matrix": {"exact": 0.0, "frozen": 0.015},
    "cpu, fp32": {"exact": 0.03, "frozen": 0.08},
    "cuda, bf16": {"exact": 0.0, "frozen": 0.0},
    "cuda, fp32": {"exact": 0.0, "frozen": 0.0},
}
PAYS_FROM = 2_000_000
# units from which the bound on the gradient costs less than the gradient (`tests/benchmarks/bound`)
BOUND_FROM = 2048

Forward = Callable[[Tensor], Tensor]


def choose_mode(
    model: nn.Module, optimizer: Optimizer, precision: str, mask: Tensor | None = None
) -> str:
    """Return which of the `MODES` is the fastest for the next epoch.

    "dense" unless this is S-FC as the paper has it, with a first layer of low density that the
    optimizer holds, and that is trained by β-LASSO with a threshold, or has a mask and is trained
    by β-LASSO or SGD.

    Args:
        model, optimizer: of the run.
        precision: of its dense products, "fp32" or "bf16".
        mask: of the first layer (units, inputs), bool, outside of which weights stay zero.
    """
    if not has_fused_step(optimizer) or not isinstance(model, Net):
        return "dense"
    if model.kind != "fc" or len(model.geometries) > 1 or model.geometries[0].out_size == 1:
        return "dense"
    first, weight = cast(nn.Linear, model.conv1), cast(nn.Linear, model.conv1).weight
    groups = [g for g in optimizer.param_groups if any(p is weight for p in g["params"])]
    if not groups:  # the layer is not trained
        return "dense"
    (group,) = groups
    mode = "exact" if mask is None and not group.get("frozen_zeros") else "frozen"
    limit = PAYS_BELOW[limits_name(weight.device, precision)][mode]
    if (
        "relative_l1" in group
        # without a threshold no zero stays zero
        or (mask is None and not group.get("beta", 0.0) * group.get("l1", 0.0))
        or first.bias is not None
        or model.dropout.p
        or weight.numel() < PAYS_FROM
        or not limit
    ):
        return "dense"
    kept = weight if mask is None else mask
    density = int(torch.count_nonzero(kept)) / weight.numel()
    return mode if density < limit else "dense"


def limits_name(device: torch.device, precision: str) -> str:
    """Return the key in `PAYS_BELOW` of runs of a precision on a device."""
    if precision == "fp32" or not has_bf16(device):
        return f"{device.type}, fp32"
    matrix = device.type == "cpu" and torch.cpu.get_capabilities().get("amx_bf16")
    return f"{device.type}, bf16{', matrix' if matrix else ''}"


@contextmanager
def sparse_first_layer(
    model: nn.Module, optimizer: Optimizer, mode: str, mask: Tensor | None = None
) -> Iterator[Forward]:
    """Yield the function that maps images to logits for one epoch, in a mode of `choose_mode`.

    In the sparse modes the optimizer holds the kept weights in place of the layer's matrix, and
    their part of its state; on leaving, it holds the matrix again, with the gradient of the last
    step. Where `bf16_weights` is used too, it is entered after this one.

    Args:
        model, optimizer, mask: as in `choose_mode`; outside of the mask, weights and the
            optimizer's state are zero.
        mode: how the epoch is computed.

    Raises:
        RuntimeError: the optimizer does not hold the layer's weight, or a rounded copy of it.
    """
    if mode == "dense":
        yield model
        return
    net = cast(Net, model)
    weight = cast(nn.Parameter, cast(nn.Linear, net.conv1).weight)
    layer = SparseLayer(weight, frozen=mode == "frozen", mask=mask)
    group = replace_parameter(optimizer, weight, layer.values)
    state = optimizer.state.get(layer.values, {})
    for name, value in state.items():
        if isinstance(value, Tensor) and value.shape == weight.shape:
            state[name] = value.view(-1)[layer.places]
    weight.grad = None  # of the last epoch

    def revive(*_: object) -> None:
        before = layer.values
        with bf16_products(weight.device):
            layer.revive(group)
        replace_parameter(optimizer, before, layer.values)

    hook = optimizer.register_step_post_hook(revive)
    try:
        yield lambda x: layer.forward(net, x)
    finally:
        hook.remove()
        replace_parameter(optimizer, layer.values, weight)
        state = optimizer.state.get(weight, {})
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == layer.values.shape:
                state[name] = layer.spread(value)
        weight.data.copy_(layer.spread(layer.values))
        weight.grad = layer.last_gradient()
        if mask is not None and weight.grad is not None:
            weight.grad.mul_(mask)


class SparseLayer:
    """The first layer's weight (units, inputs) as a compressed sparse row matrix.

    Its products have the units first, (units, N): so both operands are read along their rows.

    Args:
        weight: of the dense layer.
        frozen: whether the kept weights stay the same; else every step may let zeros return.
        mask: bool, of the weights that are kept; None: those that are not zero.
    """

    def __init__(self, weight: Tensor, *, frozen: bool, mask: Tensor | None = None) -> None:
        self.weight = weight
        self.frozen = frozen
        self.values: nn.Parameter
        self.operands: tuple[Tensor, Tensor] | None = None  # of the gradient of the last step
        self.gradient: Tensor | None = None  # dense, of the last step; where there is no bound
        bounded = not frozen and len(weight) >= BOUND_FROM
        self.bound = GradientBound() if bounded else None
        _silence_beta_warning()
        flat = weight.detach().view(-1)
        places = (flat if mask is None else mask.view(-1)).nonzero().squeeze(1)
        self._lay_out(places, flat[places])

    def _lay_out(self, places: Tensor, values: Tensor) -> None:
        """Hold these values (kept,), in the order of their places in the flat matrix."""
        # a new parameter: autograd would expect gradients of the old one's length
        self.places, self.values = places, nn.Parameter(values)
        self.rows, self.columns = self._layout(places)

    def _layout(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return ends of rows and columns of a compressed sparse row matrix, from sorted places."""
        units, inputs = self.weight.shape
        ends = torch.bincount(places // inputs, minlength=units).cumsum(0)
        return F.pad(ends, (1, 0)).int(), (places % inputs).int()

    def forward(self, model: Net, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, classes)."""
        y: Tensor = _Product.apply(self.values, self, x.flatten(1))
        batch_norm = cast(nn.BatchNorm1d, model.bn1)
        # as one sample with N positions: the same statistics, and memory in its own order
        y = F.relu(batch_norm(y[None])[0])
        return model.head(y.t())

    def matrix(self, values: Tensor) -> Tensor:
        """Return the sparse matrix (units, inputs) with these values at the kept weights."""
        return torch.sparse_csr_tensor(
            self.rows, self.columns, values, self.weight.shape, check_invariants=False
        )

    def spread(self, values: Tensor) -> Tensor:
        """Return the dense matrix (units, inputs) with these values at the kept weights."""
        flat = values.new_zeros(self.weight.numel())
        flat[self.places] = values.detach()
        return flat.view_as(self.weight)

    @torch.no_grad()
    def last_gradient(self) -> Tensor | None:
        """Return the dense gradient of the last step."""
        if self.operands is None:
            return None
        gradient, x = self.operands
        with bf16_products(x.device):
            return (gradient.to(x.dtype) @ x).to(self.weight.dtype)

    @torch.no_grad()
    def revive(self, group: dict[str, Any]) -> None:
        """Let those zeros return that the step of their group carries past the threshold."""
        if self.frozen or self.operands is None:
            return
        step, threshold = float(group["lr"]), group["beta"] * group["l1"]
        if self.bound is None:
            places, moved = self._searched(step, threshold)
        else:
            places, moved = self._proved(self.bound, step, threshold)
        returning = moved.abs() >= threshold
        if returning.any():
            places, order = torch.cat([self.places, places[returning]]).sort()
            self._lay_out(places, torch.cat([self.values, moved[returning]])[order])

    def _searched(self, step: float, threshold: float) -> tuple[Tensor, Tensor]:
        """Return zeros (P,) that may return, and where the step moves them: from the gradient."""
        assert self.gradient is not None
        gradient, self.gradient = self.gradient, None
        gradient.view(-1)[self.places] = 0
        lowest, highest = gradient.aminmax()
        if step * max(-lowest.item(), highest.item()) < threshold:
            return self.places[:0], self.values[:0]
        largest = torch.maximum(gradient.amax(dim=1), -gradient.amin(dim=1))
        units = (largest.float() * step >= threshold).nonzero().squeeze(1)
        moved = gradient[units].float().mul_(-step)
        unit, column = (moved.abs() >= threshold).nonzero(as_tuple=True)
        return units[unit] * gradient.shape[1] + column, moved[unit, column]

    def _proved(self, bound: GradientBound, step: float, threshold: float) -> tuple[Tensor, Tensor]:
        """Return the same from the bound: the gradient is computed where it proves nothing."""
        assert self.operands is not None
        gradient, x = self.operands
        units, columns = bound.candidates(gradient, x, threshold / step if step else math.inf)
        places = units * x.shape[1] + columns
        # zeros alone: the optimizer has moved the others
        places = places[~torch.isin(places, self.places)].sort().values
        if not len(places):
            return places, self.values[:0]
        nothing = torch.zeros(len(places), device=x.device)
        layout = self._layout(places)
        matrix = torch.sparse_csr_tensor(
            *layout, nothing, self.weight.shape, check_invariants=False
        )
        return places, _rounded_as(x, _sampled(matrix, gradient, x.float())).mul_(-step)


@functools.cache
def _silence_beta_warning() -> None:
    """Suppress torch's warning, once a process, that its sparse matrices are in beta state."""
    torch.sparse.check_sparse_tensor_invariants.disable()  # the default; unset, it warns too
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.ones(1, 1).to_sparse_csr()


class _Product(torch.autograd.Function):
    """(units, N) of inputs (N, inputs); the gradient of the values where they are."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, layer: SparseLayer, x: Tensor) -> Tensor:
        inputs = x.t().float().contiguous()
        ctx.layer, ctx.x = layer, x
        ctx.save_for_backward(values, inputs)
        with torch.autocast(x.device.type, enabled=False):  # there are no sparse bf16 products
            return _rounded_as(x, layer.matrix(_rounded_as(x, values)) @ inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        values, inputs = ctx.saved_tensors
        (gradient,) = gradients
        layer: SparseLayer = ctx.layer
        gradient = _rounded_as(ctx.x, gradient).contiguous()
        layer.operands = gradient, ctx.x
        if not layer.frozen and layer.bound is None:
            layer.gradient = gradient.to(ctx.x.dtype) @ ctx.x
            return layer.gradient.view(-1)[layer.places].to(values.dtype), None, None
        nothing = layer.matrix(torch.zeros_like(values))
        return _rounded_as(ctx.x, _sampled(nothing, gradient, inputs.t())), None, None


def _rounded_as(x: Tensor, values: Tensor) -> Tensor:
    """Return values rounded to the precision of x, in float32."""
    return values.to(x.dtype).float()


def _sampled(matrix: Tensor, gradient: Tensor, x: Tensor) -> Tensor:
    """Return the gradient (units, N) times x (N, inputs) where a sparse matrix has entries."""
    product = torch.sparse.sampled_addmm(matrix, gradient, x, beta=0.0)
    return product.values()
