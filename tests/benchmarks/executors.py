"""What it takes to hand out the runs of a study, in this process, to two processes, and on Ray.

Workers are ready before the clock starts. First they have nothing to do, so that the time is that
of handing out alone; then they train short runs on the digits, of one epoch each.
"""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Callable
from contextlib import ExitStack

from timing import Report, Times, interleaved

from lcs.config import Config
from lcs.runs import RunStore
from lcs.study.executors import InThisProcess, OnRay, Processes, StudyExecutor
from lcs.study.scheduler import Errors, train_all

REPEATS = 3
COUNTS = (100, 300, 1000)
TRAINED = 100
CORES = 2
PLACES: dict[str, Callable[[], StudyExecutor]] = {
    "here": lambda: InThisProcess("cpu"),
    "processes": lambda: Processes("cpu", CORES),
    "Ray": lambda: OnRay("cpu", CORES, "local", 1.0),
}
RUN = Config(dataset="digits", epochs=1, batch_size=512)


def main() -> None:
    report = Report("executors")
    with ExitStack() as stack:
        places = {name: stack.enter_context(make()) for name, make in PLACES.items()}
        for count in COUNTS:
            report.table(
                f"{count} runs without work",
                per_run(
                    {
                        name: functools.partial(hand_out, place, count)
                        for name, place in places.items()
                    },
                    count,
                ),
                unit="milliseconds a run",
                scale=1e3,
                measured="handing out",
                runs=count,
            )
        report.table(
            f"{TRAINED} runs of one epoch on the digits",
            per_run(
                {name: functools.partial(train, place) for name, place in places.items()}, TRAINED
            ),
            unit="milliseconds a run",
            scale=1e3,
            measured="short runs",
            runs=TRAINED,
        )


def per_run(actions: dict[str, Callable[[], None]], count: int) -> Times:
    times = interleaved(actions, repeats=REPEATS)
    return {name: [value / count for value in values] for name, values in times.items()}


def groups(count: int) -> list[list[Config]]:
    return [[RUN.replace(seed=seed)] for seed in range(count)]


def hand_out(place: StudyExecutor, count: int) -> None:
    train_all(groups(count), place, work=nothing, budget_minutes=math.inf)


def nothing(group: list[Config], *, deadline: float) -> Errors:
    return {}


def train(place: StudyExecutor) -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = {"store": RunStore(folder), "device": "cpu", "checkpoint_seconds": 60.0}
        train_all(groups(TRAINED), place, budget_minutes=math.inf, **options)


if __name__ == "__main__":
    main()
