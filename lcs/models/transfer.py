"""Networks that start from another, trained network: from its weights, or from where they are.

`Config.source` names the other run, and `Config.start` what is taken of it (as a table in
`lcs.config.starts`), one of

ticket
    The masks of its first two layers, where its weights are not zero, and its initial weights
    (a lottery ticket: Frankle & Carbin, ICLR 2019; transferred: Morcos et al., NeurIPS 2019).
mask
    The same masks, with other initial weights.
first-mask
    The first layer's mask alone.
rewired-mask
    The same masks, the first layer's rewired at random: every unit and every input keeps its number
    of weights.
rewired-first-mask
    The first layer's mask alone, rewired in this way.
random-mask
    Masks of as many weights of each layer, at random places.
footprints
    Of D-FC, the first layer's mask, and masks of the same shapes for the later layers that
    correspond to convolutions (`lcs.models.footprints`).
scattered-footprints
    The same with the inputs of each later layer in a random order.
first-layer
    The trained first layer, trained on.
frozen-first-layer
    The trained first layer as it is.
network
    All weights, and the statistics of batch normalisation. A CONV net starts a LOCAL or an FC net,
    and a LOCAL net an FC net, by `lcs.models.embed` (d'Ascoli et al., NeurIPS 2019). The order of
    images and their augmentation are not those of the source.
pruned-network
    The same, with the masks of its first two layers: its zeros stay.

Other initial weights than those of a ticket are not what the source began with.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.models.embedding import embed
from lcs.models.footprints import later_masks
from lcs.models.networks import Net
from lcs.seeds import generator_for

# of pairs of units for each unit, when a mask is rewired
TRADES = 10


@torch.no_grad()
def apply_source(config: Config, model: Net, source: Net) -> dict[str, Tensor]:
    """Copy what a run takes of a trained network to its own; return masks that it takes, by layer.

    Raises:
        ConfigError: a layer of the source has another shape.
    """
    source = fitted(config, model, source)
    taken = config.taken
    if taken.network:
        model.load_state_dict(source.state_dict())
    if taken.masked:
        masks = {name: _mask(config, name, source) for name in taken.masked}
        if taken.footprints:
            draws = generator_for(config.seed, "footprints")
            weight = cast(nn.Linear, source.conv1).weight
            scattered = taken.moved == "scattered"
            later = later_masks(weight, source.geometries, draws, scattered=scattered)
            masks |= {name: mask.to(weight.device) for name, mask in later.items()}
        return masks
    if not taken.network:
        layer = cast(nn.Linear, model.conv1)
        layer.load_state_dict(source.conv1.state_dict())  # type: ignore[union-attr]
        layer.requires_grad_(not taken.frozen)
    return {}


def fitted(config: Config, model: Net, source: Net) -> Net:
    """Return the source as a net of the model's kind, if what a run takes of it fits the model.

    Shapes alone are compared, so that networks on the meta device tell before any is trained.

    Raises:
        ConfigError: the source is of a kind that does not embed in the model's, a layer of it has
            another shape, or one of the two lacks it.
    """
    while source.kind not in (model.kind, "fc"):
        source = embed(source)
    if source.kind != model.kind:
        raise ConfigError(
            f"source: a {model.kind.upper()} net cannot start from {config.source}; name a run of "
            "its own kind, or of an earlier one of CONV, LOCAL, FC"
        )
    if config.taken.footprints and source.geometries != model.geometries:
        raise ConfigError(
            f"source: {config.source} has other layers than this run, so that it has no masks for "
            "the later ones; name a run of the same model and width"
        )
    own, others = dict(model.named_parameters()), dict(source.named_parameters())
    if config.taken.masked and not config.taken.network:
        names = [f"{layer}.weight" for layer in config.taken.masked]
    else:
        first = "" if config.taken.network else "conv1."
        names = [name for name in own | others if name.startswith(first)]
    for name in names:
        if name not in own or name not in others:
            whose = "this run" if name not in own else config.source
            raise ConfigError(f"source: {whose} has no {name}; name a run with the same layers")
        if others[name].shape != own[name].shape:
            raise ConfigError(
                f"source: {name} of {config.source} has another shape, {(*others[name].shape,)}, "
                f"than that of this run, {(*own[name].shape,)}; name a run with the same layers"
            )
    return source


def _mask(config: Config, name: str, source: Net) -> Tensor:
    """Return a layer's mask (units, inputs), bool, its places changed as the run says."""
    mask = cast(nn.Linear, source.get_submodule(name)).weight != 0
    draws = generator_for(config.seed, f"mask of {name}")
    if config.taken.moved == "random":
        order = torch.randperm(mask.numel(), generator=draws).to(mask.device)
        return mask.flatten()[order].view_as(mask)
    if config.taken.moved == "rewired" and name == "conv1":
        return rewired(mask.cpu(), draws).to(mask.device)
    return mask


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
