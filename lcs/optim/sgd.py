"""SGD with momentum and weight decay, which β-LASSO is compared to."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from lcs.optim.beta_lasso import CheckedOptimizer, Number, move, take_step


class SGD(CheckedOptimizer):
    r"""SGD with momentum and weight decay, as `torch.optim.SGD`, in one pass over memory.

    .. math::
        v_t \leftarrow \mu v_{t-1} + \nabla f(\theta_{t-1}) + w \theta_{t-1}, \qquad
        \theta_t \leftarrow \theta_{t-1} - \eta v_t

    `weight_decay` is w, the coefficient of half the squared ℓ2 norm; other arguments and errors are
    as in :class:`.BetaLasso`. Momentum of rounded copies is not rounded. Unless compiled, weights
    of full precision have the bits of `torch.optim.SGD`.
    """

    state_keys = frozenset({"momentum_buffer"})

    def __init__(
        self,
        params: Iterable[Any],
        lr: Number = 0.1,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        *,
        compiled: bool = False,
    ) -> None:
        self.compiled = compiled
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def _update(self, params: Sequence[Tensor], group: dict[str, Any]) -> None:
        settings = group["lr"], float(group["momentum"]), float(group["weight_decay"])
        moving, fused = bool(group["momentum"]), _fused if self.compiled else None
        for param in params:
            tensors = self._tensors(param)
            if moving:
                state = self.state[param]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(tensors[0])
                tensors.insert(2, state["momentum_buffer"])
            take_step(tensors, _eager, fused, *settings, moving)


def _eager(lr: Any, momentum: float, decay: float, moving: bool, *tensors: Tensor) -> None:
    """Step with the operations of `torch.optim.SGD`; with momentum, its buffer comes next."""
    theta, grad, *others = tensors
    direction = torch.add(grad, theta, alpha=decay) if decay else grad
    if moving:
        direction = others[0].mul_(momentum).add_(direction)
    move(theta, direction, lr)
    for copy in others[moving:]:
        copy.copy_(theta)


def _fused(lr: Tensor, momentum: Tensor, decay: Tensor, moving: bool, *tensors: Tensor) -> None:
    theta, grad, *others = tensors
    direction = grad + decay * theta
    if moving:
        direction = momentum * others[0] + direction
        others[0].copy_(direction)
    moved = theta - lr * direction
    for tensor in (theta, *others[moving:]):
        tensor.copy_(moved)
