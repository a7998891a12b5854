"""Networks that start from another, trained network: from its weights, or from where they are.

`Config.source` names the other run, and `Config.start` what is taken of it (as a table in
`lcs.config.starts`). Other initial weights than those of a ticket are not what the source had.

ticket
    The masks of its first two layers, where its weights are not zero, and its initial weights
    (a lottery ticket: Frankle & Carbin, ICLR 2019; transferred: Morcos et al., NeurIPS 2019).
mask, first-mask
    These masks, or the first layer's alone, with other initial weights.
rewired-mask, rewired-first-mask
    The same, the first layer's rewired at random: every unit and every input keeps its number of
    weights.
random-mask
    Masks of as many weights of each layer, at random places.
footprints, scattered-footprints
    Of D-FC, the first layer's mask, and masks of the same shapes for the later layers that
    correspond to convolutions (`lcs.models.footprints`), or with their inputs in a random order.
first-layer, frozen-first-layer
    The trained first layer, trained on or as it is.
network, pruned-network
    All weights, and the statistics of batch normalisation, or also the masks of the first two
    layers, so that zeros stay. A CONV net starts a LOCAL or an FC net, and a LOCAL net an FC net,
    by `lcs.models.embed` (d'Ascoli et al., NeurIPS 2019). The order of images and their
    augmentation are not those of the source.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.models.footprints import later_masks
from lcs.models.networks import Net, embed
from lcs.seeds import generator_for

# of pairs of units for each unit, when a mask is rewired
TRADES = 10


@torch.no_grad()
def apply_source(config: Config, model: Net, source: Net) -> dict[str, Tensor]:
    """Copy what a run takes of a trained network to its own; return masks that it takes, by layer.

    Raises:
        ConfigError: as `fitted`.
    """
    source, transfer = fitted(config, model, source), config.transfer
    if transfer.network:
        model.load_state_dict(source.state_dict())
    elif not transfer.masked:
        layer, trained = (cast(nn.Module, net.conv1) for net in (model, source))
        layer.load_state_dict(trained.state_dict())
        layer.requires_grad_(not transfer.frozen)
    masks = {name: _mask(config, name, source) for name in transfer.masked}
    if transfer.footprints:
        first, draws = cast(nn.Linear, source.conv1), generator_for(config.seed, "footprints")
        scattered = transfer.moved == "scattered"
        later = later_masks(first.weight, source.geometries, draws, scattered=scattered)
        masks |= {name: mask.to(first.weight.device) for name, mask in later.items()}
    return masks


def fitted(config: Config, model: Net, source: Net) -> Net:
    """Return the source as a net of the model's kind, if what a run takes of it fits the model.

    Shapes alone are compared, so that networks on the meta device tell before any is trained.

    Raises:
        ConfigError: a layer of the source has another shape, or one of the two lacks it.
    """
    transfer = config.transfer
    while source.kind not in (model.kind, "fc"):
        source = embed(source)
    own, others = (
        {name: tuple(p.shape) for name, p in net.named_parameters()} for net in (model, source)
    )
    if transfer.network:
        names = [*own | others]
    elif transfer.footprints:
        names = [n for n in own | others if n.startswith("conv") and n.endswith(".weight")]
    elif transfer.masked:
        names = [f"{layer}.weight" for layer in transfer.masked]
    else:
        names = [n for n in own | others if n.startswith("conv1.")]
    for name in names:
        if own.get(name) != others.get(name):
            raise ConfigError(
                f"source: {name} has the shape {own.get(name, 'none')} in this run and "
                f"{others.get(name, 'none')} in {config.source}; name a run with the same layers, "
                "or of an earlier kind of CONV, LOCAL, FC"
            )
    return source


def rewired(mask: Tensor, draws: torch.Generator) -> Tensor:
    """Return a random mask (units, inputs), bool, with as many places in every row and column.

    Two units at a time share out anew, at random, the inputs that only one of them has (the
    curveball algorithm: Strona et al., Nature Communications 2014). All is on the CPU.
    """
    mask = mask.clone()
    for pair in torch.randint(len(mask), (TRADES * len(mask), 2), generator=draws):
        one, other = mask[pair]
        apart = (one != other).nonzero()[:, 0]
        count = int(one[apart].sum())
        apart = apart[torch.randperm(len(apart), generator=draws)]
        for unit, had, has in ((pair[0], apart[count:], apart[:count]),
                               (pair[1], apart[:count], apart[count:])):  # fmt: skip
            mask[unit, had], mask[unit, has] = False, True
    return mask


def _mask(config: Config, name: str, source: Net) -> Tensor:
    """Return a layer's mask (units, inputs), bool, its places changed as the run says."""
    mask = cast(nn.Linear, source.get_submodule(name)).weight != 0
    draws = generator_for(config.seed, f"mask of {name}")
    if config.transfer.moved == "random":
        order = torch.randperm(mask.numel(), generator=draws).to(mask.device)
        return mask.flatten()[order].view_as(mask)
    if config.transfer.moved == "rewired" and name == "conv1":
        return rewired(mask.cpu(), draws).to(mask.device)
    return mask
