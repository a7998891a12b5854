"""What the pages print, against the records read as plain JSON; tables and comparisons."""

import functools
import json

import nbformat
import numpy as np
import pytest
from helpers.made_up_records import made_up

from lcs.config import Config
from lcs.exhibits import find_study
from lcs.exhibits.book import ROOT
from lcs.exhibits.shared import cells, compare, tables
from lcs.exhibits.shared.plots.weights import as_image
from lcs.runs import BOOK_RUNS, Record, RunStore
from lcs.stats import Interval, mean_interval

STORE = RunStore(BOOK_RUNS)
S_FC = {
    "sgd": {"optimizer": "sgd"},
    "beta-0": {"optimizer": "beta-lasso", "beta": 0.0},
    "beta-1": {"optimizer": "beta-lasso", "beta": 1.0},
    "beta-50": {"optimizer": "beta-lasso", "beta": 50.0},
    "proximal": {"optimizer": "proximal-l1"},
}


@functools.cache
def _stored():
    return [json.loads(path.read_text()) for path in sorted(BOOK_RUNS.glob("cifar10/*.json"))]


def _documents(**wanted):
    """Every stored desk record, as plain JSON, whose config has these values."""
    wanted = {"dataset": "cifar10", "epochs": 400, "base_channels": 1, "loss": "bce"} | wanted
    plain = Config(**{"loss": "bce", "precision": "bf16", "epochs": 400})
    fixed = ("schedule", "augment", "validation", "precision", "lr", "batch_size", "permute_pixels")
    return [
        document
        for document in _stored()
        if all(document["config"][name] == value for name, value in wanted.items())
        and all(document["config"][name] == getattr(plain, name) for name in fixed)
        and document["config"]["l1"] in (0.0, 2e-5)
        and document["config"]["l1_rest"] is None
        and not document["config"].get("frozen_zeros")
        and document["config"].get("period") is None
    ]


def _glued(chapter):
    notebook = nbformat.read(ROOT / "book" / f"{chapter}.ipynb", as_version=4)
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name:
                (value,) = (v for k, v in output["data"].items() if k.endswith("text/plain"))
                found[name] = value
    return found


def test_table2_prose_says_what_the_records_say():
    glued = _glued("table2")
    seeds = range(int(float(glued["n"])))
    sparse, dense = (
        {
            d["config"]["seed"]: 100 * d["final"]["test_accuracy"]
            for d in _documents(model="s-fc", **S_FC[name])
        }
        for name in ("beta-50", "sgd")
    )
    gain = _mean(sparse[seed] - dense[seed] for seed in seeds)
    assert glued["less-sgd"].strip("'").split(" ")[0] == f"{gain:+.2f}"


def _mean(values):
    values = list(values)
    return sum(values) / len(values)


def test_figure3_prose_says_what_the_records_say():
    glued = _glued("figure3")
    runs = _documents(model="s-fc", **S_FC["beta-50"])
    weights = {"conv1": 3072 * 256, "fc1": 256 * 24, "fc2": 24 * 10}
    for layer, count in weights.items():
        left = _mean(run["history"]["nonzeros"][layer][-1] for run in runs)
        assert float(glued[f"share-{layer}"]) == pytest.approx(100 * left / count)


def test_figure4_prose_says_what_the_records_say():
    glued = _glued("figure4")
    runs = _documents(model="s-fc", **S_FC["beta-50"])
    found = [run["final"]["locality"] for run in runs]
    for kind in ("mean", "null_mean"):
        share = _mean(100 * one["window_mass"][kind] for one in found)
        assert float(glued[f"sparse-{kind}"]) == pytest.approx(share)


def test_stored_runs_need_every_method(tmp_path):
    groups = compare.by_method(find_study("table2").stored("desk", STORE))
    assert list(groups) == list(
        compare.by_method(find_study("table2").run("desk", 1, store=STORE)[1])
    )
    assert find_study("table2").stored("desk", RunStore(tmp_path)) == []


def test_a_table_is_numbered_markdown():
    table = tables.Table("tab-x", "Caption.", ["a", "b", "c"], [["x", "1", "y"]], text=["c"])
    lines = table._repr_markdown_().splitlines()
    assert lines[:2] == [":::{table} Caption.", ":name: tab-x"]
    assert lines[3:] == ["| a | b | c |", "| :-- | --: | :-- |", "| x | 1 | y |", ":::"]


def test_published_values_carry_their_mark():
    assert tables.published(85.19) == "[85.19]{.published}"
    assert tables.reproduction(48.9, 1) == "[48.9]{.published .reproduction}"
    assert tables.published(None) == tables.NONE
    assert tables.interval(Interval(12.345, 0.5, 3)) == "12.35 ± 0.50"
    assert tables.interval(Interval(12.345, None, 1)) == "12.35"


def test_of_two_runs_both_values_are_shown():
    two = mean_interval([71.5, 70.25])
    assert two.pair == pytest.approx((70.25, 71.5))
    assert mean_interval([1, 2, 3]).pair is None
    assert tables.interval(two) == "70.25 and 71.50"
    assert tables.signed(mean_interval([-0.5, 0.25])) == "−0.50 and +0.25"
    assert tables.signed(Interval(-0.001, 0.2, 3)) == "+0.00 ± 0.20", "zero has no minus"


def test_smoothing_means_successive_values():
    runs = [made_up(Config(), 50.0)]
    runs[0].history["test_accuracy"] = [1.0, 2.0, 3.0, 4.0]
    runs[0].history["epoch"] = [1, 2, 4, 8]
    epochs, values = compare.course(runs, "test_accuracy", 2)
    assert epochs == [2, 4, 8]
    assert values == pytest.approx(np.array([[1.5, 2.5, 3.5]]))


def test_rounded_numbers_have_no_power_of_ten():
    found = [tables.rounded(value) for value in (0.5, 9.94, 12.4, 99.6, 123.4, 45_678)]
    assert found == ["0.5", "9.9", "12", "100", "120", "46,000"]
    assert [tables.rounded(value, 1) for value in (0.0123, 9.6)] == ["0.01", "10"]
    assert tables.rounded(3.4e-5) == "3.4e-5"


def test_a_run_that_studies_share_is_joined_once():
    shared, own = made_up(Config(), 50.0), made_up(Config(seed=1), 50.0)
    runs = {"one": [shared], "other": [own, shared], "third": [made_up(Config(seed=2), 50.0)]}
    assert compare.joined(runs, ("one", "other")) == [shared, own]


def test_a_lead_has_no_sign():
    def of(*gains: float) -> list[Record]:
        return [made_up(Config(seed=seed), 50.0 + gain) for seed, gain in enumerate(gains)]

    assert cells.lead_text(of(0.3, 0.5), of(0.0, 0.0)) == "0.30 and 0.50"
    assert cells.lead_text(of(-1.0, 2.0), of(0.0, 0.0)) == "−1.00 and 2.00"


def test_words_of_a_value_are_those_of_its_field():
    config = Config()
    assert cells.field_text(config, "augment") == "no augmentation"
    assert cells.field_text(config, "pruning") == "none"
    assert cells.field_text(config.replace(affine=True), "affine") == "yes"


def test_links_lead_to_records_of_the_book_only(tmp_path):
    record = next(STORE.records())
    assert tables.link(record) == f"[{record.run_id}](runs/{record.path.relative_to(BOOK_RUNS)})"
    elsewhere = RunStore(tmp_path).import_record(record.path)
    assert tables.link(elsewhere) == f"`{record.run_id}`"


def test_zero_is_grey_in_a_filter_and_a_pixel_without_weights_white():
    image = as_image(np.array([[[0.0, -2.0], [1.0, 0.0]], *[[[0.0, -2.0], [0.0, 0.0]]] * 2]))
    assert image.shape == (2, 2, 3)
    assert image[0, 0].tolist() == [1.0] * 3
    assert image[0, 1].tolist() == [0.0] * 3
    assert image[1, 0].tolist() == [0.75, 0.5, 0.5]


def test_a_filter_of_one_channel_is_red_above_zero_and_blue_below():
    image = as_image(np.array([[[0.0, -2.0], [1.0, 2.0]]]))
    assert image.tolist() == [[[1, 1, 1], [0, 0, 1]], [[1, 0.5, 0.5], [1, 0, 0]]]
