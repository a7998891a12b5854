"""The same networks on images whose pixels are permuted, all by one fixed permutation.

A fully connected network does not know which pixels are neighbours, so that nothing changes for it
(P, section 2), by symmetry; S-LOCAL, S-CONV and the measures of locality do know.
"""

from collections.abc import Sequence

from lcs.config import Config
from lcs.exhibits.shared import cells, compare, locality, plots
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD, THREE, Method, method
from lcs.exhibits.shared.plots.style import Figure
from lcs.exhibits.shared.settings import FLIP_CROP, chosen, sized
from lcs.exhibits.shared.tables import Cell, Table
from lcs.exhibits.shared.verdicts import Claim
from lcs.runs import Record

WIDTHS = (1, 4)
METHODS = (SGD, THREE, LOCAL, CONV, B50)
# share of the λ that `search` chose at 50 epochs: at twice the length half of it pulls as far
SHARE = 0.5


STUDIES = Studies()


@STUDIES.add(FLIP_CROP, seeds=5)
def permuted(base: Config) -> list[Config]:
    """Images with permuted pixels.

    Return every method with flips and crops for a quarter of the length, plain and permuted.
    """
    return [
        chosen(sized(base, width, 1 / 4), *who, share=SHARE).replace(permute_pixels=permuted)
        for width in WIDTHS
        for who in METHODS
        for permuted in (False, True)
    ]


def plain(config: Config) -> Config:
    """Return the same run on the images as they are."""
    return config.replace(permute_pixels=False)


def permuted_table(records: Sequence[Record]) -> Table:
    """Return the accuracy of each method on permuted images, beside that on the images."""
    shown = [run for run in records if run.config.permute_pixels]
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        **cells.field_columns(["method", "base_channels"]),
        "images (%)": lambda runs: cells.mean_text(found[plain(runs[0].config.replace(seed=0))]),
        "permuted (%)": cells.mean_text,
        "difference": cells.difference_from(found, plain),
    }
    what = "Test accuracy on images and on the same images with permuted pixels"
    return cells.by_condition("permuted", shown, columns, what, note=cells.PAIRED)


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
    runs = compare.grouped(
        records, lambda config: (config.base_channels, method(config), config.permute_pixels)
    )
    wide = WIDTHS[-1]

    def change(width: int, who: Method) -> str:
        return cells.gain_text(runs[width, who, True], runs[width, who, False])

    keys = {"sgd": SGD, "beta": B50, "local": LOCAL, "conv": CONV}
    return {
        "permuted-n": cells.count_text(compare.conditions(records)),
        **{f"permuted-{key}": change(wide, who) for key, who in keys.items()},
        "permuted-conv-narrow": change(WIDTHS[0], CONV),
        "window-images": locality.excess_text(runs[wide, B50, False]),
        "window-permuted": locality.excess_text(runs[wide, B50, True]),
    }


# that S-FC does not change is a matter of symmetry, which its runs test the code for
CLAIMS: dict[str, Claim] = {}
