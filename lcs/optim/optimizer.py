"""What the optimizers share: checked hyperparameters, and weights in full precision.

A parameter may be a copy of its weights, rounded to half precision: these then stand in its state
under `FULL_PRECISION`. `replace_parameter` puts one parameter in the place of another.
"""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, overload

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

# key in the state of a parameter that is a rounded copy: its weights in full precision
FULL_PRECISION = "full_precision"


def has_fused_step(optimizer: Optimizer) -> bool:
    """Whether an optimizer has one, which takes bfloat16 copies and parts of a layer."""
    return isinstance(optimizer, CheckedOptimizer) and optimizer.fused


class CheckedOptimizer(Optimizer):
    """What all optimizers share: validated groups, closures, and one pass over the parameters."""

    # what a group may have besides hyperparameters, a name and torch's own keys
    further_keys: tuple[str, ...] = ()
    # whether it has a fused step, which takes bfloat16 copies and parts of a layer, and is captured
    fused = False
    # not a hyperparameter: how steps are computed is not part of the state that is saved
    compiled = False

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        for name, value in defaults.items():
            _check(name, value)
        super().__init__(params, defaults)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy of the optimizer needs."""
        return super().__getstate__() | {"compiled": self.compiled}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a state; hyperparameters that it lacks get their defaults."""
        super().__setstate__(state)
        self.defaults.pop("differentiable", None)  # torch adds it, and it is none of theirs
        for group in self.param_groups:
            for name, value in self.defaults.items():
                group.setdefault(name, value)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` returned; tensors keep their precision.

        torch would round all to that of the parameter, which may be a copy of its weights.

        Raises:
            ValueError: a hyperparameter is negative or not finite, or the groups differ.
        """
        for group in state_dict["param_groups"]:
            for key in self.defaults.keys() & group.keys():
                _check(key, group[key])
        super().load_state_dict(state_dict)
        names = itertools.chain(*(group["params"] for group in state_dict["param_groups"]))
        params = itertools.chain(*(group["params"] for group in self.param_groups))
        for name, param in zip(names, params, strict=True):
            for key, value in state_dict["state"].get(name, {}).items():
                if isinstance(value, Tensor) and value.dtype != self.state[param][key].dtype:
                    self.state[param][key] = value.to(param.device, copy=True)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with hyperparameters of its own.

        Raises:
            ValueError: a hyperparameter is negative or not finite, or unknown.
        """
        own = {*self.defaults, *self.further_keys}
        if unknown := param_group.keys() - own - {"params", "param_names", "initial_lr", "name"}:
            known = ", ".join(sorted(own))
            raise ValueError(f"{', '.join(sorted(unknown))}: unknown; there are {known}")
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
    number = value.item() if isinstance(value, Tensor) and value.ndim == 0 else value
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        raise ValueError(f"{name}: {value!r} is not a number")
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{name}: {number!r} must be finite and not negative")
