"""Costs: operations counted, and times estimated from runs that were timed."""

import pytest
import torch

from lcs import cost
from lcs.config import CHOICES, Config
from lcs.data import spec
from lcs.errors import ConfigError
from lcs.models import layers
from lcs.runs import RunStore
from lcs.train import build_model

DIGITS = Config(dataset="digits", epochs=10)


class Timed:
    """What an estimate reads of a record."""

    def __init__(self, config, seconds, device="cpu"):
        self.config, self.provenance = config, {"seconds": seconds, "device": device}


def test_operations_of_a_fully_connected_network():
    products = 2 * 1024 + 3 * (384 + 240)  # no gradient of the images
    assert cost.training_flops(DIGITS) == 2 * products * 1442 * 10
    assert cost.weights(DIGITS) == 1024 + 384 + 240
    assert cost.count_weights(DIGITS, "s-local") == {"conv1": 16 * 81, "fc1": 384, "fc2": 240}


def test_convolutions_cost_their_positions():
    products = 2 * 4 * 4 * 9 * 9 + 3 * (16 * 24 + 24 * 10)
    assert cost.image_flops(DIGITS.replace(model="s-conv")) == 2 * products


@pytest.mark.parametrize("model", CHOICES["model"])
def test_the_weights_counted_are_those_of_the_network(model):
    config = Config(model=model, base_channels=2)
    with torch.device("meta"):
        built = layers(build_model(config), spec("cifar10").image_shape[0])
    counted = {name: layer.weight.numel() for name, layer in built.items()}
    assert cost.count_weights(config, model) == counted


def test_time_is_in_proportion_to_the_operations_at_the_median_rate():
    timed = [Timed(DIGITS.replace(seed=seed), took) for seed, took in enumerate((9.0, 2.0, 3.0))]
    wide = DIGITS.replace(base_channels=4)
    factor = cost.training_flops(wide) / cost.training_flops(DIGITS)
    assert cost.seconds([DIGITS, wide], "cpu", timed) == pytest.approx([3.0, 3.0 * factor])


def test_digits_and_other_devices_do_not_set_the_rate(monkeypatch):
    images = Config(base_channels=2)
    rate = 20.0 / cost.training_flops(images)
    timed = [Timed(DIGITS, 9.0), Timed(images, 20.0), Timed(images, 0.1, "cuda")]
    assert cost.seconds([images, DIGITS], "cpu", timed) == pytest.approx([20.0, 9.0])
    assert cost.seconds([images], "cuda:1", timed) == pytest.approx([0.1])
    monkeypatch.setattr(cost, "_product_rate", lambda device, precision: rate / 4)
    assert cost.seconds([images], "cpu", timed[:1]) == pytest.approx([5.0])


def test_without_timed_runs_a_product_is_timed_here():
    (took,) = cost.seconds([DIGITS], "cpu", [])
    assert 1e-7 < took / 10 < 1e3


def test_of_a_device_that_is_not_here_the_time_is_unknown():
    assert cost.seconds([DIGITS], "cuda:99", []) == [None]
    assert cost.in_all([("run", None), ("other", 3.0)]) == "time unknown in all"
    with pytest.raises(ConfigError, match="device: unknown value 'tpu'"):
        cost.seconds([DIGITS], "tpu", [])


def test_in_all_counts_the_start_of_each_worker():
    runs = [("run", 600.0)] * 4
    assert cost.in_all(runs) == f"about {cost.duration(cost.START_SECONDS + 2400)} in all"
    assert (
        cost.in_all(runs, workers=2) == f"about {cost.duration(cost.START_SECONDS + 1200)} in all"
    )
    assert cost.in_all(runs, workers=8) == f"about {cost.duration(cost.START_SECONDS + 600)} in all"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "1 s"), (0.4, "1 s"), (59, "59 s"), (60, "1.0 min"), (5400, "1.5 h")]
)
def test_durations(seconds, text):
    assert cost.duration(seconds) == text


def test_known_records_are_not_read_again_and_broken_ones_are_left_out(store, monkeypatch):
    known, *_ = paths = store.paths()
    paths[1].write_text("{}")
    record = next(store.records())
    read = []
    original = cost.read_record
    monkeypatch.setattr(cost, "read_record", lambda *args: read.append(args[0]) or original(*args))
    found = list(cost.readable(RunStore(store.root / "none", fallback=store), [record]))
    assert [r.path for r in found] == [known, *paths[2:]]
    assert read == paths[1:]
