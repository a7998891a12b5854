"""What the chapter `figure4` computes, on records made up so that every answer is known."""

import dataclasses
import math

from made_up import made_up

from lcs import measure
from lcs.config import Config
from lcs.exhibits import crop_shift, figure4, find_study, locality, plots, tables
from lcs.exhibits.methods import SGD, method
from lcs.exhibits.verdicts import verdict
from lcs.runs import PUBLISHED, Record, RunStore

STORE = RunStore(PUBLISHED)


def test_pairs_are_those_of_all_units_or_of_stored_filters():
    run = made_up(Config(), 50.0)
    assert locality.pair_correlation(run) is None
    assert figure4.pair_correlation_frame([run], method).empty
    known = dataclasses.replace(run, final=run.final | {"pair_correlation": [2.0, None]})
    found = locality.pair_correlation(known)
    assert found is not None
    assert found[0] == 2.0
    assert math.isnan(found[1])
    kept = find_study("figure4").stored("desk", STORE, 1)[1]
    kept = dataclasses.replace(kept, final={})
    ratios = measure.pair_correlation(kept.load_filters()).tolist()
    assert locality.pair_correlation(kept) == ratios
    table = figure4.pair_correlation_frame([known, kept], lambda config: str(method(config)))
    assert table.distance.tolist() == [1, 2, *range(1, 32)]
    assert set(table.series) == {"S-FC, SGD"}


def test_locality_at_each_width_is_that_of_its_runs():
    def with_window(config: Config) -> Record:
        share = config.base_channels / 100 + (config.beta > 0) / 2
        run = made_up(config, 50.0)
        local = {"window_mass": {"excess_mean": share}}
        return dataclasses.replace(run, final=run.final | {"locality": local})

    records = [with_window(config) for config in find_study("width").configs("desk", 2)]
    rows = figure4.width_table(records).rows
    assert [row[0] for row in rows] == ["1", "4", "8"]
    assert rows[1][1:] == [*["+4.00 ± 0.00"] * 3, "+54.00 ± 0.00"]


def test_filters_are_shown_of_runs_that_stored_them():
    kept = find_study("figure4").stored("desk", STORE, 1)[1]
    assert [*locality.filters_of([kept, made_up(Config(), 50.0)], str)] == [str(kept)]


def cropped(config: Config) -> Record:
    """A run whose pairs are more frequent than by chance up to one pixel beyond its crops."""
    ratios = [2.0] * (config.crop_shift + 1 + config.seed) + [0.0] * 20
    record = made_up(config, 60.0)
    return dataclasses.replace(record, final=record.final | {"pair_correlation": ratios})


def local_net(record: Record) -> list[Record]:
    return [dataclasses.replace(record, config=Config(model="s-local"))]


def test_how_far_crops_shift_and_how_far_filters_reach():
    records = [cropped(config) for config in find_study("crops").configs("desk", 2)]
    rows = crop_shift.crops_table(records).rows
    assert [row[0] for row in rows] == ["0", "2", "4", "8"]
    assert rows[0][1:6] == ["60.00 ± 0.00", "50.0", "2.00 ± 0.00", "1.8 ± 6.4", "2.0 ± 6.4"]
    words = crop_shift.crops_numbers(records)
    assert words["crop-far"] == "8"
    assert (words["range-usual"], words["near-none"]) == ("6.0 ± 6.4", "2.00 ± 0.00")
    assert words["half-usual"] == "5.8 ± 6.4"
    assert (words["range-none-more"], words["range-far-more"]) == ("−4.00 ± 0.00", "+4.00 ± 0.00")
    pairs = figure4.pair_correlation_frame([*local_net(records[0]), *records], crop_shift.crop_text)
    lines = plots.pair_correlation(pairs).axes[0].lines
    assert len({line.get_color() for line in lines if not line.get_label().startswith("_")}) == 5
    unknown = dataclasses.replace(records[0], final=records[0].final | {"pair_correlation": [None]})
    assert crop_shift.crops_table([unknown, *records[1:]]).rows[0][3:6] == ["–"] * 3
    assert crop_shift.crops_numbers([unknown, *records[1:]])["range-none-more"] == "–"
    assert crop_shift.crops_numbers([]).keys() == words.keys()
    assert set(crop_shift.crops_numbers([]).values()) == {"pending", "–"}
    assert crop_shift.crops_numbers([], local_net(records[-1]))["range-local"] == "10.5"


def test_locality_is_judged_by_both_measures():
    records = find_study("table2").stored("desk", STORE)
    assert verdict(figure4._more_local_than_sgd(records)) == "holds"
    one = [r for r in records if r.config.seed == 0]
    found = figure4._more_local_than_sgd(one)
    assert verdict(found) == "seen in one run"
    assert found.value.startswith(f"window {tables.signed(found.evidence)} ")
    wide = [dataclasses.replace(r, final=r.final | {"locality": r.final["locality"] | {
        "spread": {"excess_mean": 1.0 if r.config.beta else r.config.seed / 9}}})
        for r in records]  # fmt: skip
    assert figure4._more_local_than_sgd(wide).said == "depends on the measure"
    sparse = [r for r in records if r.config.beta == 50]
    same = [dataclasses.replace(r, config=r.config.replace(
        optimizer="sgd", l1=0.0, beta=0.0)) for r in sparse]  # fmt: skip
    assert verdict(figure4._more_local_than_sgd([*sparse, *same])) == "undecided"
    none = {name: {"excess_mean": None} for name in ("window_mass", "spread", "morans_i")}
    dead = [dataclasses.replace(r, final=r.final | {"locality": none}) for r in records]
    for judge in (figure4._more_local_than_sgd, figure4._local_filters):
        assert judge(dead).said == "not measurable: too few weights"
    conv = [r for r in records if r.config.model == "s-local"]
    sgd = [r for r in records if method(r.config) == SGD]
    as_sparse = [
        dataclasses.replace(r, config=r.config.replace(
            model="s-fc", optimizer="beta-lasso", l1=2e-5, beta=50.0)) for r in conv
    ]  # fmt: skip
    found = figure4._more_local_than_sgd([*as_sparse, *sgd])
    assert verdict(found) == "holds"  # patches are local, though not smooth
