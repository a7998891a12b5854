"""Every benchmark runs, on a size at which its times mean nothing."""

import importlib
import json
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lcs import data
from lcs.exhibits import engine as inference
from lcs.exhibits import find_study
from lcs.runs import BOOK_RUNS, RunStore

FOLDER = Path(__file__).parent / "benchmarks"
SMALL = {"BATCH": 8, "EPOCH": 24, "REPEATS": 1, "EPOCH_REPEATS": 1, "DENSITIES": (0.01,)}


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Run a script with some words of its command line, and return the tables that it wrote."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", data.load)  # a benchmark puts another in its place

    def run(script, *words, **changes):
        module = importlib.import_module(script)
        for name, value in changes.items():
            monkeypatch.setattr(module, name, value)
        monkeypatch.setattr("sys.argv", [script, *words])
        module.main()
        device = words[0] if words and words[0].isalpha() else "cpu"
        return json.loads(Path(f"_build/benchmarks/{script}-{device}.json").read_text())["tables"]

    return run


def few_images():
    """As many as two batches of the right shape."""
    train, test = (np.zeros((n, 32, 32, 3), np.uint8) for n in (1024, 8))
    labels = [np.arange(n, dtype=np.uint8) % 10 for n in (1024, 8)]
    return data.Images("cifar10", train, labels[0], test, labels[1], data.spec("cifar10").classes)


def ratios(table):
    return [one["ratio"] for one in table["ratios"]]


def test_a_step_in_parts_at_each_width(bench, monkeypatch):
    monkeypatch.setattr("lcs.optim.sparse_products.PAYS_FROM", 0)
    every = bench("parts", "cpu", "1", **SMALL)
    titles = [table["title"].partition(":")[0] for table in every]
    assert titles == ["S-FC, α = 1", "S-LOCAL, α = 1", "S-CONV, α = 1", *2 * ["S-FC, α = 1"]]
    step, _, _, density, epoch = every
    what = ["step", "step", "step", "sparse step", "sparse epoch"]
    assert [table["measured"] for table in every] == what
    assert {density["density"], epoch["density"]} == {0.01}
    assert {"forward", "whole step", "floor: products"} < set(step["times"])
    assert ratios(density) == ratios(epoch) == ["frozen / dense"]


def test_what_each_device_was_to_reach(bench):
    parts = importlib.import_module("parts")

    def asked(*case):
        return [one for one in parts.targets(*case) if one[2]]

    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert asked("s-fc", 4, cpu) == [("step with flip-crop", "floor: products", "<= 1.6")]
    assert asked("s-fc", 1, cpu) == asked("s-local", 4, cpu) == []
    assert [one[2] for one in asked("s-fc", 150, cuda)] == ["<= 1.45", "<= 0.1"]
    assert [one[2] for one in asked("s-conv", 150, cuda)] == ["<= 2", "<= 0.1"]


@pytest.mark.parametrize("model", ["s-fc", "s-local", "s-conv"])
def test_bare_products_are_those_of_the_network(bench, monkeypatch, model):
    """As many multiplications as the network's own step, counted by torch."""
    parts = importlib.import_module("parts")
    monkeypatch.setattr(parts, "BATCH", 8)
    net, _ = parts.network(model, 1, torch.device("cpu"))
    images, labels = parts.batch(torch.device("cpu"))
    bare = parts.products(net)
    with FlopCounterMode(display=False) as of_products:
        bare()
    monkeypatch.setattr("lcs.models.layers._dense_is_faster", lambda *_: False)
    with FlopCounterMode(display=False) as of_step:
        parts.loss_of(net, parts.normalised(images), labels).backward()
    assert of_products.get_total_flops() == of_step.get_total_flops() > 0


@pytest.mark.parametrize("script", ["epoch", "changes", "replicates"])
def test_an_epoch_beside_others(bench, script):
    words = {"changes": ["1"], "replicates": ["cpu", "2"]}.get(script, [])
    (table,) = bench(script, *words, REPEATS=1, load_images=few_images)
    assert len(table["times"]) > len(table["ratios"]) > 0


def test_each_change_has_its_ratio(bench):
    (table,) = bench("changes", "1", REPEATS=1, load_images=few_images)
    assert ratios(table) == [
        "no data loader / first version",
        "products in bfloat16, by autocast / no data loader",
        "one pass, with rounded copies / products in bfloat16, by autocast",
    ]


def test_the_optimizers_passes(bench, monkeypatch):
    monkeypatch.setattr("lcs.optim.beta_lasso.compiler_works", lambda _: False)
    monkeypatch.setattr("lcs.models.build", lambda *_, **__: torch.nn.Linear(8, 8, bias=False))
    first, second = bench("optimizer", REPEATS=1)
    assert "SGD(foreach=True)" in first["times"]
    assert "SGD(compiled=True)" in second["times"]


def test_handing_out_runs(bench):
    executors = importlib.import_module("executors")
    small = {"COUNTS": (3,), "TRAINED": 2, "PLACES": {"here": executors.PLACES["here"]}}
    empty, short = bench("executors", REPEATS=1, **small)
    assert (empty["measured"], empty["runs"]) == ("handing out", 3)
    assert short["times"]["here"] > empty["times"]["here"]


def test_a_store_of_many_records(bench):
    few, more = bench("store", REPEATS=1, COUNTS=(2, 4))
    assert (few["records"], more["records"]) == (2, 4)
    assert set(few["times"]) == {"list", "verify", "plan a study", "one by its id"}


def test_a_step_in_a_process_of_its_own(bench):
    memory = importlib.import_module("memory")
    ours, theirs = Pipe()
    for asked in (True, False):
        ours.send(asked)
    memory.serve(theirs, 1, "β-LASSO")
    assert ours.recv() is True


def a_first_layer():
    """Of S-FC at α = 1, with a hundredth of its weights and some dead units."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(256, 3072, generator=generator)
    weight *= torch.rand(weight.shape, generator=generator) < 0.01
    weight[:7] = 0
    return 1, weight


def test_every_way_to_use_a_network_is_timed(bench):
    every = bench("inference", REPEATS=1, DENSITIES=(0.1,), stored_layer=a_first_layer)
    assert {(one["places"], one["batch"]) for one in every} == {
        ("trained", 1), ("trained", 512), ("random", 1), ("random", 512),
    }  # fmt: skip
    one = every[0]
    assert (one["base_channels"], one["units"], one["dead"]) == (1, 256, 7)
    assert 0.009 < one["density"] < 0.011
    assert set(one["times"]) == {*inference.DENSE_WAYS, *inference.SPARSE_WAYS}
    assert one["times"].keys() == one["bytes"].keys() == one["operations"].keys()
    # weights in four bytes, or two; a sparse one in eight
    dense, left = one["operations"][inference.DENSE] // 2, one["operations"][inference.CSR] // 2
    assert dense == 256 * 3072 + 256 * 24 + 24 * 10
    assert one["bytes"][inference.DENSE] == pytest.approx(4 * dense, rel=0.01)
    assert one["bytes"][inference.DENSE_BF16] == pytest.approx(2 * dense, rel=0.01)
    others = 256 * 24 + 24 * 10
    stored = 8 * (left - others) + 4 * others
    assert one["bytes"][inference.CSR] == pytest.approx(stored, rel=0.1)


def test_every_way_has_the_outputs_of_the_dense_network(bench):
    script = importlib.import_module("inference")
    x = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    net = script.network(*a_first_layer(), x)
    net.bn1.running_mean -= 0.002  # so that dead units pass something on
    ways, _ = script.every_way(net, x)
    expected = net(x)
    for name, way in ways.items():
        near = {"rtol": 0, "atol": 0.05 if "bfloat16" in name else 1e-5}
        torch.testing.assert_close(way(x), expected, **near, msg=lambda m, n=name: f"{n}: {m}")
        assert way(x[:1]).dtype == torch.float32
    script.check(ways, x)
    with pytest.raises(SystemExit, match="wrong is"):
        script.check(ways | {"wrong": lambda x: 1.01 * net(x)}, x)


def test_the_layer_in_use_is_that_of_the_record(bench):
    width, weight = importlib.import_module("inference").stored_layer()
    (record,) = find_study("largest").stored("desk", RunStore(BOOK_RUNS))
    assert width == record.config.base_channels
    assert int(weight.count_nonzero()) == record.final["nonzeros"]["conv1"]
    assert int((~weight.any(1)).sum()) == record.final["fan_in"]["conv1"][0]


def test_a_step_in_bf16_with_and_without_instructions_for_it(bench):
    (table,) = bench("bf16", "1", REPEATS=1, BATCH=4)
    own, by_float32, float32 = table["times"]
    assert ratios(table) == [f"{own} / {by_float32}", f"{by_float32} / {float32}"]
