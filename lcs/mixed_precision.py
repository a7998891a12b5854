"""bfloat16 copies of the weights for an epoch: products read them, and nothing casts in between.

Autocast rounds every weight anew in each step, and turns its gradient back to float32. Here the
optimizer writes the rounded copy in the pass that updates the weight, and reads the gradient as the
product leaves it. The numbers are the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from torch import nn
from torch.optim import Optimizer

from lcs.optim import MASTER, SGD, BetaLasso


@contextmanager
def bf16_weights(model: nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Let the fully connected layers hold rounded copies, and the optimizer the weights.

    Weights that the optimizer does not hold, as those of a sparse layer, stay as they are.
    """
    swapped = _swap(model, optimizer) if isinstance(optimizer, (BetaLasso, SGD)) else []
    try:
        yield
    finally:
        for one in swapped:
            one.back(optimizer)


@dataclass(frozen=True)
class _Swapped:
    """A layer that holds a copy of its weight, and the weight's place in the optimizer."""

    layer: nn.Linear
    weight: nn.Parameter
    params: list[nn.Parameter]
    place: int

    def back(self, optimizer: Optimizer) -> None:
        """Give the weight back, with its state and the gradient of the last step."""
        copy = self.layer.weight
        state = optimizer.state.pop(copy)
        del state[MASTER]
        if state:
            optimizer.state[self.weight] = state
        self.weight.grad = None if copy.grad is None else copy.grad.to(self.weight.dtype)
        self.layer.weight = self.params[self.place] = self.weight


def _swap(model: nn.Module, optimizer: Optimizer) -> list[_Swapped]:
    swapped = []
    for layer in (module for module in model.modules() if isinstance(module, nn.Linear)):
        weight = cast(nn.Parameter, layer.weight)
        for params in (group["params"] for group in optimizer.param_groups):
            for place in (i for i, param in enumerate(params) if param is weight):
                copy = nn.Parameter(weight.detach().bfloat16())
                optimizer.state[copy] = optimizer.state.pop(weight, {}) | {MASTER: weight.detach()}
                layer.weight = params[place] = copy
                weight.grad = None  # the last epoch's, which nobody reads any more
                swapped.append(_Swapped(layer, weight, params, place))
    return swapped
