"""β-LASSO, the paper's algorithm: SGD with an ℓ1 sub-gradient and a threshold. Needs torch alone.

`algorithm_1` is the same in the paper's notation, `ProximalL1` the step that solves the LASSO.
"""

import difflib
import functools
import math
import numbers
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import is_fake
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

# keys in the state of a parameter: of a rounded copy, its weights in full precision; and its mask,
# bool and of its shape, outside of which the optimizer sees no gradient
FULL_PRECISION, MASK = "full_precision", "mask"
CHUNK = 1 << 19  # elements of which the temporaries of one update stay in a processor's caches

# not 0, hyperparameters of others do nothing here (idle) or are refused (foreign), and states with
# one of these, or of what tells another optimizer; familiar ones are no misspelt ones of ours
IDLE = {"weight_decay", "momentum", "dampening", "l1", "beta"}
FOREIGN, TELLING = {"nesterov", "maximize"}, {"eps", "max_iter", "lambd", "etas"}
FAMILIAR = {"betas", "base_momentum", "max_momentum"}

Number = float | Tensor
Step = Callable[..., None]


def algorithm_1(
    gradient: Callable[[Tensor], Tensor], θ: Tensor, λ: Number, β: Number, η: float, τ: int
) -> Tensor:
    """Return θ after τ updates of β-LASSO as the paper writes it (Neyshabur 2020, Algorithm 1).

    `gradient` is ∇f, η the learning rate; θ has any shape, λ and β are numbers or of shapes that
    broadcast against it.
    """
    for _ in range(τ):
        θ = θ - η * (gradient(θ) + λ * torch.sign(θ))
        θ = θ * (θ.abs() >= β * λ)
    return θ


class CheckedOptimizer(Optimizer):
    """What the optimizers share: checked groups and states, closures and masks."""

    state_keys: frozenset[str] = frozenset()  # that the state of a parameter may have
    compiled = False  # how steps are computed is not part of the state that is saved

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        """Update every parameter that has a gradient; return what a closure returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if any(p.grad.layout != torch.strided for p in params):
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            for param in params:
                if param in self.state and MASK in self.state[param]:
                    param.grad.mul_(self.state[param][MASK])
            if params:
                self._update(params, group)
        return loss

    def _update(self, params: Sequence[Tensor], group: dict[str, Any]) -> None:
        raise NotImplementedError

    def _tensors(self, param: Tensor, *others: Tensor) -> list[Any]:
        """Return weights, gradient, others and, of a rounded copy, the copy."""
        full = self.state[param].get(FULL_PRECISION) if param in self.state else None
        return [param, param.grad, *others] if full is None else [full, param.grad, *others, param]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; ValueError for a missing or wrong hyperparameter."""
        super().add_param_group(param_group)
        try:
            self._check_group(self.param_groups[-1])
        except BaseException:
            del self.param_groups[-1]
            raise

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` returned, in its precision; ValueError for another's state."""
        loaded: dict[str, Any] = {}  # what all other hooks have made of it
        hook = self.register_load_state_dict_pre_hook(lambda _, state: loaded.update(state))
        try:
            super().load_state_dict(state_dict)
        finally:
            hook.remove()
        names, params = ([p for group in groups for p in group["params"]]
                         for groups in (loaded["param_groups"], self.param_groups))  # fmt: skip
        for name, param in zip(names, params, strict=True):
            for key, value in loaded["state"].get(name, {}).items():
                if value is not None and value.dtype != self.state[param][key].dtype:
                    self.state[param][key] = value.to(param.device, copy=True)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"compiled": self.compiled}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "defaults" not in state:  # no copy, but what is loaded: nothing has changed yet
            self._check_state(state["state"], state["param_groups"])
        super().__setstate__(state)
        self.defaults.pop("differentiable", None)  # torch adds it

    def _check_group(self, group: dict[str, Any]) -> None:
        """Raise ValueError for what is wrong in a group; warn of what does nothing."""
        defaults, kind = self.defaults, type(self).__name__
        if any(param.is_complex() for param in group["params"]):
            raise ValueError("params: complex ones are not supported; give torch.view_as_real")
        for name, value in group.items():
            if name in defaults and value is not None:
                one = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
                flag = name == "frozen_zeros"
                if not isinstance(one, numbers.Real) or isinstance(one, bool) != flag:
                    raise ValueError(f"{name}: {value!r} is of a wrong type")
                if not 0 <= float(one) < math.inf:
                    raise ValueError(f"{name}: {one!r} must be finite and not negative")
            elif name in FOREIGN and value:
                raise ValueError(f"{name}: not supported by {kind}")
            elif name in IDLE and value:
                _warn(f"{name}: does nothing in {kind}")
            elif name not in {*FAMILIAR, *defaults, "relative_l1"} and (
                like := difflib.get_close_matches(name.lower(), defaults, 1, cutoff=0.75)
            ):
                raise ValueError(f"{name}: unknown; did you mean {like[0]}?")
        if missing := [name for name in defaults if group[name] is None]:
            raise ValueError(f"{', '.join(missing)}: missing; give a value, which may be 0")

    def _check_state(self, state: dict[Tensor, Any], groups: list[dict[str, Any]]) -> None:
        """Refuse another optimizer's state; add what one may lack: own masks, defaults."""
        for group, own in zip(groups, self.param_groups, strict=True):
            if any(group.get(name) for name in (IDLE | FOREIGN | TELLING) - own.keys()):
                raise ValueError("the state is of another optimizer")
            group.update({name: own[name] for name in self.defaults.keys() - group.keys()})
            self._check_group(group)
        for param, entries in self.state.items():
            if MASK in entries:
                state[param].setdefault(MASK, entries[MASK])
        for param, entries in state.items():
            for name, value in [*entries.items()]:
                if value is None:  # as torch's SGD has it
                    del entries[name]
                elif name not in self.state_keys | {FULL_PRECISION, MASK}:
                    raise ValueError(f"{name}: the state is of another optimizer")
                elif value.shape[value.ndim - param.ndim :] != param.shape:
                    raise ValueError(f"{name}: of another shape than its parameter")


class BetaLasso(CheckedOptimizer):
    r"""SGD with an :math:`\ell_1` sub-gradient and a threshold (Neyshabur 2020, Algorithm 1).

    .. math::
        \theta' \leftarrow \theta_{t-1}
            - \eta \, (\nabla f(\theta_{t-1}) + \lambda \, \mathrm{sign}(\theta_{t-1})), \qquad
        \theta_t \leftarrow \theta' \cdot \mathbf{1}[\, |\theta'| \geq \beta\lambda \,]

    β = 0 is plain sub-gradient ℓ1 and makes no zeros, λ = 0 plain SGD, bit for bit unless compiled.
    At η = 0 a step changes nothing. A weight at zero returns if one step carries it past βλ. A
    parameter of half precision may be a rounded copy of weights in its state (`FULL_PRECISION`).

    Args:
        params: parameters or groups with settings of their own (``l1=0`` for biases and batch
            normalisation); one of a single parameter may have `relative_l1`, λ / `l1` by weight.
        lr: learning rate η; a tensor is read where the weights are.
        l1: ℓ1 coefficient λ; needed unless every group has it, as is `beta`.
        beta: threshold coefficient β, in units of λ.
        frozen_zeros: keep zeros at zero, where there is a threshold: not the paper's algorithm.
        compiled: one pass over memory with ``torch.compile``, equal up to rounding; without a
            compiler it warns once and steps without.

    Raises ValueError for a hyperparameter that is missing, misspelt, negative or not finite;
    RuntimeError in `step` for a sparse gradient. Warns if the first step empties a parameter.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: Number = 0.1,
        l1: Number | None = None,
        beta: Number | None = None,
        *,
        frozen_zeros: bool = False,
        compiled: bool = False,
    ) -> None:
        self.compiled = compiled
        super().__init__(params, {"lr": lr, "l1": l1, "beta": beta, "frozen_zeros": frozen_zeros})

    def _update(self, params: Sequence[Tensor], group: dict[str, Any]) -> None:
        relative = [group["relative_l1"]] if "relative_l1" in group else []
        l1, threshold = float(group["l1"]), float(group["beta"]) * float(group["l1"])
        frozen, fused = group["frozen_zeros"] and threshold > 0, _fused if self.compiled else None
        for param in params:
            settings = group["lr"], l1, threshold, frozen, bool(relative)
            take_step(self._tensors(param, *relative), _eager, fused, *settings)

    def _check_group(self, group: dict[str, Any]) -> None:
        super()._check_group(group)
        if "relative_l1" in group:
            relative, params = group["relative_l1"], group["params"]
            fits = isinstance(relative, Tensor) and [relative.shape] == [p.shape for p in params]
            if not fits or not ((relative >= 0) & relative.isfinite()).all():
                raise ValueError("relative_l1: give a finite tensor, at least 0, for one parameter")
            group["relative_l1"] = relative.to(params[0].device)
        threshold = float(group["beta"]) * float(group["l1"])
        for param in group["params"]:
            if not threshold or is_lazy(param) or param.is_meta or is_fake(param):
                continue
            weights = getattr(param, "to_local", param.detach)().detach().abs()
            if 0 < (largest := weights.max() if weights.numel() else 0.0) < threshold:
                _warn(
                    f"beta * l1 = {threshold:g} exceeds the largest weight, {largest:g}: the first "
                    f"step will empty a parameter {(*param.shape,)}; lower beta or l1"
                )


class ProximalL1(CheckedOptimizer):
    r"""Proximal gradient descent on :math:`f(\theta) + \lambda \|\theta\|_1`: the LASSO's own step.

    .. math::
        \theta_t \leftarrow S_{\eta\lambda}(\theta_{t-1} - \eta \nabla f(\theta_{t-1})), \qquad
        S_a(x) = \mathrm{sign}(x) \, \max(|x| - a, 0)

    Also known as ISTA (Daubechies et al. 2004). On a convex f it converges to the LASSO solution,
    with the mean squared error that of scikit-learn's ``Lasso(alpha=l1 / 2)``. Arguments and errors
    are those of :class:`BetaLasso`.
    """

    def __init__(self, params: Iterable[Any], lr: Number = 0.1, l1: Number | None = None) -> None:
        super().__init__(params, {"lr": lr, "l1": l1})

    def _update(self, params: Sequence[Tensor], group: dict[str, Any]) -> None:
        lr, l1 = float(group["lr"]), float(group["l1"])
        for param in params:
            take_step([param, param.grad], _proximal, None, lr, l1)


def _eager(
    lr: Any, l1: float, threshold: float, frozen: bool, each: bool, *tensors: Tensor
) -> None:
    """Step weights by their gradient; λ of each weight comes next if it has one, then copies."""
    theta, grad, *others = tensors
    kept = theta != 0 if frozen else None
    direction = grad
    if l1 > 0:
        direction = torch.sign(theta).mul_(others[0] * l1 if each else l1).add_(grad)
    move(theta, direction, lr)
    if threshold > 0 and (each or isinstance(lr, Tensor) or torch.compiler.is_compiling()):
        below = theta.abs() < (others[0] * threshold if each else threshold)
        moves = (lr.to(theta.device) if isinstance(lr, Tensor) else lr) > 0
        theta.masked_fill_(below & moves, 0)
    elif threshold > 0 and lr > 0:
        torch.hardshrink(theta, _largest_below(threshold, theta.dtype), out=theta)
    if kept is not None:
        theta.mul_(kept)
    for copy in others[each:]:
        copy.copy_(theta)


def _fused(lr: Any, l1: Any, threshold: Any, frozen: bool, each: bool, *tensors: Tensor) -> None:
    theta, grad, *others = tensors
    if each:
        l1, threshold = l1 * others[0], threshold * others[0]
    moved = theta - lr * (grad + l1 * torch.sign(theta))
    pruned = moved.abs() < threshold * (lr > 0)  # false for NaN, which is not to be hidden
    if frozen:
        pruned = pruned | ((theta == 0) & moved.isfinite())
    result = torch.where(pruned, torch.zeros_like(moved), moved)
    for tensor in (theta, *others[each:]):
        tensor.copy_(result)


def _proximal(lr: float, l1: float, theta: Tensor, grad: Tensor) -> None:
    theta.add_(grad, alpha=-lr)
    if l1 > 0:
        theta.copy_(F.softshrink(theta, lr * l1))


def take_step(
    tensors: Sequence[Any], eager: Step, fused: Step | None, lr: Number, *settings: float
) -> None:
    """Step one parameter, in pieces that fit a cache, or compiled.

    The step, `eager` operation by operation or `fused` to be compiled, gets η, settings, then
    tensors: the weights and, of their shape, what goes with them.
    """
    lr = lr.reshape(()) if isinstance(lr, Tensor) else float(lr)
    if hasattr(tensors[0], "to_local"):  # distributed: of each, what is here of the weights
        layout = tensors[0].device_mesh, tensors[0].placements
        tensors = [tensor.redistribute(*layout).to_local() for tensor in tensors]
    theta, size = tensors[0], tensors[0].numel()
    # of half precision, results would be rounded after the threshold, not before
    whole = theta.dtype in (torch.float32, torch.float64)
    step = eager if whole else torch.compiler.disable(eager)
    flat = not torch.compiler.is_compiling()  # a caller may compile all of it
    flat = flat and all(t.is_contiguous() for t in tensors)
    if flat and fused and size > 1 and whole and compiler_works(theta.device):
        # flat tensors, and tensors as numbers, filled there: nothing new to compile for another
        # shape or learning rate, nor a copy from the host, which waits for all that is queued
        rate = lr.to(theta) if isinstance(lr, Tensor) else theta.new_full((), lr)
        rest = [theta.new_full((), n) if isinstance(n, float) else n for n in settings]
        _compiled(fused)(rate, *rest, *(tensor.view(-1).detach() for tensor in tensors))
    elif flat and size > CHUNK and theta.is_cpu:
        for pieces in zip(*(tensor.view(-1).split(CHUNK) for tensor in tensors), strict=True):
            step(lr, *settings, *pieces)
    else:
        step(lr, *settings, *tensors)


def move(theta: Tensor, direction: Tensor, lr: Number) -> None:
    """Move weights against a direction, by a number or a tensor on their device."""
    if isinstance(lr, Tensor):  # not a product, which would have the gradient's precision
        theta.addcmul_(direction, lr.to(theta.device), value=-1)
    else:
        theta.add_(direction, alpha=-lr)


@functools.cache
def _compiled(step: Step) -> Step:
    def specialized(*arguments: Any) -> None:
        size = arguments[-1].numel()
        if arguments[-1].is_cuda and size % 16 == 0:  # there a GPU's kernel can read many at once
            torch._check(size % 16 == 0)
        step(*arguments)

    # dynamic threads: all cores, however small the first tensor and however many there were then
    return torch.compile(specialized, dynamic=True, options={"cpp.dynamic_threads": True})


@functools.cache
def compiler_works(device: torch.device) -> bool:
    """Whether `torch.compile` works for this device; warn once where it does not."""
    try:
        # on a GPU the first tensor decides how large the blocks of all later ones are
        probe = torch.ones(8 if device.type == "cpu" else CHUNK, device=device)
        with warnings.catch_warnings(action="ignore"):
            _compiled(_fused)(*probe[:3].clone(), False, False, probe, probe.clone())
    except Exception as error:  # any failure of the tool chain: the eager step is always there
        name, lines = type(error).__name__, str(error).strip().splitlines() or [""]
        cause = next((line for line in lines if "rror:" in line), lines[0])[:300]
        _warn(f"torch.compile does not work here ({name}: {cause}); stepping without")
        return False
    return True


@functools.lru_cache
def _largest_below(threshold: float, dtype: torch.dtype) -> float:
    """Return the next smaller number of this type: hardshrink keeps only what exceeds its bound."""
    return float(torch.nextafter(*torch.tensor([threshold, 0.0], dtype=dtype)))


def _warn(text: str) -> None:
    """Warn where the caller's code is, not torch's or this."""
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals["__name__"] in (__name__, Optimizer.__module__):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)
