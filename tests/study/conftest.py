"""For all tests of studies: a scheduler that does not wait, and one thread, as a worker has."""

import pytest
import torch

from lcs.study import scheduler


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(scheduler, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(scheduler, "PROGRESS_SECONDS", 1000)


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
