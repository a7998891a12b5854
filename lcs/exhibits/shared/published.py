"""What others have published, quoted.

Sources: P is Neyshabur 2020 (arXiv 2007.13657v1), R the EPFL reproduction of it at α = 1 (Najafi,
Mehdi and Cutura). Accuracies are test accuracies in per cent.
"""

import math
from typing import NamedTuple

from lcs.analysis import paper
from lcs.exhibits.shared.methods import B0, B1, B50, CONV, LOCAL, SGD, THREE, Method


class Row(NamedTuple):
    """A row of Table 2: published accuracies by data set, and R's on CIFAR-10."""

    method: Method
    cifar10: float | None = None
    cifar100: float | None = None
    svhn: float | None = None
    report: float | None = None  # R's report
    notebook: float | None = None  # R's notebook


# P Table 2 (4000 epochs, α ≈ 150), but for rows quoted there, and R Table II (400 epochs, α = 1)
TABLE2: tuple[Row, ...] = tuple(
    Row(method, **numbers)
    for method, numbers in zip(
        (CONV, LOCAL, THREE, SGD, B0, B1, B50), paper.TABLE2.values(), strict=True
    )
)
# the last row on CIFAR-10 in the abstract of the NeurIPS version
ABSTRACT = paper.ABSTRACT

# P Table 1, CIFAR-10 after as many epochs; it has no β-LASSO
SHORT_EPOCHS = paper.SHORT_EPOCHS
SHORT: dict[Method, float] = dict(
    zip((CONV, LOCAL, SGD, THREE), paper.TABLE1_SHORT.values(), strict=True)
)
# the deep networks of P Table 1, α = 15, by SGD
DEEP = {Method("d-conv"): 88.84, Method("d-local"): 86.13, Method("d-fc"): 64.78}


class Counts(NamedTuple):
    """Non-zero weights of S-FC at α = 1 on CIFAR-10 after R's training, by layer."""

    method: Method
    epochs: int
    conv1: int
    fc1: int
    fc2: int


# R, final non-zero weights per layer, by method and epochs
COUNTS = {
    (row.method, row.epochs): row
    for row in (
        Counts(SGD, 400, 786_432, 6_144, 240),
        Counts(B0, 400, 786_432, 6_144, 240),
        Counts(B1, 400, 752_472, 6_136, 240),
        Counts(B50, 400, 71_737, 4_596, 184),
        Counts(B50, 100, 301_067, 4_383, 178),
    )
}

# P Figure 3, read off its log axes: S-FC, α = 150, β = 50, CIFAR-10, after 4000 epochs
FIGURE3 = {"conv1": 1.5e5, "fc1": 5e6, "fc2": 3e4}
PAPER_BASE_CHANNELS, PAPER_EPOCHS = paper.WIDTH, paper.EPOCHS

# P Table 1: millions of weights, without batch normalisation; S- and 3-FC at α ≈ 150
PARAMETERS = {
    "s-conv": 138, "s-local": 147, "s-fc": 256, "3-fc": 256,
    "d-conv": 1.45, "d-local": 3.42, "d-fc": 256,
}  # fmt: skip
# the paper's widths; ResNet18 is He et al.'s
ALPHA = {
    **dict.fromkeys(("s-conv", "s-local", "s-fc", "3-fc"), PAPER_BASE_CHANNELS),
    **dict.fromkeys(("d-conv", "d-local", "d-fc"), 15),
    "resnet18": 64,
}


def accuracy(method: Method, dataset: str, epochs: int = PAPER_EPOCHS) -> float | None:
    """Return what the paper has for a method after so many epochs, or None where it has nothing.

    Its shorter training is of CIFAR-10 alone.
    """
    if epochs == SHORT_EPOCHS:
        return SHORT.get(method) if dataset == "cifar10" else None
    return getattr(table2(method), dataset, None)


def table2(method: Method) -> Row:
    """Return the published row of a method; an empty one where there is none."""
    return next((row for row in TABLE2 if row.method == method), Row(method))


def gain(one: Method, other: Method, dataset: str = "cifar10", epochs: int = PAPER_EPOCHS) -> float:
    """Return by how many points a method is ahead of another; NaN where the paper is silent."""
    first, second = (accuracy(name, dataset, epochs) for name in (one, other))
    return math.nan if first is None or second is None else first - second


def gap_closed(dataset: str = "cifar10") -> float:
    """Return how much of the gap from SGD to S-LOCAL β = 50 closes in Table 2: per cent, or NaN."""
    return 100 * gain(B50, SGD, dataset) / gain(LOCAL, SGD, dataset)
