"""Which values of a training run go together: the checks refuse what would do nothing or not fit.

Each raises ConfigError.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lcs.errors import ConfigError, shown

if TYPE_CHECKING:
    from lcs.config.training import Config

# of `pruning`: the methods that cut when a period of the learning rate ends, and begin it anew
CUT_BETWEEN_PERIODS = ("magnitude", "rewinding")

# which of the optimizers' own parameters each of them has
OPTIMIZER_FIELDS: dict[str, tuple[str, ...]] = {
    "sgd": ("momentum", "weight_decay"),
    "beta-lasso": (
        *("l1", "l1_rest", "l1_growth", "l1_growth_from", "l1_window_size"),
        *("beta", "frozen_zeros"),
    ),
    "proximal-l1": ("l1", "l1_rest"),
    "spred": ("l1", "l1_rest", "momentum"),
}
# every parameter that only some optimizers have
OPTIMIZERS_OWN = {name for names in OPTIMIZER_FIELDS.values() for name in names}


def foreign_fields(optimizer: str) -> set[str]:
    """Names of parameters that other optimizers have, and this one lacks."""
    return OPTIMIZERS_OWN - set(OPTIMIZER_FIELDS[optimizer])


def check_optimizer(config: Config) -> None:
    """Refuse parameters that the optimizer lacks, and those that do nothing without another."""
    idle = [name for name in foreign_fields(config.optimizer) if getattr(config, name)]
    if idle:
        names = ", ".join(sorted(idle))
        others = [one for one, has in OPTIMIZER_FIELDS.items() if set(idle) <= set(has)]
        advice = f" or choose optimizer {' or '.join(others)}" if others else ""
        raise ConfigError(
            f"optimizer {config.optimizer!r} has no {names}: leave {names} out{advice}"
        )
    if config.optimizer != "sgd" and not (config.l1 or config.l1_rest):
        raise ConfigError(f"l1: with 0 {config.optimizer!r} is plain SGD; give l1, or choose sgd")
    if config.l1_growth and not (config.l1 and config.model == "s-fc"):
        raise ConfigError("l1_growth: it makes the l1 of s-fc grow; give both, or leave it out")
    for name, given in (
        ("l1_window", config.l1_window != "grid"),
        ("l1_window_size", config.l1_window_size is not None),
    ):
        if given and not config.l1_growth:
            raise ConfigError(f"{name}: a window is where l1_growth begins; give that too")
    if config.l1_growth_from and config.l1_window != "learned":
        raise ConfigError("l1_growth_from: only learned windows grow later; give l1_window learned")
    if config.frozen_zeros and not config.beta:
        raise ConfigError("frozen_zeros: without a threshold there are no zeros; give beta")


def check_masks(config: Config) -> None:
    """Refuse a pruning that the network or the optimizer cannot have, or that keeps no weight."""
    if config.pruning != "none" and config.model != "s-fc":
        raise ConfigError(f"pruning: only s-fc has masks, not {config.model!r}; leave it out")
    if config.pruning in ("set", "rigl") and (config.optimizer == "spred" or config.frozen_zeros):
        raise ConfigError(
            f"pruning: {config.pruning!r} regrows weights, which stay zero with spred and with "
            "frozen_zeros; choose another"
        )
    if (config.pruning == "none") != (config.density == 1 and config.density_rest in (None, 1)):
        raise ConfigError("pruning and density belong together; give both, or leave both out")
    if config.pruning != "none":
        for layer, share in config.densities.items():
            if round(share * config.layer_sizes()[layer].weights) < 1:
                own = layer == "fc1" and config.density_rest is not None
                name = "density_rest" if own else "density"
                raise ConfigError(f"{name}: {share:g} leaves no weight of {layer}; give more")
    if config.pruning.endswith("windows") and config.density > config.window_share:
        raise ConfigError(
            f"density: the windows of s-local hold {config.window_share:.6g} of the first layer's "
            f"weights, less than {config.density:g}; give no more, or another pruning"
        )


def check_start(config: Config) -> None:
    """Refuse a start that network, pruning or optimizer cannot have, or a source that is no run."""
    if (config.start == "initial") != (config.source is None):
        raise ConfigError("start and source belong together; give both, or leave both out")
    if config.source is not None and not re.fullmatch(
        r"[a-z0-9][a-z0-9.-]*/(?!.*-s\d+$)[a-z0-9-]+", config.source
    ):
        raise ConfigError(
            f"source: {shown(config.source)} is no run; give the file of a record without its "
            "seed, as cifar10/s-fc-a4-sgd-0123456789"
        )
    fitting = config.taken.models
    if fitting and config.model not in fitting:
        raise ConfigError(
            f"start: {config.start!r} is for {' and '.join(fitting)}, not for {config.model!r}"
        )
    if config.start != "initial" and (config.pruning != "none" or config.model == "resnet18"):
        raise ConfigError(
            "start: neither resnet18 nor pruning starts from a source; leave out one of them"
        )
    if fitting and config.optimizer != "sgd":
        raise ConfigError(f"start: {config.start!r} is for sgd, not for {config.optimizer!r}")


def check_schedule(config: Config) -> None:
    """Refuse a schedule without the periods that a pruning, or the schedule itself, needs."""
    divides = config.cycle_epochs < config.epochs and config.epochs % config.cycle_epochs == 0
    if config.pruning in CUT_BETWEEN_PERIODS:
        if config.schedule == "constant":
            raise ConfigError(
                f"schedule: {config.pruning!r} cuts between periods of the learning rate, and a "
                "constant one has none; choose another"
            )
        if not divides:
            raise ConfigError(
                "pruning: cuts are made between periods; give a period that divides epochs"
            )
        if config.schedule == "cosine-restart":
            raise ConfigError(
                f"schedule: with pruning {config.pruning!r} 'cosine-epoch' begins anew after "
                "each period, too; give that"
            )
    if config.schedule == "cosine-restart" and not divides:
        raise ConfigError(
            "schedule: 'cosine-restart' begins anew after each period; give a period that "
            "divides epochs"
        )


def check_images_and_layers(config: Config) -> None:
    """Refuse what the images, the augmentation, the schedule or the layers have no use for."""
    side = config.image_side
    for name, given in (
        ("crop_padding", config.crop_padding is not None),
        ("crop_fill", config.crop_fill),
    ):
        if given and config.augment == "none":
            raise ConfigError(f"{name}: without augmentation there are no crops; leave it out")
    if config.crop_fill and config.augment not in ("crop", "flip-crop"):
        raise ConfigError(f"crop_fill: {config.augment!r} fills with 0; leave it out")
    if config.crop_fill and config.crop_shift == 0:
        raise ConfigError("crop_fill: with crop_padding 0 nothing is filled; leave it out")
    if config.labels == "shuffled-first" and config.images != "gaussian":
        raise ConfigError(
            "labels: 'shuffled-first' is for images 'gaussian', which are drawn by class; give "
            "these, or choose 'shuffled'"
        )
    if config.crop_padding is not None and config.crop_padding >= side:
        raise ConfigError(f"crop_padding: images have {side} pixels a side; give less")
    if config.period is not None and config.schedule == "constant":
        raise ConfigError("period: a constant learning rate has none; leave it out")
    size = config.l1_window_size
    if size is not None and size % 2 == 0:
        raise ConfigError(f"l1_window_size: {size} is even; give an odd number")
    if size is not None and size // 2 >= side - 1:
        raise ConfigError(
            f"l1_window_size: images have {side} pixels a side, so that none would lie "
            "outside a window; give less"
        )
    if config.padding == "none":
        config.layer_sizes()  # refuses images too small for the kernel
