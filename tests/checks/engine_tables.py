"""What the appendix of the engine says; its statements are the page's own too."""

import statistics

from checks import Checks, engine
from lcs.exhibits.engine import benchmarks
from lcs.runs import RunStore

CHECKS = Checks()
for check in (
    engine.kept_memory_gains_little,
    engine.foreach_gains_nothing,
    engine.bound_saves_time,
):
    CHECKS.add(check)


@CHECKS.add
def bound_leaves_few_units(_: RunStore) -> bool:
    """An eighth of the terms leaves at most a sixth of the units, a quarter hardly any.

    With images weighted equally at least twice as many are left in the hardest phase.
    """
    shares = [
        one["shares"] for one in benchmarks.find(benchmarks.load("unproved"), measured="unproved")
    ]
    hardest = max(shares, key=lambda one: float(one["weighted: 64"]))
    return (
        hardest["weighted: 64"] < 1 / 6
        and max(one["weighted: 128"] for one in shares) < 0.03
        and hardest["equal: 64"] > 2 * hardest["weighted: 64"]
        and not any(one["returning"] for one in shares)
    )


def executors_and_store(**fields: object) -> list[dict[str, float]]:
    """Median times of the tables with these fields, of both benchmarks."""
    found = [benchmarks.load(name) for name in ("executors", "store")]
    shown = [one for file in found for one in benchmarks.find(file, **fields)]
    return [{k: statistics.median(v) for k, v in one["times"].items()} for one in shown]


@CHECKS.add
def two_workers_are_faster_on_short_runs(_: RunStore) -> bool:
    """Two processes take less than one, and less than Ray, which takes less than one too."""
    (times,) = executors_and_store(measured="short runs")
    return times["processes"] < times["Ray"] < 0.9 * times["here"]


@CHECKS.add
def handing_out_and_reading_are_linear(_: RunStore) -> bool:
    """Per run or record the times of the smallest and the largest number differ by a third."""
    for measured, most in (("handing out", 5), ("store", 1)):
        first, *_, last = executors_and_store(measured=measured)
        if any(abs(last[name] / first[name] - 1) > 1 / 3 or last[name] > most for name in first):
            return False
    return True


@CHECKS.add
def products_in_float32_are_faster(_: RunStore) -> bool:
    """Without instructions for bfloat16: several times, and nearly as fast as float32."""
    own, by_float32, float32 = engine.medians(engine.measured("bf16", base_channels=4)).values()
    return own > 3 * by_float32 and by_float32 < 1.5 * float32
