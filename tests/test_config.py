"""A configuration: what it refuses, and an id that depends on the run's meaning alone."""

import dataclasses
import json
import typing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcs.config import CHOICES, OPTIMIZER_FIELDS, RANGES, Config, run_config
from lcs.config.run_config import defaults
from lcs.errors import ConfigError

FIELDS = defaults(Config)
HINTS = {
    name: typing.get_args(hint) or (hint,)
    for name, hint in typing.get_type_hints(Config).items()
    if name in FIELDS
}
LASSO = {"optimizer": "beta-lasso", "l1": 1e-5}
GROWN = LASSO | {"l1_growth": 1.0}
MASKED = {"pruning": "random", "density": 0.5, "density_rest": 0.25}
CUT = {"pruning": "magnitude", "density": 0.1, "period": 200}
SOURCE = {"source": "cifar10/s-fc-a4-sgd-0123456789"}
DESK = {"loss": "bce", "precision": "bf16", "optimizer": "beta-lasso", "l1": 2e-5, "beta": 50}
# an id must stand for ever: records are found by it
PINNED = {"44136fa355-s0": {}, "44136fa355-s3": {"seed": 3}, "fcf2a1d533-s0": DESK}
# values of each field but its default, with what they need; the last one is another run's
OTHERS = {name: [{name: value} for value in values] for name, values in CHOICES.items()} | {
    "model": [{"model": m} for m in CHOICES["model"]],
    "optimizer": [LASSO | {"optimizer": o} for o in CHOICES["optimizer"] if o != "sgd"],
    "l1_window": [GROWN | {"l1_window": w} for w in CHOICES["l1_window"]],
    "pruning": [MASKED | {"density": 0.05, "period": 200, "pruning": p}
                for p in CHOICES["pruning"] if p != "none"],
    "start": [SOURCE | {"start": s, "model": "d-fc" if s.endswith("footprints") else "s-fc"}
              for s in CHOICES["start"] if s != "initial"],
    "schedule": [{"schedule": "constant"}, {"schedule": "cosine-restart", "period": 200}],
    "padding": [{"model": "s-conv", "padding": "none"}],
    "labels": [{"images": "gaussian", "labels": label} for label in CHOICES["labels"]],
    "source": [SOURCE | {"start": "mask"}],
    "kernel_size": [{"model": "s-conv", "kernel_size": k} for k in (1, 31, 5)],
    **{n: [{n: True}] for n in ("affine", "bias", "permute_pixels", "validation")},
    "l1": [LASSO | {"l1_rest": 0.5, "l1": v} for v in (0.0, 1.0, 0.25)],
    "l1_rest": [LASSO | {"l1_rest": v} for v in (0.0, 1.0, 0.25)],
    "l1_growth": [GROWN | {"l1_growth": v} for v in (0.0, 1e6, 0.5)],
    "l1_growth_from": [GROWN | {"l1_window": "learned", "l1_growth_from": v}
                       for v in (0.0, 0.5, 0.25)],
    "l1_window_size": [GROWN | {"l1_window_size": v} for v in (1, 61, 5)],
    "beta": [LASSO | {"beta": v} for v in (0.0, 1e9, 50.0)],
    "frozen_zeros": [LASSO | {"beta": 50.0, "frozen_zeros": True}],
    "density": [MASKED | {"density": v, "base_channels": 16} for v in (1e-6, 1.0, 0.25)],
    "density_rest": [MASKED | {"density_rest": v, "base_channels": 16} for v in (1e-6, 1.0, 0.1)],
    "crop_padding": [{"augment": "flip-crop", "crop_padding": v} for v in (0, 31, 2)],
    "crop_fill": [{"augment": "crop", "crop_fill": v} for v in (0, 255, 64)],
    **{name: [{name: RANGES[name][0]}, {name: RANGES[name][1]}, {name: middle}]
       for name, middle in (("base_channels", 2), ("dropout", 0.5), ("lr", 0.2), ("momentum", 0.9),
                            ("weight_decay", 1e-4), ("period", 100), ("epochs", 401),
                            ("batch_size", 511), ("train_share", 0.5), ("seed", 7))},
}  # fmt: skip
# what the message names, values that do not fit together, and a change after which they do
MISFITS: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("l1", {"optimizer": "spred"}, {"l1_rest": 1e-5}),
    ("l1", {"optimizer": "beta-lasso", "beta": 50}, {"l1": 1e-5}),
    ("l1_growth", GROWN | {"model": "s-local"}, {"model": "s-fc"}),
    ("l1_growth", GROWN | {"l1": 0.0, "l1_rest": 1e-5}, {"l1": 1e-5}),
    ("l1_window", LASSO | {"l1_window": "learned"}, {"l1_growth": 1.0}),
    ("l1_window", LASSO | {"l1_window_size": 5}, {"l1_growth": 1.0}),
    ("l1_window_size", GROWN | {"l1_window_size": 4}, {"l1_window_size": 5}),
    ("l1_window_size", GROWN | {"dataset": "digits", "l1_window_size": 15}, {"l1_window_size": 13}),
    ("learned", GROWN | {"l1_growth_from": 0.1, "l1_window": "initial"}, {"l1_window": "learned"}),
    ("frozen_zeros", LASSO | {"frozen_zeros": True}, {"beta": 50.0}),
    ("pruning", MASKED | {"model": "s-conv"}, {"model": "s-fc"}),
    ("regrows", MASKED | {"pruning": "set", "optimizer": "spred", "l1": 1e-5}, LASSO),
    ("regrows", MASKED | LASSO | {"pruning": "rigl", "beta": 50.0, "frozen_zeros": True},
     {"frozen_zeros": False}),
    ("density", {"pruning": "random"}, {"density": 0.5}),
    ("density", {"density": 0.5}, {"pruning": "random"}),
    ("conv1", MASKED | {"dataset": "digits", "density": 1e-6}, {"density": 1e-3}),
    ("fc1", MASKED | {"dataset": "digits", "density_rest": 1e-6}, {"density_rest": 0.0026}),
    ("0.0684967", {"pruning": "windows", "density": 0.07}, {"density": 0.0684967041015625}),
    ("windows", {"pruning": "random-windows", "density": 0.07}, {"pruning": "random"}),
    ("source", {"start": "mask"}, SOURCE),
    ("source", SOURCE, {"start": "mask"}),
    ("s-fc", SOURCE | {"start": "mask", "model": "s-conv"}, {"start": "network"}),
    ("sgd", SOURCE | LASSO | {"start": "mask"}, {"start": "network"}),
    ("d-fc", SOURCE | {"start": "footprints"}, {"model": "d-fc"}),
    ("pruning", SOURCE | MASKED | {"start": "mask"}, {"start": "initial", "source": None}),
    ("resnet18", SOURCE | {"start": "network", "model": "resnet18"}, {"model": "d-conv"}),
    ("schedule", CUT | {"schedule": "constant"}, {"schedule": "cosine-epoch"}),
    ("schedule", CUT | {"schedule": "cosine-restart"}, {"schedule": "cosine-epoch"}),
    ("period", CUT | {"period": 30}, {"period": 40}),
    ("period", {"schedule": "cosine-restart", "period": 400}, {"period": 200}),
    ("period", {"schedule": "constant", "period": 10}, {"schedule": "cosine-epoch"}),
    ("kernel_size", {"model": "d-fc", "kernel_size": 5}, {"model": "d-local"}),
    ("kernel_size", {"model": "s-conv", "kernel_size": 4}, {"kernel_size": 5}),
    ("padding", {"model": "d-conv", "padding": "none"}, {"model": "s-local"}),
    ("padding", {"dataset": "digits", "model": "s-conv", "padding": "none"}, {"kernel_size": 7}),
    *(("resnet18", {"model": "resnet18"} | extra, {"model": "s-local"})
      for extra in ({"affine": True}, {"bias": True}, {"dropout": 0.5})),
    ("crop_padding", {"crop_padding": 2}, {"augment": "crop"}),
    ("crop_fill", {"crop_fill": 2}, {"augment": "crop"}),
    ("crop_fill", {"crop_fill": 2, "augment": "autoaugment"}, {"augment": "flip-crop"}),
    ("crop_fill", {"crop_fill": 2, "augment": "crop", "crop_padding": 0}, {"crop_padding": 1}),
    ("8 pixels", {"dataset": "digits", "augment": "crop", "crop_padding": 8}, {"crop_padding": 7}),
    ("labels", {"labels": "shuffled-first"}, {"images": "gaussian"}),
    *(("source", {"start": "mask", "source": place}, SOURCE)
      for place in ("../s-fc", "s-fc", "cifar10/s-fc.json", "cifar10/s-fc-a4-sgd-0123456789-s12")),
]  # fmt: skip


def refusal(**values):
    """Return the one-line message with which these values are refused."""
    with pytest.raises(ConfigError) as error:
        Config(**values)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", FIELDS)
def test_values_of_another_type_choice_or_range_are_refused(name):
    allowed = {int, *HINTS[name]} if float in HINTS[name] else {*HINTS[name]}
    wrong = [v for v in ("1", 1, 1.0, True, None, [1]) if type(v) not in allowed]
    if float in HINTS[name]:
        wrong += [float("nan"), float("inf"), -float("inf")]
    if name in RANGES:
        low, high = RANGES[name]
        step = 1 if int in HINTS[name] else 1e-12
        wrong += [low - step, high + max(step, type(step)(1e-6 * high)), 10**400]
    assert wrong
    for value in wrong:
        message = refusal(**{name: value})
        assert message.startswith(f"{name}: ")
        assert len(message) < 150
    if name in CHOICES:
        assert ", ".join(CHOICES[name]) in refusal(**{name: "foo"})


@pytest.mark.parametrize("name", FIELDS)
def test_choices_and_both_ends_of_a_range_are_accepted(name):
    assert (name in CHOICES or name == "source") == (str in HINTS[name])
    assert (name in RANGES) == bool({int, float} & {*HINTS[name]})
    for values in OTHERS[name]:
        assert getattr(Config(**values), name) in (values[name], None)
    tried = [FIELDS[name], *(values[name] for values in OTHERS[name])]
    assert {*CHOICES.get(name, ()), *RANGES.get(name, ())} <= {*tried}


@pytest.mark.parametrize(("named", "values", "change"), MISFITS)
def test_values_that_do_not_fit_together_are_refused(named, values, change):
    assert named in refusal(**values)
    Config(**(values | change))


@pytest.mark.parametrize("optimizer", OPTIMIZER_FIELDS)
def test_a_parameter_that_the_optimizer_lacks_is_refused(optimizer):
    plain = {"optimizer": optimizer, "l1": 0.0 if optimizer == "sgd" else 0.25}
    for name in ("momentum", "weight_decay", "l1_rest", "beta", "l1_growth"):
        if name in OPTIMIZER_FIELDS[optimizer]:
            assert getattr(Config(**plain, **{name: 0.5}), name) == 0.5
        else:
            assert f"{optimizer!r} has no {name}" in refusal(**plain, **{name: 0.5})


@pytest.mark.parametrize("make", [Config.from_dict, lambda values: Config().replace(**values)])
def test_unknown_names_are_refused(make):
    with pytest.raises(ConfigError, match=r"unknown parameter 'learning_rate'"):
        make({"learning_rate": 0.1})


def test_zero_is_a_value_and_not_given_is_none():
    lasso = Config(optimizer="beta-lasso", l1=0.5, l1_rest=0.25, augment="flip-crop")
    assert lasso.replace(l1_rest=0.0).rest_l1 == 0.0
    assert lasso.replace(l1_rest=None).rest_l1 == 0.5
    assert lasso.replace(crop_padding=0).crop_shift == 0
    assert lasso.replace(crop_padding=None).crop_shift == 4


def test_defaults_are_valid(monkeypatch):
    """They are taken unchecked otherwise."""
    monkeypatch.setattr(run_config, "defaults", lambda cls: dict.fromkeys(defaults(cls), object()))
    checked = Config()
    for name, default in defaults(Config).items():
        assert getattr(checked, name) == default
        assert type(getattr(checked, name)) is type(default)


@pytest.mark.parametrize("run_id", PINNED)
def test_ids_are_pinned(run_id):
    config = Config(**PINNED[run_id])
    assert config.run_id == run_id
    assert config.file == f"cifar10/s-fc-a1-{config.optimizer}-{run_id}"


@given(st.sampled_from([*OTHERS]).flatmap(lambda n: st.sampled_from(OTHERS[n])), st.randoms())
def test_a_run_has_one_id_however_it_is_written(values, random):
    config = Config(**values)
    stored = json.loads(json.dumps(dataclasses.asdict(config)))
    whole = {n: int(v) if isinstance(v, float) and v == int(v) else v for n, v in values.items()}
    arrays = {n: v if v is None else np.array([v])[0] for n, v in values.items() if n != "source"}
    negative = {n: -0.0 if v == 0 and type(v) is float else v for n, v in stored.items()}
    names = random.sample([*stored], len(stored))
    for same in (stored, values | arrays, whole, negative, {n: stored[n] for n in names}):
        again = Config.from_dict(same)
        assert again == config
        assert again.run_id == config.run_id
        assert repr(again) == repr(config)


def test_what_equals_the_implied_value_is_one_run():
    for values, implied in (
        (LASSO, {"l1_rest": 1e-5}),
        (GROWN, {"l1_window_size": 9}),
        ({"model": "s-conv"}, {"kernel_size": 9}),
        ({"model": "d-local"}, {"kernel_size": 3}),
        (CUT, {"density_rest": 0.1}),
        ({"epochs": 10}, {"period": 10}),
        ({"augment": "flip-crop"}, {"crop_padding": 4}),
    ):
        assert Config.from_dict(values | implied) == Config.from_dict(values)
    assert Config(model="s-conv", kernel_size=3).kernel_size == 3


def test_every_field_is_part_of_the_id():
    """Only the seed stands beside the hash; any other difference is another run."""
    ids = {Config().run_id}
    for name, values in OTHERS.items():
        config = Config(**values[-1])
        ids.add(config.run_id)
        if {name} < {*values[-1]} and name not in ("optimizer", "pruning", "start", "source"):
            without = {other: value for other, value in values[-1].items() if other != name}
            assert config.run_id != Config(**without).run_id, name
    assert len(ids) == 1 + len(FIELDS)
