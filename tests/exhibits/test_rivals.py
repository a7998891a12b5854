"""What the chapter `rivals` trains: which runs are compared, and at how many weights."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.made_up_records import configs, made_up

from lcs.analysis import ways
from lcs.exhibits import find_study
from lcs.exhibits.choose import choose
from lcs.exhibits.rivals import methods
from lcs.exhibits.shared import settings
from lcs.models import LocallyConnected2d, dense_weight
from lcs.optim.learning_rate import learning_rate
from lcs.optim.pruning import Pruning
from lcs.train.setup import build_model, make_optimizer


def place(*names):
    """The configuration of each way in some studies, by its name."""
    found = configs(*names)
    return dict(zip(ways(pd.DataFrame({"condition": found})), found, strict=True))


def test_a_restart_is_that_of_one_shot_pruning_without_the_cut():
    runs, known = {run.optimizer: run for run in configs("rivals-restart")}, place("rivals")
    dense, sparse = runs["sgd"], runs["beta-lasso"]
    cut, own = known["one-shot pruning"], known["β-LASSO"]
    uncut = {"pruning": "none", "density": 1.0, "density_rest": None}
    assert dense == cut.replace(schedule="cosine-restart", **uncut)
    assert sparse == own.replace(schedule="cosine-restart", period=cut.period)
    for one in (dense, sparse):
        rates = [[learning_rate(c, at) / c.lr for at in range(cut.epochs)] for c in (one, cut)]
        assert rates[0] == pytest.approx(rates[1])


def test_allocation_keeps_the_total_and_the_rule():
    config = place("rivals")["random mask"]
    first, second, _ = (layer.weights for layer in config.layer_sizes().values())
    inputs = 3072
    units = first // inputs
    new = methods.erdos_renyi(config)
    kept = new.density * first, new.density_rest * second
    assert sum(kept) == pytest.approx(config.density * first + config.density_rest * second)
    rule = (inputs + units) / (units + second // units)
    assert kept[0] / kept[1] == pytest.approx(rule, rel=1e-5)
    for shares in (0.9, 0.99), (0.99, 0.9), (1.0, 0.5):  # a layer is at most dense
        new = methods.erdos_renyi(config.replace(density=shares[0], density_rest=shares[1]))
        kept = new.density, new.density_rest or new.density
        assert max(kept) <= 1
        assert np.dot(kept, (first, second)) == pytest.approx(np.dot(shares, (first, second)))


def test_each_method_takes_what_its_searches_chose(monkeypatch):
    """Of four candidates the two best are tried at the whole length, and the better one is run."""

    def scored(study, sign):
        tried = [(config, methods.values(config)) for config in configs(study)]
        return [made_up(c, 60 + sign * (each["lr"] + each["factor"])) for c, each in tried]

    found = choose("search-pruning", scored("search-pruning", 1))
    assert len(found) == 11
    assert found["sgd rigl"] == [{"lr": 1.0, "factor": 1.0}, {"lr": 0.3, "factor": 1.0}]
    assert found["spred magnitude"] == [{"lr": 1.0, "factor": 30.0}, {"lr": 1.0, "factor": 10.0}]
    monkeypatch.setitem(settings.CHOSEN, "search-pruning", found)

    longer = configs("search-pruning-long")
    assert {c.epochs for c in longer} == {50}
    tried = {}
    for config in longer:
        tried.setdefault(methods.key(config), []).append(methods.values(config))
    assert tried == found

    best = choose("search-pruning-long", scored("search-pruning-long", -1))
    assert best == {key: second for key, (_, second) in found.items()}
    monkeypatch.setitem(settings.CHOSEN, "search-pruning-long", best)
    runs = [c for c in configs("rivals") if methods.key(c) in best]
    assert {methods.key(c): methods.values(c) for c in runs} == best


def test_the_ladder_trains_everything_as_long_in_all():
    found = configs("ladder")
    sources = {config.as_source: config.epochs for config in found if config.source is None}
    begun = {config.source for config in found if config.source}
    lengths = {c.epochs + sources.get(c.source, 0) for c in found if c.as_source not in begun}
    assert lengths == {400}


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
