"""Curves of a run over its epochs, as SVG: lines of text, drawn without matplotlib.

More than a thousand runs have two figures each; matplotlib would take minutes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from lcs.exhibits.tables import LAYERS
from lcs.runs import Record

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
    for number, (name, values) in enumerate(lines.items(), start=1):
        kind = f"line{min(number, 4)}"
        for points in _unbroken(epochs, values):
            path = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in points)
            parts.append(f'<polyline class="{kind}" points="{path}"/>')
        key = '<svg class="key" width="28" height="8"><path class="{}" d="M0 4H28"/></svg>'
        keys.append(f"<span>{key.format(kind)} {escape(name)}</span>")
    return (
        f"<figure><figcaption><strong>{escape(title)}</strong> {' '.join(keys)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _unbroken(epochs: Sequence[int], values: Sequence[float]) -> list[list[tuple[int, float]]]:
    """Return the pieces of a line between its gaps, each of two points at least."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for epoch, value in zip(epochs, values, strict=True):
        if math.isnan(value):
            pieces.append([])
        else:
            pieces[-1].append((epoch, value))
    return [piece * 2 if len(piece) == 1 else piece for piece in pieces if piece]
