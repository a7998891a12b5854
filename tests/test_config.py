"""A configuration: what it refuses, and an id that depends on the run's meaning alone."""

import dataclasses
import random
import typing

import numpy as np
import pytest

from lcs.config import CHOICES, OPTIMIZER_FIELDS, RANGES, Config, ToyConfig, run_config
from lcs.config.run_config import defaults
from lcs.errors import ConfigError

FIELDS = {field.name: field for field in dataclasses.fields(Config)}
HINTS = {
    name: typing.get_args(hint) or (hint,)
    for name, hint in typing.get_type_hints(Config).items()
    if name in FIELDS
}
DESK = {"loss": "bce", "precision": "bf16", "optimizer": "beta-lasso", "l1": 2e-5, "beta": 50}
# an id must stand for ever: records are found by it
PINNED: dict[str, dict[str, object]] = {
    "44136fa355-s0": {},
    "44136fa355-s3": {"seed": 3},
    "fcf2a1d533-s0": DESK,
}
# fields that cannot be set alone, with what each needs
COMPANIONS: dict[str, dict[str, object]] = {
    "optimizer": {"l1": 0.5},
    "l1": {"optimizer": "proximal-l1", "l1_rest": 0.5},
    "l1_rest": {"optimizer": "proximal-l1", "l1": 0.5},
    "l1_growth": {"optimizer": "beta-lasso", "l1": 0.5},
    "l1_growth_from": {
        **{"optimizer": "beta-lasso", "l1": 0.5},
        **{"l1_growth": 0.5, "l1_window": "learned"},
    },
    "l1_window": {"optimizer": "beta-lasso", "l1": 0.5, "l1_growth": 0.5},
    "l1_window_size": {"optimizer": "beta-lasso", "l1": 0.5, "l1_growth": 0.5},
    "beta": {"optimizer": "beta-lasso", "l1": 0.5},
    "frozen_zeros": {"optimizer": "beta-lasso", "l1": 0.5, "beta": 50.0},
    "kernel_size": {"model": "s-conv"},
    "padding": {"model": "s-conv"},
    "crop_padding": {"augment": "flip-crop"},
    "crop_fill": {"augment": "flip-crop"},
    "pruning": {"density": 0.05, "period": 200},
    "start": {"source": "cifar10/s-fc-a1-sgd-0123456789"},
    "source": {"start": "mask"},
    "density": {"pruning": "random", "density_rest": 0.5},
    "density_rest": {"pruning": "random", "density": 0.5, "base_channels": 16},
    "labels": {"images": "gaussian"},
}


def refusal(**values: object) -> str:
    """Return the one-line message with which these values are refused."""
    with pytest.raises(ConfigError) as error:
        Config(**values)  # type: ignore[arg-type]
    message = str(error.value)
    assert "\n" not in message
    return message


# What is refused


@pytest.mark.parametrize("name", FIELDS)
def test_wrong_types_are_refused(name: str) -> None:
    allowed = {int, *HINTS[name]} if float in HINTS[name] else set(HINTS[name])
    expected = " or ".join("None" if hint is type(None) else hint.__name__ for hint in HINTS[name])
    values = ("1", 1, 1.0, True, None, [1])
    for value in (value for value in values if type(value) not in allowed):
        message = refusal(**{name: value})
        assert message == f"{name}: {value!r} is of type {type(value).__name__}; give {expected}"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", [name for name in FIELDS if float in HINTS[name]])
def test_numbers_that_are_not_finite_are_refused(name: str, value: float) -> None:
    assert refusal(**{name: value}) == f"{name}: {value!r} is not a finite number"


@pytest.mark.parametrize("name", CHOICES)
def test_unknown_choices_are_refused_with_the_known_ones(name: str) -> None:
    message = refusal(**{name: "foo"})
    assert message == f"{name}: unknown value 'foo'; choose from {', '.join(CHOICES[name])}"


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", RANGES)
def test_numbers_out_of_range_are_refused_with_the_range(name: str, end: int) -> None:
    low, high = RANGES[name]
    step = 1 if int in HINTS[name] else 1e-12
    value = (low - step, high + max(step, 1e-6 * high))[end]
    value = int(value) if int in HINTS[name] else value
    message = refusal(**{name: value})
    head, _, limits = message.partition(" is out of range; give ")
    assert head == f"{name}: {value!r}"
    assert [float(limit) for limit in limits.split(" to ")] == [low, high]


@pytest.mark.parametrize("name", RANGES)
def test_a_number_of_hundreds_of_digits_is_out_of_range(name: str) -> None:
    for exponent, shown in ((400, "1000"),):
        message = refusal(**{name: 10**exponent})
        assert f"{name}: {shown}" in message
        assert "out of range" in message
        assert len(message) < 150


def test_zero_is_a_value_and_not_given_is_none() -> None:
    lasso = Config(optimizer="beta-lasso", l1=0.5, l1_rest=0.25, augment="flip-crop")
    assert lasso.replace(l1_rest=0.0).rest_l1 == 0.0
    assert lasso.replace(l1_rest=None).rest_l1 == 0.5
    assert lasso.replace(crop_padding=0).crop_shift == 0
    assert lasso.replace(crop_padding=None).crop_shift == 4
    assert ToyConfig(seed=0, trajectory_scale=0.0).trajectory_scale == 0.0


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", RANGES)
def test_both_ends_of_a_range_are_allowed(name: str, end: int) -> None:
    value = RANGES[name][end]
    config = Config(**{name: value, **COMPANIONS.get(name, {})})  # type: ignore[arg-type]
    assert getattr(config, name) == value


@pytest.mark.parametrize(
    ("optimizer", "own"),
    [
        ("sgd", {"momentum", "weight_decay"}),
        ("beta-lasso", {"l1", "l1_rest", "beta"}),
        ("proximal-l1", {"l1", "l1_rest"}),
        ("spred", {"l1", "l1_rest", "momentum"}),
    ],
)
def test_a_parameter_that_the_optimizer_lacks_is_refused(optimizer: str, own: set[str]) -> None:
    for name in ("momentum", "weight_decay", "l1", "l1_rest", "beta"):
        values: dict[str, object] = {"optimizer": optimizer}
        values |= {name: 0.5} if optimizer == "sgd" or name == "l1" else {name: 0.5, "l1": 0.25}
        if name in own:
            assert getattr(Config(**values), name) == 0.5  # type: ignore[arg-type]
        else:
            message = refusal(**values)
            assert message.startswith(f"optimizer {optimizer!r} has no {name}: leave {name} out")
            values[name] = FIELDS[name].default
            Config(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", CHOICES["model"])
def test_parameters_that_the_model_lacks_are_refused(model: str) -> None:
    combinations = [
        ("kernel_size", 5, not model.endswith("fc")),
        ("padding", "none", model in ("s-conv", "s-local")),
        ("affine", True, model != "resnet18"),
        ("bias", True, model != "resnet18"),
        ("dropout", 0.5, model != "resnet18"),
    ]
    for name, value, allowed in combinations:
        values: dict[str, object] = {"model": model, name: value}
        if allowed:
            assert getattr(Config(**values), name) == value  # type: ignore[arg-type]
        else:
            message = refusal(**values)
            assert name in message
            assert model in message or name == "padding"  # which names those that have it


def test_a_period_belongs_to_a_cosine_and_is_spelt_in_one_way() -> None:
    message = refusal(schedule="constant", period=10)
    assert message == "period: a constant learning rate has none; leave it out"
    assert Config(epochs=10, period=10) == Config(epochs=10)


def test_a_crop_belongs_to_augmentation_and_is_spelt_in_one_way() -> None:
    message = refusal(crop_padding=2)
    assert message == "crop_padding: without augmentation there are no crops; leave it out"
    assert refusal(crop_fill=2).startswith("crop_fill: without augmentation")
    assert refusal(crop_fill=2, augment="crop", crop_padding=0).startswith("crop_fill: with crop")
    assert refusal(crop_fill=2, augment="autoaugment").startswith("crop_fill: 'autoaugment' fills")
    assert refusal(labels="shuffled-first").startswith("labels: 'shuffled-first' is for images")
    message = refusal(dataset="digits", augment="flip-crop", crop_padding=8)
    assert message == "crop_padding: images have 8 pixels a side; give less"
    plain = Config(augment="flip-crop")
    assert Config(augment="flip-crop", crop_padding=4) == plain
    assert Config(augment="flip-crop", crop_padding=1).run_id != plain.run_id


def test_a_source_is_the_place_of_a_record_and_says_what_is_taken() -> None:
    source = "cifar100/s-fc-a4-beta-lasso-0123456789"
    assert Config(start="mask", source=source).source == source
    assert Config(start="network", source=source, optimizer="beta-lasso", l1=0.5).start == "network"
    for values in ({"start": "mask"}, {"source": source}):
        assert refusal(**values).startswith("start and source belong together")
    for seed in (0, 12, 123):
        assert "without its seed" in refusal(start="mask", source=f"{source}-s{seed}")
    assert refusal(start="mask", source=source.replace("cifar10", "..")).startswith("source: ")
    for place in ("../etc/passwd", "s-fc", "/cifar10/s-fc", "cifar10/s-fc.json", "a/b/c", ""):
        assert refusal(start="mask", source=place).startswith("source: ")
    taken: dict[str, object] = {"start": "mask", "source": source}
    assert "is for s-fc, not for 's-conv'" in refusal(model="s-conv", **taken)
    assert Config(model="s-conv", start="network", source=source).model == "s-conv"
    assert "pruning" in refusal(pruning="random", density=0.5, **taken)
    assert "is for sgd" in refusal(optimizer="beta-lasso", l1=0.5, **taken)


def test_images_too_small_for_the_kernel_are_refused() -> None:
    for model in ("s-conv", "s-local"):
        assert "choose 'same'" in refusal(dataset="digits", model=model, padding="none")
        Config(dataset="digits", model=model, padding="none", kernel_size=7)


def test_even_kernels_and_windows_are_refused() -> None:
    message = refusal(model="s-conv", kernel_size=4)
    assert message == "kernel_size: 4 is even; give an odd number"
    growing: dict[str, object] = {"optimizer": "beta-lasso", "l1": 1e-5, "l1_growth": 1.0}
    message = refusal(l1_window_size=4, **growing)
    assert message == "l1_window_size: 4 is even; give an odd number"


def test_windows_that_leave_nothing_outside_are_refused() -> None:
    growing: dict[str, object] = {"optimizer": "beta-lasso", "l1": 1e-5, "l1_growth": 1.0}
    assert "give 1 to 61" in refusal(l1_window_size=63, **growing)
    assert "give less" in refusal(l1_window_size=15, dataset="digits", **growing)
    assert Config(l1_window_size=61, **growing).l1_window_size == 61  # type: ignore[arg-type]
    assert "'sgd' has no l1_window_size" in refusal(l1_window_size=5)


def test_more_weights_than_the_windows_hold_are_refused() -> None:
    message = refusal(pruning="windows", density=0.07)
    assert message.startswith("density: the windows of s-local hold 0.0684967 of the first layer's")
    assert Config(pruning="windows", density=0.0684967041015625).density == 0.0684967041015625
    assert Config(pruning="random", density=0.07).density == 0.07


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    for make in (Config.from_dict, lambda values: Config().replace(**values)):
        with pytest.raises(ConfigError) as error:
            make({"learning_rate": 0.1})
        assert str(error.value) == f"unknown parameter 'learning_rate'; known: {', '.join(FIELDS)}"


def test_replace_checks_as_construction_does() -> None:
    assert Config().replace(seed=3) == Config(seed=3)
    with pytest.raises(ConfigError, match=r"^epochs: 0 is out of range; give 1 to 1000000$"):
        Config().replace(epochs=0)


def test_a_config_does_not_change() -> None:
    config = Config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1  # type: ignore[misc]
    assert config == Config()
    assert hash(config) == hash(Config())


# The tables agree with the fields, and with the code that they speak of


def test_every_field_is_checked() -> None:
    for name, hint in HINTS.items():
        assert (name in CHOICES or name == "source") == (str in hint), name
        assert (name in RANGES) == bool({int, float} & set(hint)), name
    assert {*CHOICES, *RANGES} <= FIELDS.keys()
    assert {name for names in OPTIMIZER_FIELDS.values() for name in names} <= FIELDS.keys()
    assert {*CHOICES["optimizer"]} == OPTIMIZER_FIELDS.keys()


@pytest.mark.parametrize(("name", "value"), [(n, v) for n in CHOICES for v in CHOICES[n]])
def test_every_choice_is_accepted(name: str, value: str) -> None:
    companions = {} if value == FIELDS[name].default else COMPANIONS.get(name, {})
    if value == "cosine-restart":
        companions = {"period": 200}
    if value.endswith("footprints"):
        companions = {**companions, "model": "d-fc"}
    config = Config(**{**companions, name: value})  # type: ignore[arg-type]
    assert getattr(config, name) == value


# Ids


@pytest.mark.parametrize("run_id", PINNED)
def test_ids_are_pinned(run_id: str) -> None:
    assert Config(**PINNED[run_id]).run_id == run_id  # type: ignore[arg-type]


def test_the_name_says_model_width_and_optimizer() -> None:
    assert Config().name == "s-fc-a1-sgd-44136fa355-s0"
    assert Config(**DESK).name == "s-fc-a1-beta-lasso-fcf2a1d533-s0"  # type: ignore[arg-type]


def test_defaults_spelled_out_give_the_same_id() -> None:
    defaults = {name: field.default for name, field in FIELDS.items()}
    assert Config(**defaults).run_id == Config().run_id  # type: ignore[arg-type]
    desk = Config(**DESK)  # type: ignore[arg-type]
    assert Config.from_dict(defaults | DESK).run_id == desk.run_id
    assert Config.from_dict(dataclasses.asdict(desk)) == desk


@pytest.mark.parametrize("kind", [Config, ToyConfig])
def test_defaults_are_valid(
    kind: type[Config | ToyConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are taken unchecked otherwise."""
    monkeypatch.setattr(run_config, "defaults", lambda cls: dict.fromkeys(defaults(cls), object()))
    checked = kind()
    for name, default in defaults(kind).items():
        assert getattr(checked, name) == default
        assert type(getattr(checked, name)) is type(default)


def test_the_order_of_the_arguments_does_not_matter() -> None:
    expected = Config(**DESK).run_id  # type: ignore[arg-type]
    names = list(DESK)
    for seed in range(5):
        random.Random(seed).shuffle(names)
        assert Config(**{name: DESK[name] for name in names}).run_id == expected  # type: ignore[arg-type]


def test_an_int_for_a_float_is_the_same_run() -> None:
    whole, fraction = (
        Config(optimizer="beta-lasso", l1=2e-5, lr=lr, beta=beta)
        for lr, beta in ((1, 50), (1.0, 50.0))
    )
    assert type(whole.beta) is type(whole.lr) is float
    assert whole == fraction
    assert whole.run_id == fraction.run_id


def test_one_run_has_one_spelling() -> None:
    lasso = Config(optimizer="beta-lasso", l1=2e-5, beta=50)
    assert lasso.replace(l1_rest=2e-5) == lasso
    assert Config(model="s-conv", kernel_size=9) == Config(model="s-conv")
    assert Config(model="d-local", kernel_size=3).run_id == Config(model="d-local").run_id
    assert Config(model="s-conv", kernel_size=3).kernel_size == 3
    growing = lasso.replace(l1_growth=1.0)
    assert growing.replace(l1_window_size=9) == growing


def test_a_sparse_optimizer_without_a_penalty_is_refused() -> None:
    for optimizer in OPTIMIZER_FIELDS.keys() - {"sgd"}:
        assert f"l1: with 0 {optimizer!r} is plain SGD; give l1" in refusal(optimizer=optimizer)
    assert "give l1" in refusal(optimizer="beta-lasso", beta=50)
    assert Config(optimizer="beta-lasso", beta=50, l1_rest=1e-5).beta == 50


def test_growth_without_a_penalty_or_a_dense_first_layer_is_refused() -> None:
    rest = {"optimizer": "beta-lasso", "l1_rest": 1e-5}
    assert "l1_growth: it makes the l1 of s-fc grow" in refusal(l1_growth=1, **rest)
    local = {"model": "s-local", "optimizer": "beta-lasso", "l1": 1e-5}
    assert "l1_growth: it makes the l1 of s-fc grow" in refusal(l1_growth=1, **local)
    for window in ({"l1_window": "learned"}, {"l1_window_size": 5}):
        assert "give that too" in refusal(**window, optimizer="beta-lasso", l1=1e-5)
    grown = {"optimizer": "beta-lasso", "l1": 1e-5, "l1_growth": 1, "l1_growth_from": 0.1}
    for place in ("grid", "initial"):
        assert "give l1_window learned" in refusal(l1_window=place, **grown)


def test_masks_that_regrow_are_refused_where_zeros_stay() -> None:
    for method in ("set", "rigl"):
        masked = {"pruning": method, "density": 0.1, "l1": 1e-5}
        assert "regrows weights" in refusal(optimizer="spred", **masked)
        assert "regrows weights" in refusal(
            optimizer="beta-lasso", beta=50.0, frozen_zeros=True, **masked
        )
        Config(optimizer="beta-lasso", beta=50.0, **masked)


def test_numbers_of_numpy_are_those_of_python() -> None:
    ours = Config(lr=np.float64(0.25), epochs=np.int64(7), seed=np.int32(3), bias=np.bool_(True))
    assert ours == Config(lr=0.25, epochs=7, seed=3, bias=True)
    assert ours.run_id == Config(lr=0.25, epochs=7, seed=3, bias=True).run_id
    assert type(ours.lr) is float


def test_frozen_zeros_without_a_threshold_are_refused() -> None:
    assert "there are no zeros" in refusal(optimizer="beta-lasso", l1=2e-5, frozen_zeros=True)
    assert "sgd" in refusal(frozen_zeros=True)


def test_every_field_is_part_of_the_id() -> None:
    """Only the seed stands beside the hash; any other difference is another run."""
    others: dict[str, object] = {name: CHOICES[name][-1] for name in CHOICES} | {
        "base_channels": 2,
        "kernel_size": 5,
        "affine": True,
        "bias": True,
        "dropout": 0.5,
        "lr": 0.2,
        "momentum": 0.9,
        "weight_decay": 1e-4,
        "l1": 1e-5,
        "l1_rest": 1e-5,
        "l1_growth": 0.5,
        "l1_growth_from": 0.25,
        "l1_window_size": 5,
        "beta": 1.0,
        "frozen_zeros": True,
        "epochs": 401,
        "period": 100,
        "crop_padding": 2,
        "crop_fill": 64,
        "batch_size": 511,
        "permute_pixels": True,
        "validation": True,
        "density": 0.2,
        "density_rest": 0.2,
        "train_share": 0.5,
        "source": "cifar10/s-fc-a1-sgd-0123456789",
    }
    others["loss"] = "bce"
    assert others.keys() == FIELDS.keys() - {"seed"}
    ids = set()
    for name, value in others.items():
        companions = COMPANIONS.get(name, {})
        config = Config(**{**companions, name: value})  # type: ignore[arg-type]
        if name not in (
            "optimizer",
            "pruning",
            "start",
            "source",
        ):  # without it the companions are refused
            assert config.run_id != Config(**companions).run_id, name  # type: ignore[arg-type]
        ids.add(config.run_id)
    assert len(ids) == len(others)


def test_a_zero_has_one_id() -> None:
    lasso = {"optimizer": "beta-lasso", "l1": 1e-4}
    zero, negative = (Config(**lasso, l1_rest=value) for value in (0.0, -0.0))  # type: ignore[arg-type]
    assert zero == negative
    assert zero.run_id == negative.run_id


def test_restarts_need_a_period() -> None:
    for period in (None, 30, 400):
        assert "give a period that divides epochs" in refusal(
            schedule="cosine-restart", period=period
        )
    assert Config(schedule="cosine-restart", period=200).period == 200
    cut = {"pruning": "magnitude", "density": 0.1, "period": 200}
    assert "'cosine-epoch' begins anew" in refusal(schedule="cosine-restart", **cut)
    assert Config(**cut).schedule == "cosine-epoch"


@pytest.mark.parametrize(("name", "layer"), [("density", "conv1"), ("density_rest", "fc1")])
def test_a_density_that_leaves_no_weight_is_refused(name, layer):
    some = {"pruning": "random", "density": 0.5, "density_rest": 0.5, name: 1e-6}
    assert f"{name}: 1e-06 leaves no weight of {layer}" in refusal(dataset="digits", **some)


def test_cuts_between_periods_need_periods() -> None:
    cut = {"pruning": "magnitude", "density": 0.1, "schedule": "constant"}
    for period in (None, 200):
        assert "a constant one has none; choose another" in refusal(**cut, period=period)
