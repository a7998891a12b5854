"""What the page claims says of results."""

from checks import check, judged, records, verdicts
from lcs.exhibits.shared import published
from lcs.exhibits.shared.compare import accuracies, by_method, mean
from lcs.exhibits.shared.methods import B50, LOCAL, SGD
from lcs.exhibits.shared.verdicts import CORRECTED, UNDECIDED, one_more, sign
from lcs.stats import mean_interval


@check
def searches_have_the_first_seed(store):
    """Runs on a validation split have seed 0, which the compared runs have too."""
    runs = (run for place in store.chain() for run in place.records())
    seeds = {run.config.seed for run in runs if getattr(run.config, "validation", False)}
    return seeds == {0}


@check
def sgd_in_float32(store):
    """In float32 SGD is no nearer to the reproduction in the mean, but one more run reaches it."""
    theirs = published.table2(SGD).report
    usual, plain = (
        by_method(runs)[SGD]
        for runs in (records(store, "table2"), records(store, "precision", precision="fp32"))
    )
    ours = mean_interval(accuracies(plain))
    away = one_more(ours, theirs)
    return theirs < mean(usual) <= ours.mean and away.mean < away.half_width


@check
def sgd_of_the_reproduction_is_contradicted(store):
    """The reproduction's accuracy of SGD lies outside the interval of one more run of ours."""
    ours = mean_interval(accuracies(by_method(records(store, "table2"))[SGD]))
    away = one_more(ours, published.table2(SGD).report)
    return abs(away.mean) > away.half_width


@check
def verdicts_that_agree_in_all_settings(store):
    """In every setting β = 50 is local beyond chance, and behind S-LOCAL by over half of the gap.

    It is more local than SGD, too, and most of its second layer remains. Its lead over SGD and over
    β = 0 depends on the setting. S-LOCAL's lead is over three times that of the paper.
    """
    signs = {
        text: {sign(said).mark for (found,) in [verdicts(store, text)] for said in found.values()}
        for text in (
            "The filters of β = 50 are more local than their own permutations",
            "The filters of β = 50 are more local than those of SGD",
            "S-LOCAL is better than S-FC with β-LASSO, β = 50",
            "β = 50 closes most of the gap between S-FC with SGD and S-LOCAL",
            "The second layer loses most of its weights",
            "S-FC with β-LASSO at β = 50 is better than with SGD",
            "β = 50 is better than β = 0",
        )
    }
    local, than_sgd, behind, closed, second, *others = signs.values()
    (lead,) = [
        one
        for one in judged(store)
        if one.claim.text.startswith("S-LOCAL is better than S-FC with")
    ]
    least = min(each.finding.evidence.mean for each in lead.evidence)
    return (
        local == than_sgd == behind == {"✓"}
        and closed == second == {"✗"}
        and all(len(each) > 1 for each in others)
        and least > 3 * published.gain(LOCAL, B50)
    )


# claims that openings of chapters call so, each in a setting whose name ends so
CALLED = {
    CORRECTED: (
        ("With about as many * better than gradual magnitude pruning (larger budget)", "α = 4"),
        ("With about as many * better than a random mask (larger budget)", "α = 4"),
        ("With about as many * better than one-shot pruning (smaller budget)", "α = 1"),
        ("These masks are better than masks rewired at random*", "α = 1"),
        ("Trained anew by SGD on the masks * dense S-FC by SGD", "α = 4"),
        ("Trained anew by SGD on the masks * by β = 50", "α = 4"),
        ("A frozen first layer is better on CIFAR-10 if β = 50 *", "α = 1"),
        ("With three tenths of the images S-LOCAL is better*", "α = 1"),
        ("On spoken digits, β = 0 is better than SGD", "α = 4"),
        ("As searched * closes most of the gap *", "α = 8"),
        ("D-FC by SGD is better with the first layer's mask *", "α = 1"),
        ("S-FC by β = 50 that starts from S-CONV is better than from random *", "α = 2"),
        ("S-FC by β = 50 that starts from S-CONV is better than from random *", "α = 8"),
        ("S-FC by SGD that starts from S-CONV is better than from random *", "α = 8"),
        ("At α = 1, β = 50 is worse than β = 0", "α = 1"),
    ),
    UNDECIDED: (
        ("With about as many * better than one-shot pruning (larger budget)", "α = 1"),
        ("With about as many * better than SET (larger budget)", "α = 1"),
        ("Natural images give β = 50 more local filters *", "α = 4"),
        ("With masks found on CIFAR-100, SGD is better *", "α = 1"),
        ("On spoken digits, β = 50 is better than SGD", "α = 4"),
        ("In D-FC, β = 50 is better than SGD", "α = 1"),
        ("S-FC by SGD that starts from S-CONV is better than from random *", "α = 2"),
    ),
}


@check
def labels_of_the_openings(store):
    """What openings call undecided, or not significant after correction, is so."""
    for label, claims in CALLED.items():
        for pattern, where in claims:
            (found,) = verdicts(store, pattern)
            said = [verdict for setting, verdict in found.items() if setting.endswith(where)]
            if len(said) != 1 or label not in said[0]:
                return False
    return True


@check
def svhn_and_resnet_are_not_run(store):
    """Of the paper's data sets and networks, there is no run on SVHN and none of a ResNet18."""
    networks = [run.config for run in store.records() if run.kind != "toy"]
    return not any(c.dataset == "svhn" or c.model == "resnet18" for c in networks)
