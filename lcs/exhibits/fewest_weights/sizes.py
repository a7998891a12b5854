"""How many weights the networks have: the paper's Figure 1, exactly from the layers' shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lcs.exhibits import published, tables
from lcs.exhibits.methods import B50, LOCAL
from lcs.exhibits.tables import Table
from lcs.shapes import PLANS, layer_sizes

if TYPE_CHECKING:
    import pandas as pd

# the paper's widths; ResNet18 is He et al.'s
ALPHA = {
    **dict.fromkeys(("s-conv", "s-local", "s-fc", "3-fc"), published.PAPER_BASE_CHANNELS),
    **dict.fromkeys(("d-conv", "d-local", "d-fc"), published.DEEP_BASE_CHANNELS),
    "resnet18": 64,
}
NAMES = {name: name.upper() for name in ALPHA} | {"resnet18": "ResNet18"}
IMAGE, CLASSES, CHANNELS = 32, 10, 3
# sides of images that the strides of D- networks divide
SIDES = (16, 32, 64, 128, 256)


def count(model: str, base_channels: int, image_size: int = IMAGE) -> int:
    """Return the weights of a network for 10 classes; without batch normalisation and biases."""
    sizes = layer_sizes(
        model,
        CLASSES,
        image_size=image_size,
        in_channels=CHANNELS,
        base_channels=base_channels,
    )
    return sum(size.weights for size in sizes.values())


def published_column(base_channels: int) -> int:
    """Return the weights of D-LOCAL by the paper's Table 4, whose layers 3 to 8 are too small.

    It halves the count with every layer after the first; by the shapes it is 9s²α² in a layer of
    stride 1, and half of it in one of stride 2.
    """
    a, s = base_channels, IMAGE
    later = sum(9 * s**2 * a**2 // 2**i for i in range(1, len(PLANS["d"])))
    return 9 * CHANNELS * s**2 * a + later + 4 * s**2 * a**2 + 64 * CLASSES * a


def frame(alphas: Sequence[int] = (1, 2, 5, 10, 15, 20, 50, 100, 150, 200)) -> pd.DataFrame:
    """Return columns `network`, `against` (`alpha` or `side`), `x` and `weights`.

    Against α for CIFAR images, against the image's side at the paper's α.
    """
    rows = [(NAMES[m], "alpha", a, count(m, a)) for m in ALPHA for a in alphas]
    rows += [(NAMES[m], "side", s, count(m, ALPHA[m], s)) for m in ALPHA for s in SIDES]
    return tables.data_frame(rows, columns=["network", "against", "x", "weights"])


def marks() -> pd.DataFrame:
    """Return the published counts: columns `network`, `alpha`, `side` and `weights`."""
    rows = [(NAMES[m], ALPHA[m], IMAGE, 1e6 * c) for m, c in published.PARAMETERS.items()]
    return tables.data_frame(rows, columns=["network", "alpha", "side", "weights"])


def size_table() -> Table:
    """Return the weights of each network beside the published count."""
    rows = []
    for model, alpha in ALPHA.items():
        ours, theirs = count(model, alpha) / 1e6, published.PARAMETERS.get(model)
        away = tables.NONE if theirs is None else tables.minus(f"{100 * (theirs / ours - 1):+.1f}")
        shown = tables.published(None if theirs is None else f"{theirs:g}")
        rows.append([NAMES[model], f"{alpha}", f"{ours:.2f}", shown, away])
    caption = (
        f"Millions of weights for images of {IMAGE} × {IMAGE} pixels and {CLASSES} classes, "
        "without batch normalisation, by the layers' shapes and as published (Table 1)."
    )
    columns = ["network", "α", "by the shapes", "published", "difference (%)"]
    return Table("tab-sizes", caption, columns, rows)


def numbers() -> dict[str, str]:
    """Return counts of weights in millions, for the prose.

    `deep-local-…`: of D-LOCAL, published, by its own column, by the shapes. `paper-…`: what the
    paper has for β = 50, read off its Figure 3, and for S-LOCAL, and how far apart they are.
    """
    alpha = ALPHA["d-local"]
    behind = published.accuracy(LOCAL, "cifar10"), published.accuracy(B50, "cifar10")
    assert behind[0] is not None
    assert behind[1] is not None
    return {
        "paper-weights": f"{sum(published.FIGURE3.values()) / 1e6:.0f}",
        "paper-local-weights": f"{count('s-local', ALPHA['s-local']) / 1e6:.0f}",
        "paper-behind": f"{behind[0] - behind[1]:.2f}",
        "deep-local-published": f"{published.PARAMETERS['d-local']:g}",
        "deep-local-column": f"{published_column(alpha) / 1e6:.2f}",
        "deep-local-shapes": f"{count('d-local', alpha) / 1e6:.2f}",
        "deep-alpha": f"{alpha}",
    }
