"""Settings and studies of the book: what they train, and what they wait for."""

from collections import Counter

import pytest
import torch
from helpers.made_up_records import Memory, configs, made_up

from lcs import data, models
from lcs.config import Config
from lcs.errors import ConfigError
from lcs.exhibits import find_study, sound, status, studies
from lcs.exhibits.choose import choose
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.methods import method
from lcs.exhibits.shared.searches import Search, network_key
from lcs.study import SCALES
from lcs.study.cost import training_images
from lcs.train.batches import steps_per_epoch

NETWORKS = {name: study for name, study in studies().items() if study.setting.configs}
# of those whose searches have chosen
KNOWN = {name: study for name, study in NETWORKS.items() if not settings.missing_choices(study)}
AWAITED = sorted({search for study in NETWORKS.values() for search in study.after})


@pytest.mark.parametrize("search", AWAITED)
def test_until_a_search_has_chosen_what_takes_its_choice_waits(search, monkeypatch, command):
    monkeypatch.setitem(settings.CHOSEN, search, settings.Chosen(search, {}))
    waiting = [n for n, one in NETWORKS.items() if search in settings.missing_choices(one)]
    said = command("study", waiting[0], "--scale", NETWORKS[waiting[0]].usual_scale, "--plan")
    said.refused(f"lcs study {search} --choose")
    for name in KNOWN.keys() - {*waiting}:
        assert KNOWN[name].configs(KNOWN[name].usual_scale, 1)


def test_a_search_that_has_never_chosen_is_named(monkeypatch):
    monkeypatch.delitem(settings.CHOSEN, "search-growth")
    assert settings.missing_choices(find_study("banded-searched")) == ["search-growth"]
    waiting = [one for one in status.progress(Memory()) if one.waits_for]
    assert {one.study.name for one in waiting} == NETWORKS.keys() - KNOWN | {"banded-searched"}
    with pytest.raises(ConfigError, match="lcs study search-growth --choose"):
        settings.CHOSEN["search-growth"]["any"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),  # there is no file
        ('"search"', "<<<<<<< HEAD"),
        ('"sgd": 2.0', '"sgd": "2.0"'),
        ('"sgd": 2.0', '"sgd": -2.0'),
    ],
)
def test_broken_choices_are_refused_in_one_line(old, new, tmp_path):
    file = tmp_path / "chosen.json"
    if old:
        text = settings.CHOSEN_FILE.read_text(encoding="utf-8").rstrip()
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="; restore it") as e:
        settings.read_choices(file)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("scale", SCALES)
def test_every_study_can_be_built_at_every_scale(scale):
    """The data set and the network of each run exist, and only searches use validation images."""
    built = set()
    for name, study in KNOWN.items():
        configs = study.configs(scale, 1) if scale in study.scales else []
        assert len({config.run_id for config in configs}) == len(configs), name
        assert all(config.validation == name.startswith("search") for config in configs), name
        assert name.startswith("search") == isinstance(study, Search)
        built |= {(c.dataset, c.model, c.base_channels) for c in configs}
    for dataset, model, width in built:
        with torch.device("meta"):
            models.build(model, **data.spec(dataset).network, base_channels=width)


def test_studies_are_found_by_name():
    assert all(find_study(name) is study and study.title for name, study in studies().items())
    with pytest.raises(ConfigError, match="engine is a chapter; its studies: none"):
        find_study("engine")
    with pytest.raises(ConfigError, match="unknown name 'tabel2'; did you mean table2"):
        find_study("tabel2")


def test_the_papers_setting_pulls_as_far_at_every_length():
    wide, short = (find_study("figure3").configs("paper", epochs=n)[-1] for n in (4000, 400))
    assert (short.l1, short.l1_rest) == pytest.approx((10 * wide.l1, 10 * wide.l1_rest))


@pytest.mark.parametrize("chosen", [settings.chosen, settings.chosen_flip_crop])
def test_what_was_not_searched_is_refused_but_another_beta(chosen):
    """Which has the values of the largest."""
    other = chosen(settings.DESK, "s-fc", "beta-lasso", 20.0)
    assert other == chosen(settings.DESK, "s-fc", "beta-lasso", 50.0).replace(beta=20.0)
    for unknown in (("d-fc",), ("s-local", "beta-lasso"), ("s-fc", "spred")):
        with pytest.raises(ConfigError, match=f"^search has not searched '{unknown[0]}"):
            chosen(settings.DESK, *unknown)


def test_the_same_run_with_plain_sgd_has_nothing_of_beta_lasso():
    plain = Config(lr=0.3)
    window = {"l1_growth": 1.0, "l1_window": "learned", "l1_window_size": 5}
    sparse = plain.replace(optimizer="beta-lasso", l1=1e-5, l1_rest=1e-6, beta=50, **window)
    assert settings.as_sgd(sparse.replace(frozen_zeros=True)) == plain


@pytest.mark.parametrize(
    ("search", "key"), [("search-deeper", network_key), ("search-sound", method)]
)
def test_a_search_has_as_many_candidates_of_each(search, key):
    assert len({*Counter(map(key, configs(search))).values()}) == 1


def test_what_the_search_chooses_is_what_is_run(monkeypatch):
    searched = configs("search-sound")
    best = {who: [c for c in searched if method(c) == who][2] for who in sound.METHODS}
    runs = [made_up(c, 50.0 + 9 * (c in best.values())) for c in searched]
    monkeypatch.setitem(sound.CHOSEN, "search-sound", choose("search-sound", runs))
    shifted = {method(c): c for c in configs("sound") if c.augment == "time-shift"}
    assert shifted == {who: c.replace(validation=False) for who, c in best.items()}


@pytest.mark.parametrize("kind", ["from-convolution", "from-convolution-wide"])
def test_every_network_starts_from_the_convolution_of_the_study(kind):
    for name in (kind, kind.replace("from", "search")):
        convolution, *others = configs(name)
        started = [config for config in others if config.source]
        assert {(c.source, c.start) for c in started} == {(convolution.as_source, "network")}
        counts = Counter(map(network_key, started))
        assert counts.keys() >= {"s-conv sgd", "s-fc sgd", "s-fc beta-lasso"}
        assert len({*counts.values()}) == 1, "as many candidates for each"


@pytest.mark.parametrize(
    "study", ["from-convolution", "from-convolution-wide", "from-convolution-first-rates"]
)
def test_from_nothing_networks_train_as_long_in_all(study):
    runs = configs(study)
    nothing, started = ([c for c in runs[1:] if bool(c.source) == s] for s in (False, True))
    assert {c.epochs for c in nothing} == {runs[0].epochs + started[0].epochs}
    assert {method(c) for c in nothing} >= {method(c) for c in started}
    l1 = {bool(c.source): c.l1 for c in runs if c.beta}
    assert l1[True] > l1[False], "λ falls with the length"


def test_with_fewer_images_runs_take_about_as_many_steps():
    runs = configs("sample-size")
    steps = [steps_per_epoch(training_images(c) // c.epochs, c.batch_size) * c.epochs for c in runs]
    assert max(steps) / min(steps) < 1.05
    assert {c.replace(train_share=1.0, epochs=50) for c in runs} <= {*runs}
