"""Where does locality come from? Studies that take one thing after another from the data.

Surrogates of the images are those of `lcs.data.surrogates`; the images of
`lcs.data.gaussian_process` differ in nothing but their gain. Last: whether the filters are a
convolution, that is, shifted copies of each other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lcs import measure
from lcs.analysis.claims import Finding, exceeds, exceeds_zero, meant, ours
from lcs.analysis.tables import NONE
from lcs.config import Config
from lcs.data.gaussian_process import PROCESSES
from lcs.data.surrogates import BORDER
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD, THREE
from lcs.exhibits.shared.settings import FLIP_CROP, chosen, sized, varied
from lcs.runs import Record
from lcs.train.recording import STORED_FILTERS

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 4
# images and labels of natural images and of what shares some of their statistics, and of all data
STATISTICS = {
    "natural images": ("natural", "true"),
    "ranks made Gaussian": ("gaussianised", "true"),
    "Gaussian, same covariance": ("gaussian", "true"),
    "random phases": ("phase-scrambled", "true"),
    "Gaussian, shuffled classes": ("gaussian", "shuffled-first"),
}
DATA = STATISTICS | {"uniform noise": ("noise", "true"), "shuffled labels": ("natural", "shuffled")}
# `Config.augment` and `Config.crop_padding`
CHANGES = {
    "no augmentation": ("none", None),
    "flips": ("flip-crop", 0),
    "crops": ("crop", None),
    "flips and crops": ("flip-crop", None),
}
# λ on the process: the first layer's, ten times the others'
LAMBDAS = (1e-4, 2e-4, 4e-4)


STUDIES = Studies()


def _both(base: Config, **changes: Any) -> list[Config]:
    """Return S-FC with SGD and with β = 50, with flips and crops, as `search` chose them."""
    here = sized(base, WIDTH, 1 / 4)
    return [chosen(here, *who, share=1.0).replace(**changes) for who in (SGD, B50)]


@STUDIES.add(varied(FLIP_CROP))
def origin_augmentation(base: Config) -> list[Config]:
    """Locality and augmentation."""
    return [
        run
        for augment, padding in CHANGES.values()
        for run in _both(base, augment=augment, crop_padding=padding)
    ]


@STUDIES.add(varied(FLIP_CROP))
def origin_data(base: Config) -> list[Config]:
    """Locality and the statistics of images."""
    return [
        run
        for images, labels in STATISTICS.values()
        for run in _both(
            base, images=images, labels=labels, crop_fill=0 if images == "natural" else BORDER
        )
    ]


@STUDIES.add(varied(FLIP_CROP))
def origin_black_border(base: Config) -> list[Config]:
    """Surrogates with too dark a border.

    Their contrast is half that of natural images, so that black is twice as far from their mean.
    """
    return [
        run
        for images in ("gaussianised", "gaussian", "phase-scrambled")
        for run in _both(base, images=images)
    ]


@STUDIES.add(FLIP_CROP)
def origin_labels(base: Config) -> list[Config]:
    """Locality with shuffled labels."""
    return _both(base, labels="shuffled")


@STUDIES.add(FLIP_CROP)
def origin_noise(base: Config) -> list[Config]:
    """Locality with noise for images."""
    return _both(base, images="noise")


@STUDIES.add(varied(FLIP_CROP))
def origin_plain(base: Config) -> list[Config]:
    """The same data without augmentation.

    Return β = 50 alone, on all `DATA`.
    """
    return [
        _both(base, images=images, labels=labels, augment="none")[1]
        for images, labels in DATA.values()
    ]


@STUDIES.add(varied(FLIP_CROP), seeds=5)
def origin_process(base: Config) -> list[Config]:
    """Locality on a nonlinear process.

    Return SGD and β = 50 at each λ for each gain, and for the Gaussian clone of the largest.
    """
    runs = []
    for name in PROCESSES if base.dataset != "digits" else ("digits",):
        plain, sparse = _both(base, dataset=name, augment="none", base_channels=base.base_channels)
        runs += [plain, *(sparse.replace(l1=l1, l1_rest=l1 / 10) for l1 in LAMBDAS)]
    return runs


@STUDIES.add(varied(FLIP_CROP), seeds=5)
def origin_process_estimated(base: Config) -> list[Config]:
    """The clone with an estimated covariance.

    Return the runs on the clone with the moments of the training images, in test images too.
    """
    of_process = [run for run in origin_process(base) if run.dataset in ("process-3", "digits")]
    return [run.replace(images="gaussian") for run in of_process]


@STUDIES.add(FLIP_CROP, seeds=5)
def permuted(base: Config) -> list[Config]:
    """Images with permuted pixels.

    Return every method with flips and crops for a quarter of the length, plain and permuted.
    """
    return [
        chosen(sized(base, width, 1 / 4), *who, share=0.5).replace(permute_pixels=permuted)
        for width in (1, 4)
        for who in (SGD, THREE, LOCAL, CONV, B50)
        for permuted in (False, True)
    ]


# Do units share weights?

MIN_FILTERS = 8  # compact ones, without which nothing is said of a run
# a shared kernel must raise the measure by so much, or its absence says nothing
MIN_CONTRAST = 0.2


def sharing(record: Record) -> dict[str, Any]:
    """Return `lcs.measure.sharing` of the compact ones among a run's stored filters.

    Compact are those with enough weights and mass in a window of 13 x 13 of 32 pixels, that of
    S-CONV's kernel and two pixels more on each side (`lcs.measure.local_parts`). The first
    `STORED_FILTERS` are looked at, as many of each run. `filters` counts the compact ones; with
    fewer than `MIN_FILTERS` of them the result has no other values.
    """
    filters = record.load_filters()[:STORED_FILTERS]
    window = measure.window_size(*filters.shape[2:]) + 4 * filters.shape[2] // 32
    compact = measure.local_parts(filters, window)
    found: dict[str, Any] = {"filters": len(compact)}
    if len(compact) >= MIN_FILTERS:
        found |= measure.sharing(compact, record.config.base_channels)
    return found


def share_of_way(found: dict[str, Any]) -> float:
    """Return where `sharing` lies between chance (0) and shared kernels (100).

    Chance is the null that keeps most, `rearranged`. NaN where shared kernels could not be told
    from it: the filters have too few weights, or the kernels would be more than the filters.
    """
    contrast = found.get("shared", math.nan) - found.get("rearranged", math.nan)
    return 100 * found["rearranged_excess"] / contrast if contrast > MIN_CONTRAST else math.nan


def _shares_kernels(runs: pd.DataFrame) -> Finding:
    """Say how far the units of β = 0 and β = 50 are on the way to shared kernels, in one run each.

    The intervals are over the filters of a run, so that they are no evidence over seeds.
    """
    said, known = [], []
    for beta, name in ((0, "plain ℓ1"), (50, "β-LASSO")):
        stored = [record for record in meant(runs, name).record if record.has_filters]
        found = sharing(stored[0]) if stored else {}
        told = "cannot be told"
        if "mean" in found and math.isfinite(share := share_of_way(found)):
            known.append(share)
            told = f"{share:.0f} % of the way from chance to shared kernels"
        said.append(f"β = {beta}: {told}")
    if not known:
        return Finding(NONE, said="not measurable: too few filters, or weights")
    seen = "seen" if min(known) > 50 else "not seen"
    return Finding("; ".join(said), said=f"{seen} in one run of each")


def _sparse(**fields: object) -> dict[str, object]:
    return {"model": "s-fc", "optimizer": "beta-lasso", "beta": 50, **fields}


_BOTH: dict[str, object] = {"augment": "flip-crop", "images": "natural", "labels": "true"}

CLAIMS = {
    "Filters of β = 50 are local without any augmentation": ours(
        "origin-augmentation", exceeds_zero(_sparse(augment="none"), "excess")
    ),
    "Crops make the filters of β = 50 more local than no augmentation does": ours(
        "origin-augmentation", exceeds(_sparse(augment="crop"), _sparse(augment="none"), "excess")
    ),
    "On Gaussian images with each class's covariance, filters of β = 50 are local": ours(
        "origin-data", exceeds_zero(_sparse(**_BOTH | {"images": "gaussian"}), "excess")
    ),
    "Natural images give β = 50 more local filters than Gaussian ones of the same covariance": ours(
        "origin-data",
        exceeds(_sparse(**_BOTH), _sparse(**_BOTH | {"images": "gaussian"}), "excess"),
    ),
    "With shuffled labels, filters of β = 50 are local": ours(
        "origin-labels", exceeds_zero(_sparse(**_BOTH | {"labels": "shuffled"}), "excess")
    ),
    "The first layer becomes a convolution: compact filters are shifted copies of each other "
    "(α = 8, the λ of β = 50)": ours("scaling-threshold", _shares_kernels),
}
