"""Optimizer steps in one pass over memory: compiled, or in pieces that fit a processor's caches.

A step is a function of its numbers and of the tensors of one parameter, the weights first, which
it changes in place. `beta_lasso` and `sgd` have the same steps operation by operation.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Step = Callable[..., None]

# so many elements that the temporaries of one update stay in a processor's caches
CHUNK = 1 << 19


def take_steps(
    work: Sequence[Sequence[Tensor]],
    numbers: Sequence[float | Tensor],
    *options: bool,
    eager: Step,
    fused: Step | None = None,
) -> None:
    """Take one step for each parameter of a group.

    Args:
        work: of each parameter the weights, and what the step reads and writes beside them, all of
            one shape.
        numbers: of the step, as learning rate or threshold; its first arguments. One that is a
            tensor on the device is read there when the step is taken, as by a CUDA graph.
        options: its next arguments.
        eager: the step, operation by operation; on a CPU it is given `CHUNK` elements at a time.
        fused: the same step to compile, with numbers as tensors; None: do not compile.
    """

    numbers = [number if isinstance(number, Tensor) else float(number) for number in numbers]

    @functools.cache
    def compiled_on(device: torch.device, dtype: torch.dtype) -> Step | None:
        if not fused or not compiler_works(device):
            return None
        # filled on the device: a copy from the host would wait for all that the device has to do
        filled = [
            number.to(device, dtype)
            if isinstance(number, Tensor)
            else torch.full((), number, dtype=dtype, device=device)
            for number in numbers
        ]
        return functools.partial(_compiled(fused), *filled, *options)

    for tensors in work:
        like = tensors[0]
        # numbers of half precision would be rounded
        compiled = compiled_on(like.device, torch.promote_types(like.dtype, torch.float32))
        contiguous = all(tensor.is_contiguous() for tensor in tensors)
        size = tensors[0].numel()
        if compiled and contiguous and size > 1:
            # flat tensors, and numbers that are tensors: neither a new shape nor a new learning
            # rate compiles anew
            compiled(*(tensor.view(-1).detach() for tensor in tensors))
        elif contiguous and size > CHUNK and like.is_cpu:
            for pieces in zip(*(tensor.view(-1).split(CHUNK) for tensor in tensors), strict=True):
                eager(*numbers, *options, *pieces)
        else:
            eager(*numbers, *options, *tensors)


def move(theta: Tensor, direction: Tensor, lr: float | Tensor) -> None:
    """Move weights against a direction, by a learning rate that may be a tensor on the device."""
    if isinstance(lr, Tensor):
        # not a product, which would have the gradient's precision
        theta.addcmul_(direction, lr.to(theta.device), value=-1)
    else:
        theta.add_(direction, alpha=-lr)


def fused_beta_lasso(
    lr: Tensor,
    l1: Tensor,
    threshold: Tensor,
    frozen: bool,
    theta: Tensor,
    grad: Tensor,
    *copies: Tensor,
) -> None:
    """Take a step of `lcs.optim.BetaLasso`; `copies` get the new weights, rounded."""
    _specialize_on_alignment(theta)
    moved = theta - lr * (grad + l1 * torch.sign(theta))
    pruned = moved.abs() < threshold  # false for NaN, which is not to be hidden
    if frozen:
        pruned = pruned | (theta == 0)
    result = torch.where(pruned, torch.zeros_like(moved), moved)
    theta.copy_(result)
    for copy in copies:
        copy.copy_(result)


def fused_relative_l1(
    lr: Tensor,
    l1: Tensor,
    threshold: Tensor,
    frozen: bool,
    theta: Tensor,
    grad: Tensor,
    relative: Tensor,
    *copies: Tensor,
) -> None:
    """Take a step of `lcs.optim.BetaLasso` where λ of each weight is `relative` times `l1`."""
    fused_beta_lasso(lr, l1 * relative, threshold * relative, frozen, theta, grad, *copies)


def fused_sgd(
    lr: Tensor,
    momentum: Tensor,
    weight_decay: Tensor,
    theta: Tensor,
    grad: Tensor,
    velocity: Tensor,
    *copies: Tensor,
) -> None:
    """Take a step of `lcs.optim.SGD`; `copies` get the new weights, rounded."""
    _specialize_on_alignment(theta)
    moving = momentum * velocity + (grad + weight_decay * theta)
    moved = theta - lr * moving
    velocity.copy_(moving)
    for tensor in (theta, *copies):
        tensor.copy_(moved)


def fused_plain_sgd(
    lr: Tensor, momentum: Tensor, weight_decay: Tensor, theta: Tensor, grad: Tensor, *copies: Tensor
) -> None:
    """Take a step of `lcs.optim.SGD` with a momentum of zero, which needs no buffer."""
    _specialize_on_alignment(theta)
    moved = theta - lr * (grad + weight_decay * theta)
    for tensor in (theta, *copies):
        tensor.copy_(moved)


def _specialize_on_alignment(theta: Tensor) -> None:
    """Compile apart for sizes that 16 divides, where a GPU's kernel can read many at once."""
    if theta.is_cuda and theta.numel() % 16 == 0:
        torch._check(theta.numel() % 16 == 0)


@functools.cache
def _compiled(step: Step) -> Step:
    # dynamic threads: all cores, however small the first tensor and however many there were then
    return torch.compile(step, dynamic=True, options={"cpp.dynamic_threads": True})


@functools.cache
def compiler_works(device: torch.device) -> bool:
    """Whether `torch.compile` works for this device; warn once where it does not."""
    try:
        # on a GPU the first tensor decides how large the blocks of all later ones are
        probe = torch.ones(8 if device.type == "cpu" else CHUNK, device=device)
        numbers = torch.tensor([0.1, 0.1, 0.1], device=device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _compiled(fused_beta_lasso)(*numbers, False, probe, probe.clone())
    except Exception as error:  # any failure of the tool chain: the eager step is always there
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        warnings.warn(
            f"torch.compile does not work here ({reason}); optimizers step without it", stacklevel=2
        )
        return False
    return True
