"""The HTML of the table of runs, and of the page of one run; what records say is escaped."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

from lcs import cost
from lcs.config import Config, RunConfig
from lcs.exhibits.cells import LABELS, field_text
from lcs.exhibits.compare import remaining
from lcs.exhibits.methods import NETWORKS, method
from lcs.exhibits.records import Run, again_command, changed
from lcs.exhibits.records.curves import accuracy_curves, weight_curves
from lcs.exhibits.tables import LAYERS, NONE, number

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


class HtmlCell(NamedTuple):
    """A cell of the table of runs: its HTML, and the value that it is sorted by if not its text."""

    html: str
    value: float | None = None


def table(runs: Sequence[Run]) -> str:
    """Return the table of runs: whole without JavaScript; `records.js` sorts and filters it."""
    head = "".join(
        f'<th scope="col" class="{kind}">{escape(name)}</th>' for name, kind in COLUMNS.items()
    )
    body = "\n".join(_row(run) for run in runs)
    return (
        '<div class="pst-scrollable-table-container">\n<table class="table runs">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


# what the names of a record's origin do not say
ORIGIN = {
    "unmodified": "code as committed",
    "code": "SHA-256 of the library",
    "seconds": "time of computation",
    "time": "begun",
    "modes": "epochs by how they were computed",
    "sha256": "SHA-256 of the record",
}


def page(run: Run, seeds: Sequence[Run], pages: Collection[str]) -> str:
    """Return the page of a run, a file that needs nothing but `_static/run.css`.

    Args:
        run: the run.
        seeds: the runs of all seeds of its configuration.
        pages: those of the book that can be linked, as `book/scaling`.
    """
    root, record = "../" * (2 + run.place.count("/")), run.record
    name = run.place.rpartition("/")[2]
    others = [
        f"<strong>{other.config.seed}</strong>"
        if other is run
        else _link(f"{other.place.rpartition('/')[2]}.html", str(other.config.seed))
        for other in seeds
    ]
    files = [_link(f"{name}.json", "record (JSON)")]
    if record.filters is not None and record.has_filters:
        files.append(_link(record.filters["file"], "filters of the first layer (safetensors)"))
    uses = []
    for use in run.uses:
        there = f"book/{use.chapter}" in pages
        chapter = _link(f"{root}book/{use.chapter}.html", use.chapter) if there else use.chapter
        uses.append(f"<code>{escape(use.study)}</code> ({chapter}), {escape(use.setting)}")
    origin = record.provenance | {"seconds": cost.duration(record.provenance["seconds"])}
    sections = [
        _pairs(
            {
                "Studies": "<br>".join(uses) or "none",
                "Seeds": " ".join(others),
                "Files": ", ".join(files),
            }
        ),
        "<h2>Results</h2>",
        _results(run),
        "<h2>Make it again</h2>",
        _commands(run),
        "<h2>Configuration</h2>",
        _configuration(run.config),
        "<h2>Origin</h2>",
        _pairs({ORIGIN.get(n, n.replace("_", " ")): escape(_text(v)) for n, v in origin.items()}),
    ]
    title, body = escape(run.title), "\n".join(sections)
    back = f"{root}book/records.html#{quote(run.place)}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{root}_static/run.css">
<script>document.documentElement.style.colorScheme = localStorage.getItem("theme") || ""</script>
</head>
<body>
<nav>{_link(f"{root}index.html", "Learning Convolutions from Scratch")} ›
{_link(back, "Records")}</nav>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def _row(run: Run) -> str:
    config = run.config
    cells = {
        "data": HtmlCell(escape(getattr(config, "dataset", "toy"))),
        "setting": HtmlCell(escape(run.setting)),
        "seed": HtmlCell(str(config.seed), config.seed),
        "run": HtmlCell(_link(f"runs/{run.place}.html", run.record.run_id.partition("-")[0])),
    }
    if isinstance(config, Config):
        cells |= _training_cells(run, config)
    shown = []
    for name, kind in COLUMNS.items():
        cell = cells.get(name, HtmlCell(NONE))
        value = "" if cell.value is None else f' data-value="{cell.value:.10g}"'
        shown.append(f'<td class="{kind}"{value}>{cell.html}</td>')
    return f'<tr id="{escape(run.place)}">{"".join(shown)}</tr>'


def _training_cells(run: Run, config: Config) -> dict[str, HtmlCell]:
    first_layer = next(iter(run.record.final["nonzeros"]))
    left, accuracy = remaining([run.record], first_layer)[0], 100 * run.record.accuracy
    other = [_said(config, name) for name in run.unusual]
    l1 = NONE if config.optimizer == "sgd" else number(config.l1)
    l1 += "" if config.l1_rest is None else f", {number(config.rest_l1)}"
    return {
        "network": HtmlCell(escape(NETWORKS.get(config.model, config.model))),
        "α": HtmlCell(str(config.base_channels), config.base_channels),
        "method": HtmlCell(escape(method(config).training)),
        "λ": HtmlCell(l1, config.l1),
        "epochs": HtmlCell(str(config.epochs), config.epochs),
        "else": HtmlCell(escape(", ".join(other))),
        "accuracy (%)": HtmlCell(f"{accuracy:.2f}", accuracy),
        "kept (%)": HtmlCell(f"{left:.2f}".replace("100.00", "100"), left),
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


def _results(run: Run) -> str:
    record = run.record
    if record.kind != Config.kind:
        return "<p>Its chapter shows the results, which are in the record.</p>"
    final, curves = record.final, accuracy_curves(record) + weight_curves(record)
    held_out = "validation" if run.config.validation else "test"
    shares = {
        f"Remaining weights, {LAYERS.get(layer, layer)}": (
            f"{count:,} of {final['weights'][layer]:,} "
            f"({100 * count / final['weights'][layer]:.3g} %)"
        )
        for layer, count in final["nonzeros"].items()
    }
    measures = {
        f"Accuracy on {final['evaluation_images']:,} {held_out} images": _percent(record.accuracy),
        "Accuracy on the training images, not augmented": _percent(final["clean_train_accuracy"]),
        "Accuracy in training, last epoch": _percent(final["train_accuracy"]),
        "Loss in training, last epoch": f"{final['train_loss']:.4g}",
        **shares,
        **{f"FLOPs of an image, {kind}": f"{value:,}" for kind, value in final["flops"].items()},
    }
    shown = _pairs({name: escape(value) for name, value in measures.items()})
    return f'<div class="curves">{curves}</div>\n{shown}'


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
    return "<pre>" + escape("\n".join(shown)) + "</pre>"


def _configuration(config: RunConfig) -> str:
    """Return a table of all values, those that differ from their defaults first."""
    different = changed(config)
    defaults = {field.name: field.default for field in fields(config)}
    values = asdict(config)
    ordered = different | {name: values[name] for name in values if name not in different}
    rows = "".join(
        ("<tr>" if name in different else '<tr class="default">')
        + f'<th scope="row"><code>{escape(name)}</code></th>'
        + f"<td>{escape(_text(value))}</td><td>{escape(_text(defaults[name]))}</td></tr>\n"
        for name, value in ordered.items()
    )
    head = "<tr><th>name</th><th>value</th><th>default</th></tr>"
    return f"<table><thead>{head}</thead>\n<tbody>{rows}</tbody></table>"


def _text(value: Any) -> str:
    """Return a value as text; it is not escaped."""
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


def _pairs(rows: Mapping[str, str]) -> str:
    """Return a table with a name and HTML in each row."""
    return (
        "<table>"
        + "".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{html}</td></tr>\n'
            for name, html in rows.items()
        )
        + "</table>"
    )


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'
