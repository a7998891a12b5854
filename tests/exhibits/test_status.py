"""Which studies the page Status calls done and pending, in which order."""

from helpers.made_up_records import Memory, made_up

from lcs.exhibits import by_chapter, find_study, status
from lcs.exhibits.shared.settings import PAPER_LENGTH, PAPER_SHORT, PAPER_WHOLE


def test_every_study_is_pending_at_each_scale_the_largest_last():
    every = status.progress(Memory())
    assert len(every) == sum(len(study.scales) - 1 for _, study in by_chapter()) + 1
    assert all(each.pending for each in every)
    settings = [each.study.setting.label(each.scale) for each in every]
    at_size = {"paper", *(one.name for one in (PAPER_LENGTH, PAPER_SHORT, PAPER_WHOLE))}
    largest = [setting in at_size for setting in settings]
    assert sorted(largest) == largest


def test_a_study_is_done_once_none_of_its_runs_is_missing(monkeypatch):
    study = find_study("figure3")
    monkeypatch.setattr(status, "by_chapter", lambda: [("figure3", study)])
    runs = [made_up(config, 50) for config in study.configs("desk", 6)]
    five = [run for run in runs if run.config.seed < 5]
    for known, expected in (
        (five, (False, 20, 0)),
        (five[1:], (True, 19, 1)),
        (runs, (False, 24, 0)),  # one more seed counts
    ):
        (found,) = (
            one
            for one in status.progress(Memory(known))
            if one.command == "`.venv/bin/lcs study figure3`"
        )
        assert (found.pending, len(found.done), len(found.lacking)) == expected
