"""The paper's networks (Neyshabur 2020, Fig. 1, Tables 3 and 4).

Each S- and D- net exists three times, with the same layer names: as a convolutional net (CONV),
with the weights no longer shared (LOCAL), and with every input connected (FC). A CONV net is a
LOCAL net with tied weights, and a LOCAL net is an FC net with most weights zero: `embed` goes up.
3-FC is an FC net whose one convolution has a kernel as large as the image. Every layer but the last
is a linear map, batch normalisation and ReLU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lcs.errors import ConfigError
from lcs.models.layout import dense_weight, embed_tensor
from lcs.shapes import (
    MODELS,
    PADDINGS,
    PAPER_WIDTHS,
    Geometry,
    NetworkSize,
    check_layers,
    default_kernel,
    stack_and_hidden,
)

# elements of the dense matrix up to which a layer with few channels is computed by it
DENSE_UP_TO = 1 << 22


class LocallyConnected2d(nn.Module):
    """A convolution whose weights are not shared between positions.

    Weight: (positions, out_channels, in_channels * kernel_size**2), positions row by row. Input
    (N, in_channels, H, W), output (N, out_channels, H', W'). Initial weights as in `nn.Conv2d`.

    Args:
        geometry: shape of the convolution that it corresponds to.
        bias: whether it has one, (positions, out_channels).
    """

    def __init__(self, geometry: Geometry, *, bias: bool = False) -> None:
        super().__init__()
        self.geometry = geometry
        fan_in = geometry.in_channels * geometry.kernel_size**2
        positions = geometry.out_size**2
        self.weight = nn.Parameter(torch.empty(positions, geometry.out_channels, fan_in))
        self.bias = nn.Parameter(torch.empty(positions, geometry.out_channels)) if bias else None
        bound = 1 / math.sqrt(fan_in)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H', W')."""
        g = self.geometry
        if _exported():  # with any number of images
            seen = F.unfold(x, g.kernel_size, stride=g.stride, padding=g.padding)
            y = torch.einsum("pof,nfp->nop", self.weight.to(x.dtype), seen).contiguous()
            y = y.unflatten(2, (g.out_size, g.out_size))
        elif _dense_is_faster(x, g):
            y = _as_dense(x, self.weight, g)
        else:
            # on a CPU a row of positions at a time, whose patches stay in its cache
            parts = g.out_size if x.device.type == "cpu" else 1
            weights, patches = self.weight.to(x.dtype).chunk(parts), self.patches(x, parts)
            y = torch.cat([*map(torch.bmm, weights, patches)])  # (positions, out_channels, N)
            y = y.permute(2, 1, 0).reshape(-1, g.out_channels, g.out_size, g.out_size)
        if self.bias is None:
            return y
        return y + self.bias.to(y.dtype).t().reshape(1, g.out_channels, g.out_size, g.out_size)

    def patches(self, x: Tensor, parts: int = 1) -> Iterator[Tensor]:
        """Unfold images (N, in_channels, H, W) to (positions, fan_in, N): whole rows are copied.

        The positions come in so many parts of whole rows.
        """
        g = self.geometry
        x = F.pad(x, (g.padding,) * 4).permute(1, 2, 3, 0).contiguous()  # (C, H, W, N)
        x = x.unfold(1, g.kernel_size, g.stride).unfold(2, g.kernel_size, g.stride)
        x = x.permute(1, 2, 0, 4, 5, 3)  # (H', W', C, k, k, N)
        for rows in x.chunk(parts):
            yield rows.reshape(-1, self.weight.shape[2], x.shape[-1])


class Convolution(nn.Conv2d):
    """`nn.Conv2d`; where that is faster, computed as the dense product of its embedding.

    Exported or traced it is a convolution.
    """

    def __init__(self, geometry: Geometry, *, bias: bool = False) -> None:
        g = geometry
        super().__init__(
            g.in_channels, g.out_channels, g.kernel_size, g.stride, g.padding, bias=bias
        )
        self.geometry = geometry

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H', W')."""
        if _exported() or not _dense_is_faster(x, self.geometry):
            return super().forward(x)
        unshared = self.weight.flatten(1).expand(self.geometry.out_size**2, -1, -1)
        y = _as_dense(x, unshared, self.geometry)
        return y if self.bias is None else y + self.bias.to(y.dtype)[:, None, None]


class Net(nn.Module):
    """A stack of CONV, LOCAL or FC layers, then two fully connected layers.

    Args:
        kind: "conv", "local" or "fc": what the layers of the stack are.
        geometries: shapes of the convolutions that they correspond to, from input to output.
        hidden: units of the first fully connected layer.
        num_classes: units of the last.
        bias: biases in every linear map.
        affine: batch normalisation with learnt scale and shift.
        dropout: probability, before the last two fully connected layers.
    """

    def __init__(
        self,
        kind: str,
        geometries: list[Geometry],
        *,
        hidden: int,
        num_classes: int,
        bias: bool = False,
        affine: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.kind = kind
        self.geometries = geometries
        self.options = {"bias": bias, "affine": affine, "dropout": dropout}
        for number, geometry in enumerate(geometries, start=1):
            if kind == "fc":
                layer: nn.Module = nn.Linear(geometry.inputs, geometry.outputs, bias=bias)
                norm: nn.Module = nn.BatchNorm1d(geometry.outputs, affine=affine)
            else:
                layer = (Convolution if kind == "conv" else LocallyConnected2d)(geometry, bias=bias)
                norm = nn.BatchNorm2d(geometry.out_channels, affine=affine)
            self.add_module(f"conv{number}", layer)
            self.add_module(f"bn{number}", norm)
        self.fc1 = nn.Linear(geometries[-1].outputs, hidden, bias=bias)
        self.bn_fc1 = nn.BatchNorm1d(hidden, affine=affine)
        self.fc2 = nn.Linear(hidden, num_classes, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes).

        Raises:
            ValueError: the images are not of the size that the network was built for.
        """
        g = self.geometries[0]
        if x.shape[1:] != (g.in_channels, g.in_size, g.in_size):
            expected = (g.in_channels, g.in_size, g.in_size)
            raise ValueError(f"images of shape {tuple(x.shape[1:])} for a network of {expected}")
        if self.kind == "fc":
            x = x.flatten(1)  # (N, C * H * W)
        for number in range(1, len(self.geometries) + 1):
            x = self.get_submodule(f"conv{number}")(x)
            x = F.relu(self.get_submodule(f"bn{number}")(x))
        return self.head(x.flatten(1))

    def head(self, x: Tensor) -> Tensor:
        """Map the outputs of the last of `conv_layers`, (N, units), to logits (N, num_classes)."""
        x = self.dropout(x)
        x = self.dropout(F.relu(self.bn_fc1(self.fc1(x))))
        return self.fc2(x)

    @property
    def conv_layers(self) -> list[nn.Module]:
        """The layers that correspond to the convolutions, whose λ is higher (paper, Section 4)."""
        return [self.get_submodule(f"conv{i + 1}") for i in range(len(self.geometries))]


def build(
    name: str,
    *,
    num_classes: int = 10,
    image_size: int = 32,
    in_channels: int = 3,
    base_channels: int | None = None,
    kernel_size: int | None = None,
    padding: str = "same",
    bias: bool = False,
    affine: bool = False,
    dropout: float = 0.0,
) -> nn.Module:
    """Build a network by its name, by default the paper's for CIFAR-10, initialised as by PyTorch.

    It maps images (N, in_channels, image_size, image_size) to logits (N, num_classes); a fully
    connected layer has its inputs in C, H, W order. Build under ``torch.device("meta")`` to count
    parameters without memory.

    Args:
        name: one of `MODELS`: "s-conv", "s-local", "s-fc", "d-conv", "d-local", "d-fc", "3-fc",
            "resnet18".
        num_classes: c of Tables 3 and 4.
        image_size: pixels along one side, s.
        in_channels: channels of the images.
        base_channels: α. S- and D- nets: channels of the first convolution; 3-FC and ResNet18:
            see `lcs.shapes.three_layer_width` and `lcs.models.resnet.ScaledResNet`. None: that of
            the paper, 150 (S-, 3-FC; S-FC has then 256 million weights, 1 GB) or 15 (D-), and 64
            for ResNet18.
        kernel_size: of the convolutions, or of those that FC layers correspond to; None: 9 (S-),
            3 (D-, ResNet18).
        padding: of the S- nets' convolution: "same" (Table 3) or "none" (the reproduction).
        bias: biases in every linear map; the paper's counts have none.
        affine: batch normalisation with learnt scale and shift.
        dropout: probability, before the last two fully connected layers.

    Raises:
        ConfigError: a value is unknown, out of range or not of this network, or the image is too
            small for the kernel.
    """
    for field, value, known in (("model", name, MODELS), ("padding", padding, PADDINGS)):
        if value not in known:
            raise ConfigError(f"{field}: unknown value {value!r}; choose from {', '.join(known)}")
    if not 0 <= dropout < 1:
        raise ConfigError(f"dropout: {dropout!r} is out of range; give 0 or more, and less than 1")
    width = PAPER_WIDTHS[name[0]] if base_channels is None else base_channels
    size = NetworkSize(num_classes, image_size, in_channels, width, kernel_size, padding)
    numbers = size._asdict() | {"kernel_size": 1 if kernel_size is None else kernel_size}
    del numbers["padding"]
    for field, number in numbers.items():
        if not hasattr(number, "__index__") or number < 1:
            raise ConfigError(f"{field}: {number!r} is out of range; give a whole number from 1 on")
    # an S- or D-FC net has the geometry of the CONV net that it corresponds to
    shaped_as = {"s-fc": "s-conv", "d-fc": "d-conv"}.get(name, name)
    extras: dict[str, Any] = {"bias": bias, "affine": affine, "dropout": dropout}
    check_layers(shaped_as, size, extras=any(extras.values()))
    if name == "resnet18":
        from lcs.models.resnet import ScaledResNet  # torchvision takes as long to import as torch

        return ScaledResNet(
            in_channels=in_channels,
            base_channels=width,
            kernel_size=kernel_size or default_kernel(name),
            num_classes=num_classes,
        )
    stack, hidden = stack_and_hidden(name, size)
    return Net(name[2:], stack, hidden=hidden, num_classes=num_classes, **extras)


def layer_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the weight of every layer, by the layer's name."""
    linear = (nn.Linear, LocallyConnected2d, nn.Conv2d)
    return {name: m.weight for name, m in model.named_modules() if isinstance(m, linear)}


def first_layer_filters(model: nn.Module) -> Tensor:
    """Return the first layer's weights as images (units, C, H, W), whatever the kind of net.

    A filter of a CONV or LOCAL net is placed where it looks; the rest is zero.
    """
    weight = model.conv_layers[0].weight.detach()  # type: ignore[index, union-attr]
    if not isinstance(model, Net):  # ResNet18: the kernels themselves
        return weight
    geometry = model.geometries[0]
    if model.kind == "conv":
        weight = embed_tensor(weight, geometry, "local")
    if model.kind != "fc":
        weight = dense_weight(weight, geometry)
    return weight.view(-1, geometry.in_channels, geometry.in_size, geometry.in_size)


def _as_dense(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """Apply a LOCAL layer's weights to images (N, C, H, W) as one dense product."""
    y = F.linear(x.flatten(1), dense_weight(weight, geometry))
    return y.view(-1, geometry.out_channels, geometry.out_size, geometry.out_size)


def _exported() -> bool:
    """Whether the layer is not computed, but written down for other programs."""
    return torch.compiler.is_exporting() or torch.jit.is_tracing()


def _dense_is_faster(x: Tensor, geometry: Geometry) -> bool:
    """Whether the dense product beats moving patches: for few channels, on a CPU.

    A patch is then used by too few filters to pay for copying it. The result is the same up to
    rounding.
    """
    return x.device.type == "cpu" and geometry.inputs * geometry.outputs <= DENSE_UP_TO
