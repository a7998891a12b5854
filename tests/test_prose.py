"""Sentences of the pages that say what tables show: held to the records behind them."""

import json
import re
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest

from lcs import cost, exhibits
from lcs.exhibits import claims, engine, published, scaling, toy
from lcs.exhibits import figure4 as locality
from lcs.exhibits import table2
from lcs.exhibits import why
from lcs.exhibits.compare import AGAINST, as_sgd, conditions, difference, would_revive_of_remaining_text, would_revive_text
from lcs.exhibits.compare import accuracies, by_method, remaining, paired
from lcs.measure import clustering_range
from lcs.stats import mean_interval
from lcs.runs import PUBLISHED, RunStore
from lcs.exhibits.methods import beta_lasso_method
from lcs.exhibits.settings import SHARE_AT_WIDTH, PAPER, WIDTHS, chosen, l1_of
from lcs.study import gather, stored
from lcs.exhibits import CHAPTERS, STUDIES

ROOT = Path(__file__).parent.parent
BOOK = RunStore(PUBLISHED)


def said(page: str) -> str:
    """The prose of a page or of README, its line breaks as spaces."""
    plain = {"README": ROOT / "README.md"}
    plain |= {name: ROOT / "book" / f"{name}.md" for name in ("intro", "reproduce")}
    if page in plain:
        text = plain[page].read_text()
    else:
        cells = json.loads((ROOT / "book" / f"{page}.ipynb").read_text())["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return " ".join(text.split())


def cells_of_locality() -> dict[str, list[float]]:
    """Means of the table: by loss and images, those of SGD, and of β = 0 and β = 50 at each λ."""
    rows = locality.factorial_table(stored("factorial", "desk", BOOK)).rows
    return {
        cell: [float(value.split()[0].replace("−", "-")) for value in values]
        for cell, *values in rows
    }


def test_the_threshold_makes_filters_less_local_in_every_cell():
    page = said("figure4")
    assert "In the mean β = 50 is behind β = 0 of the same λ in every cell of the table" in page
    assert "that one window holds, the threshold undoes a part of it" in said("README")
    cells = cells_of_locality().values()
    assert len(cells) == 6
    for _, zero, zero_strong, fifty, fifty_strong in cells:
        assert fifty < zero
        assert fifty_strong < zero_strong


def test_by_the_spread_the_threshold_costs_locality_in_some_cells():
    sentence = "β = 50 with the stronger λ is clearly behind β = 0 without augmentation; with"
    assert sentence in said("figure4")
    found = conditions(stored("factorial", "desk", BOOK))
    strong = [c for c in found if c.beta and c.l1_rest is not None]
    assert len(strong) == 6
    for config in strong:
        pair = [found[c] for c in (config, AGAINST["β = 0"](config))]
        more = mean_interval(np.subtract(*(map(spreads, pair))))
        usual = config.loss == "cross-entropy" and config.lr == 0.1
        clearly = more.mean > more.half_width
        assert clearly == (config.augment == "none" or usual), config


def spreads(runs):
    return np.array([run.final["locality"]["spread"]["excess_mean"] for run in runs])


def windows(runs):
    return np.array([run.final["locality"]["window_mass"]["excess_mean"] for run in runs])


def test_locality_at_growing_width_and_length():
    page = said("figure4")
    assert "with plain SGD and with the reproduction's λ locality fades in a wider network" in page
    assert "with the larger λ the more the wider the network" in page
    runs = gather(why.QUESTIONS, "desk", 0, train=False, store=BOOK)
    rows = locality.width_table(why.at_each_width(runs)).rows
    sgd, weak, zero, largest = np.array([[float(x.split()[0]) for x in row[1:]] for row in rows]).T
    assert list(sgd) == sorted(sgd, reverse=True)
    assert list(weak) == sorted(weak, reverse=True)
    assert sgd[-1] < sgd[0] / 2
    assert list(zero - sgd) == sorted(zero - sgd)
    assert zero[-1] > zero[0]
    assert largest.max() - largest.min() < 2
    assert "the window of SGD and of β = 0 holds at least twice as many points beyond" in page
    found = conditions(stored("length", "desk", BOOK))
    assert {config.epochs for config in found} == {100, 400}
    for config, short in found.items():
        if config.epochs == 100:
            more = windows(found[config.replace(epochs=400)]).mean() / windows(short).mean()
            assert more < 1.2 if config.beta else more > 2


def test_sgd_with_momentum_and_decay_is_nearly_as_local():
    page = said("figure4")
    assert "it is within four points of β = 50 while one λ serves all widths" in page
    assert "with λ chosen for α = 8, β = 50 is far ahead" in page
    widest = own_widths()[-1]
    assert windows(widest[scaling.B50]).mean() - windows(widest[scaling.SGD]).mean() > 0.1
    for at in widths():
        behind = windows(at[scaling.B50]).mean() - windows(at[scaling.SGD]).mean()
        assert 0 < behind < 0.04


def test_augmentation_raises_locality_in_every_cell():
    assert "Augmentation raises locality in every cell" in said("figure4")
    rows = list(cells_of_locality().items())
    assert len(rows) == 6
    for (bare, before), (cropped, after) in zip(rows[::2], rows[1::2], strict=True):
        assert bare.removesuffix("no augmentation") == cropped.removesuffix("flips and crops")
        assert all(more > less for more, less in zip(after, before, strict=True)), bare


def test_a_smaller_beta_is_more_local_and_smoother():
    sentence = "smaller β are more local than those of β = 50 by both measures, and smoother too"
    assert sentence in said("figure4")
    frame = locality.frame(stored("figure4", "desk", BOOK))
    means = frame.set_index(["measure", "method"])["mean"]
    for measure, sign in (("spread", -1), ("window", 1), ("Moran", 1)):
        (title,) = {name for name, _ in means.index if measure in name}
        fifty, *smaller = (sign * means[title, beta_lasso_method(beta)] for beta in (50, 0, 1))
        assert min(smaller) > fifty, title


def test_augmentation_raises_accuracy_in_every_cell():
    assert "It raises the accuracy of SGD and of β = 50 in every cell" in said("why")
    found = conditions(stored("factorial", "desk", BOOK))
    bare = [c for c in found if c.augment == "none" and (c.optimizer == "sgd" or c.beta)]
    assert len(bare) == 9
    for config in bare:
        gain = paired(found[config.replace(augment="flip-crop")], found[config])
        assert gain.mean > 0, config


def test_beta_lasso_beats_sgd_and_a_large_beta_costs_accuracy():
    assert "β-LASSO does beat SGD" in said("README")
    assert "a large β costs accuracy" in said("README")
    runs = by_method(stored("table2", "desk", BOOK))
    largest = runs[beta_lasso_method(50)]
    over_sgd = paired(largest, runs["S-FC, SGD"])
    over_zero = paired(largest, runs[beta_lasso_method(0)])
    assert over_sgd.mean > over_sgd.half_width
    assert over_zero.mean < -over_zero.half_width


@pytest.mark.parametrize("width", [1, 4, 8])
def test_what_the_threshold_costs_by_the_recipe(width):
    text = "no cost of the threshold at α = 1, and a gain in accuracy at α = 4 and 8"
    assert text in said("README")
    found = conditions(why.at_each_width(gather(why.QUESTIONS, "desk", 0, train=False, store=BOOK)))
    (config,) = (c for c in found if c.beta and c.base_channels == width)
    gain = difference(found, config, AGAINST["β = 0"](config))
    assert gain is not None
    assert (gain.mean > gain.half_width) if width > 1 else (gain.mean > -gain.half_width)
    assert as_sgd(config) in found


def test_the_gain_comes_between_width_1_and_4():
    assert "The gain comes between α = 1 and 4; from 4 to 8 we see no further growth" in said("why")
    rows = why.summary_table(gather(why.QUESTIONS, "desk", 0, train=False, store=BOOK)).rows
    changes = {(row[0], row[1]): row[4].strip("*").replace("−", "-") for row in rows}
    for reference in ("β = 0", "SGD"):
        first, second = (
            [float(value) for value in changes[f"width: {step}", reference].split(" ± ")]
            for step in ("α = 4 instead of 1", "α = 8 instead of 4")
        )
        assert first[0] > first[1]
        assert abs(second[0]) < second[1]


def test_a_threshold_costs_where_weights_may_not_return():
    page = said("why")
    assert "So a small threshold costs as much as a large one, once a weight that fell" in page
    sentence = "β = 1 costs about as much as β = 50, whose weights rarely return"
    assert f"are forbidden to return, {sentence}" in said("README")
    assert "freezing costs β = 50 nothing that we can see" in page
    runs = stored("first-layer", "desk", BOOK)
    alone = conditions([run for run in runs if run.config.l1_rest == 0])
    gain = {
        (c.beta, c.frozen_zeros): difference(alone, c, AGAINST["β = 0"](c)) for c in alone if c.beta
    }
    assert abs(gain[1, False].mean) < 0.2
    for beta, frozen in ((1, True), (50, False), (50, True)):
        found = gain[beta, frozen]
        assert found.mean < -found.half_width
        assert found.mean == pytest.approx(gain[50, False].mean, abs=0.5)


def test_it_is_not_only_for_want_of_returns_that_a_threshold_costs():
    page = said("why")
    assert "with β = 5 they return more often than with any other, and most of what β = 50" in page
    assert "With β = 5 weights come back millions of times in every run, and most of the" in page
    sentence = "But with β = 5 weights return millions of times, and most of the cost is there all"
    assert sentence in said("README")
    assert "with a quarter of that λ and β = 200 hardly any returns, and little is lost" in page
    assert "with the largest λ, β = 10 leaves less than a hundredth of the layer, and loses" in page
    names = ("betas", "lambdas", "lambdas-zero")
    runs = [run for name in names for run in stored(name, "desk", BOOK)]
    table = {
        (row[0], row[1]): [
            float(value.split()[0].replace("−", "-").replace(",", "")) for value in row[2:5]
        ]
        for row in why.returns_table(runs).rows
    }
    returns = {beta: row[2] for (l1, beta), row in table.items() if l1 == "2e-5"}
    assert max(returns, key=returns.__getitem__) == "5"
    assert returns["5"] > 2e6
    assert table["2e-5", "5"][0] < table["2e-5", "50"][0] / 2 < 0
    assert table["5e-6", "200"][2] < 10
    assert -0.35 < table["5e-6", "200"][0] < 0
    assert max(float(l1) for l1, _ in table) == 1e-4
    assert "at λ = 5e-5 β = 20 and β = 50 leave about as many weights, and both runs" in page
    (one, other), (some, none) = (
        [table["5e-5", beta][place] for beta in ("20", "50")] for place in (1, 2)
    )
    assert one - other < 0.5
    assert some > 1e6
    assert none < 200
    pair = [
        [run.accuracy for run in runs if (run.config.l1, run.config.beta) == (5e-5, beta)]
        for beta in (20, 50)
    ]
    assert min(pair[0]) > max(pair[1])
    lost, kept, _ = table["1e-4", "10"]
    assert kept < 1
    assert -0.35 < lost < 0


def test_every_beta_that_empties_the_layer_loses():
    page = said("why")
    assert "so does every β that leaves about a quarter of the first layer or less" in page
    sentence = (
        "accuracy is lost where the threshold leaves about a quarter of the first layer or less"
    )
    assert sentence in said("README")
    runs = why.beta_frame(stored("betas", "desk", BOOK)).groupby("x").mean(numeric_only=True)
    few = runs[runs.left < 27]
    assert list(few.index) == [5, 10, 20, 50, 100, 200]
    assert (few.accuracy < runs[runs.left > 27].accuracy.min()).all()


def test_a_constant_rate_leaves_what_the_reproduction_has():
    assert "about what a constant rate leaves in each" in said("why")
    words = why.numbers(gather(why.QUESTIONS, "desk", 0, train=False, store=BOOK))
    for config, runs in conditions(stored("schedule", "desk", BOOK)).items():
        if config.schedule == "constant":
            theirs = [float(x) for x in words[f"published-layers-{config.beta:g}"].split(", ")]
            ours = [np.mean(remaining(runs, layer)) for layer in ("conv1", "fc1", "fc2")]
            assert ours == pytest.approx(theirs, abs=5)


def test_sgd_that_stops_in_time_is_as_good():
    assert "(after 100 epochs β = 50 cannot be told from SGD)" in said("README")
    found = conditions(stored("length", "desk", BOOK))
    (short,) = (config for config in found if config.beta == 50 and config.epochs == 100)
    gain = difference(found, short, as_sgd(short))
    assert abs(gain.mean) < gain.half_width
    assert "Nor would it be if every run were stopped at its best" in said("table2")
    runs = by_method(stored("table2", "desk", BOOK))
    early = table2.numbers([run for group in runs.values() for run in group])
    assert float(str(early["early-sgd"]).split()[0].replace("−", "-")) < 0


def test_how_much_of_the_second_layer_is_left():
    page = said("figure3")
    assert "a few per cent of it left where here it is more than half" in page
    assert "in the widest and longest runs of [Scaling](scaling.ipynb) it is still a third" in page
    sparse = by_method(stored("table2", "desk", BOOK))[beta_lasso_method(50)]
    assert min(remaining(sparse, "fc1")) > 50
    for name in ("showpiece", "showpiece-autoaugment"):
        assert remaining(stored(name, "desk", BOOK), "fc1")[0] == pytest.approx(35, abs=2.5)


def test_in_float32_one_more_run_of_sgd_might_have_the_published_accuracy():
    page = said("claims")
    assert (
        "three seeds are no nearer in the mean, but few enough that the interval of one more"
        in page
    )
    usual = accuracies(by_method(stored("table2", "desk", BOOK))[scaling.SGD])
    assert mean_interval(usual).mean > published.table2(scaling.SGD).report
    (plain,) = (
        runs
        for config, runs in conditions(stored("precision", "desk", BOOK)).items()
        if config.precision == "fp32" and config.optimizer == "sgd"
    )
    ours = mean_interval(accuracies(plain))
    assert ours.n == 3
    away = claims._one_more(ours, published.table2(scaling.SGD).report)
    assert mean_interval(usual).mean - ours.mean < 0
    assert away.mean < away.half_width


def test_how_far_gains_scatter_from_seed_to_seed():
    assert "scatter from seed to seed by two to four tenths of a point" in said("scaling")
    found = [own_gains(other) for other in (scaling.SGD, scaling.B0)]
    scatter = [np.std([*at.values()], ddof=1) for gains in found for at in gains.values()]
    assert len(scatter) == 8
    assert min(scatter) > 0.15
    assert max(scatter) < 0.45


def test_every_run_with_a_threshold_of_5_is_below_those_up_to_2():
    assert "every run with β = 5 or more lies below every run with β up to 2" in said("why")
    assert "where a quarter of the layer is left" in said("why")
    runs = why.beta_frame(stored("betas", "desk", BOOK))
    small, large = runs[runs.x <= 2], runs[runs.x >= 5]
    assert large.accuracy.max() < small.accuracy.min()
    assert runs[runs.x == 5].left.mean() == pytest.approx(25, abs=2)


def test_crops_make_weights_gather_and_how_far_they_shift_hardly_matters():
    page = said("figure4")
    assert "Crops make weights gather; how far they shift hardly matters." in page
    assert "with flips alone more weights are left than with crops" in page
    crops = stored("crops", "desk", BOOK)
    rows = {row[0]: row for row in locality.crops_table(crops).rows}
    shown = locality.by_shift(crops)
    none, usual, far = (shown[name] for name in ("none", "usual", "far"))
    assert float(rows["0"][3].split()[0]) < 0.5 * float(rows["4"][3].split()[0])
    assert float(rows["0"][2]) > max(float(rows[shift][2]) for shift in ("2", "4", "8"))
    narrower, wider = locality.range_difference(none, usual), locality.range_difference(far, usual)
    assert narrower is not None
    assert wider is not None
    assert narrower.mean > 0  # where the crops' shift would make it fall
    assert wider.mean < 1  # where it would add up to eight pixels
    assert "crops of two pixels do most of that already" in page
    near, half = ([float(row[i].split()[0]) for row in rows.values()] for i in (3, 4))
    assert near[1] - near[0] > 2 * (max(near) - near[1]) > 0
    assert "Only the core of the clusters grows, and only from no crops to any" in page
    assert half[0] + 1 <= min(half[1:])
    assert max(half[1:]) - min(half[1:]) < 0.2


def test_sgd_chooses_momentum_and_weight_decay_for_every_network():
    assert "For every network SGD does best with both momentum and weight decay" in said("scaling")
    best = scaling.choices(stored("search", "desk", BOOK))
    found = [c.config for name, c in best.items() if c.config.optimizer == "sgd"]
    assert len(found) == 4
    assert all(config.momentum and config.weight_decay for config in found)


def test_a_threshold_is_best_at_a_larger_lambda():
    page = said("scaling")
    assert "β = 50 is best at λ = 1e-4, which leaves few weights of the first layer" in page
    assert "β = 0 and proximal ℓ1 are best at 2e-5. At 2e-4 they all lose points" in page
    frame = scaling.search_frame(stored("search", "desk", BOOK))
    means = frame.groupby(["series", "x"]).mean()
    largest = means.loc["β-LASSO, β = 50"]
    assert largest.accuracy.idxmax() == 1e-4
    assert largest.left[1e-4] < 5
    dense = [means.loc[name] for name in ("β-LASSO, β = 0", "proximal ℓ1")]
    assert all(table.accuracy.idxmax() == 2e-5 for table in dense)
    for table in (largest, *dense):
        assert table.accuracy.max() - table.accuracy[2e-4] > 3
    assert "hardly any weight is at zero" in page
    assert all(table.left.min() > 99 for table in dense)


def test_the_longer_search_gives_each_method_its_share_of_lambda():
    page = said("scaling")
    assert "With β = 50 a quarter of λ is best" in page
    assert "With β = 1 a half is best; β = 0 and proximal ℓ1 keep their λ" in page
    assert "a half is only a fraction of a point behind" in page
    records = stored("search-long", "desk", BOOK)
    best = scaling.choices(records)
    first = {name: max(r.config.l1 for r in runs) for name, runs in by_method(records).items()}
    shares = {name: choice.config.l1 / first[name] for name, choice in best.items()}
    assert shares == {
        "S-FC, proximal ℓ1": 1, scaling.B0: 1, scaling.B1: 0.5, scaling.B50: 0.25,
    }  # fmt: skip
    assert "it would have been the last of the ℓ1 methods, and not the first" in page
    kept, half, quarter = sorted(
        by_method(records)[scaling.B50], key=lambda run: run.config.l1, reverse=True
    )
    assert 0 < quarter.accuracy - half.accuracy < 0.005
    tops = {name: max(choice.means) for name, choice in best.items()}
    assert max(tops, key=tops.__getitem__) == scaling.B50
    assert 100 * kept.accuracy < min(tops.values())


def test_the_showpiece_pulls_as_far_as_was_best_in_the_widest_network():
    assert "the shrinkage over the whole training is that which was best at α = 8" in said(
        "scaling"
    )
    wide = scaling.by_width(stored("search-wide", "desk", BOOK))
    best = max(wide[max(wide)][scaling.B50], key=lambda run: run.accuracy).config
    assert best.base_channels == 8
    for config in [c for name in scaling.SHOWPIECE for c in STUDIES[name].configs("desk", 1)]:
        pull = best.l1 * best.epochs if config.beta else 0
        assert config.l1 * config.epochs == pytest.approx(pull)
    assert "λ times the number of epochs is what was best at α = 8" in said("reproduce")
    for name, value in l1_of(PAPER).items():
        assert value * PAPER.epochs == pytest.approx(getattr(best, name) * best.epochs)


def test_of_the_pieces_at_the_papers_size_the_search_is_the_longest():
    page = said("reproduce")
    assert (
        "The search is the longest of them; for the table alone leave it out, and CIFAR-100" in page
    )
    work, trained = [], set()
    for name, options in pieces_at_the_papers_size():
        lacking = set(STUDIES[name].configs("paper", **options)) - trained
        trained |= lacking  # what one piece has trained, the next ones do not train again
        work.append((sum(map(cost.training_flops, lacking)), name, options))
    of_cifar = [piece for piece in work if "dataset" not in piece[2]]
    assert of_cifar[0][1:] == ("figure3", {"epochs": 400, "betas": [50]})
    assert max(of_cifar, key=itemgetter(0))[1] == "search"
    assert all(done for done, *_ in work)  # each piece adds something


def pieces_at_the_papers_size():
    """The commands of the page, each a study and what it changes; not the one in the loop."""
    block = said("reproduce").partition("how fast is this GPU?")[2].partition("into the book")[0]
    for words in re.findall(r"lcs study (.+?) --device cuda", block):
        name, *options = words.split()
        pairs = {
            one.strip("-"): value for one, value in zip(options[::2], options[1::2], strict=True)
        }
        assert pairs.pop("scale") == "paper"
        changes = {"epochs": int, "betas": lambda beta: [float(beta)], "dataset": str}
        yield name, {one: changes[one](value) for one, value in pairs.items()}


def test_nothing_has_been_run_at_the_papers_size():
    for page in ("README", "intro"):
        assert "Nothing has been run at the paper's size yet" in said(page)
    assert "None of it has been run for this book yet" in said("reproduce")
    widths = {run.config.base_channels for run in BOOK.records() if hasattr(run.config, "model")}
    assert max(widths) < published.PAPER_BASE_CHANNELS


def test_readme_says_how_far_two_cores_get():
    page = said("README")
    assert "At α = 32, a fifth of the paper's width" in page
    assert "takes less than two hours on two cores" in page
    assert "passes what the paper's SGD reached at α = 150 after as many epochs" in page
    assert "SGD at α = 32, with flips and crops and as many epochs, is almost three points" in page
    (dense,) = stored("showpiece-sgd", "desk", BOOK)
    (run,) = stored("showpiece", "desk", BOOK)
    assert "zeros that stay zero, and with flips and crops alone" in page
    assert run.config.augment == "flip-crop"
    assert run.config.frozen_zeros
    assert run.provenance["seconds"] < 2 * 3600
    assert 100 * run.accuracy > published.SHORT[scaling.SGD]
    assert (dense.config.augment, dense.config.epochs) == (run.config.augment, run.config.epochs)
    assert 100 * (run.accuracy - dense.accuracy) == pytest.approx(2.85, abs=0.1)
    assert "β = 50 is ahead of it by {glue:text}`showpiece-gain` points" in said("scaling")
    assert "SGD also fits its training images less well" in said("scaling")
    fit = run.final["clean_train_accuracy"] - dense.final["clean_train_accuracy"]
    assert "so that β = 50 wins mostly by a better fit" in said("scaling")
    assert run.accuracy - dense.accuracy > fit > 0.75 * (run.accuracy - dense.accuracy)
    assert "That is more than at α = 8 in this chapter" in said("scaling")
    assert run.accuracy - dense.accuracy > max(own_gains(scaling.SGD)[8].values()) / 100
    assert "its weight decay, chosen for half the length and not halved as λ was" in said("scaling")
    (search,) = {
        (c.base_channels, c.epochs) for c in conditions(stored("search-augment", "desk", BOOK))
    }
    assert search == (8, dense.config.epochs // 2)
    assert "and about level at α = 8, in three seeds. At α = 32 it is ahead, in one" in said(
        "intro"
    )
    assert "with AutoAugment it stays just below" in page
    (strong,) = stored("showpiece-autoaugment", "desk", BOOK)
    assert 0 < published.SHORT[scaling.SGD] - 100 * strong.accuracy < 0.5
    assert "The training accuracy of our run is far above the test" in said("scaling")
    assert run.final["clean_train_accuracy"] - run.accuracy > 0.15
    assert (run.config.base_channels, run.config.epochs) == (32, 400)


def widths():
    grown = [r for name in ("scaling", "scaling-wide") for r in stored(name, "desk", BOOK)]
    return [*scaling.by_width(grown).values()]


def gains(one, other):
    return [paired(at[one], at[other]).mean for at in widths()]


def fit(runs):
    return np.mean(exhibits.train_accuracies(runs))


def overfit(runs):
    return np.subtract(exhibits.train_accuracies(runs), accuracies(runs))


def test_the_gain_of_the_threshold_at_each_width():
    page = said("scaling")
    assert "At the smallest width β = 50 is the last of all S-FC methods" in page
    smallest = widths()[0]
    assert all(paired(runs, smallest[scaling.B50]).mean >= 0 for runs in smallest.values()
               if runs[0].config.model == "s-fc")  # fmt: skip
    assert "at α = 2 it is level with them; at α = 4 it is ahead of them in the mean" in page
    assert "though no interval leaves out zero; at α = 8 it is ahead of β = 0 and β = 1 by" in page
    for other in (scaling.B0, scaling.B1, scaling.PROXIMAL):
        _, two, four, eight = (paired(at[scaling.B50], at[other]) for at in widths())
        assert abs(two.mean) < 0.15 < two.half_width
        assert 0 < four.mean < four.half_width
        if other != scaling.PROXIMAL:
            assert eight.mean - eight.half_width > 0
            assert eight.mean > 1
    assert "stays nearer to β = 50 than β = 0 does" in page
    assert "from α = 4 on nearer to β = 50 than β = 0 is" in page
    assert "It has the larger λ in the other layers" in page
    for at in widths()[2:]:
        near, far = (paired(at[scaling.B50], at[m]).mean for m in (scaling.PROXIMAL, scaling.B0))
        assert abs(near) < far
        rest = {m: at[m][0].config.l1_rest for m in (scaling.PROXIMAL, scaling.B0, scaling.B50)}
        assert max(rest, key=rest.__getitem__) == scaling.PROXIMAL
        assert remaining(at[scaling.PROXIMAL])[0] > 99
    assert "Its lead over β = 0 grows with every doubling" in page
    over_zero = gains(scaling.B50, scaling.B0)
    assert over_zero == sorted(over_zero)
    assert "SGD is ahead at α = 1, 2 and 4, but by less at each doubling from α = 2 on" in page
    assert "points from it, which three seeds cannot tell from zero" in page
    _, *rising = gains(scaling.B50, scaling.SGD)
    assert rising == sorted(rising)
    last = paired(widths()[-1][scaling.B50], widths()[-1][scaling.SGD])
    assert abs(last.mean) < last.half_width
    assert "stays behind SGD too, from α = 2 on by more than a point" in page
    first, *others = gains(scaling.B0, scaling.SGD)
    assert first < 0
    assert max(others) < -1


def test_the_gain_with_one_lambda_grows_in_every_seed():
    page = said("scaling")
    assert "But with one λ for all widths the gain grows too: the slope over SGD" in page
    assert "`law-slope-zero`, and both are positive in every seed" in page
    grown = [r for n in ("scaling", "scaling-wide") for r in stored(n, "desk", BOOK)]
    for other in (scaling.SGD, scaling.B0):
        gains_of = scaling.gains_by_width(grown, other).groupby("seed")
        slopes = [scaling.law(runs).slope.mean for _, runs in gains_of]
        assert len(slopes) == 3
        assert min(slopes) > 0


def own_widths():
    return [*scaling.by_width(stored("scaling-own", "desk", BOOK)).values()]


def test_readme_says_who_is_ahead_by_the_papers_recipe():
    page = said("README")
    assert "SGD, now with momentum and weight decay, is ahead of β = 50 at α = 1, 2 and 4" in page
    assert "by less and less from α = 2 on; at α = 8 three seeds cannot tell them apart" in page
    assert "With λ of β = 50 chosen at each width it is ahead there in all three" in page
    assert "by less than half a point in the mean, which is no more certain" in page
    assert [len(at[scaling.B50]) for at in widths()] == [3, 3, 3, 3]
    for at in widths()[:3]:
        behind = paired(at[scaling.SGD], at[scaling.B50])
        assert behind.mean > behind.half_width
    assert {len(at[scaling.B50]) for at in own_widths()} == {3}
    found = [paired(at[scaling.B50], at[scaling.SGD]) for at in own_widths()]
    means = [gain.mean for gain in found]
    assert means[1:] == sorted(means[1:])
    assert 0.4 < means[-1] < 0.5
    assert found[-1].half_width > means[-1]
    assert max(means[:-1]) < 0
    assert min(own_gains(scaling.SGD)[8].values()) > 0


def own_gains(other):
    """Gains of β = 50 with λ of each width, by width and seed."""
    table = scaling.gains_by_width(stored("scaling-own", "desk", BOOK), other)
    return {width: dict(zip(at.seed, at.gain, strict=True)) for width, at in table.groupby("x")}


def test_the_law_in_every_seed():
    page = said("scaling")
    assert "Both slopes are positive in each of the three seeds, and both intervals leave" in page
    assert "up to α = 4 alone neither slope can be told from zero" in page
    own = stored("scaling-own", "desk", BOOK)
    assert "The paper's gain over SGD lies above the interval of the line's end" in page
    assert "its gain over β = 0 within it, below the line" in page
    above = []
    for other in (scaling.SGD, scaling.B0):
        table = scaling.gains_by_width(own, other)
        line = scaling.law(table)
        assert line.slope.mean > line.slope.half_width
        more = scaling._of_paper(scaling.B50, other) - line.forecast.mean
        above.append(more / line.forecast.half_width)
        narrow = scaling.law(table[table.x < 8]).slope
        assert abs(narrow.mean) < narrow.half_width
        alone = [scaling.law(runs).slope.mean for _, runs in table.groupby("seed")]
        assert len(alone) == 3
        assert min(alone) > 0
    assert above[0] > 1
    assert -1 < above[1] < 0
    assert "though neither withstands the correction for many" in page
    assert "Three seeds tell both slopes from zero, but not after correction for many" in page
    verdicts = [row[5] for row in claims.table(BOOK).rows if "chosen at each width, its" in row[0]]
    assert verdicts == ["holds, but not after correction"] * 2


def test_at_the_largest_width_the_run_is_above_the_line_through_the_others():
    page = said("scaling")
    assert "as much as the line promises at α = 150; but it has another augmentation" in page
    line = scaling.law(scaling.gains_by_width(stored("scaling-own", "desk", BOOK)))
    (sparse,), (dense,) = (stored(name, "desk", BOOK) for name in ("showpiece", "showpiece-sgd"))
    assert 100 * (sparse.accuracy - dense.accuracy) == pytest.approx(line.forecast.mean, abs=0.1)
    assert "half as large for twice the length. The weight decay of SGD stayed as it was" in page
    tried = [r for r in stored("search-augment", "desk", BOOK) if r.config.augment == "flip-crop"]
    for run, name, ratio in ((sparse, "l1", 0.5), (dense, "weight_decay", 1.0)):
        same = [r for r in tried if r.config.optimizer == run.config.optimizer]
        best = max(same, key=lambda r: r.accuracy).config
        assert run.config.epochs == 2 * best.epochs
        assert getattr(run.config, name) == pytest.approx(ratio * getattr(best, name))


def test_the_baselines_have_no_use_for_more_regularisation_in_a_wide_network():
    page = said("scaling")
    assert "until the best lies between two that are worse" in page  # held in test_scaling
    assert "At α = 8 both keep what was chosen at α = 2; with half or twice as much they" in page
    assert "as far as one seed can tell, neither wants more or less regularisation" in page
    assert "is better by a tenth of a point with twice the λ that was chosen for it" in page
    searched = scaling.by_width(stored("search-rivals", "desk", BOOK))
    less, twice, _ = sorted(searched[2][scaling.B0], key=lambda r: r.config.l1)
    assert 100 * (twice.accuracy - less.accuracy) == pytest.approx(0.1, abs=0.05)
    for runs in searched[8].values():
        assert len(runs) == 3
        half, usual, twice = sorted(runs, key=lambda r: (r.config.weight_decay, r.config.l1))
        assert usual.accuracy - max(half.accuracy, twice.accuracy) > 0.005
        there = chosen(usual.config, "s-fc", usual.config.optimizer, 0.0)
        assert usual.config == there


def test_the_best_lambda_grows_at_the_largest_width():
    page = said("scaling")
    assert "Up to α = 4 it stays where it was, at α = 4 by a narrow margin" in page
    searched = scaling.by_width(stored("search-wide", "desk", BOOK))[4][scaling.B50]
    second, best = sorted(run.accuracy for run in searched)[-2:]
    assert best - second < 0.001
    assert "At α = 8 twice as much is best" in page
    assert "leaves less than a hundredth of the first layer" in page
    assert [OWN[w] for w in WIDTHS] == [0.25, 0.25, 0.25, 0.5]  # held to the search in test_scaling
    largest = own_widths()[-1][scaling.B50]
    assert remaining(largest)[0] < 1
    assert "is worth {glue:text}`own-common` points, which three seeds cannot tell" in page
    assert "in the mean the training accuracy is more than half a point lower than" in page
    assert "and the gap is smaller in every seed" in page
    assert "in all three seeds and by less than half a point in the mean" in page
    before = widths()[-1][scaling.B50]
    more = paired(largest, before)
    assert 0 < more.mean < more.half_width
    fitted = paired(largest, before, exhibits.train_accuracies)
    assert -1 < fitted.mean < -0.5
    assert all(a < b for a, b in zip(overfit(largest), overfit(before), strict=True))


def test_the_other_networks_at_each_width():
    page = said("scaling")
    assert "it is the last of all at α = 1, and ahead of every S-FC at α = 8" in page
    first, *_, last = widths()
    means = [{m: np.mean(accuracies(runs)) for m, runs in at.items()} for at in (first, last)]
    assert min(means[0], key=means[0].__getitem__) == "S-CONV, SGD"
    dense = [value for name, value in means[1].items() if name.startswith("S-FC")]
    assert means[1]["S-CONV, SGD"] > max(dense)
    assert "S-FC is worse than a 3-FC of its size up to α = 4. At α = 8 it is better" in page
    assert [gain > 0 for gain in gains("3-FC, SGD", scaling.SGD)] == [True, True, True, False]
    assert "because the 3-FC falls, on its training images too" in page
    deep = [at["3-FC, SGD"] for at in widths()[-2:]]
    assert paired(deep[1], deep[0]).mean < 0
    assert fit(deep[1]) < fit(deep[0])
    assert "There S-CONV is ahead of S-LOCAL, and β = 0 of SGD." in page
    for at in widths():
        assert paired(at["S-CONV, SGD"], at[scaling.LOCAL]).mean < 0
        assert paired(at[scaling.B0], at[scaling.SGD]).mean < 0
    assert "ours falls further behind with every doubling" in page
    behind = gains(scaling.LOCAL, scaling.B50)
    assert behind == sorted(behind)


def test_what_is_gained_is_gained_in_the_fit():
    page = said("scaling")
    assert "At every width the gap of β = 50 is smaller than that of SGD in the mean" in page
    assert "but what it loses in the fit is more" in page
    assert "it is by the better fit, and not by a smaller gap" in page
    for at in widths():
        largest, sgd, zero = (at[m] for m in (scaling.B50, scaling.SGD, scaling.B0))
        less = overfit(sgd).mean() - overfit(largest).mean()
        assert 0 < less < fit(sgd) - fit(largest)
        if paired(largest, zero).mean > 0:
            assert fit(largest) > fit(zero)
            assert overfit(largest).mean() > overfit(zero).mean()


def test_momentum_and_decay_help_only_together():
    page = said("scaling")
    assert "neither the larger learning rate nor momentum alone is of use to SGD" in page
    assert "momentum and weight decay together add two" in page
    assert "β = 50 is ahead of the plain SGD, as in the chapters before, and behind SGD" in page
    assert "the larger learning rate is of no use to it either" in page
    found = {(c.beta, c.lr, c.momentum, c.weight_decay): 100 * runs[0].accuracy
             for c, runs in conditions(stored("momentum", "desk", BOOK)).items()}  # fmt: skip
    plain = found[0, 0.1, 0, 0]
    assert max(found[0, 1, 0, 0], found[0, 0.1, 0.9, 0]) < plain
    assert 0.5 < found[0, 0.1, 0, 5e-4] - plain < 1
    assert found[0, 0.1, 0.9, 5e-4] - plain == pytest.approx(2, abs=0.1)
    assert plain + 0.5 < found[50, 0.1, 0, 0] < found[0, 0.1, 0.9, 5e-4]
    assert found[500, 1, 0, 0] < found[50, 0.1, 0, 0]


def test_a_raised_lambda_makes_up_for_length_in_weights_alone():
    page = said("scaling")
    assert "leave even fewer weights in the first layer than the longest" in page
    assert "every method, SGD too, is well behind its own longest run" in page
    assert "right to a factor of about two" in page
    assert "β > 0 is ahead of β = 0 with the raised λ, and behind it with the usual one" in page
    found = conditions(stored("reach", "desk", BOOK))
    kept = {(c.epochs, c.beta): runs for c, runs in found.items()}
    longest, sgd = kept[200, 50], [r for c, runs in found.items() if c.beta == 0 for r in runs]
    assert {r.config.optimizer for r in sgd} == {"sgd", "beta-lasso"}
    tops = {r.config.epochs: r.accuracy for r in sgd if r.config.optimizer == "sgd"}
    for epochs, beta in ((50, 12.5), (100, 25)):
        raised, usual = kept[epochs, beta], kept[epochs, 50]
        assert remaining(longest)[0] / 2.3 < remaining(raised)[0] < remaining(longest)[0] < remaining(usual)[0] / 2
        plain = {c.l1: runs[0].accuracy for c, runs in found.items()
                 if (c.epochs, c.beta, c.optimizer) == (epochs, 0, "beta-lasso")}  # fmt: skip
        assert raised[0].accuracy > plain[raised[0].config.l1]
        assert usual[0].accuracy < plain[usual[0].config.l1]
        assert raised[0].accuracy < longest[0].accuracy - 0.015
        assert tops[epochs] < tops[200] - 0.015


def test_how_many_seeds_the_chapter_has():
    page = said("scaling")
    assert "Up to α = 8 every method has three seeds; the searches and the other runs of" in page
    assert "for 200 epochs, from three seeds, and once α = 32 for 400, from one" in page
    names = [study.name for study in CHAPTERS["scaling"]]
    found = gather(names, "desk", 0, train=False, store=BOOK)
    for name, runs in found.items():
        three = name in ("scaling", "scaling-wide", "scaling-own")
        seeds = {run.config.seed for run in runs}
        assert seeds == {0, 1, 2} if three else seeds <= {0}, name


def test_at_the_smallest_width_beta_50_is_behind_beta_0_in_every_seed():
    assert "in all three seeds, though not by more than they scatter" in said("why")
    (gap,) = (paired(at[scaling.B50], at[scaling.B0]) for at in own_widths()[:1])
    assert max(own_gains(scaling.B0)[1].values()) < 0
    assert abs(gap.mean) < gap.half_width


def test_units_gather_more_where_fewer_weights_are_left():
    page = said("scaling")
    assert "with twice the λ, which leaves a sixth of the weights" in page
    own = own_widths()[-1][scaling.B50][0]
    common = widths()[-1][scaling.B50][0]
    kept = [run.final["nonzeros"]["conv1"] for run in (own, common)]
    assert kept[0] / kept[1] == pytest.approx(1 / 6, rel=0.05)
    assert own.config.l1 == 2 * common.config.l1
    local = own_widths()[-1][scaling.LOCAL][0]
    largest = stored("showpiece-autoaugment", "desk", BOOK)
    runs = [widths()[0][scaling.B50][0], common, own, *largest, local]
    near = [locality.pair_correlation(run)[0] for run in runs]
    assert near == sorted(near)
    assert "All of them gather, up to about ten pixels" in page
    assert "over about ten pixels, S-LOCAL's over nine, but much less tightly" in page
    assert clustering_range(locality.pair_correlation(local)) == pytest.approx(8.7, abs=0.3)
    assert near[-1] > 1.5 * near[-2]
    for run in runs:
        assert clustering_range(locality.pair_correlation(run)) == pytest.approx(10, abs=2)
    assert "the units that still have the 20 weights that it takes, less than half" in page
    counts = runs[-2].final["fan_in"]["conv1"]  # by the number of binary digits
    assert sum(counts[:5]) > sum(counts) / 2


def test_flips_and_crops_alone_are_better_at_this_length():
    page = said("scaling")
    found = {(r.config.augment, r.config.optimizer, r.config.weight_decay, r.config.l1): r
             for r in stored("search-augment", "desk", BOOK)}  # fmt: skip

    def of(record):
        return 100 * np.array([record.accuracy, record.final["clean_train_accuracy"]])

    assert "both methods gain more than two points" in page
    assert "by more than two points at this length, and the two stay as close" in said("README")
    assert "and their training accuracy about ten and seven" in page
    for name, values, more in (("sgd", (5e-4, 0), 10), ("beta-lasso", (0, 5e-5), 7)):
        gained = of(found["flip-crop", name, *values]) - of(found["autoaugment", name, *values])
        assert gained[0] > 2
        assert gained[1] == pytest.approx(more, abs=0.5)
    assert "SGD has a use for more weight decay now, but a small one: twice what was" in page
    usual, twice = (found["flip-crop", "sgd", decay, 0].accuracy for decay in (5e-4, 1e-3))
    assert 0 < twice - usual < 0.005
    assert "with twice as much it is left with a fifth of its weights, and loses a point" in page
    usual, twice = (found["flip-crop", "beta-lasso", 0, l1] for l1 in (5e-5, 1e-4))
    assert usual.accuracy - twice.accuracy == pytest.approx(0.01, abs=0.002)
    assert remaining([twice])[0] / remaining([usual])[0] == pytest.approx(0.2, abs=0.02)
    assert "more where a network overfits more. Here it hardly does." in page
    found_gains = scaling.augment_numbers(list(found.values())).values()
    strong, weak = (float(gain.replace("−", "-")) for gain in found_gains)
    assert 0 < strong < weak < strong + 0.2


def test_half_as_many_epochs_without_autoaugment_are_no_worse():
    assert "after half as many epochs, and it is there no worse than here" in said("scaling")
    weak = {run.config.augment for run in stored("width", "desk", BOOK)}
    assert weak == {"flip-crop"}
    short = scaling.by_width(stored("width", "desk", BOOK))
    assert short.keys() == {1, 4, 8}
    for at in own_widths():
        ours = at[scaling.B50]
        if (width := ours[0].config.base_channels) in short:
            there = short[width][scaling.B50]
            assert 2 * there[0].config.epochs == ours[0].config.epochs
            assert np.mean([r.accuracy for r in there]) > ours[0].accuracy


def test_the_answers_on_growing_width():
    page = said("scaling")
    assert "with one λ for all widths it does not get above zero" in page
    assert max(gains(scaling.B50, scaling.SGD)) < 0
    own = {name: [paired(at[one], at[other]).mean for at in own_widths()] for name, one, other in (
        ("zero", scaling.B50, scaling.B0), ("local", scaling.LOCAL, scaling.B50))}  # fmt: skip
    assert "Over β = 0 it rises with every doubling in all three seeds" in page
    assert "About a third of the last gain comes with the λ that was chosen anew" in page
    for seed in (0, 1, 2):
        gained = [at[seed] for at in own_gains(scaling.B0).values()]
        assert gained == sorted(gained)
    common = paired(widths()[-1][scaling.B50], widths()[-1][scaling.B0]).mean
    assert common / own["zero"][-1] == pytest.approx(2 / 3, abs=0.05)
    assert "though in two of the three seeds it falls before it rises" in page
    first, *others = ([at[s] for at in own_gains(scaling.SGD).values()] for s in (0, 1, 2))
    assert first == sorted(first)
    for other in others:
        assert other[1] < other[0] < other[2] < other[3]
    assert own["zero"] == sorted(own["zero"])
    assert own["zero"][0] < 0 < own["zero"][-1]
    assert own["local"] == sorted(own["local"])
    assert "In a wide network it leaves fewer weights than S-LOCAL has" in page
    largest = own_widths()[-1]
    counts = [largest[m][0].final["nonzeros"]["conv1"] for m in (scaling.B50, scaling.LOCAL)]
    assert counts[0] < counts[1]


def test_the_chapter_takes_every_number_and_no_other():
    none = dict.fromkeys(scaling.SHOWPIECE, ())
    made = scaling.numbers([]) | scaling.own_numbers([], []) | scaling.augment_numbers([])
    made |= scaling.showpiece_numbers(none, []) | scaling.units_numbers([])
    taken = set(re.findall(r"\{glue:text\}`([\w-]+)", said("scaling")))
    assert made.keys() <= taken
    assert {name for name in taken - made.keys() if not name.startswith("near-")} == set()


def test_the_usual_crops_are_not_the_best():
    assert "crops of half the usual shift give the best accuracy" in said("figure4")
    found = conditions(stored("crops", "desk", BOOK))
    means = {c.crop_shift: np.mean([r.accuracy for r in runs]) for c, runs in found.items()}
    assert max(means, key=means.__getitem__) == 2
    assert max(means) == 8
    assert "how far the crops shift hardly matters" in said("figure4")


def test_smooth_is_not_local():
    assert "S-LOCAL, all of whose filters are local, has little of it" in said("figure4")
    assert "They are less smooth, by Moran's I; but so are those of S-LOCAL" in said("figure4")
    runs = by_method(stored("figure4", "desk", BOOK))
    smooth = {
        name: np.mean([run.final["locality"]["morans_i"]["mean"] for run in group])
        for name, group in runs.items()
    }
    assert smooth[scaling.LOCAL] < smooth[scaling.B50] < smooth[scaling.SGD]


def test_a_lambda_of_the_paper_is_too_small_for_short_runs():
    page = said("why")
    assert "Up to λ = 2e-5, the end of the paper's search, β = 50 is level with SGD" in page
    found = conditions(stored("recipe", "desk", BOOK))
    sparse = {c.l1: c for c in found if c.beta == 50 and c.l1_rest == 1e-6}
    gains_over_zero = {}
    for l1, config in sparse.items():
        gain = difference(found, config, as_sgd(config))
        zero = next(c for c in found if c.beta == 0 and c.l1 == 2e-5)
        over_zero = gains_over_zero[l1] = difference(found, config, zero)
        if l1 <= 2e-5:
            assert abs(gain.mean) < 0.5
            assert over_zero.mean + over_zero.half_width < 0
        else:
            assert gain.mean > 1
    assert "at 1e-4 it is about as accurate, with a two-hundredth of the layer left" in page
    assert "and of β = 0 with the reproduction's λ by less than the interval" in page
    assert 0 < gains_over_zero[5e-5].mean < gains_over_zero[5e-5].half_width
    assert remaining(found[sparse[1e-4]])[0] == pytest.approx(0.5, abs=0.1)
    assert "over β = 0 with the reproduction's λ it gains less at α = 4" in page
    strong = next(c for c in found if c.beta == 50 and c.l1_rest == 1e-5)
    same, usual = (difference(found, strong, next(c for c in found if c.beta == 0 and c.l1 == l1
                   and c.optimizer == "beta-lasso")) for l1 in (5e-5, 2e-5))  # fmt: skip
    assert usual.mean < same.mean


def test_on_cifar100_the_methods_can_hardly_be_told_apart():
    assert "There the methods can hardly be told apart" in said("table2")
    assert "The cost of the threshold on CIFAR-10 is not seen here" in said("table2")
    runs = by_method(stored("cifar100", "desk", BOOK))
    for other in (scaling.SGD, scaling.B1):
        gain = paired(runs[scaling.B50], runs[other])
        assert abs(gain.mean) < gain.half_width


def test_the_first_layer_falls_below_s_local_in_wider_networks():
    assert "stays above S-LOCAL's number of weights" in said("figure3")
    assert "by the paper's recipe wider networks fall below it here too" in said("figure3")
    table = by_method(stored("table2", "desk", BOOK))
    pairs = [(table[scaling.B50], table[scaling.LOCAL])]
    pairs += [(at[scaling.B50], at[scaling.LOCAL]) for at in own_widths()[-2:]]
    below = [
        all(run.final["nonzeros"]["conv1"] < local[0].final["weights"]["conv1"] for run in sparse)
        for sparse, local in pairs
    ]
    assert below == [False, True, True]


def test_the_toy_needs_no_beta_of_eta_if_the_step_decays():
    page = said("toy")
    assert "with a step that decays, at any β between zero and η, and the smaller it is" in page
    ours = toy_exhibits.cells(stored("toy", "desk", BOOK))
    ours = ours[(ours.optimizer == "beta-lasso") & (ours.schedule == "cosine")]
    (lr,) = {run.config.lr for run in stored("toy", "desk", BOOK)}
    low = ours[(ours.beta > 0) & (ours.beta <= lr)]
    shares = low.groupby(["observations", "beta"]).recovered.mean()
    assert shares[shares.index.levels[0].max()].min() > 0.999
    few = [*shares[shares.index.levels[0].min()]]
    assert few == sorted(few, reverse=True)


def test_the_reproduction_beside_ours():
    page = said("table2")
    assert "values for β = 0, 1 and 50 lie where one more run of ours would" in page
    assert "that of SGD is lower than any of ours" in page
    assert "its lead of β = 1 over β = 0 is not seen here" in page
    groups = by_method(stored("table2", "desk", BOOK))
    assert published.table2(scaling.SGD).report < min(accuracies(groups[scaling.SGD]))
    rows = {row[0]: row[5] for row in claims.table(BOOK).rows}
    near = [rows[f"At α = 1, β-LASSO, β = {beta} reaches this accuracy"] for beta in (0, 1, 50)]
    assert near == ["compatible"] * 3
    lead = published.table2(scaling.B1).report - published.table2(scaling.B0).report
    ours = paired(groups[scaling.B1], groups[scaling.B0])
    assert lead > ours.mean + ours.half_width > 0 > ours.mean - ours.half_width


def test_to_spare_the_upper_layers_does_not_help_a_large_beta():
    page = said("why")
    assert "does not help β = 50 to spare the upper layers: it is worse than with λ every" in page
    found = conditions(stored("first-layer", "desk", BOOK))
    (alone,) = (c for c in found if c.beta == 50 and c.l1_rest == 0 and not c.frozen_zeros)
    less = difference(found, alone, alone.replace(l1_rest=None))
    assert less.mean < -less.half_width


def test_a_larger_lambda_without_augmentation_and_with_it():
    page = said("why")
    assert "There a larger λ makes β = 50 lose more; together with augmentation it leaves" in page
    found = conditions(stored("factorial", "desk", BOOK))
    cell = [c for c in found if c.loss == "bce" and c.beta == 50]
    loss = {(c.augment, c.l1_rest is None): difference(found, c, AGAINST["β = 0"](c)) for c in cell}
    assert loss["none", False].mean < loss["none", True].mean < 0
    none_seen = loss["flip-crop", False]
    assert abs(none_seen.mean) < none_seen.half_width


def test_what_sparse_products_gain():
    page = said("engine")
    assert (
        "the algorithm as it is gains nothing, and with zeros that stay a quarter at most" in page
    )
    frame = engine.density_frame(engine.load("parts"))
    at = frame[frame.density == 5].groupby("mode").ratio
    assert 0.95 < at.min()["exact"] < at.max()["exact"] < 1.1
    assert 0.75 < at.min()["frozen"] < at.max()["frozen"] < 1
    assert "We had aimed at half: frozen zeros reach it, the algorithm as it is does not" in page
    words = engine.epoch_numbers(engine.load("parts"))
    exact, frozen = (float(words[f"epoch-{mode}"].split()[0]) for mode in ("exact", "frozen"))
    assert frozen < 0.5 < exact < 1


def test_how_near_its_floor_each_network_is():
    page = said("engine")
    assert "S-LOCAL, whose patches are copied in every step, takes almost three times its" in page
    assert "they take more time alone than the step that they make up, and the optimizer" in page
    assert "At α = 8 it makes no difference; at α = 32 a step takes a little less in the" in page
    (whole,) = (t["times"] for t in engine.load("parts")["tables"]
                if t["title"].startswith("S-FC, α = 16: a step"))  # fmt: skip
    times = {name: np.median(rounds) for name, rounds in whole.items()}
    parts = times["inputs"] + times["forward and backward"] + times["optimizer"]
    assert parts > 1.1 * times["whole step"]
    assert times["optimizer"] < times["floor: pass of the optimizer"]
    kept = [one["ratios"][0]["median"] for one in engine.load("memory")["tables"]]
    assert kept[:2] == pytest.approx([1, 1], abs=0.02)
    assert max(kept[2:]) < 0.95
    tables = {one["title"]: one for one in engine.load("parts")["tables"]}

    def over_floor(net):
        (one,) = (t for title, t in tables.items() if title.startswith(f"{net}, α = 16: a step"))
        return {r["ratio"]: r["median"] for r in one["ratios"]}["step with flip-crop / floor"]

    assert 2.5 < over_floor("S-LOCAL") < 3
    assert over_floor("S-FC") < over_floor("S-CONV") < 1.5


def test_images_are_normalised_in_one_way_in_scaling_and_in_another_before():
    assert "every colour channel has mean 0 and variance 1" in said("scaling")
    assert "the chapters before this one map pixels to −1 … 1" in said("scaling")
    for chapter, studies in CHAPTERS.items():
        networks = [study.name for study in studies if study.name != "toy"]
        found = {r.config.normalize for name in networks for r in stored(name, "desk", BOOK)}
        assert found <= {"standard" if chapter == "scaling" else "half"}, chapter


def test_who_is_how_local_by_the_papers_recipe():
    page = said("scaling")
    assert "is a few points less local than β = 50, and β = 0, whose λ is smaller, a little" in page
    assert "With twice the λ, at α = 8, β = 50 is far ahead" in page
    for at in widths():
        sgd, zero, fifty = (windows(at[m]).mean() for m in (scaling.SGD, scaling.B0, scaling.B50))
        assert 0.01 < fifty - sgd < 0.04
        assert at[scaling.B0][0].config.l1 < at[scaling.B50][0].config.l1
        assert 0 < zero - fifty < 0.03
    widest = own_widths()[-1]
    assert windows(widest[scaling.B50]).mean() - windows(widest[scaling.B0]).mean() > 0.08


def test_what_frozen_zeros_forgo_in_the_largest_networks():
    page = said("engine")
    assert "would as much as a hundredth of the first layer have returned" in page
    assert "but this is up to about a quarter of the weights that it had" in page
    assert "In the second layer it is up to a seventh of all weights, in the third more" in page
    assert "They do not, for hardly any unit dies." in page
    runs = [r for n in ("showpiece", "showpiece-autoaugment") for r in stored(n, "desk", BOOK)]
    shares = {
        layer: [max(r.history["forgone"][layer]) / r.final["weights"][layer] for r in runs]
        for layer in ("conv1", "fc1", "fc2")
    }
    assert 0 < max(shares["conv1"]) < 0.01
    assert 1 / 8 < max(shares["fc1"]) < 1 / 7
    assert 1 / 3 < max(shares["fc2"]) < 0.4
    assert float(would_revive_of_remaining_text(runs)) == pytest.approx(25, abs=2)
    for run in runs:
        dead, units = run.final["fan_in"]["conv1"][0], sum(run.final["fan_in"]["conv1"])
        assert dead < 1e-3 * units


def test_what_freezing_holds_back_at_each_beta():
    assert "would have let as much as {glue:text}`forgone-1` %" in said("why")
    runs = [r for r in stored("frozen", "desk", BOOK) if r.config.frozen_zeros]
    counted = [r for r in runs if "forgone" in r.history]
    assert 0 < len(counted) < len(runs)  # "in some of these runs"
    most = {beta: would_revive_text([r for r in runs if r.config.beta == beta]) for beta in (1, 50)}
    assert float(most[1]) > 50
    assert float(most[50]) < 1
