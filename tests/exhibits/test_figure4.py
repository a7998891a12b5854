"""What the chapter `figure4` computes, on records made up so that every answer is known."""

import dataclasses
import math

import pytest
import torch
from finished import results
from made_up import made_up

from lcs.exhibits import figure4 as locality
from lcs.exhibits import plots
from lcs.config import Config
from lcs.runs import Record, RunStore
from lcs.exhibits.methods import method
from lcs.exhibits import STUDIES


def test_pairs_are_those_of_all_units_or_of_stored_filters(tmp_path):
    run = made_up(Config(), 50.0)
    assert locality.pair_correlation(run) is None
    assert locality.pair_correlation_frame([run], method).empty
    known = dataclasses.replace(run, final=run.final | {"pair_correlation": [2.0, None]})
    found = locality.pair_correlation(known)
    assert found is not None
    assert found[0] == 2.0
    assert math.isnan(found[1])
    filters = torch.ones(3, 1, 8, 8)
    kept = RunStore(tmp_path).write(Config(), **results(Config()), filters=filters)
    assert locality.pair_correlation(kept) == pytest.approx([1.0] * 7)
    table = locality.pair_correlation_frame([known, kept], method)
    assert table.distance.tolist() == [1, 2, *range(1, 8)]
    assert set(table.series) == {"S-FC, SGD"}
    axes = plots.pair_correlation(table).axes[0]
    assert len(axes.lines) == 2


def test_locality_at_each_width_is_that_of_its_runs():
    def with_window(config: Config) -> Record:
        share = config.base_channels / 100 + (config.beta > 0) / 2
        run = made_up(config, 50.0)
        local = {"window_mass": {"excess_mean": share}}
        return dataclasses.replace(run, final=run.final | {"locality": local})

    records = [with_window(config) for config in STUDIES["width"].configs("desk", 2)]
    rows = locality.width_table(records).rows
    assert [row[0] for row in rows] == ["1", "4", "8"]
    assert rows[1][1:] == [*["+4.00 ± 0.00"] * 3, "+54.00 ± 0.00"]


def cropped(config: Config) -> Record:
    """A run whose pairs are more frequent than by chance up to one pixel beyond its crops."""
    ratios = [2.0] * (config.crop_shift + 1 + config.seed) + [0.0] * 20
    record = made_up(config, 60.0)
    return dataclasses.replace(record, final=record.final | {"pair_correlation": ratios})


def local_net(record: Record) -> list[Record]:
    return [dataclasses.replace(record, config=Config(model="s-local"))]


def test_how_far_crops_shift_and_how_far_filters_reach():
    records = [cropped(config) for config in STUDIES["crops"].configs("desk", 2)]
    rows = locality.crops_table(records).rows
    assert [row[0] for row in rows] == ["0", "2", "4", "8"]
    assert rows[0][1:6] == ["60.00 ± 0.00", "50.0", "2.00 ± 0.00", "1.8 ± 6.4", "2.0 ± 6.4"]
    words = locality.crops_numbers(records)
    assert words["crop-far"] == "8"
    assert (words["range-usual"], words["near-none"]) == ("6.0 ± 6.4", "2.00 ± 0.00")
    assert words["half-usual"] == "5.8 ± 6.4"
    assert (words["range-none-more"], words["range-far-more"]) == ("−4.00 ± 0.00", "+4.00 ± 0.00")
    pairs = locality.pair_correlation_frame([*local_net(records[0]), *records], locality.crop_text)
    lines = plots.pair_correlation(pairs).axes[0].lines
    assert len({line.get_color() for line in lines if not line.get_label().startswith("_")}) == 5
    unknown = dataclasses.replace(records[0], final=records[0].final | {"pair_correlation": [None]})
    assert locality.crops_table([unknown, *records[1:]]).rows[0][3:6] == ["–"] * 3
    assert locality.crops_numbers([unknown, *records[1:]])["range-none-more"] == "–"
    assert locality.crops_numbers([]).keys() == words.keys()
    assert set(locality.crops_numbers([]).values()) == {"pending", "–"}
    assert locality.crops_numbers([], local_net(records[-1]))["range-local"] == "10.5"
