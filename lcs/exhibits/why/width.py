"""The runs at growing width, which several studies share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lcs.exhibits import compare
from lcs.runs import Record


def at_each_width(runs: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return all runs at growing width, with those seeds of them that other studies have."""
    sizes = compare.conditions([*runs["width"], *runs["wider"]])
    everything = compare.conditions([record for records in runs.values() for record in records])
    return [record for config in sizes for record in everything[config]]
