"""At how many places each weight of a network is used, counted as an image passes through it."""

import torch
from torch import nn

from lcs.models import layer_weights


@torch.no_grad()
def positions(model: nn.Module, image_size: int) -> dict[str, int]:
    """Count the positions of each layer for one image of this size."""
    counts = dict.fromkeys(layer_weights(model), 1)
    convolutions = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    for name, module in convolutions.items():

        def count(_module, _inputs, output, name=name):
            counts[name] = output[0, 0].numel()

        module.register_forward_hook(count)
    if convolutions:
        weight = next(iter(convolutions.values())).weight
        model.eval()(weight.new_zeros(1, weight.shape[1], image_size, image_size))
    return counts
