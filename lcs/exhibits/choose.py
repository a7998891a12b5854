"""How what a search found best comes into `shared/chosen.json`.

A choice of one search is where others start from: run `lcs study NAME --choose` in the order of
`rules`, each once its runs are stored.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lcs.errors import ConfigError
from lcs.exhibits import find_study, studies
from lcs.exhibits.shared.searches import Search
from lcs.exhibits.shared.settings import CHOSEN_FILE, Chosen, read_choices
from lcs.runs import Record, RunStore, write_atomically


def rules() -> dict[str, Callable[[Sequence[Record]], dict[str, Any]]]:
    """Return how every search of the book chooses, by its name; one may build on earlier ones."""
    searches = (study for study in studies().values() if isinstance(study, Search))
    return {search.name: search.rule for search in searches if search.rule}


def choose(name: str, records: Sequence[Record]) -> dict[str, Any]:
    """Return what a search chooses.

    Raises:
        ConfigError: the study chooses nothing.
    """
    if (rule := rules().get(name)) is None:
        raise ConfigError(f"{name} chooses nothing: take one of {', '.join(rules())}")
    return rule(records)


def write_choice(
    name: str, store: RunStore, scale: str = "desk", file: Path = CHOSEN_FILE
) -> dict[str, Any]:
    """Write the choice of a search's stored runs into its section of `chosen.json`.

    Raises:
        ConfigError: the study chooses nothing, runs are missing, or the scale is smoke.
        RecordError: the file cannot be written.
    """
    if scale == "smoke":
        raise ConfigError("scale: smoke runs choose nothing; give desk or paper")
    records = find_study(name).stored(scale, store)
    if name in rules() and not records:
        raise ConfigError(f"{name}: runs are missing; `lcs study {name}` trains them")
    found = choose(name, records)
    sections = read_choices(file)
    order = sections[name]
    sections[name] = Chosen(name, {key: found[key] for key in order if key in found} | found)
    # a line for each section, or for each key of a section with several values
    texts = []
    for title, section in sections.items():
        text = json.dumps(section)
        if any(isinstance(value, (dict, list)) for value in section.values()):
            lines = [f"    {json.dumps(key)}: {json.dumps(v)}" for key, v in section.items()]
            text = "{\n" + ",\n".join(lines) + "\n  }"
        texts.append(f"  {json.dumps(title)}: {text}")
    write_atomically(file, ("{\n" + ",\n".join(texts) + "\n}\n").encode())
    return sections[name]
