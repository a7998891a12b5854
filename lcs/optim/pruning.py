"""Training with masks: in some layers, only a share of the weights may be other than zero.

A mask is drawn at the start or cut from trained weights, and may change before each epoch (98 steps
here, where RigL and gradual pruning have 100). Shares hold layer by layer, so that methods compare
at equal numbers of weights; sources that rank all layers at once differ. By `Config.pruning`:

- random: random places, fixed.
- snip: where ``|w ∂L/∂w|`` is largest on the first batch, fixed (Lee et al., ICLR 2019).
- windows: random places within the windows of S-LOCAL, fixed; in later layers anywhere.
- random-windows: the same, around where most of a unit's squared initial weights are.
- magnitude: the largest weights at the end of each period of the learning rate but the last. With
  two periods: one-shot pruning with the learning rate rewound (Renda et al., ICLR 2020).
- rewinding: the same, and the network goes back to what it was after ``REWOUND_TO`` epochs (Frankle
  et al., ICML 2020). There the learning rate goes back to these too; here periods have it all.
- gradual: the largest weights; their number falls as a cubic (Zhu & Gupta, 2017), to the density
  before the epoch that begins at ``GRADUAL_TO`` of the training or later.
- set: random places at first; before each epoch, ``SET_DROPPED`` of the positive and of the
  negative weights, those nearest zero, and all zeros move to random ones (Mocanu et al., 2018).
- rigl: random places at first; then a falling share moves to where ``|∂L/∂w|`` is largest on a
  batch (Evci et al., ICML 2020).
"""

import math
from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.config import CUT_BETWEEN_PERIODS, Config
from lcs.models import LocallyConnected2d, Net, dense_weight, layer_weights
from lcs.optim.beta_lasso import MASK, CheckedOptimizer
from lcs.optim.growing_l1 import around_mass
from lcs.seeds import generator_for

Gradients = Callable[[], dict[str, Tensor]]

# shares of the training between which gradual pruning raises the share of zeros
GRADUAL_FROM, GRADUAL_TO = 0.2, 0.75
SET_DROPPED = 0.3
# share of the weights that RigL moves at first, and the share of the training in which it does
RIGL_DROPPED, RIGL_TO = 0.3, 0.75
# epochs that weights keep of their first period, one less than it at most, when they are rewound
REWOUND_TO = 2


def magnitude_masks(model: nn.Module, density: float) -> dict[str, Tensor]:
    """Return masks that keep a share, the largest, of the weights of each layer, by its name.

    Layers have a `weight` of two or more dimensions. ValueError for a density that is not between
    0 and 1, or a weight that is distributed.
    """
    if not 0 < density <= 1:
        raise ValueError(f"density: {density!r} is out of range; give more than 0, at most 1")
    masks = {}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, nn.Parameter) and weight.ndim > 1:
            _check_whole(name, weight)
            masks[name] = _largest(weight.detach().abs(), round(density * weight.numel()))
    return masks


class Masks:
    """Fixed masks of a network's layers: outside, weights stay zero in every step.

    They are given by the layer's name, bool, of the shape of its weight, and stand in the state of
    the optimizer, one of `lcs.optim`, and so in its copies and in its `state_dict`.

    Raises ValueError if a mask does not fit, the optimizer does not hold its layer or knows no
    masks, or the weight is distributed.
    """

    @torch.no_grad()
    def __init__(self, masks: Mapping[str, Tensor], model: nn.Module, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, CheckedOptimizer):
            raise ValueError(f"{type(optimizer).__name__} knows no masks; give one of lcs.optim")
        held = {param for group in optimizer.param_groups for param in group["params"]}
        modules = dict(model.named_modules(remove_duplicate=False))
        for name, mask in masks.items():
            weight = getattr(modules.get(name), "weight", None)
            if weight is None or weight not in held:
                raise ValueError(f"{name}: the optimizer does not hold the weight of such a layer")
            _check_whole(name, weight)
            if getattr(mask, "dtype", None) != torch.bool or mask.shape != weight.shape:
                raise ValueError(f"{name}: give a mask of type bool and shape {(*weight.shape,)}")
        self.layers = {name: cast(nn.Linear, modules[name]) for name in masks}
        self.optimizer = optimizer
        for name, mask in masks.items():
            self._set(name, mask)

    @property
    def masks(self) -> dict[str, Tensor]:
        """The mask of each layer, by its name: bool, of the shape of its weight."""
        return {n: self.optimizer.state[layer.weight][MASK] for n, layer in self.layers.items()}

    def remove(self) -> None:
        """Let all weights be trained from here on; what is zero is so until then."""
        for layer in self.layers.values():
            del self.optimizer.state[layer.weight][MASK]
            self.optimizer.state[layer.weight].pop("factors", None)  # two zeros would never move

    def update(self, epoch: int, gradients: Gradients) -> None:
        """Change the masks before an epoch: these stay."""

    def state_dict(self) -> dict[str, Tensor]:
        """Return what a checkpoint has to keep, by name, beside the optimizer's state."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take over what `state_dict` returned."""

    def _set(self, name: str, mask: Tensor) -> None:
        """Replace a mask: outside, the weights and what the optimizer keeps of them are zero."""
        weight = self.layers[name].weight
        self.optimizer.state[weight][MASK] = mask = mask.to(weight.device)
        for value in (weight, *self.optimizer.state[weight].values()):
            if value.shape[-mask.ndim :] == mask.shape:  # of factors, each
                value.mul_(mask)


class Pruning(Masks):
    """Masks of the layers of S-FC in `Config.densities`, which `Config.pruning` makes and moves."""

    def __init__(self, config: Config, model: Net, optimizer: Optimizer) -> None:
        weights = layer_weights(model)
        whole = {n: torch.ones_like(weights[n], dtype=torch.bool) for n in config.densities}
        super().__init__(whole, model, optimizer)
        self.config, self.model = config, model
        self.early: dict[str, Tensor] = {}  # state of the network to rewind to

    def count(self, name: str, zeros: float = 1.0) -> int:
        """Return how many weights of a layer are kept with this share of the zeros at the end."""
        return round(self.masks[name].numel() * (1 - zeros * (1 - self.config.densities[name])))

    @torch.no_grad()
    def update(self, epoch: int, gradients: Gradients) -> None:
        """Change the masks before an epoch, counted from 0.

        `gradients` returns ∂L/∂w of each layer, on a batch and with all weights.
        """
        method, done = self.config.pruning, epoch / self.config.epochs
        if method in CUT_BETWEEN_PERIODS:
            self._cut_between_periods(epoch)
        elif method == "gradual":
            past = (done - GRADUAL_FROM) / (GRADUAL_TO - GRADUAL_FROM)
            zeros = 1 - (1 - min(max(past, 0.0), 1.0)) ** 3
            if zeros:
                for name in self.layers:
                    self._keep_largest(name, self.count(name, zeros))
        elif epoch == 0:
            self._start(gradients)
        elif method == "set":
            self._move_at_random(epoch)
        elif method == "rigl" and done < RIGL_TO:
            share = RIGL_DROPPED / 2 * (1 + math.cos(math.pi * done / RIGL_TO))
            self._move_to_gradients(share, gradients())

    def state_dict(self) -> dict[str, Tensor]:
        """As of all masks, and the network to rewind to."""
        return {f"early.{name}": value for name, value in self.early.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take over what `state_dict` returned."""
        device = next(self.model.parameters()).device
        self.early = {n.removeprefix("early."): value.to(device) for n, value in state.items()}

    def _start(self, gradients: Gradients) -> None:
        method = self.config.pruning
        slopes = gradients() if method == "snip" else {}
        for name, layer in self.layers.items():
            scores = (layer.weight * slopes[name]).abs() if slopes else self._random(name, 0)
            geometry = self.model.geometries[0]
            if method == "windows" and name == "conv1":  # within windows, one is added
                local = torch.ones_like(LocallyConnected2d(geometry).weight)
                scores += dense_weight(local, geometry).to(scores.device)
            elif method == "random-windows" and name == "conv1":
                scores += around_mass(layer.weight, geometry, growth=1.0) == 1
            self._set(name, _largest(scores, self.count(name)))

    def _cut_between_periods(self, epoch: int) -> None:
        """Cut to a share that falls by the same factor after each period."""
        period = self.config.cycle_epochs
        rewinding = self.config.pruning == "rewinding"
        if rewinding and epoch == min(REWOUND_TO, period - 1):
            state = self.model.state_dict()
            self.early = {name: value.detach().clone() for name, value in state.items()}
        if epoch == 0 or epoch % period:
            return
        share = epoch // period / (self.config.epochs // period - 1)
        for name, mask in self.masks.items():
            whole = mask.numel()
            self._keep_largest(name, round(whole * (self.count(name) / whole) ** share))
        if rewinding:
            self.model.load_state_dict(self.early)
            for name in self.layers:
                self._set(name, self.masks[name])
            for state in self.optimizer.state.values():
                for key in state.keys() - {MASK}:
                    del state[key]

    def _keep_largest(self, name: str, count: int) -> None:
        self._set(name, _largest(self.layers[name].weight.abs(), count))

    def _move_at_random(self, epoch: int) -> None:
        for name, layer in self.layers.items():
            kept = layer.weight != 0  # what grew where there is no gradient is dropped too
            for sign in (1, -1):
                own = sign * layer.weight
                dropped = round(SET_DROPPED * int((own > 0).sum()))
                kept &= ~_largest(torch.where(own > 0, -own, -math.inf), dropped)
            self._set(name, kept)  # what moves to where it was begins at zero too
            self._grow(name, kept, self._random(name, epoch))

    def _move_to_gradients(self, share: float, gradients: dict[str, Tensor]) -> None:
        for name, layer in self.layers.items():
            sizes, count = layer.weight.abs().masked_fill(~self.masks[name], -1.0), self.count(name)
            kept = _largest(sizes, count - round(share * count))
            self._grow(name, kept, gradients[name].abs())

    def _grow(self, name: str, kept: Tensor, scores: Tensor) -> None:
        """Keep these places and, up to the layer's count, those with the largest scores."""
        free = scores.masked_fill(kept, -1.0)
        self._set(name, kept | _largest(free, self.count(name) - int(kept.sum())))

    def _random(self, name: str, epoch: int) -> Tensor:
        """Return a number in [0, 1) for each weight of a layer, the same on every device."""
        generator = generator_for(self.config.seed, f"mask of {name}", epoch)
        mask = self.masks[name]
        return torch.rand(mask.shape, generator=generator).to(mask.device)


def _check_whole(name: str, weight: Tensor) -> None:
    if hasattr(weight, "to_local"):  # a DTensor, as of FSDP2
        raise ValueError(f"{name}: its weight is distributed, which masks cannot be; use DDP")


def _largest(scores: Tensor, count: int) -> Tensor:
    """Return a mask of so many entries, where the scores are largest."""
    mask = torch.zeros(scores.numel(), dtype=torch.bool, device=scores.device)
    mask[scores.flatten().topk(count, sorted=False).indices] = True
    return mask.view(scores.shape)
