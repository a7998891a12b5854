"""What the page banded says of results."""

from itertools import pairwise

import numpy as np

from checks import ahead, behind, check, level, only, records, verdicts
from lcs.exhibits import find_study
from lcs.exhibits.banded import results, studies
from lcs.exhibits.shared.compare import (
    by_method,
    by_seed,
    conditions,
    differences,
    mean,
    nonzeros,
    paired,
    remaining,
)
from lcs.exhibits.shared.locality import beyond_chance
from lcs.exhibits.shared.methods import B0, B50, LOCAL
from lcs.exhibits.shared.verdicts import CORRECTED, UNDECIDED


@check
def growth_brings_it_nearer(store):
    """Of β = 50 at either λ: more accurate, more local and sparser with a growth of 0.1, and of 1.

    It stays below S-LOCAL. β = 0 becomes at least as local as β = 50, and no more accurate.
    """
    runs = records(store, "banded")
    groups = by_method(runs)
    for l1 in {run.config.l1 for run in groups[B50]}:
        grown = [
            only(groups[B50], l1=l1, l1_growth=growth) for growth in (0.0, *studies.GROWTHS[1:])
        ]
        for less, more in pairwise(grown):
            nearer = (
                mean(less) < mean(more) < mean(groups[LOCAL])
                and mean(less, beyond_chance) < mean(more, beyond_chance)
                and mean(less, nonzeros) > mean(more, nonzeros)
            )
            if not nearer:
                return False
    growth = studies.GROWTHS[-1]
    first, last = (only(groups[B0], l1_growth=value) for value in (0.0, growth))
    fastest = only(groups[B50], l1=last[0].config.l1, l1_growth=growth)
    return mean(last) < mean(first) and mean(last, beyond_chance) > mean(fastest, beyond_chance)


@check
def learned_windows_do_as_well(store):
    """At a growth of 0.1 and of 1, clearly ahead of no growth and not behind given windows.

    At the larger growth it is behind S-LOCAL, and every β = 50 by more than a point.
    """
    runs = records(store, "banded", "banded-learned")
    local = by_method(runs)[LOCAL]
    others = records(store, "banded-initial", "banded-sizes", "banded-pixel", "banded-uniform")
    sparse = conditions([*by_method(runs)[B50], *others]).values()
    plain = grown(runs, 0.0, "grid")
    for growth in studies.GROWTHS[1:]:
        learned, given = grown(runs, growth, "learned"), grown(runs, growth, "grid")
        if not (ahead(paired(learned, plain)) and paired(learned, given).mean > 0):
            return False
    return behind(paired(learned, local)) and max(map(mean, sparse)) < mean(local) - 1


def grown(runs, growth, window):
    """Runs of β = 50 with the larger λ, by its growth and windows."""
    sparse = by_method(runs)[B50]
    larger = max(run.config.l1 for run in sparse)
    return only(sparse, l1=larger, l1_growth=growth, l1_window=window)


@check
def random_windows_do_as_well(store):
    """At α = 2, at a growth of 1, windows that follow the weights are level with them."""
    random = grown(records(store, "banded", "banded-initial"), studies.GROWTHS[-1], "initial")
    moved = grown(records(store, "banded", "banded-learned"), studies.GROWTHS[-1], "learned")
    return level(paired(moved, random))


@check
def not_a_matter_of_a_larger_lambda(store):
    """At α = 2 a growth of 0.1 is ahead of no growth, and of a uniform λ with the same mean.

    Both leads hold before correction alone.
    """
    (over_none,) = verdicts(store, "A λ that grows by a tenth with each pixel outside a window *")
    (over_uniform,) = verdicts(store, "A λ that grows with distance *")
    found = [*over_none.values(), *over_uniform.values()]
    return found == [f"holds{CORRECTED}"] * 2


@check
def windows_close_most_of_the_gap(store):
    """At α = 8, above the middle between SGD and S-LOCAL in every seed, wherever windows lie.

    So is the growth that was searched, over three points ahead of no growth, and over two behind
    S-LOCAL.
    """
    for name, windows in (
        ("banded-wide", ("grid", "initial", "learned")),
        ("banded-long", ["learned"]),
    ):
        runs = results.by_window(records(store, name))
        gaps = differences(runs["S-LOCAL"], runs["SGD"])
        for window in windows:
            gains = differences(runs[window], runs["SGD"])
            if not gains or not all(2 * gain > gap for gain, gap in zip(gains, gaps, strict=True)):
                return False
    wide = results.by_window(records(store, "banded-wide"))
    searched = records(store, "banded-searched")
    grown = [run for run in searched if run.config.l1_growth]
    gaps = differences(wide["S-LOCAL"], wide["SGD"])
    gains = differences(grown, wide["SGD"])
    return (
        bool(gains)
        and all(2 * gain > gap for gain, gap in zip(gains, gaps, strict=True))
        and paired(grown, wide["none"]).mean > 3
        and paired(grown, wide["S-LOCAL"]).mean < -2
    )


@check
def more_than_half_is_not_certain(store):
    """Most of the gap is closed as searched before correction alone, and after 200 epochs perhaps.

    The latter is with windows that follow the weights.
    """
    moved, searched = verdicts(store, "*closes most of the gap between SGD and S-LOCAL at α = 8")
    length = find_study("banded-long").setting.name
    return [*searched.values()] == [f"holds{CORRECTED}"] and moved[f"{length}, α = 8"] == UNDECIDED


@check
def growth_was_searched(store):
    """The best of twelve candidates has the smaller λ, the largest η, and a growth of 1.

    It is what was tested, and level with a growth of 1 and λ as without growth.
    """
    runs = records(store, "search-growth")
    best = max(runs, key=lambda run: run.accuracy)
    tested = [run for run in records(store, "banded-searched") if run.config.l1_growth]
    before = results.by_window(records(store, "banded-wide"))["initial"]
    return (
        len(runs) == 12
        and best.config.l1 == min(run.config.l1 for run in runs)
        and best.config.lr == max(run.config.lr for run in runs)
        and best.config.l1_growth == 1
        and tested[0].config.replace(validation=True, seed=best.config.seed) == best.config
        and level(paired(tested, before))
    )


@check
def scattered_windows_do_not_help_as_much(store):
    """In every seed less than a third of what windows of neighbours gain over no growth.

    They are level with no growth, and behind windows of neighbours, not after correction.
    """
    (said,) = verdicts(store, "Random windows of neighbouring pixels are better than *")
    wide = results.by_window(records(store, "banded-wide"))
    scattered = records(store, "banded-scattered")
    gains = differences(scattered, wide["none"])
    theirs = differences(wide["initial"], wide["none"])
    lost = behind(paired(scattered, wide["initial"])) and {*said.values()} == {f"holds{CORRECTED}"}
    return (
        lost
        and level(paired(scattered, wide["none"]))
        and all(3 * own < other > 0 for own, other in zip(gains, theirs, strict=True))
    )


@check
def a_fixed_mask_is_ahead_of_growth(store):
    """S-FC with S-LOCAL's windows alone, by SGD, is ahead of λ that grows outside the same ones.

    It does not differ significantly from the growth searched, nor with S-LOCAL's learning rate and
    weight decay, where S-LOCAL is ahead of it. Both leads hold before correction alone.
    """
    claimed = [
        verdict for one in verdicts(store, "*windows as a fixed mask*") for verdict in one.values()
    ]
    wide = results.by_window(records(store, "banded-wide"))
    as_dense, as_local = (
        records(store, "masked", lr=wide[name][0].config.lr) for name in ("SGD", "S-LOCAL")
    )
    searched = [run for run in records(store, "banded-searched") if run.config.l1_growth]
    return (
        ahead(paired(as_dense, wide["grid"]))
        and level(paired(as_dense, searched))
        and level(paired(as_dense, as_local))
        and ahead(paired(wide["S-LOCAL"], as_local))
        and claimed == [f"holds{CORRECTED}", UNDECIDED, f"holds{CORRECTED}"]
    )


@check
def where_windows_lie_hardly_matters(store):
    """At α = 8 windows that move are level with random ones, and S-LOCAL's within 1.5 points."""
    wide = results.by_window(records(store, "banded-wide"))
    return (
        level(paired(wide["learned"], wide["initial"]))
        and abs(paired(wide["grid"], wide["initial"]).mean) < 1.5
    )


@check
def a_single_pixel_gains_a_third_at_most(store):
    """At α = 2, growth 1, on average: other sizes gain less than windows of 9, at least 40 %.

    No such difference is resolved. From a single pixel on, no growth gains 40 %, and every
    one is clearly behind windows of 9; fewer weights remain. The fastest is behind no growth,
    before correction alone.
    """
    (fastest,) = verdicts(store, "* with each pixel from a random one, *")
    usual = grown(records(store, "banded", "banded-initial"), studies.GROWTHS[-1], "initial")
    plain = grown(records(store, "banded"), 0.0, "grid")
    sizes, pixel = (conditions(records(store, f"banded-{name}")) for name in ("sizes", "pixel"))
    kept = {
        config: paired(runs, plain).mean / np.mean([best - none for _, best, none in seeds])
        for config, runs in (sizes | pixel).items()
        if (seeds := by_seed(runs, usual, plain).values())
    }
    return (
        (len(sizes), len(pixel)) == (len(studies.SIZES), len(studies.PIXEL_GROWTHS))
        and all(0.4 < kept[config] < 1 for config in sizes)
        and all(level(paired(runs, usual)) for runs in sizes.values())
        and all(behind(paired(runs, usual)) for runs in pixel.values())
        and 0.3 < max(kept[config] for config in pixel) < 0.4
        and max(mean(runs, remaining) for runs in pixel.values()) < mean(usual, remaining)
        and [*fastest.values()] == [f"contradicted{CORRECTED}"]
    )
