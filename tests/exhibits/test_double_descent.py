"""Which courses show a double descent, by the criterion of the page."""

import dataclasses

import numpy as np
import pytest
from helpers.made_up_records import Memory, made_up

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.exhibits import double_descent
from lcs.exhibits.double_descent import descent

EPOCHS = list(range(1, 10))
NOISE = np.array([[-0.1], [0.0], [0.1]])


def course(*values):
    """Three seeds with the same course, apart from their level."""
    return np.array([values]) + NOISE


@pytest.mark.parametrize(
    ("values", "places", "drop", "recovery", "double"),
    [
        ((40, 50, 52, 49, 45, 47, 51, 53, 54), (3, 5), 7, 2, True),
        ((40, 50, 52, 49, 45, 47, 51, 51, 50), (3, 5), 7, -1, False),  # not above
        ((40, 50, 52, 51.5, 52, 53, 54, 55, 56), (3, 4), 0.5, 4, False),  # hardly a drop
        ((40, 41, 42, 43, 44, 45, 46, 47, 48), (1, 1), 0, 8, False),
        # a double descent counts before a larger drop at the end
        ((40, 50, 52, 49, 45, 47, 53, 40, 30), (3, 5), 7, 1, True),
    ],
)
def test_a_double_descent_drops_and_rises_above(values, places, drop, recovery, double):
    found = descent(EPOCHS, course(*values), 1.0)
    assert found[:2] == places
    assert found.drop.mean == pytest.approx(drop)
    assert found.recovery.mean == pytest.approx(recovery)
    assert found.is_double(1.0) == double


def test_what_lies_within_the_scatter_is_none():
    values = np.array([[50, 48, 51, 51], [50, 52, 53, 57], [50, 44, 49, 45]], dtype=float)
    found = descent([1, 2, 3, 4], values, 1.0)
    assert found.drop.mean == pytest.approx(2)
    assert not found.is_double(1.0)


def test_one_seed_is_never_a_double_descent():
    assert not descent(EPOCHS, course(40, 50, 52, 49, 45, 47, 51, 53, 54)[:1], 1.0).is_double(1.0)


def test_a_window_longer_than_the_course_is_refused():
    run = made_up(Config(), 50.0)
    run = dataclasses.replace(run, history={"epoch": [1, 2, 3], "test_accuracy": [0.1, 0.2, 0.3]})
    runs = {"no augmentation": [run]}
    assert double_descent.descents(runs, 3, 1.0)
    for window in (0, 4):
        with pytest.raises(ConfigError, match=f"window: {window} is out of range; give 1 to 3"):
            double_descent.descents(runs, window, 1.0)


def test_without_runs_the_page_says_so():
    runs = double_descent.runs_by_setting(Memory())
    assert "lcs study table2" in double_descent.descent_table(runs, 10, 1.0).rows[0][0]
    assert double_descent.numbers(runs, 10, 1.0)["drop-sgd"] == "pending"
    figure = double_descent.course_figure(runs, 10)
    assert "pending" in figure.axes[0].texts[0].get_text()
