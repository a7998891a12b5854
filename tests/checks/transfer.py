"""What the page transfer says of results."""

from checks import ahead, behind, check, level, records, verdicts
from lcs.exhibits import transfer
from lcs.exhibits.shared.compare import by_length, differences, grouped, paired
from lcs.exhibits.shared.gap import gap_closed
from lcs.exhibits.shared.methods import B50, LOCAL, SGD
from lcs.exhibits.shared.verdicts import CORRECTED
from lcs.exhibits.transfer import FROZEN, FROZEN_OF_SGD, MASKS, NOTHING, REWIRED, TAKEN


@check
def frozen_layers_differ_in_size(store):
    """A frozen layer of SGD has about twenty times as many weights as one of β = 50."""
    runs = records(store, "transfer")
    sizes = [
        {r.final["nonzeros"]["conv1"] for r in runs if transfer.start_name(r.config) == start}
        for start in (FROZEN, FROZEN_OF_SGD)
    ]
    return min(sizes[1]) / max(sizes[0]) > 15 and max(sizes[1]) / min(sizes[0]) < 25


def gains(store, one, other):
    """Return the gain of one start over another on CIFAR-10 and on CIFAR-100.

    Of what comes from the other data set.
    """
    return [paired(at[one], at[other]) for at in transfer.crossed(records(store, "transfer"))]


@check
def masks_survive_a_new_initialisation(store):
    """With new weights the other set's masks are level with the initial ones, on both sets.

    They are ahead of β = 50 from random weights, and rewired masks of random ones, by less than a
    point.
    """
    over_random = gains(store, REWIRED, TAKEN["random-mask"])
    return (
        all(map(level, gains(store, MASKS, TAKEN["ticket"])))
        and all(map(ahead, gains(store, MASKS, B50.short)))
        and all(map(ahead, over_random))
        and all(gain.mean < 1 for gain in over_random)
    )


@check
def masks_help_in_a_wider_network(store):
    """At α = 4 the other set's masks are ahead of dense SGD by over a point, rewired ones are not.

    The first layer's mask does as well as all, within a point. In every run. On CIFAR-100 β = 50 is
    behind dense SGD.
    """
    places = transfer.crossed(records(store, "transfer-wider"))
    if not behind(paired(places[1][B50.short], places[1][NOTHING])):
        return False
    for place in places:
        over_sgd, over_rewired, first, rewired = (
            differences(place[one], place[other])
            for one, other in (
                (MASKS, NOTHING),
                (MASKS, REWIRED),
                (TAKEN["first-mask"], MASKS),
                (REWIRED, NOTHING),
            )
        )
        if not (
            min(over_sgd) > 1
            and min(over_rewired) > 2
            and max(rewired) < 0
            and max(map(abs, first)) < 1
        ):
            return False
    return True


@check
def masks_trained_anew_at_width_4(store):
    """On CIFAR-10 SGD on masks of either set is two points ahead of dense SGD and of β = 50.

    In every run, and within a point of each other. Their own close about half of the gap to
    S-LOCAL. Rewired masks do not gain; the lead over them alone outlasts the correction. Twice the
    epochs gain less than two points at α = 8.
    """
    place = grouped(records(store, "transfer-wider", dataset="cifar10"), transfer.start_text)
    own, others = (place[f"{whose} {MASKS}"] for whose in ("its own", "CIFAR-100's"))
    rewired = place[f"CIFAR-100's {REWIRED}"]
    over = [differences(at, place[who]) for at in (own, others) for who in (NOTHING, B50.short)]
    ends = {SGD: place[NOTHING], LOCAL: place[str(LOCAL)]}
    share, *_ = gap_closed(ends, own)
    lengths = by_length(records(store, "recipe-length"))
    wide = "flips and crops, α = 4"
    said = [
        found[wide]
        for pattern in ("With masks found on CIFAR-100*", "Trained anew by SGD on the masks*")
        for found in verdicts(store, pattern)
    ]
    (against_rewired,) = verdicts(store, "These masks are better than masks rewired*")
    return (
        min(map(min, over)) > 2
        and max(map(abs, differences(own, others))) < 1
        and max(differences(rewired, place[NOTHING])) < 0.5
        and 45 < share < 60
        and set(said) == {f"holds{CORRECTED}"}
        and against_rewired[wide] == "holds"
        and max(differences(lengths[400][SGD], lengths[200][SGD])) < 2
    )


@check
def places_matter_more_than_values(store):
    """Masks are level with none; on CIFAR-10 ahead of rewired ones, on CIFAR-100 level with them.

    The first layer's alone is level on CIFAR-10. A frozen first layer of β = 50 is behind that of
    SGD on CIFAR-10. S-LOCAL is on average ahead of SGD by less than 1.5 points on CIFAR-10, and
    behind it on CIFAR-100; so is S-FC with its windows for a mask, on average.
    """
    dense = records(store, "transfer", source=None, model="s-fc", optimizer="sgd")
    masked = grouped(records(store, "transfer-windows"), lambda config: config.dataset)
    windows = {
        name: paired(runs, [run for run in dense if run.config.dataset == name])
        for name, runs in masked.items()
    }
    rewired, frozen = gains(store, MASKS, REWIRED), gains(store, FROZEN, FROZEN_OF_SGD)
    first10, _ = gains(store, TAKEN["first-mask"], NOTHING)
    local10, local100 = gains(store, LOCAL.short, NOTHING)
    return (
        all(map(level, gains(store, MASKS, NOTHING)))
        and level(first10)
        and ahead(rewired[0])
        and level(rewired[1])
        and behind(frozen[0])
        and level(frozen[1])
        and 0 < local10.mean < 1.5
        and behind(local100)
        and windows["cifar10"].mean > 0 > windows["cifar100"].mean
    )
