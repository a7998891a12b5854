"""What the chapter `fewest_weights` computes, on records made up so that every answer is known."""

import dataclasses
import math

import pytest
from helpers.made_up_records import Memory, made_up

from lcs import theory
from lcs.exhibits.fewest_weights import figures, results
from lcs.exhibits.fewest_weights.results import CLAIMS, SHARED
from lcs.exhibits.shared import compare, published, tables
from lcs.exhibits.shared.settings import WIDEST
from lcs.runs import BOOK_RUNS, Record, RunStore
from lcs.shapes import flops

NOTHING = compare.conditions([])
RECIPE, REPRODUCTION = SHARED
EMPTY = {RECIPE: NOTHING, REPRODUCTION: NOTHING}
WIDE = WIDEST
SGD = results.searched_sgd()


def finished(config, accuracy: float, share: float = 1.0) -> Record:
    """A run with this accuracy (per cent), and this share of the weights of each layer left."""
    layers = config.layer_sizes()
    left = {layer: round(share * size.weights) for layer, size in layers.items()}
    whole = {layer: size.weights for layer, size in layers.items()}
    run = made_up(config, accuracy, nonzeros=left, weights=whole, flops=flops(layers, left))
    return dataclasses.replace(run, kind="training")


def seeds(config, accuracy: float, share: float = 1.0, n: int = 3) -> list[Record]:
    """Runs of the same accuracy, but a tenth of a point more in each further seed."""
    return [finished(config.replace(seed=s), accuracy + s / 10, share) for s in range(n)]


def recipe(**accuracies: float):
    """S-CONV, S-LOCAL and SGD at two widths, and β = 50 with a twentieth of the weights."""
    runs = [
        *(
            seeds(SGD.replace(model=model, base_channels=width), 60 + width)
            for width in (4, WIDE)
            for model in ("s-conv", "s-local")
        ),
        seeds(SGD, accuracies.get("sgd", 65.0), n=6),
        seeds(results.own_lambda(), accuracies.get("own", 66.0), 0.05, n=6),
    ]
    return compare.conditions(record for group in runs for record in group)


def reproduction():
    """S-CONV, S-LOCAL, SGD, and three sparse networks, of which one is behind SGD."""
    base = SHARED[REPRODUCTION]
    dense = [
        seeds(base.replace(model=model), accuracy, n=5)
        for model, accuracy in (("s-conv", 43), ("s-local", 55), ("s-fc", 47))
    ]
    lasso = base.replace(optimizer="beta-lasso", beta=50.0, l1=1e-4)
    sparse = [
        seeds(lasso.replace(l1=l1), accuracy, share, n=2)
        for l1, accuracy, share in ((5e-5, 54, 0.01), (1e-4, 50, 0.003), (2e-4, 40, 0.001))
    ]
    return compare.conditions(record for group in [*dense, *sparse] for record in group)


def test_runs_of_a_setting_differ_from_it_in_the_method_alone():
    base = SHARED[REPRODUCTION]
    others = [
        base.replace(precision="fp32"),
        base.replace(epochs=100),
        base.replace(permute_pixels=True),
        base.replace(validation=True),
        base.replace(dataset="svhn"),
        base.replace(optimizer="beta-lasso", beta=1.0, l1=2e-5, frozen_zeros=True),
    ]
    runs = [run for config in [base, *others] for run in seeds(config, 50)]
    alone = finished(base.replace(model="s-local"), 50)  # one seed only
    recipe_runs = seeds(results.own_lambda(), 60)
    found = results.gather(Memory([*runs, alone, *recipe_runs]))
    assert [*found[REPRODUCTION]] == [base]
    assert len(found[REPRODUCTION][base]) == 3
    assert [*found[RECIPE]] == [results.own_lambda()]


def test_front_has_what_is_smaller_or_better_than_all_others():
    points = [(10, 50.0), (20, 49.0), (30, 60.0), (30, 55.0), (40, 60.0), (50, 61.0)]
    table = tables.data_frame(
        [
            {"condition": n, "weights": w, "flops": 100 - w, "accuracy": a, "model": "s-fc"}
            for n, (w, a) in enumerate(points)
        ]
    )
    assert results.front(table).index.tolist() == [0, 2, 5]
    assert results.front(table, "flops").index.tolist() == [5]
    again = {"condition": 1, "weights": 20, "flops": 80, "accuracy": 53.0, "model": "s-fc"}
    twice = tables.data_frame([*table.to_dict("records"), again])
    assert results.front(twice).index.tolist() == [0, 1, 2, 5]  # the mean of its runs is 51


def test_front_of_nothing_is_empty():
    assert results.front(results.frame(NOTHING)).empty


def test_prose_says_how_many_times_fewer_weights():
    numbers = results.recipe_numbers(recipe())
    assert numbers["own-times"] == "20.0"
    assert numbers["own-n"] == "6"
    # S-LOCAL of α = 4 has 348,096 weights, next to 334,330
    assert numbers["local-alpha"] == "4"
    assert (numbers["local-gain"], numbers["local-n"]) == ("−2.00 ± 0.00", "3")
    assert results.recipe_numbers(NOTHING).keys() == numbers.keys()
    nothing = results.recipe_numbers(NOTHING)
    known = {"own-alpha", "own-n", "local-n"}
    assert {nothing[name] for name in nothing.keys() - known} == {tables.PENDING}


def test_prose_on_the_reproduction_compares_equal_sizes():
    found = results.numbers(EMPTY | {REPRODUCTION: reproduction()}, 16, 0.05)
    numbers = {name: value for name, value in found.items() if name.startswith("few-")}
    without = results.numbers(EMPTY, 16, 0.05)
    assert without.keys() == found.keys()
    assert without["few-times"] == "pending"
    # S-CONV has 6,627 weights, and S-FC 792,816
    assert numbers == {"few-n": "2", "few-times": "100"}


def test_table_begins_with_the_fewest_weights():
    rows = results.recipe_table(EMPTY | {RECIPE: recipe()}).rows
    assert rows[0][0] == "S-FC, β-LASSO, β = 50"
    assert rows[0][2:5] == ["334.3", "5.0, 5.0, 5.0", "0.669"]
    assert [row[0] for row in rows[1:]] == ["S-CONV, SGD", "S-LOCAL, SGD", "S-FC, SGD"]
    assert [row[6] for row in rows] == ["+1.00 ± 0.00", "+3.00 ± 0.00", "+3.00 ± 0.00", "–"]
    for table in (results.recipe_table, results.plain_table):
        assert "pending" in table(EMPTY).rows[0][0]


def test_table_without_augmentation_has_sgd_and_the_front():
    found = EMPTY | {REPRODUCTION: reproduction()}
    rows = results.plain_table(found).rows
    sparse = "S-FC, β-LASSO, β = 50"
    assert [row[0] for row in rows] == [
        sparse, sparse, "S-CONV, SGD", sparse, "S-LOCAL, SGD", "S-FC, SGD",
    ]  # fmt: skip
    assert [row[6] for row in rows[1:4]] == ["+3.00 and +3.00", "−4.00 ± 0.00", "+7.00 and +7.00"]


def test_bound_counts_a_shared_weight_once_and_its_edges_all():
    config = SGD.replace(model="s-conv", base_channels=1)
    found = results.bound(finished(config, 70))
    assert found.gap == pytest.approx(0.05)
    edges, values, possible = 68_592, 6627, 792_816
    shape = {"samples": 50_000, "parameters": possible, "free_parameters": values}
    assert found.whole == pytest.approx(theory.mdl_bound(0.25, **shape, nonzero=edges, bits=16))
    # without the values: the bits of the structure alone
    bits = edges * math.log2(values * possible) + 2 * math.log2(possible)
    bits += math.log(2 * possible / 0.05)
    assert found.structure == pytest.approx(0.25 + math.sqrt(bits / 1e5))


def test_prose_has_the_bound_of_the_sparsest_network():
    numbers = results.bound_numbers(recipe(), reproduction(), 16, 0.05)
    assert 1 < float(numbers["bound-least"]) < float(numbers["bound-own"])
    nothing = results.bound_numbers(NOTHING, NOTHING, 16, 0.05)
    assert nothing.keys() == numbers.keys()
    assert nothing["bound-own"] == nothing["bound-least"] == tables.PENDING


def test_claims_are_counts_without_a_p_value():
    few = [run for c in (results.own_lambda(), SGD) for run in recipe()[c]]
    for claim, said in zip(CLAIMS.values(), ("holds", "contradicted"), strict=True):
        finding = claim.judge(few)
        assert finding.evidence is None
        assert finding.said == said
    conv, bound = (claim.judge for claim in CLAIMS.values())
    assert conv(seeds(results.own_lambda(), 70, 0.5)).said == "contradicted"
    assert bound(seeds(results.own_lambda(), 70, 1e-5)).said == "holds"


def test_sizes_are_the_published_ones_but_for_two():
    away = {
        name: abs(theirs * 1e6 / results.count_weights(name) - 1)
        for name, theirs in published.PARAMETERS.items()
    }
    assert {name for name, share in away.items() if share > 0.01} == {"d-local", "d-fc"}
    assert away["d-local"] > 2 / 3
    assert len(results.size_table().rows) == len(published.ALPHA)


@pytest.mark.parametrize("found", [EMPTY, {RECIPE: recipe(), REPRODUCTION: NOTHING}])
def test_figures_are_drawn_whatever_there_is(found):
    figures.accuracy_figure(found).canvas.draw()


def test_each_condition_is_drawn_once_with_its_front():
    plain = reproduction()
    smaller = {config.replace(beta=10.0): runs for config, runs in plain.items() if config.beta}
    found = {RECIPE: recipe(), REPRODUCTION: compare.Conditions(plain | smaller)}
    above, below = figures.accuracy_figure(found).axes
    alphas, betas = ([t.get_text() for t in axes.texts if t.get_text()] for axes in (above, below))
    assert alphas == ["4", "4", "8", "8", "8", "8"]
    assert betas == ["10"] * len(smaller)


def test_the_store_of_the_book_has_both_settings():
    found = results.gather(RunStore(BOOK_RUNS))
    assert results.own_lambda() in found[RECIPE]
    assert {config.base_channels for config in found[REPRODUCTION]} == {1}
    assert min(len(runs) for group in found.values() for runs in group.values()) >= 2
