"""What the chapter `deeper` computes, on records made up so that every answer is known."""

from collections import Counter

import pytest
from helpers.made_up_records import configs, made_up, study

from lcs.exhibits.choose import choose
from lcs.exhibits.deeper import CLAIMS, STUDIES, results
from lcs.exhibits.shared.methods import method
from lcs.exhibits.shared.searches import network_key
from lcs.exhibits.shared.tables import NONE


def accuracy(config):
    """Ten points for a source, five for depth, two for a threshold, a tenth for a seed.

    Footprints add one to their first layer, scattered ones take one, and a rewired first layer
    takes 0.7.
    """
    networks = {"conv": 20.0, "local": 15.0}.get(config.model[2:], 0.0)
    more = (
        10.0 * bool(config.source) + 5.0 * config.model.startswith("d-") + 2.0 * bool(config.beta)
    )
    more += {"footprints": 1.0, "scattered-footprints": -1.0, "rewired-first-mask": -0.7}.get(
        config.start, 0.0
    )
    return 50.0 + networks + more + config.seed / 10


@pytest.fixture
def found():
    names = [one.name for one in STUDIES if not one.name.startswith("search-convolution")]
    return {name: study(name, accuracy, None) for name in names}


def test_every_network_starts_from_the_convolution_of_the_study():
    counts = {
        **{"from-convolution": 4, "search-convolution": 16},
        **{"from-convolution-wide": 3, "search-convolution-wide": 9},
    }
    for name, count in counts.items():
        convolution = configs(name)[0]
        started = [config for config in configs(name) if config.source]
        assert {config.source for config in started} == {convolution.as_source}
        assert {config.start for config in started} == {"network"}
        assert len(started) == count
        assert len({config.validation for config in configs(name)}) == 1


@pytest.mark.parametrize("study", results.FROM_CONVOLUTION)
def test_from_nothing_networks_train_as_long_in_all(study):
    runs = configs(study)
    convolution, nothing = runs[0], [c for c in runs[1:] if not c.source]
    started = [c for c in runs if c.source]
    assert {c.epochs for c in nothing} == {convolution.epochs + started[0].epochs}
    assert {method(c) for c in nothing} >= {method(c) for c in started}
    l1 = {bool(c.source): c.l1 for c in runs if c.beta}
    assert l1[True] > l1[False], "λ falls with the length"


def test_networks_are_searched_alike_and_on_validation():
    searched = configs("search-deeper")
    assert all(config.validation for config in searched)
    counts = Counter(network_key(config) for config in searched)
    assert set(counts.values()) == {6}
    assert len(counts) == 8
    for name, candidates in (("search-convolution", 4), ("search-convolution-wide", 3)):
        started = [config for config in configs(name) if config.source]
        assert set(Counter(map(network_key, started)).values()) == {candidates}


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


def test_words_say_what_the_records_say(found):
    words = results.numbers(found)
    assert words == {
        "deep-n": "3",
        "deep-fc": "5.00 ± 0.00",
        "deep-beta": "+2.00 ± 0.00",
        "footprint-first-dense": "10.00 ± 0.00",
        "rewired-first": "0.70 ± 0.00",
        "conv-n": "3",
        "conv-itself-gap": "200 (200 to 200)",
        **{"conv-beta-adds": "−18.00 ± 0.00", "conv-sgd-adds": "−20.00 ± 0.00"},
        **{"conv-beta-gain": "10.00 ± 0.00", "conv-beta-gap": "80 (80 to 80)"},
        **{"conv-sgd-gain": "10.00 ± 0.00", "conv-sgd-gap": "67 (67 to 67)"},
    }


def test_tables_have_gains_over_what_is_compared(found):
    table = results.deeper_table(found["deeper"])
    shown = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["over the shallow one (points)"] for row in shown] == [
        *["+5.00 ± 0.00"] * 3, *[NONE] * 3, "+5.00 ± 0.00", NONE
    ]  # fmt: skip
    gains = ("+4.70", "+4.61", "−7.99")
    assert [row["in the paper (points)"] for row in shown] == [
        *(f"[{gain}]{{.published}}" for gain in gains), *[NONE] * 5
    ]  # fmt: skip
    masked = [*found["footprints"], *found["rewired-first-mask"], *found["deeper-long"]]
    table = results.masks_table([*found["deeper"], *masked])
    gains = {
        row[1]: dict(zip(table.columns, row, strict=True))["over dense D-FC (points)"]
        for row in table.rows
    }
    assert gains["first layer's mask alone"] == "+10.00 ± 0.00"
    assert gains["the same, scattered"] == "+9.00 ± 0.00"
    assert gains["first layer's mask, rewired"] == "+9.30 ± 0.00"
    started = {
        name: [run for run in found[name] if run.config.source] for name in results.FROM_CONVOLUTION
    }
    rows = results.from_convolution_table(started).rows
    assert {row[5] for row in rows} == {NONE}, "nothing to compare with"


def test_tables_and_figures_have_every_condition(found):
    rows = results.from_convolution_table(found).rows
    assert [(row[2], row[5]) for row in rows][:2] == [(NONE, NONE), ("S-CONV", "+10.00 ± 0.00")]
    assert [row[0] for row in rows[:9]] == ["2"] * 9
    assert {row[0] for row in rows[9:]} == {"8"}
    assert len(results.deeper_table(found["deeper"]).rows) == 8
    assert results.deeper_figure(found["deeper"]).axes
    assert len({str(method(config)) for config in configs("deeper")}) == 8


def test_claims_compare_what_they_say(found):
    findings = []
    for claim in CLAIMS.values():
        records = [run for study in claim.studies for run in found[study.name]]
        findings.append(claim.judge(records))
    depth, *others = findings
    assert depth.value.startswith("depth adds +5.00 ± 0.00 points to LOCAL")
    assert depth.said.startswith("not testable")
    values = [finding.evidence.mean for finding in others]
    assert values == pytest.approx([10.0, -20.0, 10.0, -18.0, 2.0, 1.0, 0.7, 2.0, 5.0])
