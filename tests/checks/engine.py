"""What the page on the engine says, held to the benchmarks and to whole runs."""

from typing import Any

import numpy as np

from checks import ahead, check, records
from lcs.exhibits.engine import benchmarks, inference, steps
from lcs.exhibits.engine.benchmarks import medians
from lcs.exhibits.rivals.methods import OWN, STAYING
from lcs.exhibits.rivals.results import by_rival
from lcs.exhibits.shared.compare import paired, remaining
from lcs.runs import Record, RunStore

# the layers of S-FC after the first
LATER = ("fc1", "fc2")


def measured(name: str, **fields: Any) -> dict[str, Any]:
    """One table of a benchmark."""
    (one,) = benchmarks.find(benchmarks.load(name), **fields)
    return one


def frozen_runs(store: RunStore) -> list[Record]:
    """The largest networks, trained by β-LASSO with frozen zeros."""
    return records(store, "largest", "largest-autoaugment")


def most_held_back(store: RunStore, layer: str) -> float:
    """The largest share of a layer's weights that one step would have let return."""
    return max(
        max(run.history["forgone"][layer]) / run.final["weights"][layer]
        for run in frozen_runs(store)
    )


@check
def parts_exceed_the_step(_: RunStore) -> bool:
    """At α = 16 parts take longer alone than in the step; the optimizer less than is estimated."""
    times = medians(measured("parts", measured="step", model="s-fc", base_channels=16))
    parts = times["inputs"] + times["forward and backward"] + times["optimizer"]
    faster = times["optimizer"] < times["floor: pass of the optimizer"]
    return parts > 1.1 * times["whole step"] and faster


@check
def distance_from_the_floor(_: RunStore) -> bool:
    """S-LOCAL takes almost three times its floor, S-CONV less than 1.5 times, S-FC less still."""

    def over_floor(model: str) -> float:
        table = measured("parts", measured="step", model=model, base_channels=16)
        ratios = {ratio["ratio"]: ratio["median"] for ratio in table["ratios"]}
        return ratios["step with flip-crop / floor"]

    return 2.5 < over_floor("s-local") < 3 and over_floor("s-fc") < over_floor("s-conv") < 1.5


@check
def gain_at_five_per_cent(_: RunStore) -> bool:
    """With 5 % remaining the exact mode gains nothing, and the frozen mode a quarter at most."""
    rows = [row for row in steps.sparse_steps(benchmarks.load("parts")) if row["density"] == 5]
    exact, frozen = (
        [row["ratio"] for row in rows if row["mode"] == mode] for mode in ("exact", "frozen")
    )
    measured_all = bool(exact and frozen)
    return measured_all and all(0.95 < r < 1.1 for r in exact) and all(0.75 < r < 1 for r in frozen)


@check
def gain_at_one_per_cent(_: RunStore) -> bool:
    """With 1 % remaining exact steps save about a quarter of the time at most, at α = 4 and 16.

    Frozen zeros take about 0.6 at α = 4, and 0.4 at α = 16.
    """
    rows = [row for row in steps.sparse_steps(benchmarks.load("parts")) if row["density"] == 1]
    ratios = {(row["mode"], row["base_channels"]): row["ratio"] for row in rows}
    return (
        all(0.73 < ratios["exact", width] < 1 for width in (4, 16))
        and 0.55 < ratios["frozen", 4] < 0.65
        and 0.35 < ratios["frozen", 16] < 0.45
    )


@check
def workers_do_not_help(_: RunStore) -> bool:
    """An epoch of the first version takes no less time with two worker processes than without."""
    times = medians(measured("epoch", model="s-fc", base_channels=1))
    return times["conventional, 2 workers"] >= times["conventional, 0 workers"]


@check
def whole_run_gains_little(_: RunStore) -> bool:
    """At α = 8 a whole exact run is a few per cent faster than the dense one, by the bound or not.

    Frozen zeros save more than a quarter. By the median epoch the bound gains nothing.
    """
    numbers = steps.sparse_numbers()
    exact, whole, frozen = (float(numbers[f"run-{mode}"]) for mode in ("exact", "whole", "frozen"))
    times = measured("bound", measured="whole run")["times"]
    bound, without = (np.median(times[mode]) for mode in ("exact", steps.EXACT_WHOLE))
    return 0.93 < exact < whole < 1 and frozen < 0.75 and bound >= without


@check
def frozen_zeros_hold_back(store: RunStore) -> bool:
    """What one step would have let return: below 1 %, a seventh, and above a third, by layer.

    Of the weights that the first layer had left, about a quarter. More than three quarters of the
    epochs were computed sparsely.
    """
    runs = frozen_runs(store)
    by_layer = (
        0 < most_held_back(store, "conv1") < 0.01
        and 1 / 8 < most_held_back(store, "fc1") < 1 / 7
        and most_held_back(store, "fc2") > 1 / 3
    )
    of_remaining = max(
        held / left
        for run in runs
        for held, left in zip(
            run.history["forgone"]["conv1"], run.history["nonzeros"]["conv1"], strict=True
        )
    )
    sparse = all(run.provenance["modes"]["frozen"] > 0.75 * run.config.epochs for run in runs)
    return by_layer and 0.22 < of_remaining < 0.28 and sparse


@check
def few_units_die(store: RunStore) -> bool:
    """Fewer than one in a thousand units of the first layer has no weight left."""
    counts = [run.final["fan_in"]["conv1"] for run in frozen_runs(store)]
    return bool(counts) and all(units[0] < 1e-3 * sum(units) for units in counts)


@check
def sparse_is_faster_in_use(store: RunStore) -> bool:
    """On one thread a trained sparse network takes less than half the dense time for one image.

    The gain is smaller for many images, where bfloat16 is the fastest dense way, and needs a lower
    density; the later layers keep a larger share of their weights than either density. With two
    threads there is no gain for many images. File and operations are smaller by a factor of 4 to 5.
    """
    found = benchmarks.load("inference")
    (two,) = benchmarks.find(found, places="trained", threads=2, batch=512)
    shown = benchmarks.find(found, places="trained", threads=1)
    one, many = (inference.fastest(at) for at in sorted(shown, key=lambda at: int(at["batch"])))
    densities = [inference.crossing(found, batch) for batch in inference.BATCHES]
    runs = records(store, "largest")
    later = [share for name in LATER for share in remaining(runs, name)]
    less = one["high"] < 0.5 and one["ratio"] < many["ratio"] < 1
    gain = less and many["dense"] == inference.DENSE_BF16
    no_gain = inference.fastest(two)["low"] < 1 < inference.fastest(two)["high"]
    counts = (two["bytes"], two["operations"])
    smaller = all(4 < each[inference.DENSE] / each[inference.CSR] < 5 for each in counts)
    return gain and no_gain and smaller and min(later) > densities[0] > densities[1]


@check
def exporting_and_dropping_gain_nothing(_: RunStore) -> bool:
    """On one thread neither saves a twentieth of the dense time; no unit is dead.

    By the upper end of the interval, as the ends of few rounds lie far apart.
    """
    shown = benchmarks.find(benchmarks.load("inference"), places="trained", threads=1)
    ways = (inference.EXPORTED, inference.WITHOUT_DEAD)
    rows = [benchmarks.over(one, way, inference.DENSE) for one in shown for way in ways]
    none = all(one["dead"] == 0 for one in shown)
    return bool(rows) and none and all(row["high"] > 0.95 for row in rows)


@check
def freezing_costs_in_narrow_networks(store: RunStore) -> bool:
    """At α = 1 frozen zeros cost β = 50 about a point on average, at both budgets; at 4 more.

    By less than two points. At α = 4, and at the smaller budget of α = 1, the interval excludes
    zero.
    """
    wider = records(store, "rivals-wider", "rivals-wider-others")
    groups = [by_rival(records(store, name)) for name in ("rivals", "rivals-few")]
    lost = [paired(runs[OWN], runs[STAYING]) for runs in (*groups, by_rival(wider))]
    *narrow, wide = (each.mean for each in lost)
    narrow_cost = min(narrow) > 0.5 and max(narrow) < min(1.5, wide)
    return narrow_cost and wide < 2 and all(map(ahead, lost[1:]))
