"""Settings: how the book's runs are trained, by which studies, and what searches chose for them.

A *setting* is how a run is trained; a *scale* is how much is run: `smoke` takes seconds on
scikit-learn's digits, `desk` is real data on two cores or a GPU, `paper` the paper's own size (α =
150) on one GPU, mostly with its 4000 epochs. The reproduction's setting is that of R, Table II; the
recipe is the paper's, at the widths that two cores hold.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lcs.analysis import paper
from lcs.config import Config, foreign_fields
from lcs.errors import ILL_FORMED, ConfigError, NotChosen, one_line
from lcs.exhibits.shared.methods import B50, Method
from lcs.study import Setting, Study

# each has the scale's own width and length, which a study takes multiples of (`sized`)
SMOKE = Config(dataset="digits", epochs=30, batch_size=128, lr=0.1)
# the reproduction's setting (its Table II)
DESK = Config(loss="bce", epochs=400, precision="bf16")
# the paper's setting; where it is silent, the starting point of the search on validation
PAPER = Config(
    base_channels=paper.WIDTH,
    epochs=paper.EPOCHS,
    augment="autoaugment",
    normalize="standard",
    precision="bf16",
)


def _like(setting: Setting, name: str, **changes: Any) -> Setting:
    return Setting(name, {scale: c.replace(**changes) for scale, c in setting.configs.items()})


VARIED = "varied conditions"


def varied(setting: Setting) -> Setting:
    """Return a setting for studies that vary its augmentation, loss or data, which claims name."""
    return _like(setting, VARIED)


REPRODUCTION = Setting("no augmentation", {"smoke": SMOKE, "desk": DESK, "paper": PAPER})
# its loss does not train networks of a hundred classes
REPRODUCTION_CROSS_ENTROPY = _like(
    REPRODUCTION, "no augmentation, cross-entropy", loss="cross-entropy"
)
# a step towards the paper's recipe
SHORT_RECIPE = _like(
    REPRODUCTION,
    "cross-entropy, flips and crops, 100 epochs",
    loss="cross-entropy",
    augment="flip-crop",
)
# the paper's recipe; AutoAugment stands in for Fast AutoAugment, whose policies were found by a
# search of their own
RECIPE = _like(
    REPRODUCTION, "AutoAugment", loss="cross-entropy", augment="autoaugment", normalize="standard"
)
# flips and crops alone suit a shorter training better
FLIP_CROP = _like(RECIPE, "flips and crops", augment="flip-crop")
# the same for the length of `search-flips`, which chose the hyperparameters, and for a longer one
FLIP_CROP_SHORT = _like(FLIP_CROP, "flips and crops, 50 epochs")
FLIP_CROP_LONG = _like(FLIP_CROP, "flips and crops, 1600 epochs")
# the recipe on spectrograms, shifted in time
SPOKEN = Setting(
    "spoken digits",
    {
        scale: RECIPE.configs[scale].replace(dataset=dataset, batch_size=128, augment="time-shift")
        for scale, dataset in (("smoke", "digits"), ("desk", "fsdd"))
    },
)
# the paper's length in a network that one GPU trains in minutes
PAPER_LENGTH = Setting(
    "4000 epochs at α = 32", {"smoke": SMOKE, "paper": PAPER.replace(base_channels=32)}
)
# the paper's own size, for runs with hyperparameters that were searched at its width
PAPER_WHOLE = Setting("the paper's size, 4000 epochs", {"smoke": SMOKE, "paper": PAPER})
# the paper's shorter training (its Table 1), on one GPU
PAPER_SHORT = Setting(
    "the paper's size, 400 epochs",
    {"smoke": SMOKE, "paper": PAPER.replace(epochs=paper.SHORT_EPOCHS)},
)

PAPER_BETAS = (0, 1, 50)  # of the paper's Table 2
# the reproduction's λ, the end of the paper's search: the same in every layer
REPRODUCTION_L1: dict[str, Any] = {"l1": 2e-5, "l1_rest": None}
# where single early runs did best: no choice made on validation, so it may flatter
STRONGER_L1 = {"l1": 5e-5, "l1_rest": 1e-5}


def has_stronger_l1(config: Config) -> bool:
    """Whether a run has the stronger λ: it is another in the other layers."""
    return config.optimizer == "beta-lasso" and config.l1_rest is not None


def as_sgd(config: Config) -> Config:
    """Return the same run with plain SGD."""
    usual = Config()
    lost = {name: getattr(usual, name) for name in {*foreign_fields("sgd"), "l1_window"}}
    return config.replace(optimizer="sgd", **lost)


def without_threshold(config: Config) -> Config:
    """Return the same run with β = 0, and the same λ."""
    return config.replace(beta=0.0, frozen_zeros=False)


class Chosen(dict[Any, Any]):
    """What a search chose, by a key of its own; another key is `NotChosen`."""

    def __init__(self, search: str, found: Mapping[Any, Any]) -> None:
        super().__init__(found)
        self.search = search

    def __missing__(self, key: object) -> Any:
        raise NotChosen(
            f"{self.search} has not chosen {key!r} yet; run `lcs study {self.search}`, then "
            f"`lcs study {self.search} --choose`"
        )


class Choices(dict[str, Chosen]):
    """What each search chose, by its name; nothing, of one that has not chosen."""

    def __missing__(self, search: str) -> Chosen:
        return Chosen(search, {})


# what the searches chose on validation images: written by `lcs study NAME --choose`
CHOSEN_FILE = Path(__file__).with_name("chosen.json")


def read_choices(file: Path = CHOSEN_FILE) -> Choices:
    """Return what the searches chose: a number, or numbers by the fields of `Config` and others.

    Raises:
        ConfigError: the file cannot be read, or holds what no search chooses.
    """
    try:
        sections = json.loads(file.read_text(encoding="utf-8"))
        for search, found in sections.items():
            for key, value in found.items():
                _check_numbers(f"{search}, {key}", value)
    except (OSError, *ILL_FORMED) as error:
        reason = error.strerror if isinstance(error, OSError) else one_line(error)
        raise ConfigError(
            f"{file}: {reason}; restore it, `lcs study NAME --choose` writes it"
        ) from error
    return Choices({search: Chosen(search, found) for search, found in sections.items()})


def _check_numbers(name: str, value: Any) -> None:
    for each in value if isinstance(value, list) else [value]:
        fields = each if isinstance(each, dict) else {"": each}
        # the others `Config` checks
        numbers = [fields[name] for name in fields.keys() - {"model", "optimizer", "l1_rest"}]
        if not all(type(n) in (int, float) and 0 <= n < math.inf for n in numbers):
            raise ValueError(f"{name}: has other values than numbers from 0 on")


CHOSEN = read_choices()
# length of `search` and `search-flips`
SEARCH_EPOCHS = 50
# widths of `scaling`, the largest of them, and a width beyond
WIDTHS, WIDEST, WIDTH_BEYOND = (1, 2, 4, 8), 8, 16
# share of its λ that was best for β = 50 at each width, in runs of so many epochs
SHARE_AT_WIDTH = Chosen(
    "search-wide",
    {int(k): v for name in ("search-wide", "search-beyond") for k, v in CHOSEN[name].items()},
)
SHARE_EPOCHS = 200


def missing_choices(study: Study) -> list[str]:
    """Return the searches whose choice a study takes, but which have not chosen yet.

    Until then its runs are not known.
    """
    return [name for name in study.after if not CHOSEN.get(name)]


def l1_of(base: Config) -> dict[str, Any]:
    """Return λ: at α = 1 the reproduction's, `REPRODUCTION_L1`; else what our own search suggests.

    That is what `search-wide` found best for β = 50 in its widest network, in proportion to the
    number of epochs, so that it pulls as far over a whole training of any length.
    """
    if base.base_channels == 1:
        return REPRODUCTION_L1
    share = min(1.0, SHARE_AT_WIDTH[WIDEST] * SHARE_EPOCHS / base.epochs)
    return {name: round(share * value, 12) for name, value in CHOSEN["search"][B50.key].items()}


def sgd(base: Config, model: str) -> Config:
    """Return a run of plain SGD."""
    return base.replace(model=model)


def baseline(base: Config, model: str) -> Config:
    """Return SGD as a scale has it: plain at α = 1, the reproduction's; else as `search` chose."""
    return sgd(base, model) if base.base_channels == 1 else chosen(base, model)


def beta_lasso(base: Config, beta: float, **changes: Any) -> Config:
    """Return a run of S-FC with β-LASSO, its λ that of the scale unless changed."""
    values = {**l1_of(base), "beta": float(beta), **changes}
    return base.replace(model="s-fc", optimizer="beta-lasso", **values)


def sized(base: Config, width: int = 1, length: float = 1) -> Config:
    """Return what runs share, at a multiple of the width and of the length."""
    epochs = max(1, int(length * base.epochs))
    return base.replace(base_channels=width * base.base_channels, epochs=epochs)


def chosen(
    here: Config, model: str, optimizer: str = "sgd", beta: float = 0.0, share: float | None = None
) -> Config:
    """Return a run with the hyperparameters that `search` chose for its method.

    λ of every layer is multiplied by `share`; None: by what `search-long` chose. A β that was not
    searched has the values of the largest one that was.

    Raises:
        ConfigError: the network or the optimizer was not searched.
    """
    key = _searched_key("search", Method(model, optimizer, beta))
    values = dict(CHOSEN["search"][key])
    if share is None:
        share = CHOSEN["search-long"].get(key, 1.0)
    for name in values.keys() & {"l1", "l1_rest"}:
        values[name] = round(share * values[name], 12)
    return here.replace(model=model, optimizer=optimizer, beta=float(beta), **values)


def chosen_flip_crop(here: Config, model: str, optimizer: str = "sgd", beta: float = 0.0) -> Config:
    """Return a run with the hyperparameters that `search-flips` chose for its method.

    Where there is a threshold, λ of a longer training is smaller by the root of its length over
    that of the search; without one it stays, as weight decay does. A β that was not searched has
    the values of the largest one.

    Raises:
        ConfigError: the network or the optimizer was not searched.
    """
    # With flips and crops at α = 8, half of λ was best for β = 50 at four times the length, which
    # `search-flips-long` is to test; with AutoAugment at α = 2 (`search-long`) a quarter, by
    # little, and for β = 0 the same λ. The sum of all ℓ1 steps then grows as the root of the
    # length, and the threshold βλ falls.
    share = min(1.0, round(math.sqrt(SEARCH_EPOCHS / here.epochs), 2)) if beta else 1.0
    run = chosen(here, model, optimizer, beta, share=share)
    best = CHOSEN["search-flips"][_searched_key("search-flips", Method(model, optimizer, beta))]
    return with_values(run, **best)


def _searched_key(search: str, method: Method) -> str:
    """Return the key of a method in what a search chose; that of β = 50 for a β not searched."""
    if method.key in CHOSEN[search]:
        return method.key
    if method[:2] != B50[:2]:
        known = ", ".join(CHOSEN[search])
        raise ConfigError(f"{search} has not searched {method.key!r}; it has: {known}")
    return B50.key


def flip_crop_methods(
    here: Config, models: Sequence[str], betas: Sequence[float] = ()
) -> list[Config]:
    """Return networks with SGD, and S-FC with β-LASSO at each β, by `chosen_flip_crop`."""
    sparse = [chosen_flip_crop(here, "s-fc", "beta-lasso", beta) for beta in betas]
    return [*(chosen_flip_crop(here, model) for model in models), *sparse]


def local_mask(base: Config) -> dict[str, Any]:
    """Return what gives S-FC a fixed mask of S-LOCAL's windows, at all their places."""
    return {"pruning": "windows", "density": base.window_share, "density_rest": 1.0}


def regularised(config: Config, factor: float) -> Config:
    """Return a run with weight decay and every λ larger by a factor, and so the threshold βλ."""
    rest = None if config.l1_rest is None else config.l1_rest * factor
    decay = config.weight_decay * factor
    return config.replace(weight_decay=decay, l1=config.l1 * factor, l1_rest=rest)


def with_values(config: Config, lr: float, factor: float) -> Config:
    """Return a run with a learning rate, and weight decay or λ larger by a factor."""
    return regularised(config, factor).replace(lr=lr)


def scaled_l1(config: Config, factor: float) -> Config:
    """Return a β-LASSO run with every λ larger by a factor, and the threshold βλ as it was."""
    return regularised(config, factor).replace(beta=config.beta / factor)


def sgd_and_betas(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return S-FC with the baseline and with β-LASSO at each β."""
    return [baseline(base, "s-fc"), *(beta_lasso(base, beta) for beta in betas)]
