"""S-FC at the paper's size: α = 150, after the paper's shorter training of 400 epochs (Table 1).

Its first runs took over hyperparameters of smaller networks; a search at this size came after them.
The paper's longer training, of 4000 epochs, is to be tried at its width and at α = 32.
"""

from functools import partial

from lcs.config import Config
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.searches import Rule, Search, method_key, values_over
from lcs.exhibits.shared.settings import (
    CHOSEN,
    PAPER_LENGTH,
    PAPER_SHORT,
    PAPER_WHOLE,
    as_sgd,
    baseline,
    beta_lasso,
    regularised,
    sgd_and_betas,
    sized,
    with_values,
)

# of the search: learning rates by optimizer, and factors of weight decay or of λ at the best one
RATES = {"sgd": (0.01, 0.03, 0.1), "beta-lasso": (0.03, 0.1, 0.3)}
FACTORS = {"sgd": (1.0, 0.25), "beta-lasso": (1.0, 0.5)}

STUDIES = Studies()
_study = partial(STUDIES.add, setting=PAPER_SHORT, seeds=1, scales=("smoke", "paper"))
_search = partial(STUDIES.add, kind=Search, setting=PAPER_SHORT, scales=("smoke", "paper"))


def _compared(base: Config, length: float = 1) -> list[Config]:
    """Return SGD, β = 50 and S-LOCAL, which the search compares at a quarter of the length."""
    here = sized(base, length=length)
    return [*sgd_and_betas(here, [50]), baseline(here, "s-local")]


def _searched(base: Config) -> list[Config]:
    """Return SGD, β = 50 and S-LOCAL as `search-paper-size` chose."""
    found = CHOSEN["search-paper-size"]
    return [with_values(run, **found[method_key(run)]) for run in _compared(base)]


@_study()
def paper_size(base: Config) -> list[Config]:
    """S-FC at the paper's size, before the search."""
    return sgd_and_betas(base, [50])


@_study()
def paper_size_others(base: Config) -> list[Config]:
    """S-CONV, 3-FC and β = 0 at the paper's size."""
    return [baseline(base, "s-conv"), baseline(base, "3-fc"), beta_lasso(base, 0)]


@_search(rule=Rule(method_key, lambda config: config.lr))
def search_paper_size_rate(base: Config) -> list[Config]:
    """Learning rates at the paper's size, on validation."""
    runs = _compared(base, 1 / 4)
    return [run.replace(lr=lr) for run in runs for lr in RATES[run.optimizer]]


def _values(config: Config) -> dict[str, float]:
    """Return what the search varies: η, and weight decay or λ over that without a search."""
    plain = as_sgd(config).replace(model="s-fc")
    usual = beta_lasso(plain, config.beta) if config.beta else baseline(plain, config.model)
    return values_over(config, usual)


@_search(after=("search-paper-size-rate",), rule=Rule(method_key, _values))
def search_paper_size(base: Config) -> list[Config]:
    """Weight decay or λ at the paper's size, on validation."""
    best = CHOSEN["search-paper-size-rate"]
    return [
        with_values(run, best[method_key(run)], factor)
        for run in _compared(base, 1 / 4)
        for factor in FACTORS[run.optimizer]
    ]


_as_searched = partial(_study, after=("search-paper-size",))
_longer = partial(_as_searched, setting=PAPER_LENGTH)


@_as_searched()
def paper_size_searched(base: Config) -> list[Config]:
    """SGD, β = 50 and S-LOCAL at the paper's size, as searched."""
    return _searched(base)


@_as_searched(setting=PAPER_WHOLE)
def paper_size_long(base: Config) -> list[Config]:
    """SGD, β = 50 and S-LOCAL at the paper's size for its 4000 epochs, as searched."""
    return _searched(base)


@_longer()
def paper_length(base: Config) -> list[Config]:
    """SGD, β = 50 and S-LOCAL for 4000 epochs at α = 32."""
    return _searched(base)


@_longer()
def paper_length_l1(base: Config) -> list[Config]:
    """β = 50 with four times the λ for 4000 epochs at α = 32."""
    return [regularised(run, 4.0) for run in _searched(base) if run.beta]
