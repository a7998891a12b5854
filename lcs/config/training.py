"""A training run as plain values: all that changes its numbers, and nothing that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, get_type_hints

from lcs.config import combinations
from lcs.config.run_config import RunConfig, check_values
from lcs.config.starts import STARTS, Start
from lcs.data.specs import AUGMENTATIONS, DATASETS, IMAGE_KINDS, LABEL_KINDS, spec
from lcs.shapes import (
    MODELS,
    LayerSize,
    check_layers,
    default_kernel,
    layer_sizes,
    stack_and_hidden,
)

PRUNINGS = ("none", "random", "snip", "windows", "random-windows", "magnitude", "rewinding",
            "gradual", "set", "rigl")  # fmt: skip


@dataclass(frozen=True)
class Config(RunConfig):
    """One training run. Device, workers, paths and progress bars are not part of it.

    What a field means, and the values that it may have (these, or from a lowest to a highest one),
    stands in its annotation; `lcs train --help` prints both. More on methods of pruning is in
    `lcs.optim.pruning`, on λ that grows in `lcs.optim.growing_l1`, on starts from another network
    in `lcs.models.transfer`, on surrogates of images in `lcs.data.surrogates`.

    A default means "no effect" or the paper's choice; new fields must default to "no effect", so
    that the ids of earlier runs stand. Values are checked at construction.

    Raises:
        ConfigError: a value has the wrong type, is out of range, or does nothing together with the
            others (for example `beta` with plain SGD).
    """

    kind: ClassVar[str] = "training"

    dataset: Annotated[str, "the data set", DATASETS] = "cifar10"
    model: Annotated[str, "the network", MODELS] = "s-fc"
    base_channels: Annotated[int, "alpha, the width: the filters of S-CONV", (1, 4096)] = 1
    kernel_size: Annotated[
        int | None,
        "side of convolution kernels, odd; if not given: 9 in S-CONV and S-LOCAL, else 3",
        (1, 31),
    ] = None
    padding: Annotated[
        str,
        "zeros around the image in S-CONV and S-LOCAL; the reproduction used none",
        ("same", "none"),
    ] = "same"
    affine: Annotated[bool, "batch normalisation with learnt scale and shift"] = False
    bias: Annotated[bool, "biases in every linear map"] = False
    dropout: Annotated[
        float, "probability of dropout before the last two fully connected layers", (0.0, 0.95)
    ] = 0.0
    optimizer: Annotated[str, "the optimizer", ("sgd", "beta-lasso", "proximal-l1", "spred")] = (
        "sgd"
    )
    lr: Annotated[float, "eta, the learning rate at the start of the schedule", (1e-9, 1e3)] = 0.1
    momentum: Annotated[float, "momentum of SGD and spred", (0.0, 0.9999)] = 0.0
    weight_decay: Annotated[float, "weight decay of SGD", (0.0, 1.0)] = 0.0
    l1: Annotated[float, "lambda of the layers that correspond to convolutions", (0.0, 1.0)] = 0.0
    l1_rest: Annotated[
        float | None, "lambda of the other layers; if not given: the same", (0.0, 1.0)
    ] = None
    l1_growth: Annotated[
        float, "growth of the first layer's lambda, per pixel outside a window", (0.0, 1e6)
    ] = 0.0
    l1_growth_from: Annotated[
        float,
        "share of the epochs without that growth, which is whole after twice as many; for learned "
        "windows",
        (0.0, 0.5),
    ] = 0.0
    l1_window: Annotated[
        str,
        "grid: S-LOCAL's; initial, learned: where a unit's weights are, at first or at each epoch",
        ("grid", "initial", "learned"),
    ] = "grid"
    l1_window_size: Annotated[
        int | None, "side of that window in pixels, odd; if not given: 9", (1, 61)
    ] = None
    beta: Annotated[
        float, "weights of magnitude below beta * lambda are set to zero", (0.0, 1e9)
    ] = 0.0
    frozen_zeros: Annotated[bool, "weights at zero stay there (one-way pruning)"] = False
    pruning: Annotated[
        str,
        "how a mask of zeros is made: random, snip, windows, random-windows: once, at the start; "
        "magnitude, rewinding: cut after each period; gradual (from four epochs on), set, rigl: "
        "changed before epochs (lcs.optim.pruning)",
        PRUNINGS,
    ] = "none"
    density: Annotated[
        float, "share of the first layer's weights that the mask keeps", (1e-6, 1.0)
    ] = 1.0
    density_rest: Annotated[
        float | None,
        "share that it keeps of the second layer; if not given: the same; the last layer is dense",
        (1e-6, 1.0),
    ] = None
    start: Annotated[
        str,
        "what is taken of a trained network: nothing (initial), masks with their initial weights "
        "(ticket) or with new ones (mask; first-mask: of the first layer alone), such masks with "
        "their places moved (rewired-mask, rewired-first-mask, random-mask), masks of the first "
        "layer's shapes in all layers (footprints, scattered-footprints), first-layer weights, or "
        "the network (pruned-network: with its masks; lcs.models.transfer)",
        tuple(STARTS),
    ] = "initial"
    source: Annotated[
        str | None,
        "that network: its record, as cifar10/s-fc-a4-sgd-0123456789; it has the same seed",
    ] = None
    loss: Annotated[
        str, "the loss; bce: of one-hot targets, mean over classes", ("cross-entropy", "bce")
    ] = "cross-entropy"
    schedule: Annotated[
        str, "schedule of the learning rate", ("cosine-epoch", "cosine-restart", "constant")
    ] = "cosine-epoch"
    period: Annotated[
        int | None,
        "epochs until the cosine reaches 0; then it rises, or begins anew with cosine-restart, "
        "magnitude and rewinding; if not given: all",
        (1, 1_000_000),
    ] = None
    epochs: Annotated[int, "passes over the training images", (1, 1_000_000)] = 400
    batch_size: Annotated[int, "images in a batch", (2, 1_000_000)] = 512
    augment: Annotated[str, "how each epoch changes the training images", AUGMENTATIONS] = "none"
    crop_padding: Annotated[
        int | None,
        "pixels around an image before a crop; if not given: an eighth of its side",
        (0, 31),
    ] = None
    crop_fill: Annotated[
        int,
        "value of the pixels around an image before a crop; of surrogates but noise, 64 is as far "
        "from their mean as black is in natural images",
        (0, 255),
    ] = 0
    normalize: Annotated[
        str,
        "how pixels are scaled; half: (x / 255 - 0.5) / 0.5; standard: per channel",
        ("half", "standard"),
    ] = "half"
    permute_pixels: Annotated[bool, "one fixed permutation of the pixels of every input"] = False
    images: Annotated[
        str,
        "the data set's images, or surrogates: each pixel's ranks gaussianised; gaussian, by the "
        "mean and covariance of each class; with scrambled phases; noise (lcs.data.surrogates)",
        IMAGE_KINDS,
    ] = "natural"
    labels: Annotated[
        str,
        "shuffled: those of the training images; shuffled-first: all, before images 'gaussian' "
        "are drawn by class",
        LABEL_KINDS,
    ] = "true"
    train_share: Annotated[
        float, "share of the training images, the first of each class", (1e-4, 1.0)
    ] = 1.0
    validation: Annotated[
        bool, "hold out the last tenth of each class, and leave the test set alone"
    ] = False
    precision: Annotated[
        str, "precision of the products; weights are kept in fp32", ("fp32", "bf16")
    ] = "fp32"
    seed: Annotated[
        int, "seed of weights, masks, dropout, batches and augmentation", (0, 2**31 - 1)
    ] = 0

    def __post_init__(self) -> None:
        """Check every field, then what the fields mean together."""
        check_values(self, CHOICES, RANGES)
        # in this order: of several faults, the first is told
        combinations.check_optimizer(self)
        combinations.check_masks(self)
        combinations.check_start(self)
        combinations.check_schedule(self)
        extras = self.affine or self.bias or self.dropout > 0
        check_layers(self.model, self.kernel_size, self.padding, extras=extras)
        combinations.check_images_and_layers(self)
        # one spelling of each run: what equals the value of None becomes None
        implied = {
            "l1_rest": self.l1,
            "density_rest": self.density,
            "kernel_size": default_kernel(self.model),
            "l1_window_size": default_kernel(self.model),
            "period": self.epochs,
            "crop_padding": self._usual_shift,
        }
        for name, value in implied.items():
            if getattr(self, name) == value:
                object.__setattr__(self, name, None)

    @property
    def crop_shift(self) -> int:
        """Return by how many pixels at most a crop shifts an image along each axis."""
        return self._usual_shift if self.crop_padding is None else self.crop_padding

    @property
    def _usual_shift(self) -> int:
        return self.image_side // 8

    @property
    def image_side(self) -> int:
        """Pixels along one side of an image."""
        return spec(self.dataset).image_shape[0]

    def layer_sizes(self) -> dict[str, LayerSize]:
        """Return the size of every layer of the network, by name, without building it."""
        return layer_sizes(
            self.model,
            **spec(self.dataset).network,
            base_channels=self.base_channels,
            kernel_size=self.kernel_size,
            padding=self.padding,
        )

    @property
    def window_share(self) -> float:
        """Share of the weights of S-FC's first layer that S-LOCAL has, in its windows."""
        (layer,), _ = stack_and_hidden("s-fc", **spec(self.dataset).network, base_channels=1)
        return layer.window_share

    @property
    def accuracy_name(self) -> str:
        """Name of the accuracy that the run records: on test images, or on those held out."""
        return "validation_accuracy" if self.validation else "test_accuracy"

    @property
    def taken(self) -> Start:
        """What is taken of the source."""
        return STARTS[self.start]

    @property
    def bf16(self) -> bool:
        """Whether products are computed in bfloat16."""
        return self.precision == "bf16"

    @property
    def rest_l1(self) -> float:
        """Return λ of the layers that do not correspond to convolutions."""
        return self.l1 if self.l1_rest is None else self.l1_rest

    @property
    def densities(self) -> dict[str, float]:
        """Return the share of its weights that `pruning` keeps of each layer that it masks."""
        rest = self.density if self.density_rest is None else self.density_rest
        return {"conv1": self.density, "fc1": rest}

    @property
    def cycle_epochs(self) -> int:
        """Return the epochs until the cosine of the learning rate reaches 0."""
        return self.period or self.epochs

    @property
    def name(self) -> str:
        """Stem of the record's file, with model, width, optimizer and run id."""
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
