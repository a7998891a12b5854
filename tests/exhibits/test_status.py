"""Which studies the page Status calls done and pending, in which order."""

import dataclasses

from helpers.made_up_records import Memory, made_up

from lcs.exhibits import EXHIBITS, exhibit, find_study, status
from lcs.exhibits.shared.settings import PAPER_LENGTH, PAPER_SHORT, PAPER_WHOLE


def stored(name, seeds=None):
    runs = [made_up(config, 50) for config in find_study(name).configs("desk", seeds)]
    return [dataclasses.replace(run, provenance={"seconds": 1800.0}) for run in runs]


def row(store, command):
    (found,) = [
        one for one in status.progress(store) if one.command == f"`.venv/bin/lcs study {command}`"
    ]
    return found


def test_every_study_is_pending_at_each_scale_the_largest_last():
    every = status.progress(Memory())
    studies = [study for name in EXHIBITS for study in exhibit(name).STUDIES]
    assert len(every) == sum(len(study.scales) - 1 for study in studies) + 1
    assert all(each.pending for each in every)
    settings = [each.study.setting.label(each.scale) for each in every]
    at_size = {"paper", *(one.name for one in (PAPER_LENGTH, PAPER_SHORT, PAPER_WHOLE))}
    largest = [setting in at_size for setting in settings]
    assert sorted(largest) == largest


def test_a_study_is_done_once_none_of_its_runs_is_missing():
    runs = stored("figure3")
    found = row(Memory(runs[:-2]), "figure3")
    assert (found.pending, len(found.done), len(found.lacking)) == (True, 18, 2)
    assert not row(Memory(runs), "figure3").pending
    more = row(Memory(stored("figure3", seeds=6)), "figure3")
    assert (more.pending, len(more.done)) == (False, 24), "one more seed counts"
