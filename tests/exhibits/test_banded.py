"""What the chapter `banded` computes, on records made up so that every answer is known."""

import pytest
import torch
from helpers.made_up_records import configs, made_up, study

from lcs.exhibits import banded, find_study
from lcs.exhibits.banded import results, studies
from lcs.exhibits.choose import choose
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.methods import B50, method
from lcs.models import LocallyConnected2d, dense_weight
from lcs.optim.pruning import Pruning
from lcs.train.setup import build_model, make_optimizer

NAMES = [study.name for study in banded.STUDIES if not study.name.startswith("search")]


def accuracy(config):
    """One point for each unit of growth, two for a threshold, a tenth for a seed.

    Windows that follow the weights add 0.4, random ones 0.3; of another size than the usual 0.2
    for each pixel along a side.
    """
    networks = {"conv": 20.0, "local": 15.0}.get(config.model[2:], 0.0)
    grown = config.l1_growth + {"grid": 0.0, "initial": 0.3, "learned": 0.4}[config.l1_window]
    grown += 0.2 * (config.l1_window_size or 0)
    return 50.0 + networks + 2.0 * bool(config.beta) + grown + config.seed / 10


@pytest.fixture
def found():
    return {name: study(name, accuracy, None) for name in NAMES}


def test_growth_changes_nothing_else():
    grown = [config for config in configs("banded") if config.l1_growth]
    assert {config.l1_growth for config in grown} == set(studies.GROWTHS)
    learned = configs("banded-learned")
    assert {config.replace(l1_window="grid") for config in learned} <= set(grown)
    assert {config.replace(l1_growth=0.0) for config in grown} <= set(configs("banded"))


def test_growth_at_random_places_has_as_many_candidates_as_other_methods(monkeypatch):
    candidates = configs("search-growth")
    ours = [c for c in configs("search-flips") if method(c) == B50]
    assert len(candidates) == len(ours) == 12
    assert all(config.validation and config.l1_window == "initial" for config in candidates)
    best = candidates[3]
    records = [made_up(c, 60.0 if c == best else 50.0) for c in candidates]
    found = choose("search-growth", records)
    assert found == {"s-fc beta-lasso": {"l1_growth": 0.3, "share": 1.0, "lr": 0.3}}
    monkeypatch.setitem(settings.CHOSEN, "search-growth", found)
    *plain, chosen = configs("banded-searched")
    assert chosen == best.replace(validation=False)
    assert set(plain) < set(configs("banded-wide"))


def test_words_say_what_the_records_say(found):
    words = results.numbers(found)
    gain = configs("banded-searched")[-1].l1_growth + 2.3
    assert words["searched-gap"].startswith(f"{100 * gain / 15:.0f} (")
    assert words["searched-n"] == "3"
    assert words["scattered-none"] == "+1.30 ± 0.00"
    assert (words["wide-gap-none"], words["masked-gap"]) == ("13 (13 to 13)", "0 (0 to 0)")


def column(table, heading):
    """Return the cells of a column."""
    place = table.columns.index(heading)
    return [row[place] for row in table.rows]


def test_table_has_what_growth_gains(found):
    names = ("banded-uniform", "banded-learned", "banded-sizes")
    table = results.banded_table([run for n in ("banded", *names) for run in found[n]])
    gains = column(table, "over no growth (points)")
    assert gains[:6] == ["–"] * 6, "nothing grows"
    assert gains[6:15] == [f"+{gain:.2f} ± 0.00" for gain in studies.GROWTHS] * 3
    learned, sizes = ([0.41, 0.5, 1.4], [2.3, 3.9, 4.7])
    assert gains[15:] == ["–", *(f"+{gain:.2f} ± 0.00" for gain in (*learned, *sizes))]


def test_table_of_several_lengths_has_the_share_of_the_gap(found):
    names = ("banded-wide", "banded-scattered", "banded-long", "masked")
    table = results.banded_table([run for n in names for run in found[n]], "banded-wide")
    closed = column(table, "gap closed (%)")
    wide, scattered, long, masked = closed[:6], closed[6], closed[7:11], closed[11:]
    assert wide == ["–", "–", *(f"{x} ({x} to {x})" for x in (13, 20, 22, 23))]
    assert scattered == "22 (22 to 22)"
    assert long == ["–", "–", "13", "23"]
    assert masked == ["0 (0 to 0)"] * 2
    gains = column(table, "over no growth (points)")
    assert gains[2:7] == ["–", *(f"+{x:.2f} ± 0.00" for x in (1, 1.3, 1.4, 1.3))]


def test_tables_and_figures_have_every_condition(found):
    assert len(results.banded_table(found["banded"]).rows) == 15
    assert results.banded_figure(found["banded"]).axes
    windows = results.windows_figure(found).axes[0]
    labels = [label.get_text() for label in windows.get_yticklabels()]
    assert [name for name in labels if name == "S-LOCAL"] == ["S-LOCAL"] * 2, "at both lengths"
    assert "β = 50, windows scattered" in labels


def test_claims_compare_what_they_say(found):
    gain = configs("banded-searched")[-1].l1_growth + 2.3
    findings = []
    for claim in banded.CLAIMS.values():
        records = [run for study in claim.studies for run in found[study.name]]
        findings.append(claim.judge(records))
    grown = [0.1, 0.1, 0.5, 1.5, 3.4, 0.1, -4.1, gain, gain - 7.5, 0.0]
    masked = [-3.0, -gain, 15.0]
    assert [finding.evidence.mean for finding in findings] == pytest.approx([*grown, *masked, 12.9])


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
