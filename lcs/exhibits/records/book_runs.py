"""The runs of the book: which studies have each, and the command that makes it again."""

import dataclasses
import shlex
from collections import defaultdict
from typing import Any, NamedTuple

from lcs.config import CHOICES, Config, RunConfig, ToyConfig
from lcs.config.run_config import defaults
from lcs.errors import ConfigError, NotChosen
from lcs.exhibits import by_chapter
from lcs.exhibits.shared import cells
from lcs.exhibits.shared.methods import NETWORKS, method
from lcs.exhibits.shared.settings import SETTINGS
from lcs.runs import Record, RunStore

NO_SETTING = "none of the book's"  # of a run outside of all studies
# in the order of the table
SETTING_NAMES = (*(setting.name for setting in SETTINGS), "paper", NO_SETTING)
# values that a table has columns of, or that follow from the method
IN_COLUMNS = {"dataset", "model", "base_channels", "optimizer", "l1", "l1_rest", "beta", "epochs",
              "seed"}  # fmt: skip
# a folder without records: with the book's at hand, nothing would be trained
RERUN_STORE = "--store _build/again"


class Use(NamedTuple):
    """A study that has a run, and its chapter; its setting, and what the setting's runs share."""

    study: str
    chapter: str
    setting: str
    base: Config | None  # the toy's shares nothing


@dataclasses.dataclass(frozen=True)
class BookRun:
    """A record, and the studies of the book that have it: none for a run made outside of them."""

    record: Record
    uses: tuple[Use, ...]

    @property
    def config(self) -> Any:
        """The configuration, a `RunConfig`."""
        return self.record.config

    @property
    def setting(self) -> str:
        """Name of the setting: that of the first of its studies."""
        if isinstance(self.config, ToyConfig):
            return "toy"
        return self.uses[0].setting if self.uses else NO_SETTING

    @property
    def differing_fields(self) -> list[str]:
        """Names of values without a column that differ from what the setting's runs share.

        Without a setting, from the defaults.
        """
        base = self.uses[0].base if self.uses else Config()
        names = (name for name in defaults(Config) if name not in IN_COLUMNS)
        return [name for name in names if getattr(self.config, name) != getattr(base, name)]

    @property
    def place(self) -> str:
        """Place of the run's files, relative to the store and without suffix."""
        return str(self.config.file)

    @property
    def title(self) -> str:
        """What the run is, in words."""
        config = self.config
        if isinstance(config, ToyConfig):
            return f"Toy LASSO, {config.problems} problems, seed {config.seed}"
        pruned = "" if config.pruning == "none" else f", pruning {config.pruning}"
        start = "" if config.start == "initial" else f", start {config.start}"
        how = f"{cells.zeros_text(config)}{pruned}{start}"
        setting = f", {self.setting}" if self.uses else ""
        return (
            f"{method(config)}{how}, α = {config.base_channels}, {config.dataset}{setting}, "
            f"{config.epochs} epochs, seed {config.seed}"
        )

    @property
    def order(self) -> tuple[Any, ...]:
        """Key that sorts runs: data set, setting, network, α, method, other values, seed."""
        config = self.config
        if isinstance(config, ToyConfig):
            return ("toy", config.run_id)
        # a network that the paper does not have comes last
        network = [*NETWORKS, config.model].index(config.model)
        optimizer = CHOICES["optimizer"].index(config.optimizer)
        size = (network, config.model, config.base_channels)
        trained = (optimizer, config.beta, config.l1, config.rest_l1)
        identity = (config.epochs, config.replace(seed=0).run_id, config.seed)
        return (config.dataset, SETTING_NAMES.index(self.setting), *size, *trained, *identity)


def all_runs(store: RunStore) -> list[BookRun]:
    """Return every run of a store, in the order of the table.

    Raises:
        RecordError: at the first broken record.
    """
    records = list(store.records())
    wanted = {record.config.replace(seed=0) for record in records}
    uses: dict[RunConfig, list[Use]] = defaultdict(list)
    _add_uses(uses, wanted)
    # the others may be of a study with `--dataset` and `--epochs`
    others = {c for c in wanted if c not in uses and isinstance(c, Config)}
    for dataset, epochs in sorted({(config.dataset, config.epochs) for config in others}):
        _add_uses(uses, others, dataset=dataset, epochs=epochs)
    found = [BookRun(record, tuple(uses[record.config.replace(seed=0)])) for record in records]
    return sorted(found, key=lambda run: run.order)


def rerun_command(run: BookRun) -> str:
    """Return the command that makes a run again beside the book's records; empty if there is none.

    It has an option for each value that is no default. A toy experiment is that of its study.
    """
    if not isinstance(run.config, Config):
        seeds = f" --seeds {run.config.seed + 1}" if run.config.seed else ""
        return f"lcs study {run.uses[0].study}{seeds} {RERUN_STORE}" if run.uses else ""
    words = ["lcs", "train"]
    for name, value in changed(run.config).items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", str(value)]
    return f"{shlex.join(words)} {RERUN_STORE}"


def changed(config: RunConfig) -> dict[str, Any]:
    """Return the values that differ from their defaults, by name."""
    known = defaults(type(config))
    return {name: v for name, default in known.items() if (v := getattr(config, name)) != default}


def _add_uses(found: dict[RunConfig, list[Use]], wanted: set[Any], **changes: Any) -> None:
    """Add to each of the wanted configurations the studies that have it, with these changes."""
    for chapter, study in by_chapter():
        for scale in study.scales[1:]:  # smoke runs are not stored
            try:
                configs = study.configs(scale, 1, **changes)
            except NotChosen:
                continue  # its runs are not known
            except ConfigError:
                if not changes:
                    raise
                continue  # a study that cannot be changed so, as the toy, has no such run
            base = study.setting.configs.get(scale)
            use = Use(study.name, chapter, study.setting.label(scale), base)
            for config in configs:
                if config in wanted and use not in found[config]:
                    found[config].append(use)
