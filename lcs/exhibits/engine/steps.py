"""Training steps: counted, beside their estimated floor, and with a first layer mostly zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lcs import cost, data
from lcs.config import Config
from lcs.data.batches import steps_per_epoch
from lcs.exhibits import tables
from lcs.exhibits.engine.benchmarks import find, load, machine_text, medians, over, ratio_text
from lcs.exhibits.methods import NETWORKS
from lcs.exhibits.published import PAPER_BASE_CHANNELS, PAPER_EPOCHS
from lcs.exhibits.tables import PENDING, Table
from lcs.optim.sparse_products import MODES
from lcs.runs import Record

# of one pass of the optimizer over a weight: the gradient read and a copy written in bfloat16, the
# weight itself read and written in float32
BYTES_OF_A_WEIGHT = 2 + 2 + 4 + 4
# NVIDIA's data sheet of the H200 (SXM): dense bfloat16 products, and memory
H200 = {"operations": 989e12, "bytes": 4.8e12}

EXACT_WHOLE = "exact, whole gradient"
# of `floor_table`: parts of a step, and ratios of whole steps to their floor
PARTS = (
    "inputs", "forward and backward", "optimizer", "whole step",
    "floor: products", "floor: pass of the optimizer",
)  # fmt: skip
OVER_FLOOR = {
    "step with flip-crop / floor": "with flips and crops / floor",
    "step with autoaugment / floor": "with AutoAugment / floor",
}

# numbers of the prose: the benchmark, fields of its table, and one of its ratios or times
MEASURED: dict[str, tuple[str, dict[str, Any], str]] = {
    "floor-1": ("parts", {"model": "s-fc", "base_channels": 1}, "step with flip-crop / floor"),
    "floor-16": ("parts", {"model": "s-fc", "base_channels": 16}, "step with flip-crop / floor"),
    "epoch-alone": ("epoch", {}, "conventional, 0 workers"),
    "epoch-helped": ("epoch", {}, "conventional, 2 workers"),
    "bf16-own-1": ("bf16", {"base_channels": 1}, "bfloat16, torch's own / bfloat16 by float32"),
    "bf16-float32-1": ("bf16", {"base_channels": 1}, "bfloat16 by float32 / float32"),
    "bf16-own": ("bf16", {"base_channels": 4}, "bfloat16, torch's own / bfloat16 by float32"),
    "bf16-float32": ("bf16", {"base_channels": 4}, "bfloat16 by float32 / float32"),
    "pass-compiled": ("optimizer", {}, "BetaLasso(compiled=True) / SGD(foreach=True)"),
    "pass-sgd": (
        "optimizer",
        {"measured": "SGD step"},
        "SGD(compiled=True) / torch's SGD(fused=True), weights and gradients cast",
    ),
    "kept-32": ("memory", {"base_channels": 32, "optimizer": "beta-lasso"}, "kept / given back"),
    "together": ("replicates", {}, "together / one by one"),
    "hand-ray": ("executors", {"runs": 1000}, "Ray"),
    "read": ("store", {"records": 10_000}, "list"),
}


class Step(NamedTuple):
    """A training step of S-FC, counted: weights, floating-point operations, bytes."""

    weights: int
    operations: int
    bytes: int

    @property
    def floor(self) -> float:
        """Estimated least seconds on an H200: the products, then the optimizer's pass."""
        return self.operations / H200["operations"] + self.bytes / H200["bytes"]


def count_step(base_channels: int) -> Step:
    """Count a step of S-FC on CIFAR-10, with the usual batch, to the leading term.

    The operations are those of `cost.image_flops`, the bytes those of one pass of the optimizer.
    """
    config = Config(base_channels=base_channels)
    weights = cost.weights(config)
    return Step(weights, config.batch_size * cost.image_flops(config), BYTES_OF_A_WEIGHT * weights)


def floor_table(
    found: dict[str, Any] | None, name: str = "tab-floor", command: str = "make bench"
) -> Table:
    """Return the parts of each network's step, and the whole step over its estimated floor."""
    shown = find(found, measured="step")
    if found is None or not shown:
        return tables.pending_table(name, "a step beside its estimated floor", command)
    rows = []
    for one in shown:
        ratios = {ratio["ratio"]: ratio for ratio in one["ratios"]}
        rows.append(
            [
                f"{NETWORKS[one['model']]}, α = {one['base_channels']}",
                *(f"{medians(one)[part]:.3g}" for part in PARTS),
                *("{median:.2f} ({lowest:.2f} – {highest:.2f})".format(**ratios[name])
                  for name in OVER_FLOOR),
            ]
        )  # fmt: skip
    caption = (
        "A step of 512 images in bfloat16: parts timed one by one, the whole step and its "
        f"estimated floor, in milliseconds, in the median of {shown[0]['repeats']} rounds; and the "
        "sum of the times of step and augmentation over the floor, with its range. "
        f"{machine_text(found)}."
    )
    return Table(name, caption, ["network", *PARTS, *OVER_FLOOR.values()], rows)


def sparse_steps(found: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the time of each sparse step relative to the dense one.

    Keys: `base_channels`, `density` (per cent), `mode`, and those of `over`.
    """
    return [
        {
            "base_channels": one["base_channels"],
            "density": round(100 * one["density"], 6),
            "mode": mode,
            **over(one, mode),
        }
        for one in find(found, measured="sparse step")
        for mode in MODES[1:]
    ]


def bound_steps(
    found: dict[str, Any] | None, width: int = 16, mode: str = "exact"
) -> list[dict[str, float]]:
    """Return `over` along a run, at the epochs with at most 1 % of the first layer left."""
    return [
        over(one, mode)
        for one in find(found, measured="bound", base_channels=width)
        if one["density"] <= 0.01
    ]


def unproved(found: dict[str, Any] | None) -> dict[tuple[int, int], float]:
    """Return of how many units a quarter of the terms does not prove that no zero returns.

    In per cent, by width and epoch, with the better weights of the images.
    """
    shares: dict[tuple[int, int], float] = {}
    for one in find(found, measured="unproved"):
        quarter = f": {one['images'] // 4}"
        left = [share for name, share in one["shares"].items() if name.endswith(quarter)]
        shares[one["base_channels"], one["epoch"]] = 100 * min(left)
    return shares


def sparse_numbers(folder: str = "") -> dict[str, str]:
    """Return what the prose says of sparse steps and runs, relative to dense ones, in words.

    `bound-first`: where an exact step is slowest with at most 1 % left.
    """
    cpu, gpu = (load("parts", folder, device) for device in ("cpu", "cuda"))
    words = {f"epoch-{mode}": PENDING for mode in MODES[1:]}
    for width in (4, 16, PAPER_BASE_CHANNELS):
        words |= {f"speed-{mode}-{width}": PENDING for mode in MODES[1:]}
    for row in [*sparse_steps(cpu), *sparse_steps(gpu)]:
        if row["density"] == 1:
            words[f"speed-{row['mode']}-{row['base_channels']}"] = ratio_text(row)
    for one in find(cpu, measured="sparse epoch", base_channels=16):
        words |= {f"epoch-{mode}": ratio_text(over(one, mode)) for mode in MODES[1:]}

    found = load("bound", folder)
    for width in (16, 32):
        ratios = bound_steps(found, width)
        slowest = max(ratios, key=lambda row: row["ratio"], default=None)
        words[f"bound-first-{width}"] = ratio_text(slowest) if slowest else PENDING
        words[f"bound-last-{width}"] = ratio_text(ratios[-1]) if ratios else PENDING
    left = unproved(load("unproved", folder)).values()
    words["unproved"] = tables.rounded(max(left)) if left else PENDING
    modes = {"run-exact": "exact", "run-whole": EXACT_WHOLE, "run-frozen": "frozen"}
    words |= dict.fromkeys(("run-alpha", *modes), PENDING)
    for one in find(found, measured="whole run"):
        # without the first epoch, in which the optimizer's step is compiled
        times = {mode: sum(seconds[1:]) for mode, seconds in one["times"].items()}
        words["run-alpha"] = f"{one['base_channels']}"
        words |= {name: f"{times[mode] / times['dense']:.2f}" for name, mode in modes.items()}
    return words


def run_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return how whole runs of S-FC on a GPU compare with their floor; "pending" without runs."""
    times = []
    images = data.spec("cifar10").train_size
    runs = [r for r in records if r.config.model == "s-fc" and r.provenance["device"] == "cuda"]
    for run in runs:
        steps = run.config.epochs * steps_per_epoch(images, run.config.batch_size)
        floor = steps * count_step(run.config.base_channels).floor
        times.append(run.provenance["seconds"] / floor)
    if not runs:
        return dict.fromkeys(("gpu-least", "gpu-most", "gpu-hardware"), PENDING)
    return {
        "gpu-least": f"{min(times):.1f}",
        "gpu-most": f"{max(times):.1f}",
        "gpu-hardware": tables.plain(runs[0].provenance["hardware"]),
    }


def numbers(folder: str = "") -> dict[str, str]:
    """Return what the prose says of other steps and epochs; "pending" where it is not measured."""
    words = dict.fromkeys((*MEASURED, "changes-1", "changes-8"), PENDING)
    for name, (file, fields, what) in MEASURED.items():
        for one in find(load(file, folder), **fields):
            values = medians(one) | {ratio["ratio"]: ratio["median"] for ratio in one["ratios"]}
            words[name] = f"{values[what]:.2f}" if what in values else words[name]
    for one in find(load("changes", folder), measured="changes"):
        first, *_, last = medians(one).values()
        words[f"changes-{one['base_channels']}"] = f"{first / last:.1f}"
    config, step = Config(base_channels=PAPER_BASE_CHANNELS), count_step(PAPER_BASE_CHANNELS)
    gradient = 2 * config.batch_size * config.layer_sizes()["conv1"].weights
    epoch = steps_per_epoch(data.spec("cifar10").train_size, config.batch_size) * step.floor
    return words | {
        "paper-floor": f"{1e3 * step.floor:.1f}",
        "paper-pass": f"{100 * step.bytes / H200['bytes'] / step.floor:.0f}",
        "paper-time": cost.duration(PAPER_EPOCHS * epoch),
        "paper-share": f"{100 * gradient / step.operations:.0f}",
    }
