"""What the chapters' exhibits share: groups of records, their values, and differences of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lcs.config import Config
from lcs.measure import Interval, paired_difference
from lcs.runs import Record
from lcs.studies import method

Numbers = dict[str, float | str]


def by_method(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Group records by method, in their order."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(method(record.config), []).append(record)
    return groups


def accuracies(records: Sequence[Record]) -> list[float]:
    """Accuracies of the last epoch, in per cent."""
    return [100 * record.accuracy for record in records]


def train_accuracies(records: Sequence[Record]) -> list[float]:
    """Accuracies on the training images, not augmented, after the last epoch, in per cent."""
    return [100 * record.final["clean_train_accuracy"] for record in records]


def left(records: Sequence[Record], layer: str = "conv1") -> list[float]:
    """Share of a layer's weights that are not zero at the end, in per cent."""
    return [100 * r.final["nonzeros"][layer] / r.final["weights"][layer] for r in records]


Values = Callable[[Sequence[Record]], Sequence[float]]


def by_seed(records: Sequence[Record], of: Values = accuracies) -> dict[int, float]:
    """Return a value of each run by its seed; none may come twice."""
    seeds = [record.config.seed for record in records]
    assert len(set(seeds)) == len(seeds), seeds
    return dict(zip(seeds, of(records), strict=True))


def paired(one: Sequence[Record], other: Sequence[Record], of: Values = accuracies) -> Interval:
    """Return some runs' values less those of others, for the seeds of both: accuracy, in points."""
    first, second = by_seed(one, of), by_seed(other, of)
    seeds = sorted(first.keys() & second.keys())
    return paired_difference([first[s] for s in seeds], [second[s] for s in seeds])


def size_text(records: Sequence[Record]) -> str:
    """Say how wide a network and how long a training the runs have."""
    config: Config = records[0].config
    return f"α = {config.base_channels}, {config.epochs} epochs"


def setting_text(records: Sequence[Record], scale: str) -> str:
    """Say under which conditions runs were made: data set, scale, width, length, n."""
    config: Config = records[0].config
    n = max(len(group) for group in by_method(records).values())
    text = f"scale {scale}, {config.dataset}, α = {config.base_channels}, {config.epochs} epochs"
    return text + f", n = {n}" + (", mean ± 95 % interval over seeds" if n > 1 else "")


def largest_beta(records: Sequence[Record]) -> float:
    """Return the largest β of some runs."""
    return float(max(record.config.beta for record in records))
