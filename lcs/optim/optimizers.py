r"""Optimizers that make weights exactly zero.

`BetaLasso` is the paper's algorithm, `algorithm_1` the same in the paper's notation, and
`ProximalL1` the step that solves the LASSO: the two differ in what they do to small weights.
`SGD` is what both are compared to. The compiled steps are in `lcs.optim.fused_steps`.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from lcs.optim.fused_steps import fused_beta_lasso, fused_sgd, take_steps


def algorithm_1(
    gradient: Callable[[Tensor], Tensor],
    θ: Tensor,
    λ: float | Tensor,
    β: float | Tensor,
    η: float,
    τ: int,
) -> Tensor:
    """β-LASSO as the paper writes it (Neyshabur 2020, Algorithm 1): the reference for tests.

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


# key in the state of a parameter that is a rounded copy: its weights in full precision
FULL_PRECISION = "full_precision"


class _Optimizer(Optimizer):
    """What all optimizers share: validated groups, closures, and one pass over the parameters."""

    # not a hyperparameter: how steps are computed is not part of the state that is saved
    compiled = False

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        for name, value in defaults.items():
            _check(name, value)
        super().__init__(params, defaults)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy of the optimizer needs."""
        return super().__getstate__() | {"compiled": self.compiled}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with hyperparameters of its own.

        Raises:
            ValueError: a hyperparameter is negative or not finite.
        """
        for name in self.defaults:
            if name in param_group:
                _check(name, param_group[name])
        super().add_param_group(param_group)

    @overload
    def step(self, closure: None = ...) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient.

        Args:
            closure: re-evaluates the model and returns the loss (optional).

        Raises:
            RuntimeError: a gradient is sparse.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            pairs = [(p, p.grad) for p in group["params"] if p.grad is not None]
            if any(grad.layout != torch.strided for _, grad in pairs):
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            if pairs:
                self._update(pairs, group)
        return loss

    def _update(self, pairs: Sequence[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        """Update the parameters of a group, each given with its gradient."""
        raise NotImplementedError

    def _weights(self, param: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the weights of a parameter, and its rounded copy of them if it is one."""
        full = self.state[param].get(FULL_PRECISION) if param in self.state else None
        return (param, []) if full is None else (full, [param])


class BetaLasso(_Optimizer):
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
    learning rate: for the LASSO's own step see :class:`ProximalL1`.

    A parameter of half precision may have its weights in full precision in its state, under
    `FULL_PRECISION` and of its shape: the step is taken there, and the parameter gets a rounded
    copy.

    A weight at zero returns if one step carries it past the threshold. With `frozen_zeros` it does
    not: the same algorithm as one-way pruning, and not the paper's.

    Args:
        params: parameters or parameter groups; a group may have its own `lr`, `l1` and `beta`
            (use ``l1=0`` for biases and batch normalisation). A group of one parameter may have
            `relative_l1`, a tensor of its shape: λ of each weight, in units of `l1`. Its steps
            are not compiled.
        lr: learning rate η, at least 0.
        l1: ℓ1 coefficient λ, at least 0.
        beta: threshold coefficient β, at least 0, in units of λ.
        frozen_zeros: keep zeros at zero, in groups that have a threshold.
        compiled: fuse the update to one pass over memory with ``torch.compile``; equal up to
            rounding. Without a compiler it warns once and steps without.

    Raises:
        ValueError: a hyperparameter is negative or not finite.
        RuntimeError: (in `step`) a gradient is sparse.

    Warns:
        UserWarning: βλ exceeds the largest weight of a group, so the first step all but empties it.

    Example:
        >>> model = torch.nn.Linear(3072, 256, bias=False)
        >>> optimizer = BetaLasso(model.parameters(), lr=0.1, l1=2e-5, beta=50)
    """

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
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; see the class for its hyperparameters."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        threshold = group["beta"] * group["l1"]
        weights = [p.detach() for p in group["params"] if p.numel() and not p.is_meta]
        if (
            threshold > 0
            and weights
            and threshold > (largest := max(float(p.abs().max()) for p in weights))
        ):
            warnings.warn(
                f"beta * l1 = {threshold:g} exceeds the largest weight, {largest:g}: "
                "the first step sets to zero all that it does not carry past it; lower beta or l1",
                stacklevel=5,
            )

    def _update(self, pairs: Sequence[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        lr, l1, beta = (float(group[name]) for name in ("lr", "l1", "beta"))
        frozen = group["frozen_zeros"] and beta * l1 > 0
        relative = [group["relative_l1"]] if "relative_l1" in group else []
        work = []
        for param, grad in pairs:
            theta, copies = self._weights(param)
            work.append([theta, grad, *relative, *copies])
        take_steps(
            work, [lr, l1, beta * l1], frozen,
            eager=_step_with_relative_l1 if relative else _beta_lasso_step,
            fused=fused_beta_lasso if self.compiled and not relative else None,
        )  # fmt: skip


def _beta_lasso_step(
    lr: float,
    l1: float,
    threshold: float,
    frozen: bool,
    theta: Tensor,
    grad: Tensor,
    *copies: Tensor,
) -> None:
    kept = theta != 0 if frozen else None
    direction = torch.sign(theta).mul_(l1).add_(grad) if l1 > 0 else grad
    theta.add_(direction, alpha=-lr)
    if threshold > 0:
        torch.hardshrink(theta, _largest_below(threshold, theta.dtype), out=theta)
    if kept is not None:
        theta.mul_(kept)
    for copy in copies:
        copy.copy_(theta)


def _step_with_relative_l1(
    lr: float,
    l1: float,
    threshold: float,
    frozen: bool,
    theta: Tensor,
    grad: Tensor,
    relative: Tensor,
    *copies: Tensor,
) -> None:
    pruned = theta == 0 if frozen else torch.zeros_like(theta, dtype=torch.bool)
    theta.sub_(torch.sign(theta).mul_(relative).mul_(l1).add_(grad), alpha=lr)
    theta.masked_fill_(pruned | (theta.abs() < relative * threshold), 0)
    for copy in copies:
        copy.copy_(theta)


@functools.lru_cache
def _largest_below(threshold: float, dtype: torch.dtype) -> float:
    """Return the next smaller number of this type: hardshrink keeps only what exceeds its bound."""
    value = torch.tensor(threshold, dtype=dtype)
    return float(torch.nextafter(value, torch.zeros_like(value)))


class ProximalL1(_Optimizer):
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


class Spred(_Optimizer):
    r"""SGD on the factors of each weight, with weight decay: the ℓ1 penalty without a kink.

    .. math::
        \theta = u \odot v, \qquad \min_{u, v} f(u \odot v) + \frac{\lambda}{2}
        \left( \|u\|_2^2 + \|v\|_2^2 \right) = \min_\theta f(\theta) + \lambda \|\theta\|_1

    (Ziyin & Wang, ICML 2023). Factors of equal size could never change the sign of their product.
    So they start with :math:`u^2 - v^2 = \mathrm{mean}\,|\theta|` over the parameter, u > 0; weight
    decay removes the difference. Weights tend to zero and do not reach it: cut them by size.

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
            if not state:
                half = param.detach().abs().mean() / 2
                u = (half + torch.hypot(half, param.detach())).sqrt_()
                state["factors"] = torch.stack([u, torch.where(u > 0, param / u, 0)])
                state["velocities"] = torch.zeros_like(state["factors"])
            factors, velocities = state["factors"], state["velocities"]
            velocities.mul_(momentum).add_(factors.flip(0) * grad).add_(factors, alpha=l1)
            factors.sub_(velocities, alpha=lr)
            torch.mul(*factors, out=param)


class SGD(_Optimizer):
    r"""SGD with momentum and weight decay, as `torch.optim.SGD`, in one pass over memory.

    .. math::
        v_t \leftarrow \mu v_{t-1} + \nabla f(\theta_{t-1}) + w \theta_{t-1}, \qquad
        \theta_t \leftarrow \theta_{t-1} - \eta v_t

    A parameter of half precision may have its weights under `FULL_PRECISION` in its state, as with
    :class:`BetaLasso`: momentum is of full precision too.

    Args:
        params: parameters or parameter groups; a group may have its own hyperparameters.
        lr: learning rate η, at least 0.
        momentum: μ, at least 0.
        weight_decay: w, the coefficient of half the squared ℓ2 norm, at least 0.
        compiled: fuse the update to one pass over memory with ``torch.compile``; equal to
            `torch.optim.SGD` up to rounding. Without, or without a compiler, weights of full
            precision have the same bits.

    Raises:
        ValueError: a hyperparameter is negative or not finite.
        RuntimeError: (in `step`) a gradient is sparse.
    """

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
        numbers = [float(group[name]) for name in ("lr", "momentum", "weight_decay")]
        work = []
        for param, grad in pairs:
            theta, copies = self._weights(param)
            state = self.state[param]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(theta)
            work.append([theta, grad, state["momentum_buffer"], *copies])
        take_steps(work, numbers, eager=_sgd_step, fused=fused_sgd if self.compiled else None)


def _sgd_step(
    lr: float,
    momentum: float,
    weight_decay: float,
    theta: Tensor,
    grad: Tensor,
    velocity: Tensor,
    *copies: Tensor,
) -> None:
    """Step with the operations of `torch.optim.SGD`."""
    direction = torch.add(grad, theta, alpha=weight_decay) if weight_decay else grad
    velocity.mul_(momentum).add_(direction)
    theta.add_(velocity, alpha=-lr)
    for copy in copies:
        copy.copy_(theta)


def replace_parameter(optimizer: Optimizer, old: Parameter, new: Parameter) -> dict[str, Any]:
    """Put a parameter in the place of another in an optimizer, with its state; return its group.

    Raises:
        RuntimeError: the optimizer does not hold the old one, or holds it as a rounded copy, which
            cannot stand for its weights.
    """
    if FULL_PRECISION in optimizer.state.get(old, {}):
        raise RuntimeError("the parameter is a rounded copy; enter bf16_weights last")
    for group in optimizer.param_groups:
        for place, param in enumerate(group["params"]):
            if param is old:
                group["params"][place] = new
                if old in optimizer.state:
                    optimizer.state[new] = optimizer.state.pop(old)
                return group
    raise RuntimeError("the optimizer does not hold the parameter that is to be replaced")


def _check(name: str, value: Any) -> None:
    if name == "frozen_zeros":
        if not isinstance(value, bool):
            raise ValueError(f"{name}: {value!r} is neither True nor False")
        return
    number = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise ValueError(f"{name}: {value!r} is not a number")
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{name}: {number!r} must be finite and not negative")
