"""What starts from another's masks or weights: of the same or the other of two data sets.

S-FC with SGD starts from masks or weights of a network that β = 50 or SGD trained
(`lcs.models.transfer`), and is compared with networks that start from random weights.
"""

from collections.abc import Iterable

from lcs.config import Config
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.settings import (
    FLIP_CROP,
    FLIP_CROP_SHORT,
    flip_crop_methods,
    local_mask,
    sized,
)

ORIGINS = ("cifar10", "cifar100")
# what is taken of the source
TAKEN = (
    "ticket", "mask", "first-mask", "rewired-mask", "random-mask", "frozen-first-layer",
    "first-layer",
)  # fmt: skip
# taken of the same data set too, and of a network trained by SGD too
OWN, OF_SGD = ("ticket", "mask"), ("frozen-first-layer", "first-layer")

STUDIES = Studies()


def _runs(here: Config, taken: Iterable[str]) -> list[Config]:
    """Return for each data set what starts from random weights, and from networks of both sets."""
    plain, local, sparse = flip_crop_methods(here, ("s-fc", "s-local"), [50])
    names = ORIGINS if here.dataset in ORIGINS else (here.dataset,)
    runs = []
    for name in names:
        runs += [run.replace(dataset=name) for run in (plain, sparse, local)]
        runs += [
            plain.replace(
                dataset=name, start=start, source=trained.replace(dataset=origin).as_source
            )
            for origin in sorted(names, key=lambda origin: origin != name)
            for trained in (sparse, plain)
            for start in taken
            if (start in OWN or origin != name) and (start in OF_SGD or trained is sparse)
        ]
    return runs


@STUDIES.add(FLIP_CROP_SHORT)
def transfer(base: Config) -> list[Config]:
    """Transfer between data sets."""
    return _runs(sized(base, 1, 1 / 8), TAKEN)


@STUDIES.add(FLIP_CROP_SHORT)
def transfer_windows(base: Config) -> list[Config]:
    """S-LOCAL's windows as a fixed mask of S-FC, on both data sets."""
    plain = next(run for run in _runs(sized(base, 1, 1 / 8), ()) if run.model == "s-fc")
    names = ORIGINS if plain.dataset in ORIGINS else (plain.dataset,)
    return [plain.replace(dataset=name, **local_mask(base)) for name in names]


@STUDIES.add(FLIP_CROP)
def transfer_wider(base: Config) -> list[Config]:
    """Transfer between data sets at α = 4, 200 epochs."""
    taken = ("mask", "first-mask", "rewired-mask", "frozen-first-layer")
    return _runs(sized(base, 4, 1 / 2), taken)
