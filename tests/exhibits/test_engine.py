"""The engine's chapter: what benchmarks have written."""

import json

import pytest

from lcs.errors import RecordError
from lcs.exhibits import engine
from lcs.exhibits.engine import benchmarks, inference, steps

MACHINE = {"hardware": "a processor", "threads": 2, "native bf16": True, "torch": "2.12.1"}


def bench(tmp_path, tables, name="parts", device="cpu"):
    path = tmp_path / f"{name}-{device}.json"
    path.write_text(json.dumps({"machine": MACHINE, "tables": tables}))
    return benchmarks.load(name, str(tmp_path), device)


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


def ratio(mode, median):
    return {
        "ratio": f"{mode} / dense", "median": median,
        "lowest": median - 0.1, "highest": median + 0.1,
    }  # fmt: skip


def step(width, model="s-fc"):
    return {"measured": "step", "model": model, "base_channels": width}


def sparse_step(width, density):
    return {**step(width), "measured": "sparse step", "density": density}


@pytest.mark.parametrize("found", [None, {"machine": MACHINE, "tables": []}])
def test_what_was_not_measured_is_pending(found, tmp_path):
    shown = steps.floor_table(found, "tab-x", "python parts.py")
    assert "`.venv/bin/python parts.py`" in shown.rows[0][0]
    assert ".pending" in shown.rows[0][0]
    for figure in (steps.speed_figure(found), steps.changes_figure(found)):
        assert "pending" in figure.axes[0].texts[0].get_text()
    words = steps.numbers(str(tmp_path)) | steps.sparse_numbers(str(tmp_path))
    assert set(words.values()) == {"pending"}


def test_numbers_are_medians_of_times_and_ratios(tmp_path):
    fields = {"base_channels": 32, "optimizer": "beta-lasso"}
    one = table("step", **fields) | {"ratios": [ratio("x", 0.9) | {"ratio": "kept / given back"}]}
    bench(tmp_path, [table("before"), one, table("after")], "memory")
    words = steps.numbers(str(tmp_path))
    assert (words["kept-32"], words["floor-1"]) == ("0.90", "pending")


def test_sparse_modes_against_density(tmp_path):
    found = bench(tmp_path, [
        table("whole", **step(16)),
        table("wide", [ratio("exact", 0.9), ratio("frozen", 0.5)], **sparse_step(16, 0.01)),
        table("narrow", [ratio("frozen", 0.4)], **sparse_step(4, 0.005)),
    ])  # fmt: skip
    rows = steps.sparse_steps(found)
    assert [row["mode"] for row in rows] == ["exact", "frozen", "frozen"]
    assert rows[1] == {
        "base_channels": 16, "density": 1.0, "mode": "frozen", "ratio": pytest.approx(0.5),
        "low": pytest.approx(0.4), "high": pytest.approx(0.65),
    }  # fmt: skip
    assert len(steps.speed_figure(found).legends[0].get_texts()) == 3
    wide = table("on a GPU", [ratio("frozen", 0.9)], **sparse_step(150, 0.01))
    bench(tmp_path, [wide], device="cuda")
    words = steps.sparse_numbers(str(tmp_path))
    assert words["speed-150-frozen"] == "0.90 (0.72 – 1.17)"


def test_whole_runs_are_compared_without_their_first_epoch(tmp_path):
    times = {"dense": [90.0, 2.0, 2.0], "exact": [1.0, 1.0, 2.0]}
    times |= {steps.EXACT_WHOLE: times["dense"], "frozen": [5.0, 1.0, 1.0]}
    bench(tmp_path, [{"measured": "whole run", "base_channels": 8, "times": times}], "bound")
    words = steps.sparse_numbers(str(tmp_path))
    said = [words[f"run-{name}"] for name in ("alpha", "exact", "whole", "frozen")]
    assert said == ["8", "0.75", "1.00", "0.50"]


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
    assert steps.unproved(found) == {(4, 2): 1, (4, 5): pytest.approx(100 * share)}
    monkeypatch.setattr(steps, "load", lambda name: found if name == "unproved" else None)
    finding = engine.CLAIMS[engine.PROVED].judge([])
    assert finding.said == said
    assert f"{100 * share:.0f} % of the units not proved (α = 4, after 5 epochs)" in finding.value
    assert not steps.unproved(None)


def test_a_step_beside_its_floor(tmp_path):
    def over_floor(augment, median):
        return ratio("x", median) | {"ratio": f"step with {augment} / floor"}

    ratios = [over_floor("flip-crop", 1.8), over_floor("autoaugment", 2.4), ratio("exact", 9.0)]
    times = {part: [1.0, 3.0, 2.0] for part in steps.PARTS} | {"augmentation: flip-crop": [9.0]}
    kept = table("one", **step(1)) | {"ratios": ratios, "times": times}
    local = table("two", **step(16, "s-local")) | {"ratios": ratios, "times": times}
    shown = steps.floor_table(bench(tmp_path, [kept, local]))
    first, other = (dict(zip(shown.columns, row, strict=True)) for row in shown.rows)
    assert (first["network"], other["network"]) == ("S-FC, α = 1", "S-LOCAL, α = 16")
    assert (first["optimizer"], first["whole step"]) == ("2", "2")
    assert first["with AutoAugment / floor"] == "2.40 (2.30 – 2.50)"
    assert "3 rounds" in shown.caption
    assert "a processor, 2 threads" in shown.caption
    words = steps.numbers(str(tmp_path))
    assert (words["floor-1"], words["floor-16"]) == ("1.80", "pending")


def test_changes_are_drawn_one_below_the_other(tmp_path):
    times = {"first": [6.0, 8.0, 9.0], "last": [2.0, 1.0, 9.0]}
    known = {"measured": "changes", "base_channels": 8, "times": times}
    (axes,) = steps.changes_figure(bench(tmp_path, [known], "changes")).axes
    assert [bar.get_width() for bar in axes.patches] == [8.0, 2.0]
    assert axes.patches[0].get_y() > axes.patches[1].get_y()
    words = steps.numbers(str(tmp_path))
    assert (words["changes-1"], words["changes-8"]) == ("pending", "4.0")


def test_too_few_rounds_have_no_interval():
    row = benchmarks.over({"times": {"sparse": [1.0, 2.0, 3.0], "dense": [1.0] * 3}}, "sparse")
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
    for module in (inference, steps):
        monkeypatch.setattr(module, "load", lambda _: found)
    assert not any(claim.judge([]) for claim in engine.CLAIMS.values())
