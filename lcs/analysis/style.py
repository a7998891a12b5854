"""The house style: one look for each method on every page, one width, one kind of legend.

A look is a colour for the method, a marker for its network and a line style for its training.
Conditions that have an order, such as widths, are shades of one colour, from light to dark.
"""

import hashlib
import io
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lcs.analysis.names import NETWORKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure, FigureBase
    from matplotlib.text import Text
else:  # importing an exhibit does not load matplotlib
    Axes = Axis = Figure = FigureBase = Text = Any

# width of the page's text, in inches at the size of its letters
PAGE_WIDTH = 7.2

# the colour-blind can tell them apart: of networks by SGD, and of what trains S-FC
_COLOURS = {
    "s-conv": "#262626",
    "s-local": "#029E73",
    "3-fc": "#949494",
    "tuned SGD": "#0173B2",
    "SGD": "#0173B2",
    "plain SGD": "#5AA9E6",
    "proximal ℓ1": "#CA9161",
    "spred": "#CA9161",
}
# of what is no method of the paper, and unlike the colours of those
OTHERS = ("#7F4A1D", "#D4B800", "#1F2A6B")
# of β-LASSO, by log(1 + β): the larger β the darker
_BETA_COLOURS = {
    math.log1p(beta): colour
    for beta, colour in {0: "#DE8F05", 1: "#D55E00", 50: "#AA3377", 1000: "#441133"}.items()
}
_MARKERS = {"s-fc": "o", "s-local": "s", "s-conv": "D", "3-fc": "^"}
_LINES = {"proximal ℓ1": (0, (5, 1)), 0.0: ":", 1.0: "-."} | dict.fromkeys(
    ("SGD", "plain SGD", "tuned SGD"), "--"
)
# attributes of SVG with lengths, and what is longer than need be
_LENGTHS = re.compile(r'(?<= )(?:d|points|transform|viewBox|width|height|[xy][12]?)="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}")
# names of shapes: a kind, and a hash
_SHAPES = re.compile(r'(?<=[#"])(?:C\d+_\w+_|image|[hmp])[0-9a-f]{10}(?=[)"])')


class Look(NamedTuple):
    """How a method is drawn in every figure."""

    colour: str
    marker: str
    line: Any


def look(name: object) -> Look:
    """Return the look of a method by its name.

    That is what `method_name` returns, and older names (`β = 50`, `S-FC, SGD`, `over SGD`). What
    stands after such a name (`β = 0, λ = 2e-5`) names a variant: it has a lighter colour.

    Raises:
        ValueError: no method has this name.
    """
    words = str(name).removeprefix("over ").split(", ")
    models = {shown: model for model, shown in NETWORKS.items()}
    model = models.get(words[0], "s-fc").replace("d-", "s-")  # deep as shallow
    if words[0] in models:
        words = words[1:] or ["SGD"]
    if words[0] == "β-LASSO":
        words = words[1:] if words[1:2] and words[1].startswith("β = ") else ["β = 50", *words[1:]]
    training, *rest = words
    beta = 0.0 if training == "plain ℓ1" else None
    if training.startswith("βλ = "):  # β varies
        beta, rest = 50.0, [training]
    elif found := re.fullmatch(r"β = ([\d.e+-]+)", training):
        beta = float(found[1])
    if beta is not None:
        drawn = _mixed(_BETA_COLOURS, math.log1p(beta))
    elif training in _COLOURS:
        drawn = _COLOURS[training if model == "s-fc" else model]
    else:
        raise ValueError(f"{name!r} is no method's name; the looks are in {__name__}")
    if rest:
        drawn = _mixed({0: drawn, 1: "#FFFFFF"}, 0.45)
    return Look(drawn, _MARKERS[model], _LINES.get(training if beta is None else beta, "-"))


def colour(name: object) -> str:
    """Return the colour of a method, by any of its names; see `look`."""
    return look(name).colour


def shades(name: object, count: int) -> list[str]:
    """Return shades of a method's colour, from light to dark: of conditions that have an order."""
    base = colour(name)
    light, dark = _mixed({0: base, 1: "#FFFFFF"}, 0.65), _mixed({0: base, 1: "#000000"}, 0.45)
    # the colour itself is in the middle, and that of a single condition
    places = np.linspace(-1, 1, count) if count != 1 else [0.0]
    return [_mixed({-1: light, 0: base, 1: dark}, place) for place in places]


def use_style() -> None:
    """Set the house style for every figure drawn from here on."""
    import matplotlib.pyplot as plt
    import seaborn as sns
    from IPython.core.getipython import get_ipython
    from matplotlib.figure import Figure

    plt.rcdefaults()  # nothing of the reader's own
    sns.set_theme(context="paper", style="ticks", font_scale=1.15)
    plt.rcParams.update(
        {
            # colours are those of methods, none is taken in turn
            "axes.prop_cycle": plt.cycler(color=["0.3"]),
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "legend.frameon": False,
            # matplotlib's own font, for the places; a reader without it has one as wide
            "font.sans-serif": ["DejaVu Sans", "Verdana"],
            "svg.fonttype": "none",
            "svg.hashsalt": "lcs",
        }
    )
    # notebooks show figures as SVG, once the backend has set its own format, which is PNG
    shell = get_ipython()
    if shell and shell.display_formatter:
        import matplotlib_inline.backend_inline  # noqa: F401

        formatters = shell.display_formatter.formatters
        formatters["image/png"].pop(Figure, None)
        formatters["image/svg+xml"].for_type(Figure, as_svg)


def as_svg(figure: Figure) -> str:
    """Return a figure as SVG: the same bytes every time, and its text is text."""
    drawn = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(drawn, format="svg", bbox_inches="tight", metadata=metadata)
    # lengths to a hundredth of a point: the last digits differ between processors
    svg = _LENGTHS.sub(
        lambda at: _LONG.sub(lambda n: f"{float(n[0]):z.2f}", at[0].replace(" -0 ", " 0 ")),
        drawn.getvalue(),
    )
    # matplotlib names shapes by a hash of coordinates, whose last digits differ too; figures that
    # a viewer puts into one document must not share names
    shapes = dict.fromkeys(_SHAPES.findall(svg))
    numbers = {shape: f"{place}" for place, shape in enumerate(shapes, start=1)}
    figure_name = hashlib.sha256(_SHAPES.sub(lambda at: numbers[at[0]], svg).encode()).hexdigest()
    svg = _SHAPES.sub(lambda at: f"s{figure_name[:8]}-{numbers[at[0]]}", svg)
    return svg[svg.index("<svg") :]


def subplots(*grid: int, **options: Any) -> tuple[Figure, Any]:
    """Return a new figure and its panels, as `matplotlib.pyplot.subplots` does."""
    import matplotlib.pyplot as plt

    return plt.subplots(*grid, **options)


def add_legend(figure: FigureBase, axes: Axes, *, columns: int) -> None:
    """Draw one legend above all panels, with each label of these axes once."""
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside upper left", ncols=columns)


def label_log_axis(
    axis: Axis, text: Callable[[float], str] = lambda value: f"{value:g}", *, every: bool = True
) -> None:
    """Label a logarithmic axis at 1, 2 and 5 in each decade, or else at 1 alone; no minor ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if every else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.axes.minorticks_off()


def _mixed(colours: Mapping[float, str], at: float) -> str:
    """Return the colour at a place, interpolated between colours by their places, in order."""
    channels = ([int(colour[i : i + 2], 16) for colour in colours.values()] for i in (1, 3, 5))
    mixed = (np.interp(at, [*colours], channel) for channel in channels)
    return "#" + "".join(f"{round(value):02X}" for value in mixed)
