"""The engine's chapter: counted steps, and what benchmarks have written."""

import dataclasses
import json

import pytest
from made_up import made_up

from lcs.exhibits import engine, plots
from lcs.config import Config
from lcs.errors import RecordError

MACHINE = {"hardware": "a processor", "threads": 2, "native bf16": True, "torch": "2.12.1"}


def bench(tmp_path, tables, device="cpu"):
    path = tmp_path / f"parts-{device}.json"
    path.write_text(json.dumps({"machine": MACHINE, "tables": tables}))
    return engine.load("parts", str(tmp_path), device)


# of eleven rounds the interval of the median is that from the second to the tenth
SLOWER = [0.5, 0.8, *[0.9] * 3, 1.0, *[1.1] * 3, 1.3, 2.0]
DENSE = [2.0 + number for number in range(len(SLOWER))]


def table(title, ratios=()):
    times = {"forward": [3.0, 1.0, 2.0], "whole step": [4.0, 6.0, 5.0]}
    times |= {"dense": DENSE} if ratios else {}
    for one in ratios:
        mode = one["ratio"].partition(" / ")[0]
        pairs = zip(SLOWER, DENSE, strict=True)
        times[mode] = [one["median"] * slower * dense for slower, dense in pairs]
    return {"title": title, "unit": "milliseconds a step", "times": times, "ratios": list(ratios)}


def ratio(mode, median, target=""):
    return {
        "ratio": f"{mode} / dense", "median": median,
        "lowest": median - 0.1, "highest": median + 0.1,
        "target": target, "met": None,
    }  # fmt: skip


def test_the_papers_step_is_counted():
    """Layers of 118, 138.2 and 0.036 million weights, 512 images; 12 bytes a weight."""
    step = engine.count_step(150)
    first, rest = 117_964_800, 138_240_000 + 36_000
    assert step.weights == first + rest
    assert step.operations == 2 * 512 * (2 * first + 3 * rest)
    assert step.bytes == 12 * step.weights
    assert engine.floor_seconds(step) == pytest.approx(1.31e-3, rel=0.01)


def test_counts_are_said_to_be_no_measurement():
    table = engine.counts_table((1, 150))
    assert table.rows[1] == ["150", "256.2", "666.4", "3.075", "1.31", "8.6 min"]
    assert "not a measurement" in table.caption


def test_times_have_median_and_range(tmp_path):
    found = bench(tmp_path, [table("S-FC, α = 4: a step of 512 images")])
    shown = engine.times_table("tab-x", found, "S-FC, α = 4: a step")
    assert shown.rows == [["forward", "2", "1 – 3"], ["whole step", "5", "4 – 6"]]
    assert "a processor, 2 threads, native bfloat16" in shown.caption
    assert "3 repeats" in shown.caption


def test_ratios_have_their_targets(tmp_path):
    both = [ratio("exact", 1.5, "<= 1.6"), ratio("frozen", 0.9)]
    found = bench(tmp_path, [table("one", both), table("two")])
    row, next_row = engine.ratios_table("tab-x", found, ["one", "two"]).rows
    assert next_row[:2] == ["", "frozen / dense"]  # of the same
    assert row == ["one", "exact / dense", "1.50", "1.40 – 1.60", "≤ 1.6"]


@pytest.mark.parametrize("found", [None, {"machine": MACHINE, "tables": []}])
def test_what_was_not_measured_is_pending(found):
    for shown in (
        engine.times_table("tab-x", found, "S-FC, α = 150"),
        engine.ratios_table("tab-x", found, ["S-FC, α = 150"]),
    ):
        assert "S-FC, α = 150" in shown.caption
        assert "make bench" in shown.rows[0][0]
        assert ".pending" in shown.rows[0][0]
    assert "pending" in plots.speed(engine.density_frame(found)).axes[0].texts[0].get_text()


def test_sparse_modes_against_density(tmp_path):
    found = bench(tmp_path, [
        table("S-FC, α = 16: a step of 512 images"),
        table("S-FC, α = 16: 1.0% of the first layer left",
              [ratio("exact", 0.9), ratio("frozen", 0.5)]),
        table("S-FC, α = 4: 0.5% of the first layer left",
              [ratio("exact", 0.8), ratio("frozen", 0.4)]),
    ])  # fmt: skip
    frame = engine.density_frame(found)
    second = frame.to_dict("records")[1]
    assert (second["low"], second["high"]) == pytest.approx((0.4, 0.65))
    assert [second[name] for name in ("base_channels", "density", "mode", "ratio")] == [
        16, 1.0, "frozen", pytest.approx(0.5),
    ]  # fmt: skip
    assert engine.rounds(found) == 3
    more = {"title": "S-FC, α = 16: an epoch", "times": {"dense": [1.0]}, "ratios": []}
    assert engine.rounds({"tables": [*found["tables"], more]}) == 3
    assert len(frame) == 4
    assert len(plots.speed(frame).legends[0].get_texts()) == 4
    words = engine.speed_numbers(found)
    assert words["speed-exact-16"] == "0.90 (0.72 – 1.17)"
    assert words["speed-frozen-4"] == "pending"  # there only at half a per cent
    assert set(engine.speed_numbers(None).values()) == {"pending"}


def test_a_sparse_epoch_against_the_dense_one(tmp_path):
    assert set(engine.epoch_numbers(None).values()) == {"pending"}
    assert engine.changes_numbers(None) == {"changes-1": "pending", "changes-8": "pending"}
    times = {"first": [6.0, 8.0, 9.0], "between": [5.0], "last": [2.0, 1.0, 9.0]}
    known = {"tables": [{"title": "S-FC, α = 8: an epoch", "times": times}]}
    assert engine.changes_numbers(known) == {"changes-1": "pending", "changes-8": "4.0"}
    title = "S-FC, α = 16: an epoch at 1% density, flips and crops"
    found = bench(tmp_path, [table(title, [ratio("exact", 0.8), ratio("frozen", 0.4)])])
    assert engine.epoch_numbers(found) == {
        "epoch-exact": "0.80 (0.64 – 1.04)",
        "epoch-frozen": "0.40 (0.32 – 0.52)",
    }
    assert engine.density_frame(found).empty


def test_whole_runs(tmp_path):
    assert "lcs study showpiece" in engine.runs_table([]).rows[0][0]
    sparse = Config(optimizer="beta-lasso", beta=50.0, l1=1e-5, frozen_zeros=True, epochs=9)
    modes = {sparse: {"dense": 2, "frozen": 7}, Config(epochs=9): {"dense": 9}}

    def run(config):
        record = made_up(config, 60.0, left=20)
        final = record.final | {"fan_in": {"conv1": [1, 2, 5]}}
        origin = {"modes": modes[config], "seconds": 90.0, "hardware": "a processor"}
        history = {"forgone": {"conv1": [0, 4, 3]}, "nonzeros": {"conv1": [0, 80, 20]}}
        history = history if config.frozen_zeros else {}
        return dataclasses.replace(record, final=final, provenance=origin, history=history)

    shown = engine.runs_table([run(config) for config in modes])
    assert "exact epochs" not in shown.columns
    first, second = (dict(zip(shown.columns, row, strict=True)) for row in shown.rows)
    assert (first["dense epochs"], first["frozen epochs"], first["time"]) == ("2", "7", "1.5 min")
    held = [f"held back, of {whole} (%)" for whole in ("all", "those left")]
    assert [(first[name], second[name]) for name in held] == [("0.4", "–"), ("15", "–")]
    assert first["dead units"] == "1 of 8"
    assert "9 epochs each" in shown.caption


def test_too_few_rounds_have_no_interval():
    row = engine._median([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    assert engine.ratio_text(row) == "2.00"


def test_a_missing_benchmark_is_none_and_a_broken_one_an_error(tmp_path):
    assert engine.load("parts", str(tmp_path)) is None
    (tmp_path / "parts-cpu.json").write_text('{"tables": []}')
    with pytest.raises(RecordError, match=r"parts-cpu.json: not a benchmark's file"):
        engine.load("parts", str(tmp_path))
    with pytest.raises(RecordError, match="there is no folder"):
        engine.load("parts", str(tmp_path / "nowhere"))
