"""Every benchmark runs, on a size at which its times mean nothing."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lcs import data
from lcs.exhibits import engine as ways
from lcs.exhibits import find_study
from lcs.runs import BOOK_RUNS, RunStore

FOLDER = Path(__file__).parent / "benchmarks"
CPU = torch.device("cpu")


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Run a script with some words of its command line, and return the tables that it wrote."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", data.load)  # a benchmark puts another in its place

    def run(script, *words, **changes):
        module = importlib.import_module(script)
        for name, value in {"REPEATS": 1, **changes}.items():
            monkeypatch.setattr(module, name, value)
        monkeypatch.setattr("sys.argv", [script, *words])
        module.main()
        return json.loads(Path(f"_build/benchmarks/{script}-cpu.json").read_text())["tables"]

    return run


def few_images():
    """As many as two batches of the right shape."""
    train, test = (np.zeros((n, 32, 32, 3), np.uint8) for n in (1024, 8))
    labels = [np.arange(n, dtype=np.uint8) % 10 for n in (1024, 8)]
    return data.Images("cifar10", train, labels[0], test, labels[1], data.spec("cifar10").classes)


def test_a_step_in_parts_at_each_width(bench, monkeypatch):
    monkeypatch.setattr("lcs.optim.sparse_products.PAYS_FROM", 0)
    *steps, sparse = bench("parts", "cpu", "1", BATCH=8, EPOCH=24, DENSITIES=(0.01,))
    assert [(one["measured"], one["model"]) for one in steps] == [
        ("step", model) for model in ("s-fc", "s-local", "s-conv")
    ]
    assert {"forward", "whole step", "floor: products"} < set(steps[0]["times"])
    assert steps[0]["ratios"][1]["ratio"] == "step with flip-crop / floor"
    assert (sparse["measured"], sparse["density"]) == ("sparse step", 0.01)
    assert {*sparse["times"]} == {"dense", "frozen"}


@pytest.mark.parametrize("model", ["s-fc", "s-local", "s-conv"])
def test_bare_products_are_those_of_the_network(bench, monkeypatch, model):
    """As many multiplications as the network's own step, counted by torch."""
    parts = importlib.import_module("parts")
    monkeypatch.setattr(parts, "BATCH", 8)
    monkeypatch.setattr("lcs.models.layers._dense_is_faster", lambda *_: False)
    made, (images, labels) = (
        parts.new_step(parts.CONFIG.replace(model=model), CPU),
        parts.batch(CPU),
    )
    x = parts.normalised(images)
    bare = parts.products(made.model, x)
    with FlopCounterMode(display=False) as of_products:
        bare()
    with made.network("dense") as network, FlopCounterMode(display=False) as of_step:
        made.take(network, x, labels)
    assert of_products.get_total_flops() == of_step.get_total_flops() > 0


def test_an_epoch_beside_others(bench):
    (table,) = bench("epoch", load_images=few_images, WIDTHS=(1,))
    assert len(table["times"]) == 7
    (changes,) = json.loads(Path("_build/benchmarks/changes-cpu.json").read_text())["tables"]
    assert changes["ratios"][0]["ratio"] == "no data loader / first version"


def test_the_optimizers_passes(bench, monkeypatch):
    monkeypatch.setattr("lcs.optim.beta_lasso.compiler_works", lambda _: False)
    monkeypatch.setattr("lcs.models.build", lambda *_, **__: torch.nn.Linear(8, 8, bias=False))
    first, second = bench("optimizer")
    assert "SGD(foreach=True)" in first["times"]
    assert "SGD(compiled=True)" in second["times"]


def a_first_layer():
    """Of S-FC at α = 1, with a hundredth of its weights and some dead units."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(256, 3072, generator=generator)
    weight *= torch.rand(weight.shape, generator=generator) < 0.01
    weight[:7] = 0
    return 1, weight


def test_every_way_to_use_a_network_is_timed(bench):
    every = bench("inference", DENSITIES=(0.1,), stored_layer=a_first_layer)
    assert {(one["places"], one["batch"]) for one in every} == {
        ("trained", 1), ("trained", 512), ("random", 1), ("random", 512),
    }  # fmt: skip
    one = every[0]
    assert (one["base_channels"], one["units"], one["dead"]) == (1, 256, 7)
    assert set(one["times"]) == {*ways.DENSE_WAYS, *ways.SPARSE_WAYS}
    # weights in four bytes, or two; a sparse one in eight
    dense, left = one["operations"][ways.DENSE] // 2, one["operations"][ways.CSR] // 2
    others = 256 * 24 + 24 * 10
    assert dense == 256 * 3072 + others
    assert one["bytes"][ways.DENSE] == pytest.approx(4 * dense, rel=0.01)
    assert one["bytes"][ways.DENSE_BF16] == pytest.approx(2 * dense, rel=0.01)
    assert one["bytes"][ways.CSR] == pytest.approx(8 * (left - others) + 4 * others, rel=0.1)


def test_every_way_has_the_outputs_of_the_dense_network(bench):
    script = importlib.import_module("inference")
    x = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    net = script.network(*a_first_layer(), x)
    net.bn1.running_mean -= 0.002  # so that dead units pass something on
    found, _ = script.every_way(net, x)
    for name, way in found.items():
        near = {"rtol": 0, "atol": 0.05 if "bfloat16" in name else 1e-5}
        torch.testing.assert_close(way(x), net(x), **near, msg=lambda m, n=name: f"{n}: {m}")


def test_the_layer_in_use_is_that_of_the_record(bench):
    width, weight = importlib.import_module("inference").stored_layer()
    (record,) = find_study("largest").stored("desk", RunStore(BOOK_RUNS))
    assert width == record.config.base_channels
    assert int(weight.count_nonzero()) == record.final["nonzeros"]["conv1"]
