"""The numbers of both pages' prose, in words: "pending" where there are no runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lcs.config import Config
from lcs.exhibits import compare, published, tables
from lcs.exhibits.compare import PENDING, Cell, Conditions
from lcs.exhibits.methods import SGD, beta_lasso_method
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits.tables import LAYERS
from lcs.exhibits.why import factorial
from lcs.exhibits.why.factorial import LOSSES
from lcs.exhibits.why.results import THRESHOLD
from lcs.exhibits.why.summary import beyond_chance, by_study, compare_all
from lcs.exhibits.why.width import count_of_pairs
from lcs.runs import Record

OVER = {"sgd": compare.as_sgd, "zero": compare.without_threshold}


def numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the numbers of the chapter's prose, by name."""
    found = by_study(runs)
    changes = [gain and gain.change for *_, gain in compare_all(found)]
    known = beyond_chance(changes)
    return {
        "over-zero": compare.signed_text(
            compare.gain(found["frozen"], beta=50, frozen_zeros=False)
        ),
        "changes": f"{sum(change is not None for change in changes)}",
        "changes-known": f"{sum(change in known for change in changes)}",
        **_first_layer(found["first-layer"]),
        **_beta_and_lambda(found),
        **_lengths(found["longer"]),
        **_factorial(found["factorial"]),
        **_widths(found["wider"]),
    }


def control_numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the numbers of the page `why_controls`: what one change does, and the schedules.

    The reproduction's weights left are in per cent of each layer, ours of the first.
    """
    found = by_study(runs)
    precision, frozen, schedule = (found[name] for name in ("precision", "frozen", "schedule"))
    usual = {"precision": "bf16"}
    words = {
        "fp32-sgd": compare.difference_of(precision, {"beta": 0, "precision": "fp32"}, usual),
        "fp32-50": compare.difference_of(precision, {"beta": 50, "precision": "fp32"}, usual),
    }
    whole = published.COUNTS[SGD, 400]
    for beta in (1, 50):
        counts = published.COUNTS[beta_lasso_method(beta), 400]
        shares = [100 * getattr(counts, layer) / getattr(whole, layer) for layer in LAYERS]
        words[f"published-left-{beta}"] = f"{shares[0]:.1f}"
        words[f"published-layers-{beta}"] = ", ".join(f"{share:.1f}" for share in shares)
    words["runs-period"] = compare.count_text(found["period"])
    rising = {c: runs for c, runs in found["period"].items() if c.period is not None}
    for beta in (1, 50):
        words[f"period-left-{beta}"] = compare.left_of(rising, beta=float(beta))
    for beta in (1, 50):
        stay = {"beta": beta, "frozen_zeros": True}
        constant = {"beta": beta, "schedule": "constant"}
        words |= {
            f"frozen-{beta}": compare.difference_of(frozen, stay, {"frozen_zeros": False}),
            f"forgone-{beta}": compare.said_of(frozen, compare.would_revive_text, **stay),
            f"constant-left-{beta}": compare.left_of(schedule, **constant),
            f"constant-swing-{beta}": compare.said_of(schedule, late_range_text, **constant),
            f"cosine-left-{beta}": compare.left_of(schedule, beta=beta, schedule="cosine-epoch"),
        }
    return words


def late_range_text(runs: Sequence[Record]) -> str:
    """Return between which test accuracies, in per cent, runs lie in the last tenth of epochs."""
    curves = [run.history["test_accuracy"] for run in runs]
    late = [100 * value for curve in curves for value in curve[-max(1, len(curve) // 10) :]]
    return f"{min(late):.0f} and {max(late):.0f}"


def _first_layer(found: Conditions) -> dict[str, str]:
    """Return what λ on the first layer alone does: its gain over β = 0, and what it leaves there.

    Keys end in β: `first-alone-free-1`, and `…-frozen-…` with zeros that stay, `…-returns-…` for
    the difference of the two, `first-alone-left-free-50` for the remaining share of the layer.
    """
    free: dict[str, object] = {"l1_rest": 0.0, "frozen_zeros": False}
    frozen = free | {"frozen_zeros": True}

    def over_zero(**fields: object) -> str:
        return compare.signed_text(compare.gain(found, compare.without_threshold, **fields))

    return {
        "first-alone-free-1": over_zero(beta=1, **free),
        "first-alone-frozen-1": over_zero(beta=1, **frozen),
        "first-alone-left-free-1": compare.left_of(found, beta=1, **free),
        "first-alone-left-frozen-1": compare.left_of(found, beta=1, **frozen),
        "first-alone-left-free-50": compare.left_of(found, beta=50, **free),
        "first-alone-returns-50": compare.difference_of(found, {"beta": 50, **frozen}, free),
    }


def _beta_and_lambda(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return the smallest, the largest and the best of ranges of β and λ, and their results.

    Mean accuracies on the test and (`-fit`) on the training images, and the remaining share.
    """
    betas = {c: runs for c, runs in found["betas"].items() if c.optimizer != "sgd"}
    lambdas, zero = found["lambdas"], found["lambdas-zero"]
    at_beta = {c: runs for c, runs in lambdas.items() if c.beta == 50}
    fixed = {c: runs for c, runs in lambdas.items() if math.isclose(c.beta * c.l1, THRESHOLD)}

    def best(among: Conditions) -> Config:
        return max(among, key=lambda config: np.mean(compare.accuracies(among[config])))

    def smallest(among: Conditions) -> Config:
        return min(among, key=lambda config: (config.l1, config.beta))

    def largest(among: Conditions) -> Config:
        return max(among, key=lambda config: (config.l1, config.beta))

    def beta(runs: Sequence[Record]) -> str:
        return tables.number(runs[0].config.beta)

    def l1(runs: Sequence[Record]) -> str:
        return tables.number(runs[0].config.l1)

    accuracy, fit = compare.mean_text, compare.fit_text
    places: tuple[tuple[str, Conditions, Callable[[Conditions], Config], Cell], ...] = (
        ("best-beta", betas, best, beta),
        ("best-beta-accuracy", betas, best, accuracy),
        ("last-beta", betas, largest, beta),
        ("last-beta-accuracy", betas, largest, accuracy),
        ("best-l1", at_beta, best, l1),
        ("best-l1-accuracy", at_beta, best, accuracy),
        ("best-l1-left", at_beta, best, compare.remaining_text),
        ("last-l1-fixed-accuracy", fixed, largest, accuracy),
        ("last-l1-fixed-left", fixed, largest, compare.remaining_text),
        ("first-l1-zero", zero, smallest, l1),
        ("first-l1-zero-fit", zero, smallest, fit),
        ("last-l1-zero", zero, largest, l1),
        ("last-l1-zero-accuracy", zero, largest, accuracy),
        ("last-l1-zero-fit", zero, largest, fit),
    )
    counts = {"beta": betas, "l1": at_beta}
    return {f"runs-{name}": compare.count_text(among) for name, among in counts.items()} | {
        name: text(among[place(among)]) if among else PENDING for name, among, place, text in places
    }


def _lengths(found: Conditions) -> dict[str, str]:
    """Return the gain of β = 50 over β = 0 and over SGD at the two shortest lengths, in order."""
    lengths, words = [*sorted({config.epochs for config in found}), 0, 0], {}
    for place, epochs in enumerate(lengths[:2]):
        words[f"length-{place}"] = f"{epochs}" if epochs else PENDING
        words[f"length-{place}-left"] = compare.left_of(found, beta=50, epochs=epochs)
        for short, reference in OVER.items():
            more = compare.gain(found, reference, beta=50, epochs=epochs)
            words[f"length-{place}-{short}"] = compare.signed_text(more)
    return words


def _factorial(found: Conditions) -> dict[str, str]:
    """Return what factors add to the gain of β = 50, and what some cells have.

    `cell-left`: what β = 50 with the stronger λ leaves with augmentation and the reproduction's
    loss, in per cent of the first layer; `sgd-flip-crop-…`: the accuracy of SGD with each loss.
    """
    augmented = factorial.changed_pairs(found, factorial.add_augmentation)
    both = factorial.contrast(found, augmented, compare.without_threshold)
    weak = [pair for pair in augmented if not factorial.has_stronger_l1(pair[0])]
    by_l1 = {
        "weak": weak,
        "strong": [pair for pair in augmented if factorial.has_stronger_l1(pair[0])],
        "own": [pair for pair in weak if pair[0].loss == "bce"],
    }
    words = {
        "before-augmentation-zero": compare.signed_text(both and both.before),
        "after-augmentation-zero": compare.signed_text(both and both.after),
        "effect-augmentation-sgd": compare.signed_text(
            factorial.effect(found, factorial.add_augmentation, compare.as_sgd)
        ),
    }
    for name, pairs in by_l1.items():
        each = factorial.contrast(found, pairs, compare.without_threshold)
        words[f"effect-augmentation-{name}-zero"] = compare.signed_text(each and each.change)
    losses = {
        "loss": factorial.use_cross_entropy,
        "equal": factorial.use_cross_entropy_at_equal_rates,
    }
    for name, change in losses.items():
        effect = factorial.effect(found, change, compare.without_threshold)
        words[f"effect-{name}-zero"] = compare.signed_text(effect)
    cropped = {"augment": "flip-crop"}
    words["cell-left"] = compare.left_of(found, beta=50, loss="bce", **cropped, **STRONGER_L1)
    for name, loss in LOSSES.items():
        sgd = {"optimizer": "sgd", **cropped, **loss}
        words[f"sgd-flip-crop-{name}"] = compare.said_of(found, compare.mean_text, **sgd)
    return words


def _widths(found: Conditions) -> dict[str, str]:
    """Return what the threshold adds at each width, `width-4-zero`, and in how many runs."""
    words: dict[str, str] = {}
    for alpha in (1, 4, 8):
        gain = compare.gain(found, beta=50, base_channels=alpha)
        words[f"width-{alpha}-zero"] = compare.signed_text(gain)
        words[f"width-{alpha}-n"] = count_of_pairs(gain)
    return words
