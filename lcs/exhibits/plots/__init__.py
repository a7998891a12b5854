"""The house style, and one function for each kind of figure. Takes arrays and frames, not runs.

`style` is the house style. `comparisons` has figures that compare methods, `weights` those of
weights and filters, `engine` those of the chapter on the engine, `interactive` charts that answer
to the pointer. Importing this loads neither matplotlib nor seaborn; drawing does.
"""

from lcs.exhibits.plots.comparisons import (
    Differences,
    accuracies,
    budgets,
    courses,
    curves,
    forest,
    gains,
    speed,
    sweep,
)
from lcs.exhibits.plots.engine import changes, floors, inference, unproved
from lcs.exhibits.plots.style import use_style
from lcs.exhibits.plots.weights import (
    as_image,
    excesses,
    filters,
    first_layers,
    laws,
    nonzeros,
    pair_correlation,
    scatter,
    sharing,
    windows,
)
