"""What a run costs: operations that can be counted by hand, and times fitted to stored runs."""

import dataclasses

import pytest
from helpers.made_up_records import made_up

from lcs.config import Config
from lcs.study import cost

DIGITS = Config(dataset="digits", epochs=10)


def timed(seconds, config, **origin):
    """A run that took so many seconds."""
    return dataclasses.replace(
        made_up(config, 50), provenance={"device": "cpu", "seconds": seconds, **origin}
    )


def estimate(records, config, hardware=None):
    return cost.Pace("cpu", records, hardware).seconds(config)


def test_operations_by_hand():
    products = 2 * 1024 + 3 * (384 + 240)  # no gradient of the images
    assert cost.training_flops(DIGITS) == 2 * products * 1442 * 10
    positions, kernel = 4 * 4, 9 * 9
    products = 2 * positions * kernel + 3 * (16 * 24 + 24 * 10)
    convolution = DIGITS.replace(model="s-conv", epochs=1)
    assert cost.training_flops(convolution) == 2 * products * 1442


def test_each_kind_of_work_has_a_price_of_its_own():
    """1 µs for each image, 5 µs if it is augmented, 1 ns for each operation, 5 more if LOCAL."""

    def priced(**fields):
        config = Config(**fields)
        of_image = 1e-6 if config.augment == "none" else 5e-6
        local = 2 * 256 * config.base_channels * 243 * (config.model == "s-local")  # first layer
        seconds = (of_image + 5e-9 * local) * 50_000 * config.epochs
        return timed(seconds + 1e-9 * cost.training_flops(config), config)

    known = [priced(base_channels=width) for width in (1, 2, 8)]
    known += [priced(base_channels=width, augment="flip-crop") for width in (1, 8)]
    known += [priced(base_channels=width, model="s-local") for width in (1, 4)]
    known.append(timed(1.0, Config(base_channels=4), device="cuda"))
    for fields in ({}, {"augment": "flip-crop"}, {"model": "s-local"}, {"model": "s-conv"}):
        wide = priced(base_channels=32, **fields)
        assert estimate(known, wide.config) == pytest.approx(wide.provenance["seconds"])


def test_runs_of_the_same_processor_scale_all_estimates_where_there_are_enough():
    """Twice as slow as others, also in what none of its runs has: augmented images."""

    def on(hardware, slower, seed, **fields):
        config = Config(seed=seed, **fields)
        price = 1e-6 if config.augment == "none" else 3e-6
        return timed(slower * price * cost.training_images(config), config, hardware=hardware)

    kinds = ({}, {"augment": "flip-crop"})
    others = [on("other", 1, seed, **fields) for seed in range(200) for fields in kinds]
    own = [on("own", 2, seed) for seed in range(cost.ENOUGH_RUNS)]
    aim = Config(augment="flip-crop")
    as_others = estimate([*others, *own], aim)
    assert estimate([*others, *own], aim, "unknown") == as_others
    assert estimate([*others, *own[1:]], aim, "own") == estimate([*others, *own[1:]], aim)
    assert estimate([*others, *own], aim, "own") == pytest.approx(2 * as_others, rel=0.1)


def test_the_sum_is_right_where_single_runs_are_not():
    """Of runs that took half and twice of what they should, all together are estimated well."""
    runs = [timed(10.0 if s % 2 else 40.0, Config(epochs=100, seed=s)) for s in range(10)]
    assert sum(estimate(runs, run.config) for run in runs) == pytest.approx(250)


def test_without_runs_a_product_sets_the_pace(monkeypatch):
    assert 1e6 < cost.product_rate("cpu", False) < 1e16
    monkeypatch.setattr(cost, "product_rate", lambda device, bf16: 1e9)
    assert estimate([], DIGITS) == pytest.approx(3.0 * cost.training_flops(DIGITS) / 1e9)


def test_how_times_are_said():
    said = [cost.duration(seconds) for seconds in (0.0, 59, 60, 5400)]
    assert said == ["1 s", "59 s", "1.0 min", "1.5 h"]
    for workers, seconds in ((1, 2400), (2, 1200), (8, 600)):
        total = cost.in_all([600.0] * 4, workers)
        assert total == f", about {cost.duration(cost.START_SECONDS + seconds)} in all"
    longest = cost.in_all([3600.0, 60.0, 60.0], workers=3)
    assert longest == f", about {cost.duration(cost.START_SECONDS + 3600)} in all"
    assert "not known" in cost.in_all([600.0, None])
    assert cost.in_all([]) == ""
