"""What the searches found best on validation images, and how it comes into `chosen.json`.

A choice of one search is where others start from: run `lcs study NAME --choose` in the order of
`RULES`, each once its runs are stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lcs.config import Config, foreign_fields
from lcs.errors import ConfigError
from lcs.exhibits import find_study, variants
from lcs.exhibits.rivals import studies as rivals
from lcs.exhibits.scaling.search import SEARCHED, choices
from lcs.exhibits.settings import CHOSEN_FILE, SHARE_AT_WIDTH, chosen
from lcs.runs import Record, RunStore, write_atomically


class Rule(NamedTuple):
    """How a search chooses: among candidates of the same key, the best one's value is written.

    With `augment`, only candidates with that augmentation are compared.
    """

    key: Callable[[Config], str]
    value: Callable[[Config], Any]
    augment: str = ""


def choose(name: str, records: Iterable[Record]) -> dict[str, Any]:
    """Return what a search chooses: by key, the value of the best candidate.

    That is the one with the highest mean accuracy over seeds on the validation images; of equals
    the first.

    Raises:
        ConfigError: the study is no search.
    """
    if name not in RULES:
        raise ConfigError(f"{name} is no search: choose from {', '.join(RULES)}")
    rule = RULES[name]
    if not isinstance(rule, Rule):
        return rule([*records])
    compared = [r for r in records if rule.augment in ("", r.config.augment)]
    found = choices(compared, rule.key)
    return {key: rule.value(choice.config) for key, choice in found.items()}


def write_choice(
    name: str, store: RunStore, scale: str = "desk", file: Path = CHOSEN_FILE
) -> dict[str, Any]:
    """Write the choice of a search's stored runs into its section of `chosen.json`.

    Raises:
        ConfigError: the study is no search, runs are missing, or the scale is smoke.
        RecordError: the file cannot be written.
    """
    if scale == "smoke":
        raise ConfigError("scale: smoke runs choose nothing; give desk or paper")
    records = find_study(name).stored(scale, store)
    if name in RULES and not records:
        raise ConfigError(f"{name}: runs are missing; `lcs study {name}` trains them")
    found = choose(name, records)
    sections = json.loads(file.read_text())
    order = sections.get(name, {})
    sections[name] = {key: found[key] for key in order if key in found} | found
    write_atomically(file, _render(sections).encode())
    return sections[name]


def _render(sections: dict[str, dict[str, Any]]) -> str:
    """Render JSON, a line for each section, or for each key of a section with several values."""
    texts = []
    for name, section in sections.items():
        text = json.dumps(section)
        if any(isinstance(value, (dict, list)) for value in section.values()):
            lines = [f"    {json.dumps(key)}: {json.dumps(v)}" for key, v in section.items()]
            text = "{\n" + ",\n".join(lines) + "\n  }"
        texts.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(texts) + "\n}\n"


def _method(config: Config) -> str:
    return f"{config.model} {config.optimizer} {config.beta:g}"


def _regularisation(config: Config, share: float = 0.0) -> float:
    """Return weight decay or λ, over what `search` and `search-long`, or a share of λ, chose.

    Over 0 it is 1: every share of 0 is 0.
    """
    reference = chosen(config, config.model, config.optimizer, config.beta, share)
    name = "weight_decay" if config.optimizer == "sgd" else "l1"
    best = getattr(reference, name)
    return round(getattr(config, name) / best, 9) if best else 1.0


def _share(config: Config) -> float:
    """Return λ over what `search` chose."""
    return _regularisation(config, share=1.0)


def _searched(config: Config) -> dict[str, float]:
    """Return the values of the fields that `search` varies for this optimizer."""
    names = [name for name in SEARCHED if name not in foreign_fields(config.optimizer)]
    return {name: getattr(config, name) for name in names}


RULES: dict[str, Rule | Callable[[Sequence[Record]], dict[str, Any]]] = {
    "search": Rule(_method, _searched),
    "search-long": Rule(_method, _share),
    "search-wide": Rule(lambda c: f"{c.base_channels}", _share),
    "search-beyond": Rule(lambda c: f"{c.base_channels}", _share),
    "search-rivals": Rule(lambda c: f"{c.base_channels} {c.optimizer}", _regularisation),
    "search-sound": Rule(_method, lambda c: {"lr": c.lr, **_searched(c)}),
    "search-flips": Rule(_method, lambda c: {"lr": c.lr, "factor": _share(c)}),
    # over what is chosen with AutoAugment at this width
    "search-augment": Rule(
        lambda c: c.optimizer,
        lambda c: _regularisation(c, SHARE_AT_WIDTH[c.base_channels]),
        "flip-crop",
    ),
    "search-budgets": rivals.budgets,
    "search-convolution": Rule(lambda c: variants.key(c) if c.source else "S-CONV", lambda c: c.lr),
    "search-deeper": Rule(variants.key, variants.deep_values),
    "search-pruning": rivals.finalists,
    "search-pruning-long": Rule(rivals.key, rivals.values),
}
