"""Optimizers that solve the LASSO: proximal gradient descent, and SGD on factors of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lcs.optim.optimizer import CheckedOptimizer


class ProximalL1(CheckedOptimizer):
    r"""Proximal gradient descent on :math:`f(\theta) + \lambda \|\theta\|_1`: the LASSO's own step.

    .. math::
        \theta_t \leftarrow S_{\eta\lambda}(\theta_{t-1} - \eta \nabla f(\theta_{t-1})), \qquad
        S_a(x) = \mathrm{sign}(x) \, \max(|x| - a, 0)

    Also known as ISTA (Daubechies et al. 2004). On a convex f it converges to the LASSO solution;
    with the mean squared error, scikit-learn's ``Lasso(alpha=l1 / 2)`` is the same problem.

    Args:
        params: parameters or parameter groups; a group may have its own `lr` and `l1`.
        lr: learning rate η, at least 0.
        l1: ℓ1 coefficient λ, at least 0.

    Raises:
        ValueError: a hyperparameter is negative or not finite.
        RuntimeError: (in `step`) a gradient is sparse.
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.1, l1: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "l1": l1})

    def _update(self, pairs: Sequence[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        lr, l1 = float(group["lr"]), float(group["l1"])
        for param, grad in pairs:
            param.add_(grad, alpha=-lr)
            if l1 > 0:
                param.copy_(F.softshrink(param, lr * l1))


class Spred(CheckedOptimizer):
    r"""SGD on the factors of each weight, with weight decay: the ℓ1 penalty without a kink.

    .. math::
        \theta = u \odot v, \qquad \min_{u, v} f(u \odot v) + \frac{\lambda}{2}
        \left( \|u\|_2^2 + \|v\|_2^2 \right) = \min_\theta f(\theta) + \lambda \|\theta\|_1

    (Ziyin & Wang, ICML 2023). Factors of equal size could never change the sign of their product.
    So they start with :math:`u^2 - v^2 = \mathrm{mean}\,|\theta|` over the parameter, 1 if it is
    zero, and u > 0, a start of ours; weight decay removes the difference. Weights tend to zero, and
    hardly any reaches it: prune them by size. Parameters without a penalty are not factored.

    The factors are the optimizer's state: a weight that is changed elsewhere changes back with the
    next step, unless the state of its parameter is deleted.

    Args:
        params: parameters or parameter groups; a group may have its own hyperparameters.
        lr: learning rate η of the factors, at least 0.
        l1: ℓ1 coefficient λ, at least 0.
        momentum: of the factors, at least 0.

    Raises:
        ValueError: a hyperparameter is negative or not finite.
        RuntimeError: (in `step`) a gradient is sparse.
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 0.1, l1: float = 0.0, momentum: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "l1": l1, "momentum": momentum})

    def _update(self, pairs: Sequence[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        lr, l1, momentum = (float(group[name]) for name in ("lr", "l1", "momentum"))
        for param, grad in pairs:
            state = self.state[param]
            if not l1:
                if "velocity" not in state:
                    self.state[param] = state = {"velocity": torch.zeros_like(param)}
                param.sub_(state["velocity"].mul_(momentum).add_(grad), alpha=lr)
                continue
            if "factors" not in state:
                self.state[param] = state = {}
                mean = param.detach().abs().mean()
                half = torch.where(mean > 0, mean, 1) / 2
                u = (half + torch.hypot(half, param.detach())).sqrt_()
                state["factors"] = torch.stack([u, torch.where(u > 0, param / u, 0)])
                state["velocities"] = torch.zeros_like(state["factors"])
            factors, velocities = state["factors"], state["velocities"]
            velocities.mul_(momentum).add_(factors.flip(0) * grad).add_(factors, alpha=l1)
            factors.sub_(velocities, alpha=lr)
            torch.mul(*factors, out=param)
