"""Accuracy against the number of training images: what learned and built-in locality are worth.

All runs take about as many steps, whatever the number of images, so that only what they learn from
differs.
"""

import itertools
from collections.abc import Sequence

from lcs.config import Config
from lcs.cost import training_images
from lcs.exhibits.shared import cells, compare, locality, tables
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, LOCAL, SGD, SHALLOW, Method, method
from lcs.exhibits.shared.settings import FLIP_CROP_SHORT, flip_crop_methods, sized
from lcs.exhibits.shared.tables import PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import exceeds, ours
from lcs.runs import Record

SHARES = (0.02, 0.05, 0.1, 0.3, 1.0)

STUDIES = Studies()


@STUDIES.add(FLIP_CROP_SHORT)
def sample_size(base: Config) -> list[Config]:
    """Accuracy and the number of images.

    Return each method, with flips and crops, on each share of the images.
    """
    whole = flip_crop_methods(sized(base, 1, 1 / 8), SHALLOW, [50])
    return [
        run.replace(train_share=share, epochs=round(run.epochs / share))
        for share in SHARES
        for run in whole
    ]


def images(config: Config) -> int:
    """Return how many training images a run sees in an epoch."""
    return training_images(config) // config.epochs


def size_table(records: Sequence[Record]) -> Table:
    """Return accuracy, remaining weights and locality of each method by the number of images."""
    columns: dict[str, Cell] = {
        "images": cells.of(lambda config: f"{images(config):,}"),
        **cells.field_columns(["method"]),
        "test accuracy (%)": cells.mean_text,
        "training accuracy (%)": cells.fit_text,
        "remaining, layer 1 (%)": cells.remaining_text,
        "in a window, beyond chance (points)": locality.excess_text,
    }
    what = "Test accuracy by the number of training images, in as many steps"
    return cells.by_condition("sample-size", records, columns, what, text=("method",))


def images_needed(records: Sequence[Record], one: Method, other: Method) -> str:
    """Say with how many images one method is as good as another with all of them, to two digits.

    Means over seeds are joined by lines over the logarithm of the number of images.
    """
    means: dict[Method, list[tuple[int, float]]] = {}
    for config, runs in compare.conditions(records).items():
        means.setdefault(method(config), []).append((images(config), compare.mean(runs)))
    _, target = max(means[other])
    curve = sorted(means[one])
    if curve[0][1] >= target:
        return f"at most {curve[0][0]:,}"
    for (few, low), (many, high) in itertools.pairwise(curve):
        if low < target <= high:
            return tables.rounded(few * (many / few) ** ((target - low) / (high - low)))
    return f"more than {curve[-1][0]:,}"


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what the prose says; "pending" without runs."""
    few, tenth, every = (f"{100 * share:g}" for share in (SHARES[0], 0.1, SHARES[-1]))
    windows = {f"size-window-{share}": (share, B50) for share in (few, tenth, every)}
    windows[f"size-window-sgd-{few}"] = few, SGD
    gains = {f"size-gain-{share}": (share, B50) for share in (few, "30", every)}
    runs = compare.grouped(records, lambda c: (f"{100 * c.train_share:g}", method(c)))
    return {
        "size-n": cells.count_text(compare.conditions(records)),
        "size-local-needs": images_needed(records, LOCAL, B50) if records else PENDING,
        **{key: cells.gain_text(runs[at], runs[at[0], SGD]) for key, at in gains.items()},
        f"size-lead-{few}": cells.lead_text(runs[few, LOCAL], runs[few, SGD]),
        **{key: locality.excess_text(runs[at]) for key, at in windows.items()},
    }


_TENTH = {"train_share": 0.1, "model": "s-fc"}
_SPARSE: dict[str, object] = {"optimizer": "beta-lasso", "train_share": 1.0}

CLAIMS = {
    "With a tenth of the images β = 50 is better than SGD": ours(
        "sample-size", exceeds(_TENTH | {"optimizer": "beta-lasso"}, _TENTH | {"optimizer": "sgd"})
    ),
    "With three tenths of the images S-LOCAL is better than β = 50 with all of them": ours(
        "sample-size", exceeds({"model": "s-local", "train_share": 0.3}, _SPARSE)
    ),
    "With a tenth of the images the filters of β = 50 are less local than with all": ours(
        "sample-size", locality.more_local(_SPARSE, _SPARSE | {"train_share": 0.1})
    ),
}
