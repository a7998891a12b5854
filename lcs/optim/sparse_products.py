"""S-FC with a first layer of which few weights are kept: the same training, with their products.

For an epoch, the layer is a compressed sparse row matrix of the kept weights, at which alone there
is a gradient: the non-zeros, where zeros are frozen, or the places of a mask.
"""

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.models.networks import Net
from lcs.optim.mixed_precision import bf16_products, has_bf16, replace_parameter, takes_copies

# how an epoch is computed; records have a third one, "exact", too
MODES = ("dense", "frozen")
# share of kept weights below which "frozen" is faster than dense products, by their device and
# precision, in layers of at least `PAYS_FROM` weights: in smaller ones, laying out the inputs costs
# what the product saves. Measured by tests/benchmarks/parts.py, not yet on a GPU; that of float32
# on a processor without bfloat16
PAYS_BELOW = {"cpu, bf16": 0.035, "cpu, bf16, matrix": 0.015, "cpu, fp32": 0.08,
              "cuda, bf16": 0.0, "cuda, fp32": 0.0}  # fmt: skip
PAYS_FROM = 2_000_000

Forward = Callable[[Tensor], Tensor]


def choose_mode(
    model: nn.Module, optimizer: Optimizer, precision: str, mask: Tensor | None = None
) -> str:
    """Return which of the `MODES` is the fastest for the next epoch.

    "frozen" for S-FC as the paper has it, with a first layer of low density that is trained by
    β-LASSO with frozen zeros, or by β-LASSO or SGD within a mask (units, inputs), bool. The
    precision is that of dense products, "fp32" or "bf16".
    """
    if not takes_copies(optimizer) or not isinstance(model, Net):
        return "dense"
    if model.kind != "fc" or len(model.geometries) > 1 or model.geometries[0].out_size == 1:
        return "dense"
    first, weight = cast(nn.Linear, model.conv1), cast(nn.Linear, model.conv1).weight
    holding = [g for g in optimizer.param_groups if any(p is weight for p in g["params"])]
    if not holding or "relative_l1" in holding[0] or first.bias is not None or model.dropout.p:
        return "dense"
    frozen = holding[0].get("frozen_zeros") and holding[0]["beta"] * holding[0]["l1"] > 0
    limit = PAYS_BELOW[limits_name(weight.device, precision)]
    if (mask is None and not frozen) or weight.numel() < PAYS_FROM or not limit:
        return "dense"
    kept = int(torch.count_nonzero(weight if mask is None else mask))
    return "frozen" if kept / weight.numel() < limit else "dense"


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

    In "frozen" the optimizer holds the kept weights, and their part of its state, in place of the
    layer's matrix. On leaving, it holds the matrix again, with the gradient of the last step.
    RuntimeError if it does not hold the layer's weight, or a rounded copy of it.
    """
    if mode == "dense":
        yield model
        return
    net = cast(Net, model)
    weight = cast(nn.Parameter, cast(nn.Linear, net.conv1).weight)
    layer = SparseLayer(weight, mask)

    def replace(old: nn.Parameter, new: nn.Parameter, part: Callable[[Tensor], Tensor]) -> None:
        replace_parameter(optimizer, old, new)
        state = optimizer.state.get(new, {})
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == old.shape:
                state[name] = part(value)

    replace(weight, layer.values, lambda value: value.view(-1)[layer.places])
    weight.grad = None  # of the last epoch
    try:
        yield lambda x: layer.forward(net, x)
    finally:
        replace(layer.values, weight, layer.spread)
        weight.data.copy_(layer.spread(layer.values))
        weight.grad = layer.last_gradient()
        if mask is not None and weight.grad is not None:
            weight.grad.mul_(mask)


class SparseLayer:
    """The first layer's weight (units, inputs) as a compressed sparse row matrix.

    Kept are the weights of a mask, bool; without one, those that are not zero. Products have the
    units first, (units, N): so both operands are read along their rows.
    """

    def __init__(self, weight: Tensor, mask: Tensor | None = None) -> None:
        self.weight = weight
        self.operands: tuple[Tensor, Tensor] | None = None  # of the gradient of the last step
        _silence_beta_warning()
        flat = weight.detach().view(-1)
        self.places = (flat if mask is None else mask.view(-1)).nonzero().squeeze(1)
        self.values = nn.Parameter(flat[self.places])
        units, inputs = weight.shape
        ends = torch.bincount(self.places // inputs, minlength=units).cumsum(0)
        self.rows, self.columns = F.pad(ends, (1, 0)).int(), (self.places % inputs).int()

    def forward(self, model: Net, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, classes)."""
        y: Tensor = _Product.apply(self.values, self, x.flatten(1))
        # as one sample with N positions: the same statistics, and memory in its own order
        y = F.relu(cast(nn.BatchNorm1d, model.bn1)(y[None])[0])
        return model.head(y.t())

    def matrix(self, values: Tensor) -> Tensor:
        """Return the sparse matrix (units, inputs) with these values at the kept weights."""
        parts = self.rows, self.columns, values, self.weight.shape
        return torch.sparse_csr_tensor(*parts, check_invariants=False)

    def spread(self, values: Tensor) -> Tensor:
        """Return the dense matrix (units, inputs) with these values at the kept weights."""
        flat = values.new_zeros(self.weight.numel())
        flat[self.places] = values.detach()
        return flat.view_as(self.weight)

    @torch.no_grad()
    def last_gradient(self) -> Tensor | None:
        """Return the dense gradient of the last step, if there was one."""
        if self.operands is None:
            return None
        gradient, x = self.operands
        with bf16_products(x.device):
            return (gradient.to(x.dtype) @ x).to(self.weight.dtype)


@functools.cache
def _silence_beta_warning() -> None:
    """Suppress torch's warning, once a process, that its sparse matrices are in beta state."""
    torch.sparse.check_sparse_tensor_invariants.disable()  # the default; unset, it warns too
    with warnings.catch_warnings(action="ignore", category=UserWarning):
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
        gradient = _rounded_as(ctx.x, gradients[0]).contiguous()
        ctx.layer.operands = gradient, ctx.x
        nothing = ctx.layer.matrix(torch.zeros_like(values))
        product = torch.sparse.sampled_addmm(nothing, gradient, inputs.t(), beta=0.0)
        return _rounded_as(ctx.x, product.values()), None, None


def _rounded_as(x: Tensor, values: Tensor) -> Tensor:
    return values.to(x.dtype).float()
