"""What the page origin says of results."""

from checks import Checks, above, records
from lcs.exhibits import origin
from lcs.exhibits.compare import by_method, mean, train_accuracies
from lcs.exhibits.figure4 import smooth
from lcs.exhibits.locality import beyond_chance
from lcs.exhibits.methods import B50, SGD
from lcs.stats import mean_interval

CHECKS = Checks()


@CHECKS.add
def crops_make_filters_local(store):
    """Of β = 50 and, less, of SGD; flips add little, and with crops fewer weights are left.

    Without augmentation β = 50 is not more local than SGD.
    """
    runs = records(store, "origin-augmentation")
    at = {
        name: by_method([r for r in runs if origin.augmentation_text(r.config) == name])
        for name in origin.AUGMENTATIONS
    }

    def excess(name, method):
        return mean_interval(beyond_chance(at[name][method])).mean

    plain = "no augmentation"
    gain = {m: excess("crops", m) - excess(plain, m) for m in (B50, SGD)}
    flips = {m: excess("flips", m) - excess(plain, m) for m in (B50, SGD)}
    left = {name: at[name][B50][0].final["nonzeros"]["conv1"] for name in (plain, "crops")}
    return (
        gain[B50] > 15
        and 5 < gain[SGD] < gain[B50]
        and max(flips.values()) < gain[B50] / 4
        and left["crops"] < left[plain] / 2
        and excess(plain, B50) <= excess(plain, SGD)
    )


@CHECKS.add
def local_on_gaussian_images_of_the_process(store):
    """At λ = 2e-4 β = 50 is local at every gain and on the clone, in every seed, SGD hardly.

    At the smallest λ it is less local than SGD, on average over all images.
    """
    runs = by_method(records(store, "origin-process"))
    sparse = [run for run in runs[B50] if run.config.l1 == origin.LAMBDAS[1]]
    seen = {origin.data_text(run.config) for run in sparse}
    weak = [run for run in runs[B50] if run.config.l1 == origin.LAMBDAS[0]]
    return (
        len(seen) == 4
        and min(beyond_chance(sparse)) > 8 > max(beyond_chance(runs[SGD]))
        and mean_interval(beyond_chance(weak)).mean < mean_interval(beyond_chance(runs[SGD])).mean
    )


@CHECKS.add
def gaussian_images_with_crops(store):
    """β = 50 has over 20 points where ranks or images are Gaussian, natural images at most 10 more.

    It has less with random phases, of which accuracy is far lower, and SGD has less everywhere. On
    Gaussian images 1.5 to 3 times as many weights remain.
    """
    runs = by_method(records(store, "origin-data"))
    at = {
        m: {origin.data_text(run.config): beyond_chance([run])[0] for run in runs[m]}
        for m in (B50, SGD)
    }
    natural, *others = at[B50]
    *similar, phases = others
    of = {name: [r for r in runs[B50] if origin.data_text(r.config) == name] for name in at[B50]}
    left = {origin.data_text(r.config): r.final["nonzeros"]["conv1"] for r in runs[B50]}
    more = left["Gaussian, same covariance"] / left[natural]
    return (
        len(others) == 3
        and min(at[B50][name] for name in similar) > 20
        and all(at[B50][natural] - at[B50][name] < 10 for name in similar)
        and 10 < at[B50][phases] < min(at[B50][name] for name in similar)
        and mean(of[phases]) < min(mean(of[name]) for name in similar) - 10
        and all(at[SGD][name] < at[B50][name] for name in at[B50])
        and 1.5 < more < 3
    )


def plain_runs(store):
    """Return the only run of β = 50 without augmentation on each kind of data."""
    return {origin.data_text(run.config): run for run in records(store, "origin-plain")}


@CHECKS.add
def gaussian_images_without_augmentation(store):
    """All training images are fitted; Gaussian images give more local filters than natural ones.

    Gaussian ranks change little, and random phases leave filters as good as not local. A fifth more
    or less weights remain, but for Gaussian images and random phases, and noise.
    """
    runs = plain_runs(store)
    at = {name: beyond_chance([run])[0] for name, run in runs.items()}
    accuracy = {name: mean([run]) for name, run in runs.items()}
    counts = [run.final["nonzeros"]["conv1"] for run in runs.values()]
    natural, ranks, gaussian, phases = (at[name] for name in origin.STATISTICS)
    return (
        set(runs) == set(origin.DATA)
        and min(train_accuracies([*runs.values()])) > 97
        and gaussian > 2 * natural
        and abs(ranks - natural) < 1
        and phases < 1
        and accuracy[origin.STATISTICS[2]] > accuracy[origin.STATISTICS[0]] + 20
        and max(counts) < 2 * min(counts)
    )


@CHECKS.add
def labels_matter_without_augmentation(store):
    """Shuffled labels are learned, and filters are less than a third as local; on noise not at all.

    On shuffled labels as many weights remain as on true ones, within a tenth.
    """
    runs = plain_runs(store)
    at = {name: beyond_chance([run])[0] for name, run in runs.items()}
    natural, shuffled = (runs[name] for name in ("natural images", "shuffled labels"))
    counts = [run.final["nonzeros"]["conv1"] for run in (natural, shuffled)]
    return (
        train_accuracies([shuffled])[0] > 95
        and at["shuffled labels"] < at["natural images"] / 3
        and abs(at["uniform noise"]) < 0.5
        and max(counts) < 1.1 * min(counts)
    )


@CHECKS.add
def smooth_filters_gather_as_much(store):
    """On CIFAR-10 pruned filters of SGD are on average at least as local as those of β = 50.

    On the process β = 50 cannot be told from them, nor from these with random phases.
    """
    groups = [records(store, name) for name in ("origin-augmentation", "origin-process")]
    rows = smooth.frame(groups, origin.seen_text).to_dict("records")
    images = [row for row in rows if row["setting"].startswith("natural images")]
    process = [row for row in rows if row not in images]
    return (
        len(images) >= 4
        and len(process) >= 4
        and all(row["pruned"].mean >= row["own"].mean for row in images)
        and not any(
            above(row["own"], row[kind]) or above(row[kind], row["own"])
            for row in process
            for kind in ("pruned", "pruned_phases")
        )
    )


@CHECKS.add
def shuffled_labels_are_not_learned(store):
    """With shuffled labels SGD hardly fits, and β = 50 hardly keeps a weight of the first layer.

    Nor on noise.
    """
    runs = by_method(records(store, "origin-labels", "origin-noise"))
    return (
        len(runs[SGD]) > 1
        and max(train_accuracies(runs[SGD])) < 20
        and max(run.final["nonzeros"]["conv1"] for run in runs[B50]) < 1000
    )
