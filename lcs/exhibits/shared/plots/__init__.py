"""The house style, and one function for each kind of figure. Takes arrays and frames, not runs.

`style` is the house style. `comparisons` has figures that compare methods, `weights` those of
filters, `interactive` charts that answer to the pointer; figures of a single page are in its
exhibit. Importing this loads neither matplotlib nor seaborn; drawing does.
"""

from lcs.exhibits.shared.plots.comparisons import Differences, forest, sweep
from lcs.exhibits.shared.plots.style import use_style
from lcs.exhibits.shared.plots.weights import excesses, filters, pair_curves
