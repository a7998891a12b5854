"""The status page: what is done and what the rest costs, by setting."""

import dataclasses
import functools

from helpers.made_up_records import Memory, made_up

from lcs import cost
from lcs.exhibits import EXHIBITS, exhibit, find_study, status
from lcs.exhibits.shared.settings import PAPER_LENGTH, PAPER_SHORT, PAPER_WHOLE

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


EMPTY = Memory()


@functools.cache
def progress(store):
    return status.progress(store)


def pending(store):
    return status.pending_table(progress(store), store)


def done(store):
    return status.done_table(progress(store))


def numbers(store):
    return status.numbers(progress(store), store)


def row(table, command):
    (found,) = [row for row in table.rows if row[-1] == f"`.venv/bin/lcs study {command}`"]
    return dict(zip(table.columns, found, strict=True))


def test_every_study_is_done_or_pending_at_each_scale():
    begun = Memory(timed("figure3"))
    studies = [study for name in EXHIBITS for study in exhibit(name).STUDIES]
    count = sum(len(study.scales) - 1 for study in studies) + 1
    assert len(pending(EMPTY).rows) == count
    assert not done(EMPTY).rows
    assert len(pending(begun).rows) + len(done(begun).rows) == count
    settings = [row[1] for row in pending(EMPTY).rows]
    assert set(settings) == {study.setting.name for study in studies} | {"paper"}
    at_size = {"paper", *(one.name for one in (PAPER_LENGTH, PAPER_SHORT, PAPER_WHOLE))}
    largest = [setting in at_size for setting in settings]
    assert sorted(largest) == largest, "the largest scale is last"


def test_no_two_studies_have_one_name():
    names = [study.name for name in EXHIBITS for study in exhibit(name).STUDIES]
    assert sorted(names) == sorted(set(names))


def test_a_finished_study_and_one_more_seed():
    found = row(done(Memory(timed("figure3"))), "figure3")
    assert (found["runs"], found["time"]) == ("20", "10.0 h")
    more = done(Memory(timed("figure3", seeds=6)))
    assert row(more, "figure3")["runs"] == "24"


def test_missing_runs_cost_what_stored_ones_took():
    table = pending(Memory(timed("figure3")[:-2]))
    found = row(table, "figure3")
    assert (found["runs missing"], found["two cores"]) == ("2 of 20", "1.0 h")
    assert found["one GPU"] == "time unknown"


def test_on_a_gpu_the_time_is_said_once_a_run_on_one_is_stored():
    wide = find_study("figure3").configs("paper", 1)[:1]
    unknown = row(pending(EMPTY), "figure3 --scale paper")
    assert (unknown["two cores"], unknown["one GPU"]) == ("–", "time unknown")
    on_gpu = dataclasses.replace(made_up(wide[0], 80), provenance=ORIGIN | {"device": "cuda"})
    known = row(pending(Memory([on_gpu])), "figure3 --scale paper")
    assert known["one GPU"] == "1.5 h"


def test_a_time_that_is_not_known_is_not_small(monkeypatch):
    monkeypatch.setattr(cost.Pace, "seconds", lambda *_: None)
    found = row(pending(EMPTY), "figure3")
    assert found["two cores"] == found["one GPU"] == "time unknown"
    assert numbers(EMPTY)["status-cost"] == "time unknown"


def test_runs_that_studies_share_are_counted_once():
    words = numbers(EMPTY)
    every = [one for one in progress(EMPTY) if one.scale == "desk"]
    assert int(words["status-missing"]) < sum(len(one.lacking) for one in every)
    assert int(words["status-pending"]) == len(every)
    assert numbers(Memory(timed("figure3", seeds=1)))["status-hours"] == "2.0 h"
