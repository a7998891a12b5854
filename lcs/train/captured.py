"""A step of training on a GPU, captured once an epoch as a CUDA graph and replayed.

One by one, the host needs longer to launch the kernels of a step than a GPU to run them, in
networks up to about α = 64. Replayed, a step is one launch; kernels and numbers are the same.
`tests/test_cuda.py` compares them. Until a GPU has passed it, steps are captured only for those who
set `LCS_CUDA_GRAPHS=1`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.optim import Optimizer

from lcs.optim import SGD, BetaLasso

Step = Callable[[Tensor, Tensor], None]


class CapturedStep:
    """A step on batches of one shape, with the learning rate that the optimizer has at each replay.

    What the step reads and writes beside its batch stays where it was in memory at the capture:
    it is valid as long as network and optimizer hold the same tensors. Such a step has been taken
    before, so that all memory that outlasts a step is there. The capture itself changes nothing.

    Args:
        step: takes inputs and labels; it may not wait for the device.
        optimizer: of the network; see `captures`.
        x, labels: a batch, on the current stream, which is not the default one.
        earlier: one that is not replayed any more, whose memory is used again.
    """

    def __init__(
        self,
        step: Step,
        optimizer: Optimizer,
        x: Tensor,
        labels: Tensor,
        earlier: CapturedStep | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.batch = x.clone(), labels.clone()
        self.lr = torch.zeros((), device=x.device)
        self.graph = torch.cuda.CUDAGraph()
        rates = [group["lr"] for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group["lr"] = self.lr
        try:
            self.graph.capture_begin(earlier.graph.pool() if earlier else None)
            try:
                step(*self.batch)
            finally:
                self.graph.capture_end()
        finally:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate

    def fits(self, x: Tensor) -> bool:
        """Whether a batch has the shape of the captured one."""
        return x.shape == self.batch[0].shape

    def __call__(self, x: Tensor, labels: Tensor) -> None:
        """Take the step on another batch, with the learning rate of the optimizer's groups."""
        for held, new in zip(self.batch, (x, labels), strict=True):
            held.copy_(new)
        self.lr.fill_(self.optimizer.param_groups[0]["lr"])
        self.graph.replay()


def captures(device: torch.device, optimizer: Optimizer) -> bool:
    """Whether steps are captured: on a GPU, those of BetaLasso and SGD, where that is asked for."""
    wanted = os.environ.get("LCS_CUDA_GRAPHS") == "1"
    return wanted and device.type == "cuda" and isinstance(optimizer, (BetaLasso, SGD))


@contextmanager
def on_stream(stream: torch.cuda.Stream | None) -> Iterator[None]:
    """Let a device work on a stream of its own, after what is queued and before what follows."""
    if stream is None:
        yield
        return
    stream.wait_stream(torch.cuda.current_stream(stream.device))
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        torch.cuda.current_stream(stream.device).wait_stream(stream)
