"""Fixtures of several files: a clock that stands still."""

import pytest


@pytest.fixture
def time(monkeypatch):
    """The time of a budget, in seconds, which moves when a test moves it."""
    now = [1000.0]
    monkeypatch.setattr("lcs.train.loop.time.monotonic", lambda: now[0])
    return now
