"""What README.md says of results."""

from checks import Checks, ahead, behind, level, records
from checks.fewest_weights import windows_are_ahead_with_as_few
from checks.figure4 import (
    beside_plain_sgd_at_8,
    local_but_barely,
    penalty_and_augmentation_need_each_other,
    pruned_sgd_is_as_local,
    threshold_makes_filters_less_local,
)
from checks.paper_size import (
    ahead_at_the_papers_size,
    as_local_as_pruned_sgd,
    as_many_as_the_paper_shows,
    behind_the_paper,
    lead_is_one_of_fit,
)
from checks.reproduce import nothing_at_the_papers_length
from checks.rivals import (
    gradual_depends_on_its_rate,
    most_rivals_are_level,
    pruning_is_ahead,
    smaller_budget_alike,
)
from checks.scaling import flips_at_four_times_the_length
from checks.table2 import l1_reduces_overfitting
from checks.variants import (
    growth_was_searched,
    scattered_windows_do_not_help_as_much,
    where_windows_lie_hardly_matters,
    windows_close_most_of_the_gap,
)
from lcs.exhibits import find_study
from lcs.exhibits.claims import CORRECTED, judge_all
from lcs.exhibits.compare import by_method, by_width, paired
from lcs.exhibits.locality import beyond_chance
from lcs.exhibits.methods import B0, B50, LOCAL, SGD
from lcs.exhibits.readme import SHOWN

CHECKS = Checks()

SEARCHED = ("recipe-length-search", "recipe-length-search-local")
SAME_LAMBDA = "With λ of β = 50 chosen at α = 8, it is better than β = 0 with the same λ there"
PRUNED = (
    "With about as many weights in each layer, β = 50 is better than gradual magnitude pruning "
    "({} budget)"
)
CHECKS.add(nothing_at_the_papers_length)
CHECKS.add(ahead_at_the_papers_size)
CHECKS.add(as_many_as_the_paper_shows)
CHECKS.add(behind_the_paper)
CHECKS.add(as_local_as_pruned_sgd)
CHECKS.add(lead_is_one_of_fit)
CHECKS.add(l1_reduces_overfitting)
CHECKS.add(windows_close_most_of_the_gap)
CHECKS.add(flips_at_four_times_the_length)
CHECKS.add(pruning_is_ahead)
CHECKS.add(smaller_budget_alike)
CHECKS.add(penalty_and_augmentation_need_each_other)
CHECKS.add(where_windows_lie_hardly_matters)
CHECKS.add(scattered_windows_do_not_help_as_much)
CHECKS.add(growth_was_searched)
CHECKS.add(most_rivals_are_level)
CHECKS.add(pruned_sgd_is_as_local)
CHECKS.add(beside_plain_sgd_at_8)
CHECKS.add(gradual_depends_on_its_rate)
CHECKS.add(local_but_barely)
CHECKS.add(threshold_makes_filters_less_local)
CHECKS.add(windows_are_ahead_with_as_few)


@CHECKS.add
def beta_lasso_beats_sgd(store):
    """At α = 1, after 400 epochs, every β-LASSO is better than SGD."""
    runs = by_method(records(store, "table2"))
    return all(ahead(paired(runs[m], runs[SGD])) for m in runs if m.optimizer == "beta-lasso")


@CHECKS.add
def large_beta_costs_accuracy(store):
    """β = 50 is below β = 0 and below β = 1."""
    runs = by_method(records(store, "table2"))
    smaller = [m for m in runs if m.optimizer == "beta-lasso" and m.beta < 50]
    return all(behind(paired(runs[B50], runs[m])) for m in smaller)


@CHECKS.add
def sgd_ahead_up_to_width_4(store):
    """With AutoAugment SGD is ahead at α = 1, 2 and 4, by less than two points.

    Its lead falls at each step from 2 on; at α = 8 the two cannot be told apart.
    """
    grown = by_width(records(store, "scaling", "scaling-wide"))
    lead = {width: paired(at[SGD], at[B50]) for width, at in grown.items()}
    return (
        all(ahead(lead[width]) and lead[width].mean < 2 for width in (1, 2, 4))
        and lead[2].mean > lead[4].mean > lead[8].mean
        and level(lead[8])
    )


@CHECKS.add
def own_lambda_ahead_at_width_8(store):
    """With λ of its own, β = 50 is ahead of SGD at α = 8 by about half a point, of many seeds."""
    groups = by_method(records(store, "scaling-seeds"))
    gain = paired(groups[B50], groups[SGD])
    return len(groups[SGD]) >= 5 and 0.25 < gain.mean < 0.75 and ahead(gain)


@CHECKS.add
def ahead_when_searched_alike(store):
    """With flips and crops, at the length of the search, β = 50 is clearly ahead of SGD."""
    groups = by_method(records(store, "recipe-length-search"))
    return ahead(paired(groups[B50], groups[SGD]))


@CHECKS.add
def gains_do_not_outlast_the_correction(store):
    """Over SGD, and twice over β = 0, at α = 8, and that of gradual pruning, hold before it alone.

    So does the lead of β = 0 over β = 50 in the reproduction's setting.
    """

    def verdicts(source, text):
        (found,) = (one for one in judge_all(store, source) if one.claim.text == text)
        return {each.setting: each.verdict for each, _ in found.evidence}

    studies = ("scaling-seeds", "recipe-length-search")
    settings = [f"{find_study(name).setting.name}, α = 8" for name in studies]
    gains = [verdicts("P", SHOWN[0])[setting] for setting in settings]
    longer = f"{find_study('flips').setting.name}, α = 8"
    gains += [verdicts("P", SHOWN[1])[setting] for setting in (settings[0], longer)]
    gains += verdicts("B", SAME_LAMBDA).values()
    pruned = [
        verdict
        for budget in ("larger", "smaller")
        for verdict in verdicts("B", PRUNED.format(budget)).values()
    ]
    pruned.append(verdicts("P", SHOWN[1])["reproduction, α = 1"])
    return set(gains) == {f"holds{CORRECTED}"} and set(pruned) == {f"contradicted{CORRECTED}"}


@CHECKS.add
def threshold_does_it(store):
    """With λ of its own at α = 8 β = 50 is ahead of β = 0 with the better of two λ."""
    *_, widest = by_width(records(store, "scaling-own")).values()
    alike = by_method(records(store, "scaling-threshold"))
    rivals = widest[B0], alike[B0]
    return all(ahead(paired(widest[B50], runs)) for runs in rivals)


@CHECKS.add
def widest_is_ahead_in_one_run(store):
    """At α = 32 β = 50 is ahead of SGD with either weight decay, of which the better is shown."""
    (sparse,), *dense = (records(store, f"showpiece{end}") for end in ("", "-decay", "-sgd"))
    (half,), (whole,) = dense
    return sparse.accuracy > half.accuracy > whole.accuracy


@CHECKS.add
def local_beyond_chance_with_augmentation(store):
    """At the largest width with flips and crops, filters of β = 50 are local in every seed."""
    *_, widest = by_width(records(store, "width")).values()
    return min(beyond_chance(widest[B50])) > 5


@CHECKS.add
def far_from_local_in_three_settings(store):
    """At α = 8 β = 50 closes less than a fifth of the gap, and S-LOCAL is five points ahead of it.

    With as many seeds with AutoAugment, and with flips and crops at two lengths.
    """
    seeds = set()
    for names in (["scaling-own"], SEARCHED, ["flips"]):
        *_, groups = by_width(records(store, *names)).values()
        gain, gap = (paired(groups[one], groups[SGD]) for one in (B50, LOCAL))
        seeds.add(gap.n)
        if not (0 < gain.mean < gap.mean / 5 and gap.mean - gain.mean > 5):
            return False
    return len(seeds) == 1
