"""The same networks on images whose pixels are permuted, all by one fixed permutation.

A fully connected network does not know which pixels are neighbours, so that nothing changes for it
(P, section 2); S-LOCAL, S-CONV and the measures of locality do know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lcs.config import Config
from lcs.exhibits import cells, compare, locality, plots, tables
from lcs.exhibits.methods import B50, CONV, LOCAL, SGD, Method, method
from lcs.exhibits.settings import FLIP_CROP, chosen, desk_study, sized
from lcs.exhibits.tables import Cell, Table
from lcs.exhibits.verdicts import Claim, differs
from lcs.runs import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTHS = (1, 4)
# share of the λ that `search` chose at 50 epochs: at twice the length half of it pulls as far
SHARE = 0.5
# within so many points the accuracies of two methods are called equal
MARGIN = 1.0


def _pairs(base: Config) -> list[Config]:
    """Return every method with flips and crops for a quarter of the length, plain and permuted."""
    runs = []
    for width in WIDTHS:
        here = sized(base, width, 1 / 4)
        plain = [chosen(here, model) for model in ("s-fc", "3-fc", "s-local", "s-conv")]
        plain += [chosen(here, *B50, share=SHARE)]
        runs += [
            run.replace(permute_pixels=permuted) for run in plain for permuted in (False, True)
        ]
    return runs


STUDIES = (desk_study("permuted", "Images with permuted pixels", FLIP_CROP, _pairs, 5),)


def plain(config: Config) -> Config:
    """Return the same run on the images as they are."""
    return config.replace(permute_pixels=False)


def permuted_table(records: Sequence[Record]) -> Table:
    """Return the accuracy of each method on permuted images, beside that on the images."""
    shown = [run for run in records if run.config.permute_pixels]
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        "method": cells.of(lambda config: method(config).short),
        **cells.field_columns(["base_channels"]),
        "images (%)": lambda runs: cells.mean_text(found[plain(runs[0].config.replace(seed=0))]),
        "permuted (%)": cells.mean_text,
        "difference": cells.less(found, plain),
    }
    what = "Test accuracy on images and on the same images with permuted pixels"
    return cells.by_condition("permuted", shown, columns, what, note="; differences are paired")


def permuted_figure(records: Sequence[Record]) -> Figure:
    """Draw what the permutation changes in each method's accuracy, with its interval."""
    found = compare.conditions(records)
    rows = compare.forest_rows(
        found, plain, lambda config: f"{method(config).short}, α = {config.base_channels}"
    )
    return plots.forest(rows, "change of test accuracy (points)")


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what the permutation changes at the largest width, in words.

    Filters from permuted images are put back into the images' order.
    """
    keys = {"sgd": SGD, "beta": B50, "local": LOCAL, "conv": CONV}
    runs = compare.grouped(
        records, lambda config: (config.base_channels, method(config), config.permute_pixels)
    )
    widest, narrow = max((run.config.base_channels for run in records), default=0), WIDTHS[0]

    def change(width: int, who: Method) -> str:
        return cells.gain_text(runs[width, who, True], runs[width, who, False])

    return {
        **{f"permuted-{key}": change(widest, who) for key, who in keys.items()},
        "permuted-conv-narrow": change(narrow, CONV),
        "window-images": locality.excess_text(runs[widest, B50, False]),
        "window-permuted": locality.excess_text(runs[widest, B50, True]),
    }


def _unchanged(who: Method) -> Claim:
    text = f"A fixed permutation of all images' pixels does not change the accuracy of {who}"
    fields = {**who._asdict(), "base_channels": WIDTHS[-1]}
    judge = differs(
        {**fields, "permute_pixels": True}, {**fields, "permute_pixels": False}, margin=MARGIN
    )
    source, value = ("P", "by argument") if who == SGD else ("B", tables.NONE)
    return Claim(source, f"{text} by {MARGIN:g} point or more", "permuted", judge, value)


CLAIMS: tuple[Claim, ...] = (_unchanged(SGD), _unchanged(B50))
