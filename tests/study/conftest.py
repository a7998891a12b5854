"""A scheduler that does not wait, for all tests of studies."""

import pytest

from lcs.study import scheduler


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(scheduler, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(scheduler, "PROGRESS_SECONDS", 1000)
