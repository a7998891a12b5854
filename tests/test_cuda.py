"""The same training on a GPU: numbers near the CPU's, no waiting between batches, resumption."""

import itertools
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F

from lcs.config import Config
from lcs.errors import Paused
from lcs.optim import sparse_products
from lcs.optim.mixed_precision import bf16_weights
from lcs.runs import RunStore
from lcs.train import train, train_group
from lcs.train.device import choose_device, own_state
from lcs.train.loop import Run
from lcs.train.step import train_step

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

BASE = Config(dataset="digits", epochs=4, batch_size=128)
LASSO = BASE.replace(optimizer="beta-lasso", l1=2e-3, l1_rest=1e-4, beta=10.0)
FROZEN = LASSO.replace(
    base_channels=2, epochs=5, l1=2e-2, l1_rest=1e-5, beta=3.0, frozen_zeros=True
)
MASKED = BASE.replace(momentum=0.9, weight_decay=5e-4, pruning="random", density=0.1)


def near(one, other, slack=1):
    """Whether two records agree up to other rounding, which epochs amplify."""
    for name in ("train_loss", "train_accuracy", "test_accuracy"):
        assert one.history[name] == pytest.approx(
            other.history[name], rel=0.05 * slack, abs=0.03 * slack
        )
    assert one.history["lr"] == other.history["lr"]
    for layer, counts in other.history["nonzeros"].items():
        assert one.history["nonzeros"][layer] == pytest.approx(counts, rel=0.03 * slack, abs=8)


@pytest.fixture(params=[True, False], ids=["compiled", "eager"])
def compiled(request, monkeypatch):
    """Whether the optimizer compiles its step, as it does for large networks."""
    if request.param:
        torch.compiler.reset()  # past a number of variants it would step without a word eagerly
        monkeypatch.setattr("lcs.train.setup.COMPILED_FROM", 0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "config",
    [
        BASE,
        LASSO,
        LASSO.replace(frozen_zeros=True),
        LASSO.replace(l1_growth=0.5, l1_window="learned", l1_window_size=5),
        BASE.replace(optimizer="proximal-l1", l1=2e-2),
        BASE.replace(momentum=0.9, weight_decay=5e-4, augment="autoaugment"),
        BASE.replace(model="s-conv", loss="bce", augment="flip-crop"),
        BASE.replace(model="s-local", dropout=0.0, permute_pixels=True),
    ],
    ids=lambda config: config.name,
)
def test_the_numbers_are_near_those_of_the_cpu(config, precision, compiled, tmp_path):
    config = config.replace(precision=precision)
    near(
        train(config, store=RunStore(tmp_path / "cuda"), device="cuda"),
        train(config, store=RunStore(tmp_path / "cpu"), device="cpu"),
    )


def test_convolutions_in_float32_are_not_rounded_to_less():
    torch.backends.cudnn.conv.fp32_precision = "tf32"
    device = choose_device("auto")
    x, weight = torch.randn(8, 64, 32, 32, device=device), torch.randn(64, 64, 3, 3, device=device)
    exact = F.conv2d(x.double(), weight.double())
    with own_state(device):
        found = F.conv2d(x, weight)
    assert (found - exact).abs().max() < 1e-5 * exact.abs().max()


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("augment", ["none", "flip-crop", "autoaugment"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_host_does_not_wait_between_batches(augment, precision, compiled):
    device = choose_device("cuda")
    run = Run.start(LASSO.replace(precision=precision, augment=augment), device)
    run.run_epoch(0, record=False)
    try:
        torch.cuda.set_sync_debug_mode("error")
        with bf16_weights(run.model, run.optimizer) if precision == "bf16" else nullcontext():
            for x, labels in itertools.islice(run.train_batches.iterate(2), 3):  # 1 is ready
                train_step(run.config, run.model, run.optimizer, x, labels)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    "config",
    [
        LASSO.replace(frozen_zeros=True, augment="flip-crop", precision="bf16"),
        LASSO.replace(l1_growth=0.5, l1_window="learned", l1_window_size=5),
        BASE.replace(momentum=0.9, weight_decay=5e-4, precision="bf16"),
        BASE.replace(momentum=0.9, pruning="random", density=0.1),
        BASE.replace(model="s-conv", dropout=0.5),
    ],
    ids=lambda config: config.name,
)
def test_captured_steps_have_the_numbers_of_steps_one_by_one(config, compiled, monkeypatch):
    histories, replays, replay = [], [], torch.cuda.CUDAGraph.replay
    monkeypatch.setattr(
        "torch.cuda.CUDAGraph.replay", lambda graph: (replays.append(graph), replay(graph))
    )
    for captured in (True, False):
        monkeypatch.setenv("LCS_CUDA_GRAPHS", str(int(captured)))
        run = Run.start(config, choose_device("cuda"))
        histories.append(run.replay(4))
        assert run.modes == {"captured" if captured else "dense": 4}
    one, other = histories
    assert len(replays) == 4 * (len(run.train_batches) // config.batch_size - 1)
    assert one["lr"] == other["lr"]
    for name in ("train_loss", "train_accuracy", "test_accuracy"):
        assert one[name] == pytest.approx(other[name], rel=1e-3, abs=2e-3)


@pytest.mark.parametrize("captured", ["0", "1"])
def test_stopped_it_goes_on(captured, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LCS_CUDA_GRAPHS", captured)
    config = BASE.replace(dropout=0.5, momentum=0.9)
    whole = train(config, store=RunStore(tmp_path / "whole"), device="cuda")
    store = RunStore(tmp_path / "stopped")
    with monkeypatch.context() as patch:
        patch.setattr("lcs.train.loop.TimeBudget.over", lambda clock: len(clock.epochs) == 2)
        with pytest.raises(Paused):
            train(config, store=store, device="cuda")
    resumed = train(config, store=store, device="cuda")
    assert resumed.history["train_loss"] == pytest.approx(whole.history["train_loss"], rel=1e-4)
    assert "resumed at epoch 2" in capsys.readouterr().err


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("config", [FROZEN, MASKED], ids=["frozen", "masked"])
def test_sparse_layers_give_the_numbers_of_dense_ones(config, precision, tmp_path, monkeypatch):
    config = config.replace(precision=precision)
    dense = train(config, store=RunStore(tmp_path / "dense"), device="cuda")
    monkeypatch.setattr(sparse_products, "PAYS_FROM", 0)
    monkeypatch.setattr(sparse_products, "PAYS_BELOW", {f"cuda, {precision}": 1.0})
    record = train(config, store=RunStore(tmp_path / "sparse"), device="cuda")
    assert record.provenance["modes"].get("frozen")
    near(record, dense, slack=3 if precision == "bf16" else 1)


@pytest.mark.parametrize("captured", ["0", "1"])
def test_runs_of_a_group_have_the_numbers_that_they_have_alone(captured, tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CUDA_GRAPHS", captured)
    cropped = BASE.replace(augment="flip-crop")
    configs = [cropped, cropped.replace(optimizer="beta-lasso", l1=2e-3, beta=10.0)]
    for record in train_group(configs, store=RunStore(tmp_path / "group"), device="cuda"):
        near(record, train(record.config, store=RunStore(tmp_path / "alone"), device="cuda"))
