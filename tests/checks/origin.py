"""What the page origin says of results."""

import functools
import math

from checks import above, ahead, behind, check, level, only, records
from lcs.data.gaussian_process import CLONE, GAINS
from lcs.exhibits import origin
from lcs.exhibits.shared import filter_surrogates
from lcs.exhibits.shared.compare import (
    accuracies,
    by_method,
    differences,
    grouped,
    mean,
    nonzeros,
    paired,
    remaining,
    train_accuracies,
)
from lcs.exhibits.shared.locality import beyond_chance, share_measured
from lcs.exhibits.shared.methods import B50, SGD, method
from lcs.measure import inverse_participation_ratio
from lcs.stats import mean_interval
from lcs.study import gather

PLAIN, BOTH = "no augmentation", "flips and crops"
NATURAL, RANKS, GAUSSIAN, PHASES, CLASSES = origin.STATISTICS


def by_data(store, augmentation, method=B50):
    """Return the runs of a method with one augmentation, by their images and labels."""
    runs = origin.on_images(gather(origin.STUDIES, "desk", store=store))
    seen = {data: runs.get((f"{data}, {augmentation}", method)) for data in origin.DATA}
    return {data: group for data, group in seen.items() if group}


def over(one, other):
    """Return by how much the filters of some runs are more local than those of others."""
    return paired(one, other, beyond_chance)


def excess(runs):
    """Return how local the filters of runs are, beyond chance."""
    return mean_interval(beyond_chance(runs))


@check
def sgd_is_less_local_on_the_clone(store):
    """Filters of SGD on the process are more local at the largest gain than on its clone.

    By less than a point, and they change as little from the smallest gain to the largest.
    """
    runs = grouped(only(records(store, "origin-process"), optimizer="sgd"), origin.data_text)
    small, *_, large = (f"gain {gain:g}" for gain in GAINS.values())
    more = over(runs[large], runs[f"Gaussian, covariance of {large}"])
    change = over(runs[large], runs[small])
    return ahead(more) and more.mean < 1 and abs(change.mean) < 1


@check
def beta_50_hardly_depends_on_the_gain(store):
    """At the middle λ means at all gains differ by less than two points.

    That of the clone is below that of the largest gain, by less than two. From the smallest λ to
    the middle one they grow by more than five.
    """
    at = functools.partial(only, records(store, "origin-process"), beta=50.0)
    weak, found = (grouped(at(l1=l1), origin.data_text) for l1 in origin.LAMBDAS[:2])
    gains = [f"gain {gain:g}" for gain in GAINS.values()]
    clone = over(found[gains[-1]], found[f"Gaussian, covariance of {gains[-1]}"])
    means = [mean(found[gain], beyond_chance) for gain in gains]
    means_of_weak = {data: mean(runs, beyond_chance) for data, runs in weak.items()}
    growth = min(mean(found[data], beyond_chance) - low for data, low in means_of_weak.items())
    return max(means) - min(means) < 2 and ahead(clone) and clone.mean < 2 and growth > 5


@check
def only_pruned_sgd_exceeds_random_phases(store):
    """Pruned SGD holds more in a window than with random phases; β = 50 with both changes alone."""
    runs = records(store, "origin-augmentation")
    rows = {
        r["setting"]: r
        for r in filter_surrogates.frame([runs], origin.seen_text).to_dict("records")
    }
    ahead_of = {data for data, r in rows.items() if r["own"].mean > r["pruned_phases"].mean}
    return (
        len(rows) == 4
        and ahead_of == {f"natural images, {BOTH}"}
        and all(r["pruned"].mean > r["pruned_phases"].mean for r in rows.values())
    )


@check
def few_filters_are_measured_with_crops(store):
    """Of β = 50 about a third with crops, and all without augmentation."""
    shares = {
        augment: [
            share_measured(run)
            for run in records(store, "origin-augmentation", augment=augment, crop_padding=None)
            if method(run.config) == B50
        ]
        for augment in ("flip-crop", "crop", "none")
    }
    few = [*shares["flip-crop"], *shares["crop"]]
    return min(few) > 0.25 and max(few) < 0.42 and min(shares["none"]) > 0.98


@check
def crops_raise_locality_at_similar_sparsity(store):
    """Flips and crops at half of λ: more weights than without augmentation, and more local.

    Practically all filters are measured. Flips alone leave fewer weights, and less than ten points.
    """
    plain, flips = (by_data(store, name)[NATURAL] for name in (PLAIN, "flips"))
    half = origin.at_half_l1(records(store, "permuted"))
    return (
        ahead(paired(half, plain, remaining))
        and mean(half, remaining) < mean(plain, remaining) + 2
        and ahead(over(half, plain))
        and min(share_measured(run) for run in half) > 0.99
        and behind(paired(flips, plain, remaining))
        and excess(flips).mean < 10
        and ahead(over(half, flips))
    )


@check
def crops_make_filters_local(store):
    """Filters of β = 50 are more local with crops, and fewer weights remain; of SGD less local.

    No other change that leaves filters to measure makes as large a difference. Without
    augmentation β = 50 is not more local than SGD. It has more than 25 points with crops, fewer
    than ten without, and SGD with crops about half as many as it.
    """
    of = {name: by_data(store, name) for name in origin.AUGMENTATIONS}
    plain, crops = of[PLAIN][NATURAL], of["crops"][NATURAL]
    dense = by_data(store, "crops", SGD)[NATURAL]
    gain = over(crops, plain)
    changes = [over(of["flips"][NATURAL], plain), over(of[BOTH][NATURAL], crops)]
    for name in (PLAIN, BOTH):
        natural, *others = of[name].values()
        measured = (runs for runs in others if all(map(math.isfinite, beyond_chance(runs))))
        changes += [over(natural, runs) for runs in measured]
    return (
        ahead(gain)
        and gain.mean > max(abs(change.mean) for change in changes)
        and behind(paired(crops, plain, nonzeros))
        and ahead(excess(dense))
        and ahead(over(crops, dense))
        and min(excess(runs).mean for runs in (crops, of[BOTH][NATURAL])) > 25
        and max(excess(runs).mean for runs in (plain, of["flips"][NATURAL])) < 10
        and 0.45 < excess(dense).mean / excess(crops).mean < 0.55
        and over(plain, by_data(store, PLAIN, SGD)[NATURAL]).mean <= 0
    )


@check
def local_on_gaussian_images_of_the_process(store):
    """At the middle λ β = 50 is more local than SGD at every gain and on the clone.

    At the smallest λ a fifth of the first layer is left, and it is less local than SGD; at the
    largest, less than a fifth of the filters can be measured.
    """
    runs = by_method(records(store, "origin-process"))
    seen = dict.fromkeys(origin.data_text(run.config) for run in runs[SGD])

    def at(data, method, l1=0.0):
        return [r for r in only(runs[method], l1=l1) if origin.data_text(r.config) == data]

    weak, middle, strong = ({data: at(data, B50, l1) for data in seen} for l1 in origin.LAMBDAS)
    measured = [run.final["locality"]["eligible"] for data in seen for run in strong[data]]
    return (
        len(seen) == 4
        and all(ahead(over(middle[data], at(data, SGD))) for data in seen)
        and all(behind(over(weak[data], at(data, SGD))) for data in seen)
        and all(17 < mean(weak[data], remaining) < 25 for data in seen)
        and max(measured) < 256 / 5
    )


@check
def gaussian_images_with_crops(store):
    """Filters are local on Gaussian ranks and on Gaussian images, and level with natural images.

    With β = 50 and with SGD. With random phases they are less local, and accuracy is far lower; on
    Gaussian images it is far higher, and β = 50 keeps more weights.
    """
    sparse = by_data(store, BOTH)
    more = mean(sparse[GAUSSIAN], nonzeros) / mean(sparse[NATURAL], nonzeros)
    return 1.3 < more < 2 and all(
        level(over(runs[NATURAL], runs[RANKS]))
        and level(over(runs[NATURAL], runs[GAUSSIAN]))
        and ahead(over(runs[NATURAL], runs[PHASES]))
        and ahead(excess(runs[RANKS]))
        and ahead(excess(runs[GAUSSIAN]))
        and mean(runs[PHASES]) < mean(runs[NATURAL]) - 10 < mean(runs[GAUSSIAN]) - 20
        for runs in (by_data(store, BOTH), by_data(store, BOTH, SGD))
    )


@check
def errors_of_moments_tell_classes_apart(store):
    """Of Gaussian images of shuffled classes SGD is at most two points above chance.

    With flips and crops; there β = 50 hardly keeps a weight of the first layer. Without
    augmentation it classifies more than three times as many as by chance, with filters less local
    than on natural images and on Gaussian ones of the true classes.
    """
    plain = by_data(store, PLAIN)
    return (
        max(accuracies(by_data(store, BOTH, SGD)[CLASSES])) < 12
        and max(nonzeros(by_data(store, BOTH)[CLASSES])) < 1000
        and min(accuracies(plain[CLASSES])) > 30
        and ahead(over(plain[NATURAL], plain[CLASSES]))
        and ahead(over(plain[GAUSSIAN], plain[CLASSES]))
    )


@check
def black_borders_lower_locality(store):
    """With β = 50, on every surrogate and in every run, compared with the right border."""
    gains = [
        gain
        for images in ("gaussianised", "gaussian", "phase-scrambled")
        for gain in differences(
            *(
                records(store, study, optimizer="beta-lasso", images=images, labels="true")
                for study in ("origin-data", "origin-black-border")
            ),
            beyond_chance,
        )
    ]
    return len(gains) == 9 and min(gains) > 0


@check
def estimated_moments_raise_accuracy(store):
    """SGD classifies the clone of the process better where its moments are those of a sample."""
    known = only(records(store, "origin-process"), optimizer="sgd", dataset=CLONE)
    estimated = only(records(store, "origin-process-estimated"), optimizer="sgd")
    return ahead(paired(estimated, known))


@check
def gaussian_images_without_augmentation(store):
    """All training images are fitted; Gaussian images give more local filters than natural ones.

    They are classified far better. Gaussian ranks cannot be told from natural images, random phases
    have less than a point. SGD has natural images alone.
    """
    runs = by_data(store, PLAIN)
    return (
        runs.keys() == origin.DATA.keys()
        and min(min(train_accuracies(group)) for group in runs.values()) > 97
        and ahead(over(runs[GAUSSIAN], runs[NATURAL]))
        and level(over(runs[RANKS], runs[NATURAL]))
        and excess(runs[PHASES]).mean < 1
        and mean(runs[GAUSSIAN]) > mean(runs[NATURAL]) + 20
        and [*by_data(store, PLAIN, SGD)] == [NATURAL]
    )


@check
def labels_matter_without_augmentation(store):
    """Shuffled labels are learned, and filters have less than a point; on noise as by chance."""
    runs = by_data(store, PLAIN)
    return (
        min(train_accuracies(runs["shuffled labels"])) > 95
        and ahead(over(runs[NATURAL], runs["shuffled labels"]))
        and excess(runs["shuffled labels"]).mean < 1
        and level(excess(runs["uniform noise"]))
        and ahead(over(runs[NATURAL], runs["uniform noise"]))
    )


@check
def smooth_filters_gather_as_much(store):
    """On CIFAR-10 pruned filters of SGD are on average at least as local as those of β = 50.

    Except with flips and crops together they are clearly more local. On the process β = 50 cannot
    be told from them, nor from these with random phases.
    """
    groups = [records(store, name) for name in ("origin-augmentation", "origin-process")]
    rows = filter_surrogates.frame(groups, origin.seen_text).to_dict("records")
    images = [row for row in rows if row["setting"].startswith("natural images")]
    process = [row for row in rows if row not in images]
    return (
        len(images) >= 4
        and len(process) >= 4
        and all(row["pruned"].mean >= row["own"].mean for row in images)
        and all(
            above(row["pruned"], row["own"])
            for row in images
            if not row["setting"].endswith("flips and crops")
        )
        and not any(
            above(row["own"], row[kind]) or above(row[kind], row["own"])
            for row in process
            for kind in ("pruned", "pruned_phases")
        )
    )


@check
def ratio_misleads(store):
    """On natural images pruned SGD has a smaller ratio than β = 50, and no smaller a share."""
    runs = [run for run in records(store, "origin-augmentation") if run.has_filters]
    pairs = [by_method(group) for group in grouped(runs, origin.seen_text).values()]
    for pair in pairs:
        own, dense = (pair[who][0].load_filters() for who in (B50, SGD))
        pruned = filter_surrogates.largest(dense, own.count_nonzero((1, 2, 3)))
        shares = filter_surrogates.compared(own, dense)
        ratios = [inverse_participation_ratio(filters).mean() for filters in (pruned, own)]
        if ratios != sorted(ratios) or shares["pruned"].mean < shares["own"].mean:
            return False
    return len(pairs) == 4


@check
def shuffled_labels_are_not_learned(store):
    """With shuffled labels SGD hardly fits, and β = 50 hardly keeps a weight of the first layer.

    Nor on noise.
    """
    sparse, dense = (by_data(store, BOTH, method) for method in (B50, SGD))
    return all(
        max(train_accuracies(dense[data])) < 20 and max(nonzeros(sparse[data])) < 1000
        for data in ("shuffled labels", "uniform noise")
    )
