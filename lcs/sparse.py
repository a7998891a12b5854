"""S-FC with a first layer that is mostly zero: the same training, without products by zeros.

For an epoch, the layer is kept as a compressed sparse row matrix; at its end, the weights are
written back to the network, which is dense at every other time. Two modes:

exact
    The paper's algorithm, up to rounding. The forward product is sparse. The weights' gradient is
    dense, since any zero may return; it is looked through for zeros that do, and the optimizer
    updates the others alone.
frozen
    Zeros stay zero (`Config.frozen_zeros`), so the gradient is computed where weights are, and all
    is sparse.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.models import Net
from lcs.optim import BetaLasso

# share of non-zero weights below which each mode is faster than dense products, from so many
# weights on: in a smaller layer, laying out the inputs costs what the product saves
PAYS_BELOW = {
    "cpu": {"exact": 0.02, "frozen": 0.035},
    "cuda": {"exact": 0.0, "frozen": 0.0},  # not measured yet: `parts.py cuda 150` does
}
PAYS_FROM = 2_000_000

Forward = Callable[[Tensor], Tensor]


def choose_mode(model: nn.Module, optimizer: Optimizer) -> str:
    """Return how the next epoch is computed: "dense", "exact" or "frozen"."""
    if not isinstance(optimizer, BetaLasso) or not _supported(model):
        return "dense"
    weight = _first(model).weight
    wanted = "frozen" if _place(optimizer, weight)[0]["frozen_zeros"] else "exact"
    limit = PAYS_BELOW[weight.device.type][wanted]
    if weight.numel() < PAYS_FROM or not limit:
        return "dense"
    density = int(torch.count_nonzero(weight)) / weight.numel()
    return wanted if density < limit else "dense"


def _supported(model: nn.Module) -> bool:
    """Whether this is S-FC as the paper has it."""
    if not isinstance(model, Net) or model.kind != "fc" or len(model.geometries) > 1:
        return False
    return _first(model).bias is None and model.dropout.p == 0


def _place(optimizer: Optimizer, weight: Tensor) -> tuple[dict[str, Any], int]:
    """Return the group that holds a weight, and where in it."""
    places = ((g, i) for g in optimizer.param_groups for i, p in enumerate(g["params"]))
    return next((g, i) for g, i in places if g["params"][i] is weight)


def _first(model: nn.Module) -> nn.Linear:
    return cast(nn.Linear, model.conv1)


@contextmanager
def sparse_first_layer(model: nn.Module, optimizer: Optimizer, mode: str) -> Iterator[Forward]:
    """Yield the function that maps images to logits for one epoch, in a mode of `choose_mode`.

    In the sparse ones the optimizer holds the non-zero weights in place of the layer's matrix.
    """
    if mode == "dense":
        yield model
        return
    net, weight = cast(Net, model), _first(model).weight
    group, place = _place(optimizer, weight)
    layer = SparseLayer(weight, frozen=mode == "frozen")
    group["params"][place] = layer.values
    weight.grad = None  # the last epoch's, which nobody reads any more

    def revive(*_: object) -> None:
        layer.revive(group)
        group["params"][place] = layer.values

    hook = optimizer.register_step_post_hook(revive)
    try:
        yield lambda x: layer.forward(net, x)
    finally:
        hook.remove()
        group["params"][place] = weight
        layer.write_back()
        weight.grad = layer.last_gradient()


class SparseLayer:
    """The first layer's weight (units, inputs) as a compressed sparse row matrix.

    Its products have the units first, (units, N): so both operands are read along their rows.

    Args:
        weight: of the dense layer.
        frozen: whether zeros stay zero; else every step may let some return.
    """

    def __init__(self, weight: Tensor, *, frozen: bool) -> None:
        self.weight = weight
        self.frozen = frozen
        self.values: nn.Parameter
        self.gradient: Tensor | None = None  # dense, of the last step; exact mode alone
        self.operands: tuple[Tensor, Tensor] | None = None  # of that gradient; frozen mode alone
        _hear_the_warning()
        self._take()

    @torch.no_grad()
    def _take(self) -> None:
        """Take the non-zero weights of the dense matrix."""
        flat = self.weight.detach().view(-1)
        places = flat.nonzero().squeeze(1)
        self._lay_out(places, flat[places])

    def _lay_out(self, places: Tensor, values: Tensor) -> None:
        """Hold these weights, in the order of their places in the flat matrix."""
        units, inputs = self.weight.shape
        # a new one: autograd would expect gradients of the old one's length
        self.places, self.values = places, nn.Parameter(values)
        self.columns = (places % inputs).int()
        ends = torch.bincount(places // inputs, minlength=units).cumsum(0)
        self.rows = F.pad(ends, (1, 0)).int()

    def forward(self, model: Net, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, classes)."""
        y: Tensor = _Product.apply(self.values, self, x.flatten(1))
        batch_norm = cast(nn.BatchNorm1d, model.bn1)
        # as one sample with N positions: the same statistics, and memory in its own order
        y = F.relu(batch_norm(y[None])[0])
        return model.head(y.t())

    def matrix(self, values: Tensor) -> Tensor:
        """Return the matrix of these values, in place of the weights."""
        return torch.sparse_csr_tensor(
            self.rows, self.columns, values, self.weight.shape, check_invariants=False
        )

    @torch.no_grad()
    def write_back(self) -> None:
        """Put the values into the dense weight."""
        self.weight.zero_()
        self.weight.view(-1)[self.places] = self.values.detach()

    @torch.no_grad()
    def last_gradient(self) -> Tensor | None:
        """Return the dense gradient of the last step, in frozen mode."""
        if self.operands is None:
            return None
        gradient, x = self.operands
        return (gradient.to(x.dtype) @ x).to(self.weight.dtype)

    @torch.no_grad()
    def revive(self, group: dict[str, Any]) -> None:
        """Let zeros outside the matrix return whose step carries them past the threshold."""
        if self.gradient is None:
            return
        step, threshold = float(group["lr"]), group["beta"] * group["l1"]
        gradient, self.gradient = self.gradient, None
        gradient.view(-1)[self.places] = 0
        lowest, highest = gradient.aminmax()
        if step * max(-lowest.item(), highest.item()) < threshold:
            return
        largest = torch.maximum(gradient.amax(dim=1), -gradient.amin(dim=1))
        units = (largest.float() * step >= threshold).nonzero().squeeze(1)
        moved = gradient[units].float().mul_(-step)
        unit, column = (moved.abs() >= threshold).nonzero(as_tuple=True)
        places = torch.cat([self.places, units[unit] * gradient.shape[1] + column])
        order = places.argsort()
        values = torch.cat([self.values, moved[unit, column]])
        self._lay_out(places[order], values[order])


@functools.cache
def _hear_the_warning() -> None:
    """Let torch say, once and to nobody, that its sparse matrices are in beta state.

    And that it does not check them: its default, which it wants to hear.
    """
    torch.sparse.check_sparse_tensor_invariants.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.ones(1, 1).to_sparse_csr()


class _Product(torch.autograd.Function):
    """(units, N) of inputs (N, inputs); the gradient of the values where they are."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, layer: SparseLayer, x: Tensor) -> Tensor:
        ctx.layer = layer
        ctx.save_for_backward(values, x)
        with torch.autocast(x.device.type, enabled=False):  # there are no sparse bf16 products
            return layer.matrix(values) @ x.t().float().contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        values, x = ctx.saved_tensors
        (gradient,) = gradients
        layer: SparseLayer = ctx.layer
        if layer.frozen:
            layer.operands = gradient, x
            nothing = layer.matrix(torch.zeros_like(values))
            sampled = torch.sparse.sampled_addmm(
                nothing, gradient.contiguous(), x.float(), beta=0.0
            )
            return sampled.values(), None, None
        layer.gradient = gradient.to(x.dtype) @ x
        return layer.gradient.view(-1)[layer.places].to(values.dtype), None, None
