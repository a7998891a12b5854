"""Each exhibit as a list of runs, at every scale; `Study.run` trains only what the store lacks.

Scales: `smoke` takes seconds, on scikit-learn's digits; `desk` is real data on two cores, at the
reproduction's size (α = 1); `paper` is the paper's own size (α = 150, 4000 epochs), on one GPU.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar

import pandas as pd
import torch

from lcs import cost, data, together, toy
from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError, DiskError, TrainingError
from lcs.loop import Clock
from lcs.runs import AnyConfig, Record, RunStore, default_store, provenance
from lcs.toy import ToyConfig
from lcs.train import choose_device, train
from lcs.workers import each, spread

AnyConfigT = TypeVar("AnyConfigT", bound=AnyConfig)

SCALES = ("smoke", "desk", "paper")
MAX_SEEDS = 20

# the reproduction's setting (its Table II)
DESK = Config(loss="bce", epochs=400, precision="bf16")
SMOKE = Config(dataset="digits", epochs=30, batch_size=128, lr=0.1)
# the paper's setting; where it is silent, the starting point of the search on validation
PAPER = Config(
    base_channels=150,
    epochs=4000,
    augment="autoaugment",
    normalize="standard",
    precision="bf16",
)


class Outcome(NamedTuple):
    """A study's results: one row per run and recorded epoch, and the records behind them."""

    frame: pd.DataFrame
    records: list[Record]


@dataclass(frozen=True)
class Study:
    """An exhibit: its name, its title, and the runs that it is drawn from.

    `make(base, betas)` lists the configurations of one seed, starting from a scale's setting.
    `seeds` is how many the book is to have at the desk scale.
    """

    name: str
    title: str
    make: Callable[[Config, Sequence[float]], list[Config]]
    seeds: int = 3
    betas: tuple[float, ...] = (0, 1, 50)
    scales: tuple[str, ...] = SCALES

    def configs(
        self,
        scale: str = "desk",
        seeds: int = 0,
        *,
        betas: Sequence[float] = (),
        **changes: Any,
    ) -> list[Config]:
        """List the runs: every configuration for seeds 0 … seeds − 1.

        Args:
            scale: one of the study's `scales`.
            seeds: how many; 0: as many as the book has, at other scales than desk one.
            betas: β of the β-LASSO runs; empty: the study's own.
            changes: fields of `Config` that all runs take over the scale's own; 0 and "" keep it.

        Raises:
            ConfigError: a value is unknown or out of range.
        """
        if scale in SCALES and scale not in self.scales:
            raise ConfigError(
                f"scale: {self.name} has no {scale!r}; choose from {', '.join(self.scales)}"
            )
        base = setting(scale).replace(**{n: v for n, v in changes.items() if v not in (0, "")})
        once = dict.fromkeys(self.make(base, sorted(betas or self.betas)))  # each run once
        count = _checked_seeds(seeds, self.seeds if scale == "desk" else 1)
        return [config.replace(seed=seed) for config in once for seed in range(count)]

    def run(
        self,
        scale: str = "desk",
        seeds: int = 0,
        *,
        store: RunStore | None = None,
        device: str = "auto",
        budget_minutes: float | None = None,
        checkpoint_seconds: float = 60.0,
        workers: int = 1,
        betas: Sequence[float] = (),
        **changes: Any,
    ) -> Outcome:
        """Train what the store lacks, and return the results of all runs.

        Args are those of `configs` and of `lcs.train.train`; `store` is the reader's own by
        default, which falls back on the book's records. With several `workers`, as many groups
        of runs (see `lcs.together`)
        train at once, each in a process of its own with its share of the processor's cores.
        """
        _check_options(device, budget_minutes, checkpoint_seconds, workers)
        store = store or default_store()
        configs = self.configs(scale, seeds, betas=betas, **changes)
        announce(missing(configs, store), device, store, workers)
        minutes = math.inf if budget_minutes is None else budget_minutes
        one = functools.partial(
            _train_one,
            store=store,
            device=device,
            deadline=time.monotonic() + 60 * minutes,
            checkpoint_seconds=checkpoint_seconds,
        )
        parts = together.groups(missing(configs, store), choose_device(device), workers)
        spread(functools.partial(_train_part, one=one), parts, workers)
        records = [one(config) for config in configs]
        return Outcome(frame(records), records)


@dataclass(frozen=True)
class ToyStudy:
    """The toy LASSO recovery: one experiment on random problems, at two scales."""

    name: str = "toy"
    title: str = "Toy LASSO: does β-LASSO find the LASSO's solution?"
    scales: ClassVar[tuple[str, ...]] = ("smoke", "desk")

    def configs(self, scale: str = "desk", seeds: int = 0, **changes: Any) -> list[ToyConfig]:
        """List the experiments: one for each of seeds 0 … seeds − 1; 0 seeds: one.

        Raises:
            ConfigError: the scale is unknown, or a field of networks is changed.
        """
        if scale not in self.scales:
            raise ConfigError(
                f"scale: the toy has no {scale!r}; choose from {', '.join(self.scales)}"
            )
        changed = [name for name, value in changes.items() if value not in (0, "")]
        if changed:
            raise ConfigError(f"the toy has no {', '.join(changed)}: leave it out")
        base = toy.SMOKE if scale == "smoke" else toy.DESK
        return [dataclasses.replace(base, seed=seed) for seed in range(_checked_seeds(seeds, 1))]

    def run(
        self,
        scale: str = "desk",
        seeds: int = 0,
        *,
        store: RunStore | None = None,
        live: bool = False,
        device: str = "auto",
        budget_minutes: float | None = None,
        checkpoint_seconds: float = 60.0,
        workers: int = 1,
        **changes: Any,
    ) -> Outcome:
        """Compute what the store lacks, or everything anew if `live`, and return the records.

        Other arguments are those of `Study.run`: checked, but a toy needs no device and no workers,
        and has no checkpoints.
        """
        _check_options(device, budget_minutes, checkpoint_seconds, workers)
        store = store or default_store()
        configs = self.configs(scale, seeds, **changes)
        records = [compute_toy(config, store, live=live) for config in configs]
        tables = [toy.frame(record.final).assign(seed=record.config.seed) for record in records]
        return Outcome(pd.concat(tables, ignore_index=True), records)


def compute_toy(config: ToyConfig, store: RunStore, *, live: bool = False) -> Record:
    """Return a toy's record, computed and stored if missing; if live, computed in any case.

    A live result is not stored where there is a record.
    """
    found = store.find(config)
    if found is not None and not live:
        return found
    if found is None:
        store.check_writable(config)
    origin, began = provenance(torch.device("cpu")), time.monotonic()
    results = toy.run(config)
    origin |= {"seconds": time.monotonic() - began, "resumes": 0}
    if found is not None:
        return dataclasses.replace(found, final=results, provenance=origin)
    return store.write(config, history={}, final=results, provenance=origin)


def _train_one(
    config: Config,
    *,
    store: RunStore,
    device: str,
    deadline: float,
    checkpoint_seconds: float,
) -> Record:
    return train(
        config,
        store=store,
        device=device,
        budget_minutes=max(0.0, deadline - time.monotonic()) / 60,
        checkpoint_seconds=checkpoint_seconds,
    )


def _train_part(part: list[Config], one: functools.partial[Record]) -> None:
    """Train some runs together; one by one what is left of them after a failure."""
    if len(part) > 1:
        options = dict(one.keywords)
        minutes = max(0.0, options.pop("deadline") - time.monotonic()) / 60
        try:
            together.train_together(part, **options, budget_minutes=minutes)
        except DiskError:
            raise
        except (TrainingError, CheckpointError) as error:
            print(f"{error}; what is missing is trained one by one", file=sys.stderr)
    each(one, part)


def _check_options(
    device: str, budget_minutes: float | None, checkpoint_seconds: float, workers: int
) -> None:
    """Refuse what is out of range before anything is computed."""
    if workers < 1:
        raise ConfigError(f"workers: {workers} is out of range; give 1 or more")
    Clock(budget_minutes, checkpoint_seconds)  # checks both
    choose_device(device)


def _checked_seeds(seeds: int, own: int) -> int:
    if type(seeds) is not int or seeds < 0:
        raise ConfigError(f"seeds: {seeds!r} is out of range; give 1 or more, or 0 for {own}")
    return seeds or own


def setting(scale: str) -> Config:
    """Return what all runs of a scale share.

    Raises:
        ConfigError: the scale is unknown.
    """
    settings = {"smoke": SMOKE, "desk": DESK, "paper": PAPER}
    if scale not in settings:
        raise ConfigError(f"scale: unknown value {scale!r}; choose from {', '.join(SCALES)}")
    return settings[scale]


def l1_of(base: Config) -> dict[str, Any]:
    """Return λ: at α = 1 the reproduction's, `WEAK`; else what our own search suggests.

    That is what `search-wide` found best for β = 50 in its widest network, in proportion to the
    number of epochs, so that it pulls as far over a whole training of any length.
    """
    if base.base_channels == 1:
        return WEAK
    share = min(1.0, OWN[WIDTHS[-1]] * LENGTH / base.epochs)
    return {name: round(share * value, 12) for name, value in CHOSEN[LARGEST].items()}


def sgd(base: Config, model: str) -> Config:
    """Return a run of plain SGD."""
    return base.replace(model=model)


def rival(base: Config, model: str) -> Config:
    """Return SGD as a scale has it: plain at α = 1, the reproduction's; else as `search` chose."""
    return sgd(base, model) if base.base_channels == 1 else chosen(base, model)


def beta_lasso(base: Config, beta: float, **changes: Any) -> Config:
    """Return a run of S-FC with β-LASSO, its λ that of the scale unless changed."""
    values = {**l1_of(base), "beta": float(beta), **changes}
    return base.replace(model="s-fc", optimizer="beta-lasso", **values)


def _table2(base: Config, betas: Sequence[float]) -> list[Config]:
    nets = [rival(base, model) for model in ("s-conv", "s-local", "3-fc", "s-fc")]
    lasso = base.replace(model="s-fc", optimizer="proximal-l1", **l1_of(base))
    return [*nets, lasso, *(beta_lasso(base, beta) for beta in betas)]


def _figure3(base: Config, betas: Sequence[float]) -> list[Config]:
    return [rival(base, "s-fc"), *(beta_lasso(base, beta) for beta in betas)]


def _cifar100(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the methods of Figure 3 on CIFAR-100, with cross-entropy.

    A binary cross-entropy averaged over a hundred classes has gradients about a hundred times
    smaller: at the same learning rate the network hardly begins to learn.
    """
    dataset = "cifar100" if base.dataset == "cifar10" else base.dataset
    return _figure3(base.replace(dataset=dataset, loss="cross-entropy"), betas)


def _figure4(base: Config, betas: Sequence[float]) -> list[Config]:
    return [rival(base, "s-local"), *_figure3(base, betas)]


def _precision(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and the largest β in both precisions."""
    both = [base.replace(precision=precision) for precision in ("bf16", "fp32")]
    return [run for here in both for run in (sgd(here, "s-fc"), beta_lasso(here, betas[-1]))]


def _schedule(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the β that make zeros, with the learning rate going to zero and without."""
    both = [base.replace(schedule=schedule) for schedule in (base.schedule, "constant")]
    return [beta_lasso(here, beta) for here in both for beta in betas if beta]


def _period(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all methods with a cosine that falls once, and with one that falls and rises again."""
    again = base.replace(period=_quarter(base).epochs)
    return [*_figure3(base, betas), *_figure3(again, betas)]


def _first_layer(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same as `_frozen` with λ everywhere, and with λ on the first layer alone."""
    alone = [run.replace(l1_rest=0.0) for run in _frozen(base, betas)]
    return [*_frozen(base, betas), *alone]


def _frozen(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all β, and those that make zeros once more with zeros that stay."""
    free = [beta_lasso(base, beta) for beta in betas]
    return [*free, *(run.replace(frozen_zeros=True) for run in free if run.beta)]


def _lambdas(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return a range of λ at the largest β, and at the threshold βλ that it has in Table 2."""
    beta, own = betas[-1], l1_of(base)["l1"]
    at_beta = [beta_lasso(base, beta, l1=l1, l1_rest=None) for l1 in LAMBDAS]
    at_threshold = [beta_lasso(base, beta * own / l1, l1=l1, l1_rest=None) for l1 in LAMBDAS]
    return [*at_beta, *at_threshold]


def _lambdas_zero(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same range of λ without a threshold."""
    return [beta_lasso(base, 0, l1=l1, l1_rest=None) for l1 in LAMBDAS]


def _length(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return a quarter of the length, and the length."""
    return [*_figure3(_quarter(base), betas), *_figure3(base, betas)]


def _quarter(base: Config) -> Config:
    return base.replace(epochs=max(1, base.epochs // 4))


def _longer(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the length, and four times it."""
    return [*_figure3(base, betas), *_figure3(base.replace(epochs=4 * base.epochs), betas)]


def _factorial(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return every combination of augmentation, loss and method, at a quarter of the length.

    Cross-entropy comes twice: with the rates as they are, and with those at which it would be the
    same as binary cross-entropy if the two were proportional (see `equal_rates`).
    """
    short = _quarter(base).replace(loss="bce")
    runs = []
    for augment in ("none", "flip-crop"):
        here = short.replace(augment=augment)
        methods = [sgd(here, "s-fc"), *(beta_lasso(here, beta) for beta in betas)]
        methods += [beta_lasso(here, beta, **STRONG) for beta in (0, betas[-1])]
        crossed = [run.replace(loss="cross-entropy") for run in methods]
        runs += [*methods, *crossed, *map(equal_rates, methods)]
    return runs


def equal_rates(config: Config) -> Config:
    """Return a run with cross-entropy whose steps are as large as those of the mean over classes.

    Averaging a loss over c classes with (η, λ, β) takes the same steps as summing it with
    (η / c, cλ, β / c): ηλ and βλ stay, and η shrinks as the gradient grows.
    """
    classes = len(data.facts(config.dataset).classes)
    rest = None if config.l1_rest is None else config.l1_rest * classes
    return config.replace(
        loss="cross-entropy",
        lr=config.lr / classes,
        l1=config.l1 * classes,
        l1_rest=rest,
        beta=config.beta / classes,
    )


def _short_recipe(base: Config, factor: int) -> Config:
    """Return a step towards the paper's recipe: cross-entropy, flips and crops, a quarter long."""
    wide = _quarter(base).replace(base_channels=factor * base.base_channels)
    return wide.replace(loss="cross-entropy", augment="flip-crop")


def _recipe(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all methods at four times the width and a quarter of the length, over a range of λ."""
    wide = _short_recipe(base, 4)
    plain = [beta_lasso(wide, beta, **WEAK) for beta in betas[:-1]]
    sparse = [beta_lasso(wide, betas[-1], l1=l1, l1_rest=1e-6) for l1 in LAMBDAS]
    strong = [beta_lasso(wide, beta, **STRONG) for beta in (0, betas[-1])]
    return [sgd(wide, "s-fc"), *plain, *sparse, *strong]


def _width(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, β = 0 at both λ, and the largest β, at growing width, by the recipe."""
    return [run for factor in (1, 4, 8) for run in _at_width(base, factor, betas[-1])]


def _crops(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β by the recipe: no crops, half as far as usual, as far, twice as far.

    λ of the first layer is larger than elsewhere, so that few enough weights are left to say where
    they are.
    """
    wide = _short_recipe(base, 4)
    sparse = beta_lasso(wide, betas[-1], l1=1e-4, l1_rest=1e-5)
    usual = sparse.crop_shift
    return [sparse.replace(crop_padding=shift) for shift in (0, usual // 2, usual, 2 * usual)]


def _wider(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same at twice the largest of these widths."""
    return _at_width(base, 16, betas[-1])


def _at_width(base: Config, factor: int, beta: float) -> list[Config]:
    wide = _short_recipe(base, factor)
    plain = beta_lasso(wide, 0, **WEAK)
    return [sgd(wide, "s-fc"), plain, *(beta_lasso(wide, b, **STRONG) for b in (0, beta))]


def _reproduction(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return Table 2's setting at four times the width and a quarter of the length."""
    wide = _quarter(base).replace(base_channels=4 * base.base_channels)
    return [sgd(wide, "s-fc"), *(beta_lasso(wide, beta, **WEAK) for beta in betas)]


def paper_recipe(base: Config, factor: int, epochs: int) -> Config:
    """Return the paper's recipe: cross-entropy, AutoAugment, normalised inputs.

    AutoAugment stands in for Fast AutoAugment, whose policies were found by a search of their own.
    """
    return base.replace(
        base_channels=factor * base.base_channels,
        epochs=max(1, epochs),
        loss="cross-entropy",
        augment="autoaugment",
        normalize="standard",
    )


def _search(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the candidates for the paper's recipe, judged on validation images.

    From one base channel at twice the width and an eighth of the length; from the paper's width
    at this width, and a tenth of the length: its shorter training.
    """
    factor, part = (2, 8) if base.base_channels == 1 else (1, 10)
    here = paper_recipe(base, factor, base.epochs // part).replace(validation=True)
    decays = [
        sgd(here, model).replace(momentum=momentum, weight_decay=decay)
        for model in ("s-fc", "s-local", "s-conv", "3-fc")
        for momentum in (0.0, 0.9)
        for decay in (0.0, 5e-4)
    ]
    pairs = [{"l1": first, "l1_rest": rest} for first in FIRST for rest in REST]
    lasso = [here.replace(model="s-fc", optimizer="proximal-l1", **pair) for pair in pairs]
    sparse = [beta_lasso(here, beta, **pair) for beta in betas for pair in pairs]
    return [*decays, *lasso, *sparse]


def _search_long(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the ℓ1 methods at the length of `scaling`, on validation images, over parts of λ.

    λ pulls four times as long as in `search`, so that what was best there may be too much here.
    """
    here = paper_recipe(base, 2, base.epochs // 2).replace(validation=True)
    methods = [("proximal-l1", 0.0), *(("beta-lasso", float(beta)) for beta in betas)]
    return [
        chosen(here, "s-fc", optimizer, beta, share=share)
        for optimizer, beta in methods
        for share in SHARES
    ]


def _search_wide(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β on validation images, over parts of its λ, at every width."""
    return [
        chosen(here.replace(validation=True), "s-fc", "beta-lasso", betas[-1], share=share)
        for here in _widths(base)
        for share in PARTS
    ]


def _search_beyond(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β on validation images, over parts of its λ, at a width beyond."""
    here = paper_recipe(base, BEYOND, base.epochs // 2).replace(validation=True)
    return [chosen(here, "s-fc", "beta-lasso", betas[-1], share=share) for share in SHARES]


def _search_rivals(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and β = 0 on validation images, regularised as was best, by half and by twice.

    At the width at which they were chosen, and at the largest.
    """
    runs = []
    for factor in (2, WIDTHS[-1]):
        here = paper_recipe(base, factor, base.epochs // 2).replace(validation=True)
        for config in (chosen(here, "s-fc"), chosen(here, "s-fc", "beta-lasso", 0.0)):
            runs += _around(config, BEST[factor, config.optimizer])
    return runs


def _search_augment(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and the largest β on validation images, with AutoAugment and without.

    At the largest width, with the λ that `search-wide` chose there; flips and crops are in both.
    Without AutoAugment, where networks overfit more, with half and twice the best too.
    """
    here, share = _widths(base)[-1].replace(validation=True), OWN[WIDTHS[-1]]
    pair = [chosen(here, "s-fc"), chosen(here, "s-fc", "beta-lasso", betas[-1], share=share)]
    runs = []
    for config in pair:
        weak = config.replace(augment="flip-crop")
        runs += [config, *_around(weak, MULTIPLE[config.optimizer])]
    return runs


def _around(config: Config, best: float) -> list[Config]:
    """Return a run regularised as was best, by half as much and by twice."""
    return [regularised(config, best * factor) for factor in AROUND]


def _widths(base: Config) -> list[Config]:
    """Return the setting of `scaling` and `scaling-wide` at each of their widths."""
    return [paper_recipe(base, factor, base.epochs // 2) for factor in WIDTHS]


def chosen(
    here: Config, model: str, optimizer: str = "sgd", beta: float = 0.0, share: float = 0.0
) -> Config:
    """Return a run with the hyperparameters that `search` chose for its method.

    Its λ, in every layer, is the share that `search-long` chose of it, unless one is given. A β
    that was not searched has the values of the largest one that was.
    """
    key = (model, optimizer, float(beta))
    key = key if key in CHOSEN else LARGEST
    values = dict(CHOSEN[key])
    for name in ("l1", "l1_rest"):
        if name in values:
            values[name] *= share or SHARE.get(key, 1.0)
    return here.replace(model=model, optimizer=optimizer, beta=float(beta), **values)


def _scaling(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all methods by the paper's recipe at growing width, and half of the length."""
    return [run for here in _widths(base)[:-1] for run in _all_methods(here, betas)]


def _scaling_wide(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same at the largest width, apart, for it takes as long as all others."""
    return _all_methods(_widths(base)[-1], betas)


def _scaling_own(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β with the λ that `search-wide` chose at each width, and its rivals."""
    runs = []
    for factor, here in zip(WIDTHS, _widths(base), strict=True):
        rivals = [chosen(here, model) for model in ("s-local", "s-fc")]
        zero = chosen(here, "s-fc", "beta-lasso", 0.0)
        runs += [*rivals, zero, chosen(here, "s-fc", "beta-lasso", betas[-1], share=OWN[factor])]
    return runs


def _scaling_beyond(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same without S-LOCAL at a width beyond, which tests what these lead to."""
    here = paper_recipe(base, BEYOND, base.epochs // 2)
    rivals = [chosen(here, "s-fc"), chosen(here, "s-fc", "beta-lasso", 0.0)]
    return [*rivals, chosen(here, "s-fc", "beta-lasso", betas[-1], share=OWN[BEYOND])]


def _all_methods(here: Config, betas: Sequence[float]) -> list[Config]:
    nets = [chosen(here, model) for model in ("s-conv", "s-local", "3-fc", "s-fc")]
    sparse = [chosen(here, "s-fc", "beta-lasso", beta) for beta in betas]
    return [*nets, chosen(here, "s-fc", "proximal-l1"), *sparse]


def _reach(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return three lengths by the paper's recipe, and the shorter ones with as much reach.

    Where the length is shorter by a factor, λ is larger and β smaller by it: the threshold βλ is
    that of the longest, and so is, nearly, the sum of all ℓ1 steps. β = 0 has the λ of the other.
    """
    lengths = [max(1, base.epochs // part) for part in (8, 4, 2)]
    runs = []
    for epochs in lengths:
        here = paper_recipe(base, 2, epochs)
        sparse = chosen(here, "s-fc", "beta-lasso", betas[-1])
        pair = [sparse.replace(beta=0.0), sparse]
        factor = lengths[-1] / epochs
        runs += [chosen(here, "s-fc"), *pair, *(raised(config, factor) for config in pair)]
    return runs


def _momentum(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD by parts of what was chosen for it, and both methods with η ten times as large.

    With momentum 0.9 a gradient moves a weight by η times 1 + 0.9 + 0.9² + … = 10 in the end: the
    larger η has that step without momentum. β-LASSO keeps its pull λη and its threshold βλ.
    """
    here = paper_recipe(base, 2, base.epochs // 2)
    plain, tuned = sgd(here, "s-fc"), chosen(here, "s-fc")
    parts = [plain, plain.replace(weight_decay=5e-4), tuned.replace(weight_decay=0.0), tuned]
    sparse = chosen(here, "s-fc", "beta-lasso", betas[-1])
    step = 10 * here.lr
    return [*parts, plain.replace(lr=step), sparse, raised(sparse, 0.1).replace(lr=step)]


def _showpiece(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β-LASSO with zeros that stay at α = 32, by what `search-augment` chose."""
    (strong,) = _showpiece_autoaugment(base, betas)
    return [regularised(strong.replace(augment="flip-crop"), MULTIPLE["beta-lasso"])]


def _showpiece_sgd(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD at this size, by what `search-augment` chose."""
    weak = paper_recipe(base, 32, base.epochs).replace(augment="flip-crop")
    return [regularised(chosen(weak, "s-fc"), MULTIPLE["sgd"])]


def _showpiece_autoaugment(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β-LASSO with zeros that stay at α = 32 with AutoAugment, and the λ of `l1_of`."""
    return [beta_lasso(paper_recipe(base, 32, base.epochs), betas[-1], frozen_zeros=True)]


def regularised(config: Config, factor: float) -> Config:
    """Return a run with weight decay and every λ larger by a factor, and so the threshold βλ."""
    rest = None if config.l1_rest is None else config.l1_rest * factor
    decay = config.weight_decay * factor
    return config.replace(weight_decay=decay, l1=config.l1 * factor, l1_rest=rest)


def raised(config: Config, factor: float) -> Config:
    """Return a β-LASSO run with every λ larger by a factor, and the threshold βλ as it was."""
    return regularised(config, factor).replace(beta=config.beta / factor)


ENDS = (0, 50)
# candidates for λ of the first layer, and of the others
FIRST, REST = (5e-6, 2e-5, 5e-5, 1e-4, 2e-4), (1e-6, 1e-5)
BETAS = (0, 1, 2, 5, 10, 20, 50, 100, 200)
LAMBDAS = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4)
# the reproduction's λ, the end of the paper's search: the same in every layer
WEAK: dict[str, Any] = {"l1": 2e-5, "l1_rest": None}
# where single early runs did best: no choice made on validation, so it may flatter
STRONG = {"l1": 5e-5, "l1_rest": 1e-5}
# what `search` chose on validation images, at a quarter of the length of `scaling`; a test holds
# these to its records
LARGEST = ("s-fc", "beta-lasso", 50.0)
MOMENTUM = {"momentum": 0.9, "weight_decay": 5e-4}
CHOSEN: dict[tuple[str, str, float], dict[str, float]] = {
    ("s-conv", "sgd", 0.0): MOMENTUM,
    ("s-local", "sgd", 0.0): MOMENTUM,
    ("3-fc", "sgd", 0.0): MOMENTUM,
    ("s-fc", "sgd", 0.0): MOMENTUM,
    ("s-fc", "proximal-l1", 0.0): {"l1": 2e-5, "l1_rest": 1e-5},
    ("s-fc", "beta-lasso", 0.0): {"l1": 2e-5, "l1_rest": 1e-6},
    ("s-fc", "beta-lasso", 1.0): {"l1": 5e-5, "l1_rest": 1e-5},
    LARGEST: {"l1": 1e-4, "l1_rest": 1e-5},
}
# candidates for how much of this λ stays at the whole length
SHARES = (1.0, 0.5, 0.25)
# candidates for weight decay or λ: the best lies between two that do worse
AROUND = (0.5, 1.0, 2.0)
# widths of `scaling`, the candidates at each of them, and a width beyond
WIDTHS, PARTS, BEYOND = (1, 2, 4, 8), (1.0, 0.5, 0.25, 0.125), 16
# what `search-long` chose of them, 1 where nothing else is said; a test holds it to its records
SHARE = {("s-fc", "beta-lasso", 1.0): 0.5, LARGEST: 0.25}
# what `search-wide` and `search-beyond` chose at each width, for runs of this length; a test holds
# it to their records
OWN, LENGTH = {1: 0.25, 2: 0.25, 4: 0.25, 8: 0.5, BEYOND: 0.5}, 200
# the best multiple of what was chosen, by width and method in `search-rivals`, and by method in
# `search-augment` with flips and crops alone; a test holds both to their records
BEST = {(2, "sgd"): 1.0, (2, "beta-lasso"): 2.0, (8, "sgd"): 1.0, (8, "beta-lasso"): 1.0}
MULTIPLE = {"sgd": 2.0, "beta-lasso": 1.0}
SMALL = ("smoke", "desk")
# the paper's names
NETWORKS = {"s-conv": "S-CONV", "s-local": "S-LOCAL", "s-fc": "S-FC", "3-fc": "3-FC"}

# the chapter that each study belongs to; some are shown in others too
CHAPTERS: dict[str, tuple[Study | ToyStudy, ...]] = {
    "toy": (ToyStudy(),),
    "table2": (
        Study("table2", "Table 2: test accuracy of S-FC under β-LASSO", _table2, 5),
        Study("cifar100", "Table 2 on CIFAR-100", _cifar100),
    ),
    "figure3": (Study("figure3", "Figure 3: non-zero weights along training", _figure3, 5),),
    "figure4": (
        Study("figure4", "Figure 4: filters and their locality", _figure4, 5),
        Study("crops", "How far crops shift", _crops, scales=SMALL),
    ),
    "why": (
        Study("precision", "bfloat16 against float32", _precision, scales=SMALL),
        Study("schedule", "A constant learning rate", _schedule, 2, scales=SMALL),
        Study("period", "A cosine of a quarter of the length", _period, 2, scales=SMALL),
        Study("first-layer", "λ on the first layer alone", _first_layer, scales=SMALL),
        Study("frozen", "Zeros that stay zero", _frozen, 5),
        Study("betas", "A range of β", _figure3, 2, betas=BETAS, scales=SMALL),
        Study("lambdas", "A range of λ", _lambdas, 2, scales=SMALL),
        Study("lambdas-zero", "A range of λ at β = 0", _lambdas_zero, 2, scales=SMALL),
        Study("length", "Training length", _length, 2, betas=ENDS, scales=SMALL),
        Study("longer", "Four times the length", _longer, 2, betas=ENDS, scales=SMALL),
        Study("factorial", "Augmentation × loss × method", _factorial, betas=ENDS, scales=SMALL),
        Study("recipe", "Cross-entropy and augmentation at α = 4", _recipe, scales=SMALL),
        Study(
            "reproduction",
            "The reproduction's setting at α = 4",
            _reproduction,
            betas=ENDS,
            scales=SMALL,
        ),
        Study("width", "Cross-entropy and augmentation at growing width", _width, scales=SMALL),
        Study("wider", "Cross-entropy and augmentation at α = 16", _wider, scales=SMALL),
    ),
    "scaling": (
        Study("search", "Hyperparameters of the paper's recipe, on validation", _search, 1),
        Study("search-long", "λ at the whole length, on validation", _search_long, 1, scales=SMALL),
        Study("search-wide", "λ at each width, on validation", _search_wide, 1, scales=SMALL),
        Study("search-beyond", "λ at α = 16, on validation", _search_beyond, 1, scales=SMALL),
        Study("search-rivals", "Regularisation of the baselines", _search_rivals, 1, scales=SMALL),
        Study("search-augment", "AutoAugment, or less", _search_augment, 1, scales=SMALL),
        Study("scaling", "The paper's recipe at growing width", _scaling, scales=SMALL),
        Study("scaling-wide", "The paper's recipe at α = 8", _scaling_wide, scales=SMALL),
        Study("scaling-own", "λ of β = 50 chosen at each width", _scaling_own, scales=SMALL),
        Study("scaling-beyond", "The law at α = 16", _scaling_beyond, 1, scales=SMALL),
        Study("reach", "Training length, or a larger λ", _reach, betas=ENDS, scales=SMALL),
        Study("momentum", "Momentum, weight decay or a larger step", _momentum, scales=SMALL),
        Study("showpiece-sgd", "α = 32 on two cores: SGD", _showpiece_sgd, 1, scales=SMALL),
        Study("showpiece", "α = 32 on two cores: β = 50", _showpiece, 1, scales=SMALL),
        Study(
            "showpiece-autoaugment",
            "The same with AutoAugment",
            _showpiece_autoaugment,
            1,
            scales=SMALL,
        ),
    ),
}
STUDIES = {study.name: study for studies in CHAPTERS.values() for study in studies}


def stored(name: str, scale: str, store: RunStore, seeds: int = 0, **changes: Any) -> list[Record]:
    """Return a study's records, for as many seeds as all of its runs have; none is trained.

    At most `seeds` seeds, if any are given; `changes` and errors as in `Study.configs`. Of a scale
    that the study lacks there are none.
    """
    records: list[Record] = []
    if scale in SCALES and scale not in STUDIES[name].scales:
        return records
    configs = STUDIES[name].configs(scale, 1, **changes)
    for seed in range(_checked_seeds(seeds, MAX_SEEDS)):
        every = [store.find(dataclasses.replace(config, seed=seed)) for config in configs]
        if None in every:
            break
        records += [record for record in every if record is not None]
    return records


def found(name: str, scale: str, store: RunStore, **changes: Any) -> list[Record]:
    """Return every record of a study that is stored, also where others of its runs are missing."""
    configs = STUDIES[name].configs(scale, MAX_SEEDS, **changes)
    return [record for config in configs if (record := store.find(config)) is not None]


def gather(
    names: Iterable[str],
    scale: str,
    seeds: int,
    *,
    train: bool,
    device: str = "auto",
    epochs: int = 0,
    store: RunStore | None = None,
) -> dict[str, list[Record]]:
    """Return the records of several studies: what is stored, or all of it once trained.

    Without `train`, a study that is not complete for at least one seed has none.
    """
    store = store or default_store()
    records = {}
    for name in names:
        study = STUDIES[name]
        if train and isinstance(study, Study):
            outcome = study.run(scale, seeds, store=store, device=device, epochs=epochs)
            records[name] = outcome.records
        else:
            records[name] = stored(name, scale, store, seeds, epochs=epochs)
    return records


def missing(configs: Iterable[AnyConfigT], store: RunStore) -> list[AnyConfigT]:
    """Return the runs that have no record yet."""
    return [config for config in configs if store.find(config) is None]


def method(config: AnyConfig) -> str:
    """Name of a run's method as the tables print it: network, optimizer, β."""
    if isinstance(config, ToyConfig):
        return "toy LASSO"
    net = NETWORKS.get(config.model, config.model)
    if config.optimizer == "sgd":
        return f"{net}, SGD"
    if config.optimizer == "proximal-l1":
        return f"{net}, proximal ℓ1"
    return beta_lasso_name(config.beta, net)


def beta_lasso_name(beta: float, net: str = NETWORKS["s-fc"]) -> str:
    """Name of a β-LASSO run, of S-FC unless said otherwise, as `method` gives it."""
    return f"{net}, β-LASSO, β = {beta:g}"


# the methods that the pages name
SGD, LOCAL, CONV, THREE = (f"{NETWORKS[net]}, SGD" for net in ("s-fc", "s-local", "s-conv", "3-fc"))
PROXIMAL = f"{NETWORKS['s-fc']}, proximal ℓ1"
B0, B1, B50 = map(beta_lasso_name, (0, 1, 50))


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run and recorded epoch: what tells the runs apart, and their history."""
    histories = [_history(record) for record in records]
    return pd.concat(histories, ignore_index=True) if histories else pd.DataFrame()


def last_epochs(history: pd.DataFrame) -> pd.DataFrame:
    """Return the last recorded epoch of each run of a `frame`."""
    return history.groupby("run_id", sort=False).tail(1).reset_index(drop=True)


def _history(record: Record) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name, values in record.history.items():
        if isinstance(values, dict):
            columns |= {f"{name}_{layer}": column for layer, column in values.items()}
        else:
            columns[name] = values
    config: Config = record.config
    keys = {
        "method": method(config),
        "model": config.model,
        "optimizer": config.optimizer,
        "beta": config.beta,
        "seed": config.seed,
        "run_id": record.run_id,
    }
    return pd.DataFrame({**keys, **columns})


def announce(configs: Sequence[AnyConfig], device: str, store: RunStore, workers: int = 1) -> None:
    """Say on stderr how many runs are going to be trained and about how long it takes.

    Raises:
        CheckpointError: a run's checkpoint is damaged.
    """
    if configs:
        seconds = sum(_seconds_left(configs, device, store)) / min(workers, len(configs))
        where = choose_device(device).type
        runs = "1 run" if len(configs) == 1 else f"{len(configs)} runs"
        text = f"{runs} to train on {where}, about {cost.duration(seconds)} in all"
        print(text, file=sys.stderr)


def find_study(name: str) -> Study | ToyStudy:
    """Return a study by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in STUDIES:
        raise ConfigError(f"study: unknown name {name!r}; choose from {', '.join(STUDIES)}")
    return STUDIES[name]


def plan_text(configs: Sequence[AnyConfig], store: RunStore, device: str) -> str:
    """Say which runs are missing and about what each still costs on this machine.

    Raises:
        CheckpointError: a run's checkpoint is damaged.
    """
    lacking = missing(configs, store)
    costs = _seconds_left(lacking, device, store)
    lines = [
        f"{_title(config, store)}, about {cost.duration(seconds)}"
        for config, seconds in zip(lacking, costs, strict=True)
    ]
    total = f"{len(lacking)} of {len(configs)} runs missing"
    return "\n".join([*lines, f"{total}, about {cost.duration(sum(costs))} in all"])


def _seconds_left(configs: Sequence[AnyConfig], device: str, store: RunStore) -> list[float]:
    """Return about how long each run still takes after the epochs that its checkpoint holds."""
    return [
        seconds * (1 if isinstance(config, ToyConfig) else 1 - _done(config, store) / config.epochs)
        for config, seconds in zip(configs, cost.seconds(configs, device, store), strict=True)
    ]


def _done(config: Config, store: RunStore) -> int:
    """Return the epochs that a run's checkpoint holds."""
    return Checkpoint(config, store.root).epoch()


def _title(config: AnyConfig, store: RunStore) -> str:
    if isinstance(config, ToyConfig):
        return f"toy LASSO, {config.problems} problems in each cell"
    where = f"{config.dataset}/{config.name}: {method(config)}, α = {config.base_channels}"
    done = _done(config, store)
    return f"{where}, {config.epochs} epochs" + (f", {done} of them done" if done else "")
