"""Why β = 50 loses at α = 1: studies that change one thing at a time, paired by seed.

A condition is a configuration without its seed; two conditions are compared run for run. The gain
of β = 50 is its accuracy less that of SGD, or of β = 0 with the same λ.
"""

from lcs.exhibits.why.claims import CLAIMS
from lcs.exhibits.why.factorial import (
    AUGMENTED_CROSS_ENTROPY,
    LOSSES,
    Contrast,
    add_augmentation,
    cell,
    effect,
    factorial_table,
    gains_frame,
    has_stronger_l1,
    use_cross_entropy,
    use_cross_entropy_at_equal_rates,
    use_stronger_l1,
)
from lcs.exhibits.why.prose import numbers
from lcs.exhibits.why.results import (
    CONTROLS,
    beta_frame,
    control_table,
    first_layer_table,
    lambda_frame,
    length_frame,
    length_table,
    mean_of_sgd,
    period_table,
    recipe_table,
    reproduction_table,
    returns_table,
)
from lcs.exhibits.why.studies import STUDIES, equal_rates
from lcs.exhibits.why.summary import summary_table
from lcs.exhibits.why.width import at_each_width, components_table, width_frame, width_table

__all__ = [
    "AUGMENTED_CROSS_ENTROPY",
    "CLAIMS",
    "CONTROLS",
    "LOSSES",
    "STUDIES",
    "Contrast",
    "add_augmentation",
    "at_each_width",
    "beta_frame",
    "cell",
    "components_table",
    "control_table",
    "effect",
    "equal_rates",
    "factorial_table",
    "first_layer_table",
    "gains_frame",
    "has_stronger_l1",
    "lambda_frame",
    "length_frame",
    "length_table",
    "mean_of_sgd",
    "numbers",
    "period_table",
    "recipe_table",
    "reproduction_table",
    "returns_table",
    "summary_table",
    "use_cross_entropy",
    "use_cross_entropy_at_equal_rates",
    "use_stronger_l1",
    "width_frame",
    "width_table",
]
