"""The table of runs, and the page of one run, as HTML; templates stand beside this module.

A run's curves over its epochs are SVG, lines of text: more than a thousand runs have two figures
each, and matplotlib would take minutes.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lcs import cost
from lcs.config import Config, RunConfig
from lcs.config.run_config import defaults
from lcs.exhibits.records.book_runs import BookRun, changed, rerun_command
from lcs.exhibits.shared.cells import LABELS, field_text
from lcs.exhibits.shared.compare import remaining
from lcs.exhibits.shared.methods import NETWORKS, method
from lcs.exhibits.shared.tables import LAYERS, NONE, number
from lcs.runs import Record

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


def table(runs: Sequence[BookRun]) -> str:
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


def page(run: BookRun, seeds: Sequence[BookRun], pages: Collection[str]) -> str:
    """Return the page of a run, a file that needs nothing but `_static/run.css`.

    `seeds` are the runs of its configuration; of the book, `pages` can be linked: `book/scaling`.
    """
    config: RunConfig = run.config
    record, trained = run.record, isinstance(config, Config)
    origin = record.provenance | {"seconds": cost.duration(record.provenance["seconds"])}
    different, known = changed(config), defaults(type(config))
    values = different | asdict(config)  # those that are no default come first
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
        configuration=[
            (name, _text(value), _text(known[name]), name in different)
            for name, value in values.items()
        ],
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


def _cells(run: BookRun) -> dict[str, RunCell]:
    """Return the cells of a row, by column."""
    config = run.config
    cells = {
        "data": RunCell(getattr(config, "dataset", "toy")),
        "setting": RunCell(run.setting),
        "seed": RunCell(str(config.seed), config.seed),
        "run": RunCell(run.record.run_id.partition("-")[0]),
    }
    if isinstance(config, Config):
        first_layer = next(iter(run.record.final["nonzeros"]))
        left, accuracy = remaining([run.record], first_layer)[0], 100 * run.record.accuracy
        l1 = NONE if config.optimizer == "sgd" else number(config.l1)
        l1 += "" if config.l1_rest is None else f", {number(config.rest_l1)}"
        cells |= {
            "network": RunCell(NETWORKS.get(config.model, config.model)),
            "α": RunCell(str(config.base_channels), config.base_channels),
            "method": RunCell(method(config).training),
            "λ": RunCell(l1, config.l1),
            "epochs": RunCell(str(config.epochs), config.epochs),
            "else": RunCell(", ".join(_said(config, name) for name in run.differing_fields)),
            "accuracy (%)": RunCell(f"{accuracy:.2f}", accuracy),
            "kept (%)": RunCell(f"{left:.2f}".replace("100.00", "100"), left),
        }
    return dict.fromkeys(COLUMNS, RunCell(NONE)) | cells


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


def _results(run: BookRun) -> dict[str, str]:
    final = run.record.final
    held_out = "validation" if run.config.validation else "test"
    shares = {
        f"Accuracy on {final['evaluation_images']:,} {held_out} images": run.record.accuracy,
        "Accuracy on the training images, not augmented": final["clean_train_accuracy"],
        "Accuracy in training, last epoch": final["train_accuracy"],
    }
    return {
        **{name: f"{100 * share:.2f} %" for name, share in shares.items()},
        "Loss in training, last epoch": f"{final['train_loss']:.4g}",
        **{
            f"Remaining weights, {LAYERS.get(layer, layer)}": (
                f"{count:,} of {final['weights'][layer]:,} "
                f"({100 * count / final['weights'][layer]:.3g} %)"
            )
            for layer, count in final["nonzeros"].items()
        },
        **{f"FLOPs of an image, {kind}": f"{value:,}" for kind, value in final["flops"].items()},
    }


def _commands(run: BookRun) -> str:
    lines = [rerun_command(run)]
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


def _text(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


# Curves

# in pixels: the figure, and its margins on the left, right, top and bottom
WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 34

Series = Mapping[str, Sequence[float]]


def accuracy_curves(record: Record) -> str:
    """Return the accuracy on training and on test (or validation) images, in per cent."""
    history = record.history
    names = ("train_accuracy", "test_accuracy", "validation_accuracy")
    lines = {
        name.replace("_accuracy", ""): [100 * value for value in history[name]]
        for name in names
        if name in history
    }
    ticks = {float(value): f"{value}" for value in range(0, 101, 20)}
    return _figure("Accuracy (%)", history["epoch"], lines, ticks)


def weight_curves(record: Record) -> str:
    """Return the remaining weights of each layer, in per cent of all, on a logarithmic axis.

    A layer without weights has a gap.
    """
    counts, weights = record.history["nonzeros"], record.final["weights"]
    lines = {
        LAYERS.get(layer, layer): [
            math.log10(100 * value / weights[layer]) if value else math.nan for value in values
        ]
        for layer, values in counts.items()
    }
    known = [value for line in lines.values() for value in line if not math.isnan(value)]
    lowest = math.floor(min([1.0, *known]))
    ticks = {float(power): f"{10.0**power:g}" for power in range(lowest, 3)}
    return _figure("Remaining weights (%)", record.history["epoch"], lines, ticks)


def _figure(title: str, epochs: Sequence[int], lines: Series, ticks: Mapping[float, str]) -> str:
    """Draw lines over epochs; the y axis reaches from the first tick to the last."""
    low, high = min(ticks), max(ticks)
    last = max(epochs)

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * epoch / last

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    parts = []
    for value, text in ticks.items():
        parts.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" class="y">{text}</text>')
    parts += [
        f'<text x="{x(epoch):.1f}" y="{HEIGHT - 18}" class="x">{epoch:g}</text>'
        for epoch in (0, last / 2, last)
    ]
    parts.append(f'<text x="{x(last / 2):.1f}" y="{HEIGHT - 3}" class="x">epoch</text>')
    keys = []
    for place, (name, values) in enumerate(lines.items(), start=1):
        kind = f"line{min(place, 4)}"
        every = zip(epochs, values, strict=True)
        for is_gap, piece in itertools.groupby(every, lambda point: math.isnan(point[1])):
            if not is_gap:
                points = [f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in piece]
                path = " ".join(points * 2 if len(points) == 1 else points)  # of two at least
                parts.append(f'<polyline class="{kind}" points="{path}"/>')
        key = '<svg class="key" width="28" height="8"><path class="{}" d="M0 4H28"/></svg>'
        keys.append(f"<span>{key.format(kind)} {escape(name)}</span>")
    return (
        f"<figure><figcaption><strong>{escape(title)}</strong> {' '.join(keys)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg></figure>"
    )
