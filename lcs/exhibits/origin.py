"""Where locality comes from: the same networks on data that lack one thing after another.

Which statistics of the images and which augmentation do β-LASSO's filters owe their shape to?
Surrogates of the images are those of `lcs.data.surrogates`; the images of
`lcs.data.gaussian_process` differ in nothing but their gain.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lcs.config import Config
from lcs.data.gaussian_process import CLONE, PROCESSES
from lcs.data.surrogates import BORDER
from lcs.exhibits.shared import cells, compare, locality, tables
from lcs.exhibits.shared.compare import Groups
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, SGD, Method, method, shortest_name
from lcs.exhibits.shared.plots.interactive import Interactive, filters_slider
from lcs.exhibits.shared.plots.style import Figure, pending
from lcs.exhibits.shared.settings import FLIP_CROP, chosen, sized, varied
from lcs.exhibits.shared.tables import PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import Judge, exceeds_zero, ours
from lcs.runs import Record

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
AUGMENTATIONS = {
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
        for augment, padding in AUGMENTATIONS.values()
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


# Names of what the runs saw


def data_text(config: Config) -> str:
    """Name the images and labels of a run."""
    if config.dataset in PROCESSES:
        gain = f"gain {PROCESSES[config.dataset]:g}"
        if config.images == "gaussian":
            return f"Gaussian, estimated covariance of {gain}"
        return f"Gaussian, covariance of {gain}" if config.dataset == CLONE else gain
    return next(name for name, seen in DATA.items() if seen == (config.images, config.labels))


def seen_text(config: Config) -> str:
    """Name what a run saw: images and labels, and their augmentation, which the process lacks."""
    if config.dataset in PROCESSES:
        return data_text(config)
    seen = config.augment, config.crop_padding
    augmentation = next(name for name, values in AUGMENTATIONS.items() if values == seen)
    as_dark = config.crop_fill or config.augment == "none" or config.images in ("natural", "noise")
    return f"{data_text(config)}, {augmentation}{'' if as_dark else ', black border'}"


def on_images(found: dict[str, list[Record]]) -> Groups[tuple[str, Method]]:
    """Return all runs but those on the process by what they saw (`seen_text`) and by method."""
    runs = (run for name in found if "process" not in name for run in found[name])
    every = compare.conditions(runs)
    return Groups({(seen_text(c), method(c)): group for c, group in every.items()})


def at_half_l1(permuted: Sequence[Record]) -> list[Record]:
    """Return β = 50 with flips and crops at half of the λ, of the study `permuted`."""
    return [run for run in compare.widest(permuted)[B50] if not run.config.permute_pixels]


# Tables and figures


def _series(records: Sequence[Record]) -> Callable[[Config], str]:
    """Return the name of a run's method, with λ where those of some runs differ in it."""
    several = len({run.config.l1 for run in records if run.config.l1}) > 1
    return cells.series_text if several else shortest_name


def origin_table(name: str, records: Sequence[Record], what: str) -> Table:
    """Return accuracy, remaining weights and locality of each condition of a study."""
    columns: dict[str, Cell] = {
        "data": cells.of(seen_text),
        "method": cells.of(_series(records)),
        **locality.RESULTS,
        "neighbours / chance": locality.neighbours_text,
        "filters with 20 weights": locality.eligible_text,
    }
    return cells.by_condition(name, records, columns, what, text=("method",))


def excess_frame(records: Sequence[Record]) -> tables.DataFrame:
    """Return the excess window share by condition, for `plots.excesses`."""
    measures = {"window_mass": "excess window share (points)"}
    return locality.excess_frame(records, seen_text, _series(records), measures)


def filters_chart(found: dict[str, list[Record]]) -> Figure | Interactive:
    """Return a chart whose slider goes over the data: filters of β = 50, and of SGD by a switch.

    Args:
        found: the records of the studies by name; of the process with the λ between the others.
    """
    frames: dict[str, dict[str, tuple[np.ndarray, str]]] = {}
    for study in found:
        for run in found[study]:
            one_l1 = "process" not in study or run.config.l1 in (0.0, LAMBDAS[1])
            if run.has_filters and one_l1:
                left, excess = cells.remaining_text([run]), locality.excess_text([run])
                text = f"{left} % remaining; excess window share: {excess} points"
                shown = frames.setdefault(seen_text(run.config), {})
                shown[method(run.config).shortest] = run.load_filters().numpy(), text
    # the switch leads from a frame of one method to the same data's of the other
    both = {data: shown for data, shown in frames.items() if len(shown) == 2}
    if not both:
        return pending()
    about = "First-layer filters of networks that were trained on data of several kinds."
    every = {f"{who}, {data}": both[data][who] for who in ("β = 50", "SGD") for data in both}
    return filters_slider(every, "data", about, switch="SGD instead of β = 50")


# Numbers and claims


def numbers(found: dict[str, list[Record]], half: Sequence[Record]) -> dict[str, str]:
    """Return what the prose says, in words; "pending" without runs.

    `gain-sgd`, `labels-fit` and `classes-accuracy` are of SGD, the others of β = 50; `half`: of
    `at_half_l1`.
    """
    runs = on_images(found)
    seen = {
        "no-augmentation": "natural images, no augmentation",
        "flips-and-crops": "natural images, flips and crops",
        "ranks": "ranks made Gaussian, flips and crops",
        "gaussian": "Gaussian, same covariance, flips and crops",
        "labels": "shuffled labels, flips and crops",
        "classes": "Gaussian, shuffled classes, flips and crops",
        "classes-plain": "Gaussian, shuffled classes, no augmentation",
    }

    def at(name: str, who: Method = B50) -> list[Record]:
        return runs[seen[name], who]

    both = {"no-augmentation": at("no-augmentation"), "half": half}
    words = {name: locality.excess_text(group) for name, group in both.items()}
    words |= {f"left-{name}": cells.remaining_text(group) for name, group in both.items()}
    words["gain-half"] = cells.lead_text(half, both["no-augmentation"], locality.beyond_chance)
    cropped, plain = (at(name, SGD) for name in ("flips-and-crops", "no-augmentation"))
    words["gain-sgd"] = cells.lead_text(cropped, plain, locality.beyond_chance)
    sparse = at("flips-and-crops")
    for name in ("ranks", "gaussian"):
        words[f"over-{name}"] = cells.gain_text(at(name), sparse, locality.beyond_chance)
    words["classes-accuracy"] = cells.mean_text(at("classes", SGD))
    words["classes-left"] = cells.mean_text(at("classes"), compare.nonzeros, 0)
    words["classes-plain-accuracy"] = cells.mean_text(at("classes-plain"))
    words["classes-plain"] = locality.excess_text(at("classes-plain"))
    words["labels-fit"] = cells.fit_text(at("labels", SGD))
    words["labels-left"] = cells.mean_text(at("labels"), compare.nonzeros, 0)
    words["n"] = cells.count_text(compare.conditions([*at("no-augmentation"), *half]))
    words["process-n"] = cells.count_text(compare.conditions(found["origin-process"]))
    words["l1"] = tables.number(sparse[0].config.l1) if sparse else PENDING
    return {f"origin-{name}": word for name, word in words.items()}


def _local(fields: dict[str, object]) -> Judge:
    """Judge whether the filters of β = 50 are local beyond chance, by their mass in a window."""
    return exceeds_zero(B50._asdict() | fields, locality.beyond_chance)


_BOTH: dict[str, object] = {"augment": "flip-crop", "images": "natural", "labels": "true"}

CLAIMS = {
    "Filters of β = 50 are local without any augmentation": ours(
        "origin-augmentation", _local({"augment": "none"})
    ),
    "Crops make the filters of β = 50 more local than no augmentation does": ours(
        "origin-augmentation", locality.more_local({"augment": "crop"}, {"augment": "none"})
    ),
    "On Gaussian images with each class's covariance, filters of β = 50 are local": ours(
        "origin-data", _local(_BOTH | {"images": "gaussian"})
    ),
    "Natural images give β = 50 more local filters than Gaussian ones of the same covariance": ours(
        "origin-data", locality.more_local(_BOTH, _BOTH | {"images": "gaussian"})
    ),
    "With shuffled labels, filters of β = 50 are local": ours(
        "origin-labels", _local(_BOTH | {"labels": "shuffled"})
    ),
}
