"""Errors of others in messages of one line."""

import pytest

from lcs.errors import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\n  lines", "two lines"),
        ("", "OSError"),
        ("a" * 160, "a" * 160),
        ("a" * 161, "a" * 159 + "…"),
        ("no file " + "/folder" * 40, ("no file " + "/folder" * 40)[:159] + "…"),
    ],
)
def test_what_an_error_says_is_one_line(text, line):
    """A long word, as a path is, hides nothing of what comes before it."""
    assert one_line(OSError(text)) == line
