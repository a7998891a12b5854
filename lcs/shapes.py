"""Shapes of the networks' layers, known without building them (Neyshabur 2020, Tables 3 and 4).

Needs no torch: what lists or checks records starts without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from lcs.errors import ConfigError

MODELS = ("s-conv", "s-local", "s-fc", "d-conv", "d-local", "d-fc", "3-fc", "resnet18")
# α of the paper's nets, by the first letter of their names; ResNet18's of He et al. (2016)
PAPER_WIDTHS = {"s": 150, "d": 15, "3": 150, "r": 64}
# convolutions of S- and D- nets: channels in units of alpha, and strides
PLANS: dict[str, tuple[tuple[int, int], ...]] = {
    "s": ((1, 2),),
    "d": ((1, 1), (2, 2), (2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2)),
}
# units of their first fully connected layer, in units of alpha
HIDDEN = {"s": 24, "d": 64}


class Geometry(NamedTuple):
    """Shape of one convolution-like layer: square images, square kernels."""

    in_channels: int
    in_size: int  # pixels along one side
    out_channels: int
    kernel_size: int
    stride: int
    padding: int

    @property
    def out_size(self) -> int:
        """Output positions along one side."""
        return (self.in_size + 2 * self.padding - self.kernel_size) // self.stride + 1

    @property
    def inputs(self) -> int:
        """Numbers in the layer's input."""
        return self.in_channels * self.in_size**2

    @property
    def outputs(self) -> int:
        """Numbers in the layer's output."""
        return self.out_channels * self.out_size**2

    @property
    def window_share(self) -> float:
        """Share of the fully connected layer's weights that the locally connected one has."""
        starts = [place * self.stride - self.padding for place in range(self.out_size)]
        inside = sum(min(at + self.kernel_size, self.in_size) - max(at, 0) for at in starts)
        return (inside / (self.out_size * self.in_size)) ** 2


class LayerSize(NamedTuple):
    """Size of one layer.

    Attributes:
        weights: their number, biases left out.
        positions: at how many places of the image each weight is used.
        units: rows of the weight matrix; None where the layer has none.
    """

    weights: int
    positions: int = 1
    units: int | None = None

    @property
    def flops(self) -> int:
        """Operations of one image's forward pass; one multiply–accumulate is two."""
        return 2 * self.positions * self.weights


def default_kernel(model: str) -> int:
    """Side of a convolution's kernel where none is given."""
    return 9 if model.startswith("s-") else 3


def check_layers(model: str, kernel_size: int | None, padding: str, *, extras: bool) -> None:
    """Refuse what a network cannot have; `extras` are biases, affine normalisation and dropout.

    Raises:
        ConfigError: for that.
    """
    if kernel_size is not None and model.endswith("fc"):
        raise ConfigError(f"kernel_size: model {model!r} has no kernels; leave it out")
    if kernel_size is not None and kernel_size % 2 == 0:
        raise ConfigError(f"kernel_size: {kernel_size} is even; give an odd number")
    if padding != "same" and model not in ("s-conv", "s-local"):
        raise ConfigError("padding: only s-conv and s-local take 'none'; leave it out")
    if model == "resnet18" and extras:
        raise ConfigError("resnet18 is torchvision's: leave affine, bias and dropout out")


def stack_and_hidden(
    model: str,
    num_classes: int,
    *,
    image_size: int,
    in_channels: int,
    base_channels: int,
    kernel_size: int | None = None,
    padding: str = "same",
) -> tuple[list[Geometry], int]:
    """Convolution-like layers of an S-, D- or 3- net from input to output, and its hidden units.

    The first layer of 3-FC corresponds to a convolution whose kernel is as large as the image.

    Raises:
        ConfigError: the image is too small for the kernel.
    """
    if model == "3-fc":
        width = three_layer_width(
            num_classes, image_size=image_size, in_channels=in_channels, base_channels=base_channels
        )
        return [Geometry(in_channels, image_size, width, image_size, stride=1, padding=0)], width
    kernel = kernel_size or default_kernel(model)
    margin = kernel // 2 if padding == "same" else 0
    channels, size, stack = in_channels, image_size, []
    for multiple, stride in PLANS[model[0]]:
        layer = Geometry(channels, size, multiple * base_channels, kernel, stride, margin)
        if layer.out_size < 1:
            raise ConfigError(
                f"padding: 'none' leaves nothing of {size}x{size} images under a "
                f"{kernel}x{kernel} kernel; choose 'same'"
            )
        stack.append(layer)
        channels, size = layer.out_channels, layer.out_size
    return stack, HIDDEN[model[0]] * base_channels


def three_layer_width(
    num_classes: int, *, image_size: int, in_channels: int, base_channels: int
) -> int:
    """Width of 3-FC, two hidden layers of equal width, at which it has the budget of S-FC.

    Its number of weights comes nearest to that of S-FC at the same α, as the paper compares the two
    at equal size (Table 1).
    """
    same = layer_sizes(
        "s-fc",
        num_classes,
        image_size=image_size,
        in_channels=in_channels,
        base_channels=base_channels,
    )
    budget = sum(size.weights for size in same.values())
    # a net of width w has w² + (inputs + classes) w weights
    half = (in_channels * image_size**2 + num_classes) / 2
    return round(math.sqrt(half**2 + budget) - half)


def layer_sizes(
    model: str,
    num_classes: int,
    *,
    image_size: int,
    in_channels: int,
    base_channels: int,
    kernel_size: int | None = None,
    padding: str = "same",
) -> dict[str, LayerSize]:
    """Size of every layer with weights, by name, in the order of `lcs.models.layer_weights`.

    Arguments are those of `lcs.models.build`.

    Raises:
        ConfigError: the image is too small for the kernel.
    """
    if model == "resnet18":
        kernel = kernel_size or default_kernel(model)
        return _resnet_sizes(num_classes, image_size, in_channels, base_channels, kernel)
    stack, hidden = stack_and_hidden(
        model,
        num_classes,
        image_size=image_size,
        in_channels=in_channels,
        base_channels=base_channels,
        kernel_size=kernel_size,
        padding=padding,
    )
    _, kind = model.split("-")
    sizes = {}
    for number, layer in enumerate(stack, start=1):
        kernels = layer.out_channels * layer.in_channels * layer.kernel_size**2
        positions = layer.out_size**2
        sizes[f"conv{number}"] = {
            "conv": LayerSize(kernels, positions),
            "local": LayerSize(kernels * positions),
            "fc": _matrix(layer.inputs, layer.outputs),
        }[kind]
    sizes["fc1"] = _matrix(stack[-1].outputs, hidden)
    return sizes | {"fc2": _matrix(hidden, num_classes)}


def flops(sizes: Mapping[str, LayerSize], nonzeros: Mapping[str, int]) -> dict[str, int]:
    """FLOPs of the linear maps in one image's forward pass; one multiply-accumulate is 2 FLOPs.

    "dense" counts every weight, "sparse" those that are not zero (`nonzeros`, by layer), each at
    every position. Padding is counted as if it were image, as is usual. Biases, batch normalisation
    and ReLU are not counted.
    """
    return {
        "dense": sum(size.flops for size in sizes.values()),
        "sparse": sum(s._replace(weights=nonzeros[n]).flops for n, s in sizes.items()),
    }


def _matrix(inputs: int, units: int) -> LayerSize:
    return LayerSize(inputs * units, units=units)


def _resnet_sizes(
    num_classes: int, image_size: int, in_channels: int, base_channels: int, kernel: int
) -> dict[str, LayerSize]:
    """Sizes of `lcs.models.resnet.ScaledResNet`: four stages of two blocks of two convolutions."""
    positions, width = image_size**2, base_channels
    sizes = {"conv1": LayerSize(in_channels * width * kernel**2, positions)}
    for stage in range(4):
        before, width = width, base_channels << stage
        if stage:
            image_size = (image_size + 1) // 2
            positions = image_size**2
        for block in range(2):
            inputs = width if block else before
            name = f"layer{stage + 1}.{block}"
            sizes[f"{name}.conv1"] = LayerSize(inputs * width * kernel**2, positions)
            sizes[f"{name}.conv2"] = LayerSize(width * width * kernel**2, positions)
            if inputs != width:
                sizes[f"{name}.downsample.0"] = LayerSize(inputs * width, positions)
    return sizes | {"fc": _matrix(width, num_classes)}
