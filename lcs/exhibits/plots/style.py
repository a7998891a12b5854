"""The house style: one width, one colour for each method, one kind of legend."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lcs.exhibits.methods import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# width of the page's text, in inches at the size of its letters
WIDTH = 7.2
# seaborn's "colorblind"
PALETTE = [
    "#0173B2", "#DE8F05", "#029E73", "#D55E00", "#CC78BC",
    "#CA9161", "#FBAFE4", "#949494", "#ECE133", "#56B4E9",
]  # fmt: skip
# one colour for each method, on every page; told apart by the colour-blind too
COLOURS = {
    str(CONV): "0.15",
    str(LOCAL): PALETTE[2],
    str(THREE): PALETTE[7],
    str(SGD): PALETTE[0],
    str(PROXIMAL): PALETTE[5],
    str(B0): PALETTE[9],
    str(B1): PALETTE[1],
    str(B50): PALETTE[4],
}


def use_style() -> None:
    """Set the house style for every figure drawn from here on."""
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(context="paper", style="ticks", palette="colorblind", font_scale=1.15)
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "legend.frameon": False,
            "svg.hashsalt": "lcs",
        }
    )


def colour(method: object) -> str:
    """Return the colour of a method; grey for one that has none of its own."""
    return COLOURS.get(str(method), "0.4")


def contrast_colour(number: int) -> str:
    """Return the colour of the n-th contrast: colours that no two neighbours share."""
    return PALETTE[(0, 1, 2, 4)[number % 4]]


def subplots(*grid: int, **options: Any) -> tuple[Figure, Any]:
    """Return a new figure and its panels, as `matplotlib.pyplot.subplots` does."""
    import matplotlib.pyplot as plt

    return plt.subplots(*grid, **options)


def pending() -> Figure:
    """Return a figure that says that its runs have not been made."""
    figure, axes = subplots(figsize=(WIDTH, 0.8))
    axes.text(0.5, 0.5, "pending: not run yet", ha="center", va="center", style="italic")
    axes.set_axis_off()
    return figure


def add_legend(figure: Figure, axes: Axes, *, columns: int) -> None:
    """Draw one legend above all panels, with each label of these axes once."""
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside upper left", ncols=columns)


def label_log_axis(
    axis: Axis, text: Callable[[float], str] = lambda value: f"{value:g}", *, every: bool = True
) -> None:
    """Label a logarithmic axis at 1, 2 and 5 in each decade, or else at 1 alone; no minor ticks.

    Args:
        axis: of x or of y.
        text: the label of a value.
        every: whether 2 and 5 are labelled too.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if every else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.axes.minorticks_off()
