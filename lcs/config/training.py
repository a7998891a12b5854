"""A training run as plain values: all that changes its numbers, and nothing that does not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple, get_type_hints

from lcs import shapes
from lcs.config.run_config import RunConfig, check_values
from lcs.data.specs import AUGMENTATIONS, DATASETS, IMAGE_KINDS, LABEL_KINDS, spec
from lcs.errors import ConfigError, shown

# of the parameters that only some optimizers have: those of each
OPTIMIZER_FIELDS: dict[str, tuple[str, ...]] = {
    "sgd": ("momentum", "weight_decay"),
    "beta-lasso": ("l1", "l1_rest", "l1_growth", "l1_growth_from", "l1_window_size", "beta",
                   "frozen_zeros"),
    "proximal-l1": ("l1", "l1_rest"),
    "spred": ("l1", "l1_rest", "momentum"),
}  # fmt: skip
OPTIMIZERS_OWN = {name for names in OPTIMIZER_FIELDS.values() for name in names}
# of `pruning`: the methods that cut when a period of the learning rate ends, and begin it anew
CUT_BETWEEN_PERIODS = ("magnitude", "rewinding")
# the file of a record without its seed
SOURCE = re.compile(r"[a-z0-9][a-z0-9.-]*/(?!.*-s\d+$)[a-z0-9-]+")


class Transfer(NamedTuple):
    """What a run takes of another, trained network; `lcs.models.transfer` describes each."""

    models: tuple[str, ...] = ()  # that can take it; empty: all
    masked: tuple[str, ...] = ()  # layers whose masks are taken
    moved: str = ""  # which of their places: rewired, random or scattered (of later layers)
    footprints: bool = False  # masks of the first layer's shapes in later layers, too
    network: bool = False  # all weights are taken
    frozen: bool = False  # the weights that are taken are not trained
    new_weights: bool = True  # initial weights that no run without a source has


S_FC, D_FC, FIRST, BOTH = ("s-fc",), ("d-fc",), ("conv1",), ("conv1", "fc1")
TRANSFERS = {
    "initial": Transfer(new_weights=False),
    "ticket": Transfer(S_FC, BOTH, new_weights=False),
    "mask": Transfer(S_FC, BOTH),
    "first-mask": Transfer((*S_FC, *D_FC), FIRST),
    "rewired-mask": Transfer(S_FC, BOTH, "rewired"),
    "rewired-first-mask": Transfer((*S_FC, *D_FC), FIRST, "rewired"),
    "random-mask": Transfer(S_FC, BOTH, "random"),
    "footprints": Transfer(D_FC, FIRST, footprints=True),
    "scattered-footprints": Transfer(D_FC, FIRST, "scattered", footprints=True),
    "first-layer": Transfer(S_FC),
    "frozen-first-layer": Transfer(S_FC, frozen=True),
    "network": Transfer(network=True, new_weights=False),
    "pruned-network": Transfer(S_FC, BOTH, network=True, new_weights=False),
}


@dataclass(frozen=True)
class Config(RunConfig):
    """One training run. Device, workers, paths and progress bars are not part of it.

    Each annotation says what a field means, and its choices or its lowest and highest value. A
    default means "no effect" or the paper's choice; that of a new field must mean "no effect", so
    that the ids of earlier runs stand.

    ConfigError for a value of a wrong type, out of range, or that does nothing with the others.
    """

    kind: ClassVar[str] = "training"

    dataset: Annotated[str, "the data set", DATASETS] = "cifar10"
    model: Annotated[str, "the network", shapes.MODELS] = "s-fc"
    base_channels: Annotated[int, "alpha, the width: the filters of S-CONV", (1, 4096)] = 1
    kernel_size: Annotated[int | None, "side of kernels, odd; default: 9 (S-) or 3", (1, 31)] = None
    padding: Annotated[str, "zeros around images in S-CONV and S-LOCAL", shapes.PADDINGS] = "same"
    affine: Annotated[bool, "batch normalisation with learnt scale and shift"] = False
    bias: Annotated[bool, "biases in every linear map"] = False
    dropout: Annotated[float, "probability, before each of the last two layers", (0.0, 0.95)] = 0.0
    optimizer: Annotated[str, "the optimizer", tuple(OPTIMIZER_FIELDS)] = "sgd"
    lr: Annotated[float, "eta, the learning rate at the start of the schedule", (1e-9, 1e3)] = 0.1
    momentum: Annotated[float, "momentum of SGD and spred", (0.0, 0.9999)] = 0.0
    weight_decay: Annotated[float, "weight decay of SGD", (0.0, 1.0)] = 0.0
    l1: Annotated[float, "lambda of the layers that correspond to convolutions", (0.0, 1.0)] = 0.0
    l1_rest: Annotated[float | None, "lambda of other layers; default: the same", (0.0, 1.0)] = None
    l1_growth: Annotated[float, "growth of lambda per pixel outside a window", (0.0, 1e6)] = 0.0
    l1_growth_from: Annotated[float, "share of epochs without it, if learned", (0.0, 0.5)] = 0.0
    l1_window: Annotated[str, "of S-LOCAL, or of weights", ("grid", "initial", "learned")] = "grid"
    l1_window_size: Annotated[int | None, "side of the window, odd; default: 9", (1, 61)] = None
    beta: Annotated[float, "weights below beta * lambda in size become zero", (0.0, 1e9)] = 0.0
    frozen_zeros: Annotated[bool, "weights at zero stay there (one-way pruning)"] = False
    pruning: Annotated[
        str,
        "how a mask of zeros is made: once, after periods, or before epochs (lcs.optim.pruning)",
        ("none", "random", "snip", "windows", "random-windows", *CUT_BETWEEN_PERIODS, "gradual",
         "set", "rigl"),
    ] = "none"  # fmt: skip
    density: Annotated[float, "share of the first layer's weights to keep", (1e-6, 1.0)] = 1.0
    density_rest: Annotated[float | None, "the second's; default: the same", (1e-6, 1.0)] = None
    start: Annotated[str, "what source gives (lcs.models.transfer)", tuple(TRANSFERS)] = "initial"
    source: Annotated[str | None, "the network's record, as cifar10/s-fc-a4-sgd-0123456789"] = None
    loss: Annotated[str, "bce: mean over classes", ("cross-entropy", "bce")] = "cross-entropy"
    schedule: Annotated[
        str, "schedule of the learning rate", ("cosine-epoch", "cosine-restart", "constant")
    ] = "cosine-epoch"
    period: Annotated[int | None, "epochs until eta is 0; default: all", (1, 1_000_000)] = None
    epochs: Annotated[int, "passes over the training images", (1, 1_000_000)] = 400
    batch_size: Annotated[int, "images in a batch", (2, 1_000_000)] = 512
    augment: Annotated[str, "how each epoch changes the training images", AUGMENTATIONS] = "none"
    crop_padding: Annotated[int | None, "pixels around crops; default: side / 8", (0, 31)] = None
    crop_fill: Annotated[int, "value of these; 64 fits surrogates but noise", (0, 255)] = 0
    normalize: Annotated[str, "to [-1, 1], or by channel", ("half", "standard")] = "half"
    permute_pixels: Annotated[bool, "one fixed permutation of the pixels of every input"] = False
    images: Annotated[str, "natural, or lcs.data.surrogates of them", IMAGE_KINDS] = "natural"
    labels: Annotated[str, "shuffled in training, or before images are drawn", LABEL_KINDS] = "true"
    train_share: Annotated[float, "of each class's training images, the first", (1e-4, 1.0)] = 1.0
    validation: Annotated[bool, "hold out the last tenth of each class as test images"] = False
    precision: Annotated[str, "of products; weights stay in fp32", ("fp32", "bf16")] = "fp32"
    seed: Annotated[int, "of weights, masks, dropout, batches, augmentation", (0, 2**31 - 1)] = 0

    def __post_init__(self) -> None:
        """Check every field, then what the fields mean together."""
        check_values(self, CHOICES, RANGES)
        size = self.network_size
        if fault := next(_faults(self, size.image_size), None):
            raise ConfigError(fault)
        shapes.check_layers(self.model, size, extras=self.affine or self.bias or self.dropout > 0)
        if self.padding == "none":
            self.layer_sizes()  # refuses images too small for the kernel
        # one spelling of each run: what equals the value of None becomes None
        implied = {
            "l1_rest": self.l1,
            "density_rest": self.density,
            "kernel_size": shapes.default_kernel(self.model),
            "l1_window_size": shapes.default_kernel(self.model),
            "period": self.epochs,
            "crop_padding": size.image_size // 8,
        }
        for name, value in implied.items():
            if getattr(self, name) == value:
                object.__setattr__(self, name, None)

    @property
    def crop_shift(self) -> int:
        """By how many pixels at most a crop shifts an image along each axis."""
        usual = self.network_size.image_size // 8
        return usual if self.crop_padding is None else self.crop_padding

    @property
    def network_size(self) -> shapes.NetworkSize:
        """What the sizes of the network's layers follow from."""
        return shapes.NetworkSize(
            **spec(self.dataset).network,
            base_channels=self.base_channels,
            kernel_size=self.kernel_size,
            padding=self.padding,
        )

    def layer_sizes(self) -> dict[str, shapes.LayerSize]:
        """Return the size of every layer of the network, by name, without building it."""
        return shapes.layer_sizes(self.model, self.network_size)

    @property
    def window_share(self) -> float:
        """Share of the weights of S-FC's first layer that S-LOCAL has, in its windows."""
        usual = self.network_size._replace(kernel_size=None, padding="same")
        (layer,), _ = shapes.stack_and_hidden("s-fc", usual)
        return layer.window_share

    @property
    def accuracy_name(self) -> str:
        """Name of the accuracy that the run records: on test images, or on those held out."""
        return "validation_accuracy" if self.validation else "test_accuracy"

    @property
    def transfer(self) -> Transfer:
        """What the run takes of the network of its source."""
        return TRANSFERS[self.start]

    @property
    def bf16(self) -> bool:
        """Whether products are computed in bfloat16."""
        return self.precision == "bf16"

    @property
    def rest_l1(self) -> float:
        """λ of the layers that do not correspond to convolutions."""
        return self.l1 if self.l1_rest is None else self.l1_rest

    @property
    def densities(self) -> dict[str, float]:
        """Share of its weights that `pruning` keeps of each layer that it masks."""
        rest = self.density if self.density_rest is None else self.density_rest
        return {"conv1": self.density, "fc1": rest}

    @property
    def cycle_epochs(self) -> int:
        """Epochs until the cosine of the learning rate reaches 0."""
        return self.period or self.epochs

    @property
    def name(self) -> str:
        """Stem of the record's file."""
        return f"{self.model}-a{self.base_channels}-{self.optimizer}-{self.run_id}"

    @property
    def file(self) -> str:
        """Place of the record in a store, without suffix."""
        return f"{self.dataset}/{self.name}"

    @property
    def as_source(self) -> str:
        """Name of the run in another's `source`; the same for all seeds."""
        return self.file.rpartition("-s")[0]

    @property
    def source_file(self) -> str | None:
        """`file` of the run that this one starts from; None if it starts from no other."""
        return None if self.source is None else f"{self.source}-s{self.seed}"


# the values that a field may have, or the lowest and highest one, from its annotation
_LIMITS = {
    name: hint.__metadata__[1]
    for name, hint in get_type_hints(Config, include_extras=True).items()
    if len(getattr(hint, "__metadata__", ())) == 2
}
CHOICES: dict[str, tuple[str, ...]] = {n: v for n, v in _LIMITS.items() if isinstance(v[0], str)}
RANGES: dict[str, tuple[float, float]] = {n: v for n, v in _LIMITS.items() if n not in CHOICES}


def foreign_fields(optimizer: str) -> set[str]:
    """Names of parameters that other optimizers have, and this one lacks."""
    return OPTIMIZERS_OWN - {*OPTIMIZER_FIELDS[optimizer]}


def _faults(c: Config, side: int) -> Iterator[str]:
    """Yield which values do nothing, or fit neither each other nor images of this side."""
    if idle := sorted(name for name in foreign_fields(c.optimizer) if getattr(c, name)):
        names = ", ".join(idle)
        others = [one for one, own in OPTIMIZER_FIELDS.items() if {*idle} <= {*own}]
        advice = f" or choose optimizer {' or '.join(others)}" if others else ""
        yield f"optimizer {c.optimizer!r} has no {names}: leave {names} out{advice}"
    if c.optimizer != "sgd" and not (c.l1 or c.l1_rest):
        yield f"l1: with 0 {c.optimizer!r} is plain SGD; give l1, or choose sgd"
    if c.l1_growth and not (c.l1 and c.model == "s-fc"):
        yield "l1_growth: it makes the l1 of s-fc grow; give both, or leave it out"
    if not c.l1_growth and (c.l1_window != "grid" or c.l1_window_size is not None):
        yield "l1_window: a window is where l1_growth begins; give that too"
    if c.l1_growth_from and c.l1_window != "learned":
        yield "l1_growth_from: only learned windows grow later; give l1_window learned"
    if c.frozen_zeros and not c.beta:
        yield "frozen_zeros: without a threshold there are no zeros; give beta"

    if c.pruning != "none" and c.model != "s-fc":
        yield f"pruning: only s-fc has masks, not {c.model!r}; leave it out"
    if c.pruning in ("set", "rigl") and (c.optimizer == "spred" or c.frozen_zeros):
        yield f"pruning: {c.pruning!r} regrows what spred and frozen_zeros keep at 0; use another"
    if (c.pruning == "none") != (c.density == 1 and c.density_rest in (None, 1)):
        yield "pruning and density belong together; give both, or leave both out"
    if c.pruning != "none":
        for layer, share in c.densities.items():
            if round(share * c.layer_sizes()[layer].weights) < 1:
                yield f"density: {share:g} leaves no weight of {layer}; give more"
    if c.pruning.endswith("windows") and c.density > c.window_share:
        yield f"density: windows hold {c.window_share:.6g} of the first layer's weights; give less"

    if (c.start == "initial") != (c.source is None):
        yield "start and source belong together; give both, or leave both out"
    if c.source is not None and not SOURCE.fullmatch(c.source):
        example = "cifar10/s-fc-a4-sgd-0123456789"
        yield f"source: {shown(c.source)} is no record without its seed, as {example}; give one"
    if (fitting := c.transfer.models) and (c.model not in fitting or c.optimizer != "sgd"):
        yield f"start: {c.start!r} is for {' or '.join(fitting)} and optimizer sgd; give these"
    if c.start != "initial" and (c.pruning != "none" or c.model == "resnet18"):
        yield "start: neither resnet18 nor pruning starts from a source; leave out one of them"

    cuts = c.pruning in CUT_BETWEEN_PERIODS
    if cuts and c.schedule != "cosine-epoch":
        yield f"schedule: with pruning {c.pruning!r} cosine-epoch begins anew; give that"
    several = c.cycle_epochs < c.epochs and c.epochs % c.cycle_epochs == 0
    if (cuts or c.schedule == "cosine-restart") and not several:
        yield "period: cuts and restarts are between periods; give one that divides epochs"
    if c.period is not None and c.schedule == "constant":
        yield "period: a constant learning rate has none; leave it out"

    if c.crop_padding is not None and c.augment == "none":
        yield "crop_padding: without augmentation there are no crops; leave it out"
    if c.crop_fill and (c.augment not in ("crop", "flip-crop") or not c.crop_shift):
        yield "crop_fill: only crops, by at least a pixel, fill with it; leave it out"
    if c.crop_padding is not None and c.crop_padding >= side:
        yield f"crop_padding: images have {side} pixels a side; give less"
    if c.labels == "shuffled-first" and c.images != "gaussian":
        yield "labels: 'shuffled-first' is for images 'gaussian'; give these, or choose 'shuffled'"
    window = c.l1_window_size
    if window is not None and (window % 2 == 0 or window > 2 * side - 3):
        yield f"l1_window_size: give an odd number up to {2 * side - 3}, where images end"
