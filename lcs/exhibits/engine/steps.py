"""Training steps, beside their estimated floor and with a first layer mostly zero."""

from typing import Any

from lcs.exhibits.engine.benchmarks import (
    find,
    load,
    machine_text,
    medians,
    over,
    ratio_text,
    takes_less,
)
from lcs.exhibits.shared import tables
from lcs.exhibits.shared.methods import NETWORKS
from lcs.exhibits.shared.plots.style import (
    PAGE_WIDTH,
    Figure,
    add_legend,
    pending,
    shades,
    subplots,
)
from lcs.exhibits.shared.published import PAPER_BASE_CHANNELS
from lcs.exhibits.shared.tables import PENDING, Table
from lcs.exhibits.shared.verdicts import Finding, Judge, holds_if
from lcs.runs import Record

# sparse steps, with the lines of `speed_figure`: the exact ones are of versions up to 9147deab
SPARSE = {"exact": "-", "frozen": "--"}
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
    "kept-32": ("memory", {"base_channels": 32, "optimizer": "beta-lasso"}, "kept / given back"),
}


def changes_figure(found: dict[str, Any] | None) -> Figure:
    """Draw what each change left of an epoch's time: a panel for each width, the first on top."""
    widths = find(found, measured="changes")
    if not widths:
        return pending()
    names = list(widths[0]["times"])
    figure, panels = subplots(1, len(widths), figsize=(PAGE_WIDTH, 2.3), sharey=True, squeeze=False)
    for axes, one in zip(panels[0], widths, strict=True):
        longest = max(max(rounds) for rounds in one["times"].values())
        for name, seconds in medians(one).items():
            height, rounds = -names.index(name), one["times"][name]
            around = [[seconds - min(rounds)], [max(rounds) - seconds]]
            axes.barh(height, seconds, 0.65, xerr=around, color="0.75", ecolor="0.35")
            axes.annotate(
                f"{seconds:.2g} s", (max(rounds), height), (4, 0), textcoords="offset points",
                va="center",
            )  # fmt: skip
        title = f"α = {one['base_channels']}"
        axes.set(title=title, xlabel="seconds an epoch", xlim=(0, 1.2 * longest))
    panels[0, 0].set_yticks([-number for number in range(len(names))], names)
    return figure


def floor_table(
    found: dict[str, Any] | None, name: str = "tab-floor", command: str = "make bench"
) -> Table:
    """Return the parts of each network's step, and the whole step over its estimated floor."""
    shown = find(found, measured="step")
    if found is None or not shown:
        return tables.pending_table(name, "a step beside its estimated floor", command)
    rows = []
    for one in shown:
        network = f"{NETWORKS[one['model']]}, α = {one['base_channels']}"
        times = (f"{medians(one)[part]:.3g}" for part in PARTS)
        ratios = {ratio["ratio"]: ratio for ratio in one["ratios"]}
        said = "{median:.2f} ({lowest:.2f} – {highest:.2f})"
        rows.append([network, *times, *(said.format(**ratios[part]) for part in OVER_FLOOR)])
    caption = (
        "A step of 512 images in bfloat16: parts timed one by one, the whole step and its "
        f"estimated floor, in milliseconds, in the median of {shown[0]['repeats']} rounds; and the "
        "sum of the times of step and augmentation over the floor, with its range. "
        f"{machine_text(found)}."
    )
    return Table(name, caption, ["network", *PARTS, *OVER_FLOOR.values()], rows)


def sparse_steps(found: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the time of each sparse step relative to the dense one; `density` in per cent."""
    return [
        {
            "base_channels": one["base_channels"],
            "density": round(100 * one["density"], 6),
            "mode": mode,
            **over(one, mode),
        }
        for one in find(found, measured="sparse step")
        for mode in SPARSE
        if mode in one["times"]
    ]


def speed_figure(found: dict[str, Any] | None) -> Figure:
    """Draw the time of a step relative to the dense one against the density (logarithmic)."""
    table = tables.data_frame(sparse_steps(found))
    if table.empty:
        return pending()
    figure, axes = subplots(figsize=(PAGE_WIDTH, 3.2))
    order, densities = sorted(set(table.base_channels)), sorted(set(table.density))
    colours = dict(zip(order, shades("β-LASSO", len(order)), strict=True))
    for (mode, width), runs in table.groupby(["mode", "base_channels"], sort=False):
        label = f"{'frozen zeros' if mode == 'frozen' else mode}, α = {width}"
        style = {"ls": SPARSE[str(mode)], "marker": "o", "ms": 4, "color": colours[width]}
        axes.plot(runs.density, runs.ratio, label=label, **style)
    axes.axhline(1, color="0.5", lw=1)
    axes.set(xscale="log", xlabel="remaining weights, layer 1 (%)")
    axes.set(ylabel="time of a step / dense", ylim=(0, None))
    axes.set_xticks(densities, [f"{density:g}" for density in densities])
    axes.minorticks_off()
    add_legend(figure, axes, columns=2)
    return figure


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
    """Return what the prose says of sparse steps and runs, relative to dense ones, in words."""
    words = {"speed-150-frozen": PENDING}
    paper = {"measured": "sparse step", "base_channels": PAPER_BASE_CHANNELS, "density": 0.01}
    for one in find(load("parts", folder, "cuda"), **paper):
        words["speed-150-frozen"] = ratio_text(over(one, "frozen"))
    left = unproved(load("unproved", folder)).values()
    words["unproved"] = tables.rounded(max(left)) if left else PENDING
    modes = {"run-exact": "exact", "run-whole": EXACT_WHOLE, "run-frozen": "frozen"}
    words |= dict.fromkeys(("run-alpha", *modes), PENDING)
    for one in find(load("bound", folder), measured="whole run"):
        # without the first epoch, in which the optimizer's step is compiled
        times = {mode: sum(seconds[1:]) for mode, seconds in one["times"].items()}
        words["run-alpha"] = f"{one['base_channels']}"
        words |= {name: f"{times[mode] / times['dense']:.2f}" for name, mode in modes.items()}
    return words


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
    return words


# Claims


def faster(mode: str) -> Judge:
    """Judge whether a sparse step takes less than a dense one, at 1 % remaining, by the median."""

    def judge(_: list[Record]) -> Finding | None:
        found = load("parts")
        there = [row for row in sparse_steps(found) if (row["mode"], row["density"]) == (mode, 1)]
        if not there:
            return None
        widest = max(there, key=lambda row: row["base_channels"])
        share, width = ratio_text(widest), widest["base_channels"]
        return Finding(
            f"{share} of a dense step's time at 1 % remaining, α = {width}",
            short=f"{share} of the time",
            said=takes_less([widest]),
            n=min(one["repeats"] for one in find(found, measured="sparse step")),
        )

    return judge


def proved(_: list[Record]) -> Finding | None:
    """Judge whether a quarter of the terms proves nine units in ten along whole runs."""
    shares = unproved(load("unproved"))
    if not shares:
        return None
    (width, epoch), worst = max(shares.items(), key=lambda item: item[1])
    return Finding(
        f"up to {tables.rounded(worst)} % of the units not proved "
        f"(α = {width}, after {epoch} epochs)",
        said=holds_if(worst <= 10),
        n=len({width for width, _ in shares}),
    )
