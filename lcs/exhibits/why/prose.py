"""The numbers of both pages' prose, in words: "pending" where there are no runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lcs.exhibits import cells, compare, published, tables
from lcs.exhibits.compare import Conditions, runs_of
from lcs.exhibits.methods import SGD, beta_lasso_method
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits.tables import LAYERS, PENDING
from lcs.exhibits.why import factorial
from lcs.exhibits.why.factorial import LOSSES
from lcs.exhibits.why.results import THRESHOLD
from lcs.exhibits.why.summary import STRONGER_L1_TEXT, beyond_chance, by_study, compare_all
from lcs.runs import Record

OVER = {"sgd": compare.as_sgd, "zero": compare.without_threshold}


def numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the numbers of the chapter's prose, by name."""
    found = by_study(runs)
    changes = [gain and gain.change for *_, gain in compare_all(found)]
    known = beyond_chance(changes)
    widths = {
        alpha: compare.gain(found["wider"], beta=50, base_channels=alpha) for alpha in (1, 4, 8)
    }
    return {
        "over-zero": cells.signed_text(compare.gain(found["frozen"], beta=50, frozen_zeros=False)),
        "frozen-50": _difference_of(
            found["frozen"], {"beta": 50, "frozen_zeros": True}, {"frozen_zeros": False}
        ),
        "changes": f"{sum(change is not None for change in changes)}",
        "changes-known": f"{sum(change in known for change in changes) or 'none'}",
        "stronger-l1": STRONGER_L1_TEXT,
        **_first_layer(found["first-layer"]),
        **_beta_and_lambda(found),
        **_lengths(found["longer"]),
        **_factorial(found["factorial"]),
        # what the threshold adds at each width, and in how many runs
        **{f"width-{alpha}-zero": cells.signed_text(gain) for alpha, gain in widths.items()},
        **{f"width-{alpha}-n": f"{gain.n if gain else 0}" for alpha, gain in widths.items()},
    }


def control_numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the numbers of the page `why_controls`: what one change does, and the schedules.

    The reproduction's remaining weights are in per cent of each layer, ours of the first.
    """
    found = by_study(runs)
    precision, frozen, schedule = (found[name] for name in ("precision", "frozen", "schedule"))
    usual = {"precision": "bf16"}
    words = {
        "fp32-sgd": _difference_of(precision, {"beta": 0, "precision": "fp32"}, usual),
        "fp32-50": _difference_of(precision, {"beta": 50, "precision": "fp32"}, usual),
    }
    whole = published.COUNTS[SGD, 400]
    for beta in (1, 50):
        counts = published.COUNTS[beta_lasso_method(beta), 400]
        shares = [100 * getattr(counts, layer) / getattr(whole, layer) for layer in LAYERS]
        words[f"published-left-{beta}"] = f"{shares[0]:.1f}"
        words[f"published-layers-{beta}"] = ", ".join(f"{share:.1f}" for share in shares)
    words["runs-period"] = cells.count_text(found["period"])
    rising = {c: runs for c, runs in found["period"].items() if c.period is not None}
    for beta in (1, 50):
        words[f"period-left-{beta}"] = _left_of(rising, beta=float(beta))
    for beta in (1, 50):
        stay = {"beta": beta, "frozen_zeros": True}
        constant = {"beta": beta, "schedule": "constant"}
        words |= {
            f"frozen-{beta}": _difference_of(frozen, stay, {"frozen_zeros": False}),
            f"forgone-{beta}": cells.would_revive_text(runs_of(frozen, **stay)),
            f"constant-left-{beta}": _left_of(schedule, **constant),
            f"constant-swing-{beta}": late_range_text(runs_of(schedule, **constant)),
            f"cosine-left-{beta}": _left_of(schedule, beta=beta, schedule="cosine-epoch"),
        }
    return words


def late_range_text(runs: Sequence[Record]) -> str:
    """Return between which test accuracies, in per cent, runs lie in the last tenth of epochs."""
    curves = [run.history["test_accuracy"] for run in runs]
    if not curves:
        return PENDING
    late = [100 * value for curve in curves for value in curve[-max(1, len(curve) // 10) :]]
    return f"{min(late):.0f} and {max(late):.0f}"


def _left_of(found: Conditions, **fields: object) -> str:
    return cells.remaining_text(runs_of(found, **fields))


def _difference_of(
    found: Conditions, one: Mapping[str, object], change: Mapping[str, object]
) -> str:
    """Return the accuracy of a condition less that of the same with some values changed."""
    return cells.gain_text(runs_of(found, **one), runs_of(found, **{**one, **change}))


def _first_layer(found: Conditions) -> dict[str, str]:
    """Return what λ on the first layer alone does: its gain over β = 0, and what it leaves there.

    Keys end in β: `first-alone-free-1`, and `…-frozen-…` with frozen zeros, `…-returns-…` for
    the difference of the two, `first-alone-left-free-50` for the remaining share of the layer.
    """
    free: dict[str, object] = {"l1_rest": 0.0, "frozen_zeros": False}
    frozen = free | {"frozen_zeros": True}

    def over_zero(**fields: object) -> str:
        return cells.signed_text(compare.gain(found, compare.without_threshold, **fields))

    return {
        "first-alone-free-1": over_zero(beta=1, **free),
        "first-alone-frozen-1": over_zero(beta=1, **frozen),
        "first-alone-left-free-1": _left_of(found, beta=1, **free),
        "first-alone-left-frozen-1": _left_of(found, beta=1, **frozen),
        "first-alone-left-free-50": _left_of(found, beta=50, **free),
        "first-alone-returns-50": _difference_of(found, {"beta": 50, **frozen}, free),
    }


def _beta_and_lambda(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return the smallest, the largest and the best of ranges of β and λ, and their results."""
    lambdas = found["lambdas"]
    fixed = {c: runs for c, runs in lambdas.items() if math.isclose(c.beta * c.l1, THRESHOLD)}
    sparse = {c: runs for c, runs in found["betas"].items() if c.optimizer != "sgd"}
    at_beta = {c: runs for c, runs in lambdas.items() if c.beta == 50}
    zero = _in_order(found["lambdas-zero"])
    last_beta, last_fixed, last_zero = _in_order(sparse)[-1], _in_order(fixed)[-1], zero[-1]
    best_beta, best_l1 = (
        max(_in_order(runs), key=compare.mean_accuracy) for runs in (sparse, at_beta)
    )
    return {
        "runs-beta": cells.count_text(sparse),
        "runs-l1": cells.count_text(at_beta),
        "best-beta": _value("beta", best_beta),
        "best-beta-accuracy": cells.mean_text(best_beta),
        "last-beta": _value("beta", last_beta),
        "last-beta-accuracy": cells.mean_text(last_beta),
        "best-l1": _value("l1", best_l1),
        "best-l1-accuracy": cells.mean_text(best_l1),
        "best-l1-left": cells.remaining_text(best_l1),
        "last-l1-fixed-accuracy": cells.mean_text(last_fixed),
        "last-l1-fixed-left": cells.remaining_text(last_fixed),
        "first-l1-zero": _value("l1", zero[0]),
        "first-l1-zero-fit": cells.fit_text(zero[0]),
        "last-l1-zero": _value("l1", last_zero),
        "last-l1-zero-accuracy": cells.mean_text(last_zero),
        "last-l1-zero-fit": cells.fit_text(last_zero),
    }


def _in_order(found: Conditions) -> list[list[Record]]:
    """Return the runs of each condition, by λ and then by β; one without runs if there is none."""
    return [found[config] for config in sorted(found, key=lambda c: (c.l1, c.beta))] or [[]]


def _value(field: str, runs: Sequence[Record]) -> str:
    return tables.number(getattr(runs[0].config, field)) if runs else PENDING


def _lengths(found: Conditions) -> dict[str, str]:
    """Return the gain of β = 50 over β = 0 and over SGD at the two shortest lengths, in order."""
    lengths, words = [*sorted({config.epochs for config in found}), 0, 0], {}
    for place, epochs in enumerate(lengths[:2]):
        words[f"length-{place}"] = f"{epochs}" if epochs else PENDING
        words[f"length-{place}-left"] = _left_of(found, beta=50, epochs=epochs)
        for short, reference in OVER.items():
            more = compare.gain(found, reference, beta=50, epochs=epochs)
            words[f"length-{place}-{short}"] = cells.signed_text(more)
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
        "before-augmentation-zero": cells.signed_text(both and both.before),
        "after-augmentation-zero": cells.signed_text(both and both.after),
        "effect-augmentation-sgd": cells.signed_text(
            factorial.effect(found, factorial.add_augmentation, compare.as_sgd)
        ),
    }
    for name, pairs in by_l1.items():
        each = factorial.contrast(found, pairs, compare.without_threshold)
        words[f"effect-augmentation-{name}-zero"] = cells.signed_text(each and each.change)
    losses = {
        "loss": factorial.use_cross_entropy,
        "equal": factorial.use_cross_entropy_at_equal_rates,
    }
    for name, change in losses.items():
        effect = factorial.effect(found, change, compare.without_threshold)
        words[f"effect-{name}-zero"] = cells.signed_text(effect)
    cropped = {"augment": "flip-crop"}
    words["cell-left"] = _left_of(found, beta=50, loss="bce", **cropped, **STRONGER_L1)
    for name, loss in LOSSES.items():
        sgd = {"optimizer": "sgd", **cropped, **loss}
        words[f"sgd-flip-crop-{name}"] = cells.mean_text(runs_of(found, **sgd))
    return words
