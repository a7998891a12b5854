"""A folder of data of its own, and small images in place of the official ones."""

import pytest
from helpers.small_images import official_arrays, pin


@pytest.fixture
def folder(monkeypatch, tmp_path):
    path = tmp_path / "data"
    monkeypatch.setenv("LCS_DATA", str(path))
    return path


@pytest.fixture
def arrays(monkeypatch, folder):
    arrays = official_arrays()
    pin(monkeypatch, "cifar10", arrays)
    return arrays
