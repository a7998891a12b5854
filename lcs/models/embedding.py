"""The same function in a larger network: CONV nets embed in LOCAL nets, and those in FC nets."""

import torch
from torch import Tensor, nn

from lcs.models.layers import embed_tensor
from lcs.models.networks import Net


def embed(net: nn.Module) -> Net:
    """Return the same function one step up: CONV to LOCAL, LOCAL to FC (Neyshabur 2020, Fig. 1).

    The weights of a CONV net are copied to every position; those of a LOCAL net become a sparse
    matrix (C'·H'·W', C·H·W). In eval mode the outputs are equal up to rounding. A pruned layer
    (`torch.nn.utils.prune`, or a parametrization) becomes a plain one, with the zeros that it has.
    ValueError if the net is fully connected already, or none of these networks.
    """
    kind = net.kind if isinstance(net, Net) else type(net).__name__
    above = {"conv": "local", "local": "fc"}.get(kind)
    if not isinstance(net, Net) or above is None:
        raise ValueError(f"embed takes a CONV or a LOCAL net, not {kind!r}")
    with torch.device("meta"):  # no weights are drawn
        result = Net(above, net.geometries, **net.options)
    state = {name: _value(net, name) for name in result.state_dict()}
    for number, geometry in enumerate(net.geometries, start=1):
        for name, value in state.items():
            if name in (f"conv{number}.weight", f"conv{number}.bias"):
                state[name] = embed_tensor(value, geometry, above)
            # of batch normalisation: every unit has the values of its channel
            elif above == "fc" and name.startswith(f"bn{number}.") and value.ndim == 1:
                state[name] = value.repeat_interleave(geometry.out_size**2)
    result.to(net.fc1.weight.dtype).to_empty(device=net.fc1.weight.device).load_state_dict(state)
    return result.train(net.training)


def _value(net: Net, name: str) -> Tensor:
    """Return what a layer computes with: a pruned one has that only once it is called."""
    path, _, own = name.rpartition(".")
    layer = net.get_submodule(path)
    if hasattr(layer, f"{own}_mask"):
        return (getattr(layer, f"{own}_orig") * getattr(layer, f"{own}_mask")).detach()
    return getattr(layer, own).detach()
