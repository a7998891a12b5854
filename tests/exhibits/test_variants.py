"""What the chapter `variants` computes, on records made up so that every answer is known."""

from collections import Counter

import pytest
import torch
from made_up import configs, made_up, study

from lcs.exhibits import find_study, variants
from lcs.exhibits.methods import B50, method
from lcs.exhibits.searches import choose, searched_table
from lcs.exhibits.tables import NONE
from lcs.exhibits.variants import results, studies
from lcs.models import LocallyConnected2d, dense_weight
from lcs.optim.pruning import Pruning
from lcs.train.setup import build_model, make_optimizer

NAMES = [study.name for study in variants.STUDIES if not study.name.startswith("search")]


def accuracy(config):
    """One point for each unit of growth, ten for a source, five for depth, a tenth for a seed.

    Windows that follow the weights add 0.4, random ones 0.3; of another size than the usual 0.2
    for each pixel along a side. Footprints add one to their first layer, scattered ones take one,
    and a rewired first layer takes 0.7.
    """
    networks = {"conv": 20.0, "local": 15.0}.get(config.model[2:], 0.0)
    sparse = 2.0 if config.beta else 0.0
    more = 10.0 * bool(config.source) + 5.0 * config.model.startswith("d-")
    more += {"footprints": 1.0, "scattered-footprints": -1.0, "rewired-first-mask": -0.7}.get(
        config.start, 0.0
    )
    grown = config.l1_growth + {"grid": 0.0, "initial": 0.3, "learned": 0.4}[config.l1_window]
    grown += 0.2 * (config.l1_window_size or 0)
    return 50.0 + networks + sparse + more + grown + config.seed / 10


@pytest.fixture
def found():
    searched = ("search-deeper", "search-footprints")
    return {name: study(name, accuracy, None) for name in (*NAMES, *searched)}


def test_growth_changes_nothing_else():
    grown = [config for config in configs("banded") if config.l1_growth]
    assert {config.l1_growth for config in grown} == set(studies.GROWTHS)
    learned = configs("banded-learned")
    assert {config.replace(l1_window="grid") for config in learned} <= set(grown)
    assert {config.replace(l1_growth=0.0) for config in grown} <= set(configs("banded"))


def test_every_network_starts_from_the_convolution_of_the_study():
    for name, count in (("from-convolution", 4), ("search-convolution", 16)):
        convolution = configs(name)[0]
        started = [config for config in configs(name) if config.source]
        assert {config.source for config in started} == {convolution.as_source}
        assert {config.start for config in started} == {"network"}
        assert len(started) == count
        assert len({config.validation for config in configs(name)}) == 1


def test_from_nothing_networks_train_as_long_in_all():
    runs = configs("from-convolution")
    convolution, nothing = runs[0], [c for c in runs[1:] if not c.source]
    started = [c for c in runs if c.source]
    assert {c.epochs for c in nothing} == {convolution.epochs + started[0].epochs}
    assert {method(c) for c in nothing} == {method(c) for c in started}
    l1 = {bool(c.source): c.l1 for c in runs if c.beta}
    assert l1[True] > l1[False], "λ falls with the length"


def test_networks_are_searched_alike_and_on_validation():
    searched = configs("search-deeper")
    assert all(config.validation for config in searched)
    counts = Counter(studies.key(config) for config in searched)
    assert set(counts.values()) == {6}
    assert len(counts) == 8
    started = [config for config in configs("search-convolution") if config.source]
    assert set(Counter(map(studies.key, started)).values()) == {4}


def test_searches_choose_by_accuracy_for_each_network():
    best = {"conv": 0.3, "local": 0.03, "fc": 0.1}
    records = []
    for config in configs("search-deeper"):
        regular = config.l1 == 3e-5 if config.l1 else config.weight_decay == 2e-3
        is_best = config.lr == best[config.model[2:]] and regular
        records.append(made_up(config, 60.0 if is_best else 50.0))
    found = choose("search-deeper", records)
    assert {key: values["lr"] for key, values in found.items() if "sgd" in key} == {
        f"{depth}-{kind} sgd": lr for depth in "ds" for kind, lr in best.items()
    }
    assert {values["weight_decay"] for key, values in found.items() if "sgd" in key} == {2e-3}
    assert found["d-fc beta-lasso"] == {"lr": 0.1, "share": pytest.approx(0.3)}
    records = [made_up(c, 60 - c.lr + c.beta * c.lr) for c in configs("search-convolution")]
    found = choose("search-convolution", records)
    assert found["s-fc sgd"] == found["s-conv sgd"] == 0.01
    assert found["s-fc beta-lasso"] == 3.0


def test_a_network_and_what_is_trained_on_from_it_are_not_candidates_of_one_choice():
    records = [made_up(config, 50.0) for config in configs("search-convolution")]
    rows = searched_table({"search-convolution": records}).rows
    counts = {row[2]: row[3] for row in rows}
    assert counts["S-CONV, SGD"] == "1"
    assert {count for name, count in counts.items() if name.endswith(", trained on")} == {"4"}


def test_growth_at_random_places_has_as_many_candidates_as_other_methods(monkeypatch):
    candidates = configs("search-growth")
    ours = [c for c in configs("search-flips") if method(c) == B50]
    assert len(candidates) == len(ours) == 12
    assert all(config.validation and config.l1_window == "initial" for config in candidates)
    best = candidates[3]
    records = [made_up(c, 60.0 if c == best else 50.0) for c in candidates]
    found = choose("search-growth", records)
    assert found == {"s-fc beta-lasso": {"l1_growth": 0.3, "share": 1.0, "lr": 0.3}}
    monkeypatch.setitem(studies.CHOSEN, "search-growth", found)
    *plain, chosen = configs("banded-searched")
    assert chosen == best.replace(validation=False)
    assert set(plain) < set(configs("banded-wide"))


def test_words_say_what_the_records_say(found):
    words = results.numbers(found)
    assert words["banded-uniform"] == "+0.10 ± 0.00"
    assert words["banded-large"] == words["banded-small"] == "+0.10 ± 0.00"
    assert words["from-sgd"] == words["from-beta"] == words["from-conv"] == "+10.00 ± 0.00"
    assert words["published-depth-fc"] == "−7.99"
    assert (words["searched-footprints"], words["searched-d-fc-beta"]) == ("66.00", "57.00")
    assert (words["footprint-scattered"], words["footprint-cost"]) == (
        "2.00 ± 0.00",
        "−1.00 ± 0.00",
    )
    assert (words["rewired-first"], words["rewired-dense"]) == ("0.70 ± 0.00", "+9.30 ± 0.00")
    assert words["banded-fastest"] == "+1.00 ± 0.00"
    assert words["banded-local"] == "12.00 ± 0.00"
    assert words["learned"] == "+0.50 ± 0.00"
    assert words["learned-fastest"] == "+1.40 ± 0.00"
    assert (words["learned-local"], words["learned-fastest-initial"]) == (
        "11.60 ± 0.00",
        "+0.10 ± 0.00",
    )
    assert (words["size-5"], words["size-17"]) == ("+1.00 ± 0.00", "+3.40 ± 0.00")
    assert (words["pixel-10"], words["pixel-100"]) == ("+0.60 ± 0.00", "+1.50 ± 0.00")
    assert words["size-n"] == "3"
    gain = configs("banded-searched")[-1].l1_growth + 0.3
    assert words["searched-none"] == f"{gain:.2f} ± 0.00"
    assert words["searched-sgd"] == f"{gain + 2:.2f} ± 0.00"
    assert words["searched-local"] == f"{13 - gain:.2f} ± 0.00"
    assert words["searched-gap"].startswith(f"{100 * (gain + 2) / 15:.0f} (")
    assert (words["wide-moved"], words["wide-grid"]) == ("+0.10 ± 0.00", "−0.30 ± 0.00")
    assert (words["scattered-initial"], words["scattered-none"]) == ("+0.00 ± 0.00", "+1.30 ± 0.00")
    assert words["wide-gap-none"] == "13 (13 to 13)"
    assert (words["long-n"], words["long-gap"]) == ("1", "23")
    only = {"from-convolution": [run for run in found["from-convolution"] if run.config.source]}
    assert results.numbers(found | only)["from-sgd"] == "pending", "nothing to compare with"


def test_tables_and_figures_have_every_condition(found):
    assert len(results.banded_table(found["banded"]).rows) == 15
    rows = results.from_convolution_table(found["from-convolution"]).rows
    assert [(row[1], row[4]) for row in rows][:2] == [(NONE, NONE), ("S-CONV", "+10.00 ± 0.00")]
    assert len(rows) == 9
    assert len(results.deeper_table(found["deeper"]).rows) == 8
    for name, draw in (("banded", results.banded_figure), ("deeper", results.deeper_figure)):
        assert draw(found[name]).axes
    left = results.sizes_figure(found).axes[0]
    assert [float(text.get_text()) for text in left.get_xticklabels()] == [1, 5, 9, 13, 17]
    windows = results.windows_figure(found).axes[0]
    labels = [label.get_text() for label in windows.get_yticklabels()]
    assert [name for name in labels if name == "S-LOCAL"] == ["S-LOCAL"] * 2, "at both lengths"
    assert "β = 50, windows scattered" in labels


def test_claims_compare_what_they_say(found):
    gain = configs("banded-searched")[-1].l1_growth + 2.3
    findings = []
    for claim in variants.CLAIMS:
        records = [run for study in claim.studies for run in found[study.name]]
        findings.append(claim.judge(records))
    depth, *others = findings
    assert depth.value.startswith("depth adds +5.00 ± 0.00 points to LOCAL")
    assert depth.said.startswith("not testable")
    values = [finding.evidence.mean for finding in others]
    grown = [0.1, 0.1, 0.5, 1.5, 3.4, 0.1, -4.1, gain, gain - 7.5, 0.0]
    masked = [-3.0, -gain, 15.0]
    assert values == pytest.approx([*grown, *masked, 12.9, 10.0, 10.0, 2.0, 1.0, 0.7, 2.0, 5.0])
    assert len({str(method(config)) for config in configs("deeper")}) == 8


def test_the_mask_has_every_pixel_of_s_locals_windows():
    before = torch.get_rng_state()
    masked = find_study("masked").configs("smoke", 1)
    assert torch.equal(torch.get_rng_state(), before)
    for config in masked:
        model = build_model(config)
        pruning = Pruning(config, model, make_optimizer(config, model))
        pruning.update(0, dict)
        layer = LocallyConnected2d(model.geometries[0])
        windows = dense_weight(torch.ones_like(layer.weight), layer.geometry) > 0
        assert torch.equal(pruning.masks["conv1"], windows)
        assert pruning.masks["fc1"].all()
