"""Spoken digits: whether β-LASSO finds what is local in time and in frequency.

The networks are those for images; an image is a log-mel spectrogram (`lcs.data.spoken_digits`), so
that a row is a band of frequency and a column a frame of time. No speaker of the test images is
heard in training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lcs.analysis.claims import exceeds, exceeds_zero, ours
from lcs.config import Config
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B0, B50, CONV, LOCAL, SGD, Method
from lcs.exhibits.shared.searches import Rule, Search, method_key, searched
from lcs.exhibits.shared.settings import CHOSEN, SPOKEN, sized

if TYPE_CHECKING:
    import pandas as pd

METHODS = (SGD, B0, B50, LOCAL, CONV)
LEARNING_RATES = (0.03, 0.1, 0.3)
# weight decay of SGD, and λ of the first layer: a tenth of it in the others
DECAYS = (1e-4, 5e-4, 2e-3)
LAMBDAS = (1e-4, 3e-4, 1e-3)
STILL, SHIFTED = IMAGES = ("none", "time-shift")
# candidates of the search as good as those chosen, which come before them, with a larger η
EQUALS: dict[Method, dict[str, float]] = {
    SGD: {"lr": 0.3, "weight_decay": 5e-4},
    B50: {"lr": 0.1, "l1": 3e-4, "l1_rest": 3e-5},
}
STUDIES = Studies()


def _candidates(base: Config, who: Method) -> list[Config]:
    """Return a method with three learning rates and three values of weight decay or λ."""
    here, fields = sized(base, 4, 1 / 4), who._asdict()
    tried: list[dict[str, Any]] = [{"l1": l1, "l1_rest": round(l1 / 10, 9)} for l1 in LAMBDAS]
    if who.optimizer == "sgd":
        tried = [{"momentum": 0.9, "weight_decay": decay} for decay in DECAYS]
    return [here.replace(**fields, lr=rate, **more) for rate in LEARNING_RATES for more in tried]


@STUDIES.add(SPOKEN, kind=Search, rule=Rule(method_key, lambda c: {"lr": c.lr, **searched(c)}))
def search_sound(base: Config) -> list[Config]:
    """Spoken digits, on validation."""
    return [run for who in METHODS for run in _candidates(base, who)]


@STUDIES.add(SPOKEN, seeds=5, after=("search-sound",))
def sound(base: Config) -> list[Config]:
    """Spoken digits.

    Return every method as `search-sound` chose it, with and without shifts in time.
    """
    found = CHOSEN["search-sound"]
    best = [_candidates(base, who)[0].replace(**found[who.key]) for who in METHODS]
    return [run.replace(augment=images) for images in IMAGES for run in best]


@STUDIES.add(SPOKEN, seeds=5)
def sound_equals(base: Config) -> list[Config]:
    """Spoken digits, with candidates that the search found equally good.

    Return S-FC with shifts in time, trained with the last of them instead of the first.
    """
    return [
        _candidates(base, who)[0].replace(augment=SHIFTED, **values)
        for who, values in EQUALS.items()
    ]


@STUDIES.add(SPOKEN, seeds=5, after=("search-sound",))
def sound_shuffled(base: Config) -> list[Config]:
    """Spoken digits, as a table with shuffled columns.

    Return S-FC with shifts in time, on spectrograms whose pixels are all permuted in one way.
    """
    shifted = [run for run in sound(base) if run.augment == SHIFTED and run.model == "s-fc"]
    return [run.replace(permute_pixels=True) for run in shifted]


# Claims


def _shifted(who: Method) -> dict[str, Any]:
    return who._asdict() | {"augment": SHIFTED}


def _in_time(runs: pd.DataFrame) -> pd.Series[float]:
    return 100 * runs["locality.column_mass.excess_mean"]


def _more_in_time(runs: pd.DataFrame) -> pd.Series[float]:
    return _in_time(runs) - 100 * runs["locality.row_mass.excess_mean"]


CLAIMS = {
    "On spoken digits, filters of β = 0 are local in time, beyond chance": ours(
        "sound", exceeds_zero(_shifted(B0), _in_time)
    ),
    "On spoken digits, filters of β = 0 are more local in time than in frequency": ours(
        "sound", exceeds_zero(_shifted(B0), _more_in_time)
    ),
    **{
        f"On spoken digits, β = {who.beta:g} is better than SGD": ours(
            "sound", exceeds(_shifted(who), _shifted(SGD))
        )
        for who in (B0, B50)
    },
}
