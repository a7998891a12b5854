"""Single parts of the training, changed one at a time: precision, augmentation, data, length."""

from functools import partial

from lcs.config import Config
from lcs.exhibits.scaling.studies import at_widths, flip_crop
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, SHALLOW
from lcs.exhibits.shared.settings import FLIP_CROP, RECIPE, chosen, scaled_l1, sgd, sized

STUDIES = Studies()
_recipe, _flips = (partial(STUDIES.add, setting=setting) for setting in (RECIPE, FLIP_CROP))


@_flips(seeds=2)
def recipe_precision(base: Config) -> list[Config]:
    """bfloat16 or float32, at α = 8."""
    return [run.replace(precision=name) for run in flip_crop(base) for name in ("bf16", "fp32")]


@_flips()
def recipe_affine(base: Config) -> list[Config]:
    """Scale, shift and bias, at α = 4."""
    runs = flip_crop(base, width=4)
    affine, biased = ([run.replace(**{name: True}) for run in runs] for name in ("affine", "bias"))
    return [*runs, *affine, *biased]


@_recipe()
def augment_order(base: Config) -> list[Config]:
    """AutoAugment after or before the crop."""
    runs = at_widths(base, widths=(2,))
    return [*runs, *(run.replace(augment="autoaugment-first") for run in runs)]


@_flips()
def recipe_cifar100(base: Config) -> list[Config]:
    """CIFAR-100, at α = 8."""
    data = base if base.dataset == "digits" else base.replace(dataset="cifar100")
    return flip_crop(data, (0, 50), models=SHALLOW)


@_recipe()
def reach(base: Config) -> list[Config]:
    """Training length, or a larger λ.

    Where the length is shorter by a factor, λ is larger and β smaller by it: the threshold βλ is
    that of the longest, and so is, nearly, the sum of all ℓ1 steps. β = 0 has the λ of the other.
    """
    lengths = [sized(base, 2, length) for length in (1 / 8, 1 / 4, 1 / 2)]
    runs = []
    for here in lengths:
        sparse = chosen(here, *B50)
        pair = [sparse.replace(beta=0.0), sparse]
        factor = lengths[-1].epochs / here.epochs
        runs += [chosen(here, "s-fc"), *pair, *(scaled_l1(config, factor) for config in pair)]
    return runs


@_recipe()
def momentum(base: Config) -> list[Config]:
    """Momentum, weight decay or a larger step.

    With momentum 0.9 a gradient moves a weight by η times 1 + 0.9 + 0.9² + … = 10 in the end: the
    larger η has that step without momentum. β-LASSO keeps its pull λη and its threshold βλ.
    """
    here = sized(base, 2, 1 / 2)
    plain, tuned = sgd(here, "s-fc"), chosen(here, "s-fc")
    parts = [plain, plain.replace(weight_decay=5e-4), tuned.replace(weight_decay=0.0), tuned]
    sparse = chosen(here, *B50)
    step = 10 * here.lr
    return [*parts, plain.replace(lr=step), sparse, scaled_l1(sparse, 0.1).replace(lr=step)]
