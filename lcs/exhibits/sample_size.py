"""Accuracy against the number of training images: what learned and built-in locality are worth.

All runs of a width take about as many steps, whatever the number of images, so that only what they
learn from differs.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from lcs.config import Config
from lcs.cost import training_images
from lcs.exhibits.shared import cells, compare, locality, tables
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD, SHALLOW, Method, method
from lcs.exhibits.shared.settings import (
    FLIP_CROP,
    FLIP_CROP_SHORT,
    chosen,
    flip_crop_methods,
    sized,
)
from lcs.exhibits.shared.tables import PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import exceeds, ours
from lcs.runs import Record
from lcs.stats import mean_interval

SHARES = (0.02, 0.05, 0.1, 0.3, 1.0)

STUDIES = Studies()


@STUDIES.add(FLIP_CROP_SHORT)
def sample_size(base: Config) -> list[Config]:
    """Accuracy and the number of images.

    Return each method, with flips and crops, on each share of the images.
    """
    whole = flip_crop_methods(sized(base, 1, 1 / 8), SHALLOW, [50])
    return [_with_share(run, share) for share in SHARES for run in whole]


@STUDIES.add(FLIP_CROP, seeds=1)
def sample_size_wide(base: Config) -> list[Config]:
    """A fiftieth of the images at α = 4.

    Return each method with as many steps and the hyperparameters of the study `permuted`.
    """
    here = sized(base, 4, 1 / 4)
    whole = [chosen(here, *who, share=0.5) for who in (SGD, B50, CONV, LOCAL)]
    return [_with_share(run, SHARES[0]) for run in whole]


def _with_share(config: Config, share: float) -> Config:
    """Return a run with a share of the images, in as many steps."""
    return config.replace(train_share=share, epochs=round(config.epochs / share))


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
        "excess window share (points)": locality.excess_text,
    }
    what = "Test accuracy by the number of training images, in as many steps"
    return cells.by_condition("sample-size", records, columns, what, text=("method",))


def curve_table(records: Sequence[Record]) -> Table:
    """Return the exponent of each method's learning curve, with few images and with many.

    Test error falls as n^(−exponent); ± is the 95 % interval over seeds.
    """
    name, what = "tab-exponents", "Exponents of the learning curves"
    if not records:
        return tables.pending_table(name, what, "lcs study sample-size")
    shares = sorted({run.config.train_share for run in records})
    middle = shares[len(shares) // 2]
    parts = (lambda share: share <= middle), (lambda share: share >= middle)
    headings, columns = [], []
    for inside in parts:
        some = [run for run in records if inside(run.config.train_share)]
        ends = {images(run.config) for run in some}
        headings.append(f"{min(ends):,} to {max(ends):,} images")
        columns.append(compare.by_method(some))
    rows = [
        [who, *(tables.interval(mean_interval(exponents(part[who]))) for part in columns)]
        for who in columns[0]
    ]
    caption = (
        f"{what}: test error falls as the number of training images to the power of minus this, "
        "by least squares in the logarithms; ± 95 % interval over seeds."
    )
    return Table(name, caption, ["method", *headings], rows)


def exponents(records: Sequence[Record]) -> list[float]:
    """Return for each seed of a method the exponent b of its learning curve, error = c n^(−b)."""
    found = []
    for curve in _curves(records).values():
        count, accuracy = np.transpose(curve)
        slope, _ = np.polyfit(np.log(count), np.log(100 - accuracy), 1)
        found.append(-float(slope))
    return found


def times_as_many(records: Sequence[Record], one: Method, other: Method) -> dict[int, list[float]]:
    """Return how many times as many images one method needs to be as good as another.

    By the other's number of images, for each seed; lines join the values of a seed over the
    logarithm of the number of images. NaN where no number that was tried is enough, or already the
    smallest is more than enough.
    """
    runs = compare.by_method(records)
    curves = _curves(runs[one])
    found: dict[int, list[float]] = {}
    for seed, reached in _curves(runs[other]).items():
        for count, target in reached:
            found.setdefault(count, []).append(_images_at(target, curves[seed]) / count)
    return found


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
    needed = _images_at(target, curve)
    return f"more than {curve[-1][0]:,}" if math.isnan(needed) else tables.rounded(needed)


def _curves(records: Sequence[Record]) -> dict[int, list[tuple[int, float]]]:
    """Return the learning curve of a method by seed: number of images and accuracy in per cent."""
    curves: dict[int, list[tuple[int, float]]] = {}
    for run in records:
        at = images(run.config), 100 * run.accuracy
        curves.setdefault(run.config.seed, []).append(at)
    return {seed: sorted(curve) for seed, curve in sorted(curves.items())}


def _images_at(target: float, curve: Sequence[tuple[int, float]]) -> float:
    """Return where a learning curve reaches an accuracy; NaN outside of it."""
    for (few, low), (many, high) in itertools.pairwise(curve):
        if low <= target <= high and low < high:
            return few * (many / few) ** ((target - low) / (high - low))
    return math.nan


def numbers(records: Sequence[Record], wide: Sequence[Record] = ()) -> dict[str, str]:
    """Return what the prose says, of α = 1 and of `sample-size-wide`; "pending" without runs."""
    few, tenth, every = (f"{100 * share:g}" for share in (SHARES[0], 0.1, SHARES[-1]))
    windows = {f"size-window-{share}": (share, B50) for share in (few, tenth, every)}
    windows[f"size-window-sgd-{few}"] = few, SGD
    gains = {f"size-gain-{share}": (share, B50) for share in (few, "30", every)}
    runs = compare.grouped(records, lambda c: (f"{100 * c.train_share:g}", method(c)))
    times = times_as_many(records, SGD, LOCAL)
    dense = [run.config for run in runs["100", SGD]]
    # S-FC has a unit for each patch and channel of S-LOCAL
    patches = [c.layer_sizes()["conv1"].units // c.base_channels for c in dense[:1]]
    at_4 = compare.by_method(wide)
    return {
        **{
            f"size-wide-{name}": cells.mean_text(at_4[who])
            for name, who in (("sgd", SGD), ("beta", B50), ("conv", CONV), ("local", LOCAL))
        },
        "size-n": cells.count_text(compare.conditions(records)),
        "size-local-needs": images_needed(records, LOCAL, B50) if records else PENDING,
        "size-patches": f"{patches[0]}" if patches else PENDING,
        "size-times": tables.interval(mean_interval(times[min(times)]), 1) if times else PENDING,
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
