"""How many weights the networks have, exactly from the layers' shapes, and as published."""

from __future__ import annotations

from lcs.exhibits import published, tables
from lcs.exhibits.methods import B50, LOCAL
from lcs.exhibits.tables import Table
from lcs.shapes import layer_sizes

# the paper's widths; ResNet18 is He et al.'s
ALPHA = {
    **dict.fromkeys(("s-conv", "s-local", "s-fc", "3-fc"), published.PAPER_BASE_CHANNELS),
    **dict.fromkeys(("d-conv", "d-local", "d-fc"), published.DEEP_BASE_CHANNELS),
    "resnet18": 64,
}
IMAGE, CLASSES, CHANNELS = 32, 10, 3


def count(model: str) -> int:
    """Return the weights of a network of the paper's width, without batch normalisation."""
    sizes = layer_sizes(
        model, CLASSES, image_size=IMAGE, in_channels=CHANNELS, base_channels=ALPHA[model]
    )
    return sum(size.weights for size in sizes.values())


def size_table() -> Table:
    """Return the weights of each network beside the published count."""
    rows = []
    for model, alpha in ALPHA.items():
        ours, theirs = count(model) / 1e6, published.PARAMETERS.get(model)
        away = tables.NONE if theirs is None else tables.minus(f"{100 * (theirs / ours - 1):+.1f}")
        shown = tables.published(None if theirs is None else f"{theirs:g}")
        name = "ResNet18" if model == "resnet18" else model.upper()
        rows.append([name, f"{alpha}", f"{ours:.2f}", shown, away])
    caption = (
        f"Millions of weights for images of {IMAGE} × {IMAGE} pixels and {CLASSES} classes, "
        "without batch normalisation, by the layers' shapes and as published (Table 1)."
    )
    columns = ["network", "α", "by the shapes", "published", "difference (%)"]
    return Table("tab-sizes", caption, columns, rows)


def numbers() -> dict[str, str]:
    """Return counts of weights in millions, for the prose."""
    return {
        "paper-weights": f"{sum(published.FIGURE3.values()) / 1e6:.0f}",
        "paper-local-weights": f"{count('s-local') / 1e6:.0f}",
        "paper-behind": f"{published.gain(LOCAL, B50):.2f}",
        "deep-local-published": f"{published.PARAMETERS['d-local']:g}",
        "deep-local-shapes": f"{count('d-local') / 1e6:.2f}",
        "deep-alpha": f"{ALPHA['d-local']}",
    }
