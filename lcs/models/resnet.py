"""ResNet18 of any width and kernel size, for small images (Neyshabur 2020, Fig. 5)."""

from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet


class ScaledResNet(ResNet):
    """torchvision's ResNet18 without max-pool, every 3×3 convolution and the first one k×k.

    `base_channels` is the width of the first stage (64 in He et al. 2016); the next three stages
    have 2, 4 and 8 times as many.
    """

    def __init__(
        self, in_channels: int, base_channels: int, kernel_size: int, num_classes: int
    ) -> None:
        self._base = base_channels
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=num_classes)
        self.conv1 = nn.Conv2d(in_channels, base_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(base_channels)
        self.maxpool = nn.Identity()
        self.fc = nn.Linear(8 * base_channels, num_classes)
        for module in [*self.modules()]:
            for name, conv in module.named_children():
                if getattr(conv, "kernel_size", 3) == (3, 3) and kernel_size != 3:
                    shape = conv.in_channels, conv.out_channels, kernel_size, conv.stride
                    setattr(module, name, nn.Conv2d(*shape, kernel_size // 2, bias=False))
        for conv in self.conv_layers:
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")

    def _make_layer(
        self, block: type, planes: int, blocks: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        if planes == 64:
            self.inplanes = self._base
        return super()._make_layer(block, planes * self._base // 64, blocks, stride, dilate)

    @property
    def conv_layers(self) -> list[nn.Conv2d]:
        """Every convolution, from input to output."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]
