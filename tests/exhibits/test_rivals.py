"""Rivals at equal budgets: which runs are compared, at how many weights, and what is said."""

import dataclasses

import numpy as np
import pytest
from helpers.made_up_records import configs, made_up

from lcs import data
from lcs.exhibits import find_study
from lcs.exhibits.choose import choose
from lcs.exhibits.rivals import CLAIMS, methods, results
from lcs.exhibits.rivals.methods import DENSE, ITERATIVE, OWN, RIVALS, rival
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.compare import joined
from lcs.exhibits.shared.verdicts import verdict
from lcs.optim.learning_rate import learning_rate


def recorded(config, accuracy):
    """A record with the whole history of a training that ends with a tenth of each layer."""
    record = made_up(config, accuracy)
    counts = {name: [count, count] for name, count in record.final["nonzeros"].items()}
    history = {"epoch": [1, config.epochs], "nonzeros": counts}
    locality = {**record.final["locality"], "eligible": 100}
    final = {**record.final, "locality": locality, "pair_correlation": [2.0, 1.0, None]}
    final["fan_in"] = {"conv1": [7, 249]}
    return dataclasses.replace(record, history=history, final=final)


def records(ahead, study="rivals"):
    """Runs in which β = 50 is so many points ahead."""

    def accuracy(config):
        return 60 + config.seed + (ahead if rival(config) == OWN else 0.01 * config.seed)

    return [recorded(c, accuracy(c)) for c in find_study(study).configs("desk", 3)]


def both(many, few):
    """The records of each budget, by the study's name."""
    return {
        "rivals": records(many) + records(many, "rivals-iterative"),
        "rivals-few": records(few, "rivals-few"),
    }


def test_every_method_is_at_both_budgets():
    runs = both(1, 1)
    many, few = map(results.by_rival, runs.values())
    assert [*many] == [DENSE, *RIVALS]
    assert [*few] == [name for name in RIVALS if name != ITERATIVE]
    for name, own in few.items():
        one, other = many[name][0].config, own[0].config
        assert one.density > other.density or one.l1 < other.l1
        assert len(many[name]) == len(own) == 3


RESTARTS = {
    "rivals": ("rivals-restart",),
    "rivals-wider": ("rivals-wider-restart", "rivals-wider-restart-sgd"),
}


@pytest.mark.parametrize(("compared", "again"), RESTARTS.items())
def test_a_restart_is_that_of_one_shot_pruning_without_the_cut(compared, again):
    runs = {run.optimizer: run for name in again for run in find_study(name).configs("desk", 1)}
    dense, sparse = runs["sgd"], runs["beta-lasso"]
    place = {rival(config): config for config in find_study(compared).configs("desk", 1)}
    cut, own = place["one-shot"], place[OWN]
    uncut = {"pruning": "none", "density": 1.0, "density_rest": None}
    assert dense == cut.replace(schedule="cosine-restart", **uncut)
    assert sparse == own.replace(schedule="cosine-restart", period=cut.period)
    rates = [
        [learning_rate(one, epoch) / one.lr for epoch in range(one.epochs)]
        for one in (dense, sparse, cut)
    ]
    assert rates[0] == pytest.approx(rates[2])
    assert rates[1] == pytest.approx(rates[2])


def test_the_threshold_alone_is_the_same_threshold():
    place = results.by_rival(records(1))
    sparse, alone = (place[name][0].config for name in (OWN, methods.NO_L1))
    assert alone.beta * alone.l1 == pytest.approx(sparse.beta * sparse.l1)
    assert alone.l1 < 0.01 * sparse.l1


def test_a_run_costs_as_much_as_the_others_or_four_times():
    for name, own in results.by_rival(both(1, 1)["rivals"]).items():
        assert own[0].config.epochs == (200 if name == ITERATIVE else 50), name


def test_candidates_are_as_many_for_every_method():
    found = {}
    for config in find_study("search-pruning").configs("desk", 1):
        found.setdefault(methods.key(config), []).append(config)
    assert {len(runs) for runs in found.values()} == {4}
    assert all(len({(c.lr, c.l1, c.weight_decay) for c in runs}) == 4 for runs in found.values())


def test_the_wider_network_keeps_what_the_best_lambda_leaves(monkeypatch):
    """Candidates are as many for every method; masks of all runs keep as many weights."""
    configs = find_study("search-wider-budget").configs("desk", 1)
    runs = [
        made_up(config, accuracy, left)
        for config, accuracy, left in zip(configs, (60, 64, 62), (90, 30, 10), strict=True)
    ]
    found = choose("search-wider-budget", runs)
    assert found == {"β = 50": {"share": 1.0, "density": 0.03, "density_rest": 0.75}}
    monkeypatch.setitem(settings.CHOSEN, "search-wider-budget", found)

    tried, best = {}, {}
    for config in find_study("search-wider").configs("desk", 1):
        tried.setdefault(methods.key(config), []).append(methods.values(config))
        best[methods.key(config)] = methods.values(config)
    assert {len(candidates) for candidates in tried.values()} == {len(configs)}
    monkeypatch.setitem(settings.CHOSEN, "search-wider", best)

    place = {rival(c): c for name in results.WIDER for c in find_study(name).configs("desk", 1)}
    assert place.keys() == {DENSE, *RIVALS, methods.S_LOCAL}, "every method, in one of the studies"
    own, iterative = place[OWN], place[ITERATIVE]
    assert (own.l1, own.epochs) == (configs[1].l1, configs[1].epochs)
    assert iterative.epochs == 4 * own.epochs
    masks = [c for c in place.values() if c.pruning != "none"]
    assert {(c.density, c.density_rest, c.base_channels) for c in masks} == {(0.03, 0.75, 4)}
    chosen = settings.CHOSEN["search-pruning-long"] | best
    searched = [place[DENSE], *masks]
    assert all(methods.values(c) == chosen[methods.key(c)] for c in searched)


def test_allocation_keeps_the_total_and_the_rule():
    for config in find_study("rivals").configs("desk", 1):
        if config.pruning != "random":
            continue
        first, second, _ = (layer.weights for layer in config.layer_sizes().values())
        inputs = 3072
        units = first // inputs
        new = methods.erdos_renyi(config)
        kept = new.density * first, new.density_rest * second
        assert sum(kept) == pytest.approx(config.density * first + config.density_rest * second)
        rule = (inputs + units) / (units + second // units)
        assert kept[0] / kept[1] == pytest.approx(rule, rel=1e-5)


def test_a_layer_is_at_most_dense():
    configs = find_study("rivals").configs("smoke", 1)
    config = next(c for c in configs if c.pruning == "random")
    sizes = [layer.weights for layer in config.layer_sizes().values()][:2]
    for shares in (0.9, 0.99), (0.99, 0.9), (1.0, 0.5):
        new = methods.erdos_renyi(config.replace(density=shares[0], density_rest=shares[1]))
        kept = new.density, new.density_rest or new.density
        assert max(kept) <= 1
        assert np.dot(kept, sizes) == pytest.approx(np.dot(shares, sizes))


def test_budgets_are_the_nearest_candidates():
    configs = find_study("search-budgets").configs("desk", 1)
    runs = []
    for config, left in zip(configs, (200, 60, 30, 8, 4), strict=True):
        runs.append(made_up(config, 60, left))
    found = choose("search-budgets", runs)
    assert found["many"] == {"share": 0.5, "density": 0.06, "density_rest": 0.75}
    assert found["few"]["share"] == 4


def scored(study, order):
    """Records of a search in which candidates do as well as they stand late in an order."""
    return [made_up(config, 60 + order(methods.values(config))) for config in configs(study)]


def test_each_method_takes_what_its_searches_chose(monkeypatch):
    """Of four candidates the two best are tried at the whole length, and the better one is run."""
    by_strength = lambda values: values["lr"] + values["factor"]  # noqa: E731
    found = choose("search-pruning", scored("search-pruning", by_strength))
    assert len(found) == 11
    assert found["sgd rigl"] == [{"lr": 1.0, "factor": 1.0}, {"lr": 0.3, "factor": 1.0}]
    assert found["spred magnitude"] == [{"lr": 1.0, "factor": 30.0}, {"lr": 1.0, "factor": 10.0}]
    monkeypatch.setitem(settings.CHOSEN, "search-pruning", found)

    longer = find_study("search-pruning-long").configs("desk", 1)
    assert {c.epochs for c in longer} == {50}
    tried = {}
    for config in longer:
        tried.setdefault(methods.key(config), []).append(methods.values(config))
    assert tried == found

    weaker = lambda values: -by_strength(values)  # noqa: E731
    best = choose("search-pruning-long", scored("search-pruning-long", weaker))
    assert best == {key: second for key, (_, second) in found.items()}
    monkeypatch.setitem(settings.CHOSEN, "search-pruning-long", best)
    runs = [c for c in find_study("rivals").configs("desk", 1) if methods.key(c) in best]
    assert {methods.key(c): methods.values(c) for c in runs} == best


@pytest.mark.parametrize(
    ("name", "dense"),
    [(OWN, 1), ("β = 50, frozen zeros", 0), ("SET", 0), ("one-shot", 0.5), (methods.ANEW, 0)],
)
def test_zeros_cost_nothing_but_the_gradient_of_those_that_may_return(name, dense):
    runs = [run for s in ("rivals", "pruned-masks") for run in find_study(s).configs("desk", 1)]
    record = recorded(next(c for c in runs if rival(c) == name), 60)
    first, *others = record.final["nonzeros"].values()
    left, whole = first + sum(others), sum(record.final["weights"].values())
    if name == methods.ANEW:  # no mask is on the last layer
        dense = (record.final["weights"]["fc2"] - others[-1]) / (whole - left)
    gradients = dense * whole + (1 - dense) * left
    expected = 2 * (first + 2 * sum(others) + gradients) * record.config.epochs
    images = data.spec(record.config.dataset).train_size
    assert results.sparse_flops(record) == pytest.approx(expected * images)


def test_what_the_page_shows():
    runs = both(2, -1) | {"rivals-iterative": []}
    rows = results.rivals_table("rivals", runs["rivals"]).rows
    assert [row[0] for row in rows] == [DENSE, *RIVALS]
    assert (rows[1][4], rows[1][8]) == ("–", "2.0")
    assert rows[1][7] == "7; 100 of 256"
    assert rows[2][4].startswith("−1.99")
    few = results.by_rival(runs["rivals-few"])
    figure = results.dots({"many": results.by_rival(joined(runs, results.LARGER)), "few": few})
    accuracy, *_, local = (len(axes.lines) for axes in figure.axes)
    # dense SGD, and iterative pruning at one budget; for each a line at β = 50, and in the legend
    assert accuracy - 4 == local == 2 * len(RIVALS)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == OWN, "it is two points ahead"
    assert sorted(labels) == sorted([DENSE, *RIVALS])
    iterative = records(2, "rivals-iterative")
    many = results.by_rival(iterative)
    part = results.dots({"many": many, "few": few})
    assert len(part.axes[-1].lines) == len(RIVALS), "what is stored is shown"


def test_a_single_budget_has_the_same_figure():
    wider = results.by_rival(records(2, "rivals-wider"))
    accuracy, *_ = results.dots({"wider": wider}).axes
    assert {label.get_text() for label in accuracy.get_yticklabels()} == {*wider}
    assert len(accuracy.lines) == len(wider) + 2


def test_the_gap_is_that_from_dense_sgd_to_s_local():
    def accuracy(config):
        return 60 + config.seed + {methods.S_LOCAL: 10, "one-shot": 4}.get(rival(config), 0)

    configs = find_study("rivals-wider").configs("desk", 3)
    runs = [recorded(config, accuracy(config)) for config in configs]
    table = results.rivals_table("rivals-wider", runs)
    column = table.columns.index("gap closed (%)")
    said = {row[0]: row[column] for row in table.rows}
    assert (said[DENSE], said["one-shot"], said[methods.S_LOCAL]) == ("0", "40 (40 to 40)", "100")
    assert "gap closed (%)" not in results.rivals_table("rivals", records(1)).columns
    assert results.gap_closed(results.by_rival([]), []) == "pending"
    names = [
        label.get_text()
        for label in results.dots({"wider": results.by_rival(runs)}).axes[0].get_yticklabels()
    ]
    assert names[:2] == [methods.S_LOCAL, "one-shot"]
    accuracy_axes, *_ = results.dots({"wider": results.by_rival(runs)}).axes
    (gap,) = accuracy_axes.child_axes
    accuracy_axes.figure.draw_without_rendering()
    limits = accuracy_axes.get_xlim(), gap.get_xlim()
    assert np.interp([61, 65, 71], *limits) == pytest.approx([0, 40, 100])


def test_a_measure_is_correlated_with_accuracy_over_methods_with_as_few_weights():
    def accuracy(config):
        return 60 + [*RIVALS, DENSE, methods.S_LOCAL].index(rival(config))

    studies = [find_study(name) for name in results.WIDER[:2]]
    configs = {c for study in studies for c in study.configs("desk", 1)}
    runs = [recorded(c, accuracy(c)) for c in configs]
    groups = results.by_rival(runs)
    groups[DENSE][0].final["nonzeros"]["conv1"] *= 10
    of = {id(r): -accuracy(r.config) for r in runs}
    falling, p, count = results.with_accuracy(groups, lambda own: [of[id(r)] for r in own])
    # not dense SGD, nor what has windows
    assert (falling, count) == (pytest.approx(-1), len(groups) - 3)
    assert p < 0.01
    assert np.isnan(results.with_accuracy(results.by_rival([]), lambda own: [])[0])


def test_the_first_choice_is_gradual_pruning_as_the_first_search_put_it():
    (config, *_) = find_study("rivals-first-choice").configs("desk", 1)
    first, _ = settings.CHOSEN["search-pruning"]["sgd gradual"]
    assert (rival(config), methods.values(config)) == ("gradual", first)


def test_restarts_stand_last_in_the_table():
    again = records(2, "rivals-restart")
    assert {rival(run.config) for run in again} == {*methods.RESTARTED.values()}
    rows = results.rivals_table("rivals", again + records(2)).rows
    assert [row[0] for row in rows[-2:]] == [*methods.RESTARTED.values()]
    assert rows[-1][3] == "−1.99 ± 0.02"


def test_what_the_page_says():
    names = ("first-choice", "iterative", "wider")
    runs = both(2, -1) | {f"rivals-{name}": records(2, f"rivals-{name}") for name in names}
    runs |= {name: [] for name in (*results.WIDER[1:], "pruned-masks", "rivals-wider-refit")}
    words = results.numbers(runs)
    assert words["rival-first-choice"] == "−1.99 ± 0.02"
    assert words["wider-gradual"] == words["wider-one-shot"] == "−1.99 ± 0.02"
    assert (words["rival-n"], words["wider-n"]) == ("3", "3")


@pytest.mark.parametrize(("ahead", "said"), [(2, "holds"), (-1, "contradicted")])
def test_claims_are_judged_at_each_budget(ahead, said):
    assert {claim.study for claim in CLAIMS.values()} == {"rivals", "rivals-few"}
    for text, claim in CLAIMS.items():
        runs = records(ahead, claim.study)
        if "local" not in text:
            assert verdict(claim.judge(runs)) == said
        else:  # made-up runs are all as local
            assert claim.judge(runs).evidence.mean == 0


def test_sgd_goes_on_from_beta_lasso_as_one_shot_pruning_does_from_its_cut():
    first, then = find_study("rivals-wider-refit").configs("desk", 1)
    place = {rival(c): c for c in find_study("rivals-wider").configs("desk", 1)}
    one_shot = place["one-shot"]
    assert (rival(first), rival(then)) == (OWN, methods.REFITTED)
    assert first.epochs + then.epochs == one_shot.epochs == 2 * one_shot.period
    # λ is scaled by the length, to three digits
    assert first.l1 == pytest.approx(place[OWN].l1 * 2**0.5, rel=0.01)
    alone = {"pruning": "none", "density": 1.0, "density_rest": None, "period": None}
    taken = {"start": "pruned-network", "source": first.as_source}
    assert then == one_shot.replace(epochs=then.epochs, **alone, **taken)


def test_masks_of_one_shot_pruning_are_trained_anew():
    dense, pruned, anew = find_study("pruned-masks").configs("desk", 1)
    place = {rival(c): c for c in find_study("rivals-wider").configs("desk", 1)}
    assert (rival(dense), rival(pruned), rival(anew)) == (DENSE, "one-shot", methods.ANEW)
    assert pruned == place["one-shot"]
    assert anew == dense.replace(start="mask", source=pruned.as_source)
    (own,) = (
        c
        for c in find_study("transfer-wider").configs("desk", 1)
        if (c.start, c.dataset, c.source) == ("mask", "cifar10", place[OWN].as_source)
    )
    assert anew == own.replace(source=anew.source), "as those of β = 50"
