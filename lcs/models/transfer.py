"""What `Config.start` takes of `Config.source`, another, trained network.

ticket
    The masks of its first two layers, where its weights are not zero, and its initial weights
    (a lottery ticket: Frankle & Carbin, ICLR 2019; transferred: Morcos et al., NeurIPS 2019).
mask, first-mask
    These masks, or the first layer's alone, with other initial weights.
rewired-mask, rewired-first-mask
    The same, the first layer's rewired: every unit and input keeps its number of weights.
random-mask
    Masks of as many weights of each layer, at random places.
footprints, scattered-footprints
    Of D-FC, the first layer's mask, and of later layers `footprint_masks`.
first-layer, frozen-first-layer
    The trained first layer, trained on or as it is.
network, pruned-network
    All weights, and the statistics of batch normalisation, or also the masks of the first two
    layers. A CONV or a LOCAL net starts its like, or one further up by `lcs.models.embed`
    (d'Ascoli et al., NeurIPS 2019). The order of images and their augmentation are others.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.measure.locality_measures import centres, window_size
from lcs.models.embedding import embed
from lcs.models.networks import Net
from lcs.seeds import generator_for
from lcs.shapes import Geometry


@torch.no_grad()
def apply_source(config: Config, model: Net, source: Net) -> dict[str, Tensor]:
    """Copy what a run takes of another network; return its masks by layer. Fails as `fitted`."""
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
        later = footprint_masks(first.weight, source.geometries, draws, scattered=scattered)
        masks |= {name: mask.to(first.weight.device) for name, mask in later.items()}
    return masks


def fitted(config: Config, model: Net, source: Net) -> Net:
    """Return the source as a net of the model's kind, if what a run takes of it fits the model.

    ConfigError if a layer of the source has another shape, or one of the two lacks it. Shapes alone
    are compared, those of networks on the meta device, too.
    """
    transfer = config.transfer
    while source.kind not in (model.kind, "fc"):
        source = embed(source)
    own, others = ({n: (*p.shape,) for n, p in net.named_parameters()} for net in (model, source))
    names = [f"{layer}.weight" for layer in transfer.masked]
    if transfer.footprints:
        names = [n for n in own | others if n.startswith("conv") and n.endswith(".weight")]
    elif transfer.network or not transfer.masked:
        names = [n for n in own | others if transfer.network or n.startswith("conv1.")]
    for name in names:
        if own.get(name) != others.get(name):
            raise ConfigError(
                f"source: {name} has the shape {own.get(name, 'none')} in this run and "
                f"{others.get(name, 'none')} in {config.source}; name a run with the same layers"
            )
    return source


def rewired(mask: Tensor, draws: torch.Generator) -> Tensor:
    """Return a random mask (units, inputs), bool, with as many places in every row and column.

    Ten times for each unit, two of them share out anew, at random, the inputs that only one of them
    has (the curveball algorithm: Strona et al., Nature Communications 2014). All is on the CPU.
    """
    mask = mask.clone()
    for pair in torch.randint(len(mask), (10 * len(mask), 2), generator=draws):
        one, other = mask[pair]
        apart = (one != other).nonzero()[:, 0]
        count = int(one[apart].sum())
        apart = apart[torch.randperm(len(apart), generator=draws)]
        mask[pair] = one & other
        mask[pair[0], apart[:count]] = True
        mask[pair[1], apart[count:]] = True
    return mask


def footprint_masks(
    weight: Tensor,
    geometries: Sequence[Geometry],
    draws: torch.Generator,
    *,
    scattered: bool = False,
) -> dict[str, Tensor]:
    """Return the mask (units, inputs), bool, of each convolution-like layer after the first.

    The footprint of a unit of the first layer is where it has weights, in any channel, relative to
    its own place: the pixel of `lcs.measure.centres`. A unit of a later layer has the footprint of
    one of these units, drawn at random, around the place that it would have in a LOCAL net, in
    steps of the grid of its inputs, and is connected with all inputs at these places. The inputs of
    the second layer lie where the units of the first have learned to look, later ones on a grid.
    A unit of the first layer without weights is connected with none. All is on the CPU.

    The weight is that of the trained first layer (units, inputs), on any device; geometries are the
    LOCAL net's. With `scattered`, the inputs of each layer are in a random order, the same for all
    of its units: a control with as many weights, and without neighbourhoods.
    """
    first, *later = geometries
    side = first.in_size
    filters = weight.detach().cpu().view(-1, first.in_channels, side, side)
    places = centres(filters, window_size(side, side))  # of the inputs of the next layer
    placed = (places >= 0).all(1)
    footprints = torch.zeros(int(placed.sum()), 2 * side - 1, 2 * side - 1, dtype=torch.bool)
    unit, row, column = filters[placed].any(1).nonzero().unbind(1)
    top, left = places[placed][unit].unbind(1)
    # no displacement is at index side - 1
    footprints[unit, row - top + side - 1, column - left + side - 1] = True
    masks = {}
    for number, layer in enumerate(later, start=2):
        line = torch.arange(layer.out_size)
        grid = torch.cartesian_prod(line, line).repeat(layer.out_channels, 1)
        rows, columns = (places.T[:, None] - layer.stride * grid.T[:, :, None]) + side - 1
        own = torch.randint(len(footprints), (layer.outputs, 1), generator=draws)
        order = torch.randperm(layer.inputs, generator=draws)  # always: the same draws for both
        mask = footprints[own, rows, columns] & placed
        masks[f"conv{number}"] = mask[:, order] if scattered else mask
        places, placed = grid, torch.ones(len(grid), dtype=torch.bool)
    return masks


def _mask(config: Config, name: str, source: Net) -> Tensor:
    mask = cast(nn.Linear, source.get_submodule(name)).weight != 0
    draws = generator_for(config.seed, f"mask of {name}")
    if config.transfer.moved == "random":
        order = torch.randperm(mask.numel(), generator=draws).to(mask.device)
        return mask.flatten()[order].view_as(mask)
    if config.transfer.moved == "rewired" and name == "conv1":
        return rewired(mask.cpu(), draws).to(mask.device)
    return mask
