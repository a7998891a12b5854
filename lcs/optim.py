r"""Optimizers that make weights exactly zero.

`BetaLasso` is the paper's algorithm, `algorithm_1` the same in the paper's notation, and
`ProximalL1` the step that solves the LASSO: the two differ in what they do to small weights.
`SGD` is what both are compared to.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, overload

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Optimizer


def algorithm_1(
    gradient: Callable[[Tensor], Tensor],
    θ: Tensor,
    λ: float,
    β: float,
    η: float,
    τ: int,
) -> Tensor:
    """β-LASSO as the paper writes it (Neyshabur 2020, Algorithm 1): the reference for tests.

    Args:
        gradient: ∇f, from parameters to a tensor of the same shape.
        θ: initial parameters, any shape.
        λ: ℓ1 coefficient.
        β: threshold coefficient.
        η: learning rate.
        τ: number of updates.

    Returns:
        The parameters after τ updates; `θ` itself is left as it was.
    """
    for _ in range(τ):
        θ = θ - η * (gradient(θ) + λ * torch.sign(θ))
        θ = θ * (θ.abs() >= β * λ)
    return θ


# key in the state of a parameter that is a rounded copy: the weights themselves
MASTER = "master"


class _Optimizer(Optimizer):
    """What all optimizers share: validated groups, closures, and one pass over the parameters."""

    # how the step is taken, by attribute: not part of the state that is saved, but of a copy
    paths: ClassVar[dict[str, Any]] = {}

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        for name, value in defaults.items():
            _check(name, value)
        super().__init__(params, defaults)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: torch's own state, and what stands beside it."""
        return super().__getstate__() | {name: getattr(self, name) for name in self.paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy; `load_state_dict` comes here too, with torch's own state alone."""
        super().__setstate__(state)
        for name, value in self.paths.items():
            self.__dict__.setdefault(name, value)

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
            params = [p for p in group["params"] if p.grad is not None]
            grads = [_dense(p.grad, type(self).__name__) for p in params]
            if params:
                self._update(params, grads, group)
        return loss

    def _update(self, params: list[Tensor], grads: list[Tensor], group: dict[str, Any]) -> None:
        raise NotImplementedError


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

    A parameter of half precision may have a `MASTER` in its state, a tensor of its shape in full
    precision: the step is taken there, and the parameter gets a rounded copy.

    A weight at zero returns if one step carries it past the threshold. With `frozen_zeros` it does
    not: the same algorithm as one-way pruning, and not the paper's.

    Args:
        params: parameters or parameter groups; a group may have its own `lr`, `l1` and `beta`
            (use ``l1=0`` for biases and batch normalisation).
        lr: learning rate η, at least 0.
        l1: ℓ1 coefficient λ, at least 0.
        beta: threshold coefficient β, at least 0, in units of λ.
        frozen_zeros: keep zeros at zero, in groups that have a threshold.
        foreach: update all parameters of a group by one call per operation; the default does so
            on accelerators, where many small calls are slow. The numbers are the same.
        compiled: fuse the update to one pass over memory with ``torch.compile``; equal to the
            other paths up to rounding. Without a compiler it warns once and falls back.

    Raises:
        ValueError: a hyperparameter is negative or not finite.
        RuntimeError: (in `step`) a gradient is sparse.

    Warns:
        UserWarning: βλ exceeds the largest weight of a group, so the first step all but empties it.

    Example:
        >>> model = torch.nn.Linear(3072, 256, bias=False)
        >>> optimizer = BetaLasso(model.parameters(), lr=0.1, l1=2e-5, beta=50)
    """

    paths: ClassVar[dict[str, Any]] = {"foreach": None, "compiled": False}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.1,
        l1: float = 0.0,
        beta: float = 0.0,
        *,
        frozen_zeros: bool = False,
        foreach: bool | None = None,
        compiled: bool = False,
    ) -> None:
        self.foreach = foreach
        self.compiled = compiled
        defaults = {"lr": lr, "l1": l1, "beta": beta, "frozen_zeros": frozen_zeros}
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy, also one from before `frozen_zeros`."""
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("frozen_zeros", False)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; see the class for its hyperparameters."""
        super().add_param_group(param_group)
        _warn_if_emptied(self.param_groups[-1])

    def _update(self, params: list[Tensor], grads: list[Tensor], group: dict[str, Any]) -> None:
        lr, l1, beta = (float(group[name]) for name in ("lr", "l1", "beta"))
        step = _Step(lr, l1, beta * l1, group["frozen_zeros"] and beta * l1 > 0)
        masters = [self.state.get(param, {}).get(MASTER) for param in params]
        work = [
            _Work(param, grad, []) if master is None else _Work(master, grad, [param])
            for param, grad, master in zip(params, grads, masters, strict=True)
        ]
        if self.compiled and compiler_works(params[0].device):
            _compiled_update(work, step)
        elif self.foreach or (self.foreach is None and not _on_cpu(params)):
            _foreach_update(work, step)
        else:
            for one in work:
                _chunked_update(one, step)


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

    def _update(self, params: list[Tensor], grads: list[Tensor], group: dict[str, Any]) -> None:
        lr, l1 = float(group["lr"]), float(group["l1"])
        for param, grad in zip(params, grads, strict=True):
            param.add_(grad, alpha=-lr)
            if l1 > 0:
                param.copy_(F.softshrink(param, lr * l1))


class SGD(_Optimizer):
    r"""SGD with momentum and weight decay, as `torch.optim.SGD`, in one pass over memory.

    .. math::
        v_t \leftarrow \mu v_{t-1} + \nabla f(\theta_{t-1}) + w \theta_{t-1}, \qquad
        \theta_t \leftarrow \theta_{t-1} - \eta v_t

    A parameter of half precision may have a `MASTER` in its state, as with :class:`BetaLasso`:
    momentum is of full precision too.

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

    paths: ClassVar[dict[str, Any]] = {"compiled": False}

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

    def _update(self, params: list[Tensor], grads: list[Tensor], group: dict[str, Any]) -> None:
        numbers = [float(group[name]) for name in ("lr", "momentum", "weight_decay")]
        work = [self._tensors(*pair) for pair in zip(params, grads, strict=True)]
        compiled = self.compiled and compiler_works(params[0].device)
        on_device = _numbers(numbers, work[0][0]) if compiled else []
        for tensors in work:
            if compiled and _fusible(*tensors):
                flat = _flat(*tensors)
                _compiled(_fused_sgd)(*flat[:3], *on_device, *flat[3:])
                continue
            for piece in _pieces(*tensors):
                _sgd_update_(piece, *numbers)

    def _tensors(self, param: Tensor, grad: Tensor) -> list[Tensor]:
        """Return the weights, their gradient and momentum, and a rounded copy if there is one."""
        state = self.state[param]
        theta, copies = (state[MASTER], [param]) if MASTER in state else (param, [])
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(theta)
        return [theta, grad, state["momentum_buffer"], *copies]


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


def _dense(grad: Tensor | None, optimizer: str) -> Tensor:
    assert grad is not None
    if grad.layout != torch.strided:
        raise RuntimeError(f"{optimizer} does not support sparse gradients")
    return grad


def _on_cpu(params: list[Tensor]) -> bool:
    return params[0].device.type == "cpu"


def _warn_if_emptied(group: dict[str, Any]) -> None:
    threshold = group["beta"] * group["l1"]
    weights = [p.detach() for p in group["params"] if p.numel() and not p.is_meta]
    if threshold > 0 and weights:
        largest = max(float(p.abs().max()) for p in weights)
        if threshold > largest:
            warnings.warn(
                f"beta * l1 = {threshold:g} exceeds the largest weight, {largest:g}: "
                "the first step sets to zero all that it does not carry past it; lower beta or l1",
                stacklevel=6,
            )


@functools.lru_cache
def _largest_below(threshold: float, dtype: torch.dtype) -> float:
    """Return the next smaller number of this type: hardshrink keeps only what exceeds its bound."""
    value = torch.tensor(threshold, dtype=dtype)
    return float(torch.nextafter(value, torch.zeros_like(value)))


def _threshold_(theta: Tensor, threshold: float) -> None:
    if threshold > 0:
        torch.hardshrink(theta, _largest_below(threshold, theta.dtype), out=theta)


class _Step(NamedTuple):
    """The numbers of one β-LASSO step; threshold: βλ."""

    lr: float
    l1: float
    threshold: float
    frozen: bool


def _update_(theta: Tensor, grad: Tensor, step: _Step) -> None:
    kept = theta != 0 if step.frozen else None
    direction = torch.sign(theta).mul_(step.l1).add_(grad) if step.l1 > 0 else grad
    theta.add_(direction, alpha=-step.lr)
    _threshold_(theta, step.threshold)
    if kept is not None:
        theta.mul_(kept)


# so many elements that the temporaries of one update stay in a processor's caches
_CHUNK = 1 << 19


class _Work(NamedTuple):
    """Weights to update, their gradient, and a rounded copy to keep up, if there is one."""

    theta: Tensor
    grad: Tensor
    copies: list[Tensor]


def _chunked_update(work: _Work, step: _Step) -> None:
    for theta, grad, *copies in _pieces(work.theta, work.grad, *work.copies):
        _update_(theta, grad, step)
        for copy in copies:
            copy.copy_(theta)


def _pieces(*tensors: Tensor) -> Iterable[tuple[Tensor, ...]]:
    whole = tensors[0].numel() <= _CHUNK or not tensors[0].is_cpu
    if whole or not _contiguous(*tensors):
        return [tensors]
    return zip(*(tensor.view(-1).split(_CHUNK) for tensor in tensors), strict=True)


def _contiguous(*tensors: Tensor) -> bool:
    return all(tensor.is_contiguous() for tensor in tensors)


def _foreach_update(work: Sequence[_Work], step: _Step) -> None:
    for thetas, gradients in _batches([one.theta for one in work], [one.grad for one in work]):
        kept = [theta != 0 for theta in thetas] if step.frozen else []
        directions = gradients
        if step.l1 > 0:
            directions = list(torch._foreach_sign(thetas))
            torch._foreach_mul_(directions, step.l1)
            torch._foreach_add_(directions, gradients)
        torch._foreach_add_(thetas, directions, alpha=-step.lr)
        for theta in thetas:
            _threshold_(theta, step.threshold)
        if kept:
            torch._foreach_mul_(thetas, kept)
    for one in work:
        for copy in one.copies:
            copy.copy_(one.theta)


def _batches(
    params: list[Tensor], grads: list[Tensor]
) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """Yield lists for one call per operation: all at once, or on a CPU what its caches hold.

    There each call is a loop, and temporaries of full size cost more than the arithmetic.
    """
    if not _on_cpu(params):
        yield params, grads
        return
    batch: tuple[list[Tensor], list[Tensor]] = ([], [])
    size = 0
    for pair in zip(params, grads, strict=True):
        for theta, grad in _pieces(*pair):
            if size and size + theta.numel() > _CHUNK:
                yield batch
                batch, size = ([], []), 0
            batch[0].append(theta)
            batch[1].append(grad)
            size += theta.numel()
    yield batch


def _fused(
    theta: Tensor,
    grad: Tensor,
    lr: Tensor,
    l1: Tensor,
    threshold: Tensor,
    frozen: bool,
    *copies: Tensor,
) -> None:
    _mind_wide_loads(theta)
    moved = theta - lr * (grad + l1 * torch.sign(theta))
    gone = moved.abs() < threshold  # false for NaN, which is to be seen
    if frozen:
        gone = gone | (theta == 0)
    result = torch.where(gone, torch.zeros_like(moved), moved)
    theta.copy_(result)
    for copy in copies:
        copy.copy_(result)


def _sgd_update_(
    tensors: Sequence[Tensor], lr: float, momentum: float, weight_decay: float
) -> None:
    """Step with the operations of `torch.optim.SGD`."""
    theta, grad, buffer, *copies = tensors
    direction = torch.add(grad, theta, alpha=weight_decay) if weight_decay else grad
    buffer.mul_(momentum).add_(direction)
    theta.add_(buffer, alpha=-lr)
    for copy in copies:
        copy.copy_(theta)


def _fused_sgd(
    theta: Tensor,
    grad: Tensor,
    buffer: Tensor,
    lr: Tensor,
    momentum: Tensor,
    weight_decay: Tensor,
    *copies: Tensor,
) -> None:
    _mind_wide_loads(theta)
    velocity = momentum * buffer + (grad + weight_decay * theta)
    moved = theta - lr * velocity
    buffer.copy_(velocity)
    for tensor in (theta, *copies):
        tensor.copy_(moved)


def _mind_wide_loads(theta: Tensor) -> None:
    """Compile apart for sizes that 16 divides: knowing it, a GPU's kernel reads many at once."""
    if theta.is_cuda and theta.numel() % 16 == 0:
        torch._check(theta.numel() % 16 == 0)


@functools.cache
def _compiled(update: Callable[..., None]) -> Callable[..., None]:
    # dynamic threads: all cores, however small the first tensor and however many there were then
    return torch.compile(update, dynamic=True, options={"cpp.dynamic_threads": True})


def _compiled_update(work: Sequence[_Work], step: _Step) -> None:
    numbers = _numbers(step[:3], work[0].theta)
    for one in work:
        theta, grad, copies = one
        if not _fusible(theta, grad, *copies):
            _chunked_update(one, step)
            continue
        flat = _flat(theta, grad, *copies)
        _compiled(_fused)(*flat[:2], *numbers, step.frozen, *flat[2:])


# tensors and flat: neither a new learning rate nor a new shape may compile anew


def _fusible(*tensors: Tensor) -> bool:
    return tensors[0].numel() > 1 and _contiguous(*tensors)


def _flat(*tensors: Tensor) -> list[Tensor]:
    return [tensor.view(-1).detach() for tensor in tensors]


def _numbers(values: Iterable[float], like: Tensor) -> list[Tensor]:
    # filled on the device: a copy from the host would wait for all that it has to do
    return [torch.full((), value, dtype=like.dtype, device=like.device) for value in values]


@functools.cache
def compiler_works(device: torch.device) -> bool:
    """Whether `torch.compile` works for this device; say so once where it does not."""
    try:
        # on a GPU the first tensor decides how large the blocks of all later ones are
        probe = torch.ones(8 if device.type == "cpu" else _CHUNK, device=device)
        numbers = torch.tensor([0.1, 0.1, 0.1], device=device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _compiled(_fused)(probe, probe.clone(), *numbers, False)
    except Exception as error:  # any failure of the tool chain: the eager path is always there
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        warnings.warn(
            f"torch.compile does not work here ({reason}); optimizers step without it",
            stacklevel=2,
        )
        return False
    return True
