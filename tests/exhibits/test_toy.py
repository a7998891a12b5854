"""The toy chapter: its frames, tables and numbers, its figures, and its slider."""

import dataclasses
import json
import re

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from lcs.errors import ConfigError
from lcs.exhibits import book, plots
from lcs.exhibits.toy import compute_toy, experiment, figures, results, slider, theory
from lcs.exhibits.toy.problems import TRUE
from lcs.runs import PUBLISHED, RunStore

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
    return [RunStore(PUBLISHED).find(experiment.DESK)]


@pytest.fixture(autouse=True)
def style():
    """The house style, and afterwards what was there before."""
    with plt.rc_context():
        plots.use_style()
        yield
    plt.close("all")


# Frames


def test_cells_average_over_seeds(records):
    pooled = results.cells(records)
    one, two = (experiment.frame(record.final) for record in records)
    assert len(pooled) == len(one)
    assert pooled.recovered.to_numpy() == pytest.approx((one.recovered + two.recovered) / 2)
    assert (pooled.distance_max == np.maximum(one.distance_max, two.distance_max)).all()
    assert pooled.beta.isna().equals(one.beta.isna()), "the proximal step has no beta"


def test_choose_takes_what_is_there(records):
    cells = results.cells(records)
    chosen = results.choose(cells, l1=0.2, scale=2.0)
    assert set(chosen.l1) == {0.2}
    assert len(chosen) == len(cells) / 4


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"l1": 0.3}, r"^l1: 0.3 was not computed; choose from 0.02, 0.2$"),
        ({"scale": "2"}, r"^scale: '2' was not computed; choose from 0.1, 2$"),
    ],
)
def test_choose_refuses_what_is_not(records, wanted, message):
    with pytest.raises(ConfigError, match=message):
        results.choose(results.cells(records), **wanted)


def test_boundaries_are_those_of_the_theory(records):
    lines = results.boundaries(records).set_index(["schedule", "line", "l1"]).beta
    assert lines["constant", "β = η/2", 0.2] == lines["constant", "β = η", 0.2] / 2 == 0.05
    alone, vanished = lines["cosine", "β = η/λ", 0.2], lines["cosine", "β = (2 − 2λ)/λ", 0.2]
    assert (alone, vanished) == theory.boundaries(0.2, 0.1)
    assert "β = η/2" not in lines["cosine"].index


@pytest.mark.parametrize("source", ["records", "desk"])
def test_names_stand_in_their_regions(source, request):
    records = request.getfixturevalue(source)
    names = results.region_names(records, 2.0)
    cells = results.recovery_map(records, 2.0).set_index(["schedule", "l1", "beta"])
    for row in names.itertuples():
        region = "depends" if "depends" in row.region else row.region
        assert cells.loc[(row.schedule, row.l1, row.beta), region] >= 0.5
    by_schedule = names.groupby("schedule").region
    assert (by_schedule.nunique() == 3).all()
    assert (by_schedule.count() == 4).all(), "never stands above and below"


def test_names_stand_in_the_middle(desk):
    names = results.region_names(desk, 2.0)
    always = names[names.region == "always"]
    assert set(always.l1) == {0.05}


def test_curves_carry_the_exact_solutions_share(records):
    curves = results.support_curves(records, 0.2, 2.0)
    shares = [experiment.frame(record.final, "lasso") for record in records]
    few = [s[(s.observations == 20) & (s.l1 == 0.2)].true_support.item() for s in shares]
    found = curves[curves.observations == 20].lasso_true_support
    assert found.to_numpy() == pytest.approx(sum(few) / 2)


def test_starts_are_measured_by_the_smallest_that_survives(records):
    marks = results.start_frame(records)
    smallest = {beta: theory.smallest_start(beta, l1, 0.1) for beta, l1 in ((10, 0.02), (1, 0.2))}
    ratios = [scale / smallest[beta] for beta in (1, 10) for scale in (0.1, 2.0)]
    assert sorted(marks.ratio) == pytest.approx(sorted(ratios))


def test_law_of_starts(records):
    law = results.start_law(records)
    nearest = law.iloc[(law.ratio - 1).abs().argmin()]
    assert nearest.share == pytest.approx(0.159, abs=0.01)
    assert law.share.iloc[-1] == pytest.approx(0.5, abs=0.01)
    half = 1.96 * (nearest.share * (1 - nearest.share) / 48) ** 0.5
    assert nearest.high - nearest.share == pytest.approx(half)
    assert nearest.share - nearest.low == pytest.approx(half)


# Tables and numbers


def _cells_of(table):
    return {row[0]: [float(cell.replace(",", "")) for cell in row[1:]] for row in table.rows}


def test_prediction_table_adds_up(records):
    table = results.prediction_table(records)
    rows = _cells_of(table)
    assert len(rows) == 6
    for size in (100, 20):
        part = np.array([rows[f"N = {size}, {name}"] for name in theory.REGIONS])
        cases, runs = part[:, :3].sum(), part[:, 3].sum()
        assert runs == cases * 2 == 2 * 24 * (5 * 2 * 2) * 2  # seeds × problems × grid × schedules
    assert "n = 48 problems" in table.caption


def test_misses_are_the_runs_that_the_prediction_missed(records):
    missed = [[int(cell.split()[0]) for cell in row[1:]] for row in
              results.misses_table(records).rows]  # fmt: skip
    cells = results.cells(records)
    ours = cells[cells.optimizer == "beta-lasso"]
    wrong = ((1 - ours.held) * 48).groupby(ours.observations).sum()
    assert np.sum(missed, axis=0) == pytest.approx([wrong[100], wrong[20]])


def test_numbers_survive_a_small_grid(records):
    numbers = results.numbers(records)
    assert numbers["edge"] == "–"
    assert all(isinstance(value, str) or np.isfinite(value) for value in numbers.values())
    assert numbers["problems"] == 48
    cells = results.cells(records)
    one = cells[(cells.beta == 1) & (cells.observations == 100) & (cells.l1 == 0.2)]
    assert numbers["one-worst"] == pytest.approx(100 * one.recovered.mean())


def test_prose_takes_every_number_and_no_other(records):
    notebook = nbformat.read(book.ROOT / "book" / "toy.ipynb", as_version=4)
    prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    taken = set(re.findall(r"\{glue:text\}`([\w-]+)", prose))
    assert taken == {*results.numbers(records), "l1", "start"}


def test_record_is_small(desk):
    assert desk[0].path.stat().st_size < 300_000
    assert desk[0].provenance["unmodified"]


# Figures


def test_map_shows_the_shares_and_the_boundaries(records):
    lines = results.boundaries(records)
    shares = results.recovery_map(records, 2.0).assign(expected=0.5)
    figure = figures.recovery(shares, lines, results.region_names(records, 2.0))
    figure.draw_without_rendering()
    first = figure.axes[0]
    constant = shares[shares.schedule == "constant"]
    grid = constant.pivot(index="beta", columns="l1", values="recovered")
    assert np.array_equal(first.images[0].get_array(), grid)
    eta = next(line for line in first.lines if line.get_label() == "β = η")
    assert eta.get_ydata() == pytest.approx([1, 1])  # β = 0.1 is the second row
    alone = next(line for line in first.lines if line.get_label() == "β = η/λ")
    assert alone.get_ydata() == pytest.approx([2 + np.log10(5), 1 + np.log10(5)])


def test_support_shows_both_numbers_of_observations(records):
    figure = figures.support(results.support_curves(records, 0.2, 2.0), 0.1)
    figure.draw_without_rendering()
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["N = 100", "N = 20"]
    drawn = figure.axes[0].lines[0].get_ydata()
    cells = results.choose(results.cells(records), l1=0.2, scale=2.0)
    wanted = cells[(cells.observations == 100) & (cells.schedule == "constant")]
    assert list(drawn) == list(wanted[wanted.optimizer == "beta-lasso"].recovered)


def test_starts_show_every_cell(records):
    marks = results.start_frame(records)
    figure = figures.starts(marks, results.start_law(records))
    figure.draw_without_rendering()
    lines = [line for axes in figure.axes for line in axes.lines if line.get_marker() != "None"]
    assert sum(len(line.get_xdata()) for line in lines) == len(marks)


# The slider


def _spec(trajectories):
    return slider.weights(trajectories).spec


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
        assert f"{sum(w != 0 for w in end)} weight" in text.replace("no weight", "0 weight")
        assert ("is lost" in text) == (end[TRUE] == 0)


def test_slider_is_small_and_loads_nothing(desk):
    page = slider.weights(desk[0].final["trajectories"])._repr_html_()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("</script>") == 1
    assert len(page.encode()) < 250_000
