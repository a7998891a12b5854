"""Training in bfloat16 with the bits of autocast, and products on CPUs that have none of it."""

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from lcs.optim.beta_lasso import FULL_PRECISION, BetaLasso
from lcs.optim.sgd import SGD

PRODUCTS = {getattr(torch.ops.aten, name).default
            for name in ("mm", "addmm", "bmm", "convolution", "convolution_backward")}  # fmt: skip


def takes_copies(optimizer: Optimizer) -> bool:
    """Whether an optimizer steps rounded copies of its weights, and parts of a layer."""
    return isinstance(optimizer, BetaLasso | SGD)


def bf16_products(device: torch.device) -> AbstractContextManager[object]:
    """Return the context of bfloat16 products: in float32, then rounded, on CPUs without bfloat16.

    These would need many times as long otherwise. The numbers are as exact: products of bfloat16
    numbers are float32 numbers, and so are sums. Compiled functions are not to be called within it.
    """
    return nullcontext() if has_bf16(device) else _Float32Products()


@functools.cache
def has_bf16(device: torch.device) -> bool:
    """Whether torch has fast products of bfloat16 on a device: not on every CPU."""
    if device.type != "cpu":
        return True
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


class _Float32Products(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in PRODUCTS or args[0].dtype != torch.bfloat16:
            return func(*args, **(kwargs or {}))
        wide = pytree.tree_map_only(Tensor, Tensor.float, args)
        return pytree.tree_map_only(Tensor, Tensor.bfloat16, func(*wide, **(kwargs or {})))


@contextmanager
def bf16_weights(model: nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Let fully connected layers and the optimizer hold bfloat16 copies of weights for an epoch.

    The optimizer rounds in the pass that updates the weights, where autocast does so in each step.
    The weights are in the optimizer's state of the copies. On leaving, they are back, with the
    gradients of the last step. What the optimizer does not hold stays as it is, as after
    `sparse_first_layer`. RuntimeError if the layers hold copies already.
    """
    held = {p for group in optimizer.param_groups for p in group["params"]}
    linear = [m for m in model.modules() if isinstance(m, nn.Linear) and m.weight in held]
    replaced: list[tuple[nn.Linear, nn.Parameter]] = []
    try:
        for layer in linear if takes_copies(optimizer) else []:
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
            optimizer.state[copy].pop(FULL_PRECISION)
            if not optimizer.state[copy]:
                del optimizer.state[copy]
            replace_parameter(optimizer, copy, weight)
            weight.grad = None if copy.grad is None else copy.grad.to(weight.dtype)
            layer.weight = weight


def replace_parameter(optimizer: Optimizer, old: Parameter, new: Parameter) -> dict[str, Any]:
    """Put a parameter in the place of another in an optimizer, with its state; return its group.

    Raises RuntimeError if the optimizer does not hold the old one, or holds it as a rounded copy.
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
