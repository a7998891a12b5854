"""Shapes of the networks' layers, known without torch (Neyshabur 2020, Tables 3 and 4)."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from lcs.errors import ConfigError

MODELS = ("s-conv", "s-local", "s-fc", "d-conv", "d-local", "d-fc", "3-fc", "resnet18")
PADDINGS = ("same", "none")
# α of the paper's nets, by the first letter of their names; ResNet18's of He et al. (2016)
PAPER_WIDTHS = {"s": 150, "d": 15, "3": 150, "r": 64}
# convolutions of S- and D- nets: channels in units of alpha, and strides
PLANS: dict[str, tuple[tuple[int, int], ...]] = {
    "s": ((1, 2),),
    "d": ((1, 1), (2, 2), (2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2)),
}
# units of their first fully connected layer, in units of alpha
HIDDEN = {"s": 24, "d": 64}


class NetworkSize(NamedTuple):
    """What the sizes of a network's layers follow from: arguments of `lcs.models.build`."""

    num_classes: int
    image_size: int  # pixels along one side
    in_channels: int
    base_channels: int  # alpha
    kernel_size: int | None = None
    padding: str = "same"


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
    """Size of one layer."""

    weights: int  # biases left out
    positions: int = 1  # of the image at which each weight is used
    units: int | None = None  # rows of the weight matrix, where the layer has one

    @property
    def flops(self) -> int:
        """Operations of one image's forward pass; one multiply-accumulate is two."""
        return 2 * self.positions * self.weights


def default_kernel(model: str) -> int:
    """Side of a convolution's kernel where none is given."""
    return 9 if model.startswith("s-") else 3


def check_layers(model: str, size: NetworkSize, *, extras: bool) -> None:
    """Raise ConfigError for what a network cannot have; `extras` are bias, affine and dropout."""
    if size.kernel_size is not None and model.endswith("fc"):
        raise ConfigError(f"kernel_size: model {model!r} has no kernels; leave it out")
    if size.kernel_size is not None and size.kernel_size % 2 == 0:
        raise ConfigError(f"kernel_size: {size.kernel_size} is even; give an odd number")
    if size.padding != "same" and model not in ("s-conv", "s-local"):
        raise ConfigError("padding: only s-conv and s-local take 'none'; leave it out")
    if model == "resnet18" and extras:
        raise ConfigError("resnet18 is torchvision's: leave affine, bias and dropout out")


def stack_and_hidden(model: str, size: NetworkSize) -> tuple[list[Geometry], int]:
    """Convolution-like layers of an S-, D- or 3- net from input to output, and its hidden units.

    The first layer of 3-FC corresponds to a convolution whose kernel is as large as the image. Its
    two hidden layers have the width at which its number of weights comes nearest to that of S-FC at
    the same α: the paper compares the two at equal size (Table 1). ConfigError for an image that is
    too small for the kernel.
    """
    channels, side = size.in_channels, size.image_size
    if model == "3-fc":
        budget = sum(layer.weights for layer in layer_sizes("s-fc", size).values())
        # a net of width w has w² + (inputs + classes) w weights
        half = (channels * side**2 + size.num_classes) / 2
        width = round(math.sqrt(half**2 + budget) - half)
        return [Geometry(channels, side, width, side, stride=1, padding=0)], width
    kernel, stack = size.kernel_size or default_kernel(model), []
    margin = kernel // 2 if size.padding == "same" else 0
    for multiple, stride in PLANS[model[0]]:
        layer = Geometry(channels, side, multiple * size.base_channels, kernel, stride, margin)
        if layer.out_size < 1:
            fault = f"nothing of {side}x{side} images under a {kernel}x{kernel} kernel"
            raise ConfigError(f"padding: 'none' leaves {fault}; choose 'same'")
        stack.append(layer)
        channels, side = layer.out_channels, layer.out_size
    return stack, HIDDEN[model[0]] * size.base_channels


def layer_sizes(model: str, size: NetworkSize) -> dict[str, LayerSize]:
    """Size of every layer with weights, by name; ConfigError as of `stack_and_hidden`."""
    if model == "resnet18":
        return _resnet_sizes(size)
    stack, hidden = stack_and_hidden(model, size)
    _, kind = model.split("-")
    sizes = {}
    for number, layer in enumerate(stack, start=1):
        kernels = layer.out_channels * layer.in_channels * layer.kernel_size**2
        positions = layer.out_size**2
        sizes[f"conv{number}"] = {
            "conv": LayerSize(kernels, positions),
            "local": LayerSize(kernels * positions),
            "fc": LayerSize(layer.inputs * layer.outputs, units=layer.outputs),
        }[kind]
    sizes["fc1"] = LayerSize(stack[-1].outputs * hidden, units=hidden)
    return sizes | {"fc2": LayerSize(hidden * size.num_classes, units=size.num_classes)}


def flops(sizes: Mapping[str, LayerSize], nonzeros: Mapping[str, int]) -> dict[str, int]:
    """Operations of the linear maps, without biases, in one image's forward pass.

    "dense" counts every weight, "sparse" those that are not zero (`nonzeros`, by layer), each at
    every position. Padding is counted as if it were image, as is usual.
    """
    return {
        "dense": sum(layer.flops for layer in sizes.values()),
        "sparse": sum(s._replace(weights=nonzeros[n]).flops for n, s in sizes.items()),
    }


def _resnet_sizes(size: NetworkSize) -> dict[str, LayerSize]:
    """Sizes of `lcs.models.resnet.ScaledResNet`: four stages of two blocks of two convolutions."""
    area = (size.kernel_size or default_kernel("resnet18")) ** 2
    side, width = size.image_size, size.base_channels
    sizes = {"conv1": LayerSize(size.in_channels * width * area, side**2)}
    for stage in range(4):
        before, width = width, size.base_channels << stage
        side = (side + 1) // 2 if stage else side
        for block in range(2):
            inputs, name = width if block else before, f"layer{stage + 1}.{block}"
            sizes[f"{name}.conv1"] = LayerSize(inputs * width * area, side**2)
            sizes[f"{name}.conv2"] = LayerSize(width * width * area, side**2)
            if inputs != width:
                sizes[f"{name}.downsample.0"] = LayerSize(inputs * width, side**2)
    return sizes | {"fc": LayerSize(width * size.num_classes, units=size.num_classes)}
