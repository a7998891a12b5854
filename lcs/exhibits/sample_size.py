"""Accuracy against the number of training images: what learned and built-in locality are worth.

All runs of a width take about as many steps, whatever the number of images, so that only what they
learn from differs.
"""

from lcs.analysis.claims import exceeds, ours
from lcs.config import Config
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD, SHALLOW
from lcs.exhibits.shared.settings import (
    FLIP_CROP,
    FLIP_CROP_SHORT,
    chosen,
    flip_crop_methods,
    sized,
)

SHARES = (0.02, 0.05, 0.1, 0.3, 1.0)

STUDIES = Studies()


@STUDIES.add(FLIP_CROP_SHORT)
def sample_size(base: Config) -> list[Config]:
    """Accuracy and the number of images.

    Return each method, with flips and crops, on each share of the images.
    """
    whole = flip_crop_methods(sized(base, 1, 1 / 8), SHALLOW, [50])
    return [_with_share(run, share) for share in SHARES for run in whole]


@STUDIES.add(FLIP_CROP, seeds=1)
def sample_size_wide(base: Config) -> list[Config]:
    """A fiftieth of the images at α = 4.

    Return each method with as many steps and the hyperparameters of the study `permuted`.
    """
    here = sized(base, 4, 1 / 4)
    whole = [chosen(here, *who, share=0.5) for who in (SGD, B50, CONV, LOCAL)]
    return [_with_share(run, SHARES[0]) for run in whole]


def _with_share(config: Config, share: float) -> Config:
    """Return a run with a share of the images, in as many steps."""
    return config.replace(train_share=share, epochs=round(config.epochs / share))


_TENTH, _SPARSE = {"model": "s-fc", "train_share": 0.1}, {"optimizer": "beta-lasso"}
_WITH_ALL = _SPARSE | {"train_share": 1.0}

CLAIMS = {
    "With a tenth of the images β = 50 is better than SGD": ours(
        "sample-size", exceeds(_TENTH | _SPARSE, _TENTH | {"optimizer": "sgd"})
    ),
    "With three tenths of the images S-LOCAL is better than β = 50 with all of them": ours(
        "sample-size", exceeds({"model": "s-local", "train_share": 0.3}, _WITH_ALL)
    ),
    "With a tenth of the images the filters of β = 50 are less local than with all": ours(
        "sample-size", exceeds(_WITH_ALL, _TENTH | _SPARSE, "excess")
    ),
}
