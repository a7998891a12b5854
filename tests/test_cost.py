"""What a run costs: operations that can be counted by hand, and times fitted to stored runs."""

import dataclasses

import pytest
from helpers.made_up_records import made_up

from lcs import cost
from lcs.config import Config

DIGITS = Config(dataset="digits", epochs=10)


def test_operations_by_hand():
    products = 2 * 1024 + 3 * (384 + 240)  # no gradient of the images
    assert cost.training_flops(DIGITS) == 2 * products * 1442 * 10
    positions, kernel = 4 * 4, 9 * 9
    products = 2 * positions * kernel + 3 * (16 * 24 + 24 * 10)
    convolution = DIGITS.replace(model="s-conv", epochs=1)
    assert cost.training_flops(convolution) == 2 * products * 1442


def test_a_run_costs_what_stored_ones_took(record, store):
    seconds = [run.provenance["seconds"] for run in store.records()]
    again = record.config.replace(seed=9)
    pace = cost.Pace("cpu", store.records())
    assert min(seconds) / 2 < pace.seconds(again) < 2 * max(seconds)
    assert pace.seconds(again.replace(epochs=300)) == pytest.approx(100 * pace.seconds(again))


def test_images_and_operations_have_prices_of_their_own():
    """Runs that take 1 µs for each image and 1 ns for each operation are told apart."""

    def timed(width, device="cpu"):
        config = Config(base_channels=width)
        seconds = 1e-6 * 50_000 * config.epochs + 1e-9 * cost.training_flops(config)
        origin = {"device": device, "seconds": seconds if device == "cpu" else 1.0}
        return dataclasses.replace(made_up(config, 50), provenance=origin)

    pace = cost.Pace("cpu", [timed(1), timed(2), timed(8), timed(4, "cuda")])
    assert pace.seconds(Config(base_channels=32)) == pytest.approx(timed(32).provenance["seconds"])


def test_augmented_images_have_a_price_too():
    def timed(width, augment):
        config = Config(base_channels=width, augment=augment)
        seconds = 1e-9 * cost.training_flops(config)
        seconds += 50_000 * config.epochs * (5e-6 if augment == "flip-crop" else 1e-6)
        return dataclasses.replace(
            made_up(config, 50), provenance={"device": "cpu", "seconds": seconds}
        )

    known = [timed(1, "none"), timed(2, "none"), timed(1, "flip-crop"), timed(8, "flip-crop")]
    wide = timed(32, "flip-crop")
    pace = cost.Pace("cpu", known)
    assert pace.seconds(wide.config) == pytest.approx(wide.provenance["seconds"])


def test_operations_of_local_layers_have_a_price_too():
    def timed(width, model):
        config = Config(base_channels=width, model=model)
        products = 2 * 256 * width * 243 * (model == "s-local")  # of an image with the first layer
        seconds = 1e-9 * cost.training_flops(config) + 5e-9 * products * 50_000 * config.epochs
        return dataclasses.replace(
            made_up(config, 50), provenance={"device": "cpu", "seconds": seconds}
        )

    known = [timed(1, "s-fc"), timed(4, "s-fc"), timed(1, "s-local"), timed(4, "s-local")]
    pace = cost.Pace("cpu", [*known, timed(2, "s-conv")])
    for wide in (timed(32, "s-local"), timed(32, "s-conv")):
        assert pace.seconds(wide.config) == pytest.approx(wide.provenance["seconds"])


def test_runs_of_the_same_processor_scale_all_estimates_where_there_are_enough():
    """Twice as slow as others, also in what none of its runs has: augmented images."""

    def timed(seed, hardware, slower, **fields):
        config = Config(seed=seed, **fields)
        price = 1e-6 if config.augment == "none" else 3e-6
        origin = {"device": "cpu", "hardware": hardware}
        origin["seconds"] = slower * price * cost.training_images(config)
        return dataclasses.replace(made_up(config, 50), provenance=origin)

    others = [
        timed(seed, "other", 1, augment=augment)
        for seed in range(200)
        for augment in ("none", "flip-crop")
    ]
    own = [timed(seed, "own", 2) for seed in range(cost.ENOUGH_RUNS)]
    aim = Config(augment="flip-crop")

    def estimate(records, hardware):
        return cost.Pace("cpu", iter(records), hardware).seconds(aim)

    as_others = estimate([*others, *own], None)
    assert estimate([*others, *own], "unknown") == as_others
    assert estimate([*others, *own[1:]], "own") == estimate([*others, *own[1:]], None)
    assert estimate([*others, *own], "own") == pytest.approx(2 * as_others, rel=0.1)


def test_the_sum_is_right_where_single_runs_are_not():
    """Of runs that took half and twice of what they should, all together are estimated well."""
    configs = [Config(epochs=100, seed=seed) for seed in range(10)]
    runs = [
        dataclasses.replace(
            made_up(c, 50), provenance={"device": "cpu", "seconds": 10.0 if c.seed % 2 else 40.0}
        )
        for c in configs
    ]
    estimate = sum(map(cost.Pace("cpu", runs).seconds, configs))
    assert estimate == pytest.approx(sum(r.provenance["seconds"] for r in runs))


def test_start_up_of_short_runs_is_not_taken_for_time_per_image():
    """Runs of 2 epochs, most of whose time is start-up, beside one of 3000."""

    def timed(epochs, width):
        config = DIGITS.replace(epochs=epochs, base_channels=width)
        seconds = 0.5 + 1e-5 * cost.training_images(config)
        return dataclasses.replace(
            made_up(config, 2), provenance={"device": "cpu", "seconds": seconds}
        )

    runs = [timed(epochs, width) for epochs in (2, 30, 3000) for width in (1, 2, 4)]
    long = runs[-1]
    estimate = cost.Pace("cpu", runs).seconds(long.config)
    assert estimate == pytest.approx(long.provenance["seconds"], rel=0.2)


def test_without_runs_a_product_sets_the_pace(monkeypatch):
    monkeypatch.setattr(cost, "product_rate", lambda device, bf16: 1e9)
    expected = cost.OVERHEAD * cost.training_flops(DIGITS) / 1e9
    assert cost.Pace("cpu", []).seconds(DIGITS) == pytest.approx(expected)


def test_the_rate_is_measured():
    assert 1e6 < cost.product_rate("cpu", False) < 1e16


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "1 s"), (59, "59 s"), (60, "1.0 min"), (5400, "1.5 h")]
)
def test_durations(seconds, text):
    assert cost.duration(seconds) == text


@pytest.mark.parametrize(("workers", "seconds"), [(1, 2400), (2, 1200), (8, 600)])
def test_in_all_counts_the_start_of_each_worker(workers, seconds):
    said = cost.in_all([600.0] * 4, workers)
    assert said == f", about {cost.duration(cost.START_SECONDS + seconds)} in all"
    assert "not known" in cost.in_all([600.0, None], workers)
    longest = cost.in_all([3600.0, 60.0, 60.0], workers=3)
    assert longest == f", about {cost.duration(cost.START_SECONDS + 3600)} in all"
    assert cost.in_all([], workers) == ""
