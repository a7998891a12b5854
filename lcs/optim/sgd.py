"""SGD with momentum and weight decay, which β-LASSO is compared to.

`lcs.optim.fused_steps` has the compiled step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from lcs.optim.fused_steps import fused_plain_sgd, fused_sgd, move, take_steps
from lcs.optim.optimizer import CheckedOptimizer


class SGD(CheckedOptimizer):
    r"""SGD with momentum and weight decay, as `torch.optim.SGD`, in one pass over memory.

    .. math::
        v_t \leftarrow \mu v_{t-1} + \nabla f(\theta_{t-1}) + w \theta_{t-1}, \qquad
        \theta_t \leftarrow \theta_{t-1} - \eta v_t

    A parameter of half precision may have its weights under `FULL_PRECISION` in its state, as with
    :class:`.BetaLasso`: momentum is of full precision too.

    Args:
        params: parameters or parameter groups; a group may have its own hyperparameters.
        lr: learning rate η, at least 0; a number or a tensor, as with :class:`.BetaLasso`.
        momentum: μ, at least 0.
        weight_decay: w, the coefficient of half the squared ℓ2 norm, at least 0.
        compiled: fuse the update to one pass over memory with ``torch.compile``; equal to
            `torch.optim.SGD` up to rounding. Without, or without a compiler, weights of full
            precision have the same bits.

    Raises:
        ValueError: a hyperparameter is negative or not finite.
        RuntimeError: (in `step`) a gradient is sparse.
    """

    fused = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.1,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        *,
        compiled: bool = False,
    ) -> None:
        self.compiled = compiled
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    def _update(self, pairs: Sequence[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        numbers = [group["lr"], float(group["momentum"]), float(group["weight_decay"])]
        work = []
        for param, grad in pairs:
            theta, copies = self._weights(param)
            state, velocity = self.state[param], []
            if group["momentum"]:
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(theta)
                velocity = [state["momentum_buffer"]]
            work.append([theta, grad, *velocity, *copies])
        fused = fused_sgd if group["momentum"] else fused_plain_sgd
        take_steps(work, numbers, eager=_sgd_step, fused=fused if self.compiled else None)


def _sgd_step(
    lr: float | Tensor,
    momentum: float,
    weight_decay: float,
    theta: Tensor,
    grad: Tensor,
    *others: Tensor,
) -> None:
    """Step with the operations of `torch.optim.SGD`; with momentum, its buffer comes next."""
    direction = torch.add(grad, theta, alpha=weight_decay) if weight_decay else grad
    copies: Sequence[Tensor] = others
    if momentum:
        velocity, *copies = others
        direction = velocity.mul_(momentum).add_(direction)
    move(theta, direction, lr)
    for copy in copies:
        copy.copy_(theta)
