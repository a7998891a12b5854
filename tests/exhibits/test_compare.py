"""What the pages print, against the records read as plain JSON."""

import dataclasses
import itertools
import json
import math

import nbformat
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from made_up import made_up

from lcs import exhibits
from lcs.exhibits import claims, engine, plots, published, readme, status, tables
from lcs.exhibits import figure3
from lcs.exhibits import table2
from lcs.exhibits.book import ROOT
from lcs.config import Config
from lcs.errors import ConfigError
from lcs.stats import Interval
from lcs.runs import PUBLISHED, RunStore
from lcs.exhibits.methods import SGD, method
from lcs.study import stored
from lcs.exhibits import STUDIES

STORE = RunStore(PUBLISHED)
S_FC = {
    "sgd": {"optimizer": "sgd"},
    "beta-0": {"optimizer": "beta-lasso", "beta": 0.0},
    "beta-1": {"optimizer": "beta-lasso", "beta": 1.0},
    "beta-50": {"optimizer": "beta-lasso", "beta": 50.0},
    "proximal": {"optimizer": "proximal-l1"},
}


def _documents(**wanted):
    """Every stored desk record, as plain JSON, whose config has these values."""
    wanted = {"dataset": "cifar10", "epochs": 400, "base_channels": 1, "loss": "bce"} | wanted
    documents = [json.loads(path.read_text()) for path in sorted(PUBLISHED.glob("cifar10/*.json"))]
    plain = Config(**{"loss": "bce", "precision": "bf16", "epochs": 400})
    fixed = ("schedule", "augment", "validation", "precision", "lr", "batch_size", "permute_pixels")
    return [
        document
        for document in documents
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


@pytest.mark.parametrize("name", S_FC)
def test_table2_prose_says_what_the_records_say(name):
    glued = _glued("table2")
    seeds = range(int(float(glued["n"])))
    runs = [d for d in _documents(model="s-fc", **S_FC[name]) if d["config"]["seed"] in seeds]
    assert len(runs) == len(seeds)
    mean = 100 * sum(run["final"]["test_accuracy"] for run in runs) / len(runs)
    assert float(glued[name]) == pytest.approx(mean, abs=1e-9)


def test_the_best_stretch_is_that_of_successive_epochs():
    run = made_up(Config(), 50.0)
    curve = [0.9, *[0.1] * 10, *[0.4] * 10, 0.2]
    run = dataclasses.replace(run, history={"test_accuracy": curve})
    assert table2._best_stretch(run) == pytest.approx(40.0)
    assert table2._best_stretch(run, epochs=100) == pytest.approx(100 * np.mean(curve))


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
    assert float(glued["revived"]) == max(max(r["history"]["revived"]["conv1"]) for r in runs)
    first = _mean(run["history"]["nonzeros"]["conv1"][0] for run in runs)
    assert float(glued["gone-first-50"]) == pytest.approx(100 * (1 - first / weights["conv1"]))


def test_figure4_prose_says_what_the_records_say():
    glued = _glued("figure4")
    runs = _documents(model="s-fc", **S_FC["beta-50"])
    found = [run["final"]["locality"] for run in runs]
    spread = _mean(one["spread"]["mean"] for one in found)
    assert float(glued["sparse-spread-mean"]) == pytest.approx(spread)
    share = _mean(100 * one["window_mass"]["null_mean"] for one in found)
    assert float(glued["sparse-window_mass-null_mean"]) == pytest.approx(share)


def test_readme_is_what_the_claims_page_says():
    assert readme.is_current(STORE)
    shown = readme.README.read_text()
    page = claims.table(STORE)
    assert sum(".pending" not in row[5] for row in page.rows) >= 20
    verdicts = [row for row in claims.table(STORE, "P").rows if ".pending" not in row[5]]
    assert len(verdicts) >= 8
    assert all(row in page.rows for row in verdicts)
    for row in verdicts:
        assert f"| {row[0]} |" in shown
        assert row[2] in shown


def test_an_edited_readme_is_noticed(tmp_path):
    edited = tmp_path / "README.md"
    text = readme.README.read_text()
    start = text.index(readme.START)
    edited.write_text(text[:start] + text[start:].replace("1", "7", 1))
    assert not readme.is_current(STORE, edited)


@pytest.mark.parametrize(
    ("difference", "margin", "said"),
    [
        (Interval(1.0, 0.5, 3), None, "holds"),
        (Interval(-1.0, 0.5, 3), None, "contradicted"),
        (Interval(0.4, 0.5, 3), None, "undecided"),
        (Interval(0.4, None, 1), None, "seen in one run"),
        (Interval(-0.4, None, 1), None, "not seen in one run"),
        (Interval(0.4, None, 1), 0.0, "undecided"),
        # a published run, which lies within the interval of one more run or does not
        (Interval(0.4, 0.5, 3), 0.0, "compatible"),
        (Interval(1.0, 0.5, 3), 0.0, "contradicted"),
        (Interval(-1.0, 0.5, 3), 0.0, "contradicted"),
        # to be equal within a margin takes an interval that lies within it
        (Interval(0.4, 0.5, 3), 1.0, "agrees"),
        (Interval(0.4, 0.7, 3), 1.0, "undecided"),
        (Interval(1.0, 0.5, 3), 2.0, "agrees"),
        (Interval(-1.09, 0.68, 5), 1.0, "undecided"),
        (Interval(-2.29, 0.24, 3), 1.0, "contradicted"),
        (None, None, "as said"),
    ],
)
def test_verdicts_follow_the_interval(difference, margin, said):
    assert claims.verdict(claims.Finding("", difference, margin, said="as said")) == said


def test_a_verdict_that_correction_takes_away_says_so():
    finding = claims.Finding("", Interval(1.0, 0.9, 3))
    assert claims.verdict(finding, corrected=False) == "holds, but not after correction"
    equal = claims.Finding("", Interval(0.1, 0.8, 3), margin=1.0)
    assert claims.verdict(equal, corrected=False) == "agrees, but not after correction"
    undecided = claims.Finding("", Interval(1.0, 1.1, 3))
    assert claims.verdict(undecided, corrected=False) == "undecided"


def test_verdicts_are_corrected_for_all_comparisons_of_the_page():
    strong, weak = Interval(1.0, 0.1, 5), Interval(1.0, 0.9, 5)
    made = [
        claims.Claim("P", "", "", "table2", "table2", lambda _, v=v: claims.Finding("", v))
        for v in (weak, strong, weak._replace(mean=1.01), weak._replace(mean=1.02))
    ]
    said = [evidence.verdict for evidence in claims.judged(made, STORE, "desk")]
    assert said[1] == "holds"
    assert said[0] == said[2] == said[3] == "holds, but not after correction"
    assert claims.judged(made[:1], STORE, "desk")[0].verdict == "holds"
    # the same comparison twice is one, and this book's own claims are a family of their own
    assert claims.judged([made[0]] * 5, STORE, "desk")[0].verdict == "holds"
    own = [dataclasses.replace(claim, source="B") for claim in made[1:]]
    assert claims.judged([made[0], *own], STORE, "desk")[0].verdict == "holds"


def test_a_published_run_is_compared_as_one_more_draw():
    judge = claims._is_published("S-FC, SGD")
    records = stored("table2", "desk", STORE)
    finding = judge(records)
    values = exhibits.accuracies(exhibits.by_method(records)["S-FC, SGD"])
    n, spread = len(values), float(np.std(values, ddof=1))
    assert finding.margin == 0
    assert finding.evidence.mean == pytest.approx(np.mean(values) - 45.8)
    next_draw = scipy.stats.t.ppf(0.975, n - 1) * spread * math.sqrt(1 + 1 / n)
    assert finding.evidence.half_width == pytest.approx(next_draw)


def test_claims_without_runs_are_pending(tmp_path):
    rows = claims.table(RunStore(tmp_path)).rows
    assert len(rows) == len(claims.CLAIMS)
    measured = [claim.study == claims.BENCHMARK for claim in claims.CLAIMS]
    assert [".pending" not in row[5] for row in rows] == measured


def test_claims_about_speed_rest_on_the_benchmark(monkeypatch):
    columns = ["base_channels", "density", "mode", "ratio", "low", "high"]

    def table(ratio: float, away: float = 0.1) -> pd.DataFrame:
        ends = ratio - away, ratio + away
        rows = [(4, 1.0, "exact", 0.5, 0.4, 0.6), (16, 1.0, "exact", ratio, *ends),
                (16, 5.0, "exact", 3.0, 2.9, 3.1)]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    judge = claims._faster("exact", "less", "more")
    monkeypatch.setattr(engine, "density_frame", lambda _: table(0.75))
    assert judge([]) == claims.Finding(
        "0.75 (0.65 – 0.85) of a dense step's time at 1 % left, α = 16", said="less"
    )
    monkeypatch.setattr(engine, "density_frame", lambda _: table(1.25))
    assert judge([]).said == "more"
    monkeypatch.setattr(engine, "density_frame", lambda _: table(0.95))
    assert judge([]).said == "undecided"
    speed = [claim for claim in claims.CLAIMS if claim.study == claims.BENCHMARK]
    monkeypatch.setattr(engine, "load", lambda _: None)
    assert claims.judged(speed, STORE, "benchmark") == [None] * len(speed)


def test_stored_runs_need_every_method(tmp_path):
    groups = exhibits.by_method(stored("table2", "desk", STORE))
    assert list(groups) == list(
        exhibits.by_method(STUDIES["table2"].run("desk", 1, store=STORE)[1])
    )
    assert stored("table2", "desk", RunStore(tmp_path)) == []


def test_status_lists_every_exhibit_at_every_scale():
    rows = status.table(STORE).rows
    scales = sum(len(study.scales) - 1 for study in STUDIES.values())
    assert len(rows) == scales + len(status.OTHER_DATA)
    done = {tuple(row[:3]) for row in rows if row[3].startswith("done")}
    assert (STUDIES["table2"].title, "[table2](table2.ipynb)", "desk") in done


def test_without_records_every_study_is_pending(tmp_path):
    rows = [row for row in status.table(RunStore(tmp_path)).rows if row[2] != "smoke"]
    assert rows
    assert all(".pending" in row[3] for row in rows)


def test_provenance_counts_every_record():
    assert sum(int(row[-1]) for row in status.provenance_table(STORE).rows) == len(STORE.paths())


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


def test_table2_quotes_the_published_rows():
    row = published.table2("S-FC, β-LASSO, β = 50")
    assert (row.cifar10, row.cifar100, row.svhn, row.report) == (85.19, 59.56, 94.07, 48.9)
    assert published.table2("no such method").cifar10 is None


def test_links_lead_to_records_of_the_book_only(tmp_path):
    record = next(STORE.records())
    assert tables.link(record) == f"[{record.run_id}](runs/{record.path.relative_to(PUBLISHED)})"
    elsewhere = RunStore(tmp_path).take(record.path)
    assert tables.link(elsewhere) == f"`{record.run_id}`"


def test_figures_draw_what_they_are_given():
    _, records = STUDIES["table2"].run("desk", 1, store=STORE)
    size = exhibits.size_text(records)
    assert size == "α = 1, 400 epochs"
    figure = plots.accuracies(table2.accuracy_frame(records), size)
    assert size in figure.legends[0].get_texts()[-1].get_text()
    drawn = {round(x, 4) for line in figure.axes[0].lines for x in line.get_xdata()}
    values = {round(v, 4) for v in exhibits.accuracies(records)}
    assert values <= drawn
    assert all(math.isfinite(v) for v in values)


def test_zero_is_grey_in_a_filter():
    image = plots.as_image(np.array([[[0.0, -2.0], [1.0, 0.0]]] * 3))
    assert image.shape == (2, 2, 3)
    assert image[0, 0].tolist() == [0.5] * 3
    assert image[0, 1].tolist() == [0.0] * 3


def test_a_scatter_tells_method_loss_and_augmentation_apart():
    cells = itertools.product(("SGD", "β-LASSO"), ("bce", "cross-entropy"), (False, True))
    rows = [
        {
            "x": 1.0 + i,
            "y": 0.0,
            "ci95": 0.1,
            "method": method,
            "loss": loss,
            "augmented": augmented,
        }
        for i, (method, loss, augmented) in enumerate(cells)
    ]
    figure = plots.scatter(pd.DataFrame(rows), "weights", "points")
    assert len(figure.legends[0].get_texts()) == 5
    drawn = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    looks = {(line.get_color(), line.get_marker(), line.get_mfc()) for line in drawn}
    assert len(looks) == 8


def test_pending_comparisons_count_as_comparisons(monkeypatch):
    weak = claims.Finding("", Interval(1.0, 0.9, 5))
    made = [claims.Claim("P", "", "", "table2", "table2", lambda _: weak)]
    assert claims.judged(made, STORE, "desk")[0].verdict == "holds"
    made += [dataclasses.replace(made[0], study="table2", judge=lambda _: weak)] * 5
    # one comparison, made six times
    assert claims.judged(made, STORE, "desk")[0].verdict == "holds"
    real = claims.stored
    monkeypatch.setattr(claims, "stored", lambda n, *a: [] if n == "wider" else real(n, *a))
    made += [dataclasses.replace(made[0], study="wider")] * 5
    assert claims.judged(made, STORE, "desk")[0].verdict == "holds, but not after correction"
    made[6:] = [dataclasses.replace(claim, judge=None) for claim in made[6:]]
    assert claims.judged(made, STORE, "desk")[0].verdict == "holds"


def test_what_the_reproduction_says_is_judged_at_its_own_size(monkeypatch):
    asked = []

    def recorded(name, scale, store):
        asked.append((name, scale))
        return []

    monkeypatch.setattr(claims, "stored", recorded)
    of_r = [claim for claim in claims.CLAIMS if claim.source == "R"]
    for scale in claims.SCALES:
        assert all(evidence is None for evidence in claims.judged(of_r, STORE, scale))
    assert {scale for _, scale in asked} == {"desk"}


def test_one_run_counts_as_pending():
    weak = claims.Finding("", Interval(1.0, 0.9, 5))
    one = claims.Finding("", Interval(1.0, None, 1))
    made = [claims.Claim("P", "", "", "table2", "table2", lambda _, f=f: f)
            for f in (weak, *[one] * 5)]  # fmt: skip
    assert claims.judged(made[:1], STORE, "desk")[0].verdict == "holds"
    assert claims.judged(made, STORE, "desk")[0].verdict == "holds, but not after correction"


def test_each_scale_is_corrected_by_itself(monkeypatch):
    weak = claims.Finding("", Interval(1.0, 0.9, 5))
    one = claims.Finding("", Interval(1.0, None, 1))
    made = [claims.Claim("P", "", "", "table2", study, lambda _, f=f: f)
            for study, f in (("table2", weak), *[("figure3", one)] * 5)]  # fmt: skip
    real, before = claims.stored, claims.judged(made, STORE, "desk")

    def wide(name, scale, store):
        if scale == "paper":
            return real(name, "desk", store) if name == "figure3" else []
        return real(name, scale, store)

    monkeypatch.setattr(claims, "stored", wide)
    wide_ones = claims.judged(made, STORE, "paper")
    assert [evidence and evidence.verdict for evidence in wide_ones] == [
        None, *["seen in one run"] * 5,
    ]  # fmt: skip
    assert claims.judged(made, STORE, "desk") == before


def test_a_claim_has_a_row_for_each_scale(monkeypatch):
    weak = claims.Finding("1.0", Interval(1.0, 0.9, 5))
    monkeypatch.setattr(claims, "CLAIMS", [
        claims.Claim("P", "It is so", "", "table2", "table2", lambda _: weak)])  # fmt: skip
    assert [row[4] for row in claims.table(STORE).rows] == ["desk"]
    real = claims.stored
    monkeypatch.setattr(claims, "stored", lambda name, _, store: real(name, "desk", store))
    shown = claims.table(STORE)
    assert [row[4] for row in shown.rows] == ["paper", "desk"]
    assert {row[0] for row in shown.rows} == {"It is so"}


def test_locality_is_judged_by_both_measures():
    records = stored("table2", "desk", STORE)
    assert claims.verdict(claims._more_local_than_sgd(records)) == "holds"
    one = [r for r in records if r.config.seed == 0]
    assert claims.verdict(claims._more_local_than_sgd(one)) == "seen in one run"
    wide = [dataclasses.replace(r, final=r.final | {"locality": r.final["locality"] | {
        "spread": {"excess_mean": 1.0 if r.config.beta else r.config.seed / 9}}})
        for r in records]  # fmt: skip
    assert claims._more_local_than_sgd(wide).said == "depends on the measure"
    sparse = [r for r in records if r.config.beta == 50]
    same = [dataclasses.replace(r, config=r.config.replace(
        optimizer="sgd", l1=0.0, beta=0.0)) for r in sparse]  # fmt: skip
    assert claims.verdict(claims._more_local_than_sgd([*sparse, *same])) == "undecided"
    none = {name: {"excess_mean": None} for name in ("window_mass", "spread", "morans_i")}
    dead = [dataclasses.replace(r, final=r.final | {"locality": none}) for r in records]
    for judge in (claims._more_local_than_sgd, claims._local_filters):
        assert judge(dead).said == "not measurable: too few weights"
    conv = [r for r in records if r.config.model == "s-local"]
    sgd = [r for r in records if method(r.config) == "S-FC, SGD"]
    as_sparse = [
        dataclasses.replace(r, config=r.config.replace(
            model="s-fc", optimizer="beta-lasso", l1=2e-5, beta=50.0)) for r in conv
    ]  # fmt: skip
    found = claims._more_local_than_sgd([*as_sparse, *sgd])
    assert claims.verdict(found) == "holds"  # patches are local, though not smooth


def test_a_chapter_with_no_threshold_says_what_to_give():
    records = [r for r in stored("figure3", "desk", STORE) if not r.config.beta]
    with pytest.raises(ConfigError, match="betas: none of them has a threshold; give one above 0"):
        figure3.laws_frame(records)


def test_other_data_are_pending_with_their_command():
    table = table2.elsewhere("tab-x", [], "desk", "SVHN", "lcs study figure3 --dataset svhn")
    assert table.caption == "Not run yet: SVHN."
    assert table.rows == [["[pending: `lcs study figure3 --dataset svhn`]{.pending}"]]
    records = stored("figure3", "desk", STORE)
    rows = table2.elsewhere("tab-x", records, "desk", "", "").rows
    assert [row[0] for row in rows] == list(exhibits.by_method(records))


def test_published_accuracies_are_of_their_data_set():
    assert published.accuracy(SGD, "cifar10") == 78.63
    assert published.accuracy(SGD, "cifar10", 400) == 72.77
    assert published.accuracy(SGD, "cifar100") == 51.43
    assert published.accuracy(SGD, "cifar100", 400) is None
    assert published.accuracy(SGD, "digits") is None


def test_the_shorter_training_on_other_data_has_nothing_beside_it():
    records = [
        dataclasses.replace(
            record,
            config=record.config.replace(base_channels=150, epochs=400, dataset="cifar100"),
        )
        for record in stored("figure3", "desk", STORE)
    ]
    table = table2.elsewhere("tab-x", records, "paper", "", "")
    assert {row[1] for row in table.rows} == {"–"}


def test_numbers_of_a_beta_that_was_not_run_are_missing_and_no_others():
    records = [r for r in stored("table2", "desk", STORE) if r.config.beta < 50]
    found = table2.numbers(records)
    assert math.isnan(found["beta-50"])
    assert math.isnan(found["left"])
    assert found["less-sgd"] == found["early-sgd"] == "–"
    every = table2.numbers(stored("table2", "desk", STORE))
    assert found["beta-1"] == every["beta-1"]
    assert every["less-sgd"] != "–"


@pytest.mark.parametrize(
    ("epochs", "sgd", "sparse"), [(400, "72.77", None), (4000, "78.63", "85.19")]
)
def test_at_the_papers_width_the_paper_stands_beside_runs_of_its_own_length(epochs, sgd, sparse):
    records = [
        dataclasses.replace(record, config=record.config.replace(base_channels=150, epochs=epochs))
        for record in stored("figure3", "desk", STORE)
    ]
    table = table2.elsewhere("tab-x", records, "paper", "", "")
    assert f"the paper (α ≈ 150, {epochs} epochs" in table.caption
    assert "reproduction" not in table.columns
    shown = {row[0]: row[1] for row in table.rows}
    assert shown["S-FC, SGD"] == tables.published(float(sgd))
    assert shown["S-FC, β-LASSO, β = 50"] == tables.published(float(sparse) if sparse else None)
