"""The house style, and one function for each kind of figure. Takes arrays and frames, not runs.

Importing this loads neither matplotlib nor seaborn; drawing does.
"""

from lcs.exhibits.plots.comparisons import accuracies, curves, forest, gains, speed, sweep
from lcs.exhibits.plots.style import COLOURS, PALETTE, WIDTH, colour, use_style
from lcs.exhibits.plots.weights import (
    LAYERS,
    as_image,
    filters,
    first_layers,
    laws,
    locality,
    nonzeros,
    pair_correlation,
    scatter,
)

__all__ = [
    "COLOURS",
    "LAYERS",
    "PALETTE",
    "WIDTH",
    "accuracies",
    "as_image",
    "colour",
    "curves",
    "filters",
    "first_layers",
    "forest",
    "gains",
    "laws",
    "locality",
    "nonzeros",
    "pair_correlation",
    "scatter",
    "speed",
    "sweep",
    "use_style",
]
