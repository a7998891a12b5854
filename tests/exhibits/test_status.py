"""The status page: what is done and what the rest costs, by setting."""

import dataclasses

from made_up import Memory, made_up

from lcs import cost
from lcs.exhibits import EXHIBITS, exhibit, find_study, status

ORIGIN = {
    "device": "cpu",
    "seconds": 1800.0,
    "commit": "0123456789abcdef",
    "unmodified": True,
    "packages": {"torch": "2.12.1"},
    "hardware": "a processor",
}


def timed(name, scale="desk", seeds=None):
    configs = find_study(name).configs(scale, seeds)
    return [dataclasses.replace(made_up(c, 50), provenance=ORIGIN) for c in configs]


def row(table, command):
    (found,) = [row for row in table.rows if row[-1] == f"`.venv/bin/lcs study {command}`"]
    return dict(zip(table.columns, found, strict=True))


def test_every_study_has_a_row_for_each_scale():
    table = status.studies_table(Memory())
    studies = [study for name in EXHIBITS for study in exhibit(name).STUDIES]
    assert len(table.rows) == sum(len(study.scales) - 1 for study in studies) + 1
    assert {row[2] for row in table.rows} == {study.setting.name for study in studies} | {"paper"}
    assert all("pending" in row[3] for row in table.rows)


def test_no_two_studies_have_one_name():
    names = [study.name for name in EXHIBITS for study in exhibit(name).STUDIES]
    assert sorted(names) == sorted(set(names))


def test_a_finished_study_and_one_more_seed():
    table = status.studies_table(Memory(timed("figure3")))
    found = row(table, "figure3 --scale desk")
    assert (found["state"], found["cost"]) == ("done: 20 runs", "10.0 h")
    more = status.studies_table(Memory(timed("figure3", seeds=6)))
    assert row(more, "figure3 --scale desk")["state"] == "done: 24 runs"


def test_missing_runs_cost_what_stored_ones_took():
    table = status.studies_table(Memory(timed("figure3")[:-2]))
    found = row(table, "figure3 --scale desk")
    assert found["state"] == "2 of 20 runs missing; [pending: not run yet]{.pending}"
    flops = 2 * find_study("figure3").flops(find_study("figure3").configs("desk")[0])
    assert found["cost"] == f"{flops / 1e14:.1f} · 10¹⁴ operations, about 1.0 h"
    wide = row(table, "figure3 --scale paper")
    assert wide["state"] == "[pending: needs a GPU]{.pending}"
    assert wide["cost"].endswith(" min or more on an H200")


def test_a_time_that_is_not_known_is_not_small(monkeypatch):
    monkeypatch.setattr(cost.Pace, "seconds", lambda *_: None)
    found = row(status.studies_table(Memory()), "figure3 --scale desk")
    assert found["cost"].endswith("operations, time unknown")


def test_where_records_come_from():
    records = timed("figure3", seeds=1)
    records[0] = dataclasses.replace(
        records[0], provenance=ORIGIN | {"commit": None, "unmodified": None}
    )
    assert status.provenance_table(Memory(records)).rows == [
        ["`0123456789`", "unmodified", "2.12.1", "a processor", "3"],
        ["`unknown`", "unknown", "2.12.1", "a processor", "1"],
    ]


def test_records_are_read_once():
    class Counted(Memory):
        reads = 0

        def records(self):
            self.reads += 1
            return super().records()

        def find(self, config):
            raise AssertionError("read one by one")

    store = Counted(timed("figure3", seeds=1))
    status.studies_table(store)
    assert store.reads == 1
