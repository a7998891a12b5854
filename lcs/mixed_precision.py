"""bfloat16 copies of the weights for an epoch: products read them, and nothing casts in between.

Autocast rounds every weight anew in each step, and turns its gradient back to float32. Here the
optimizer writes the rounded copy in the pass that updates the weight, and reads the gradient as the
product leaves it. The numbers are the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from torch import nn
from torch.optim import Optimizer

from lcs.optim import FULL_PRECISION, SGD, BetaLasso, replace_parameter


@contextmanager
def bf16_weights(model: nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Let the fully connected layers hold bfloat16 copies of their weights for an epoch.

    The optimizer holds the copies too, and the weights, in full precision, in their state. On
    leaving, layers and optimizer hold the weights again, with the gradients of the last step.

    Weights that the optimizer does not hold stay as they are: those of `sparse_first_layer`, which
    is entered before. Optimizers other than `BetaLasso` and `SGD` keep full precision.

    Raises:
        RuntimeError: the layers hold copies already.
    """
    held = {p for group in optimizer.param_groups for p in group["params"]}
    linear = [m for m in model.modules() if isinstance(m, nn.Linear) and m.weight in held]
    replaced: list[tuple[nn.Linear, nn.Parameter]] = []
    try:
        for layer in linear if isinstance(optimizer, (BetaLasso, SGD)) else []:
            weight = cast(nn.Parameter, layer.weight)
            copy = nn.Parameter(weight.detach().bfloat16())
            replace_parameter(optimizer, weight, copy)
            optimizer.state[copy][FULL_PRECISION] = weight.detach()
            layer.weight = copy
            weight.grad = None  # of the last epoch
            replaced.append((layer, weight))
        yield
    finally:
        for layer, weight in replaced:
            copy = cast(nn.Parameter, layer.weight)
            del optimizer.state[copy][FULL_PRECISION]
            if not optimizer.state[copy]:
                del optimizer.state[copy]
            replace_parameter(optimizer, copy, weight)
            weight.grad = None if copy.grad is None else copy.grad.to(weight.dtype)
            layer.weight = weight
