"""β-LASSO, the paper's algorithm: SGD with an ℓ1 sub-gradient and a threshold.

`algorithm_1` is the same in the paper's notation. `lcs.optim.fused_steps` has the compiled step.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from lcs.optim.fused_steps import fused_beta_lasso, fused_relative_l1, move, take_steps
from lcs.optim.optimizer import CheckedOptimizer


def algorithm_1(
    gradient: Callable[[Tensor], Tensor],
    θ: Tensor,
    λ: float | Tensor,
    β: float | Tensor,
    η: float,
    τ: int,
) -> Tensor:
    """β-LASSO as the paper writes it (Neyshabur 2020, Algorithm 1).

    The toy is trained by it, and `BetaLasso` is tested against it.

    Args:
        gradient: ∇f, from parameters to a tensor of the same shape.
        θ: initial parameters, any shape.
        λ: ℓ1 coefficient; a tensor broadcasts against θ.
        β: threshold coefficient, as λ.
        η: learning rate.
        τ: number of updates.

    Returns:
        The parameters after τ updates; `θ` itself is left as it was.
    """
    for _ in range(τ):
        θ = θ - η * (gradient(θ) + λ * torch.sign(θ))
        θ = θ * (θ.abs() >= β * λ)
    return θ


class BetaLasso(CheckedOptimizer):
    r"""SGD with an :math:`\ell_1` sub-gradient and a threshold (Neyshabur 2020, Algorithm 1).

    .. math::
        \begin{aligned}
            &\textbf{input}: \eta \text{ (lr)}, \: \lambda \text{ (l1)}, \: \beta \text{ (beta)},
                \: \theta_0 \text{ (params)}, \: f(\theta) \text{ (objective)}                 \\
            &\textbf{for} \: t = 1 \: \textbf{to} \: \ldots \: \textbf{do}                      \\
            &\hspace{5mm} g_t \leftarrow \nabla_\theta f_t(\theta_{t-1})                        \\
            &\hspace{5mm} \theta_t \leftarrow \theta_{t-1}
                - \eta \, (g_t + \lambda \, \mathrm{sign}(\theta_{t-1}))                        \\
            &\hspace{5mm} \theta_t \leftarrow \theta_t \cdot
                \mathbf{1}[\, |\theta_t| \geq \beta\lambda \,]                                  \\
            &\textbf{return} \: \theta_t
        \end{aligned}

    :math:`\beta = 0` is plain sub-gradient :math:`\ell_1` and makes no zeros; :math:`\lambda = 0`
    is plain SGD, bit for bit unless compiled. The threshold is :math:`\beta\lambda`, whatever the
    learning rate: for the LASSO's own step see :class:`.ProximalL1`.

    A parameter of half precision may have its weights in full precision in its state, under
    `FULL_PRECISION` and of its shape: the step is taken there, and the parameter gets a rounded
    copy.

    A weight at zero returns if one step carries it past the threshold. With `frozen_zeros` it does
    not: the same algorithm as one-way pruning, and not the paper's.

    Args:
        params: parameters or parameter groups; a group may have its own `lr`, `l1` and `beta`
            (use ``l1=0`` for biases and batch normalisation). A group of one parameter may have
            `relative_l1`, a tensor of its shape: λ of each weight, in units of `l1`.
        lr: learning rate η, at least 0; it may be a tensor without dimensions, which is read where
            the weights are.
        l1: ℓ1 coefficient λ, at least 0.
        beta: threshold coefficient β, at least 0, in units of λ.
        frozen_zeros: keep zeros at zero, in groups that have a threshold.
        compiled: fuse the update to one pass over memory with ``torch.compile``; equal up to
            rounding. Without a compiler it warns once and steps without.

    Raises:
        ValueError: a hyperparameter is negative or not finite, or `relative_l1` of another shape.
        RuntimeError: (in `step`) a gradient is sparse.

    Warns:
        UserWarning: βλ exceeds the largest weight of a group, so the first step all but empties it.

    Example:
        >>> model = torch.nn.Linear(3072, 256, bias=False)
        >>> optimizer = BetaLasso(model.parameters(), lr=0.1, l1=2e-5, beta=50)
    """

    _frames = 2  # from a warning of `add_param_group` to its caller

    further_keys = ("relative_l1",)
    fused = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.1,
        l1: float = 0.0,
        beta: float = 0.0,
        *,
        frozen_zeros: bool = False,
        compiled: bool = False,
    ) -> None:
        self.compiled = compiled
        defaults = {"lr": lr, "l1": l1, "beta": beta, "frozen_zeros": frozen_zeros}
        self._frames = 5  # torch's constructor adds the groups
        super().__init__(params, defaults)
        del self._frames

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; see the class for its hyperparameters."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        if "relative_l1" in group:
            try:
                _check_relative_l1(group["relative_l1"], group["params"])
            except ValueError:
                del self.param_groups[-1]
                raise
        threshold = group["beta"] * group["l1"]
        weights = [p.detach() for p in group["params"] if p.numel() and not p.is_meta]
        if (
            threshold > 0
            and weights
            and threshold > (largest := max(float(p.abs().max()) for p in weights))
        ):
            warnings.warn(
                f"beta * l1 = {threshold:g} exceeds the largest weight, {largest:g}: "
                "the first step will prune almost all weights of this group; lower beta or l1",
                stacklevel=self._frames,
            )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` returned, perhaps on another device.

        Raises:
            ValueError: a hyperparameter is out of range or does not fit, or the groups differ.
        """
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=False):
            if "relative_l1" in saved:
                _check_relative_l1(saved["relative_l1"], group["params"])
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            if "relative_l1" in group:  # torch moves tensors of the state, but not of groups
                group["relative_l1"] = group["relative_l1"].to(group["params"][0].device)

    def _update(self, pairs: Sequence[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        l1, beta = float(group["l1"]), float(group["beta"])
        frozen = group["frozen_zeros"] and beta * l1 > 0
        relative = [group["relative_l1"]] if "relative_l1" in group else []
        work = []
        for param, grad in pairs:
            theta, copies = self._weights(param)
            work.append([theta, grad, *relative, *copies])
        eager, fused = (
            (_step_with_relative_l1, fused_relative_l1)
            if relative
            else (_beta_lasso_step, fused_beta_lasso)
        )
        numbers = [group["lr"], l1, beta * l1]
        take_steps(work, numbers, frozen, eager=eager, fused=fused if self.compiled else None)


def _check_relative_l1(relative: object, params: Sequence[Tensor]) -> None:
    shapes = ", ".join(str(tuple(param.shape)) for param in params)
    if not isinstance(relative, Tensor) or [relative.shape] != [param.shape for param in params]:
        raise ValueError(f"relative_l1: give one tensor of the group's one shape; it has {shapes}")
    if not ((relative >= 0) & relative.isfinite()).all():
        raise ValueError("relative_l1: values must be finite and not negative")


def _beta_lasso_step(
    lr: float | Tensor,
    l1: float,
    threshold: float,
    frozen: bool,
    theta: Tensor,
    grad: Tensor,
    *copies: Tensor,
) -> None:
    kept = theta != 0 if frozen else None
    direction = torch.sign(theta).mul_(l1).add_(grad) if l1 > 0 else grad
    move(theta, direction, lr)
    if threshold > 0 and type(theta) not in (Tensor, Parameter):
        theta.masked_fill_(theta.abs() < threshold, 0)  # a DTensor has no hardshrink
    elif threshold > 0:
        torch.hardshrink(theta, _largest_below(threshold, theta.dtype), out=theta)
    if kept is not None:
        theta.mul_(kept)
    for copy in copies:
        copy.copy_(theta)


def _step_with_relative_l1(
    lr: float | Tensor,
    l1: float,
    threshold: float,
    frozen: bool,
    theta: Tensor,
    grad: Tensor,
    relative: Tensor,
    *copies: Tensor,
) -> None:
    pruned = theta == 0 if frozen else torch.zeros_like(theta, dtype=torch.bool)
    move(theta, torch.sign(theta).mul_(relative).mul_(l1).add_(grad), lr)
    theta.masked_fill_(pruned | (theta.abs() < relative * threshold), 0)
    for copy in copies:
        copy.copy_(theta)


@functools.lru_cache
def _largest_below(threshold: float, dtype: torch.dtype) -> float:
    """Return the next smaller number of this type: hardshrink keeps only what exceeds its bound."""
    value = torch.tensor(threshold, dtype=dtype)
    return float(torch.nextafter(value, torch.zeros_like(value)))
