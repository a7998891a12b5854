"""From records to what pages show: one table of all runs, comparisons, tables, figures, statements.

    runs = load_runs("table2")                     # a pandas DataFrame, one row per run
    by = dict(list(runs.groupby("method")))
    paired(by["β-LASSO"], by["plain SGD"])         # mean difference, 95 % interval, paired by seed

`runs` has the table, `compare` and `significance` what is computed from it, `tables` and `style`
how it is shown, `columns` what a table tells of a condition, `ladder` which ways to few connections
there are, `claims` how claims are judged, `filters` first-layer filters, `interactive` charts,
`benchmarks` times, `theory` laws of shrinkage and description length, `pages` what a chapter begins
and ends with, `names` what things are called, `paper` what is
published; `mnist1d` makes the data of the lab. They are loaded when they are named.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lcs.analysis.compare import by_condition, by_seed, closed, interval, lead, paired, surely
    from lcs.analysis.ladder import by_way, draw_ladder, ways
    from lcs.analysis.names import LAYERS, method_name, setting_name
    from lcs.analysis.pages import holds, not_held, start
    from lcs.analysis.runs import history, like, load_runs
    from lcs.analysis.style import (
        PAGE_WIDTH,
        add_legend,
        colour,
        label_log_axis,
        look,
        shades,
        subplots,
    )
    from lcs.analysis.tables import glue, links, number, published, reproduction, table

__all__ = [
    "LAYERS", "PAGE_WIDTH", "add_legend", "by_condition", "by_seed", "by_way", "closed", "colour",
    "draw_ladder", "glue", "history", "holds", "interval", "label_log_axis", "lead", "like",
    "links", "load_runs", "look", "method_name", "not_held", "number", "paired", "published",
    "reproduction", "setting_name", "shades", "start", "subplots", "surely", "table", "ways",
]  # fmt: skip
_MODULES = ("compare", "ladder", "names", "pages", "runs", "style", "tables")


def __getattr__(name: str) -> Any:
    for module in _MODULES if name in __all__ else ():
        found = importlib.import_module(f"lcs.analysis.{module}")
        if name in vars(found) and name in __all__:
            return vars(found)[name]
    raise AttributeError(f"module {__name__} has no attribute {name}")
