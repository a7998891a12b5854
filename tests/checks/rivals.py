"""What the page rivals says of results."""

import numpy as np

from checks import ahead, behind, check, level, records, verdicts
from lcs import cost
from lcs.exhibits import transfer
from lcs.exhibits.rivals import methods
from lcs.exhibits.rivals.methods import (
    ANEW,
    DENSE,
    ITERATIVE,
    NO_L1,
    OWN,
    REFITTED,
    RESTARTED,
    STAYING,
)
from lcs.exhibits.rivals.results import (
    WIDER,
    at_width_4,
    by_rival,
    empty_units,
    sparse_flops,
    with_accuracy,
)
from lcs.exhibits.rivals.studies import CANDIDATES, CANDIDATES_WIDER, STUDIES
from lcs.exhibits.shared import searches
from lcs.exhibits.shared.compare import accuracies, differences, grouped, mean, nonzeros, paired
from lcs.exhibits.shared.locality import beyond_chance, pair_correlation, share_measured
from lcs.exhibits.shared.methods import method
from lcs.exhibits.shared.settings import CHOSEN
from lcs.exhibits.shared.verdicts import CORRECTED

RESTARTS_AT_4 = ("rivals-wider", "rivals-wider-restart", "rivals-wider-restart-sgd")


def gains(store, study="rivals", of=accuracies):
    """By how much each method is ahead of β = 50."""
    place = by_rival(records(store, study))
    return {name: paired(runs, place[OWN], of) for name, runs in place.items()}


def lead(store, name, other):
    """By how many points a method is ahead of another, on average over seeds."""
    place = by_rival(records(store, "rivals"))
    return paired(place[name], place[other]).mean


@check
def restart_does_not_help_without_pruning(store):
    """With the learning rate of one-shot pruning neither β = 50 nor dense SGD gains, on average."""
    narrow = by_rival(records(store, "rivals", "rivals-restart"))
    wide = by_rival(records(store, *RESTARTS_AT_4))
    changes = [
        paired(place[again], place[name])
        for place in (narrow, wide)
        for name, again in RESTARTED.items()
    ]
    return all(change.mean < 0 for change in changes)


@check
def one_shot_leads_a_restart_at_width_4(store):
    """One-shot pruning, over β = 50 and dense SGD, by more than a point in every run."""
    place = by_rival(records(store, *RESTARTS_AT_4))
    return all(min(differences(place["one-shot"], place[n])) > 1 for n in RESTARTED.values())


@check
def pruning_is_ahead(store):
    """Gradual pruning is clearly ahead of β = 50, and on average not behind dense SGD."""
    return ahead(gains(store)["gradual"]) and lead(store, "gradual", DENSE) > 0


@check
def pruning_is_ahead_at_width_4(store):
    """One-shot and gradual pruning by more than a point in every run, windows by more than they.

    A random mask anywhere is behind β = 50.
    """
    place = by_rival(records(store, "rivals-wider"))
    one_shot, gradual, windows = (
        differences(place[name], place[OWN])
        for name in ("one-shot", "gradual", "S-LOCAL's windows")
    )
    anywhere = paired(place["random mask"], place[OWN])
    further = min(windows) > max(one_shot + gradual)
    return min(one_shot + gradual) > 1 and further and behind(anywhere)


@check
def sparse_training_at_width_4(store):
    """SET and SNIP are ahead of β = 50 and dense SGD, by more than a point in every run.

    RigL is below both in every run, but level with them. They have the hyperparameters of α = 1.
    """
    place = by_rival(records(store, *WIDER[:2]))
    over = {
        name: [paired(place[name], place[other]) for other in (OWN, DENSE)]
        for name in ("SET", "SNIP", "RigL")
    }
    return (
        _as_at_width_1(store, *over)
        and all(map(ahead, over["SET"] + over["SNIP"]))
        and min(lead for name in ("SET", "SNIP") for lead in _leads(place, name)) > 1
        and max(_leads(place, "RigL")) < 0
        and all(map(level, over["RigL"]))
    )


def _leads(place, name):
    """By how much a method is ahead of β = 50 and of dense SGD, in every run."""
    return [lead for other in (OWN, DENSE) for lead in differences(place[name], place[other])]


def _as_at_width_1(store, *names):
    """Whether methods have the hyperparameters of α = 1 at α = 4, λ for the length there."""
    narrow, wide = (by_rival(records(store, study)) for study in ("rivals", WIDER[1]))
    return all(
        methods.values(wide[name][0].config) == methods.values(narrow[name][0].config)
        for name in names
    )


@check
def pruned_once_does_no_worse_at_width_4(store):
    """ℓ1 sub-gradients, pruned once, are ahead of β = 50 by less than half a point.

    The proximal step, spred and dense SGD are level with it. ℓ1 is less than a point ahead of dense
    SGD in every run, one-shot and gradual pruning more than one. Frozen zeros, with fewer weights,
    and the threshold without ℓ1, with more than ten times as many, are more than a point behind in
    every run. spred has momentum.
    """
    place = by_rival(records(store, *WIDER[:2]))
    over, beyond_sgd = (
        {name: differences(runs, place[other]) for name, runs in place.items()}
        for other in (OWN, DENSE)
    )
    once = ("ℓ1 sub-gradient, pruned once", "proximal ℓ1, pruned once", "spred, pruned once")
    weights = {name: mean(place[name], nonzeros) for name in (OWN, STAYING, NO_L1)}
    gain = paired(place[once[0]], place[OWN])
    return (
        ahead(gain)
        and gain.mean < 0.5
        and all(level(paired(place[name], place[OWN])) for name in (*once[1:], DENSE))
        and _as_at_width_1(store, *once)
        and max(gain for n in (OWN, *once) for gain in beyond_sgd[n]) < 1
        and min(beyond_sgd["one-shot"] + beyond_sgd["gradual"]) > 1
        and max(over[STAYING] + over[NO_L1]) < -1
        and weights[STAYING] < weights[OWN] < weights[NO_L1] / 10
        and place[once[2]][0].config.momentum > 0
    )


@check
def refitting_explains_little(store):
    """SGD without ℓ1 after β = 50 is above β = 50 in every run, but level with it.

    It is behind one-shot pruning, and has fewer weights than both.
    """
    place = at_width_4({study.name: records(store, study.name) for study in STUDIES})
    refitted, pruned = place[REFITTED], place["one-shot"]
    return (
        min(differences(refitted, place[OWN])) > 0
        and level(paired(refitted, place[OWN]))
        and behind(paired(refitted, pruned))
        and max(nonzeros(refitted)) < min(nonzeros(pruned) + nonzeros(place[OWN]))
    )


@check
def iterative_is_ahead_at_width_4(store):
    """It is ahead of one-shot pruning, after four times the epochs."""
    place = by_rival(records(store, *WIDER))
    runs, pruned = place[ITERATIVE], place["one-shot"]
    longer = runs[0].config.epochs == 4 * pruned[0].config.epochs
    return longer and ahead(paired(runs, pruned))


@check
def pruning_helps_sgd_at_width_4(store):
    """One-shot pruning is ahead of dense SGD, by more than a point in every run.

    Dense SGD is level with β = 50.
    """
    place = by_rival(records(store, "rivals-wider"))
    dense = paired(place[DENSE], place[OWN])
    return min(differences(place["one-shot"], place[DENSE])) > 1 and level(dense)


@check
def masks_of_one_shot_are_better(store):
    """Trained anew by SGD at α = 4 they are over a point ahead of one-shot pruning in every run.

    They are clearly ahead of the masks of β = 50 on the same data, though not after correction, and
    in every run over two points ahead of dense SGD.
    """
    place = by_rival(records(store, "pruned-masks"))
    own = [
        run
        for run in records(store, "transfer-wider", start="mask", dataset="cifar10")
        if transfer.source_dataset(run.config) == "cifar10"
    ]
    over = [differences(place[ANEW], place[name]) for name in ("one-shot", DENSE)]
    (found,) = verdicts(store, "Trained anew by SGD, masks of β = 50 are better than *")
    return (
        min(over[0]) > 1
        and min(over[1]) > 2
        and ahead(paired(place[ANEW], own))
        and [*found.values()] == [f"contradicted{CORRECTED}"]
    )


@check
def windows_are_better_than_learned_places(store):
    """Random places in S-LOCAL's windows, over masks of β = 50 of either set, trained anew.

    By more than a point in every run on CIFAR-10 at α = 4, with hardly more weights.
    """
    windows = by_rival(records(store, "rivals-wider"))["S-LOCAL's windows"]
    started = records(store, "transfer-wider", start="mask", dataset="cifar10")
    sets = grouped(started, transfer.source_dataset)
    leads = [lead for runs in sets.values() for lead in differences(windows, runs)]
    weights = [mean(windows, nonzeros) / mean(runs, nonzeros) for runs in sets.values()]
    return len(sets) == 2 and min(leads) > 1 and max(weights) < 1.1


@check
def masks_hold_a_little_more(store):
    """At every budget masks have as many weights in layer 1 as β = 50, or up to a tenth more."""
    shares = []
    for study in ("rivals", "rivals-few", "rivals-wider"):
        place = by_rival(records(store, study))
        masked, own = (mean(place[name], nonzeros) for name in ("random mask", OWN))
        shares.append(masked / own)
    return min(shares) >= 1 and max(shares) < 1.1


@check
def gradual_depends_on_its_rate(store):
    """As the shorter search chose it, gradual pruning cannot be told from β = 50.

    That search had chosen the largest of the learning rates.
    """
    own = by_rival(records(store, "rivals"))[OWN]
    first = paired(records(store, "rivals-first-choice"), own)
    largest = CHOSEN["search-pruning"]["sgd gradual"][0]["lr"] == max(CANDIDATES["sgd"])[0]
    return level(first) and first.mean < 0.5 * gains(store)["gradual"].mean and largest


@check
def either_alone_is_worse(store):
    """The threshold without ℓ1, which leaves more weights, and the sub-gradient without threshold.

    Both are clearly behind β = 50. The proximal step and spred cannot be told from it.
    """
    place, over = by_rival(records(store, "rivals")), gains(store)
    left = [place[name][0].final["nonzeros"]["conv1"] for name in (NO_L1, OWN)]
    return (
        all(behind(over[name]) for name in (NO_L1, "ℓ1 sub-gradient, pruned once"))
        and all(level(over[name]) for name in ("proximal ℓ1, pruned once", "spred, pruned once"))
        and left[0] > 5 * left[1]
    )


@check
def pruned_once_costs_more_at_the_smaller_budget(store):
    """With sub-gradients and the proximal step, by more than two points; spred is level at both.

    The threshold without ℓ1 is ahead there, with more than ten times the first layer's weights.
    """
    many, few = (gains(store, name) for name in ("rivals", "rivals-few"))
    place = by_rival(records(store, "rivals-few"))
    cuts = ("ℓ1 sub-gradient, pruned once", "proximal ℓ1, pruned once")
    left = [place[name][0].final["nonzeros"]["conv1"] for name in (NO_L1, OWN)]
    return (
        all(behind(few[name]) and many[name].mean - few[name].mean > 2 for name in cuts)
        and all(level(over["spred, pruned once"]) for over in (many, few))
        and ahead(few[NO_L1])
        and left[0] > 10 * left[1]
    )


@check
def masks_save_more_than_beta_lasso(store):
    """Without products by zeros more than half remains with β = 50, and less with gradual pruning.

    With fixed masks, SET and RigL it is less than a tenth. At α = 1 all but iterative pruning cost
    as much as dense SGD.
    """
    narrow, wide = (by_rival(records(store, *names)) for names in (("rivals",), WIDER[:2]))
    whole = {cost.training_flops(run.config) for runs in narrow.values() for run in runs}

    def share(place, name):
        flops = np.mean([sparse_flops(run) for run in place[name]])
        return flops / cost.training_flops(place[DENSE][0].config)

    masks = ("SET", "RigL", "SNIP", "random mask", "S-LOCAL's windows")
    return len(whole) == 1 and all(
        share(place, OWN) > 0.5 > share(place, "gradual")
        and max(share(place, name) for name in masks) < 0.1
        for place in (narrow, wide)
    )


@check
def allocation_gains_nothing(store):
    """On average no method gains by the other allocation, at either budget."""
    return all(
        paired(runs, by_rival(records(store, study))[name]).mean < 0
        for study in ("rivals", "rivals-few")
        for name, runs in by_rival(records(store, study.replace("rivals", "rivals-er"))).items()
    )


@check
def some_methods_empty_units(store):
    """At the smaller budget five leave 30 to 80 % of the units without weights, one-shot over 70 %.

    β = 50 and gradual pruning leave none so, sparse training at most one in a hundred. One-shot
    pruning has empty units at α = 4 too.
    """
    few, wide = (by_rival(records(store, name)) for name in ("rivals-few", "rivals-wider"))
    units = few[OWN][0].config.layer_sizes()["conv1"].units
    empty = {name: [n / units for n in empty_units(runs)] for name, runs in few.items()}
    many = (
        "ℓ1 sub-gradient, pruned once",
        "proximal ℓ1, pruned once",
        "spred, pruned once",
        "one-shot",
        "SNIP",
    )
    none = (OWN, "gradual", "SET", "RigL", "random mask", "S-LOCAL's windows")
    return (
        all(0.3 < share < 0.8 for name in many for share in empty[name])
        and all(share < 0.01 for name in none for share in empty[name])
        and max(empty[OWN] + empty["gradual"]) == 0
        and min(empty["one-shot"]) > 0.7
        and min(empty_units(wide["one-shot"])) > 0
    )


@check
def edges_of_the_wider_search(store):
    """At α = 4 gradual pruning alone has the larger rate, the random mask the smaller decay.

    The λ of β = 50 lies within what was tried.
    """
    found = CHOSEN["search-wider"]
    rates, factors = map(set, zip(*CANDIDATES_WIDER, strict=True))
    larger = {name for name, chosen in found.items() if chosen["lr"] == max(rates)}
    smaller = {name for name, chosen in found.items() if chosen["factor"] == min(factors)}
    tried = sorted({run.config.l1 for run in records(store, "search-wider-budget")})
    (own,) = searches.choices(records(store, "search-wider-budget"), method).values()
    inner = tried[0] < own.config.l1 < tried[-1]
    return inner and larger == {"sgd gradual"} and smaller == {"sgd random"} and len(rates) == 2


@check
def most_rivals_are_level(store):
    """SET, one-shot pruning, SNIP and dense SGD cannot be told from β = 50.

    Of all methods by SGD, RigL and a random mask alone are behind it.
    """
    place = by_rival(records(store, "rivals"))
    over = gains(store)
    by_sgd = {name for name, runs in place.items() if runs[0].config.optimizer == "sgd"}
    return all(level(over[name]) for name in ("SET", "one-shot", "SNIP", DENSE)) and {
        name for name in by_sgd if behind(over[name])
    } == {"RigL", "random mask"}


@check
def iterative_is_ahead(store):
    """Every run is ahead of β = 50 of the larger budget, after four times the epochs."""
    place, runs = by_rival(records(store, "rivals")), records(store, "rivals-iterative")
    longer = runs[0].config.epochs == 4 * place[OWN][0].config.epochs
    return longer and min(differences(runs, place[OWN])) > 0


@check
def rigl_is_behind_random(store):
    """On average over seeds."""
    return lead(store, "RigL", "random mask") < 0


@check
def windows_are_level(store):
    """A random mask within S-LOCAL's windows: level with β = 50, ahead of one anywhere."""
    place, name = by_rival(records(store, "rivals")), "S-LOCAL's windows"
    return level(gains(store)[name]) and ahead(paired(place[name], place["random mask"]))


@check
def locality_of_pruning_is_not_resolved(store):
    """Filters of gradual pruning, SET and RigL cannot be told from those of β = 50.

    Those of one-shot and iterative pruning, of SNIP and within windows are more local, and no
    others; those of dense SGD, of the threshold alone and of a random mask are less so.
    """
    more = gains(store, of=beyond_chance)
    place, runs = by_rival(records(store, "rivals")), records(store, "rivals-iterative")
    return (
        ahead(paired(runs, place[OWN], beyond_chance))
        and all(level(more[name]) for name in ("gradual", "SET", "RigL"))
        and {name for name, gain in more.items() if ahead(gain)}
        == {"one-shot", "SNIP", "S-LOCAL's windows"}
        and all(behind(more[name]) for name in (DENSE, NO_L1, "random mask"))
    )


@check
def pruned_filters_are_more_local_at_width_4(store):
    """In every run, by more than a point: those of one-shot and of gradual pruning.

    Two thirds of those of one-shot pruning have twenty weights; of β = 50 nearly all.
    """
    place = by_rival(records(store, "rivals-wider"))
    measured = {
        name: np.mean([share_measured(run) for run in place[name]]) for name in ("one-shot", OWN)
    }
    return (
        all(
            min(differences(place[name], place[OWN], beyond_chance)) > 1
            for name in ("one-shot", "gradual")
        )
        and abs(measured["one-shot"] - 2 / 3) < 0.03
        and measured[OWN] > 0.99
    )


@check
def accuracy_goes_with_locality_at_width_4(store):
    """Over methods with about as many weights, and less with how often weights are neighbours.

    RigL is more local than SET on average, and more than two points less accurate in every run.
    """
    place = at_width_4({study.name: records(store, study.name) for study in STUDIES})
    rho, p, _ = with_accuracy(place, beyond_chance)
    less, undecided, _ = with_accuracy(place, lambda runs: [pair_correlation(r)[0] for r in runs])
    rigl = paired(place["RigL"], place["SET"], beyond_chance).mean
    behind_it = min(differences(place["SET"], place["RigL"]))
    return rho > 0.5 and p < 0.05 and less < rho and undecided > 0.05 and rigl > 0 and behind_it > 2


@check
def smaller_budget_alike(store):
    """In every run gradual and iterative pruning are ahead of β = 50, and four others are behind.

    Iterative pruning has four times the epochs.
    """
    place = by_rival(records(store, "rivals-few", "rivals-few-iterative"))
    gains = {name: differences(runs, place[OWN]) for name, runs in place.items()}
    behind_it = ("one-shot", "SNIP", "RigL", "random mask")
    longer = place[ITERATIVE][0].config.epochs == 4 * place[OWN][0].config.epochs
    return longer and min(gains["gradual"] + gains[ITERATIVE]) > 0 > max(
        max(gains[name]) for name in behind_it
    )
