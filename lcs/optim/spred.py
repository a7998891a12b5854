"""SGD on factors of the weights, whose weight decay is the ℓ1 penalty of their products."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from lcs.optim.beta_lasso import CheckedOptimizer


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
    next step, unless the state of its parameter is deleted. Learning rate and momentum are those of
    the factors; errors are as in :class:`.BetaLasso`.
    """

    state_keys = frozenset({"velocity", "factors", "velocities"})

    def __init__(
        self, params: Iterable[Any], lr: float = 0.1, l1: float | None = None, momentum: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "l1": l1, "momentum": momentum})

    def _update(self, params: Sequence[Tensor], group: dict[str, Any]) -> None:
        lr, l1, momentum = (float(group[name]) for name in ("lr", "l1", "momentum"))
        for param in params:
            grad, state = param.grad, self.state[param]
            assert grad is not None
            if not l1:
                for name in ("factors", "velocities"):
                    state.pop(name, None)
                if "velocity" not in state:
                    state["velocity"] = torch.zeros_like(param)
                param.sub_(state["velocity"].mul_(momentum).add_(grad), alpha=lr)
                continue
            if "factors" not in state:
                state.pop("velocity", None)
                mean = param.detach().abs().mean()
                half = torch.where(mean > 0, mean, 1) / 2
                u = (half + torch.hypot(half, param.detach())).sqrt_()
                state["factors"] = torch.stack([u, torch.where(u > 0, param / u, 0)])
                state["velocities"] = torch.zeros_like(state["factors"])
            factors, velocities = state["factors"], state["velocities"]
            velocities.mul_(momentum).add_(factors.flip(0) * grad).add_(factors, alpha=l1)
            factors.sub_(velocities, alpha=lr)
            if lr:  # else the product would round
                torch.mul(*factors, out=param)
