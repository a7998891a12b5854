"""The toy chapter: its cells, table and numbers, its map, and its slider."""

import dataclasses
import json
import re
from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from lcs.errors import ConfigError
from lcs.exhibits import toy
from lcs.exhibits.shared import plots
from lcs.runs import BOOK_RUNS, RunStore
from lcs.toy import experiment, resting_points
from lcs.toy.problems import TRUE
from lcs.toy.study import compute_toy

SMALL = dataclasses.replace(experiment.SMOKE, problems=24, steps=200)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Two experiments on a small grid, each with problems of its own."""
    store = RunStore(tmp_path_factory.mktemp("runs"))
    configs = [dataclasses.replace(SMALL, seed=seed) for seed in range(2)]
    return [compute_toy(config, store) for config in configs]


@pytest.fixture(scope="module")
def desk():
    """The experiment that the book shows."""
    return [RunStore(BOOK_RUNS).find(experiment.DESK)]


@pytest.fixture(autouse=True)
def style():
    """The house style, and afterwards what was there before."""
    with plt.rc_context():
        plots.use_style()
        yield
    plt.close("all")


# Cells


def test_cells_average_over_seeds(records):
    pooled = toy.cells(records)
    one, two = (pd.DataFrame(record.final["cells"]) for record in records)
    ours = one.optimizer == "beta-lasso"
    assert pooled.recovered.to_numpy() == pytest.approx((one.recovered + two.recovered)[ours] / 2)
    proximal = toy.cells(records, optimizer="proximal-l1")
    assert len(pooled) + len(proximal) == len(one)
    assert proximal.beta.isna().all(), "the proximal step has no beta"


def test_cells_have_what_is_wanted(records):
    chosen = toy.cells(records, l1=0.2, scale=2.0)
    assert set(chosen.l1) == {0.2}
    assert len(chosen) == len(toy.cells(records)) / 4


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"l1": 0.3}, r"^l1: 0.3 was not computed; choose from 0.02, 0.2$"),
        ({"scale": "2"}, r"^start: '2' was not computed; choose from 0.1, 2$"),
    ],
)
def test_cells_that_were_not_computed_are_refused(records, wanted, message):
    with pytest.raises(ConfigError, match=message):
        toy.cells(records, **wanted)


def test_share_by_start_is_that_of_normal_starts(records):
    decided = toy.share_by_start(records)
    smallest = [resting_points.smallest_start(beta, l1, 0.1) for beta, l1 in ((10, 0.02), (1, 0.2))]
    laws = [NormalDist().cdf(-low / scale) for low in smallest for scale in (0.1, 2.0)]
    assert sorted(decided.law) == pytest.approx(sorted(laws))


# Table and numbers


def test_prediction_table_adds_up(records):
    rows = [[float(cell.replace(",", "")) for cell in row[1:]]
            for row in toy.prediction_table(records).rows]  # fmt: skip
    cells = toy.cells(records)
    for part, size in ((rows[:3], 100), (rows[3:], 20)):
        runs, recovered, right = np.transpose(part)
        assert runs.sum() == 2 * 24 * (5 * 2 * 2) * 2  # seeds × problems × grid × schedules
        here = cells[cells.observations == size]
        for shares, column in ((recovered, "recovered"), (right, "held")):
            mean = 100 * here[column].mean()
            assert np.average(shares, weights=runs) == pytest.approx(mean, abs=0.01)


def test_numbers_survive_a_small_grid(records):
    numbers = toy.numbers(records)
    assert numbers["edge"] == "–"
    assert all(isinstance(value, str) or np.isfinite(value) for value in numbers.values())
    assert numbers["problems"] == 48
    one = toy.cells(records, beta=1.0, observations=100, l1=0.2)
    assert numbers["one-worst"] == pytest.approx(100 * one.recovered.mean())


def test_record_is_small(desk):
    assert desk[0].path.stat().st_size < 300_000
    assert desk[0].provenance["unmodified"]


# Figures


def test_map_shows_the_shares_and_the_boundaries(records):
    shares = toy.cells(records, observations=100, scale=2.0)
    figure = toy.recovery_figure(shares, 0.1)
    figure.draw_without_rendering()
    first, second = figure.axes[:2]
    constant = shares[shares.schedule == "constant"]
    grid = constant.pivot(index="beta", columns="l1", values="recovered")
    assert np.array_equal(first.images[0].get_array(), grid)
    eta, alone = (
        next(line for line in first.lines if line.get_label() == label)
        for label in ("β = η", "β = η/λ")
    )
    assert eta.get_ydata() == pytest.approx([1, 1])  # β = 0.1 is the second row
    assert alone.get_ydata() == pytest.approx([2 + np.log10(5), 1 + np.log10(5)])
    assert len(second.lines) == len(first.lines) - 1, "a decaying step ends the bounce"


def test_names_stand_where_most_problems_belong(desk):
    shares = toy.cells(desk, observations=100, scale=2.0)
    figure = toy.recovery_figure(shares, 0.1)
    for axes, schedule in zip(figure.axes, ("constant", "cosine"), strict=False):
        here = shares[shares.schedule == schedule]
        named = [text for text in axes.texts if text.get_text()]
        assert len(named) == 4, "never stands above and below"
        for text in named:
            column, row = (round(place) for place in text.get_position())
            cell = here[
                (here.l1 == here.l1.unique()[column]) & (here.beta == here.beta.unique()[row])
            ]
            assert cell[text.get_text().split()[0]].item() >= 0.5


# The slider


def _spec(trajectories):
    return toy.weights_slider(trajectories).spec


def test_slider_has_a_frame_for_each_beta_and_start(records):
    trajectories = records[0].final["trajectories"]
    runs = [run for run in trajectories["runs"] if run["optimizer"] == "beta-lasso"]
    spec = _spec(trajectories)
    assert spec == _spec(trajectories)
    chosen = {param["name"]: param for param in spec["params"]}
    assert chosen["frame"]["bind"]["max"] == len(runs) // 2 - 1
    said = json.loads(spec["title"]["text"]["expr"].removesuffix("[place]"))
    titles, texts = [head for head, *_ in said], [" ".join(lines) for _, *lines in said]
    assert titles == [f"β = {run['beta']:g}" for run in runs]
    band, _, lines = (layer["data"]["values"] for layer in spec["layer"])
    for i, (run, text) in enumerate(zip(runs, texts, strict=True)):
        rows = [row for row in lines if row["frame"] == i]
        assert np.array_equal(np.transpose([row["weight"] for row in rows]), run["weights"])
        assert [row["kind"] for row in rows].index("true feature") == TRUE
        assert band[i]["high"] == -band[i]["low"] <= run["beta"] * trajectories["l1"]
        end = run["weights"][-1]
        assert f"remain: {sum(w != 0 for w in end)};" in text
        assert ("is lost" in text) == (end[TRUE] == 0)


def test_slider_is_small_and_loads_nothing(desk):
    page = toy.weights_slider(desk[0].final["trajectories"])._repr_html_()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("</script>") == 1
    assert len(page.encode()) < 250_000
