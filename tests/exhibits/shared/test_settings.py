"""Settings and studies of the book: what they train, and what they wait for."""

import pytest
import torch
from helpers.made_up_records import Memory

from lcs import data, models
from lcs.config import Config
from lcs.errors import ConfigError
from lcs.exhibits import find_study, status, studies
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.searches import Search

NETWORKS = {name: study for name, study in studies().items() if study.setting.configs}
# of those whose searches have chosen
KNOWN = {name: study for name, study in NETWORKS.items() if not settings.missing_choices(study)}
EVERY = [(name, scale) for name, study in KNOWN.items() for scale in study.scales]


AWAITED = sorted({search for study in NETWORKS.values() for search in getattr(study, "after", ())})


@pytest.mark.parametrize("search", AWAITED)
def test_until_a_search_has_chosen_what_takes_its_choice_waits(search, monkeypatch, command):
    monkeypatch.setitem(settings.CHOSEN, search, settings.Chosen(search, {}))
    waiting = {
        name for name, study in NETWORKS.items() if search in settings.missing_choices(study)
    }
    for name in waiting:
        for scale in {"smoke", NETWORKS[name].usual_scale}:
            said = command("study", name, "--scale", scale, "--plan")
            said.refused(f"lcs study {search} --choose")
    for name in KNOWN.keys() - waiting:
        assert NETWORKS[name].configs(NETWORKS[name].usual_scale, 1)


def test_a_search_that_has_never_chosen_is_named(monkeypatch):
    monkeypatch.delitem(settings.CHOSEN, "search-growth")
    assert settings.missing_choices(find_study("banded-searched")) == ["search-growth"]
    with pytest.raises(ConfigError, match="lcs study search-growth --choose"):
        settings.CHOSEN["search-growth"]["any"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(None, None, id="missing"),
        pytest.param('"search"', "<<<<<<< HEAD", id="no JSON"),
        pytest.param("{", "[{", id="a list"),
        pytest.param('"search-flips": {', '"search-flips": 1, "other": {', id="a section"),
        pytest.param('"sgd": 2.0', '"sgd": "2.0"', id="a text"),
        pytest.param('"sgd": 2.0', '"sgd": null', id="null"),
        pytest.param('"sgd": 2.0', '"sgd": {"factor": 2.0}', id="fields for a number"),
        pytest.param('"sgd": 2.0', '"sgd": -2.0', id="below 0"),
        pytest.param('"sgd": 2.0', '"sgd": NaN', id="not finite"),
        pytest.param('{"momentum": 0.9, "weight_decay": 0.0005}', "0.9", id="a number for fields"),
        pytest.param('"factor"', '"fator"', id="an unknown field"),
        pytest.param('"factor": 2.0', '"factor": 2.0, "epochs": 3', id="one field more"),
        pytest.param(', "factor": 2.0', "", id="one field less"),
        pytest.param('[{"lr": 0.3, "factor": 3.0}', "[3", id="a list of others"),
    ],
)
def test_broken_choices_are_refused_in_one_line(old, new, tmp_path):
    file = tmp_path / "chosen.json"
    if new is not None:
        text = settings.CHOSEN_FILE.read_text(encoding="utf-8").rstrip()
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="; restore it") as e:
        settings.read_choices(file)
    assert str(file) in str(e.value)
    assert "\n" not in str(e.value)


def test_status_says_what_waits_for_a_search(monkeypatch):
    monkeypatch.setitem(settings.CHOSEN, "search-growth", settings.Chosen("search-growth", {}))
    waiting = [one for one in status.progress(Memory()) if one.waits_for]
    assert {one.study.name for one in waiting} == NETWORKS.keys() - KNOWN | {"banded-searched"}
    assert "search-growth" in {one.waits_for[0] for one in waiting}


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_every_study_can_be_built_at_every_scale(name, scale):
    """The data set and the network of each run exist, and only searches use validation images."""
    configs = NETWORKS[name].configs(scale, 1)
    assert len({config.run_id for config in configs}) == len(configs)
    assert {config.validation for config in configs} == {name.startswith("search")}
    assert name.startswith("search") == isinstance(NETWORKS[name], Search)
    for dataset, model, width in {(c.dataset, c.model, c.base_channels) for c in configs}:
        facts = data.spec(dataset)
        with torch.device("meta"):
            models.build(
                model,
                num_classes=len(facts.classes),
                image_size=facts.image_shape[0],
                in_channels=facts.image_shape[2],
                base_channels=width,
            )


def test_studies_are_found_by_name():
    assert all(find_study(name) is study and study.title for name, study in studies().items())
    with pytest.raises(ConfigError, match="engine is a chapter; its studies: none"):
        find_study("engine")
    with pytest.raises(ConfigError, match="unknown name 'tabel2'; did you mean table2"):
        find_study("tabel2")


def test_exhibits_share_their_runs():
    table2, figure3, figure4 = (
        set(find_study(name).configs("desk", 5)) for name in ("table2", "figure3", "figure4")
    )
    assert figure3 < figure4 < table2


def test_both_desk_settings_have_names_of_their_own():
    at_desk = [study for study in studies().values() if "desk" in study.scales]
    labels = {study.setting.label("desk") for study in at_desk}
    assert labels == {
        "flips and crops, 1600 epochs",
        "toy",
        "no augmentation",
        "no augmentation, cross-entropy",
        "cross-entropy, flips and crops, 100 epochs",
        "AutoAugment",
        "flips and crops",
        "flips and crops, 50 epochs",
        "varied conditions",
        "spoken digits",
    }
    assert settings.PAPER_SHORT.label("paper") == settings.PAPER_SHORT.name
    assert settings.PAPER_SHORT.label("smoke") == "smoke"
    assert settings.RECIPE.label("paper") == settings.REPRODUCTION.label("paper") == "paper"
    for name in ("recipe", "width", "wider"):
        losses = {(c.loss, c.augment) for c in find_study(name).configs("desk", 1)}
        assert losses == {("cross-entropy", "flip-crop")}
        assert (
            find_study(name).setting.label("desk") == "cross-entropy, flips and crops, 100 epochs"
        )


def test_the_reproductions_setting():
    runs = find_study("table2").configs("desk", 1)
    assert {(c.dataset, c.base_channels, c.epochs, c.loss) for c in runs} == {
        ("cifar10", 1, 400, "bce")
    }
    sparse = [c for c in runs if c.optimizer != "sgd"]
    assert {(c.l1, c.l1_rest) for c in sparse} == {(2e-5, None)}
    assert {(c.momentum, c.weight_decay) for c in runs if c not in sparse} == {(0.0, 0.0)}


def test_the_papers_setting_pulls_as_far_at_every_length():
    wide, short = (find_study("figure3").configs("paper", epochs=n)[-1] for n in (4000, 400))
    assert (wide.base_channels, wide.beta) == (150, 50.0)
    assert (short.l1, short.l1_rest) == pytest.approx((10 * wide.l1, 10 * wide.l1_rest))
    for name in ("table2", "figure3", "figure4", "cifar100"):
        runs = [c for c in find_study(name).configs("paper") if c.optimizer == "sgd"]
        assert {(c.momentum, c.weight_decay) for c in runs} == {(0.9, 5e-4)}


def test_the_factorial_is_complete():
    runs = find_study("factorial").configs("desk", 1)
    cells = {(run.augment, run.loss, run.lr) for run in runs}
    assert (len(cells), len(runs)) == (2 * 3, 2 * 3 * 5)


def test_a_beta_that_was_not_searched_has_the_values_of_the_largest():
    for chosen in (settings.chosen, settings.chosen_flip_crop):
        other = chosen(settings.DESK, "s-fc", "beta-lasso", 20.0)
        assert other == chosen(settings.DESK, "s-fc", "beta-lasso", 50.0).replace(beta=20.0)


@pytest.mark.parametrize("chosen", [settings.chosen, settings.chosen_flip_crop])
@pytest.mark.parametrize(
    "method",
    [("d-fc",), ("d-fc", "beta-lasso", 50.0), ("s-local", "beta-lasso"), ("s-fc", "spred")],
)
def test_a_network_or_an_optimizer_that_was_not_searched_is_refused(chosen, method):
    with pytest.raises(ConfigError, match=f"^search has not searched '{method[0]}"):
        chosen(settings.DESK, *method)


def test_the_same_run_with_plain_sgd_has_nothing_of_beta_lasso():
    plain = Config(lr=0.3)
    window = {"l1_growth": 1.0, "l1_window": "learned", "l1_window_size": 5}
    sparse = plain.replace(optimizer="beta-lasso", l1=1e-5, l1_rest=1e-6, beta=50, **window)
    assert settings.as_sgd(sparse.replace(frozen_zeros=True)) == plain
