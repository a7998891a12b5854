"""Trained networks in use: what the engine's chapter makes of the benchmark."""

import json

import pytest

from lcs.exhibits import engine
from lcs.exhibits.engine import benchmarks, inference
from lcs.exhibits.engine.inference import CSR, CSR_BF16, CSR_SCIPY, DENSE_BF16

MACHINE = {"hardware": "a processor", "threads": 2, "native bf16": True, "torch": "2.12.1"}
WAYS = (*inference.DENSE_WAYS, *inference.SPARSE_WAYS)
# of eleven rounds the interval of the median is that from the second to the tenth
ROUNDS = [0.98, *[0.99] * 4, 1.0, *[1.01] * 4, 1.02]


def passes(batch=1, density=0.01, places="random", threads=1, **times):
    """A table of the benchmark: medians by way, of which those that are not given are 10 ms."""
    medians = dict.fromkeys(WAYS, 10.0) | {getattr(inference, way): t for way, t in times.items()}
    return {
        "title": "x", "measured": "inference", "base_channels": 32, "batch": batch,
        "threads": threads, "places": places, "density": density, "units": 8192, "dead": 3,
        "repeats": len(ROUNDS), "unit": "milliseconds a pass",
        "times": {way: [t * r for r in ROUNDS] for way, t in medians.items()},
        "bytes": dict.fromkeys(WAYS, 4_000_000) | {CSR: 1_000_000},
        "operations": dict.fromkeys(WAYS, 2_000_000) | {CSR: 100_000},
    }  # fmt: skip


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Put a benchmark with some tables in place of the book's, and return it."""

    def put(*tables):
        document = {"machine": MACHINE, "tables": tables}
        (tmp_path / "inference-cpu.json").write_text(json.dumps(document))
        read = benchmarks.load("inference", str(tmp_path))
        monkeypatch.setattr(
            inference, "load", lambda name, *_: read if name == "inference" else None
        )
        return read

    return put


def judge(text):
    return engine.CLAIMS[text].judge([])


def trained(batch, **times):
    return passes(batch, places="trained", density=0.0069, **times)


def test_the_fastest_of_each_kind_are_compared(found):
    (one,) = found(passes(CSR=8.0, CSR_SCIPY=4.0, DENSE_BF16=5.0))["tables"]
    against = inference.fastest(one)
    assert (against["sparse"], against["dense"]) == (CSR_SCIPY, DENSE_BF16)
    assert against["ratio"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("ratios", "density"),
    [
        ({0.01: 0.5, 0.1: 2.0}, 100 * 0.001**0.5),  # half way, on logarithmic axes
        ({0.001: 0.1, 0.01: 0.5, 0.1: 1.0, 0.3: 4.0}, 10),
        ({0.01: 0.5, 0.1: 0.9}, 10),  # throughout: the largest measured
        ({0.01: 1.5, 0.1: 9.0}, 0),
        ({}, float("nan")),
    ],
)
def test_where_sparse_overtakes(found, ratios, density):
    tables = [
        passes(density=at, CSR=10 * ratio, CSR_BF16=99.0, CSR_SCIPY=99.0)
        for at, ratio in ratios.items()
    ]
    other = [passes(512, density=0.1, CSR=1.0), trained(1, CSR=1.0), passes(threads=2, CSR=1.0)]
    overtakes = inference.crossing(found(*tables, *other), 1)
    assert overtakes == pytest.approx(density, nan_ok=True)


def test_numbers_of_the_prose(found, tmp_path):
    found(
        trained(1, CSR=2.0),
        trained(512, CSR_BF16=5.0) | {"threads": 1},
        trained(1, CSR=9.0) | {"threads": 2},
        passes(density=0.1, CSR=5.0),
    )
    words = inference.numbers(str(tmp_path))
    assert words["inference-speed-1"] == "0.20 (0.20 – 0.20)"
    assert words["inference-speed-512"] == "0.50 (0.50 – 0.50)"
    assert words["inference-crossing-1"] == "10"
    assert words["inference-crossing-512"] == "pending"
    assert words["inference-density"] == "0.7"
    assert words["inference-alpha"] == "32"


def test_a_row_for_each_way(found):
    both = found(trained(1, CSR=2.0), trained(512) | {"threads": 2}, passes())
    table = inference.inference_table(both)
    assert table.columns[3:] == ["images: 1, threads: 1", "images: 512, threads: 2"]
    assert [row[0] for row in table.rows] == list(WAYS)
    assert dict(zip(WAYS, table.rows, strict=True))[CSR] == [CSR, "1.0", "0.1", "2", "10"]
    assert "3 of 8,192 units dead" in table.caption


def test_the_figure_has_a_panel_for_each_number_of_images(found):
    both = found(*(passes(batch, at) for batch in (1, 512) for at in (0.01, 0.1)), trained(1))
    figure = inference.inference_figure(both)
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes] == [
        "images at once: 1", "images at once: 512",
    ]  # fmt: skip
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    # those relative to which the time is given are the line at one
    assert names == [DENSE_BF16, CSR, CSR_BF16, CSR_SCIPY, "a trained network"]


@pytest.mark.parametrize(
    ("times", "said"), [(5.0, "holds"), (10.0, "undecided"), (20.0, "contradicted")]
)
def test_a_sparse_network_in_use_is_judged_by_its_slowest_case(found, times, said):
    slow = trained(512, CSR=times, CSR_BF16=99.0, CSR_SCIPY=99.0)
    slow["times"][CSR].reverse()  # so that a ratio differs between rounds
    found(trained(1, CSR=1.0), slow)
    finding = judge(engine.IN_USE)
    assert finding.said == said
    assert "512 images at once" in finding.value


@pytest.mark.parametrize(("times", "said"), [({}, "holds"), ({"EXPORTED": 8.0}, "contradicted")])
def test_what_gains_nothing(found, times, said):
    found(trained(1, EXPORTED=12.0), trained(512, **times))
    finding = judge(engine.NO_GAIN)
    assert (finding.said, finding.n) == (said, len(ROUNDS))


def test_what_was_not_measured_is_pending(found, tmp_path):
    found()
    assert judge(engine.IN_USE) is None
    assert judge(engine.NO_GAIN) is None
    assert set(inference.numbers(str(tmp_path)).values()) == {"pending"}
    assert "make bench" in inference.inference_table(None).rows[0][0]
    drawn = inference.inference_figure(None)
    assert "pending" in drawn.axes[0].texts[0].get_text()
