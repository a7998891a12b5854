"""Errors of others in messages of one line, and what was meant by an unknown name."""

import pytest

from lcs.errors import did_you_mean, one_line, shown


@pytest.mark.parametrize(
    ("text", "line"), [("two\n  lines", "two lines"), ("", "OSError"), ("a" * 161, "a" * 159 + "…")]
)
def test_what_an_error_says_is_one_line(text, line):
    assert one_line(OSError(text)) == line


def test_any_value_is_shown_in_a_line():
    for value in ("a\nb" * 100, "\x1b[31m"):
        assert shown(value).isprintable()
        assert len(shown(value)) <= 60


def test_what_was_meant():
    known = ["beta-lasso", "proximal-l1", "sgd"]
    assert did_you_mean("Beta_LASSO", known) == "; did you mean beta-lasso?"
    assert did_you_mean("adam", known) == did_you_mean(None, known) == ""
