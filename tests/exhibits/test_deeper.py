"""Which runs the page `deeper` has: what starts from what, and what searches choose."""

from collections import Counter

import pytest
from helpers.made_up_records import configs

from lcs.exhibits.shared.methods import method
from lcs.exhibits.shared.searches import network_key


@pytest.mark.parametrize("kind", ["from-convolution", "from-convolution-wide"])
def test_every_network_starts_from_the_convolution_of_the_study(kind):
    for name in (kind, kind.replace("from", "search")):
        convolution, *others = configs(name)
        started = [config for config in others if config.source]
        assert {(c.source, c.start) for c in started} == {(convolution.as_source, "network")}
        counts = Counter(map(network_key, started))
        assert counts.keys() >= {"s-conv sgd", "s-fc sgd", "s-fc beta-lasso"}
        assert len({*counts.values()}) == 1, "as many candidates for each"
        assert len({config.validation for config in configs(name)}) == 1


@pytest.mark.parametrize(
    "study", ["from-convolution", "from-convolution-wide", "from-convolution-first-rates"]
)
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
