"""The paper's networks (Neyshabur 2020, Fig. 1, Tables 3 and 4).

Each S- and D- net exists three times: as a convolutional net (CONV), with the weights no longer
shared (LOCAL), and with every input connected (FC): most weights of a LOCAL net are zero there.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from lcs import shapes
from lcs.errors import ConfigError
from lcs.models.layers import Convolution, LocallyConnected2d, dense_weight, embed_tensor


class Net(nn.Module):
    """A stack of CONV, LOCAL or FC layers, then two fully connected layers, by `build`.

    Every layer but the last is a linear map, batch normalisation and ReLU. The stack is of a kind,
    "conv", "local" or "fc", and corresponds to convolutions of these geometries, from input to
    output; `hidden` are the units of the first fully connected layer.
    """

    def __init__(
        self,
        kind: str,
        geometries: list[shapes.Geometry],
        *,
        hidden: int,
        num_classes: int,
        bias: bool = False,
        affine: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.kind, self.geometries = kind, geometries
        sizes = {"hidden": hidden, "num_classes": num_classes}
        self.options: dict[str, Any] = sizes | {"bias": bias, "affine": affine, "dropout": dropout}
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
        """Map images (N, C, H, W) to logits (N, num_classes); ValueError for another size."""
        g = self.geometries[0]
        if x.shape[1:] != (expected := (g.in_channels, g.in_size, g.in_size)):
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
    connected layer has its inputs in C, H, W order. On the meta device it takes no memory.

    Args:
        name: one of `lcs.models.MODELS`.
        num_classes, image_size: c and s, pixels along one side, of Tables 3 and 4.
        in_channels: channels of the images.
        base_channels: α: channels of the first convolution; 3-FC has as many weights as S-FC.
            None: as in the paper, 150 (S-, 3-FC; S-FC has then 256 million weights), 15 (D-), 64.
        kernel_size: side of the convolutions' kernels, odd; None: 9 (S-) or 3.
        padding: of the S- nets' convolution: "same" (Table 3) or "none" (the reproduction).
        bias, affine: biases in every linear map; batch normalisation with learnt scale and shift.
        dropout: probability, before the last two fully connected layers.

    ConfigError for a value that is unknown, out of range or not of this network.
    """
    padded = "padding", padding, shapes.PADDINGS
    for field, value, known in (("model", name, shapes.MODELS), padded):
        if value not in known:
            raise ConfigError(f"{field}: unknown value {value!r}; choose from {', '.join(known)}")
    if not 0 <= dropout < 1:
        raise ConfigError(f"dropout: {dropout!r} is out of range; give 0 or more, and less than 1")
    width = shapes.PAPER_WIDTHS[name[0]] if base_channels is None else base_channels
    size = shapes.NetworkSize(num_classes, image_size, in_channels, width, kernel_size, padding)
    for field, number in size._asdict().items():
        optional = field == "padding" or (field == "kernel_size" and number is None)
        if not optional and (not hasattr(number, "__index__") or number < 1):
            raise ConfigError(f"{field}: {number!r} is out of range; give a whole number from 1 on")
    # an S- or D-FC net has the geometry of the CONV net that it corresponds to
    shaped_as = {"s-fc": "s-conv", "d-fc": "d-conv"}.get(name, name)
    extras: dict[str, Any] = {"bias": bias, "affine": affine, "dropout": dropout}
    shapes.check_layers(shaped_as, size, extras=any(extras.values()))
    if name == "resnet18":
        from lcs.models.resnet import ScaledResNet  # torchvision takes as long to import as torch

        kernel = kernel_size or shapes.default_kernel(name)
        return ScaledResNet(in_channels, width, kernel, num_classes)
    stack, hidden = shapes.stack_and_hidden(name, size)
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
