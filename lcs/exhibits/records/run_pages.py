"""The table of runs, and the page of one run, as HTML; templates stand beside this module."""

from __future__ import annotations

import functools
import json
import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lcs import cost
from lcs.config import Config, RunConfig
from lcs.exhibits.cells import LABELS, field_text
from lcs.exhibits.compare import remaining
from lcs.exhibits.methods import NETWORKS, method
from lcs.exhibits.records import Run, again_command, changed
from lcs.exhibits.records.curves import accuracy_curves, weight_curves
from lcs.exhibits.tables import LAYERS, NONE, number

if TYPE_CHECKING:
    from jinja2 import Template

# columns of the table, and how their cells are set
COLUMNS = {
    "data": "",
    "setting": "words",
    "network": "",
    "α": "number",
    "method": "",
    "λ": "number",
    "epochs": "number",
    "else": "words",
    "seed": "number",
    "accuracy (%)": "number",
    "kept (%)": "number",
    "run": "",
}


class RunCell(NamedTuple):
    """A cell of the table of runs: its text, and the value that it is sorted by if not that."""

    text: str
    value: float | None = None


def table(runs: Sequence[Run]) -> str:
    """Return the table of runs: whole without JavaScript; `records.js` sorts and filters it."""
    rows = [(run, _cells(run)) for run in runs]
    return _template("table").render(columns=COLUMNS, rows=rows)


# what the names of a record's origin do not say
ORIGIN = {
    "unmodified": "code as committed",
    "code": "SHA-256 of the library",
    "seconds": "time of computation",
    "time": "begun",
    "modes": "epochs by how their first layer was computed",
    "sha256": "SHA-256 of the record",
}


def page(run: Run, seeds: Sequence[Run], pages: Collection[str]) -> str:
    """Return the page of a run, a file that needs nothing but `_static/run.css`.

    Args:
        run: the run.
        seeds: the runs of all seeds of its configuration.
        pages: those of the book that can be linked, as `book/scaling`.
    """
    record, trained = run.record, isinstance(run.config, Config)
    origin = record.provenance | {"seconds": cost.duration(record.provenance["seconds"])}
    return _template("run").render(
        run=run,
        seeds=seeds,
        pages=pages,
        root="../" * (2 + run.place.count("/")),
        names={other.place: other.place.rpartition("/")[2] for other in (run, *seeds)},
        filters=record.filters["file"] if record.filters and record.has_filters else None,
        results=_results(run) if trained else None,
        curves=accuracy_curves(record) + weight_curves(record) if trained else "",
        commands=_commands(run),
        configuration=_configuration(run.config),
        origin={ORIGIN.get(n, n.replace("_", " ")): _text(v) for n, v in origin.items()},
    )


@functools.cache
def _template(name: str) -> Template:
    """Return a template; what records say is escaped in it."""
    import jinja2  # of the book's requirements

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(f"{name}.html.jinja")


def _cells(run: Run) -> dict[str, RunCell]:
    """Return the cells of a row, by column."""
    config = run.config
    cells = {
        "data": RunCell(getattr(config, "dataset", "toy")),
        "setting": RunCell(run.setting),
        "seed": RunCell(str(config.seed), config.seed),
        "run": RunCell(run.record.run_id.partition("-")[0]),
    }
    if isinstance(config, Config):
        cells |= _training_cells(run, config)
    return dict.fromkeys(COLUMNS, RunCell(NONE)) | cells


def _training_cells(run: Run, config: Config) -> dict[str, RunCell]:
    first_layer = next(iter(run.record.final["nonzeros"]))
    left, accuracy = remaining([run.record], first_layer)[0], 100 * run.record.accuracy
    other = [_said(config, name) for name in run.unusual]
    l1 = NONE if config.optimizer == "sgd" else number(config.l1)
    l1 += "" if config.l1_rest is None else f", {number(config.rest_l1)}"
    return {
        "network": RunCell(NETWORKS.get(config.model, config.model)),
        "α": RunCell(str(config.base_channels), config.base_channels),
        "method": RunCell(method(config).training),
        "λ": RunCell(l1, config.l1),
        "epochs": RunCell(str(config.epochs), config.epochs),
        "else": RunCell(", ".join(other)),
        "accuracy (%)": RunCell(f"{accuracy:.2f}", accuracy),
        "kept (%)": RunCell(f"{left:.2f}".replace("100.00", "100"), left),
    }


def _said(config: Config, name: str) -> str:
    """Name a value of a run in a few words."""
    text = field_text(config, name)
    if name == "frozen_zeros":
        return "frozen zeros"
    if name == "validation":
        return name
    if name in ("augment", "loss", "precision"):
        return text
    return f"{LABELS.get(name, name.replace('_', ' '))} {text}"


def _results(run: Run) -> dict[str, str]:
    final = run.record.final
    held_out = "validation" if run.config.validation else "test"
    shares = {
        f"Remaining weights, {LAYERS.get(layer, layer)}": (
            f"{count:,} of {final['weights'][layer]:,} "
            f"({100 * count / final['weights'][layer]:.3g} %)"
        )
        for layer, count in final["nonzeros"].items()
    }
    return {
        f"Accuracy on {final['evaluation_images']:,} {held_out} images": _percent(
            run.record.accuracy
        ),
        "Accuracy on the training images, not augmented": _percent(final["clean_train_accuracy"]),
        "Accuracy in training, last epoch": _percent(final["train_accuracy"]),
        "Loss in training, last epoch": f"{final['train_loss']:.4g}",
        **shares,
        **{f"FLOPs of an image, {kind}": f"{value:,}" for kind, value in final["flops"].items()},
    }


def _commands(run: Run) -> str:
    lines = [again_command(run)]
    if isinstance(run.config, Config):
        replay = f"lcs runs replay {run.record.run_id}"
        note = "# or only its first epochs, which are compared with this record"
        lines = [f"lcs data get {run.config.dataset}", *lines, note, replay]
    shown = []
    for line in lines:  # in its pieces an option and its value stand together
        together = re.sub(r"(--\S+) (?!--)", "\\1\N{NO-BREAK SPACE}", line)
        pieces = textwrap.wrap(together, 84, break_long_words=False, break_on_hyphens=False)
        shown.append(" \\\n    ".join(pieces).replace("\N{NO-BREAK SPACE}", " "))
    return "\n".join(shown)


def _configuration(config: RunConfig) -> list[tuple[str, str, str, bool]]:
    """Return all values with their defaults, those that differ from them first, and which do."""
    different = changed(config)
    defaults = {field.name: field.default for field in fields(config)}
    ordered = different | {n: v for n, v in asdict(config).items() if n not in different}
    return [
        (name, _text(value), _text(defaults[name]), name in different)
        for name, value in ordered.items()
    ]


def _text(value: Any) -> str:
    """Return a value as text."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return ", ".join(map(_text, value)) if isinstance(value, tuple) else str(value)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
