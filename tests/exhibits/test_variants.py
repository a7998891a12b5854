"""What the chapter `variants` computes, on records made up so that every answer is known."""

import pytest
from made_up import made_up

from lcs.exhibits import find_study, variants
from lcs.exhibits.choose import choose
from lcs.exhibits.methods import method
from lcs.exhibits.tables import NONE

NAMES = [study.name for study in variants.STUDIES if not study.name.startswith("search")]


def accuracy(config):
    """One point for each unit of growth, ten for a source, five for depth, a tenth for a seed."""
    networks = {"conv": 20.0, "local": 15.0}.get(config.model[2:], 0.0)
    sparse = 2.0 if config.beta else 0.0
    more = 10.0 * bool(config.source) + 5.0 * config.model.startswith("d-") - config.lr
    return 50.0 + networks + sparse + more + config.l1_growth + config.seed / 10


@pytest.fixture
def found():
    return {
        name: [made_up(config, accuracy(config)) for config in find_study(name).configs("desk")]
        for name in NAMES
    }


def configs(name):
    return find_study(name).configs("desk", 1)


def test_growth_changes_nothing_else():
    grown = [config for config in configs("banded") if config.l1_growth]
    assert {config.l1_growth for config in grown} == set(variants.GROWTHS)
    assert {config.replace(l1_growth=0.0) for config in grown} <= set(configs("banded"))


def test_every_network_starts_from_the_convolution_of_the_study():
    convolution, *others = configs("from-convolution")
    assert {f"{config.source}-s0" for config in others} == {convolution.file}
    assert {config.start for config in others} == {"network"}
    assert len(others) == 8


def test_deep_networks_are_searched_alike_and_on_validation():
    searched = configs("search-deeper")
    assert all(config.validation for config in searched)
    for model in variants.DEEP:
        plain = [c for c in searched if (c.model, c.optimizer) == (model, "sgd")]
        assert {c.lr for c in plain} == set(variants.DEEP_RATES)
    assert sum(config.optimizer == "beta-lasso" for config in searched) == 9


def test_the_search_chooses_by_accuracy_for_each_network():
    best = {"d-conv": 0.3, "d-local": 0.03, "d-fc": 0.1}
    records = []
    for config in configs("search-deeper"):
        is_best = config.lr == best[config.model] and config.l1 in (0.0, 3e-5)
        run = made_up(config, 60.0 if is_best else 50.0)
        run.final["validation_accuracy"] = run.final.pop("test_accuracy")
        records.append(run)
    chosen = choose("search-deeper", records)
    assert {key: values["lr"] for key, values in chosen.items()} == {
        "d-conv sgd": 0.3, "d-local sgd": 0.03, "d-fc sgd": 0.1, "d-fc beta-lasso": 0.1,
    }  # fmt: skip
    assert chosen["d-fc beta-lasso"]["share"] == pytest.approx(0.3)


def test_shallow_networks_are_those_of_permuted_pixels():
    shallow = {config for config in configs("deeper") if config.model.startswith("s-")}
    assert shallow <= set(configs("permuted"))
    assert len(shallow) == 4


def test_words_say_what_the_records_say(found):
    words = variants.words(found)
    assert words["banded-large"] == words["banded-small"] == "+1.00 ± 0.00"
    assert words["from-sgd"] == "−9.91 ± 0.00"
    assert words["from-beta"] == "−7.91 ± 0.00"
    assert words["from-window-beta"] == "+10.00 ± 0.00"
    assert words["published-depth-fc"] == "[−7.99]{.published}"
    assert words["depth-beta"] == words["depth-conv"] == "+5.00 ± 0.00"
    pending = variants.words({name: [] for name in NAMES})
    assert pending.keys() == words.keys()
    known = {name for name in words if name.startswith(("weights", "published"))}
    assert {pending[name] for name in pending.keys() - known} == {"pending"}


def test_tables_and_figures_have_every_condition(found):
    assert len(variants.banded_table(found["banded"]).rows) == 11
    rows = variants.from_convolution_table(found["from-convolution"]).rows
    assert [row[0] for row in rows][:3] == ["S-CONV, SGD", *["S-CONV, SGD, trained on"] * 2]
    assert [row[2] for row in rows][:2] == [NONE, "+10.00 ± 0.00"]
    assert len(variants.deeper_table(found["deeper"]).rows) == 8
    for name, draw in (
        ("banded", variants.banded_figure),
        ("from-convolution", variants.from_convolution_figure),
        ("deeper", variants.deeper_figure),
    ):
        assert draw(found[name]).axes
        assert draw([]).axes, "pending"


def test_claims_compare_what_they_say(found):
    values = [claim.judge(found[claim.study]).evidence.mean for claim in variants.CLAIMS]
    assert values == pytest.approx([1.0, 12.0, -9.91, 2.0, 2.0, 5.0])
    assert len({str(method(config)) for config in configs("deeper")}) == 8
