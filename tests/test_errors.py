"""Errors of others in messages of one line."""

import pytest

from lcs.errors import one_line, shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\n  lines", "two lines"),
        ("", "OSError"),
        ("a" * 160, "a" * 160),
        ("\x1b[31m\ud800", r"\x1b[31m\ud800"),
        ("a" * 161, "a" * 159 + "…"),
        ("no file " + "/folder" * 40, ("no file " + "/folder" * 40)[:159] + "…"),
    ],
)
def test_what_an_error_says_is_one_line(text, line):
    """A long word, as a path is, hides nothing of what comes before it."""
    assert one_line(OSError(text)) == line


def test_any_value_is_shown_in_a_line():
    for value in (10**5000, [10**5000], "a\nb" * 100, "\x1b[31m"):
        assert shown(value).isprintable()
        assert len(shown(value)) <= 60
