"""Workers that start at once, and a scheduler that does not wait, for all tests of studies."""

import pytest

from lcs.study import scheduler


@pytest.fixture
def quick_start(monkeypatch, forkserver):
    """Workers from a server that has imported torch once."""
    monkeypatch.setattr(
        "lcs.study.executors.multiprocessing.get_context", {"spawn": forkserver}.get
    )


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(scheduler, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(scheduler, "PROGRESS_SECONDS", 1000)
