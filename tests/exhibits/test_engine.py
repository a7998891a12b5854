"""The engine's chapter: counted steps, and what benchmarks have written."""

import dataclasses
import json

import pytest
from made_up import made_up

from lcs.config import Config
from lcs.errors import RecordError
from lcs.exhibits import engine
from lcs.exhibits.engine import benchmarks, counts, figures, sparsity

MACHINE = {"hardware": "a processor", "threads": 2, "native bf16": True, "torch": "2.12.1"}


def bench(tmp_path, tables, device="cpu"):
    path = tmp_path / f"parts-{device}.json"
    path.write_text(json.dumps({"machine": MACHINE, "tables": tables}))
    return benchmarks.load("parts", str(tmp_path), device)


# of eleven rounds the interval of the median is that from the second to the tenth
SLOWER = [0.5, 0.8, *[0.9] * 3, 1.0, *[1.1] * 3, 1.3, 2.0]
DENSE = [2.0 + number for number in range(len(SLOWER))]


def table(title, ratios=(), **fields):
    times = {"forward": [3.0, 1.0, 2.0], "whole step": [4.0, 6.0, 5.0]}
    times |= {"dense": DENSE} if ratios else {}
    for one in ratios:
        mode = one["ratio"].partition(" / ")[0]
        pairs = zip(SLOWER, DENSE, strict=True)
        times[mode] = [one["median"] * slower * dense for slower, dense in pairs]
    unit = "milliseconds a step"
    kept = {"title": title, "unit": unit, "times": times, "ratios": list(ratios), "repeats": 3}
    return kept | fields


def ratio(mode, median, target=""):
    return {
        "ratio": f"{mode} / dense", "median": median,
        "lowest": median - 0.1, "highest": median + 0.1,
        "target": target, "met": None,
    }  # fmt: skip


def step(width, model="s-fc"):
    return {"measured": "step", "model": model, "base_channels": width}


def sparse_step(width, density):
    return {**step(width), "measured": "sparse step", "density": density}


def test_the_papers_step_is_counted():
    """Layers of 118, 138.2 and 0.036 million weights, 512 images; 12 bytes a weight."""
    step = counts.count_step(150)
    first, rest = 117_964_800, 138_240_000 + 36_000
    assert step.weights == first + rest
    assert step.operations == 2 * 512 * (2 * first + 3 * rest)
    assert step.bytes == 12 * step.weights
    assert step.floor == pytest.approx(1.31e-3, rel=0.01)


def test_counts_are_said_to_be_no_measurement():
    table = counts.counts_table()
    assert table.rows[-1] == ["150", "256.2", "666.4", "3.075", "1.31", "8.6 min"]
    assert "estimated, not measured" in table.caption


def test_times_have_median_and_range(tmp_path):
    found = bench(tmp_path, [table("A step", **step(1)), table("Another", **step(4))])
    shown = benchmarks.times_table("tab-x", found, **step(4))
    assert shown.rows == [["forward", "2", "1 – 3"], ["whole step", "5", "4 – 6"]]
    assert "Another: milliseconds a step, 3 repeats. a processor, 2 threads" in shown.caption


def test_ratios_have_their_targets(tmp_path):
    both = [ratio("exact", 1.5, "<= 1.6"), ratio("frozen", 0.9)]
    found = bench(tmp_path, [table("one", both, **step(1)), table("two", **step(4))])
    row, next_row = benchmarks.ratios_table("tab-x", found, [step(1), step(4)]).rows
    assert next_row[:2] == ["", "frozen / dense"]  # of the same
    assert row == ["one", "exact / dense", "1.50", "1.40 – 1.60", "≤ 1.6"]


@pytest.mark.parametrize("found", [None, {"machine": MACHINE, "tables": []}])
def test_what_was_not_measured_is_pending(found):
    for shown in (
        benchmarks.times_table("tab-x", found, **step(150)),
        benchmarks.ratios_table("tab-x", found, [step(150), sparse_step(16, 0.01)]),
    ):
        assert "S-FC, α = 150: a step" in shown.caption
        assert "make bench" in shown.rows[0][0]
        assert ".pending" in shown.rows[0][0]
    assert "S-FC, α = 16: 1.0% of the first layer remaining" in shown.caption
    assert "pending" in figures.speed(sparsity.density_frame(found)).axes[0].texts[0].get_text()
    for figure in (
        figures.changes(benchmarks.changes_frame(found)),
        figures.floors(benchmarks.floor_frame(found)),
    ):
        assert "pending" in figure.axes[0].texts[0].get_text()
    numbers = (sparsity.sparse_numbers, benchmarks.changes_numbers, benchmarks.floor_numbers)
    assert {word for make in numbers for word in make(found).values()} == {"pending"}


def test_sparse_modes_against_density(tmp_path):
    found = bench(tmp_path, [
        table("whole", **step(16)),
        table("wide", [ratio("exact", 0.9), ratio("frozen", 0.5)], **sparse_step(16, 0.01)),
        table("narrow", [ratio("exact", 0.8), ratio("frozen", 0.4)], **sparse_step(4, 0.005)),
        table("epoch", [ratio("exact", 0.8), ratio("frozen", 0.4)], **step(16)
              | {"measured": "sparse epoch"}),
    ])  # fmt: skip
    rows = sparsity.sparse_steps(found)
    assert len(rows) == 4
    assert rows[1] == {
        "base_channels": 16, "density": 1.0, "mode": "frozen", "ratio": pytest.approx(0.5),
        "low": pytest.approx(0.4), "high": pytest.approx(0.65),
    }  # fmt: skip
    assert len(figures.speed(sparsity.density_frame(found)).legends[0].get_texts()) == 4
    words = sparsity.sparse_numbers(found)
    assert words["speed-exact-16"] == "0.90 (0.72 – 1.17)"
    assert words["speed-frozen-4"] == "pending"  # there only at half a per cent
    assert words["epoch-frozen"] == "0.40 (0.32 – 0.52)"


def test_steps_with_the_bound_beside_others(tmp_path):
    one = {"measured": "bound", "base_channels": 16, "epoch": 20, "epochs": 52, "density": 0.0063}
    one |= {"terms": 0.125, "candidates": 2.1e-4, "returning": 0.0, "repeats": len(DENSE)}
    slower = [0.5 * s * d for s, d in zip(SLOWER, DENSE, strict=True)]
    times = {"dense": DENSE, sparsity.EXACT_WHOLE: DENSE, "exact": slower, "frozen": DENSE}
    found = bench(tmp_path, [one | {"times": times}])
    (row,) = sparsity.bound_table(found).rows
    assert row[:5] == ["16", "20", "0.6", "12.5", "0.02"]
    assert row[6] == "0.50 (0.40 – 0.65)"
    assert [one["ratio"] for one in sparsity.bound_ratios(found)] == [pytest.approx(0.5)]
    assert not sparsity.bound_ratios(bench(tmp_path, [one | {"density": 0.02, "times": times}]))
    assert "make bench" in sparsity.bound_table(None).rows[0][0]


def unproved(width, epoch, **shares):
    return {
        "measured": "unproved", "base_channels": width, "epoch": epoch, "epochs": 9,
        "density": 0.01, "images": 512, "shares": {"returning": 0.0} | shares,
    }  # fmt: skip


@pytest.mark.parametrize(("share", "said"), [(0.04, "holds"), (0.4, "contradicted")])
def test_what_a_quarter_of_the_terms_proves(tmp_path, monkeypatch, share, said):
    easy = {"weighted: 128": 0.9, "equal: 128": 0.01}
    hard = {"weighted: 128": share, "equal: 128": 0.8, "weighted: 256": 0.0}
    found = bench(tmp_path, [unproved(4, 2, **easy), unproved(4, 5, **hard)])
    table = sparsity.unproved_frame(found)
    assert sorted(table.units) == pytest.approx(sorted([90, 1, 100 * share, 80, 0]))
    # two shares, two kinds of weights, and what remains of the layer
    assert len(figures.unproved(table).legends[0].get_texts()) == 5
    monkeypatch.setattr(engine, "load", lambda name: found if name == "unproved" else None)
    claim = next(claim for claim in engine.CLAIMS if claim.text == engine.PROVED)
    finding = claim.judge([])
    assert finding.said == said
    assert f"{100 * share:.0f} % of the units not proved (α = 4, after 5 epochs)" in finding.value
    assert sparsity.unproved_frame(None).empty


def test_a_step_beside_its_floor(tmp_path):
    def over_floor(augment, median):
        return ratio("x", median) | {"ratio": f"step with {augment} / floor"}

    ratios = [over_floor("flip-crop", 1.8), over_floor("autoaugment", 2.4), ratio("exact", 9.0)]
    kept = table("one", **step(1)) | {"ratios": ratios}
    other = table("two", **step(16, "s-local")) | {"ratios": [over_floor("flip-crop", 2.7)]}
    found = bench(tmp_path, [kept, other])
    frame = benchmarks.floor_frame(found)
    assert [*frame.ratio] == [1.8, 2.4, 2.7]
    assert [*frame.images[:2]] == ["with flips and crops", "with AutoAugment"]
    assert benchmarks.floor_numbers(found) == {"floor-1": "1.8", "floor-16": "pending"}
    (axes,) = figures.floors(frame).axes
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels == ["S-FC, α = 1", "S-LOCAL, α = 16"]


def test_changes_are_drawn_one_below_the_other():
    times = {"first": [6.0, 8.0, 9.0], "last": [2.0, 1.0, 9.0]}
    known = {"tables": [{"measured": "changes", "base_channels": 8, "times": times}]}
    frame = benchmarks.changes_frame(known)
    assert frame.to_dict("records")[1] == {
        "base_channels": 8, "change": "last", "median": 2.0, "low": 1.0, "high": 9.0,
    }  # fmt: skip
    (axes,) = figures.changes(frame).axes
    assert [bar.get_width() for bar in axes.patches] == [8.0, 2.0]
    assert axes.patches[0].get_y() > axes.patches[1].get_y()


def test_what_all_changes_buy():
    times = {"first": [6.0, 8.0, 9.0], "between": [5.0], "last": [2.0, 1.0, 9.0]}
    known = {"tables": [{"measured": "changes", "base_channels": 8, "times": times}]}
    assert benchmarks.changes_numbers(known) == {"changes-1": "pending", "changes-8": "4.0"}


def test_whole_runs(tmp_path):
    assert "lcs study showpiece" in sparsity.runs_table([]).rows[0][0]
    sparse = Config(optimizer="beta-lasso", beta=50.0, l1=1e-5, frozen_zeros=True, epochs=9)
    modes = {sparse: {"dense": 2, "frozen": 7}, Config(epochs=9): {"dense": 9}}

    def run(config):
        record = made_up(config, 60.0, left=20)
        final = record.final | {"fan_in": {"conv1": [1, 2, 5]}}
        origin = {"modes": modes[config], "seconds": 90.0, "hardware": "a processor"}
        history = {"forgone": {"conv1": [0, 4, 3]}, "nonzeros": {"conv1": [0, 80, 20]}}
        history = history if config.frozen_zeros else {}
        return dataclasses.replace(record, final=final, provenance=origin, history=history)

    shown = sparsity.runs_table([run(config) for config in modes])
    assert "epochs, exact" not in shown.columns
    first, second = (dict(zip(shown.columns, row, strict=True)) for row in shown.rows)
    counted = [first[f"epochs, {mode}"] for mode in ("dense", "frozen zeros")]
    assert (counted, first["time"]) == (["2", "7"], "1.5 min")
    held = [f"held back, of {whole} (%)" for whole in ("all", "those remaining")]
    assert [(first[name], second[name]) for name in held] == [("0.4", "–"), ("15", "–")]
    assert first["dead units"] == "1 of 8"
    assert "9 epochs each" in shown.caption


def test_too_few_rounds_have_no_interval():
    row = benchmarks.median_ratio([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    assert benchmarks.ratio_text(row) == "2.00"


def test_a_missing_benchmark_is_none_and_a_broken_one_an_error(tmp_path):
    assert benchmarks.load("parts", str(tmp_path)) is None
    (tmp_path / "parts-cpu.json").write_text('{"tables": []}')
    with pytest.raises(RecordError, match=r"parts-cpu.json: not a benchmark's file"):
        benchmarks.load("parts", str(tmp_path))
    with pytest.raises(RecordError, match="there is no folder"):
        benchmarks.load("parts", str(tmp_path / "nowhere"))


@pytest.mark.parametrize("density", [None, 0.1])
def test_speed_is_not_judged_without_a_measurement_at_one_per_cent(monkeypatch, tmp_path, density):
    one = [table("x", [ratio("exact", 0.9), ratio("frozen", 0.5)], **sparse_step(16, density or 1))]
    found = bench(tmp_path, one) if density else None
    monkeypatch.setattr(engine, "load", lambda _: found)
    assert not any(claim.judge([]) for claim in engine.CLAIMS)
