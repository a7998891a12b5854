"""A step of training on a GPU, captured once an epoch as a CUDA graph and replayed.

Up to about α = 64 the host needs longer to launch the kernels of a step than a GPU to run them;
replayed, a step is one launch, with the same numbers up to rounding. Until a GPU has passed
`tests/test_cuda.py`, steps are captured only with `LCS_CUDA_GRAPHS=1`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch
from torch import Tensor
from torch.optim import Optimizer

from lcs.optim.mixed_precision import takes_copies


def captures(device: torch.device, optimizer: Optimizer) -> bool:
    """Whether steps are captured: of optimizers with a fused step on a GPU, where it is asked."""
    wanted = os.environ.get("LCS_CUDA_GRAPHS") == "1"
    return wanted and device.type == "cuda" and takes_copies(optimizer)


class CapturedStep:
    """A step on batches of one shape; the capture itself changes nothing.

    It is valid while network and optimizer hold the same tensors, the learning rate among them. A
    step has been taken before: all memory that outlasts one is there, and all kernels are compiled.
    `step` takes inputs and labels and may not wait for the device. The capture is done within
    `on_own_stream`, in the memory of an earlier one that is not replayed any more.
    """

    def __init__(
        self,
        step: Callable[[Tensor, Tensor], None],
        x: Tensor,
        labels: Tensor,
        earlier: CapturedStep | None = None,
    ) -> None:
        if earlier is None:
            torch.cuda.empty_cache()  # which is not done during a capture
        self.batch = x.clone(), labels.clone()
        self.graph = torch.cuda.CUDAGraph()
        self.graph.capture_begin(earlier.graph.pool() if earlier else None)
        try:
            step(*self.batch)
        except BaseException:
            with suppress(RuntimeError):  # it would hide the error
                self.graph.capture_end()
            raise
        self.graph.capture_end()

    def fits(self, x: Tensor) -> bool:
        """Whether a batch has the shape of the captured one."""
        return x.shape == self.batch[0].shape

    def __call__(self, x: Tensor, labels: Tensor) -> None:
        """Take the step on another batch."""
        for held, new in zip(self.batch, (x, labels), strict=True):
            held.copy_(new)
        self.graph.replay()


# one of a device for all runs, since memory is kept for each stream
_own_stream = functools.cache(torch.cuda.Stream)


@contextmanager
def on_own_stream(device: torch.device) -> Iterator[None]:
    """Let a GPU work, in turn, on another stream than its default one, which captures nothing."""
    stream, default = _own_stream(device), torch.cuda.current_stream(device)
    stream.wait_stream(default)
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        default.wait_stream(stream)
