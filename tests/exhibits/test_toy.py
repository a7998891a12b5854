"""The forum's claims about the toy LASSO, judged by its record."""

import dataclasses

import pytest

from lcs.analysis.claims import CONTRADICTED, HOLDS
from lcs.analysis.runs import frame
from lcs.exhibits import toy
from lcs.runs import BOOK_RUNS, RunStore
from lcs.toy import experiment

ALMOST_ALWAYS, CAN_MISS = toy.CLAIMS.values()


@pytest.fixture(scope="module")
def desk():
    """The experiment that the book shows."""
    return RunStore(BOOK_RUNS).find(experiment.DESK)


def with_shares(record, share):
    """The record as if each setting had recovered this share of its problems, by β and λ."""
    cells = dict(record.final["cells"])
    cells["recovered"] = [share(*pair) for pair in zip(cells["beta"], cells["l1"], strict=True)]
    return dataclasses.replace(record, final=record.final | {"cells": cells})


@pytest.mark.parametrize(
    ("share", "one", "larger"),
    [
        (lambda beta, l1: 1.0, HOLDS, CONTRADICTED),
        (lambda beta, l1: 1.0 if l1 < 0.1 else 0.5, f"{HOLDS} for small λ only", HOLDS),
        (lambda beta, l1: 1.0 if beta == 50 else 0.5, CONTRADICTED, CONTRADICTED),
    ],
)
def test_claims_are_judged_by_the_worst_penalty(desk, share, one, larger):
    runs = frame([with_shares(desk, share)])
    assert ALMOST_ALWAYS.judge(runs).said == one
    assert CAN_MISS.judge(runs).said == larger


def test_record_is_small(desk):
    assert desk.path.stat().st_size < 300_000
    assert desk.provenance["unmodified"]
